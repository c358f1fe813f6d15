/* crash.h: named points at which a test ends the process as kill -9 would. The names are the ones
 * of the crash matrix (doc/crash-points.md); COEVAL_CRASH_AT="agent.commit.parked" or, for the
 * third passage, "agent.commit.parked:3". COEVAL_CRASH_SIGNAL=TERM: it is asked to end instead,
 * there and then. Compiled out with -Dcrash_points=false. */
#ifndef COEVAL_BASE_CRASH_H
#define COEVAL_BASE_CRASH_H

/* scope tells embedded agents of one process apart (the cluster's name); NULL where there is none.
 * COEVAL_CRASH_SCOPE restricts the crash to one scope. */
void crash_point(const char *name, const char *scope);

#endif
