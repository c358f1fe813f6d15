/* retention_test.c: what goes, in which order, and what never goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "policy/retention.h"

#define S ((int64_t)1000000)

/* Numbers 1 to 6 with T = number * 100 s, in no order; 2 is held, 4 a base. */
static const struct retention_seal seals[] = {
    {3, 300 * S, false, false}, {1, 100 * S, false, false}, {6, 600 * S, false, false},
    {2, 200 * S, false, true},  {5, 500 * S, false, false}, {4, 400 * S, true, false},
};

static void assert_retires(struct retention_rule rule, int64_t now, size_t count,
                           const uint64_t *expected)
{
    uint64_t numbers[ARRAY_LENGTH(seals)];
    assert_int_equal(retention_choose(&rule, seals, ARRAY_LENGTH(seals), now * S, numbers), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(numbers[i], expected[i]);
}
#define NUMBERS(...) ((const uint64_t[]){__VA_ARGS__})

static void test_last(void **state)
{
    (void)state;
    assert_retires((struct retention_rule){1, 0}, 9999, 3, NUMBERS(1, 3, 5));
    assert_retires((struct retention_rule){2, 0}, 9999, 2, NUMBERS(1, 3));
    assert_retires((struct retention_rule){4, 0}, 9999, 1, NUMBERS(1));
    assert_retires((struct retention_rule){6, 0}, 9999, 0, NULL);
}

/* Seen from epoch 5, the one before the newest. */
static void test_age(void **state)
{
    (void)state;
    assert_retires((struct retention_rule){0, 401 * S}, 9999, 0, NULL);
    assert_retires((struct retention_rule){0, 400 * S}, 9999, 1, NUMBERS(1));
    assert_retires((struct retention_rule){0, 201 * S}, 9999, 1, NUMBERS(1));
    assert_retires((struct retention_rule){0, 200 * S}, 9999, 2, NUMBERS(1, 3));
    /* The newest two stay however old they are, and so do base and held ones. */
    assert_retires((struct retention_rule){0, S}, 99999, 2, NUMBERS(1, 3));
    /* A clock that was set back makes nothing old. */
    assert_retires((struct retention_rule){0, 200 * S}, 499, 1, NUMBERS(1));
    assert_retires((struct retention_rule){0, S}, 50, 0, NULL);
}

/* Forty days ahead, for as long as one epoch takes. */
static void test_a_clock_that_is_ahead_for_a_while(void **state)
{
    (void)state;
    const int64_t day = 86400 * S;
    struct retention_seal some[] = {{1, 1 * day, false, false},
                                    {2, 2 * day, false, false},
                                    {3, 43 * day, false, false},
                                    {4, 4 * day, true, false}};
    const struct retention_rule rule = {0, 30 * day};
    uint64_t numbers[4];
    assert_int_equal(retention_choose(&rule, some, 2, 42 * day, numbers), 0);
    assert_int_equal(retention_choose(&rule, some, 3, 43 * day, numbers), 0);
    assert_int_equal(retention_choose(&rule, some, 4, 4 * day, numbers), 0);
}

/* However many seals are made by a clock that is wrong, and whether it is set right or not. */
static void test_a_clock_that_stays_ahead(void **state)
{
    (void)state;
    const int64_t day = 86400 * S;
    struct retention_seal some[40];
    uint64_t numbers[40];
    const struct retention_rule rule = {0, 30 * day};
    for (size_t i = 0; i < 40; i++)
        some[i] = (struct retention_seal){i + 1, (int64_t)(i + 1) * day, false, false};
    assert_int_equal(retention_choose(&rule, some, 40, 40 * day, numbers), 9);
    for (size_t wrong = 1; wrong < 9; wrong++) {
        some[32 + wrong - 1].moment_us += 4000 * day;
        assert_int_equal(retention_choose(&rule, some, 32 + wrong, 4050 * day, numbers), wrong + 1);
    }
    assert_int_equal(retention_choose(&rule, some, 40, 40 * day, numbers), 3); /* set right */
    /* Twice ahead and once back: nothing but usual gaps is counted. */
    for (size_t i = 0; i < 5; i++)
        some[10 + i].moment_us += 500 * day;
    assert_in_range(retention_choose(&rule, some, 40, 4050 * day, numbers), 0, 9);
}

/* Half a year without an epoch: what was kept before is kept until as many new days have come. */
static void test_a_pause_does_not_age(void **state)
{
    (void)state;
    const int64_t day = 86400 * S;
    struct retention_seal some[20];
    uint64_t numbers[20];
    const struct retention_rule rule = {0, 10 * day};
    for (size_t i = 0; i < 20; i++)
        some[i] = (struct retention_seal){i + 1, (int64_t)(i + 1) * day + (i < 10 ? 0 : 180 * day),
                                          false, false};
    assert_int_equal(retention_choose(&rule, some, 12, 200 * day, numbers), 1);
    assert_int_equal(retention_choose(&rule, some, 20, 200 * day, numbers), 9);
    /* A night and a weekend are none: less than a quarter of the age. */
    const struct retention_rule month = {0, 30 * day};
    some[9].moment_us += 2 * day;
    assert_int_equal(retention_choose(&month, some, 11, 200 * day, numbers), 0);
}

/* Few seals, far apart: the gaps are what is usual, and count. */
static void test_rare_seals(void **state)
{
    (void)state;
    const int64_t day = 86400 * S;
    struct retention_seal some[] = {{1, 0, false, false},
                                    {2, 30 * day, false, false},
                                    {3, 61 * day, false, false},
                                    {4, 92 * day, false, false}};
    const struct retention_rule rule = {0, 40 * day};
    uint64_t numbers[4];
    assert_int_equal(retention_choose(&rule, some, 4, 92 * day, numbers), 1);
    assert_int_equal(numbers[0], 1);
}

static void test_either_rule_keeps(void **state)
{
    (void)state;
    assert_retires((struct retention_rule){2, 250 * S}, 700, 1, NUMBERS(1));
    assert_retires((struct retention_rule){1, 200 * S}, 700, 2, NUMBERS(1, 3));
    assert_retires((struct retention_rule){5, 200 * S}, 700, 1, NUMBERS(1));
}

static void test_no_rule_and_no_seals(void **state)
{
    (void)state;
    struct retention_rule none = {0, 0}, one = {1, 0};
    uint64_t number;
    assert_retires(none, 99999, 0, NULL);
    assert_int_equal(retention_choose(&one, NULL, 0, 0, &number), 0);
    assert_int_equal(retention_choose(&one, seals, 1, 99999 * S, &number), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_a_clock_that_is_ahead_for_a_while),
        cmocka_unit_test(test_a_clock_that_stays_ahead),
        cmocka_unit_test(test_a_pause_does_not_age),
        cmocka_unit_test(test_rare_seals),
        cmocka_unit_test(test_either_rule_keeps),
        cmocka_unit_test(test_no_rule_and_no_seals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
