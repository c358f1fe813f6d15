/* policy.c: names, lifetime and small questions of a policy. */
#include "policy/policy.h"

#include "base/check.h"
#include "policy/policy_parts.h"

#define NAMES(variable, ...)                                     \
    static const char *const variable##_names[] = {__VA_ARGS__}; \
    const struct policy_names variable = {variable##_names, ARRAY_LENGTH(variable##_names)}

NAMES(policy_directions, "pull", "push");
NAMES(policy_modes, "incremental", "full");
NAMES(policy_grades, "atomic", "quiesced", "bounded", "fuzzy");
NAMES(policy_skew_actions, "fail", "retry", "accept");
NAMES(policy_adopts, "empty", "compare");
NAMES(policy_toucheds, "refuse", "restore");
NAMES(policy_hold_actions, "release", "keep");
NAMES(policy_overruns, "skip", "coalesce");
NAMES(policy_misseds, "run-once", "skip");

const char *policy_direction_name(enum policy_direction direction)
{
    CHECK((size_t)direction < policy_directions.count);
    return policy_directions.names[direction];
}

const char *policy_mode_name(enum policy_mode mode)
{
    CHECK((size_t)mode < policy_modes.count);
    return policy_modes.names[mode];
}

void policy_fini(struct policy *policy)
{
    arena_fini(&policy->arena);
    *policy = (struct policy){.name = NULL};
}

bool policy_removes_too_much(const struct policy *policy, uint64_t removed, uint64_t existing)
{
    if (!policy->max_removed.is_percent)
        return removed > policy->max_removed.value;
    CHECK(policy->max_removed.value <= 100);
    if (removed <= POLICY_REMOVED_FLOOR)
        return false;
    CHECK(removed <= UINT64_MAX / 100 && existing <= UINT64_MAX / 100);
    return removed * 100 > existing * policy->max_removed.value;
}
