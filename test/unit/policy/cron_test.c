/* cron_test.c: the fields, both switches of summer time, and the search backwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/timestamp.h"
#include "policy/cron.h"
#include "zones.h"

static int64_t at(const char *text)
{
    int64_t us;
    struct error error = ERROR_NONE;
    assert_true(timestamp_parse(text, &us, &error));
    return us;
}

static struct cron parse(const char *text)
{
    struct cron cron;
    struct error error = ERROR_NONE;
    if (!cron_parse(text, &cron, &error))
        fail_msg("%s", error.text);
    return cron;
}

/* The next instants after `after`, up to the NULL at the end. */
static void assert_fires(const char *expression, const struct zone *zone, const char *after,
                         const char *const *expected)
{
    struct cron cron = parse(expression);
    int64_t now_us = at(after);
    for (; *expected != NULL; expected++) {
        char text[TIMESTAMP_TEXT_SIZE];
        now_us = cron_next(&cron, zone, now_us);
        timestamp_format(now_us, text);
        assert_string_equal(text, *expected);
    }
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_fields(void **state)
{
    (void)state;
    struct cron cron = parse("*/20 0-6/3,23 1,15 JAN,mar-APR *");
    assert_int_equal(cron.minutes, (uint64_t)1 | (uint64_t)1 << 20 | (uint64_t)1 << 40);
    assert_int_equal(cron.hours, 1 | 1 << 3 | 1 << 6 | 1 << 23);
    assert_int_equal(cron.days, 1 << 1 | 1 << 15);
    assert_int_equal(cron.months, 1 << 1 | 1 << 3 | 1 << 4);
    assert_int_equal(cron.weekdays, 0x7f);
    assert_false(cron.days_or_weekdays);
    assert_int_equal(parse("0 0 * * 0").weekdays, 1);
    assert_int_equal(parse("0 0 * * 7").weekdays, 1);
    assert_int_equal(parse("0 0 * * 5-7").weekdays, 1 | 1 << 5 | 1 << 6);
    assert_int_equal(parse("0 0 * * sun,Mon-WED").weekdays, 0xf);
    assert_true(parse("0 0 1 * MON").days_or_weekdays);
    assert_false(parse("0 0 */2 * MON").days_or_weekdays);
    assert_false(parse("0 0 1 * */2").days_or_weekdays);
    assert_int_equal(parse("\t59  23\t31 12 6 ").minutes, (uint64_t)1 << 59);
}

static void test_bad_expressions(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
    } cases[] = {
        {"", "minute"},
        {"60 * * * *", "minute"},
        {"-1 * * * *", "minute"},
        {"5-2 * * * *", "minute"},
        {"*/0 * * * *", "minute"},
        {"5/2 * * * *", "minute"},
        {"*/x * * * *", "minute"},
        {"1, * * * *", "minute"},
        {"1-x * * * *", "minute"},
        {"99999 * * * *", "minute"},
        {"@daily", "minute"},
        {"MON * * * *", "minute"},
        {"* 24 * * *", "hour"},
        {"* * 0 * *", "day of month"},
        {"* * 32 * *", "day of month"},
        {"* * * 13 *", "month"},
        {"* * * FOO *", "month"},
        {"* * * MON *", "month"},
        {"* * * * 8", "day of week"},
        {"* * * * JAN", "day of week"},
        {"* * * *", "day of week"},
        {"* * * * MONDAY", "day of week"},
        {"* * * * * *", "more than five"},
        {"0 0 30 2 *", "no date ever fits"},
        {"0 0 31 4,6,9,11 *", "no date ever fits"},
        {"0 0 30 2 */2", "no date ever fits"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct cron cron;
        struct error error = ERROR_NONE;
        if (cron_parse(cases[i].text, &cron, &error))
            fail_msg("'%s' was taken", cases[i].text);
        assert_int_equal(error.code, ERROR_INVALID);
        if (strstr(error.text, cases[i].what) == NULL)
            fail_msg("'%s': %s", cases[i].text, error.text);
    }
}

static void test_utc(void **state)
{
    (void)state;
    assert_fires("*/15 * * * *", NULL, "2026-11-21T13:07:30.5Z",
                 LIST("2026-11-21T13:15:00Z", "2026-11-21T13:30:00Z"));
    assert_fires("0 0 * * *", NULL, "2026-12-31T00:00:00Z",
                 LIST("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"));
    assert_fires("59 23 * * *", NULL, "2026-01-01T23:59:00Z", LIST("2026-01-02T23:59:00Z"));
    assert_fires("59 23 * * *", NULL, "1969-12-30T23:58:59.999999Z",
                 LIST("1969-12-30T23:59:00Z", "1969-12-31T23:59:00Z", "1970-01-01T23:59:00Z"));
    /* Leap days; 2100 has none. */
    assert_fires("0 0 29 2 *", NULL, "2095-01-01T00:00:00Z",
                 LIST("2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"));
    /* Both day fields count when one begins with '*': leap days on a Sunday, 40 years apart. */
    assert_fires("0 0 29 2 */7", NULL, "2080-01-01T00:00:00Z", LIST("2088-02-29T00:00:00Z"));
    assert_fires("0 0 29 2 */7", NULL, "2088-03-01T00:00:00Z", LIST("2128-02-29T00:00:00Z"));
    /* 13th or Friday; 21 November 2026 is a Saturday. */
    assert_fires("0 12 13 * FRI", NULL, "2026-11-21T13:00:00Z",
                 LIST("2026-11-27T12:00:00Z", "2026-12-04T12:00:00Z", "2026-12-11T12:00:00Z",
                      "2026-12-13T12:00:00Z"));
    assert_fires("0 12 * * FRI", NULL, "2026-11-21T13:00:00Z", LIST("2026-11-27T12:00:00Z"));
    /* An impossible date with a weekday: the weekday alone. */
    assert_fires("0 0 30 2 MON", NULL, "2027-01-31T00:00:00Z", LIST("2027-02-01T00:00:00Z"));
}

static void test_spring(void **state)
{
    (void)state;
    struct zone zone;
    zone_load("Europe/Berlin", &zone);
    /* 29 March 2026: 02:00 to 03:00 does not exist; it becomes the first instant after. */
    assert_fires("30 2 * * *", &zone, "2026-03-27T12:00:00Z",
                 LIST("2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"));
    /* Four skipped times and 03:00 itself: once. */
    assert_fires("*/15 2,3 * * *", &zone, "2026-03-29T00:30:00Z",
                 LIST("2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"));
    assert_fires("*/30 * * * *", &zone, "2026-03-29T00:00:00Z",
                 LIST("2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"));
    zone_fini(&zone);
}

static void test_autumn(void **state)
{
    (void)state;
    struct zone zone;
    zone_load("Europe/Berlin", &zone);
    /* 25 October 2026: 02:00 to 03:00 comes twice; the first counts. */
    assert_fires("30 2 * * *", &zone, "2026-10-24T12:00:00Z",
                 LIST("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"));
    assert_fires("*/30 * * * *", &zone, "2026-10-24T23:30:00Z",
                 LIST("2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"));
    /* Asked from inside the second hour. */
    assert_fires("30 2 * * *", &zone, "2026-10-25T01:10:00Z", LIST("2026-10-26T01:30:00Z"));
    zone_fini(&zone);
}

static void test_last(void **state)
{
    (void)state;
    struct cron often = parse("* * * * *"), seldom = parse("0 0 29 2 *");
    int64_t last_us;
    assert_true(
        cron_last(&often, NULL, at("2026-01-01T00:00:00Z"), at("2026-01-01T00:03:30Z"), &last_us));
    assert_int_equal(last_us, at("2026-01-01T00:03:00Z"));
    assert_true(
        cron_last(&often, NULL, at("2016-01-01T00:00:00Z"), at("2026-01-01T00:03:00Z"), &last_us));
    assert_int_equal(last_us, at("2026-01-01T00:03:00Z"));
    assert_false(
        cron_last(&often, NULL, at("2026-01-01T00:03:00Z"), at("2026-01-01T00:03:59Z"), &last_us));
    assert_true(
        cron_last(&seldom, NULL, at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), &last_us));
    assert_int_equal(last_us, at("2024-02-29T00:00:00Z"));
    assert_false(
        cron_last(&seldom, NULL, at("2024-02-29T00:00:00Z"), at("2026-01-01T00:00:00Z"), &last_us));
    assert_false(
        cron_last(&often, NULL, at("2026-01-01T00:03:00Z"), at("2026-01-01T00:01:00Z"), &last_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields), cmocka_unit_test(test_bad_expressions),
        cmocka_unit_test(test_utc),    cmocka_unit_test(test_spring),
        cmocka_unit_test(test_autumn), cmocka_unit_test(test_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
