/* check_test.c: a broken invariant says where it is, dumps once, and aborts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "child.h"

/* Lets calloc fail as it does without the sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static char output[4096];

static void hold(void)
{
    CHECK(1 + 1 == 2);
}

static void dump(void)
{
    fputs("the last edges\n", stderr);
    CHECK(strlen("") == 7); /* a check that fails in the hook must not run it again */
}

static void break_it(void)
{
    check_set_dump_hook(dump);
    CHECK(strlen("two") == 2);
}

static void reach_it(void)
{
    CHECK_UNREACHABLE();
}

static void ask_too_much(void)
{
    free(memory_resize(NULL, SIZE_MAX / 4));
}

static void ask_too_much_zeroed(void)
{
    free(memory_new(SIZE_MAX / 4));
}

static void test_broken_invariants(void **state)
{
    (void)state;
    assert_int_equal(child_run(hold, output, sizeof output), 0);
    assert_int_equal(child_run(break_it, output, sizeof output), SIGABRT);
    assert_non_null(strstr(output, "strlen(\"two\") == 2"));
    assert_non_null(strstr(output, "check_test.c"));
    assert_non_null(strstr(output, "break_it"));
    char *dumped = strstr(output, "the last edges");
    assert_non_null(dumped);
    assert_null(strstr(dumped + 1, "the last edges"));
    assert_int_equal(child_run(reach_it, output, sizeof output), SIGABRT);
    assert_non_null(strstr(output, "unreachable"));
}

static void test_memory(void **state)
{
    (void)state;
    assert_int_equal(child_run(ask_too_much, output, sizeof output), SIGABRT);
    assert_non_null(strstr(output, "out of memory"));
    assert_int_equal(child_run(ask_too_much_zeroed, output, sizeof output), SIGABRT);
    unsigned char *memory = memory_new(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(memory[i], 0);
    memory = memory_resize(memory, 10000);
    memset(memory, 1, 10000);
    free(memory_resize(memory, 0));
    free(memory_new(0));
    char *copy = memory_copy_string("text");
    assert_string_equal(copy, "text");
    free(copy);
    assert_null(memory_copy_string(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_invariants),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
