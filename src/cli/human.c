/* human.c: see human.h. Integer arithmetic, so that rounding is the same everywhere and no locale
 * puts a comma in. */
#include "cli/human.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/duration.h"

void human_skew(int64_t time_us, char ret_text[HUMAN_TEXT_SIZE])
{
    if (time_us < 1000)
        snprintf(ret_text, HUMAN_TEXT_SIZE, "0.%03" PRId64 " ms", time_us);
    else if (time_us < 10000)
        snprintf(ret_text, HUMAN_TEXT_SIZE, "%" PRId64 ".%" PRId64 " ms", time_us / 1000,
                 time_us / 100 % 10);
    else if (time_us < 1000000)
        snprintf(ret_text, HUMAN_TEXT_SIZE, "%" PRId64 " ms", time_us / 1000);
    else
        snprintf(ret_text, HUMAN_TEXT_SIZE, "%" PRId64 ".%02" PRId64 " s", time_us / 1000000,
                 time_us / 10000 % 100);
}

void human_age(int64_t seconds, char ret_text[HUMAN_TEXT_SIZE])
{
    static const struct {
        int64_t size, part;
        char unit, part_unit;
    } forms[] = {{86400, 3600, 'd', 'h'}, {3600, 60, 'h', 'm'}, {60, 1, 'm', 's'}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (seconds >= forms[i].size) {
            snprintf(ret_text, HUMAN_TEXT_SIZE, "%" PRId64 "%c %" PRId64 "%c",
                     seconds / forms[i].size, forms[i].unit,
                     seconds % forms[i].size / forms[i].part, forms[i].part_unit);
            return;
        }
    snprintf(ret_text, HUMAN_TEXT_SIZE, "%" PRId64 "s", seconds);
}

void human_clock(int64_t seconds, char ret_text[HUMAN_TEXT_SIZE])
{
    if (seconds >= 3600)
        snprintf(ret_text, HUMAN_TEXT_SIZE, "%" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600,
                 seconds / 60 % 60, seconds % 60);
    else
        snprintf(ret_text, HUMAN_TEXT_SIZE, "%" PRId64 ":%02" PRId64, seconds / 60, seconds % 60);
}

void human_instant(const char *timestamp, char ret_text[HUMAN_TEXT_SIZE])
{
    const char *point = strchr(timestamp, '.');
    size_t length = strlen(timestamp);
    if (point == NULL || strlen(point) <= 5 || timestamp[length - 1] != 'Z')
        snprintf(ret_text, HUMAN_TEXT_SIZE, "%s", timestamp);
    else
        snprintf(ret_text, HUMAN_TEXT_SIZE, "%.*sZ", (int)(point - timestamp) + 4, timestamp);
}

static int64_t unit_seconds(const char *unit)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].name) == 0)
            return units[i].seconds;
    return 0;
}

bool human_parse_count(const char *text, uint64_t *ret_number)
{
    size_t length = strlen(text);
    if (length == 0 || length > 18 || strspn(text, "0123456789") != length)
        return false;
    *ret_number = strtoull(text, NULL, 10);
    return true;
}

bool human_parse_duration(const char *text, int64_t *ret_seconds)
{
    struct error error;
    int64_t duration_us;
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && digits <= 9) {
        int64_t number = strtoll(text, NULL, 10), unit = unit_seconds(text + digits);
        if (number == 0 || unit == 0)
            return false;
        *ret_seconds = number * unit;
        return true;
    }
    if (!duration_parse(text, &duration_us, &error))
        return false;
    *ret_seconds = (duration_us + 999999) / 1000000;
    return true;
}
