/* path_test.c: cleaning, families, order, patterns and encodings of paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/path.h"

static void test_cleaning(void **state)
{
    (void)state;
    struct arena arena;
    struct error error = ERROR_NONE;
    const char *clean;
    arena_init(&arena);
    assert_true(path_clean(&arena, "//a//b/", &clean, &error));
    assert_string_equal(clean, "/a/b");
    assert_true(path_clean(&arena, "/", &clean, &error));
    assert_string_equal(clean, "/");
    assert_false(path_clean(&arena, "/a/../b", &clean, &error));
    assert_false(path_clean(&arena, "a", &clean, &error));
    assert_true(path_is_clean_relative(""));
    assert_false(path_is_clean_relative("a//b"));
    arena_fini(&arena);
}

static void test_family(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_true(path_is_under("/a/b", "/a"));
    assert_false(path_is_under("/ab", "/a"));
    assert_true(path_is_under("x", ""));
    assert_string_equal(path_below("/a/b/c", "/a"), "b/c");
    assert_string_equal(path_below("/a", "/"), "a");
    assert_string_equal(path_parent(&arena, "/a"), "/");
    assert_string_equal(path_parent(&arena, "a"), "");
    assert_null(path_parent(&arena, ""));
    assert_string_equal(path_join(&arena, "/", "a"), "/a");
    assert_string_equal(path_move(&arena, "k/x", "k", "k2"), "k2/x");
    arena_fini(&arena);
}

static void test_order_puts_children_behind_their_parent(void **state)
{
    (void)state;
    assert_true(path_compare("a", "a/x") < 0);
    assert_true(path_compare("a/x", "a b") < 0);
    assert_true(path_compare("a/x", "a\x01") < 0);
    assert_true(path_compare("b", "a/x") > 0);
    assert_int_equal(path_compare("a", "a"), 0);
    assert_true(path_compare("", "a") < 0);
    assert_true(path_compare("\xff", "a") > 0);
}

static void test_patterns(void **state)
{
    (void)state;
    assert_true(path_matches("a/.Trash/b", ".Trash"));
    assert_true(path_matches("x.tmp", "*.tmp"));
    assert_true(path_matches("d/x.tmp", "*.tmp"));
    assert_false(path_matches("d/x.tmp", "/*.tmp"));
    assert_true(path_matches("d/e/x.tmp", "d/**/x.tmp"));
    assert_true(path_matches("d/e/x", "d/**"));
    assert_false(path_matches("d", "d/**"));
    assert_true(path_matches(".hive-staging_1", ".hive-staging*"));
    assert_false(path_matches("a/b", "a?b"));
    assert_false(path_matches("", "*"));
}

static void test_percent(void **state)
{
    (void)state;
    struct buffer text, back;
    buffer_init(&text, 0);
    buffer_init(&back, 0);
    path_percent_encode(&text, "/a b/%\xc3\xa9", true);
    assert_string_equal(buffer_text(&text), "/a%20b/%25%C3%A9");
    assert_true(path_percent_decode(&back, text.data, text.size));
    assert_string_equal(buffer_text(&back), "/a b/%\xc3\xa9");
    assert_false(path_percent_decode(&back, "%0", 2));
    assert_false(path_percent_decode(&back, "%00", 3));
    buffer_fini(&text);
    buffer_fini(&back);
}

static void test_utf8(void **state)
{
    (void)state;
    assert_true(path_is_utf8("a\xc3\xa9\xf0\x9f\x98\x80"));
    assert_false(path_is_utf8("\xff"));
    assert_false(path_is_utf8("\xc0\xaf"));
    assert_false(path_is_utf8("\xed\xa0\x80"));
    assert_false(path_is_utf8("\xc3"));
}

static void test_names_and_joints(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(path_name("/a/b"), "b");
    assert_string_equal(path_name("b"), "b");
    assert_string_equal(path_name("/"), "");
    assert_string_equal(path_join(&arena, "a", ""), "a");
    assert_string_equal(path_join(&arena, "", "b"), "b");
    assert_string_equal(path_join(&arena, "a", "b"), "a/b");
    assert_int_equal(path_depth("/"), 0);
    assert_int_equal(path_depth(""), 0);
    assert_int_equal(path_depth("/a/b"), 2);
    assert_int_equal(path_depth("a/b/c"), 3);
    arena_fini(&arena);
}

static void test_long_paths(void **state)
{
    (void)state;
    static char path[PATH_LENGTH_MAX + 2];
    struct arena arena;
    struct error error = ERROR_NONE;
    const char *clean;
    arena_init(&arena);
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    assert_false(path_is_clean(path));
    path[0] = 'x';
    assert_false(path_is_clean_relative(path));
    path[0] = '/';
    assert_false(path_clean(&arena, path, &clean, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    path[PATH_LENGTH_MAX] = '\0';
    assert_true(path_is_clean(path));
    assert_true(path_clean(&arena, path, &clean, &error));
    arena_fini(&arena);
}

static void test_print(void **state)
{
    (void)state;
    struct buffer text;
    char path[1000];
    buffer_init(&text, 0);
    path_print(&text, "a\xff\\\x01\xc3\xa9");
    assert_string_equal(buffer_text(&text), "a\\xff\\x5c\\x01\xc3\xa9");
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    buffer_clear(&text);
    path_print(&text, path);
    assert_int_equal(text.size, 303);
    assert_string_equal(text.data + 299, "x...");
    buffer_fini(&text);
}

static void test_unclean_paths(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "a",   "//",     "/a/",  "/a//b",
                                      "/.", "/..", "/a/./b", "/a/.."};
    static const char *const good[] = {"/", "/a", "/...", "/.a", "/a/b..", "/ "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(path_is_clean(bad[i]));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(path_is_clean(good[i]));
        assert_true(path_is_clean_relative(good[i] + 1));
    }
    assert_false(path_is_clean_relative("/a"));
    assert_false(path_is_clean_relative("a/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cleaning),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_order_puts_children_behind_their_parent),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_percent),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_names_and_joints),
        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_unclean_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
