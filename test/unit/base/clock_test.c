/* clock_test.c: units and monotony; the values themselves are the kernel's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_clocks(void **state)
{
    (void)state;
    int64_t realtime_us = clock_realtime_us();
    int64_t seconds = (int64_t)time(NULL);
    assert_in_range(realtime_us, (seconds - 3600) * 1000000, (seconds + 3600) * 1000000);
    int64_t monotonic_ns = clock_monotonic_ns(), raw_ns = clock_monotonic_raw_ns();
    int64_t boottime_ns = clock_boottime_ns();
    for (int i = 0; i < 1000; i++) {
        assert_true(clock_monotonic_ns() >= monotonic_ns);
        assert_true(clock_monotonic_raw_ns() >= raw_ns);
        assert_true(clock_boottime_ns() >= boottime_ns);
    }
    assert_true(boottime_ns >= monotonic_ns); /* it counts what the other one sleeps through */
}

static void test_the_error_of_the_clock(void **state)
{
    (void)state;
    bool synchronised = false;
    int64_t error_us = clock_error_us(&synchronised);
    assert_true(error_us >= -1);
    if (synchronised)
        assert_true(error_us >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_the_error_of_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
