/* cron_property_test.c: cron_next() against a scanner that knows nothing of it. The scanner walks
 * every minute of several years, asks the C library for the local time, and fires when the wall
 * shows a fitting minute that it never showed before, or has just jumped over one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/random.h"
#include "policy/cron.h"
#include "zones.h"

#define FIRST_YEAR_BEGIN ((time_t)1735689600) /* 2025-01-01T00:00:00Z */
#define MINUTES (2 * 366 * 1440 / ROUNDS_SHARE)
#define EXPRESSIONS 10

/* Minutes since 1970 that the wall shows, and their date by the C library alone. */
static int64_t wall_minute(time_t now)
{
    struct tm local;
    localtime_r(&now, &local);
    return (now + local.tm_gmtoff) / 60;
}

struct scan {
    char text[64];
    struct cron cron;
    const char *fields[5];
    time_t expected;
};

/* The scanner's own reading of one field: numbers and '*' and "a-b" and "x/n" in a list, all
 * generated below, none with names. */
static bool field_fits(const char *field, int value, int minimum)
{
    while (*field != '\0') {
        char *end;
        int low = minimum, high = 1000, step = 1;
        if (*field == '*') {
            field++;
        } else {
            low = high = (int)strtol(field, &end, 10);
            field = end;
            if (*field == '-') {
                high = (int)strtol(field + 1, &end, 10);
                field = end;
            }
        }
        if (*field == '/') {
            step = (int)strtol(field + 1, &end, 10);
            field = end;
        }
        if (value >= low && value <= high && (value - low) % step == 0)
            return true;
        field += *field == ',';
    }
    return false;
}

static bool minute_fits(const struct scan *scan, int64_t minute)
{
    struct tm date;
    time_t as_utc = minute * 60;
    gmtime_r(&as_utc, &date);
    bool day = field_fits(scan->fields[2], date.tm_mday, 1);
    bool weekday = field_fits(scan->fields[4], date.tm_wday, 0);
    bool both = scan->fields[2][0] == '*' || scan->fields[4][0] == '*';
    return field_fits(scan->fields[0], date.tm_min, 0) &&
           field_fits(scan->fields[1], date.tm_hour, 0) &&
           field_fits(scan->fields[3], date.tm_mon + 1, 1) &&
           (both ? day && weekday : day || weekday);
}

static const char *const minute_fields[] = {"*", "0", "*/15", "30", "7-23/8", "0,30", "59"};
static const char *const hour_fields[] = {"*", "0", "2", "1-3", "*/6", "23", "0-12/3", "3"};
static const char *const day_fields[] = {"*", "*", "*", "1", "25-31", "*/7", "15,29"};
static const char *const month_fields[] = {"*", "*", "3", "10", "3-4,9-11", "*/2"};
static const char *const weekday_fields[] = {"*", "*", "0", "1-5", "6", "*/3"};
#define PICK(fields) fields[random_below(&random, ARRAY_LENGTH(fields))]

static void check_zone(const char *name, uint64_t seed)
{
    struct scan scans[EXPRESSIONS];
    struct random random;
    struct zone zone;
    struct error error = ERROR_NONE;
    random_init(&random, seed);
    zone_load(name, &zone);
    setenv("TZ", name, 1);
    tzset();
    for (size_t i = 0; i < EXPRESSIONS; i++) {
        struct scan *scan = &scans[i];
        scan->fields[0] = PICK(minute_fields);
        scan->fields[1] = PICK(hour_fields);
        scan->fields[2] = PICK(day_fields);
        scan->fields[3] = PICK(month_fields);
        scan->fields[4] = PICK(weekday_fields);
        snprintf(scan->text, sizeof scan->text, "%s %s %s %s %s", scan->fields[0], scan->fields[1],
                 scan->fields[2], scan->fields[3], scan->fields[4]);
        assert_true(cron_parse(scan->text, &scan->cron, &error));
        scan->expected =
            cron_next(&scan->cron, &zone, ((int64_t)FIRST_YEAR_BEGIN - 1) * 1000000) / 1000000;
    }
    int64_t newest = wall_minute(FIRST_YEAR_BEGIN - 60);
    for (int m = 0; m < MINUTES; m++) {
        time_t now = FIRST_YEAR_BEGIN + (time_t)m * 60;
        int64_t shown = wall_minute(now);
        for (size_t i = 0; i < EXPRESSIONS; i++) {
            bool fires = false;
            for (int64_t minute = newest + 1; !fires && minute <= shown; minute++)
                fires = minute_fits(&scans[i], minute);
            if (fires != (scans[i].expected == now))
                fail_msg("%s '%s': scanner %s at %lld, cron_next() says %lld", name, scans[i].text,
                         fires ? "fires" : "is silent", (long long)now,
                         (long long)scans[i].expected);
            if (fires)
                scans[i].expected =
                    cron_next(&scans[i].cron, &zone, (int64_t)now * 1000000) / 1000000;
        }
        newest = shown > newest ? shown : newest;
    }
    zone_fini(&zone);
}

static void test_against_the_scanner(void **state)
{
    (void)state;
    check_zone("Europe/Berlin", 1);
    check_zone("America/New_York", 2);
    check_zone("Australia/Lord_Howe", 3); /* half an hour of summer time */
    check_zone("America/Nuuk", 4);        /* changes late in the evening */
    check_zone("Africa/Casablanca", 5);   /* "summer" time is behind; off during Ramadan */
    check_zone("Asia/Kathmandu", 6);      /* no changes, odd offset */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_the_scanner)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
