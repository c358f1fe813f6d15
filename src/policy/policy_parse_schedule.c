/* policy_parse_schedule.c: the members of a policy that say when its epochs begin. */
#include <string.h>

#include "base/check.h"
#include "base/timestamp.h"
#include "policy/duration.h"
#include "policy/policy_parts.h"

/* Single spaces between the fields, so that two writings of one expression compare equal. */
static const char *tidy_spaces(const char *text, struct arena *arena)
{
    char *tidy = arena_new(arena, strlen(text) + 1), *end = tidy;
    for (; *text != '\0'; text++) {
        bool is_space = *text == ' ' || *text == '\t';
        if (!is_space)
            *end++ = *text;
        else if (end != tidy && end[-1] != ' ')
            *end++ = ' ';
    }
    if (end != tidy && end[-1] == ' ')
        end[-1] = '\0';
    return tidy;
}

static bool parse_cron(const struct node *period, struct arena *arena,
                       struct schedule_rule *schedule, struct error *error)
{
    static const char *const keys[] = {"cron", "zone"};
    struct node cron, zone;
    const char *text;
    if (!node_check_keys(period, keys, ARRAY_LENGTH(keys), error) ||
        !node_require(period, "cron", &cron, error) || !node_string(&cron, &text, error) ||
        !read_text(period, "zone", arena, &schedule->zone_name, error))
        return false;
    if (!cron_parse(text, &schedule->cron, error))
        return refuse_because(&cron, error);
    zone = node_member(period, "zone");
    if (!zone_name_is_clean(schedule->zone_name))
        return node_refuse(&zone, error, "'%.70s' is not the name of a zone, as in Europe/Berlin",
                           schedule->zone_name);
    schedule->cron_text = tidy_spaces(text, arena);
    schedule->period = SCHEDULE_CRON;
    return true;
}

static bool parse_period(const struct node *root, struct arena *arena,
                         struct schedule_rule *schedule, struct error *error)
{
    struct node period;
    const char *text;
    if (!node_require(root, "period", &period, error))
        return false;
    if (json_is_object(period.value))
        return parse_cron(&period, arena, schedule, error);
    if (!node_string(&period, &text, error))
        return false;
    if (strcmp(text, "none") == 0) {
        schedule->period = SCHEDULE_ONCE;
        return true;
    }
    schedule->period = SCHEDULE_EVERY;
    return duration_parse(text, &schedule->every_us, error) || refuse_because(&period, error);
}

static bool parse_first(const struct node *root, struct schedule_rule *schedule,
                        struct error *error)
{
    struct node first = node_member(root, "t0");
    const char *text;
    schedule->first = schedule->period == SCHEDULE_CRON ? SCHEDULE_FIRST_NEXT : SCHEDULE_FIRST_NOW;
    if (first.value == NULL)
        return true;
    if (!node_string(&first, &text, error))
        return false;
    if (strcmp(text, "next") == 0 && schedule->period == SCHEDULE_ONCE)
        return node_refuse(&first, error, "t0 'next' needs a period; 'now' begins at once");
    schedule->first = strcmp(text, "now") == 0    ? SCHEDULE_FIRST_NOW
                      : strcmp(text, "next") == 0 ? SCHEDULE_FIRST_NEXT
                                                  : SCHEDULE_FIRST_AT;
    if (schedule->first != SCHEDULE_FIRST_AT)
        return true;
    return timestamp_parse(text, &schedule->first_us, error) || refuse_because(&first, error);
}

/* A short period must not contradict times that nobody wrote. */
static void fit_defaults(struct schedule_rule *schedule)
{
    int64_t half_us = schedule->every_us / 2;
    if (schedule->period != SCHEDULE_EVERY)
        return;
    if (schedule->lead_us > half_us)
        schedule->lead_us = half_us;
    if (schedule->grace_us > half_us)
        schedule->grace_us = half_us;
}

bool parse_schedule(const struct node *root, struct arena *arena, struct schedule_rule *schedule,
                    struct error *error)
{
    int overrun = (int)schedule->overrun, missed = (int)schedule->missed;
    if (!parse_period(root, arena, schedule, error))
        return false;
    fit_defaults(schedule);
    if (!parse_first(root, schedule, error) ||
        !read_choice(root, "overrun", &policy_overruns, &overrun, error) ||
        !read_choice(root, "missed", &policy_misseds, &missed, error) ||
        !read_duration(root, "lead_time", &schedule->lead_us, error) ||
        !read_duration(root, "grace", &schedule->grace_us, error))
        return false;
    schedule->overrun = (enum schedule_overrun)overrun;
    schedule->missed = (enum schedule_missed)missed;
    return true;
}
