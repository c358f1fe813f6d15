/* exclusion_test.c: what is left out, and when a rename may cross the border. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "plan/exclusion.h"

static const char *const patterns[] = {".Trash", "_temporary", "tmp/x*", "/data/?/old", "**/log/a"};
static const struct exclusions exclusions = {patterns, ARRAY_LENGTH(patterns)};

static void test_what_is_left_out(void **state)
{
    (void)state;
    assert_true(exclusions_match(&exclusions, ".Trash"));
    assert_true(exclusions_match(&exclusions, "a/.Trash/b/c"));
    assert_true(exclusions_match(&exclusions, "job/_temporary/0/part"));
    assert_true(exclusions_match(&exclusions, "tmp/xy"));
    assert_true(exclusions_match(&exclusions, "tmp/xy/below"));
    assert_true(exclusions_match(&exclusions, "data/1/old/f"));
    assert_true(exclusions_match(&exclusions, "deep/log/a/f"));
    assert_false(exclusions_match(&exclusions, "tmp"));
    assert_false(exclusions_match(&exclusions, "a/tmp/xy"));
    assert_false(exclusions_match(&exclusions, "data/1/older"));
    assert_false(exclusions_match(&exclusions, ""));
    assert_false(exclusions_match(NULL, ".Trash"));
    assert_false(exclusions_match(&(struct exclusions){patterns, 0}, ".Trash"));
}

static void parts(const char *pattern, const char *old_path, const char *new_path, bool expected)
{
    const struct exclusions one = {&pattern, 1};
    assert_int_equal(exclusions_may_part(&one, old_path, new_path), expected);
    assert_int_equal(exclusions_may_part(&one, new_path, old_path), expected);
}

static void test_renames_that_may_cross_the_border(void **state)
{
    (void)state;
    parts(".Trash", "a", "b", false); /* names move along */
    parts("a/x", "a", "b", true);
    parts("/a/x", "a", "b", true);
    parts("a/x", "c", "b", false);
    parts("a/x", "ab", "b", false);
    parts("a/x/y", "a/x", "b", true);
    parts("a/x", "a/x/y", "b", true); /* conservative: it is below what is left out */
    parts("k?/x", "k1", "b", true);
    parts("kk*/x", "k", "b", false);
    parts("**/x/y", "a", "b", true); /* conservative */
    assert_false(exclusions_may_part(NULL, "a", "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_out),
        cmocka_unit_test(test_renames_that_may_cross_the_border),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
