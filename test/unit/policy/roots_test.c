/* roots_test.c: the choice of roots and every refusal with its remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "policy/roots.h"

static const struct root registry[] = {
    {"east", "hdfs", "/apps/billing", "billing"},
    {"east", "hdfs", "/warehouse", NULL},
    {"west", "hdfs", "/data", "other"},
};

static bool choose(const struct root_want *wants, size_t count, struct root_choice *choices,
                   struct error *error)
{
    *error = ERROR_NONE;
    return roots_choose(registry, ARRAY_LENGTH(registry), wants, count, choices, error);
}

static void test_existing_and_new_roots(void **state)
{
    (void)state;
    const struct root_want wants[] = {
        {"a", "east", "hdfs", "/apps/billing", NULL},
        {"a", "east", "hdfs", "/apps/billing/2026", NULL},
        {"a", "east", "hdfs", "/warehouse/x", "/coeval"}, /* a root that is not ours serves too */
        {"a", "east", "hdfs", "/data/x/y", NULL},
        {"b", "east", "hdfs", "/data/x", NULL}, /* the outermost carries the others */
        {"b", "east", "hdfs", "/data/x/y/z", NULL},
        {"b", "east", "posix", "/data", NULL},
        {"b", "west", "posix", "/data/x", NULL},
        {"b", "east", "hdfs", "/data/xy", NULL},
    };
    static const struct root_choice expected[] = {
        {0, "/apps/billing"},  {0, "/apps/billing"},  {1, "/warehouse"},
        {ROOT_NEW, "/data/x"}, {ROOT_NEW, "/data/x"}, {ROOT_NEW, "/data/x"},
        {ROOT_NEW, "/data"},   {ROOT_NEW, "/data/x"}, {ROOT_NEW, "/data/xy"},
    };
    struct root_choice choices[ARRAY_LENGTH(wants)];
    struct error error;
    assert_true(choose(wants, ARRAY_LENGTH(wants), choices, &error));
    for (size_t i = 0; i < ARRAY_LENGTH(wants); i++) {
        assert_int_equal(choices[i].existing, expected[i].existing);
        assert_string_equal(choices[i].path, expected[i].path);
    }
}

static void test_refusals_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        struct root_want want;
        enum error_code code;
        const char *text;
    } cases[] = {
        {{"s", "east", "hdfs", "/", NULL},
         ERROR_INVALID,
         "service s: '/' of east hdfs cannot be a snapshot root: name the directories below it"},
        {{"s", "east", "hdfs", "/apps", NULL},
         ERROR_CONFLICT,
         "service s: east hdfs:/apps lies above the snapshot root /apps/billing (of billing), "
         "and roots cannot nest: see 'coeval root plan east hdfs:/apps'"},
        {{"s", "west", "hdfs", "/coeval/x", "/coeval"},
         ERROR_CONFLICT,
         "service s: west hdfs:/coeval/x and Coeval's own area /coeval overlap: move the area "
         "(configuration) or the data set"},
        {{"s", "west", "hdfs", "/srv", "/srv/coeval"},
         ERROR_CONFLICT,
         "service s: west hdfs:/srv and Coeval's own area /srv/coeval overlap: move the area "
         "(configuration) or the data set"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct root_choice choice;
        struct error error;
        assert_false(choose(&cases[i].want, 1, &choice, &error));
        assert_int_equal(error.code, cases[i].code);
        assert_string_equal(error.text, cases[i].text);
    }
    const struct root foreign = {"east", "hdfs", "/a/b", NULL};
    const struct root_want want = {"s", "east", "hdfs", "/a", NULL};
    struct root_choice choice;
    struct error error = ERROR_NONE;
    assert_false(roots_choose(&foreign, 1, &want, 1, &choice, &error));
    assert_string_equal(error.text,
                        "service s: east hdfs:/a lies above the snapshot root /a/b (not made by "
                        "Coeval), and roots cannot nest: see 'coeval root plan east hdfs:/a'");
}

static void test_targets_belong_to_one_service(void **state)
{
    (void)state;
    struct root_want targets[] = {
        {"a", "west", "hdfs", "/data/a", NULL},  {"b", "west", "hdfs", "/data/ab", NULL},
        {"c", "west", "posix", "/data/a", NULL}, {"d", "east", "hdfs", "/data/a", NULL},
        {"e", "west", "hdfs", "/other", NULL},
    };
    struct error error = ERROR_NONE;
    assert_true(roots_check_targets(targets, ARRAY_LENGTH(targets), &error));
    targets[4].path = "/data/a";
    assert_false(roots_check_targets(targets, ARRAY_LENGTH(targets), &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_string_equal(error.text,
                        "on west, hdfs:/data/a of service a and hdfs:/data/a of service e overlap; "
                        "a target belongs to one service: change the target_map of one");
    targets[4].path = "/data";
    assert_false(roots_check_targets(targets, ARRAY_LENGTH(targets), &error));
    targets[4].path = "/data/a/b";
    assert_false(roots_check_targets(targets, ARRAY_LENGTH(targets), &error));
}

static void test_no_target_on_a_source(void **state)
{
    (void)state;
    struct root_want targets[] = {
        {"a", "west", "hdfs", "/data/a", NULL},
        {"b", "west", "hdfs", "/data/b", NULL},
    };
    const struct root_want sources[] = {
        {"c", "east", "hdfs", "/data/a", NULL},
        {"d", "west", "archive", "/data/a", NULL},
        {"e", "west", "hdfs", "/data/c/d", NULL},
    };
    struct error error = ERROR_NONE;
    assert_true(roots_check_sources(targets, 2, sources, 3, &error));
    targets[1].path = "/data/c";
    assert_false(roots_check_sources(targets, 2, sources, 3, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_string_equal(
        error.text,
        "on west, hdfs:/data/c would be written by service b, and service e is backed up from "
        "hdfs:/data/c/d there: change the target_map of b, or delete the policy of the other one");
    targets[1].path = "/data/c/d/x";
    assert_false(roots_check_sources(targets, 2, sources, 3, &error));
}

static void test_common_root(void **state)
{
    (void)state;
    const struct root_want wants[] = {
        {"a", "east", "hdfs", "/data/a/x", NULL},
        {"a", "east", "hdfs", "/data/a", NULL},
        {"a", "east", "hdfs", "/data/b", NULL},
        {"a", "east", "hdfs", "/other", NULL},
    };
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(roots_common(wants, 1, &arena), "/data/a/x");
    assert_string_equal(roots_common(wants, 2, &arena), "/data/a");
    assert_string_equal(roots_common(wants, 3, &arena), "/data");
    assert_null(roots_common(wants, 4, &arena));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_existing_and_new_roots),
        cmocka_unit_test(test_refusals_say_what_to_do),
        cmocka_unit_test(test_targets_belong_to_one_service),
        cmocka_unit_test(test_no_target_on_a_source),
        cmocka_unit_test(test_common_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
