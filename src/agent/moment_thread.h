/* moment_thread.h: one thread per moment of a service. It holds the prepared moments of the stores,
 * sleeps on an absolute timerfd, fires, and exits; nothing in it allocates, resolves or
 * authenticates. Firing may wait (for a barrier, for a NameNode), so services that share T share no
 * thread. Everything here but the thread itself is called on the loop thread. */
#ifndef COEVAL_AGENT_MOMENT_THREAD_H
#define COEVAL_AGENT_MOMENT_THREAD_H

#include "agent/task.h"

#define MOMENTS_PER_SERVICE_MAX 16

enum moment_outcome {
    MOMENT_FIRED,
    MOMENT_DISARMED, /* before T */
    MOMENT_MISSED    /* the clock was past T + grace when the thread came to it */
};

/* One service's part: the moments of its stores, barriers first. Owned by the task. */
struct armed {
    struct moment_thread *thread; /* until done */
    struct task *task;
    const struct component *components[MOMENTS_PER_SERVICE_MAX];
    struct moment *moments[MOMENTS_PER_SERVICE_MAX];
    size_t moment_count;
    int64_t t_us;
    int64_t grace_us;
    /* set by the thread before it reports: */
    enum moment_outcome outcome;
    int64_t fired_us; /* CLOCK_REALTIME just before the first request left */
    loop_fn *done;    /* on the loop, once */
    void *context;
    bool disarmed; /* under the thread's mutex */
    bool started;  /* under the thread's mutex: firing, no way back */
};

/* Starts its thread. False: none could be made. */
bool moment_thread_arm(struct agent *agent, struct armed *armed, struct error *error);
/* True: it will not fire (done comes with DISARMED); false: it fires or has fired. */
bool moment_thread_disarm(struct armed *armed);

#endif
