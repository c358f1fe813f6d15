/* path_map_test.c: many paths, and the deepest ancestor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "plan/path_map.h"

static void test_many_paths(void **state)
{
    (void)state;
    struct path_map map;
    struct arena arena;
    char text[32];
    path_map_init(&map);
    arena_init(&arena);
    assert_null(path_map_get(&map, "x"));
    assert_null(path_map_above(&map, "x/y", true));
    for (size_t i = 0; i < 1000; i++) {
        char *path = arena_format(&arena, "d/%zu", i);
        path_map_put(&map, path)->value = path;
    }
    assert_int_equal(map.count, 1000);
    assert_true(path_map_bytes(&map) >= 2000 * sizeof(struct path_slot));
    for (size_t i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "d/%zu", i);
        assert_string_equal(path_map_get(&map, text)->value, text);
        assert_string_equal(path_map_put(&map, text)->value, text);
    }
    assert_int_equal(map.count, 1000);
    assert_null(path_map_get(&map, "d/1000"));
    assert_string_equal(path_map_get_part(&map, "d/12345", 4)->path, "d/12");
    path_map_fini(&map);
    arena_fini(&arena);
}

static void above(const struct path_map *map, const char *path, bool itself, const char *expected)
{
    struct path_slot *slot = path_map_above(map, path, itself);
    if (expected == NULL)
        assert_null(slot);
    else
        assert_string_equal(slot->path, expected);
}

static void test_deepest_ancestor(void **state)
{
    (void)state;
    struct path_map map;
    path_map_init(&map);
    path_map_put(&map, "a");
    path_map_put(&map, "a/b/c");
    above(&map, "a/b/c", true, "a/b/c");
    above(&map, "a/b/c", false, "a");
    above(&map, "a/b/c/d/e", true, "a/b/c");
    above(&map, "a/b", true, "a");
    above(&map, "ab", true, NULL);
    above(&map, "", true, NULL);
    path_map_put(&map, "");
    above(&map, "ab", true, "");
    above(&map, "a", false, "");
    above(&map, "", true, "");
    above(&map, "", false, NULL);
    path_map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_paths),
        cmocka_unit_test(test_deepest_ancestor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
