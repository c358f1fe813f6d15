#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cleaning),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_order_puts_children_behind_their_parent),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_percent),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
