/* intake_changes_test.c: a stored difference that is missing, or does not lead from the base to the
 * snapshot: what lies on both sides is compared instead, and the target is right in the end. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "agent/difference_file.h"
#include "base/json.h"

/* Epoch 1 is sealed, epoch 2 has its moment: "old" is gone, "new" has come, "f" has changed. */
static void begin(void)
{
    bed_shell("cd $TOP/lyon/data && mkdir d && echo 1 > f && echo 2 > old && echo 3 > d/g");
    bed_seal(1, 0);
    bed_shell("cd $TOP/lyon/data && echo changed > f && rm old && mkdir new && echo 4 > new/h");
    bed_do(ORDER(LYON, "snapshot", 2, 1));
}

/* In the place of what the store told. */
static void tell(const struct difference *list, size_t count)
{
    struct difference_writer *writer;
    struct error error = ERROR_NONE;
    struct call call = {.wait_ms = 0};
    struct store_ref ref = bed.stores[LYON].ref;
    const char *path = BED_AREA "/" BED_PAIR "/" BED_SERVICE "/g1.e2/difference.m1";
    assert_true(difference_writer_new(ref, &call, path, &writer, &error));
    for (size_t i = 0; i < count; i++)
        assert_true(difference_writer_add(writer, &list[i], &error));
    assert_true(difference_writer_commit(writer, &error));
}

/* Received and sealed; from: what the plan was made from. */
static void expect_sealed_from(const char *from)
{
    struct bed_order transfer = ORDER(YORK, "transfer", 2, 1);
    bed_do(transfer);
    struct bed_status status = bed_get(transfer);
    const json_t *member = json_array_get(json_object_get(status.result, "members"), 0);
    assert_string_equal(json_string_or(member, "from", ""), from);
    bed_forget(&status);
    bed_do(ORDER(YORK, "commit", 2, 1));
    bed_shell("diff -r --exclude=.coeval $TOP/lyon/data $TOP/york/data");
}

static void test_as_it_was_told(void **state)
{
    (void)state;
    begin();
    expect_sealed_from("seal");
}

static void test_not_stored(void **state)
{
    (void)state;
    begin();
    bed_shell("rm $TOP/lyon/coeval/$SERVICE/g1.e2/difference.m1");
    expect_sealed_from("seal"); /* the snapshots can still tell */
}

static void test_damaged(void **state)
{
    (void)state;
    begin();
    bed_shell("truncate -s -1 $TOP/lyon/coeval/$SERVICE/g1.e2/difference.m1");
    bed_fail(ORDER(YORK, "transfer", 2, 1), "CORRUPT");
}

#define AGREES                                                     \
    {DIFFERENCE_MODIFY, "", NULL}, {DIFFERENCE_MODIFY, "f", NULL}, \
        {DIFFERENCE_DELETE, "old", NULL},                          \
    {                                                              \
        DIFFERENCE_CREATE, "new", NULL                             \
    }

static void contradict(const struct difference *list, size_t count)
{
    begin();
    tell(list, count);
    expect_sealed_from("live");
}

/* No contradiction: a store may say a thing twice. */
static void test_said_twice(void **state)
{
    static const struct difference list[] = {AGREES, AGREES};
    (void)state;
    begin();
    tell(list, 8);
    expect_sealed_from("seal");
}

static void test_moved_to_two_places(void **state)
{
    static const struct difference list[] = {
        AGREES, {DIFFERENCE_RENAME, "d", "e"}, {DIFFERENCE_RENAME, "d", "x"}};
    (void)state;
    contradict(list, 6);
}

static void test_moved_and_deleted(void **state)
{
    static const struct difference list[] = {
        AGREES, {DIFFERENCE_RENAME, "d", "e"}, {DIFFERENCE_DELETE, "d", NULL}};
    (void)state;
    contradict(list, 6);
}

/* In itself sound, but nothing lies where it should have come. */
static void test_a_state_that_is_not_there(void **state)
{
    static const struct difference lists[][5] = {
        {AGREES, {DIFFERENCE_RENAME, "d", "elsewhere"}},
        {AGREES, {DIFFERENCE_DELETE, "never", NULL}},
        {AGREES, {DIFFERENCE_MODIFY, "never", NULL}},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (i > 0) {
            bed_tear_down(state);
            bed_set_up(state);
        }
        contradict(lists[i], 5);
    }
}

/* What came is looked at when it is copied: nothing of the target has changed by then. */
static void test_something_came_that_is_not_there(void **state)
{
    static const struct difference list[] = {AGREES, {DIFFERENCE_CREATE, "never", NULL}};
    (void)state;
    begin();
    tell(list, 5);
    bed_fail(ORDER(YORK, "transfer", 2, 1), "NOT_FOUND");
    bed_shell("test -f $TOP/york/data/old && ! test -e $TOP/york/data/new");
}

/* Nothing to compare with is no reason to empty a target. */
static void test_a_source_that_is_not_there(void **state)
{
    struct bed_order transfer = ORDER(YORK, "transfer", 1, 0);
    (void)state;
    bed_shell("echo 1 > $TOP/lyon/data/f; mkdir -p $TOP/york/data && echo theirs > "
              "$TOP/york/data/only");
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_shell(
        "chmod -R u+w $TOP/lyon/coeval/snapshots && rm -r $TOP/lyon/coeval/snapshots/*/coeval*");
    bed_put(transfer);
    struct bed_status status = bed_end(transfer);
    assert_int_equal(status.state, STATUS_FAILED);
    bed_forget(&status);
    bed_shell("test -f $TOP/york/data/only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_as_it_was_told),
        T(test_not_stored),
        T(test_damaged),
        T(test_said_twice),
        T(test_moved_to_two_places),
        T(test_moved_and_deleted),
        T(test_a_state_that_is_not_there),
        T(test_something_came_that_is_not_there),
        T(test_a_source_that_is_not_there),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
