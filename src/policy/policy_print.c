/* policy_print.c: the canonical JSON of a policy: every key, every default, one form per value.
 * What it prints, policy_parse() reads back to the same policy. */
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "policy/duration.h"
#include "policy/policy_parts.h"

static void set_duration(json_t *object, const char *key, int64_t us)
{
    char text[DURATION_TEXT_SIZE];
    duration_format(us, text);
    json_set_string(object, key, text);
}

static void set_choice(json_t *object, const char *key, const struct policy_names *names, int index)
{
    CHECK((size_t)index < names->count);
    json_set_string(object, key, names->names[index]);
}

static json_t *print_texts(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_append_take(list, json_string(texts[i]));
    return list;
}

static json_t *print_data_sets(const struct group *group)
{
    json_t *list = json_array();
    for (size_t i = 0; i < group->data_set_count; i++)
        json_append_take(
            list, json_sprintf("%s:%s", group->data_sets[i].instance, group->data_sets[i].path));
    return list;
}

/* `all` reads back what has neither owner nor prefix. */
static void print_selectors(json_t *object, const struct group *group)
{
    json_t *select = json_array(), *all = json_array();
    bool everything = false;
    for (size_t i = 0; i < group->selector_count; i++) {
        const struct group_selector *selector = &group->selectors[i];
        json_t *entry = json_object();
        if (selector->instance != NULL)
            json_set_string(entry, "instance", selector->instance);
        if (selector->owner != NULL)
            json_set_string(entry, "owner", selector->owner);
        if (selector->prefix != NULL)
            json_set_string(entry, "prefix", selector->prefix);
        if (selector->owner != NULL || selector->prefix != NULL) {
            json_append_take(select, entry);
            continue;
        }
        everything = everything || selector->instance == NULL;
        if (selector->instance != NULL)
            json_append_take(all, json_string(selector->instance));
        json_decref(entry);
    }
    json_set_take(object, "select", select);
    if (everything) {
        json_set_boolean(object, "all", true);
        json_decref(all);
    } else {
        json_set_take(object, "all", all);
    }
}

static json_t *print_group(const struct group *group)
{
    json_t *object = json_object();
    json_set_take(object, "data_sets", print_data_sets(group));
    print_selectors(object, group);
    json_set_take(object, "include", print_texts(group->include, group->include_count));
    json_set_take(object, "exclude", print_texts(group->exclude, group->exclude_count));
    json_set_boolean(object, "default_excludes", group->default_excludes);
    return object;
}

static void print_schedule(json_t *object, const struct schedule_rule *schedule)
{
    static const char *const firsts[] = {
        [SCHEDULE_FIRST_NOW] = "now", [SCHEDULE_FIRST_NEXT] = "next"};
    char first[TIMESTAMP_TEXT_SIZE];
    if (schedule->first == SCHEDULE_FIRST_AT)
        timestamp_format(schedule->first_us, first);
    json_set_string(object, "t0",
                    schedule->first == SCHEDULE_FIRST_AT ? first : firsts[schedule->first]);
    if (schedule->period == SCHEDULE_CRON) {
        json_t *period = json_object();
        json_set_string(period, "cron", schedule->cron_text);
        json_set_string(period, "zone", schedule->zone_name);
        json_set_take(object, "period", period);
    } else if (schedule->period == SCHEDULE_EVERY) {
        set_duration(object, "period", schedule->every_us);
    } else {
        json_set_string(object, "period", "none");
    }
    set_choice(object, "overrun", &policy_overruns, (int)schedule->overrun);
    set_choice(object, "missed", &policy_misseds, (int)schedule->missed);
    set_duration(object, "lead_time", schedule->lead_us);
    set_duration(object, "grace", schedule->grace_us);
}

static json_t *print_hold_max(const struct policy *policy)
{
    json_t *object = json_object();
    if (policy->hold_max.age_us == 0)
        json_set_string(object, "age", "none");
    else
        set_duration(object, "age", policy->hold_max.age_us);
    if (policy->hold_max.bytes != 0)
        json_set_integer(object, "bytes", (int64_t)policy->hold_max.bytes);
    set_choice(object, "action", &policy_hold_actions, (int)policy->hold_max.action);
    return object;
}

static json_t *print_side(const struct retention_rule *rule)
{
    json_t *object = json_object();
    if (rule->last != 0)
        json_set_integer(object, "last", (int64_t)rule->last);
    if (rule->age_us != 0)
        set_duration(object, "age", rule->age_us);
    return object;
}

static json_t *print_limits(const struct policy *policy)
{
    json_t *object = json_object();
    if (policy->limits.bytes_per_second != 0)
        json_set_integer(object, "bytes_per_second", (int64_t)policy->limits.bytes_per_second);
    if (policy->limits.operations_per_second != 0)
        json_set_integer(object, "operations_per_second",
                         (int64_t)policy->limits.operations_per_second);
    return object;
}

static json_t *print_map(const struct target_map *map)
{
    json_t *list = json_array();
    for (size_t i = 0; i < map->rule_count; i++) {
        json_t *rule = json_object();
        json_set_string(rule, "instance", map->rules[i].instance);
        json_set_string(rule, "from", map->rules[i].from);
        json_set_string(rule, "to_instance", map->rules[i].to_instance);
        json_set_string(rule, "to", map->rules[i].to);
        json_append_take(list, rule);
    }
    return list;
}

static void print_hook(json_t *hooks, const char *key, const struct policy_hook *hook)
{
    if (hook->argument_count == 0)
        return;
    json_t *object = json_object();
    json_set_take(object, "command", print_texts(hook->arguments, hook->argument_count));
    set_duration(object, "timeout", hook->timeout_us);
    json_set_take(hooks, key, object);
}

static json_t *print_max_skew(const struct policy *policy)
{
    json_t *object = json_object();
    set_duration(object, "limit", policy->max_skew.limit_us);
    set_choice(object, "action", &policy_skew_actions, (int)policy->max_skew.action);
    return object;
}

static void print_amounts(json_t *object, const struct policy *policy)
{
    char percent[32];
    snprintf(percent, sizeof percent, "%" PRIu64 "%%", policy->max_removed.value);
    if (policy->max_removed.is_percent)
        json_set_string(object, "max_removed", percent);
    else
        json_set_integer(object, "max_removed", (int64_t)policy->max_removed.value);
    if (policy->sweep == 0)
        json_set_string(object, "sweep", "off");
    else
        json_set_integer(object, "sweep", policy->sweep);
    if (policy->scrub_us == 0)
        json_set_string(object, "scrub", "off");
    else
        set_duration(object, "scrub", policy->scrub_us);
}

static json_t *print_pair(const struct policy *policy)
{
    json_t *pair = json_object();
    json_set_string(pair, "name", policy->pair.name);
    json_set_string(pair, "primary", policy->pair.primary);
    json_set_string(pair, "secondary", policy->pair.secondary);
    return pair;
}

json_t *policy_to_json(const struct policy *policy)
{
    json_t *object = json_object(), *retention = json_object(), *hooks = json_object();
    json_set_string(object, "apiVersion", "coeval/v1");
    json_set_string(object, "kind", "Policy");
    json_set_string(object, "name", policy->name);
    json_set_take(object, "pair", print_pair(policy));
    json_set_take(object, "group", print_group(&policy->group));
    print_schedule(object, &policy->schedule);
    set_choice(object, "direction", &policy_directions, (int)policy->direction);
    set_choice(object, "mode", &policy_modes, (int)policy->mode);
    json_set_integer(object, "executors", policy->executors);
    set_choice(object, "consistency", &policy_grades, (int)policy->consistency);
    json_set_take(object, "max_skew", print_max_skew(policy));
    print_amounts(object, policy);
    set_choice(object, "adopt", &policy_adopts, (int)policy->adopt);
    set_choice(object, "touched", &policy_toucheds, (int)policy->touched);
    json_set_take(object, "hold_max", print_hold_max(policy));
    json_set_take(retention, "source", print_side(&policy->retention.source));
    json_set_take(retention, "target", print_side(&policy->retention.target));
    json_set_take(object, "retention", retention);
    json_set_take(object, "limits", print_limits(policy));
    json_set_take(object, "target_map", print_map(&policy->target_map));
    print_hook(hooks, "before", &policy->hooks.before);
    print_hook(hooks, "after", &policy->hooks.after);
    json_set_take(object, "hooks", hooks);
    set_duration(object, "barrier_wait", policy->barrier_wait_us);
    json_set_integer(object, "retries", policy->retries);
    return object;
}
