/* duration_test.c: ISO 8601 durations, sizes and rates, with every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "policy/duration.h"

#define SECOND ((int64_t)1000000)

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
        const char *canonical;
    } cases[] = {
        {"PT15M", 900 * SECOND, "PT15M"},
        {"P1DT2H", 26 * 3600 * SECOND, "P1DT2H"},
        {"P2W", 14 * 86400 * SECOND, "P14D"},
        {"PT0.5S", SECOND / 2, "PT0.5S"},
        {"PT0.000001S", 1, "PT0.000001S"},
        {"PT90S", 90 * SECOND, "PT1M30S"},
        {"PT36H", 36 * 3600 * SECOND, "P1DT12H"},
        {"P1W2DT3H4M5.250S", (((9 * 24 + 3) * 60 + 4) * 60 + 5) * SECOND + 250000, "P9DT3H4M5.25S"},
        {"P36525D", DURATION_US_MAX, "P36525D"},
        {"PT0H1S", SECOND, "PT1S"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = ERROR_NONE;
        char text[DURATION_TEXT_SIZE];
        int64_t us = 0, again = 0;
        assert_true(duration_parse(cases[i].text, &us, &error));
        assert_int_equal(us, cases[i].us);
        duration_format(us, text);
        assert_string_equal(text, cases[i].canonical);
        assert_true(duration_parse(text, &again, &error));
        assert_int_equal(again, us);
    }
}

static void test_longest_text_fits(void **state)
{
    (void)state;
    char text[DURATION_TEXT_SIZE];
    duration_format(DURATION_US_MAX - 1, text);
    assert_string_equal(text, "P36524DT23H59M59.999999S");
}

static void test_bad_durations(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "P",
        "PT",
        "15M",
        "PT15",
        "PT15X",
        "PT15M ",
        "P1DT",
        "PTM",
        "P-1D",
        "PT-5M",
        "pt15m",
        "PT5M3H",
        "PT5S5S",
        "PT1.5M",
        "PT1.S",
        "PT.5S",
        "P0D",
        "PT0S",
        "PT0.0S",
        "P1H",
        "PT1D",
        "PT1W",
        "PT0.1234567S",
        "P36526D",
        "P36525DT1S",
        "PT9999999999999999999S",
        "P1D2W",
        "PT1,5S",
        "P99999999999999999999D",
        "P36525DT0.000001S",
        "P1DT5",
        "1D",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = ERROR_NONE;
        int64_t us = -1;
        if (duration_parse(cases[i], &us, &error))
            fail_msg("'%s' was taken", cases[i]);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_non_null(strstr(error.text, "PT15M"));
    }
}

static void test_years_and_months_are_told_apart(void **state)
{
    (void)state;
    static const char *const cases[] = {"P1Y", "P2M", "P1Y2M3DT4H", "P1MT5M"};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = ERROR_NONE;
        int64_t us;
        assert_false(duration_parse(cases[i], &us, &error));
        assert_non_null(strstr(error.text, "no fixed length"));
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"4096", 4096},
        {"1B", 1},
        {"10MB", 10000000},
        {"10MiB", 10485760},
        {"64KiB", 65536},
        {"2kB", 2000},
        {"2KB", 2000},
        {"3GB", 3000000000},
        {"3TiB", (uint64_t)3 << 40},
        {"1PB", 1000000000000000},
        {"7EiB", (uint64_t)7 << 60},
        {"9EB", 9000000000000000000u},
        {"9223372036854775800", 9223372036854775800u},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = ERROR_NONE;
        uint64_t bytes = 0, rate = 0;
        char text[64];
        assert_true(size_parse(cases[i].text, &bytes, &error));
        assert_int_equal(bytes, cases[i].bytes);
        assert_true(rate_parse(cases[i].text, &rate, &error));
        assert_int_equal(rate, bytes);
        snprintf(text, sizeof text, "%s/s", cases[i].text);
        assert_true(rate_parse(text, &rate, &error));
        assert_int_equal(rate, bytes);
        assert_false(size_parse(text, &bytes, &error));
    }
}

static void test_bad_sizes(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "0",
        "0MB",
        "MB",
        "10 MB",
        "10M",
        "10Mi",
        "10mb",
        "10MIB",
        "10XB",
        "10iB",
        "-1",
        "1.5GB",
        "8EiB",
        "10EB",
        "9223372036854775808",
        "99999999999999999999",
        "10MBs",
        "10BB",
        "10KiBs",
        "10b",
        "10MiB/",
        "/s",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = ERROR_NONE;
        uint64_t bytes = 7;
        if (size_parse(cases[i], &bytes, &error))
            fail_msg("'%s' was taken", cases[i]);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_int_equal(bytes, 7);
        if (rate_parse(cases[i], &bytes, &error))
            fail_msg("rate '%s' was taken", cases[i]);
        assert_int_equal(bytes, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_longest_text_fits),
        cmocka_unit_test(test_bad_durations),
        cmocka_unit_test(test_years_and_months_are_told_apart),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_bad_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
