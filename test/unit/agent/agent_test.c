/* agent_test.c: instructions against a journal that is slow, full or lost: what is durable when,
 * who waits for whom, and what the next start goes on with. The agent here has no stores, so a task
 * that gets to run fails by name at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "agent/protocol.h"
#include "base/check.h"
#include "base/json.h"
#include "fake/fake_journal.h"
#include "fake/loop_turns.h"
#include "fake/temporary.h"
#include "loop/work.h"

#define PAIR "aaaaaaaa-0000-0000-0000-000000000001"
#define SERVICE "bbbbbbbb-0000-0000-0000-000000000001"

struct bed {
    struct loop *loop;
    struct fake_journal *disk;
    struct journal *journal;
    struct agent *agent;
    char directory[64];
};

static struct bed bed;

static void start_agent(void)
{
    struct error error = ERROR_NONE;
    assert_true(fake_journal_open(bed.disk, NULL, NULL, &bed.journal, &error));
    struct agent_options options = {.cluster = "lyon",
                                    .id = "cccccccc-0000-0000-0000-000000000001",
                                    .journal = bed.journal,
                                    .work_directory = bed.directory,
                                    .long_jobs_max = 1};
    assert_true(agent_new(bed.loop, &options, &bed.agent, &error));
}

static int set_up(void **state)
{
    (void)state;
    bed = (struct bed){.loop = loop_new(), .disk = fake_journal_new("unit")};
    temporary_make(bed.directory, sizeof bed.directory, "agent-test");
    start_agent();
    loop_take_turns(bed.loop);
    return 0;
}

static bool no_work(void *context)
{
    return work_pending(context) == 0;
}

/* Until the executors, the journal and the loop have nothing left to do. */
static void settle(void)
{
    do {
        fake_journal_run(bed.disk);
        loop_take_turns(bed.loop);
        assert_true(loop_run_until(bed.loop, no_work, bed.loop, 10000));
        loop_take_turns(bed.loop);
    } while (fake_journal_pending(bed.disk) > 0);
}

static void set_flag(void *context)
{
    *(bool *)context = true;
}

static void stop_agent(void)
{
    bool stopped = false;
    agent_stop(bed.agent, set_flag, &stopped);
    for (int i = 0; i < 100 && !stopped; i++)
        settle();
    assert_true(stopped);
    agent_free(bed.agent);
}

/* The process dies: nothing of the session goes on. */
static void restart_agent(void)
{
    stop_agent();
    bed.journal->operations->close(bed.journal);
    loop_take_turns(bed.loop);
    start_agent();
    loop_take_turns(bed.loop);
}

static int tear_down(void **state)
{
    (void)state;
    stop_agent();
    bed.journal->operations->close(bed.journal);
    loop_take_turns(bed.loop);
    fake_journal_free(bed.disk);
    loop_free(bed.loop);
    rmdir(bed.directory);
    return 0;
}

/* ---- requests ------------------------------------------------------------------------------- */

struct reply {
    int status; /* 0: none yet */
    int revision;
    char state[16];
    char code[32];
};

static void take_reply(void *context, int status, const char *body, size_t size)
{
    struct reply *reply = context;
    struct error error;
    json_t *document = NULL;
    assert_int_equal(reply->status, 0);
    reply->status = status;
    if (size == 0)
        return;
    assert_true(json_parse(body, size, &document, &error));
    const json_t *failure = json_object_get(document, "error");
    reply->revision = (int)json_integer_or(document, "revision", 0);
    snprintf(reply->state, sizeof reply->state, "%s", json_string_or(document, "state", ""));
    snprintf(reply->code, sizeof reply->code, "%s", json_string_or(failure, "code", ""));
    json_decref(document);
}

static void request(const char *method, const char *key, const char *query, const char *body,
                    struct reply *reply)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/instructions/%s", key);
    struct agent_request request = {method, path, query, body, body == NULL ? 0 : strlen(body)};
    *reply = (struct reply){0};
    agent_handle(bed.agent, &request, take_reply, reply);
}

struct order {
    const char *key, *kind;
    int generation, number, attempt;
    const char *body;
};

static void put(struct order order, struct reply *reply)
{
    struct error error;
    json_t *body;
    const char *text = order.body == NULL ? "{}" : order.body;
    assert_true(json_parse(text, strlen(text), &body, &error));
    struct instruction instruction = {.key = order.key,
                                      .kind = order.kind,
                                      .pair = PAIR,
                                      .service = SERVICE,
                                      .service_name = "bills",
                                      .generation = order.generation,
                                      .number = order.number,
                                      .attempt = order.attempt,
                                      .try_number = 1,
                                      .device = "dddddddd-0000-0000-0000-000000000001"};
    json_t *document = instruction_format(&instruction, body);
    struct buffer content;
    buffer_init(&content, 0);
    json_print(document, false, &content);
    request("PUT", order.key, "", buffer_text(&content), reply);
    buffer_fini(&content);
    json_decref(document);
}

static struct reply get(const char *key)
{
    struct reply reply;
    request("GET", key, "", NULL, &reply);
    return reply;
}

static struct order order_of(const char *key, const char *kind)
{
    return (struct order){.key = key, .kind = kind, .generation = 1, .number = 7, .attempt = 1};
}

/* ---- accepted ------------------------------------------------------------------------------- */

static void test_accepted_when_durable(void **state)
{
    (void)state;
    struct reply reply;
    put(order_of("k1", "inspect"), &reply);
    assert_int_equal(reply.status, 0);
    fake_journal_step(bed.disk);
    assert_int_equal(reply.status, 201);
    settle();
    assert_string_equal(get("k1").state, "failed");
    assert_int_equal(get("k2").status, 404);
}

static void test_twice_in_one_commit(void **state)
{
    (void)state;
    struct reply first, second, other;
    put(order_of("k1", "inspect"), &first);
    put(order_of("k1", "inspect"), &second);
    struct order changed = order_of("k1", "inspect");
    changed.body = "{\"x\": 1}";
    put(changed, &other);
    settle();
    assert_int_equal(first.status, 201);
    assert_int_equal(second.status, 200);
    assert_int_equal(other.status, 409);
}

/* What was refused is not what a restart finds, though neither was durable when the second came. */
static void test_refused_body_is_not_recorded(void **state)
{
    (void)state;
    struct reply first, other, again;
    struct order changed = order_of("k1", "inspect");
    changed.body = "{\"x\": 1}";
    put(order_of("k1", "inspect"), &first);
    put(changed, &other);
    assert_int_equal(other.status, 409);
    while (fake_journal_sync(bed.disk))
        ;
    fake_journal_crash(bed.disk);
    agent_free(bed.agent); /* a crash needs no stop */
    start_agent();
    settle();
    put(changed, &again);
    assert_int_equal(again.status, 409);
    put(order_of("k1", "inspect"), &again);
    assert_int_equal(again.status, 200);
}

static void test_hooks_are_not_for_everybody(void **state)
{
    (void)state;
    struct reply reply;
    struct order order = order_of("k1", "snapshot");
    order.body = "{\"settings\": {\"hooks\": {\"after\": {\"command\": [\"/bin/true\"]}}}}";
    put(order, &reply);
    assert_int_equal(reply.status, 400);
    order.body = "{\"settings\": {\"hooks\": {}}}";
    put(order, &reply);
    settle();
    assert_int_equal(reply.status, 201);
}

static void test_older_generation_is_fenced(void **state)
{
    (void)state;
    struct reply accepted, reply;
    struct order newer = order_of("k2", "inspect");
    newer.generation = 2;
    put(newer, &accepted);
    put(order_of("k1", "inspect"), &reply); /* before the newer one is durable */
    assert_int_equal(reply.status, 409);
    assert_string_equal(reply.code, "FENCED");
    settle();
    restart_agent();
    put(order_of("k1", "inspect"), &reply);
    assert_string_equal(reply.code, "FENCED");
}

static void test_lost_before_durable_is_unknown(void **state)
{
    (void)state;
    struct reply reply;
    put(order_of("k1", "inspect"), &reply);
    fake_journal_set_failure(bed.disk, ERROR_IO);
    fake_journal_step(bed.disk);
    assert_true(reply.status >= 400);
    fake_journal_crash(bed.disk);
    fake_journal_set_failure(bed.disk, ERROR_OK);
    agent_free(bed.agent); /* a crash needs no stop */
    start_agent();
    settle();
    assert_int_equal(get("k1").status, 404);
}

/* ---- a state on its way to the journal ------------------------------------------------------ */

/* Up to the moment at which the end of the task waits for the journal. */
static void run_to_unrecorded_end(const char *key)
{
    struct reply reply;
    put(order_of(key, "inspect"), &reply);
    fake_journal_step(bed.disk); /* accepted */
    fake_journal_step(bed.disk); /* its first phase */
    fake_journal_step(bed.disk); /* its second, which fails */
    assert_true(loop_run_until(bed.loop, no_work, bed.loop, 10000));
    loop_take_turns(bed.loop);
    assert_int_equal(fake_journal_pending(bed.disk), 1);
}

static void test_deleted_while_its_end_is_recorded(void **state)
{
    (void)state;
    struct reply reply;
    run_to_unrecorded_end("k1");
    request("DELETE", "k1", "", NULL, &reply);
    assert_int_equal(reply.status, 204);
    assert_int_equal(get("k1").status, 200); /* the journal still refers to it */
    settle();
    assert_int_equal(get("k1").status, 404);
    restart_agent();
    settle();
    assert_int_equal(get("k1").status, 404);
}

static void wait_for_news(const char *key, struct reply *reply)
{
    char query[32];
    snprintf(query, sizeof query, "after=%d&wait=20", get(key).revision);
    request("GET", key, query, NULL, reply);
}

static void test_end_is_told_when_durable(void **state)
{
    (void)state;
    struct reply poll, crashed;
    run_to_unrecorded_end("k1");
    assert_string_equal(get("k1").state, "running");
    wait_for_news("k1", &poll);
    assert_int_equal(poll.status, 0);
    fake_journal_step(bed.disk);
    assert_string_equal(poll.state, "failed");
    assert_string_equal(get("k1").state, "failed");
    run_to_unrecorded_end("k2");
    wait_for_news("k2", &crashed);
    fake_journal_set_failure(bed.disk, ERROR_IO);
    fake_journal_step(bed.disk);
    fake_journal_crash(bed.disk);
    fake_journal_set_failure(bed.disk, ERROR_OK);
    agent_free(bed.agent); /* answers who still waits */
    assert_string_equal(crashed.state, "running");
    start_agent();
    settle();
}

static void test_stop_waits_for_the_record(void **state)
{
    (void)state;
    bool stopped = false;
    run_to_unrecorded_end("k1");
    agent_stop(bed.agent, set_flag, &stopped);
    loop_take_turns(bed.loop);
    loop_take_turns(bed.loop);
    assert_false(stopped);
    fake_journal_run(bed.disk);
    loop_take_turns(bed.loop);
    assert_true(stopped);
    agent_free(bed.agent);
    bed.journal->operations->close(bed.journal);
    loop_take_turns(bed.loop);
    start_agent();
}

static bool has_appended(void *context)
{
    return fake_journal_appends(bed.disk) > *(size_t *)context;
}

static void test_full_disk_only_delays(void **state)
{
    (void)state;
    run_to_unrecorded_end("k1");
    fake_journal_set_failure(bed.disk, ERROR_NO_SPACE);
    fake_journal_step(bed.disk);
    fake_journal_set_failure(bed.disk, ERROR_OK);
    struct reply reply;
    request("DELETE", "k1", "", NULL, &reply); /* must not free what the retry needs */
    size_t before = fake_journal_appends(bed.disk);
    assert_true(loop_run_until(bed.loop, has_appended, &before, 30000)); /* the retry */
    settle();
    assert_int_equal(get("k1").status, 404);
}

/* ---- stopped -------------------------------------------------------------------------------- */

/* One slot: "holder" has it and waits for the journal, "waiter" is queued behind it. */
static void fill_slot(void)
{
    static struct reply first, second; /* told after this has returned */
    struct order holder = order_of("holder", "verify"), waiter = order_of("waiter", "transfer");
    holder.number = 1;
    put(holder, &first);
    fake_journal_step(bed.disk);
    put(waiter, &second);
    fake_journal_sync(bed.disk);
}

static void test_discard_stops_what_waits_for_a_slot(void **state)
{
    (void)state;
    struct reply reply, poll;
    struct order discard = order_of("discard", "discard");
    fill_slot();
    put(discard, &reply);
    fake_journal_step(bed.disk); /* the holder's phase: its executor runs, and is not listened to */
    fake_journal_step(bed.disk); /* waiter accepted */
    request("GET", "waiter", "after=1&wait=10", NULL, &poll);
    fake_journal_step(bed.disk); /* discard accepted */
    fake_journal_step(bed.disk); /* its phase: it stops the others */
    settle();
    assert_string_equal(get("waiter").code, "CANCELED");
    assert_string_equal(poll.state, "failed");
    restart_agent();
    settle();
    assert_string_equal(get("waiter").code, "CANCELED");
}

static void test_deleted_while_queued(void **state)
{
    (void)state;
    struct reply reply, poll;
    fill_slot();
    fake_journal_step(bed.disk);
    fake_journal_step(bed.disk);
    request("GET", "waiter", "after=1&wait=10", NULL, &poll);
    request("DELETE", "waiter", "", NULL, &reply);
    settle();
    assert_int_equal(get("waiter").status, 404);
    assert_int_equal(poll.status, 200);
}

static void test_stopped_with_the_daemon_goes_on(void **state)
{
    (void)state;
    struct reply reply, poll;
    bool stopped = false;
    put(order_of("k1", "transfer"), &reply);
    fake_journal_step(bed.disk);
    request("GET", "k1", "after=9&wait=10", NULL, &poll);
    agent_stop(bed.agent, set_flag, &stopped);
    fake_journal_run(bed.disk);
    loop_take_turns(bed.loop);
    assert_true(stopped);
    agent_free(bed.agent);
    assert_string_equal(poll.state, "running"); /* not "failed": the epoch would be given up */
    bed.journal->operations->close(bed.journal);
    loop_take_turns(bed.loop);
    start_agent();
    assert_string_equal(get("k1").state, "running");
    settle();
    assert_string_equal(get("k1").code, "INVALID");
}

/* ---- disarm --------------------------------------------------------------------------------- */

static void test_no_snapshot_behind_a_disarm(void **state)
{
    (void)state;
    struct reply reply;
    put(order_of("d1", "disarm"), &reply);
    fake_journal_step(bed.disk); /* accepted; it has looked for the snapshot and found none */
    fake_journal_step(bed.disk);
    put(order_of("s1", "snapshot"), &reply);
    assert_string_equal(reply.code, "UNAVAILABLE");
    settle();
    assert_string_equal(get("d1").state, "done");
    put(order_of("s1", "snapshot"), &reply);
    assert_string_equal(reply.code, "CANCELED");
    struct order next = order_of("s2", "snapshot");
    next.attempt = 2;
    put(next, &reply);
    settle();
    assert_int_equal(reply.status, 201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_accepted_when_durable),
        T(test_twice_in_one_commit),
        T(test_refused_body_is_not_recorded),
        T(test_older_generation_is_fenced),
        T(test_hooks_are_not_for_everybody),
        T(test_lost_before_durable_is_unknown),
        T(test_deleted_while_its_end_is_recorded),
        T(test_end_is_told_when_durable),
        T(test_stop_waits_for_the_record),
        T(test_full_disk_only_delays),
        T(test_discard_stops_what_waits_for_a_slot),
        T(test_deleted_while_queued),
        T(test_stopped_with_the_daemon_goes_on),
        T(test_no_snapshot_behind_a_disarm),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
