/* expected_test.c: plans written by hand, the difference that they lead to, and the comparison with
 * what a target shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "plan/expected.h"

/* k moves to k2 and gets a new file; k/g goes; o has another mode; the time of d is set. */
static struct plan_step steps[] = {
    {.kind = PLAN_PARK, .number = 1, .area = PLAN_AREA_PARK, .staged = 1, .place = "k/g"},
    {PLAN_PARK, 2, PLAN_AREA_PARK, 2, "k", "k2", 0, 0},
    {PLAN_PLACE, 3, PLAN_AREA_PARK, 2, "k2", "k", 0, 0},
    {.kind = PLAN_PLACE, .number = 4, .area = PLAN_AREA_NEW, .staged = 4, .place = "k2/n"},
};
static struct plan_attributes attributes[] = {{.old_path = "o", .new_path = "o", .fields = 2}};
static struct plan_times times[] = {{"d", "d", 1, 2}, {NULL, "new", 0, 1}, {"old", NULL, 1, 0}};
static const struct plan plan = {.subject = "s",
                                 .steps = steps,
                                 .step_count = 4,
                                 .park_count = 2,
                                 .attributes = attributes,
                                 .attribute_count = 1,
                                 .times = times,
                                 .time_count = 3};

struct heard {
    char text[256];
    size_t room;
};

static bool hear(void *context, const struct difference *difference, struct error *error)
{
    struct heard *heard = context;
    size_t length = strlen(heard->text);
    if (heard->room-- == 0)
        return error_set(error, ERROR_IO, "heard enough");
    snprintf(heard->text + length, sizeof heard->text - length, "%c %s%s%s|",
             (char)difference->kind, difference->path, difference->target == NULL ? "" : ">",
             difference->target == NULL ? "" : difference->target);
    return true;
}

static void test_the_words_of_a_plan(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct heard heard = {"", 100};
    assert_true(expected_difference(&plan, hear, &heard, &error));
    assert_string_equal(heard.text, "D k/g|R k>k2|C k/n|M o|M d|");
    for (size_t room = 0; room < 5; room++) {
        heard = (struct heard){"", room};
        assert_false(expected_difference(&plan, hear, &heard, &error));
    }
}

static void test_a_created_top(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct heard heard = {"", 100};
    struct plan_step step = {
        .kind = PLAN_PLACE, .number = 1, .area = PLAN_AREA_NEW, .staged = 1, .place = ""};
    const struct plan top = {.subject = "s", .steps = &step, .step_count = 1};
    assert_true(expected_difference(&top, hear, &heard, &error));
    assert_string_equal(heard.text, "C |");
}

static void compare(const struct difference *actual, size_t count, size_t mismatches,
                    size_t touched, const char *first)
{
    struct expectation expectation;
    struct error error = ERROR_NONE;
    assert_true(expectation_init(&expectation, &plan, 1 << 20, &error));
    for (size_t i = 0; i < count; i++)
        assert_true(expectation_add(&expectation, &actual[i], &error));
    assert_true(expectation_finish(&expectation, &error));
    assert_int_equal(expectation.mismatch_count, mismatches);
    assert_int_equal(expectation.touched_count, touched);
    char *newline = strchr(buffer_text(&expectation.mismatches), '\n') == NULL
                        ? NULL
                        : strchr(expectation.mismatches.data, '\n');
    if (newline != NULL)
        *newline = '\0';
    assert_string_equal(buffer_text(&expectation.mismatches), first);
    expectation_fini(&expectation);
}

static void test_comparison(void **state)
{
    (void)state;
    const struct difference actual[] = {
        {DIFFERENCE_RENAME, "k", "k2"},    {DIFFERENCE_DELETE, "k/g", NULL},
        {DIFFERENCE_CREATE, "k/n", NULL},  {DIFFERENCE_MODIFY, "o", NULL},
        {DIFFERENCE_MODIFY, "x", NULL},    {DIFFERENCE_RENAME, "z", "z"},
        {DIFFERENCE_CREATE, "stray", NULL}};
    compare(actual, 6, 0, 3, ""); /* d, o, x by value; z moved onto itself */
    compare(actual, 7, 1, 3, "not expected: created 'stray'");
    compare(actual + 1, 5, 3, 3, "not expected: created 'k/n'");
    compare(actual, 2, 1, 2, "missing: created 'k2/n'");
    compare(NULL, 0, 3, 2, "missing: created 'k2/n'");
    const struct difference other[] = {{DIFFERENCE_RENAME, "k", "k3"},
                                       {DIFFERENCE_DELETE, "k/g", NULL},
                                       {DIFFERENCE_RENAME, "t", "k2"},
                                       {DIFFERENCE_CREATE, "t/n", NULL}};
    compare(other, 4, 3, 2, "missing: renamed 'k' to 'k2'");
}

static void test_long_lists_are_cut(void **state)
{
    (void)state;
    struct expectation expectation;
    struct error error = ERROR_NONE;
    assert_true(expectation_init(&expectation, &plan, 1 << 20, &error));
    for (int i = 0; i < 50; i++) {
        char path[16];
        snprintf(path, sizeof path, "stray-%d", i);
        struct difference difference = {DIFFERENCE_CREATE, path, NULL};
        assert_true(expectation_add(&expectation, &difference, &error));
    }
    assert_true(expectation_finish(&expectation, &error));
    assert_int_equal(expectation.mismatch_count, 53);
    size_t lines = 0;
    for (const char *at = buffer_text(&expectation.mismatches); *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 20);
    expectation_fini(&expectation);
}

static void test_failures_come_through(void **state)
{
    (void)state;
    struct expectation expectation;
    struct error error = ERROR_NONE;
    assert_false(expectation_init(&expectation, &plan, 10, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    expectation_fini(&expectation);
    assert_true(expectation_init(&expectation, &plan, 1 << 20, &error));
    const struct difference torn[] = {{DIFFERENCE_DELETE, "k", NULL},
                                      {DIFFERENCE_CREATE, "k/n", NULL}};
    for (size_t i = 0; i < 2; i++)
        assert_true(expectation_add(&expectation, &torn[i], &error));
    assert_false(expectation_finish(&expectation, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    expectation_fini(&expectation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_words_of_a_plan),
        cmocka_unit_test(test_a_created_top),
        cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_long_lists_are_cut),
        cmocka_unit_test(test_failures_come_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
