/* wanted.h: the snapshot roots that a policy's data sets need on both clusters, chosen together
 * with those of every other service (policy/roots.h decides). */
#ifndef COEVAL_CONTROL_WANTED_H
#define COEVAL_CONTROL_WANTED_H

#include "control/control_private.h"
#include "policy/roots.h"

/* Parallel arrays in the caller's arena. */
struct wanted {
    struct control *control;
    struct root_want *wants;
    bool *is_target;
    const char **roots; /* chosen for each */
    size_t count;
};

/* Named data sets and the prefixes of selectors. Refuses nested roots, and targets that overlap
 * with those of another service (or of this one). */
bool wanted_choose(struct control *control, const struct policy *policy, struct arena *arena,
                   struct wanted *ret_wanted, struct error *error);

/* The second refusal alone: of targets that overlap, or lie where a service is backed up from. */
bool wanted_check_others(struct control *control, const struct policy *policy,
                         const struct wanted *wanted, struct arena *arena, struct error *error);
/* Only which places the policy names, without roots; wanted->control is set. */
void wanted_collect(const struct policy *policy, struct arena *arena, struct wanted *wanted);

#endif
