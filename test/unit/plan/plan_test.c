/* plan_test.c: counts, names, decisions, markers, and the file form with every damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "plan/container.h"
#include "plan/plan.h"

struct built {
    struct changes changes;
    struct arena arena;
    struct plan plan;
};

/* k/f gets new content, k/a new attributes, g goes and comes again, h goes, m moves into the new n.
 */
static bool build(struct built *built, bool know_times)
{
    static const struct difference differences[] = {
        {DIFFERENCE_MODIFY, "", NULL},    {DIFFERENCE_MODIFY, "k", NULL},
        {DIFFERENCE_MODIFY, "k/f", NULL}, {DIFFERENCE_MODIFY, "k/a", NULL},
        {DIFFERENCE_DELETE, "g", NULL},   {DIFFERENCE_CREATE, "g", NULL},
        {DIFFERENCE_DELETE, "h", NULL},   {DIFFERENCE_CREATE, "n", NULL},
        {DIFFERENCE_RENAME, "m", "n/m"},  {DIFFERENCE_DELETE, "r", NULL},
        {DIFFERENCE_RENAME, "r/s", "s"}};
    struct change_options options = {.limit_bytes = 1 << 20};
    struct error error = ERROR_NONE;
    arena_init(&built->arena);
    changes_init(&built->changes, &options);
    for (size_t i = 0; i < ARRAY_LENGTH(differences); i++)
        assert_true(changes_add(&built->changes, &differences[i], &error));
    assert_true(changes_normalise(&built->changes, &error));
    for (size_t i = 0; i < built->changes.count; i++) {
        struct change *change = built->changes.items[i];
        change->entries = 10;
        change->bytes = 100;
        if (change->kind != CHANGE_TOUCHED)
            continue;
        size_t length = strlen(change->old_path);
        bool is_file = length == 3;
        struct entry base = {.path = "",
                             .type = is_file ? ENTRY_FILE : ENTRY_DIRECTORY,
                             .owner = "o",
                             .group = "g",
                             .mtime_ns = 5};
        struct entry now = base;
        if (!is_file || change->old_path[2] == 'f')
            now.mtime_ns = 6;
        else
            now.mode = 0600;
        assert_true(change_judge(&built->changes, change, &base, &now, ENTRY_ATTRIBUTES, &error));
    }
    assert_true(changes_settle(&built->changes, &error));
    for (size_t i = 0; know_times && i < built->changes.directory_count; i++)
        built->changes.directories[i].known = true;
    return plan_build(&built->changes, "p/s/g1.e2/m", &built->arena, &built->plan, &error);
}

static void drop(struct built *built)
{
    changes_fini(&built->changes);
    arena_fini(&built->arena);
}

static void test_order_and_counts(void **state)
{
    (void)state;
    static const char *const places[] = {"r/s", "r",   "m", "k/f", "h", "g",
                                         "g",   "k/f", "n", "n/m", "s"};
    static const char *const names[] = {"park/1", "park/2", "park/3", "park/4", "park/5", "park/6",
                                        "new/7",  "new/8",  "new/9",  "park/3", "park/1"};
    struct built built;
    assert_true(build(&built, true));
    const struct plan *plan = &built.plan;
    assert_int_equal(plan->step_count, ARRAY_LENGTH(places));
    assert_int_equal(plan->park_count, 6);
    for (size_t i = 0; i < plan->step_count; i++) {
        char name[PLAN_NAME_SIZE];
        plan_step_name(&plan->steps[i], name);
        assert_string_equal(name, names[i]);
        assert_string_equal(plan->steps[i].place, places[i]);
        assert_int_equal(plan->steps[i].number, i + 1);
    }
    assert_int_equal(plan->counts.moved, 2);
    assert_int_equal(plan->counts.created_entries, 21); /* g, n, and the file k/f */
    assert_int_equal(plan->counts.removed_entries, 20); /* h, r; g came again */
    assert_int_equal(plan->counts.removed_bytes, 200);
    assert_int_equal(plan->attribute_count, 1);
    assert_string_equal(plan->attributes[0].new_path, "k/a");
    assert_int_equal(plan->time_count, 4); /* n, k, the top; r only backwards */
    assert_string_equal(plan->times[0].new_path, "n");
    assert_string_equal(plan->times[1].new_path, "k");
    assert_string_equal(plan->times[2].new_path, "");
    assert_null(plan->times[3].new_path);
    assert_true(plan_has_park(plan, "r/s") && plan_has_park(plan, "g"));
    assert_false(plan_has_park(plan, "n") || plan_has_park(plan, "r/t"));
    drop(&built);
}

static void test_unknown_times_are_refused(void **state)
{
    (void)state;
    struct built built;
    assert_false(build(&built, false));
    drop(&built);
}

static void test_the_inverse_of_the_inverse(void **state)
{
    (void)state;
    struct built built;
    assert_true(build(&built, true));
    struct plan inverse = plan_inverse(&built.plan, &built.arena);
    struct plan again = plan_inverse(&inverse, &built.arena);
    assert_true(inverse.inverse && !again.inverse);
    assert_int_equal(inverse.park_count, 5);
    assert_string_equal(inverse.steps[0].place, "s");
    assert_int_equal(inverse.steps[0].kind, PLAN_PARK);
    assert_string_equal(inverse.times[0].new_path, "r");
    struct buffer a = {0}, b = {0};
    plan_encode(&built.plan, &a);
    plan_encode(&again, &b);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    buffer_fini(&a);
    buffer_fini(&b);
    drop(&built);
}

static void test_a_removal_of_the_top(void **state)
{
    (void)state;
    struct change_options options = {.limit_bytes = 1 << 20};
    struct difference differences[] = {{DIFFERENCE_DELETE, "", NULL},
                                       {DIFFERENCE_CREATE, "", NULL}};
    struct changes changes;
    struct arena arena;
    struct plan plan;
    struct error error = ERROR_NONE;
    arena_init(&arena);
    changes_init(&changes, &options);
    for (size_t i = 0; i < 2; i++)
        assert_true(changes_add(&changes, &differences[i], &error));
    assert_true(changes_normalise(&changes, &error) && changes_settle(&changes, &error));
    for (size_t i = 0; i < changes.count; i++)
        changes.items[i]->entries = 3;
    assert_true(plan_build(&changes, "s", &arena, &plan, &error));
    assert_int_equal(plan.step_count, 2);
    assert_int_equal(plan.counts.removed_entries, 3);
    changes_fini(&changes);
    arena_fini(&arena);
}

static void test_deciding_by_looking(void **state)
{
    (void)state;
    const struct plan_step park = {.kind = PLAN_PARK}, place = {.kind = PLAN_PLACE};
    assert_int_equal(plan_step_decide(&park, false, true), PLAN_DO);
    assert_int_equal(plan_step_decide(&park, true, false), PLAN_DONE);
    assert_int_equal(plan_step_decide(&park, true, true), PLAN_DONE);
    assert_int_equal(plan_step_decide(&park, false, false), PLAN_IMPOSSIBLE);
    struct plan_step back = {.kind = PLAN_PARK, .area = PLAN_AREA_NEW};
    assert_int_equal(plan_step_decide(&back, false, true), PLAN_DO);
    assert_int_equal(plan_step_decide(&back, true, false), PLAN_DONE);
    assert_int_equal(plan_step_decide(&back, false, false), PLAN_DONE);
    assert_int_equal(plan_step_decide(&place, true, false), PLAN_DO);
    assert_int_equal(plan_step_decide(&place, false, true), PLAN_DONE);
    assert_int_equal(plan_step_decide(&place, true, true), PLAN_IMPOSSIBLE);
    assert_int_equal(plan_step_decide(&place, false, false), PLAN_IMPOSSIBLE);
}

static void test_markers_lead_through_the_phases(void **state)
{
    (void)state;
    unsigned marks = 0;
    for (int phase = PLAN_PHASE_PARK; phase < PLAN_PHASE_END; phase++) {
        assert_int_equal(plan_phase_next(marks), phase);
        marks |= plan_phase_mark((enum plan_phase)phase, false);
    }
    assert_int_equal(plan_phase_next(marks), PLAN_PHASE_END);
    marks |= PLAN_MARK_BACK;
    for (int phase = PLAN_PHASE_PARK; phase < PLAN_PHASE_END; phase++) {
        assert_int_equal(plan_phase_next(marks), phase);
        marks |= plan_phase_mark((enum plan_phase)phase, true);
    }
    assert_int_equal(plan_phase_next(marks), PLAN_PHASE_END);
    /* nothing was placed: nothing is taken out */
    assert_int_equal(plan_phase_next(PLAN_MARK_BACK), PLAN_PHASE_PLACE);
    assert_string_equal(plan_mark_name(PLAN_MARK_PARKED), "parked");
    assert_string_equal(plan_mark_name(PLAN_MARK_BACK_TIMES), "back-times");
}

static void test_the_shrink_guard(void **state)
{
    (void)state;
    const struct plan_counts none = {0};
    const struct plan_counts some = {.removed_entries = 20, .removed_bytes = 100};
    assert_false(plan_removes_too_much(&none, 0, 0, 0));
    assert_true(plan_removes_too_much(&some, 0, 0, 20));
    assert_false(plan_removes_too_much(&some, 100, 500, 20));
    assert_true(plan_removes_too_much(&some, 99, 500, 20));
    assert_true(plan_removes_too_much(&some, 100, 499, 20));
    assert_false(plan_removes_too_much(&some, 20, 100, 100));
}

static bool decodes(const struct buffer *file)
{
    struct arena arena;
    struct plan plan;
    struct error error = ERROR_NONE;
    arena_init(&arena);
    bool ok = plan_decode(file->data, file->size, &arena, &plan, &error);
    assert_int_equal(ok, error.code == ERROR_OK);
    arena_fini(&arena);
    return ok;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct built built;
    struct plan decoded;
    struct buffer file = {0}, again = {0};
    struct error error = ERROR_NONE;
    assert_true(build(&built, true));
    plan_encode(&built.plan, &file);
    assert_true(plan_decode(file.data, file.size, &built.arena, &decoded, &error));
    assert_string_equal(decoded.subject, "p/s/g1.e2/m");
    assert_int_equal(decoded.counts.removed_entries, 20);
    plan_encode(&decoded, &again);
    assert_int_equal(again.size, file.size);
    assert_memory_equal(again.data, file.data, file.size);
    file.data[0] ^= 1;
    assert_false(decodes(&file));
    buffer_fini(&file);
    file.limit = 100;
    plan_encode(&built.plan, &file);
    assert_true(file.failed);
    buffer_fini(&file);
    buffer_fini(&again);
    drop(&built);
}

/* Files whose digest is right and whose payload is cut or changed: each byte in turn. */
static void test_a_strange_payload_is_refused(void **state)
{
    (void)state;
    struct built built;
    struct buffer file = {0}, strange = {0};
    assert_true(build(&built, true));
    plan_encode(&built.plan, &file);
    size_t size = file.size - CONTAINER_HEADER_SIZE - CONTAINER_FOOTER_SIZE, refused = 0;
    char *payload = file.data + CONTAINER_HEADER_SIZE;
    for (size_t i = 0; i < size; i++) {
        buffer_clear(&strange);
        container_encode(CONTAINER_PLAN, payload, i, &strange);
        assert_false(decodes(&strange));
        char old = payload[i];
        payload[i] = (char)(old ^ 0xff);
        buffer_clear(&strange);
        container_encode(CONTAINER_PLAN, payload, size, &strange);
        refused += !decodes(&strange); /* no crash; other times and counts are as good */
        payload[i] = '/';
        buffer_clear(&strange);
        container_encode(CONTAINER_PLAN, payload, size, &strange);
        refused += !decodes(&strange); /* an absolute path, among others */
        payload[i] = old;
    }
    assert_true(refused > size / 8);
    buffer_fini(&strange);
    buffer_fini(&file);
    drop(&built);
}

static void test_a_wrong_order_is_refused(void **state)
{
    (void)state;
    struct built built;
    assert_true(build(&built, true));
    const size_t swaps[][2] = {{0, 1}, {6, 7}, {5, 6}};
    for (size_t i = 0; i < ARRAY_LENGTH(swaps); i++) {
        struct plan_step *a = &built.plan.steps[swaps[i][0]], *b = &built.plan.steps[swaps[i][1]];
        const struct plan_step first = *a, second = *b;
        struct buffer file = {0};
        *a = second;
        *b = first;
        a->number = first.number; /* numbers in order, places not */
        b->number = second.number;
        plan_encode(&built.plan, &file);
        assert_false(decodes(&file));
        *a = first;
        *b = second;
        buffer_fini(&file);
    }
    drop(&built);
}

static void expect_numbers(const struct plan *plan)
{
    struct arena arena;
    struct plan decoded;
    struct buffer file = {0};
    struct error error = ERROR_NONE;
    arena_init(&arena);
    plan_encode(plan, &file);
    assert_true(plan_decode(file.data, file.size, &arena, &decoded, &error));
    for (uint32_t number = 1; number <= plan->step_count; number++)
        assert_int_equal(plan_step_get(&decoded, number)->number, number);
    assert_null(plan_step_get(&decoded, 0));
    assert_null(plan_step_get(&decoded, (uint32_t)plan->step_count + 1));
    buffer_fini(&file);
    arena_fini(&arena);
}

/* Receipts name steps: the file gives them back under the same numbers, in both directions. */
static void test_steps_are_found_by_number(void **state)
{
    (void)state;
    struct built built;
    struct buffer file = {0};
    assert_true(build(&built, true));
    struct plan inverse = plan_inverse(&built.plan, &built.arena);
    expect_numbers(&built.plan);
    expect_numbers(&inverse);
    built.plan.steps[3].number = 3;
    plan_encode(&built.plan, &file);
    assert_false(decodes(&file));
    built.plan.steps[3].number = 400;
    buffer_clear(&file);
    plan_encode(&built.plan, &file);
    assert_false(decodes(&file));
    buffer_fini(&file);
    drop(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_counts),
        cmocka_unit_test(test_unknown_times_are_refused),
        cmocka_unit_test(test_the_inverse_of_the_inverse),
        cmocka_unit_test(test_a_removal_of_the_top),
        cmocka_unit_test(test_deciding_by_looking),
        cmocka_unit_test(test_markers_lead_through_the_phases),
        cmocka_unit_test(test_the_shrink_guard),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_a_strange_payload_is_refused),
        cmocka_unit_test(test_a_wrong_order_is_refused),
        cmocka_unit_test(test_steps_are_found_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
