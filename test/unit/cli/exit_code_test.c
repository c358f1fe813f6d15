/* exit_code_test.c: every error has an exit status, and none is silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/exit_code.h"

static void test_every_error_has_one(void **state)
{
    (void)state;
#define X(name, retry, status, text)                                                  \
    assert_int_equal(exit_code_of(ERROR_##name) == CLI_OK, ERROR_##name == ERROR_OK); \
    assert_true(exit_code_of(ERROR_##name) != CLI_USAGE);
    ERROR_CODES(X)
#undef X
}

static void test_what_scripts_tell_apart(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(ERROR_CONFLICT), 2);
    assert_int_equal(exit_code_of(ERROR_INVALID), 2);
    assert_int_equal(exit_code_of(ERROR_NOT_FOUND), 3);
    assert_int_equal(exit_code_of(ERROR_UNAVAILABLE), 4);
    assert_int_equal(exit_code_of(ERROR_UNCERTAIN), 4);
    assert_int_equal(exit_code_of(ERROR_CORRUPT), 5);
    assert_int_equal(exit_code_of(ERROR_NO_SPACE), 5);
    assert_int_equal(exit_code_of(ERROR_DENIED), 7);
}

static void test_numbers_are_distinct(void **state)
{
    (void)state;
    unsigned seen = 0;
#define X(name, number, text)                   \
    assert_false((seen & 1u << (number)) != 0); \
    seen |= 1u << (number);
    EXIT_CODES(X)
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_one),
        cmocka_unit_test(test_what_scripts_tell_apart),
        cmocka_unit_test(test_numbers_are_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
