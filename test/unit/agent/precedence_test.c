/* precedence_test.c: what comes late is not done, what is older than a newer generation is stopped,
 * and what writes the same files runs one behind the other. */
#include "agent_bed.h"

#include "base/json.h"

#include <stdio.h>

/* ---- late orders ---------------------------------------------------------------------------- */

static void expect_refused(struct bed_order order, const char *code)
{
    struct bed_reply reply = bed_put(order);
    assert_int_equal(reply.status, 409);
    assert_string_equal(reply.code, code);
}

static void test_what_was_discarded_does_not_come_back(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_do(ORDER(YORK, "discard", 1, 0));
    expect_refused(ORDER(YORK, "transfer", 1, 0), "CONFLICT");
    expect_refused(ORDER_WITH(YORK, "transfer", 1, 0, .try = 7), "CONFLICT");
    assert_true(bed_shell_says("! test -e $TOP/york/coeval/$SERVICE/g1.e1"));
    bed_restart(YORK);
    expect_refused(ORDER(YORK, "transfer", 1, 0), "CONFLICT");
}

/* A was away when the epoch was given up, so its snapshot is there still; B's agent lost its
 * journal; and the order to fetch was on its way all the time. */
static void test_nor_when_the_journal_is_lost(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_do(ORDER(YORK, "transfer", 1, 0));
    bed_do(ORDER(YORK, "discard", 1, 0));
    bed_lose_journal(YORK);
    bed_fail(ORDER(YORK, "transfer", 1, 0), "EXISTS");
    assert_true(bed_shell_says("! test -e $TOP/york/coeval/$SERVICE/g1.e1"));
    assert_true(bed_shell_says("! test -e $TOP/york/data/.coeval"));
    bed_fail(ORDER(YORK, "commit", 1, 0), "NOT_FOUND");
    bed_do(ORDER_WITH(LYON, "snapshot", 1, 0, .attempt = 2));
    bed_do(ORDER_WITH(YORK, "transfer", 1, 0, .attempt = 2)); /* which is not late */
}

static void test_nor_what_was_rolled_back(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_do(ORDER(YORK, "transfer", 1, 0));
    bed_do(ORDER(YORK, "rollback", 1, 0));
    bed_lose_journal(YORK);
    bed_fail(ORDER(YORK, "transfer", 1, 0), "EXISTS");
    bed_fail(ORDER(YORK, "commit", 1, 0), "NOT_FOUND");
    assert_true(bed_shell_says("! test -e $TOP/york/coeval/$SERVICE/g1.e1"));
}

static void expect_told(int number, const char *key, int newest)
{
    struct bed_order order = ORDER(YORK, "transfer", number, 0);
    assert_int_equal(bed_put(order).status, 201);
    struct bed_status status = bed_end(order);
    assert_string_equal(status.code, "EXISTS");
    assert_int_equal(json_integer_or(status.result, key, 0), newest);
    bed_forget(&status);
}

/* A device that was restored from an older journal counts on from there. What was given up must not
 * hide the seal that tells it so, and tells it where there is no newer seal. */
static void test_a_late_order_is_told_what_there_is(void **state)
{
    (void)state;
    bed_seal(1, 0);
    bed_seal(2, 1);
    bed_do(ORDER(YORK, "discard", 4, 0));
    bed_lose_journal(YORK);
    expect_told(1, "newest_seal", 2);
    expect_told(3, "newest_given_up", 4);
}

/* The discard itself is late: what a newer attempt has made is none of its business. */
static void test_a_late_discard_spares_a_later_attempt(void **state)
{
    (void)state;
    bed_do(ORDER_WITH(LYON, "snapshot", 1, 0, .attempt = 2));
    bed_do(ORDER_WITH(YORK, "transfer", 1, 0, .attempt = 2));
    bed_lose_journal(LYON);
    bed_lose_journal(YORK);
    bed_do(ORDER(LYON, "discard", 1, 0));
    bed_fail(ORDER(YORK, "discard", 1, 0), "CONFLICT");
    assert_true(bed_shell_says("ls $TOP/lyon/coeval/snapshots/*/ | grep -q '[.]a2[.]'"));
    bed_do(ORDER_WITH(YORK, "commit", 1, 0, .attempt = 2));
}

static void test_a_new_attempt_is_not_late(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "discard", 1, 0));
    bed_do(ORDER_WITH(LYON, "snapshot", 1, 0, .attempt = 2));
    expect_refused(ORDER_WITH(LYON, "discard", 1, 0, .try = 2), "CONFLICT");
}

static void test_the_same_again_is_no_conflict(void **state)
{
    (void)state;
    struct bed_order order = ORDER_WITH(LYON, "snapshot", 1, 0, .t_us = 1);
    bed_put(order);
    bed_do(ORDER(LYON, "discard", 1, 0));
    assert_int_equal(bed_put(order).status, 200);
}

static void test_a_later_order_that_failed_decides_nothing(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    spy_fail("remove", "g1.e1", ERROR_DENIED, 1);
    bed_shell("mkdir -p $TOP/york/coeval/$SERVICE/g1.e1");
    bed_fail(ORDER(YORK, "discard", 1, 0), "DENIED");
    bed_do(ORDER(YORK, "transfer", 1, 0));
}

static void test_retirement_is_behind_every_attempt(void **state)
{
    (void)state;
    struct bed_order settle = {LYON, "settle", 1, 0, .attempt = 3, .more = "{\"seal\": {}}"};
    bed_do(settle);
    bed_do((struct bed_order){LYON, "settle", 2, 0, .more = "{\"seal\": {}}"});
    bed_do(ORDER_WITH(LYON, "retire", 1, 0, .key = "asked"));
    settle.try = 2;
    expect_refused(settle, "CONFLICT");
}

/* Neither was durable when the other came: no request could be refused. */
static void test_two_on_their_way_to_the_journal(void **state)
{
    (void)state;
    struct bed_reply first, second;
    struct bed_order transfer = ORDER(YORK, "transfer", 1, 0),
                     discard = ORDER(YORK, "discard", 1, 0);
    bed_put_late(discard, &first);
    bed_put_late(transfer, &second);
    struct bed_status status = bed_end(discard);
    bed_forget(&status);
    assert_int_equal(second.status, 201);
    status = bed_end(transfer); /* stopped, or late: as they came */
    assert_int_equal(status.state, STATUS_FAILED);
    bed_forget(&status);
    assert_int_equal(spy_place("make_directory", "canary"), -1);
}

static void test_no_commit_beside_a_rollback(void **state)
{
    (void)state;
    struct bed_order commit = ORDER(YORK, "commit", 2, 1), rollback = ORDER(YORK, "rollback", 2, 1);
    bed_shell("echo 1 > $TOP/lyon/data/a");
    bed_seal(1, 0);
    bed_shell("echo 2 > $TOP/lyon/data/b");
    bed_do(ORDER(LYON, "snapshot", 2, 1));
    bed_do(ORDER(YORK, "transfer", 2, 1));
    spy_hold("read_open", "received.json");
    bed_put(rollback);
    bed_wait_for_hold();
    expect_refused(commit, "CONFLICT");
    spy_release();
    bed_expect_end(rollback, STATUS_DONE, "OK");
    expect_refused(commit, "CONFLICT");
    assert_true(bed_shell_says("! test -e $TOP/york/data/b"));
}

/* A device that lost its journal found everything received, before the agent had said so. */
static void test_a_commit_waits_for_the_transfer(void **state)
{
    (void)state;
    struct bed_order transfer = ORDER(YORK, "transfer", 1, 0), commit = ORDER(YORK, "commit", 1, 0);
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    spy_hold("rename", "received.json");
    bed_put(transfer);
    bed_wait_for_hold();
    bed_put(commit);
    bed_expect_accepted(commit);
    spy_release();
    bed_expect_end(commit, STATUS_DONE, "OK");
}

/* ---- generations ---------------------------------------------------------------------------- */

static const struct bed_order new_generation = {.side = YORK, .kind = "inspect", .generation = 2};

static void test_a_newer_generation_stops_what_runs(void **state)
{
    (void)state;
    struct bed_order transfer = ORDER(YORK, "transfer", 1, 0);
    bed_shell("echo 1 > $TOP/lyon/data/a");
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    spy_hold("copy_file", "");
    bed_put(transfer);
    bed_wait_for_hold();
    assert_int_equal(bed_put(new_generation).status, 201);
    bed_expect_accepted(new_generation); /* it waits for what acts still */
    spy_forget();
    spy_release();
    bed_expect_end(transfer, STATUS_FAILED, "FENCED");
    bed_expect_end(new_generation, STATUS_DONE, "OK");
    assert_int_equal(spy_place("write_open", "received.json"), -1);
}

/* The device that raised the generation goes on with an epoch of before. */
static void test_an_older_epoch_under_a_newer_generation(void **state)
{
    (void)state;
    bed_shell("echo 1 > $TOP/lyon/data/a");
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_do(ORDER(YORK, "transfer", 1, 0));
    bed_do(new_generation);
    struct bed_order commit = ORDER(YORK, "commit", 1, 0);
    expect_refused(commit, "FENCED");
    commit.fence = 2;
    bed_do(commit);
    assert_true(bed_shell_says("test -e $TOP/york/coeval/$SERVICE/g1.e1/seal.json"));
    struct bed_status status = bed_end(new_generation);
    const json_t *fence = json_object_get(json_object_get(status.result, "fences"), BED_PAIR);
    assert_int_equal(json_integer_or(fence, "generation", 0), 2);
    bed_forget(&status);
}

static void test_a_newer_generation_ends_what_is_queued(void **state)
{
    (void)state;
    struct bed_reply reply;
    struct bed_order transfer = ORDER(YORK, "transfer", 1, 0);
    bed_put_late(transfer, &reply); /* not durable yet */
    bed_put(new_generation);
    bed_expect_end(transfer, STATUS_FAILED, "FENCED");
    assert_int_equal(spy_place("make_directory", ""), -1);
    bed_restart(YORK);
    bed_expect_end(transfer, STATUS_FAILED, "FENCED");
    expect_refused(ORDER(YORK, "discard", 1, 0), "FENCED");
    bed_do(ORDER_WITH(YORK, "discard", 1, 0, .generation = 2));
}

/* Killed before the old one's end was durable: the next start must not go on with it. */
static void test_what_was_fenced_stays_so_after_a_restart(void **state)
{
    (void)state;
    struct bed_order transfer = ORDER(YORK, "transfer", 1, 0);
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    spy_hold("make_directory", "");
    bed_put(transfer);
    bed_wait_for_hold();
    bed_put(new_generation);
    bed_restart(YORK);
    bed_expect_end(transfer, STATUS_FAILED, "FENCED");
}

/* Writers that were held are let go, whoever gives orders now. */
static void test_a_fenced_moment_lets_writers_go(void **state)
{
    (void)state;
    struct bed_order snapshot =
        ORDER_WITH(LYON, "snapshot", 1, 0, .t_us = INT64_C(4102444800000000));
    char settings[512];
    snprintf(settings, sizeof settings,
             "{\"hooks\": {\"before\": {\"command\": [\"/usr/bin/touch\", \"%s/held\"],"
             " \"timeout_ms\": 4000000000000}, \"after\": {\"command\": [\"/usr/bin/touch\","
             " \"%s/released\"]}}}",
             bed.top, bed.top);
    snapshot.settings = settings;
    bed_put(snapshot);
    bed_wait_for_phase(snapshot, "armed");
    bed_put(ORDER_WITH(LYON, "inspect", 0, 0, .generation = 2));
    bed_expect_end(snapshot, STATUS_FAILED, "FENCED");
    bed_shell("test -f $TOP/held && test -f $TOP/released");
}

/* ---- one behind the other ------------------------------------------------------------------- */

static void test_settling_one_behind_the_other(void **state)
{
    (void)state;
    struct bed_order first = {LYON, "settle", 1, 0, .more = "{\"seal\": {}}"};
    struct bed_order second = {LYON, "settle", 2, 0, .more = "{\"seal\": {}}"};
    struct bed_order other = second;
    other.service = "eeeeeeee-0000-0000-0000-000000000001";
    other.key = "other";
    spy_hold("rename", "policy.json");
    bed_put(first);
    bed_wait_for_hold();
    bed_put(second);
    bed_do(other); /* another service is not kept waiting */
    bed_expect_accepted(second);
    spy_release();
    bed_expect_end(first, STATUS_DONE, "OK");
    bed_expect_end(second, STATUS_DONE, "OK");
}

static void test_retiring_one_behind_the_other(void **state)
{
    (void)state;
    struct bed_order first = ORDER(YORK, "retire", 1, 0), second = ORDER(YORK, "retire", 2, 0);
    bed_shell("d=$TOP/york/coeval/$SERVICE; for e in 1 2 3; do mkdir -p $d/g1.e$e; "
              "echo {} > $d/g1.e$e/seal.json; done; mkdir -p $TOP/york/data");
    spy_hold("remove", "g1.e1");
    bed_put(first);
    bed_wait_for_hold();
    bed_put(second);
    bed_expect_accepted(second);
    spy_release();
    bed_expect_end(first, STATUS_DONE, "OK");
    bed_expect_end(second, STATUS_DONE, "OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_what_was_discarded_does_not_come_back),
        T(test_nor_when_the_journal_is_lost),
        T(test_a_late_order_is_told_what_there_is),
        T(test_nor_what_was_rolled_back),
        T(test_a_late_discard_spares_a_later_attempt),
        T(test_a_new_attempt_is_not_late),
        T(test_the_same_again_is_no_conflict),
        T(test_a_later_order_that_failed_decides_nothing),
        T(test_retirement_is_behind_every_attempt),
        T(test_two_on_their_way_to_the_journal),
        T(test_no_commit_beside_a_rollback),
        T(test_a_commit_waits_for_the_transfer),
        T(test_a_newer_generation_stops_what_runs),
        T(test_an_older_epoch_under_a_newer_generation),
        T(test_a_newer_generation_ends_what_is_queued),
        T(test_what_was_fenced_stays_so_after_a_restart),
        T(test_a_fenced_moment_lets_writers_go),
        T(test_settling_one_behind_the_other),
        T(test_retiring_one_behind_the_other),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
