/* simulate.h: what the schedules of several policies would do until an instant, from their present
 * states, when nothing fails and every epoch takes a given time. Pure. */
#ifndef COEVAL_POLICY_SIMULATE_H
#define COEVAL_POLICY_SIMULATE_H

#include "base/arena.h"
#include "policy/schedule.h"

#define SIMULATE_STEPS_MAX 10000

struct simulate_policy {
    const char *name;
    const struct schedule_rule *rule;
    struct schedule_state state;
    int64_t epoch_us; /* how long an epoch takes after its T; 0: no time */
};

/* An epoch that would begin, or slots that would be passed over. */
struct simulate_step {
    size_t policy; /* index */
    int64_t at_us; /* when it is decided */
    struct schedule_decision decision;
};

/* Steps in time, equal times in the order of the policies. A state that is running ends epoch_us
 * after now. *ret_more: there were more than SIMULATE_STEPS_MAX. */
void simulate(const struct simulate_policy *policies, size_t count, int64_t now_us,
              int64_t until_us, struct arena *arena, struct simulate_step **ret_steps,
              size_t *ret_count, bool *ret_more);

#endif
