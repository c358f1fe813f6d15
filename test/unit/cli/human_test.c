/* human_test.c: numbers as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/human.h"

static void test_skews(void **state)
{
    static const struct {
        int64_t time_us;
        const char *text;
    } cases[] = {
        {0, "0.000 ms"},  {340, "0.340 ms"},  {1000, "1.0 ms"},    {9999, "9.9 ms"},
        {10000, "10 ms"}, {999999, "999 ms"}, {1000000, "1.00 s"}, {61250000, "61.25 s"},
    };
    char text[HUMAN_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        human_skew(cases[i].time_us, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_ages_and_clocks(void **state)
{
    static const struct {
        int64_t seconds;
        const char *age, *clock;
    } cases[] = {
        {0, "0s", "0:00"},          {59, "59s", "0:59"},        {60, "1m 0s", "1:00"},
        {3599, "59m 59s", "59:59"}, {3600, "1h 0m", "1:00:00"}, {93784, "1d 2h", "26:03:04"},
    };
    char text[HUMAN_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        human_age(cases[i].seconds, text);
        assert_string_equal(text, cases[i].age);
        human_clock(cases[i].seconds, text);
        assert_string_equal(text, cases[i].clock);
    }
}

static void test_instants(void **state)
{
    static const char *const cases[][2] = {
        {"2026-11-21T13:00:00Z", "2026-11-21T13:00:00Z"},
        {"2026-11-21T13:00:00.250001Z", "2026-11-21T13:00:00.250Z"},
        {"2026-11-21T13:00:00.250Z", "2026-11-21T13:00:00.250Z"},
        {"not.a.time.at.all", "not.a.time.at.all"},
        {"", ""},
    };
    char text[HUMAN_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        human_instant(cases[i][0], text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"45s", 45},     {"90m", 5400},     {"36h", 129600}, {"7d", 604800},
        {"2w", 1209600}, {"PT1H30M", 5400}, {"PT0.5S", 1},   {"P1DT1S", 86401},
    };
    static const char *const bad[] = {"",    "0s",    "5",           "5y",  "h", "-5s",
                                      "5 s", "1h30m", "9999999999s", "P1M", "PT"};
    int64_t seconds = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(human_parse_duration(cases[i].text, &seconds));
        assert_int_equal(seconds, cases[i].seconds);
    }
    seconds = 17;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(human_parse_duration(bad[i], &seconds));
    assert_int_equal(seconds, 17);
}

static void test_counts(void **state)
{
    static const char *const bad[] = {"", "-1", "+1", "1x", " 1", "0x10", "1234567890123456789"};
    uint64_t count = 17;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(human_parse_count(bad[i], &count));
    assert_int_equal(count, 17);
    assert_true(human_parse_count("0", &count));
    assert_int_equal(count, 0);
    assert_true(human_parse_count("999999999999999999", &count));
    assert_int_equal(count, 999999999999999999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skews),    cmocka_unit_test(test_ages_and_clocks),
        cmocka_unit_test(test_instants), cmocka_unit_test(test_durations),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
