/* task_disarm_test.c: "fired or not fired?" asked at each place on a moment's way: the answer comes
 * at once where it can, and what it says is so. */
#include "agent_bed.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/json.h"

#define FAR_AWAY_US INT64_C(4102444800000000) /* 2100: nothing here waits for it */

static struct bed_order moment(void)
{
    return ORDER_WITH(LYON, "snapshot", 1, 0, .t_us = FAR_AWAY_US);
}

static const struct bed_order disarm = {.side = LYON, .kind = "disarm", .number = 1};

static void expect_answer(bool fired)
{
    struct bed_status status = bed_end(disarm);
    assert_int_equal(status.state, STATUS_DONE);
    const json_t *told = json_object_get(status.result, "fired");
    assert_true(json_is_boolean(told));
    assert_int_equal(json_is_true(told), fired);
    bed_forget(&status);
}

static bool snapshot_is_there(void)
{
    return bed_shell_says("ls $TOP/lyon/coeval/snapshots/*/ | grep -q '^coeval[.]'");
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_unknown_was_never_taken(void **state)
{
    (void)state;
    bed_put(disarm);
    expect_answer(false);
}

static void test_before_it_was_prepared(void **state)
{
    (void)state;
    spy_hold("clock_offset", "");
    bed_put(moment());
    bed_wait_for_hold();
    bed_put(disarm);
    bed_turn();
    spy_release();
    expect_answer(false);
    bed_expect_end(moment(), STATUS_FAILED, "CANCELED");
    assert_false(snapshot_is_there());
}

static void test_while_armed(void **state)
{
    (void)state;
    bed_put(moment());
    bed_wait_for_phase(moment(), "armed");
    for (int i = 0; i < 10; i++) /* recorded, then handed over */
        bed_turn();
    bed_put(disarm);
    expect_answer(false);
    bed_expect_end(moment(), STATUS_DONE, "OK");
    assert_false(snapshot_is_there());
}

/* The hook ends while the disarm waits for the journal: "armed" is on its way, nobody has armed. */
static void test_between_armed_and_the_thread(void **state)
{
    (void)state;
    struct bed_reply reply;
    struct bed_order snapshot = moment();
    char settings[256], fifo[128];
    snprintf(fifo, sizeof fifo, "%s/fifo", bed.top);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    snprintf(settings, sizeof settings,
             "{\"hooks\": {\"before\": {\"command\": [\"/bin/cat\", \"%s\"],"
             " \"timeout_ms\": 4000000000000}}}",
             fifo);
    snapshot.settings = settings;
    bed_put(snapshot);
    bed_wait_for_phase(snapshot, "hold");
    for (int i = 0; i < 10; i++)
        bed_turn();
    bed_put_late(disarm, &reply);
    fake_journal_step(bed.disks[LYON]); /* accepted; its phase is on its way */
    bed_shell("echo > $TOP/fifo");
    while (fake_journal_pending(bed.disks[LYON]) < 2) /* and so is "armed", behind it */
        bed_turn_alone();
    expect_answer(false);
    bed_expect_end(snapshot, STATUS_FAILED, "CANCELED");
    assert_false(snapshot_is_there());
}

static void test_after_it_fired(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_put(disarm);
    expect_answer(true);
}

static void test_while_it_is_read_back(void **state)
{
    (void)state;
    struct bed_order snapshot = ORDER(LYON, "snapshot", 1, 0);
    spy_hold("moment_finish", "");
    bed_put(snapshot);
    bed_wait_for_hold();
    bed_put(disarm);
    bed_turn();
    spy_release();
    expect_answer(true);
    bed_expect_end(snapshot, STATUS_DONE, "OK");
}

/* The agent has lost its journal, or the process before it fired: only the stores know. */
static void test_found_again_by_its_prepare(void **state)
{
    (void)state;
    struct bed_order again = ORDER_WITH(LYON, "snapshot", 1, 0, .key = "again");
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    spy_hold("snapshot_get", "");
    bed_put(again);
    bed_wait_for_hold();
    bed_put(disarm);
    bed_turn();
    spy_release();
    struct bed_status status = bed_end(again);
    bed_forget(&status);
    expect_answer(true);
}

static void test_a_restart_in_between(void **state)
{
    (void)state;
    bed_put(moment());
    bed_wait_for_phase(moment(), "armed");
    bed_restart(LYON);
    spy_hold("clock_offset", "");
    bed_wait_for_hold();
    bed_put(disarm);
    bed_turn();
    spy_release();
    expect_answer(false);
    bed_expect_end(moment(), STATUS_FAILED, "CANCELED");
    assert_false(snapshot_is_there());
}

/* Stopped in the process before, and not known to have been: the answer stays true. */
static void test_disarmed_and_restarted(void **state)
{
    (void)state;
    bed_put(moment());
    bed_wait_for_phase(moment(), "armed");
    bed_put(disarm);
    expect_answer(false);
    bed_restart(LYON);
    expect_answer(false);
    assert_true(bed_put(ORDER_WITH(LYON, "snapshot", 1, 0, .key = "late")).status >= 400);
    assert_false(snapshot_is_there());
}

/* "Not there" is believed of a store that has acknowledged a write since. */
static void test_looking_is_confirmed(void **state)
{
    (void)state;
    bed_put(disarm);
    expect_answer(false);
    assert_true(spy_last_place("snapshot_get", "") >= 0);
    assert_true(spy_last_place("confirm", "") > spy_last_place("snapshot_get", ""));
    bed_do(ORDER(LYON, "snapshot", 2, 0));
    struct bed_order other = ORDER(LYON, "disarm", 3, 0);
    spy_fail("confirm", "", ERROR_DENIED, 1);
    bed_fail(other, "DENIED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_unknown_was_never_taken),
        T(test_before_it_was_prepared),
        T(test_while_armed),
        T(test_between_armed_and_the_thread),
        T(test_after_it_fired),
        T(test_while_it_is_read_back),
        T(test_found_again_by_its_prepare),
        T(test_a_restart_in_between),
        T(test_disarmed_and_restarted),
        T(test_looking_is_confirmed),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
