/* zone_rule.c: the POSIX TZ rule at the end of a TZif file: a standard offset, and perhaps summer
 * time between two days of each year. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/timestamp.h"
#include "policy/zone.h"

#define DAY_SECONDS 86400
#define HOURS_MAX 167 /* RFC 8536 section 3.3.1 */

/* "CEST" or "<+02>": only its form matters. */
static bool take_zone_name(const char **cursor)
{
    const char *begin = *cursor;
    if (*begin == '<') {
        const char *end = strchr(begin, '>');
        *cursor = end == NULL ? begin : end + 1;
        return end != NULL;
    }
    while (isalpha((unsigned char)**cursor))
        (*cursor)++;
    return *cursor - begin >= 3;
}

static bool take_integer(const char **cursor, int minimum, int maximum, int *ret_value)
{
    int value = 0, digits = 0;
    for (; isdigit((unsigned char)**cursor) && digits < 4; digits++)
        value = value * 10 + (*(*cursor)++ - '0');
    *ret_value = value;
    return digits > 0 && value >= minimum && value <= maximum;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(const char **cursor, int32_t *ret_seconds)
{
    int hours, minutes = 0, seconds = 0;
    int sign = **cursor == '-' ? -1 : 1;
    if (**cursor == '-' || **cursor == '+')
        (*cursor)++;
    if (!take_integer(cursor, 0, HOURS_MAX, &hours))
        return false;
    if (**cursor == ':' && (++*cursor, !take_integer(cursor, 0, 59, &minutes)))
        return false;
    if (**cursor == ':' && (++*cursor, !take_integer(cursor, 0, 59, &seconds)))
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

/* POSIX counts west of UTC; we count east. */
static bool take_offset(const char **cursor, int32_t *ret_offset)
{
    int32_t west;
    if (!take_time(cursor, &west) || west > 86400 || west < -86400)
        return false;
    *ret_offset = -west;
    return true;
}

/* ",M3.5.0/2", ",J60", ",59/-1". */
static bool take_change(const char **cursor, struct zone_change *change)
{
    *change = (struct zone_change){.time = 2 * 3600};
    if (*(*cursor)++ != ',')
        return false;
    bool taken;
    if (**cursor == 'M') {
        change->kind = ZONE_DAY_WEEK;
        taken = (++*cursor, take_integer(cursor, 1, 12, &change->month)) && *(*cursor)++ == '.' &&
                take_integer(cursor, 1, 5, &change->week) && *(*cursor)++ == '.' &&
                take_integer(cursor, 0, 6, &change->day);
    } else if (**cursor == 'J') {
        change->kind = ZONE_DAY_JULIAN;
        taken = (++*cursor, take_integer(cursor, 1, 365, &change->day));
    } else {
        change->kind = ZONE_DAY_ZERO;
        taken = take_integer(cursor, 0, 365, &change->day);
    }
    return taken && (**cursor != '/' || (++*cursor, take_time(cursor, &change->time)));
}

bool zone_rule_parse(const char *text, struct zone_rule *ret_rule)
{
    struct zone_rule rule = {.has_summer = false};
    const char *cursor = text;
    if (!take_zone_name(&cursor) || !take_offset(&cursor, &rule.standard_offset))
        return false;
    if (*cursor != '\0') {
        rule.has_summer = true;
        rule.summer_offset = rule.standard_offset + 3600;
        if (!take_zone_name(&cursor) ||
            (*cursor != ',' && !take_offset(&cursor, &rule.summer_offset)) ||
            !take_change(&cursor, &rule.summer_begin) || !take_change(&cursor, &rule.summer_end))
            return false;
    }
    *ret_rule = rule;
    return *cursor == '\0';
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local seconds since 1970 of a change in a year. */
static int64_t change_in_year(const struct zone_change *change, int64_t year)
{
    int64_t day = timestamp_days(year, 1, 1);
    switch (change->kind) {
    case ZONE_DAY_JULIAN: /* 29 February is never counted */
        day += change->day - 1 + (is_leap(year) && change->day >= 60);
        break;
    case ZONE_DAY_ZERO:
        day += change->day;
        break;
    case ZONE_DAY_WEEK: {
        int64_t first = timestamp_days(year, change->month, 1);
        int64_t next = change->month == 12 ? timestamp_days(year + 1, 1, 1)
                                           : timestamp_days(year, change->month + 1, 1);
        day = first + (((change->day - (first + 4)) % 7) + 7) % 7 + (change->week - 1) * 7;
        while (day >= next)
            day -= 7;
        break;
    }
    }
    return day * DAY_SECONDS + change->time;
}

/* The changes of the years around an instant, in time. At equal instants the later entry counts: a
 * summer time that ends when the next begins never ends. */
#define CHANGES_AROUND 10 /* a change may move 167 hours into a neighbour of its year */
static void changes_around(const struct zone_rule *rule, int64_t instant,
                           struct zone_transition changes[CHANGES_AROUND])
{
    int64_t year;
    int month, day;
    size_t count = 0;
    timestamp_date((instant - (instant % DAY_SECONDS + DAY_SECONDS) % DAY_SECONDS) / DAY_SECONDS,
                   &year, &month, &day);
    for (int64_t y = year - 2; y <= year + 2; y++) {
        struct zone_transition pair[] = {
            {change_in_year(&rule->summer_end, y) - rule->summer_offset, rule->standard_offset},
            {change_in_year(&rule->summer_begin, y) - rule->standard_offset, rule->summer_offset},
        };
        for (size_t i = 0; i < ARRAY_LENGTH(pair); i++) {
            size_t at = count++;
            for (; at > 0 && changes[at - 1].instant > pair[i].instant; at--)
                changes[at] = changes[at - 1];
            changes[at] = pair[i];
        }
    }
    CHECK(count == CHANGES_AROUND);
}

int32_t zone_rule_offset_at(const struct zone_rule *rule, int64_t instant)
{
    struct zone_transition changes[CHANGES_AROUND];
    if (!rule->has_summer)
        return rule->standard_offset;
    changes_around(rule, instant, changes);
    size_t at = CHANGES_AROUND;
    while (at > 0 && changes[at - 1].instant > instant)
        at--;
    CHECK(at > 0); /* those of two years ago lie behind */
    return changes[at - 1].offset;
}

int64_t zone_rule_next_change(const struct zone_rule *rule, int64_t instant)
{
    struct zone_transition changes[CHANGES_AROUND];
    if (!rule->has_summer)
        return ZONE_NEVER;
    changes_around(rule, instant, changes);
    size_t at = 0;
    while (at < CHANGES_AROUND && changes[at].instant <= instant)
        at++;
    CHECK(at < CHANGES_AROUND); /* those of the year after the next lie ahead */
    return changes[at].instant;
}
