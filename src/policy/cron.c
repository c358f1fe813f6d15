/* cron.c: see cron.h. Fields are bit sets; the search goes day by day, then minute by minute, in
 * local time, and lets the zone turn what it finds into an instant. */
#include "policy/cron.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/timestamp.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_SECONDS 86400
/* A leap day on a Sunday (both day fields count when one begins with a star) may be 40 years off.
 */
#define SEARCH_DAYS (41 * 366)

struct field {
    const char *name;
    unsigned minimum, maximum;
    const char *const *words; /* NULL: numbers only */
    size_t word_count;
};

static const char *const month_words[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const weekday_words[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static const struct field fields[] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of month", 1, 31, NULL, 0},
    {"month", 1, 12, month_words, ARRAY_LENGTH(month_words)},
    {"day of week", 0, 7, weekday_words, ARRAY_LENGTH(weekday_words)},
};

static bool take_number(const char **cursor, unsigned *ret_value)
{
    unsigned value = 0, digits = 0;
    for (; isdigit((unsigned char)**cursor) && digits < 4; digits++)
        value = value * 10 + (unsigned)(*(*cursor)++ - '0');
    *ret_value = value;
    return digits > 0;
}

/* A number or a word of the field, in its range. */
static bool take_value(const struct field *field, const char **cursor, unsigned *ret_value)
{
    unsigned value = 0;
    bool found = take_number(cursor, &value);
    for (size_t i = 0; !found && i < field->word_count; i++)
        if (strncasecmp(*cursor, field->words[i], 3) == 0) {
            value = (unsigned)i + field->minimum;
            *cursor += 3;
            found = true;
        }
    *ret_value = value;
    return found && value >= field->minimum && value <= field->maximum;
}

/* One "*", "5", "1-5", each range with "/2" or not. */
static bool take_range(const struct field *field, const char **cursor, uint64_t *bits)
{
    unsigned first = field->minimum, last = field->maximum, step = 1;
    bool is_range = **cursor == '*';
    if (is_range) {
        (*cursor)++;
    } else if (!take_value(field, cursor, &first)) {
        return false;
    } else {
        last = first;
        is_range = **cursor == '-';
        if (is_range && (++*cursor, !take_value(field, cursor, &last)))
            return false;
    }
    if (**cursor == '/' && (!is_range || (++*cursor, !take_number(cursor, &step)) || step == 0))
        return false;
    if (first > last)
        return false;
    for (unsigned value = first; value <= last; value += step)
        *bits |= (uint64_t)1 << value;
    return true;
}

/* A comma-separated list up to a blank or the end. */
static bool take_field(const struct field *field, const char **cursor, uint64_t *ret_bits)
{
    uint64_t bits = 0;
    do {
        if (!take_range(field, cursor, &bits))
            return false;
    } while (*(*cursor)++ == ',');
    (*cursor)--;
    *ret_bits = bits;
    return **cursor == '\0' || **cursor == ' ' || **cursor == '\t';
}

/* Does any date of a leap year fit month and day of the month? */
static bool some_date_fits(const struct cron *cron)
{
    static const uint8_t lengths[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (unsigned month = 1; month <= 12; month++)
        for (unsigned day = 1; day <= lengths[month]; day++)
            if ((cron->months >> month & 1) != 0 && (cron->days >> day & 1) != 0)
                return true;
    return cron->days_or_weekdays;
}

bool cron_parse(const char *text, struct cron *ret_cron, struct error *error)
{
    uint64_t bits[ARRAY_LENGTH(fields)];
    bool is_star[ARRAY_LENGTH(fields)];
    const char *cursor = text;
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        cursor += strspn(cursor, " \t");
        is_star[i] = *cursor == '*';
        if (!take_field(&fields[i], &cursor, &bits[i]))
            return error_set(error, ERROR_INVALID,
                             "cron '%.60s': the %s is not right; five fields are needed: minute "
                             "hour day month weekday",
                             text, fields[i].name);
    }
    cursor += strspn(cursor, " \t");
    if (*cursor != '\0')
        return error_set(error, ERROR_INVALID, "cron '%.60s': more than five fields", text);
    struct cron cron = {
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint16_t)bits[3],
        .weekdays = (uint8_t)((bits[4] | bits[4] >> 7) & 0x7f),
        .days_or_weekdays = !is_star[2] && !is_star[4],
    };
    if (!some_date_fits(&cron))
        return error_set(error, ERROR_INVALID, "cron '%.60s': no date ever fits", text);
    *ret_cron = cron;
    return true;
}

/* days since 1970-01-01, which was a Thursday. */
static bool day_fits(const struct cron *cron, int64_t days)
{
    int64_t year;
    int month, day;
    timestamp_date(days, &year, &month, &day);
    if ((cron->months >> month & 1) == 0)
        return false;
    int weekday = (int)(((days + 4) % 7 + 7) % 7);
    bool by_day = (cron->days >> day & 1) != 0;
    bool by_weekday = (cron->weekdays >> weekday & 1) != 0;
    return cron->days_or_weekdays ? by_day || by_weekday : by_day && by_weekday;
}

/* The first fitting minute of the day at or after `minute`; -1: none. */
static int next_minute_of_day(const struct cron *cron, int minute)
{
    for (int hour = minute / 60; hour < 24; hour++, minute = hour * 60) {
        uint64_t left = (cron->hours >> hour & 1) != 0 ? cron->minutes >> minute % 60 : 0;
        if (left != 0)
            return minute + __builtin_ctzll(left);
    }
    return -1;
}

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

int64_t cron_next(const struct cron *cron, const struct zone *zone, int64_t after_us)
{
    int64_t after = floor_divide(after_us, SECOND_US);
    int64_t local = after + zone_offset_at(zone, after);
    int64_t day = floor_divide(local, DAY_SECONDS);
    int minute = (int)((local - day * DAY_SECONDS) / 60);
    /* Earlier local minutes cannot lie after `after`; later ones may still lie before it, when the
     * clock has been put back in between. */
    for (int days = 0;; days++, day++, minute = 0) {
        CHECK(days < SEARCH_DAYS); /* cron_parse() refuses what never fits */
        if (!day_fits(cron, day))
            continue;
        while ((minute = next_minute_of_day(cron, minute)) >= 0) {
            int64_t instant = zone_instant_of(zone, day * DAY_SECONDS + minute * 60);
            if (instant > after)
                return instant * SECOND_US;
            if (++minute == DAY_SECONDS / 60)
                break;
        }
    }
}

bool cron_last(const struct cron *cron, const struct zone *zone, int64_t after_us, int64_t until_us,
               int64_t *ret_us)
{
    /* Look back over windows that double, so that a long absence costs little. */
    for (int64_t window_us = 3600 * SECOND_US;; window_us *= 2) {
        bool is_all = until_us - after_us <= window_us;
        int64_t found_us = cron_next(cron, zone, is_all ? after_us : until_us - window_us);
        if (found_us > until_us && is_all)
            return false;
        if (found_us > until_us)
            continue;
        for (int64_t next_us = found_us; next_us <= until_us;
             next_us = cron_next(cron, zone, next_us))
            found_us = next_us;
        *ret_us = found_us;
        return true;
    }
}
