/* timestamp.c: civil dates by counting days; no libc time zone is asked. */
#include "base/timestamp.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US ((int64_t)1000000)
#define DAY_US (86400 * SECOND_US)

int64_t timestamp_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void timestamp_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

struct civil {
    int64_t year;
    int month, day, hour, minute, second, microsecond;
};

static struct civil civil_of(int64_t time_us)
{
    struct civil c;
    int64_t days = time_us / DAY_US, rest = time_us % DAY_US;
    if (rest < 0) {
        rest += DAY_US;
        days--;
    }
    timestamp_date(days, &c.year, &c.month, &c.day);
    c.microsecond = (int)(rest % SECOND_US);
    int64_t seconds = rest / SECOND_US;
    c.hour = (int)(seconds / 3600);
    c.minute = (int)(seconds / 60 % 60);
    c.second = (int)(seconds % 60);
    return c;
}

void timestamp_format(int64_t time_us, char ret_text[TIMESTAMP_TEXT_SIZE])
{
    struct civil c = civil_of(time_us);
    int used = snprintf(ret_text, TIMESTAMP_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", (int)c.year,
                        c.month, c.day, c.hour, c.minute, c.second);
    if (c.microsecond != 0)
        used +=
            snprintf(ret_text + used, TIMESTAMP_TEXT_SIZE - (size_t)used, ".%06d", c.microsecond);
    snprintf(ret_text + used, TIMESTAMP_TEXT_SIZE - (size_t)used, "Z");
}

void timestamp_format_basic(int64_t time_us, char ret_text[TIMESTAMP_TEXT_SIZE])
{
    struct civil c = civil_of(time_us);
    snprintf(ret_text, TIMESTAMP_TEXT_SIZE, "%04d%02d%02dT%02d%02d%02d.%03dZ", (int)c.year, c.month,
             c.day, c.hour, c.minute, c.second, c.microsecond / 1000);
}

/* Reads exactly `count` digits. */
static bool take_digits(const char **cursor, int count, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*cursor)[i]))
            return false;
        value = value * 10 + ((*cursor)[i] - '0');
    }
    *cursor += count;
    *ret_value = value;
    return true;
}

static bool take(const char **cursor, char expected)
{
    if (**cursor != expected)
        return false;
    (*cursor)++;
    return true;
}

static bool take_fraction(const char **cursor, int *ret_microsecond)
{
    int scale = 100000, value = 0, digits = 0;
    while (isdigit((unsigned char)**cursor)) {
        if (++digits > 6)
            return false;
        value += (**cursor - '0') * scale;
        scale /= 10;
        (*cursor)++;
    }
    *ret_microsecond = value;
    return digits > 0;
}

static bool take_zone(const char **cursor, int *ret_offset_minutes)
{
    *ret_offset_minutes = 0;
    if (take(cursor, 'Z'))
        return true;
    int sign = **cursor == '+' ? 1 : **cursor == '-' ? -1 : 0;
    int hours, minutes;
    if (sign == 0)
        return false;
    (*cursor)++;
    if (!take_digits(cursor, 2, &hours))
        return false;
    take(cursor, ':');
    if (!take_digits(cursor, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date_time(const char **cursor, struct civil *c)
{
    int year;
    if (!take_digits(cursor, 4, &year) || !take(cursor, '-') ||
        !take_digits(cursor, 2, &c->month) || !take(cursor, '-') ||
        !take_digits(cursor, 2, &c->day) || !take(cursor, 'T') ||
        !take_digits(cursor, 2, &c->hour) || !take(cursor, ':') ||
        !take_digits(cursor, 2, &c->minute))
        return false;
    c->year = year;
    c->second = c->microsecond = 0;
    if (take(cursor, ':')) {
        if (!take_digits(cursor, 2, &c->second))
            return false;
        if (take(cursor, '.') && !take_fraction(cursor, &c->microsecond))
            return false;
    }
    return c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days_in_month(c->year, c->month) && c->hour <= 23 && c->minute <= 59 &&
           c->second <= 59;
}

bool timestamp_parse(const char *text, int64_t *ret_time_us, struct error *error)
{
    struct civil c;
    int offset_minutes;
    const char *cursor = text;
    if (!take_date_time(&cursor, &c) || !take_zone(&cursor, &offset_minutes) || *cursor != '\0')
        return error_set(error, ERROR_INVALID,
                         "'%.60s' is not an ISO 8601 time with zone, as in 2026-11-21T13:00:00Z",
                         text);
    int64_t seconds = timestamp_days(c.year, c.month, c.day) * 86400 + c.hour * 3600 +
                      c.minute * 60 + c.second - (int64_t)offset_minutes * 60;
    *ret_time_us = seconds * SECOND_US + c.microsecond;
    return true;
}
