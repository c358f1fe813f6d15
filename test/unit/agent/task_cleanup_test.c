/* task_cleanup_test.c: discard and retire: what they refuse, in which order they remove, and what
 * they leave. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

static bool area_has(const char *cluster, const char *path)
{
    return bed_shell_says("test -e $TOP/%s/coeval/$SERVICE/%s", cluster, path);
}

static bool snapshot_is_there(const char *cluster, int number)
{
    return bed_shell_says("ls $TOP/%s/coeval/snapshots/*/ | grep -q 'g1[.]e%d[.]'", cluster,
                          number);
}

/* Epochs 1 .. count, each on the one before. */
static void seal(int count)
{
    for (int number = 1; number <= count; number++) {
        bed_shell("echo %d > $TOP/lyon/data/a%d", number, number);
        bed_seal(number, number - 1);
    }
}

/* ---- retire --------------------------------------------------------------------------------- */

static void test_marked_then_removed_then_collected(void **state)
{
    (void)state;
    seal(2);
    spy_forget();
    bed_do(ORDER(LYON, "retire", 1, 0));
    int marked = spy_place("rename", "phase.retired");
    int removed = spy_place("snapshot_remove", "g1.e1");
    int collected = spy_last_place("remove", "/g1.e1");
    assert_true(spy_place("confirm", "") >= 0 && spy_place("confirm", "") < marked);
    assert_true(marked < removed && removed < collected);
    assert_false(area_has("lyon", "g1.e1") || snapshot_is_there("lyon", 1));
    assert_true(area_has("lyon", "g1.e2/seal.json") && snapshot_is_there("lyon", 2));
}

/* Killed between mark and removal: the next try must find what is left. */
static void test_a_removal_that_failed_goes_on(void **state)
{
    (void)state;
    seal(2);
    spy_fail("snapshot_remove", "g1.e1", ERROR_DENIED, 1);
    bed_fail(ORDER(LYON, "retire", 1, 0), "DENIED");
    assert_true(area_has("lyon", "g1.e1/phase.retired") && snapshot_is_there("lyon", 1));
    bed_do(ORDER_WITH(LYON, "retire", 1, 0, .try = 2));
    assert_false(area_has("lyon", "g1.e1") || snapshot_is_there("lyon", 1));
}

/* B keeps the manifest that the next epoch's is a delta to. */
static void test_the_chain_is_kept(void **state)
{
    (void)state;
    seal(2);
    bed_do(ORDER(YORK, "retire", 1, 0));
    assert_true(area_has("york", "g1.e1/manifest.m1") && !snapshot_is_there("york", 1));
}

static void test_the_newest_seal_is_held(void **state)
{
    (void)state;
    seal(1);
    bed_fail(ORDER(LYON, "retire", 1, 0), "CONFLICT");
    bed_fail(ORDER(YORK, "retire", 1, 0), "CONFLICT");
    assert_true(snapshot_is_there("lyon", 1) && snapshot_is_there("york", 1));
}

static void test_a_released_seal_stays_until_it_is_retired(void **state)
{
    struct bed_order release =
        ORDER_WITH(LYON, "retire", 1, 0, .key = "released", .more = "{\"release\": true}");
    (void)state;
    seal(1);
    bed_do(release);
    assert_false(snapshot_is_there("lyon", 1));
    assert_true(area_has("lyon", "g1.e1/seal.json") && area_has("lyon", "g1.e1/phase.released"));
    bed_fail(ORDER(LYON, "retire", 1, 0), "CONFLICT"); /* still the newest */
    bed_seal(2, 0);
    bed_do(ORDER_WITH(LYON, "retire", 1, 0, .try = 2));
    assert_false(area_has("lyon", "g1.e1"));
}

/* Epoch 3 is built on epoch 1: the newest common seal was lost. */
static void receive_on_an_older_base(void)
{
    seal(2);
    bed_do(ORDER(LYON, "snapshot", 3, 1));
    bed_put(ORDER_WITH(YORK, "transfer", 3, 1, .more = "{\"approved\": [\"touched\"]}"));
    struct bed_status status = bed_end(ORDER(YORK, "transfer", 3, 1));
    assert_int_equal(status.state, STATUS_DONE);
    bed_forget(&status);
}

static void test_the_base_of_what_is_received_is_held(void **state)
{
    (void)state;
    receive_on_an_older_base();
    bed_fail(ORDER(YORK, "retire", 1, 0), "CONFLICT");
    assert_true(snapshot_is_there("york", 1));
    assert_false(area_has("york", "g1.e1/phase.retired"));
    bed_do(ORDER(YORK, "commit", 3, 1));
    bed_do(ORDER_WITH(YORK, "retire", 1, 0, .try = 2));
    assert_false(snapshot_is_there("york", 1));
}

static void test_the_base_of_what_runs_is_held(void **state)
{
    (void)state;
    seal(2);
    spy_hold("moment_finish", "");
    bed_put(ORDER(LYON, "snapshot", 3, 1));
    bed_wait_for_hold();
    bed_fail(ORDER(LYON, "retire", 1, 0), "CONFLICT");
    bed_fail(ORDER_WITH(LYON, "retire", 1, 0, .key = "released", .more = "{\"release\": true}"),
             "CONFLICT");
    spy_release();
    struct bed_status status = bed_end(ORDER(LYON, "snapshot", 3, 1));
    bed_forget(&status);
    bed_do(ORDER_WITH(LYON, "retire", 1, 0, .try = 2));
}

static void test_a_snapshot_of_another_epoch_is_refused(void **state)
{
    (void)state;
    seal(2);
    bed_fail(ORDER_WITH(LYON, "retire", 1, 0,
                        .more = "{\"attempts\": [{\"attempt\": 1, \"snapshot\": "
                                "\"coeval.aaaaaaaa.bbbbbbbb.g1.e2.a1.20260101T000000Z\"}]}"),
             "INVALID");
    assert_true(snapshot_is_there("lyon", 2));
}

static void test_what_was_never_taken_is_retired_too(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "retire", 1, 0));
    assert_true(spy_last_place("confirm", "") > spy_place("snapshot_remove", "g1.e1"));
}

/* ---- discard -------------------------------------------------------------------------------- */

static void test_discard_leaves_nothing(void **state)
{
    (void)state;
    bed_shell("echo 1 > $TOP/lyon/data/a");
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_do(ORDER(YORK, "transfer", 1, 0));
    spy_forget();
    bed_do(ORDER(YORK, "discard", 1, 0));
    bed_do(ORDER(LYON, "discard", 1, 0));
    assert_false(snapshot_is_there("lyon", 1));
    assert_true(bed_shell_says("test -z \"$(ls -A $TOP/york/data)\""));
    assert_false(area_has("york", "g1.e1") || area_has("lyon", "g1.e1"));
}

static void test_no_discard_unconfirmed(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_do(ORDER(YORK, "transfer", 1, 0));
    spy_fail("confirm", "", ERROR_DENIED, 1);
    bed_fail(ORDER(YORK, "discard", 1, 0), "DENIED");
    assert_true(area_has("york", "g1.e1/received.json"));
}

static void test_a_seal_is_not_discarded(void **state)
{
    (void)state;
    seal(1);
    bed_fail(ORDER(YORK, "discard", 1, 0), "EXISTS");
    bed_fail(ORDER_WITH(YORK, "discard", 1, 0, .try = 2), "EXISTS");
    assert_true(snapshot_is_there("york", 1) && area_has("york", "g1.e1/seal.json"));
}

static void test_a_begun_commit_is_not_discarded(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_do(ORDER(YORK, "transfer", 1, 0));
    spy_fail("snapshot_create", "g1.e1", ERROR_DENIED, 1);
    bed_fail(ORDER(YORK, "commit", 1, 0), "DENIED");
    bed_fail(ORDER(YORK, "discard", 1, 0), "EXISTS");
    bed_do(ORDER_WITH(YORK, "commit", 1, 0, .try = 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_marked_then_removed_then_collected),
        T(test_a_removal_that_failed_goes_on),
        T(test_the_chain_is_kept),
        T(test_the_newest_seal_is_held),
        T(test_a_released_seal_stays_until_it_is_retired),
        T(test_the_base_of_what_is_received_is_held),
        T(test_the_base_of_what_runs_is_held),
        T(test_a_snapshot_of_another_epoch_is_refused),
        T(test_what_was_never_taken_is_retired_too),
        T(test_discard_leaves_nothing),
        T(test_no_discard_unconfirmed),
        T(test_a_seal_is_not_discarded),
        T(test_a_begun_commit_is_not_discarded),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
