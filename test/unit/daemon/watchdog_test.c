/* watchdog_test.c: the process ends although its only thread hangs, and only then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "unit/child.h"

#include "daemon/watchdog.h"

static void hang(void)
{
    watchdog_new(30, 7);
    pause();
}

static void end_in_time(void)
{
    watchdog_free(watchdog_new(60000, 7));
    watchdog_free(NULL);
}

static void test_what_hangs_is_ended(void **state)
{
    char output[400];
    (void)state;
    assert_int_equal(child_run(hang, output, sizeof output), -7);
    assert_non_null(strstr(output, "daemon.hurry"));
}

static void test_what_ends_in_time_is_left_alone(void **state)
{
    char output[400];
    (void)state;
    assert_int_equal(child_run(end_in_time, output, sizeof output), 0);
    assert_string_equal(output, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_hangs_is_ended),
        cmocka_unit_test(test_what_ends_in_time_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
