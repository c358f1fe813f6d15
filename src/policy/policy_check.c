/* policy_check.c: contradictions between members that are each right on their own. Every text says
 * what to change. */
#include <string.h>

#include "base/path.h"
#include "policy/duration.h"
#include "policy/policy.h"

static bool check_pair(const struct policy *policy, struct error *error)
{
    if (strcmp(policy->pair.primary, policy->pair.secondary) == 0)
        return error_set(error, ERROR_INVALID,
                         "pair.primary and pair.secondary are both '%s': name two clusters",
                         policy->pair.primary);
    return true;
}

/* text of both durations in one complaint. */
static bool refuse_times(struct error *error, const char *what, int64_t us, const char *against,
                         int64_t against_us)
{
    char text[DURATION_TEXT_SIZE], against_text[DURATION_TEXT_SIZE];
    duration_format(us, text);
    duration_format(against_us, against_text);
    return error_set(error, ERROR_INVALID,
                     "%s (%s) must be shorter than %s (%s): change one of them", what, text,
                     against, against_text);
}

static bool check_times(const struct policy *policy, struct error *error)
{
    const struct schedule_rule *schedule = &policy->schedule;
    /* Cron has no finer grain than a minute. */
    int64_t period_us =
        schedule->period == SCHEDULE_CRON ? (int64_t)60 * 1000000 : schedule->every_us;
    if (schedule->period != SCHEDULE_ONCE && schedule->lead_us >= period_us)
        return refuse_times(error, "lead_time", schedule->lead_us, "the period", period_us);
    if (schedule->period != SCHEDULE_ONCE && schedule->grace_us >= period_us)
        return refuse_times(error, "grace", schedule->grace_us, "the period", period_us);
    if (policy->hooks.before.argument_count > 0 &&
        policy->hooks.before.timeout_us >= schedule->lead_us)
        return refuse_times(error, "hooks.before.timeout", policy->hooks.before.timeout_us,
                            "lead_time", schedule->lead_us);
    return true;
}

static bool check_group(const struct policy *policy, struct error *error)
{
    const struct group *group = &policy->group;
    for (size_t i = 0; i < group->data_set_count; i++)
        for (size_t j = 0; j < group->data_set_count; j++) {
            const struct data_set *inner = &group->data_sets[i], *outer = &group->data_sets[j];
            if (i != j && strcmp(inner->instance, outer->instance) == 0 &&
                path_is_under(inner->path, outer->path))
                return error_set(error, ERROR_INVALID,
                                 "data set %s:%s lies in data set %s:%s: leave the first one out",
                                 inner->instance, inner->path, outer->instance, outer->path);
        }
    if (group->include_count > 0 && group->selector_count == 0)
        return error_set(error, ERROR_INVALID,
                         "group.include narrows 'select' and 'all', and the group has neither: "
                         "leave it out");
    return true;
}

static bool group_may_have_instance(const struct group *group, const char *instance)
{
    for (size_t i = 0; i < group->data_set_count; i++)
        if (strcmp(group->data_sets[i].instance, instance) == 0)
            return true;
    for (size_t i = 0; i < group->selector_count; i++)
        if (group->selectors[i].instance == NULL ||
            strcmp(group->selectors[i].instance, instance) == 0)
            return true;
    return false;
}

static bool check_map(const struct policy *policy, struct error *error)
{
    for (size_t i = 0; i < policy->target_map.rule_count; i++) {
        const struct target_rule *rule = &policy->target_map.rules[i];
        if (!group_may_have_instance(&policy->group, rule->instance))
            return error_set(error, ERROR_INVALID,
                             "target_map maps instance '%s', of which the group has no data set: "
                             "correct the name or leave the rule out",
                             rule->instance);
    }
    return true;
}

bool policy_check(const struct policy *policy, struct error *error)
{
    return check_pair(policy, error) && check_times(policy, error) && check_group(policy, error) &&
           check_map(policy, error);
}
