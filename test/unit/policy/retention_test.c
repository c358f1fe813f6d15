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
        cmocka_unit_test(test_either_rule_keeps),
        cmocka_unit_test(test_no_rule_and_no_seals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
