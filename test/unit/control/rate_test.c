/* rate_test.c: a rate needs two looks at one phase, and forgets the phase before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/rate.h"

static void look(struct rate *rate, const char *phase, uint64_t bytes, int64_t at_us)
{
    struct status status = {.phase = phase, .progress = {.bytes_done = bytes}};
    rate_measure(rate, &status, at_us);
}

static void test_a_rate(void **state)
{
    struct rate rate = {0};
    struct progress progress = {.bytes_done = 2000, .bytes_total = 6000};
    (void)state;
    look(&rate, "verify", 0, 5000000);
    assert_int_equal(rate_seconds_left(&rate, &progress), -1);
    look(&rate, "verify", 500, 5100000); /* too soon to say anything */
    assert_int_equal(rate_seconds_left(&rate, &progress), -1);
    look(&rate, "verify", 2000, 7000000);
    assert_int_equal((int64_t)rate.bytes_per_second, 1000);
    assert_int_equal(rate_seconds_left(&rate, &progress), 4);
    progress.bytes_done = 7000; /* more than was thought */
    assert_int_equal(rate_seconds_left(&rate, &progress), 0);
    progress.bytes_total = 0;
    assert_int_equal(rate_seconds_left(&rate, &progress), -1);
}

static void test_what_makes_it_begin_anew(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct rate rate = {0};
        look(&rate, "copy", 0, 5000000);
        look(&rate, "copy", 2000, 7000000);
        assert_true(rate.bytes_per_second > 0);
        look(&rate, how == 0 ? "commit" : "copy", how == 1 ? 1000 : 3000,
             how == 2 ? 6000000 : 8000000); /* another phase, a new try, a clock that was set */
        assert_true(rate.bytes_per_second == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rate),
        cmocka_unit_test(test_what_makes_it_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
