/* precedence.h: which orders may act, and beside which others. An order's place among those of its
 * epoch is told by what it says of itself, never by when it came: (generation, attempt, row, try),
 * rows in the order of src/epoch/DESIGN. So a late one is known as late whoever sends it, also when
 * the device has lost its journal and counts anew. All on the loop. */
#ifndef COEVAL_AGENT_PRECEDENCE_H
#define COEVAL_AGENT_PRECEDENCE_H

#include "agent/task.h"

/* False: FENCED (a newer generation was seen), CONFLICT (a later order of the epoch was accepted
 * here, and has not failed), CANCELED or UNAVAILABLE (a snapshot whose attempt is disarmed). */
bool precedence_admits(struct agent *agent, const struct instruction *instruction,
                       struct error *error);
/* The first of these alone: also for an order that is known. */
bool precedence_admits_generation(struct agent *agent, const struct instruction *instruction,
                                  struct error *error);
/* Something runs that must have ended first: of an older generation, of the same epoch, or of the
 * same kind where only one may run for a service. */
bool precedence_must_wait(const struct task *task);
/* Every task of an older generation of the pair is asked to stop, and ends as FENCED. */
void precedence_fence(struct agent *agent, const char *pair, int64_t generation);
/* A stage of what ends an epoch: asks the earlier orders of it to stop. False: none is left. */
bool precedence_stop_earlier(struct task *task);

/* A disarm of this attempt was answered "not fired": its snapshot must never be taken. */
bool agent_is_disarmed(struct agent *agent, const struct instruction *instruction);

#endif
