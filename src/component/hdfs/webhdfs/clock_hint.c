/* clock_hint.c: see clock_hint.h. */
#include "component/hdfs/webhdfs/clock_hint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"

#define VALIDITY_MS ((int64_t)36000000)

/* "Sat, 21 Nov 2026 10:34:22 GMT" */
static bool parse_date(const char *text, int64_t *ret_us)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4], zone[4];
    int day, year, hour, minute, second;
    if (sscanf(text, "%*3s, %d %3s %d %d:%d:%d %3s", &day, month, &year, &hour, &minute, &second,
               zone) != 7 ||
        strcmp(zone, "GMT") != 0 || strlen(month) != 3)
        return false;
    const char *found = strstr(months, month);
    if (found == NULL || (found - months) % 3 != 0)
        return false;
    int64_t days = timestamp_days(year, (int)(found - months) / 3 + 1, day);
    *ret_us = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000000;
    return true;
}

/* "hadoop.auth=\"u=root&p=root&t=simple&e=1795293262783&s=..." */
static bool parse_cookie(const char *text, int64_t *ret_us)
{
    const char *cookie = strstr(text, "hadoop.auth=");
    const char *expiry = cookie != NULL ? strstr(cookie, "&e=") : NULL;
    char *end = NULL;
    long long expiry_ms = expiry != NULL ? strtoll(expiry + 3, &end, 10) : 0;
    if (expiry_ms <= VALIDITY_MS || expiry_ms > INT64_MAX / 2000 || end == NULL || *end != '&')
        return false;
    *ret_us = (expiry_ms - VALIDITY_MS) * 1000;
    return true;
}

bool clock_hint(const char *date, const char *cookie, int64_t sent_us, int64_t answered_us,
                int64_t *ret_offset_us, int64_t *ret_uncertainty_us)
{
    int64_t date_us, cookie_us, middle_us = sent_us + (answered_us - sent_us) / 2;
    int64_t width_us = (answered_us - sent_us) / 2 + 1;
    if (!parse_date(date, &date_us))
        return false;
    if (parse_cookie(cookie, &cookie_us) && llabs(cookie_us - date_us - 500000) <= 1500000) {
        *ret_offset_us = cookie_us + 500 - middle_us;
        *ret_uncertainty_us = width_us + 500;
        return true;
    }
    *ret_offset_us = date_us + 500000 - middle_us; /* the fraction was cut off */
    *ret_uncertainty_us = width_us + 500000;
    return true;
}
