/* commit_save_test.c: what is taken away on the target: moved into the area, or copied where no
 * rename leads there; listed; and brought back. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#define SAVED "$TOP/york/coeval/saved/" BED_SERVICE "/g1.e1.m1"
#define ADOPTS "{\"adopt\":\"compare\"}"

/* B has data that the first epoch replaces (d/f) and removes (g). */
static void receive(void)
{
    bed_shell("mkdir -p $TOP/lyon/data/d $TOP/york/data/d; echo new > $TOP/lyon/data/d/f;"
              "echo old > $TOP/york/data/d/f; echo gone > $TOP/york/data/g;"
              "chmod 640 $TOP/york/data/g; ln -s g $TOP/york/data/l");
    bed_shell("cp -a $TOP/york/data $TOP/before");
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_do(ORDER_WITH(YORK, "transfer", 1, 0, .settings = ADOPTS));
}

static struct bed_order commit_order(int try)
{
    return ORDER_WITH(YORK, "commit", 1, 0, .settings = ADOPTS, .try = try);
}

static void roll_back_and_compare(void)
{
    bed_do(ORDER_WITH(YORK, "rollback", 1, 0, .settings = ADOPTS));
    bed_shell("diff -r --no-dereference $TOP/before $TOP/york/data");
    bed_shell("test $(stat -c %%a $TOP/york/data/g) = 640");
    bed_shell("! test -e " SAVED " && ! test -e $TOP/york/data/.coeval");
}

static void no_rename_leads_to_the_area(void)
{
    spy_fail("rename", "saved/", ERROR_INVALID, 1); /* the file systems differ */
}

static void test_moved_and_listed(void **state)
{
    (void)state;
    receive();
    bed_do(commit_order(1));
    bed_shell("cd " SAVED " && test $(grep -c . list) = 4");
    bed_shell("cd " SAVED " && cat $(awk -F'\t' '$3 == \"d/f\" && $2 == \"replaced\" {print $1}' "
              "list) | grep -qx old");
    bed_shell("cd " SAVED " && cat $(awk -F'\t' '$3 == \"g\" && $2 == \"removed\" {print $1}' "
              "list) | grep -qx gone");
    bed_shell("grep -q '\"saved\":\\[{.*g1.e1.m1/list.*\"objects\":3' "
              "$TOP/york/coeval/$SERVICE/g1.e1/seal.json");
    bed_shell(
        "grep -q '\"example\":\"\\(d/f\",.*\"why\":\"replaced\\|[gl]\",.*\"why\":\"removed\\)' "
        "$TOP/york/coeval/$SERVICE/g1.e1/seal.json");
    assert_int_equal(spy_place("copy_file", "saved/"), -1);
}

static void test_copied_where_no_rename_leads(void **state)
{
    (void)state;
    receive();
    no_rename_leads_to_the_area();
    bed_do(commit_order(1));
    assert_true(spy_place("copy_file", "saved/") >= 0);
    bed_shell("cd " SAVED " && test $(grep -c . list) = 4 && ! test -e " SAVED ".new");
    bed_shell("cd " SAVED " && for f in [0-9]*; do test -L $f || cat $f; done | sort > $TOP/kept &&"
              " printf 'gone\\nold\\n' | diff - $TOP/kept");
}

/* Killed in the middle of the copy: half of it is not taken for the whole. */
static void test_a_copy_that_failed_begins_again(void **state)
{
    (void)state;
    receive();
    no_rename_leads_to_the_area();
    spy_fail("copy_file", "saved/", ERROR_NO_SPACE, 1);
    bed_fail(commit_order(1), "NO_SPACE");
    no_rename_leads_to_the_area();
    bed_do(commit_order(2));
    bed_shell("cd " SAVED " && test $(grep -c . list) = 4 && ! test -e " SAVED ".new");
}

static void test_back_from_what_was_moved(void **state)
{
    (void)state;
    receive();
    spy_fail("rename", "phase.m1.cleaned", ERROR_DENIED, 1);
    bed_fail(commit_order(1), "DENIED");
    bed_shell("test -e " SAVED "/list");
    roll_back_and_compare();
}

/* The copy is there, and what was copied is parked still. */
static void test_back_beside_a_copy(void **state)
{
    (void)state;
    receive();
    no_rename_leads_to_the_area();
    spy_fail("rename", "phase.m1.cleaned", ERROR_DENIED, 1);
    bed_fail(commit_order(1), "DENIED");
    roll_back_and_compare();
}

/* Staging is gone, or half of it. */
static void test_back_from_a_copy(void **state)
{
    (void)state;
    receive();
    no_rename_leads_to_the_area();
    spy_fail("snapshot_create", "g1.e1", ERROR_DENIED, 1);
    bed_fail(commit_order(1), "DENIED");
    spy_fail("rename", "/park", ERROR_INVALID, 1);
    spy_fail("copy_file", "/park.new/", ERROR_NO_SPACE, 1);
    bed_fail(ORDER_WITH(YORK, "rollback", 1, 0, .settings = ADOPTS, .try = 1), "NO_SPACE");
    spy_fail("rename", "/park", ERROR_INVALID, 1);
    bed_do(ORDER_WITH(YORK, "rollback", 1, 0, .settings = ADOPTS, .try = 2));
    bed_shell("diff -r --no-dereference $TOP/before $TOP/york/data && ! test -e " SAVED);
}

/* Its owner took it away before it was parked: no way forward, and nothing that could be brought
 * back. What else was parked returns. */
static void test_back_without_what_others_took(void **state)
{
    (void)state;
    receive();
    bed_shell("rm $TOP/york/data/g $TOP/before/g");
    bed_fail(commit_order(1), "CONFLICT");
    bed_do(ORDER_WITH(YORK, "rollback", 1, 0, .settings = ADOPTS));
    bed_shell("diff -r --no-dereference $TOP/before $TOP/york/data");
    bed_shell("! test -e $TOP/york/data/.coeval");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_moved_and_listed),
        T(test_copied_where_no_rename_leads),
        T(test_a_copy_that_failed_begins_again),
        T(test_back_from_what_was_moved),
        T(test_back_beside_a_copy),
        T(test_back_from_a_copy),
        T(test_back_without_what_others_took),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
