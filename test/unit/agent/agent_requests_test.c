/* agent_requests_test.c: what is said of an order while the journal does not have it yet, or not
 * all of it. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static struct bed_order look(const char *key)
{
    return ORDER_WITH(YORK, "inspect", 0, 0, .key = key, .t_us = 1);
}

static void take_reply(void *context, int status, const char *body, size_t size)
{
    struct bed_reply *reply = context;
    struct error error;
    json_t *document;
    reply->status = status;
    if (size == 0 || !json_parse(body, size, &document, &error))
        return;
    const json_t *failure = json_object_get(document, "error");
    snprintf(reply->code, sizeof reply->code, "%s", json_string_or(failure, "code", ""));
    json_decref(document);
}

static void take_back(const char *key, struct bed_reply *reply)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/instructions/%s", key);
    struct agent_request request = {"DELETE", path, "", NULL, 0};
    *reply = (struct bed_reply){0};
    agent_handle(bed.agents[YORK], &request, take_reply, reply);
}

static bool is_unknown(const char *key)
{
    struct bed_status status = bed_get(look(key));
    bool unknown = strcmp(status.phase, "unknown") == 0;
    bed_forget(&status);
    return unknown;
}

/* ---- taken back ----------------------------------------------------------------------------- */

/* Whoever takes an order back before the journal has it must not see it run. */
static void test_deleted_before_it_is_durable(void **state)
{
    struct bed_reply first = {0}, again = {0}, deleted;
    (void)state;
    bed_put_late(look("k1"), &first);
    take_back("k1", &deleted);
    assert_int_equal(deleted.status, 0);
    fake_journal_step(bed.disks[YORK]); /* the order */
    bed_put_late(look("k1"), &again);
    assert_int_equal(deleted.status, 0);
    bed_turn(); /* its removal */
    assert_int_equal(deleted.status, 204);
    assert_string_equal(first.code, "CANCELED");
    assert_string_equal(again.code, "CANCELED");
    assert_true(is_unknown("k1"));
    bed_restart(YORK);
    bed_turn();
    assert_true(is_unknown("k1"));
    bed_do(look("k1")); /* nobody remembers it */
}

static bool is_forgotten(void *context)
{
    (void)context;
    return is_unknown("k2");
}

/* No 204 while the next start would run it; and it does not, once the journal has room. */
static void test_deleted_and_not_removed(void **state)
{
    struct bed_reply reply = {0}, deleted;
    (void)state;
    bed_put_late(look("k1"), &reply);
    take_back("k1", &deleted);
    fake_journal_set_failure(bed.disks[YORK], ERROR_NO_SPACE);
    fake_journal_step(bed.disks[YORK]);
    assert_int_equal(deleted.status, 204); /* there is nothing to remove */
    assert_string_equal(reply.code, "NO_SPACE");
    fake_journal_set_failure(bed.disks[YORK], ERROR_OK);
    bed_put_late(look("k2"), &reply);
    take_back("k2", &deleted);
    fake_journal_step(bed.disks[YORK]);
    fake_journal_set_failure(bed.disks[YORK], ERROR_NO_SPACE);
    fake_journal_step(bed.disks[YORK]);
    assert_string_equal(deleted.code, "NO_SPACE");
    assert_string_equal(reply.code, "CANCELED");
    fake_journal_set_failure(bed.disks[YORK], ERROR_OK);
    assert_false(is_unknown("k2")); /* its record is there */
    bed_wait(is_forgotten, NULL);
    bed_restart(YORK);
    assert_true(is_unknown("k2"));
}

/* ---- what is shown -------------------------------------------------------------------------- */

/* A phase is told once the journal has it: a start from what it has would tell another one. */
static void test_a_phase_is_shown_when_durable(void **state)
{
    struct bed_reply reply = {0};
    struct bed_order order = ORDER(YORK, "transfer", 1, 0);
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    bed_put_late(order, &reply);
    fake_journal_step(bed.disks[YORK]); /* the order; its first phase is on its way */
    assert_int_equal(reply.status, 201);
    struct bed_status before = bed_get(order);
    assert_string_equal(before.phase, "accepted");
    bed_turn_alone();
    struct bed_status still = bed_get(order);
    assert_string_equal(still.phase, "accepted");
    assert_int_equal(still.revision, before.revision);
    fake_journal_step(bed.disks[YORK]);
    struct bed_status now = bed_get(order);
    assert_string_equal(now.phase, "prepare");
    assert_int_equal(now.revision, before.revision + 1);
    before = bed_end(order);
    assert_int_equal(before.state, STATUS_DONE);
    assert_string_equal(before.phase, "received");
    bed_forget(&before);
}

#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_deleted_before_it_is_durable),
        T(test_deleted_and_not_removed),
        T(test_a_phase_is_shown_when_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
