/* timestamp_test.c: instants as text and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timestamp.h"

static int64_t parsed(const char *text)
{
    struct error error = ERROR_NONE;
    int64_t time_us = -1;
    assert_true(timestamp_parse(text, &time_us, &error));
    return time_us;
}

static void test_parse_and_format(void **state)
{
    (void)state;
    char text[TIMESTAMP_TEXT_SIZE];
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2026-11-21T14:00+01:00"), parsed("2026-11-21T13:00:00Z"));
    assert_int_equal(parsed("2026-11-21T13:00:00.25Z") - parsed("2026-11-21T13:00:00Z"), 250000);
    timestamp_format(parsed("2024-02-29T23:59:59.000001Z"), text);
    assert_string_equal(text, "2024-02-29T23:59:59.000001Z");
    timestamp_format_basic(parsed("2026-11-21T13:00:00.250Z"), text);
    assert_string_equal(text, "20261121T130000.250Z");
    timestamp_format(-1000000, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2026-11-21",
                                      "2026-11-21T13:00:00",
                                      "2026-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-11-21T24:00:00Z",
                                      "2026-11-21T13:00:00Zx",
                                      "2026-11-21T13:00:00.1234567Z",
                                      "2026-11-21T13:00:60Z",
                                      "2026-11-21T13:00.5Z",
                                      "2026-11-21T13:00:0Z",
                                      "2026-11-21T13:00:00.Z",
                                      "2026-11-21T13:00:00+1:00",
                                      "2026-11-21T13:00:00+01",
                                      "2026-1-21T13:00Z",
                                      "2026-11-21t13:00:00Z",
                                      "2026-11-21T13:00:00+24:00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error error = ERROR_NONE;
        int64_t time_us = 7;
        assert_false(timestamp_parse(bad[i], &time_us, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_int_equal(time_us, 7);
    }
}

static void test_days_are_the_inverse_of_dates(void **state)
{
    (void)state;
    for (int64_t days = -800000; days < 800000; days += 13) {
        int64_t year;
        int month, day;
        timestamp_date(days, &year, &month, &day);
        assert_int_equal(timestamp_days(year, month, day), days);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_format),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_days_are_the_inverse_of_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
