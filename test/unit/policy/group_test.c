/* group_test.c: selectors, exclusions, and how a catalogue becomes members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "policy/group.h"

static const struct catalogue_entry catalogue[] = {
    {"hdfs", "/apps", "root"},
    {"hdfs", "/apps/billing", "bill"},
    {"hdfs", "/apps/orders", "order"},
    {"hdfs", "/tmp", "root"},
    {"hdfs", "/user/bill", "bill"},
    {"posix", "/srv/x", "bill"},
    {"hdfs", "/.coeval", "coeval"},
    {"hdfs", "/", "root"},
    {"hdfs", "/user/bill/.Trash", "bill"},
};

static void assert_selects(struct group group, const char *expected)
{
    char found[256] = "";
    group.default_excludes = true;
    for (size_t i = 0; i < ARRAY_LENGTH(catalogue); i++)
        if (group_selects(&group, &catalogue[i])) {
            strcat(found, catalogue[i].path);
            strcat(found, " ");
        }
    assert_string_equal(found, expected);
}

static void test_selectors(void **state)
{
    (void)state;
    struct group_selector all = {NULL, NULL, NULL}, posix = {"posix", NULL, NULL};
    struct group_selector bill = {"hdfs", "bill", NULL}, apps = {NULL, NULL, "/apps"};
    struct group_selector both[] = {posix, {NULL, "order", "/apps"}};
    assert_selects((struct group){.selector_count = 0}, "");
    assert_selects((struct group){.selectors = &all, .selector_count = 1},
                   "/apps /apps/billing /apps/orders /tmp /user/bill /srv/x ");
    assert_selects((struct group){.selectors = &posix, .selector_count = 1}, "/srv/x ");
    assert_selects((struct group){.selectors = &bill, .selector_count = 1},
                   "/apps/billing /user/bill ");
    assert_selects((struct group){.selectors = &apps, .selector_count = 1},
                   "/apps /apps/billing /apps/orders ");
    assert_selects((struct group){.selectors = both, .selector_count = 2}, "/apps/orders /srv/x ");
}

static void test_include_and_exclude_narrow_selectors(void **state)
{
    (void)state;
    struct group_selector all = {NULL, NULL, NULL};
    const char *include[] = {"/apps", "bill"}, *exclude[] = {"/tmp", "order*"};
    struct group group = {.selectors = &all, .selector_count = 1};
    group.exclude = exclude;
    group.exclude_count = 2;
    assert_selects(group, "/apps /apps/billing /user/bill /srv/x ");
    group.exclude_count = 0;
    group.include = include;
    group.include_count = 1;
    assert_selects(group, "/apps /apps/billing /apps/orders ");
    group.include_count = 2;
    assert_selects(group, "/apps /apps/billing /apps/orders /user/bill ");
}

static void test_an_owner_that_is_not_known(void **state)
{
    (void)state;
    struct group_selector selector = {.instance = "hdfs", .owner = "bill"};
    const struct group group = {.selectors = &selector, .selector_count = 1};
    assert_true(group_selects(&group, &(struct catalogue_entry){"hdfs", "/x", NULL}));
    assert_false(group_selects(&group, &(struct catalogue_entry){"hdfs", "/x", "eve"}));
    assert_false(group_selects(&group, &(struct catalogue_entry){"posix", "/x", NULL}));
}

static void test_exclusions(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *relative;
        bool excluded;
    } cases[] = {
        {"*.tmp", "a.tmp", true},
        {"*.tmp", "a/b.tmp", true},
        {"*.tmp", "a.tmp/below", true},
        {"*.tmp", "a.tmpx", false},
        {"a/b", "a/b", true},
        {"a/b", "a/b/c/d", true},
        {"a/b", "x/a/b", false},
        {"a/b", "a/bc", false},
        {"**/b/c", "x/y/b/c", true},
        {"a/*/c", "a/x/c/d", true},
        {"a/*/c", "a/x/y/c", false},
        {"/data/a", "a", true}, /* absolute: the data set is /data */
        {"/data/a", "a/b", true},
        {"/data/a", "b/a", false},
        {"/a", "a", false},
        {"/data", "", true}, /* the data set itself and all of it */
        {"/data", "x/y", true},
        {"/dat", "x", false},
        {"/other", "data", false},
        {"data", "x", false}, /* relative patterns do not see the data set's own name */
        {"x", "", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *patterns[] = {cases[i].pattern};
        struct group group = {.exclude = patterns, .exclude_count = 1};
        if (group_excludes(&group, "/data", cases[i].relative) != cases[i].excluded)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].relative);
    }
}

static void test_default_exclusions(void **state)
{
    (void)state;
    static const char *const paths[] = {".Trash", "a/.Trash/b", ".snapshot/s", "t/_temporary/0/x",
                                        "t/.hive-staging_hive_2026/y"};
    struct group with = {.default_excludes = true}, without = {.default_excludes = false};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        assert_true(group_excludes(&with, "/d", paths[i]));
        assert_false(group_excludes(&without, "/d", paths[i]));
    }
    assert_int_equal(group_default_exclude_count, 4);
    assert_false(group_excludes(&with, "/d", "Trash/x"));
    /* Staging is nobody's data, whatever the group says. */
    assert_true(group_excludes(&without, "/d", ".coeval"));
    assert_true(group_excludes(&without, "/d", "zone/.coeval/41/7"));
    assert_false(group_excludes(&without, "/d", ".coevals"));
}

static void test_member_ids_are_for_ever(void **state)
{
    (void)state;
    char id[MEMBER_ID_SIZE], other[MEMBER_ID_SIZE];
    member_id("hdfs", "/bills", id);
    assert_string_equal(id, "643f59584293fe51"); /* stored on clusters: must never change */
    member_id("hdf", "s/bills", other);
    assert_string_not_equal(id, other);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(name_is_plain("hdfs-archive_2.x"));
    assert_true(name_is_plain("7"));
    assert_false(name_is_plain(""));
    assert_false(name_is_plain("-x"));
    assert_false(name_is_plain(".x"));
    assert_false(name_is_plain("a:b"));
    assert_false(name_is_plain("a/b"));
    assert_true(name_is_plain("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_false(name_is_plain("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void test_resolving(void **state)
{
    (void)state;
    struct data_set named[] = {{"posix", "/srv/y"}, {"hdfs", "/user/bill"}};
    struct group_selector hdfs = {"hdfs", NULL, NULL};
    struct group group = {.data_sets = named,
                          .data_set_count = 2,
                          .selectors = &hdfs,
                          .selector_count = 1,
                          .default_excludes = true};
    struct member *members;
    size_t count;
    struct arena arena;
    struct error error = ERROR_NONE;
    arena_init(&arena);
    assert_true(group_resolve(&group, catalogue, ARRAY_LENGTH(catalogue), &arena, &members, &count,
                              &error));
    /* /apps covers what lies below it; /user/bill was named and found; sorted. */
    assert_int_equal(count, 4);
    assert_string_equal(members[0].path, "/apps");
    assert_string_equal(members[1].path, "/tmp");
    assert_string_equal(members[2].path, "/user/bill");
    assert_string_equal(members[3].path, "/srv/y");
    assert_string_equal(members[3].instance, "posix");
    char id[MEMBER_ID_SIZE];
    member_id("hdfs", "/apps", id);
    assert_string_equal(members[0].id, id);

    group.data_set_count = 0;
    assert_false(group_resolve(&group, NULL, 0, &arena, &members, &count, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    arena_fini(&arena);
}

static void test_too_many_members(void **state)
{
    (void)state;
    static struct catalogue_entry entries[GROUP_DATA_SETS_MAX + 1];
    static char paths[GROUP_DATA_SETS_MAX + 1][16];
    struct group_selector all = {NULL, NULL, NULL};
    struct group group = {.selectors = &all, .selector_count = 1};
    struct member *members;
    size_t count;
    struct arena arena;
    struct error error = ERROR_NONE;
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
        snprintf(paths[i], sizeof paths[i], "/%zu", i);
        entries[i] = (struct catalogue_entry){"hdfs", paths[i], "x"};
    }
    arena_init(&arena);
    assert_false(
        group_resolve(&group, entries, ARRAY_LENGTH(entries), &arena, &members, &count, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_true(
        group_resolve(&group, entries, GROUP_DATA_SETS_MAX, &arena, &members, &count, &error));
    assert_int_equal(count, GROUP_DATA_SETS_MAX);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_include_and_exclude_narrow_selectors),
        cmocka_unit_test(test_an_owner_that_is_not_known),
        cmocka_unit_test(test_exclusions),
        cmocka_unit_test(test_default_exclusions),
        cmocka_unit_test(test_member_ids_are_for_ever),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_resolving),
        cmocka_unit_test(test_too_many_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
