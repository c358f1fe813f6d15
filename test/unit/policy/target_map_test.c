/* target_map_test.c: both directions, the longest prefix, and what is not one-to-one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/random.h"
#include "policy/target_map.h"

static void test_both_directions(void **state)
{
    (void)state;
    struct target_rule rules[] = {
        {"hdfs", "/a", "hdfs", "/dr/a"},
        {"hdfs", "/a/b", "hdfs-2", "/"},
        {"posix", "/", "posix-b", "/"},
    };
    struct target_map map = {rules, ARRAY_LENGTH(rules)};
    static const struct {
        const char *instance, *path, *to_instance, *to;
    } cases[] = {
        {"hdfs", "/a", "hdfs", "/dr/a"},          {"hdfs", "/a/x/y", "hdfs", "/dr/a/x/y"},
        {"hdfs", "/a/b", "hdfs-2", "/"},          {"hdfs", "/a/b/c", "hdfs-2", "/c"},
        {"hdfs", "/ab", "hdfs", "/ab"},           {"hive", "/a", "hive", "/a"},
        {"posix", "/srv/x", "posix-b", "/srv/x"},
    };
    struct arena arena;
    struct error error = ERROR_NONE;
    size_t wrong;
    arena_init(&arena);
    assert_true(target_map_check(&map, &wrong, &error));
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct target_place to = target_map_apply(&map, cases[i].instance, cases[i].path, &arena);
        assert_string_equal(to.instance, cases[i].to_instance);
        assert_string_equal(to.path, cases[i].to);
        struct target_place from;
        assert_true(target_map_invert(&map, to.instance, to.path, &arena, &from));
        assert_string_equal(from.instance, cases[i].instance);
        assert_string_equal(from.path, cases[i].path);
    }
    struct target_place from;
    assert_false(target_map_invert(&map, "hdfs", "/a/q", &arena, &from)); /* all of /a goes away */
    assert_false(target_map_invert(&map, "posix", "/x", &arena, &from));
    assert_false(target_map_invert(&map, "hdfs", "/dr/a/b", &arena, &from) &&
                 strcmp(from.path, "/a/b") == 0); /* /a/b lies elsewhere */
    arena_fini(&arena);
}

static void assert_check(const struct target_rule *rules, size_t count, size_t wrong)
{
    struct target_rule copy[4];
    struct target_map map = {copy, count};
    struct error error = ERROR_NONE;
    size_t found = count;
    for (size_t i = 0; i < count; i++)
        copy[i] = rules[i];
    assert_int_equal(target_map_check(&map, &found, &error), wrong == count);
    assert_int_equal(found, wrong);
}

static void test_one_to_one(void **state)
{
    (void)state;
    const struct target_rule same_source[] = {{"h", "/a", "h", "/x"}, {"h", "/a", "h", "/y"}};
    const struct target_rule same_target[] = {{"h", "/a", "h", "/x"}, {"h", "/b", "h", "/x"}};
    const struct target_rule nested[] = {{"h", "/b", "h", "/x/y"}, {"h", "/a", "h", "/x"}};
    const struct target_rule other_instance[] = {{"h", "/a", "h", "/x"}, {"h", "/b", "g", "/x/y"}};
    const struct target_rule gap[] = {
        {"h", "/a", "h", "/x"}, {"h", "/b", "h", "/x/y"}, {"h", "/a/y", "h", "/z"}};
    const struct target_rule harmless[] = {{"h", "/a", "h", "/x"}, {"h", "/a/b", "h", "/x/b"}};
    const struct target_rule exchange[] = {{"h", "/a", "h", "/b"}, {"h", "/b", "h", "/a"}};
    assert_check(same_source, 2, 1);
    assert_check(same_target, 2, 1);
    assert_check(nested, 2, 1);
    assert_check(other_instance, 2, 2);
    assert_check(gap, 3, 3); /* what would collide goes elsewhere by the third rule */
    assert_check(harmless, 2, 2);
    assert_check(exchange, 2, 2);
    assert_check(NULL, 0, 0);
}

/* Random maps over a small tree: the check says exactly whether two mapped paths meet. */
static void test_check_against_all_paths(void **state)
{
    (void)state;
    static const char *const names[] = {"/p", "/q"};
    char paths[32][16] = {""};
    size_t path_count = 1, sound = 0;
    for (size_t from = 0; from < 15; from++)
        for (size_t n = 0; n < 2; n++)
            strcat(strcpy(paths[path_count++], paths[from]), names[n]);
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 2000; round++) {
        struct target_rule rules[3];
        struct target_map map = {rules, 3};
        struct error error = ERROR_NONE;
        struct arena arena;
        size_t wrong;
        bool meets = false;
        for (size_t i = 0; i < 3;
             i++) /* depth one and two only: all collisions show at depth four */
            rules[i] = (struct target_rule){"h", paths[1 + random_below(&random, 6)], "h",
                                            paths[1 + random_below(&random, 6)]};
        arena_init(&arena);
        const char *targets[32] = {NULL};
        for (size_t i = 1; i < path_count; i++) {
            bool mapped = false;
            for (size_t r = 0; r < 3; r++)
                mapped = mapped || strncmp(paths[i], rules[r].from, strlen(rules[r].from)) == 0;
            if (mapped)
                targets[i] = target_map_apply(&map, "h", paths[i], &arena).path;
            for (size_t j = 1; mapped && j < i; j++)
                meets = meets || (targets[j] != NULL && strcmp(targets[i], targets[j]) == 0);
        }
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < i; j++)
                meets = meets || strcmp(rules[i].from, rules[j].from) == 0;
        assert_int_equal(target_map_check(&map, &wrong, &error), !meets);
        sound += !meets;
        arena_fini(&arena);
    }
    assert_in_range(sound, 50, 1950); /* both answers were seen */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_one_to_one),
        cmocka_unit_test(test_check_against_all_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
