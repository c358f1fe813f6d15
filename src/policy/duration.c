/* duration.c: see duration.h. All sums are checked against the limits before they are made. */
#include "policy/duration.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define SECOND_US ((int64_t)1000000)

struct unit {
    char letter;
    bool in_time; /* behind the T */
    int64_t us;
};

/* In the order in which they must come. */
static const struct unit units[] = {
    {'W', false, 7 * 86400 * SECOND_US},
    {'D', false, 86400 * SECOND_US},
    {'H', true, 3600 * SECOND_US},
    {'M', true, 60 * SECOND_US},
    {'S', true, SECOND_US},
};

/* Digits into a number of at most DURATION_US_MAX; false without digits or beyond. */
static bool take_number(const char **cursor, int64_t *ret_value)
{
    int64_t value = 0;
    if (!isdigit((unsigned char)**cursor))
        return false;
    while (isdigit((unsigned char)**cursor)) {
        value = value * 10 + (**cursor - '0');
        if (value > DURATION_US_MAX)
            return false;
        (*cursor)++;
    }
    *ret_value = value;
    return true;
}

/* ".25" into microseconds. */
static bool take_fraction(const char **cursor, int64_t *ret_us)
{
    int64_t scale = SECOND_US / 10, value = 0;
    int digits = 0;
    (*cursor)++;
    for (; isdigit((unsigned char)**cursor); (*cursor)++, digits++) {
        value += (**cursor - '0') * scale;
        scale /= 10;
    }
    *ret_us = value;
    return digits >= 1 && digits <= 6;
}

/* One "15M": looks for its unit from *next on and moves *next behind it. */
static bool take_part(const char **cursor, bool in_time, size_t *next, int64_t *total_us)
{
    int64_t number, fraction_us = 0;
    if (!take_number(cursor, &number))
        return false;
    bool has_fraction = **cursor == '.';
    if (has_fraction && !take_fraction(cursor, &fraction_us))
        return false;
    while (*next < ARRAY_LENGTH(units) &&
           (units[*next].letter != **cursor || units[*next].in_time != in_time))
        (*next)++;
    int64_t left_us = DURATION_US_MAX - *total_us - fraction_us;
    if (*next == ARRAY_LENGTH(units) || (has_fraction && **cursor != 'S') || left_us < 0 ||
        number > left_us / units[*next].us)
        return false;
    *total_us += number * units[*next].us + fraction_us;
    (*next)++;
    (*cursor)++;
    return true;
}

static bool take_duration(const char *cursor, int64_t *ret_us)
{
    size_t next = 0;
    int64_t total_us = 0;
    if (*cursor++ != 'P')
        return false;
    while (*cursor != '\0' && *cursor != 'T')
        if (!take_part(&cursor, false, &next, &total_us))
            return false;
    if (*cursor == 'T') {
        cursor++;
        do {
            if (!take_part(&cursor, true, &next, &total_us))
                return false;
        } while (*cursor != '\0');
    }
    *ret_us = total_us;
    return total_us > 0;
}

/* "P1Y" and "P2M" deserve their own words: the mistake is natural. */
static bool names_calendar_unit(const char *text)
{
    size_t date_length = strcspn(text, "T");
    return text[0] == 'P' &&
           (memchr(text, 'Y', date_length) != NULL || memchr(text, 'M', date_length) != NULL);
}

bool duration_parse(const char *text, int64_t *ret_us, struct error *error)
{
    if (take_duration(text, ret_us))
        return true;
    if (names_calendar_unit(text))
        return error_set(error, ERROR_INVALID,
                         "'%.60s': years and months have no fixed length; use days or weeks", text);
    return error_set(error, ERROR_INVALID,
                     "'%.60s' is not an ISO 8601 duration above zero and up to 100 years, as in "
                     "PT15M or P1DT2H",
                     text);
}

void duration_format(int64_t duration_us, char ret_text[DURATION_TEXT_SIZE])
{
    CHECK(duration_us > 0 && duration_us <= DURATION_US_MAX);
    char *end = ret_text, *limit = ret_text + DURATION_TEXT_SIZE;
    int64_t rest = duration_us;
    bool in_time = false;
    *end++ = 'P';
    for (size_t i = 1; i < ARRAY_LENGTH(units); i++) { /* weeks are written as days */
        int64_t number = rest / units[i].us;
        int64_t fraction_us = units[i].letter == 'S' ? rest % SECOND_US : 0;
        rest %= units[i].us;
        if (number == 0 && fraction_us == 0)
            continue;
        end += snprintf(end, (size_t)(limit - end), "%s%" PRId64,
                        units[i].in_time && !in_time ? "T" : "", number);
        in_time = units[i].in_time;
        if (fraction_us != 0) {
            end += snprintf(end, (size_t)(limit - end), ".%06" PRId64, fraction_us);
            while (end[-1] == '0')
                end--;
        }
        *end++ = units[i].letter;
    }
    *end = '\0';
}

/* "", "B", "kB"/"KB", "KiB" ... to a factor; 0: none of them. */
static uint64_t size_factor(const char *text, size_t length)
{
    static const char prefixes[] = "KMGTPE";
    uint64_t factor = 1;
    if (length == 0 || (length == 1 && text[0] == 'B'))
        return 1;
    const char *prefix = strchr(prefixes, text[0] == 'k' ? 'K' : text[0]);
    bool binary = length == 3 && text[1] == 'i';
    if (prefix == NULL || text[length - 1] != 'B' || !(length == 2 || binary))
        return 0;
    for (const char *p = prefixes; p <= prefix; p++)
        factor *= binary ? 1024 : 1000;
    return factor;
}

static bool take_size(const char *text, size_t length, uint64_t *ret_bytes)
{
    uint64_t number = 0;
    size_t digits = 0;
    for (; digits < length && isdigit((unsigned char)text[digits]); digits++) {
        uint64_t digit = (uint64_t)(text[digits] - '0');
        if (number > (SIZE_MAX_BYTES - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    uint64_t factor = size_factor(text + digits, length - digits);
    if (number == 0 || factor == 0 || number > SIZE_MAX_BYTES / factor)
        return false;
    *ret_bytes = number * factor;
    return true;
}

bool size_parse(const char *text, uint64_t *ret_bytes, struct error *error)
{
    if (take_size(text, strlen(text), ret_bytes))
        return true;
    return error_set(error, ERROR_INVALID,
                     "'%.60s' is not a size above zero, as in 4096, 10MB or 10MiB", text);
}

bool rate_parse(const char *text, uint64_t *ret_bytes_per_second, struct error *error)
{
    size_t length = strlen(text);
    if (length > 2 && strcmp(text + length - 2, "/s") == 0)
        length -= 2;
    if (take_size(text, length, ret_bytes_per_second))
        return true;
    return error_set(error, ERROR_INVALID,
                     "'%.60s' is not a rate above zero, as in 10MB/s or 64KiB/s", text);
}
