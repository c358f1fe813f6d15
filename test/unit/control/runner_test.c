/* runner_test.c: an epoch from its plan to its seal; no order leaves before the record that it
 * follows from is durable; a restart anywhere gives the same orders again and no others. */
#include "control_fixture.h"
#include "device_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

static void test_from_a_plan_to_a_seal(void **state)
{
    static const char *const once[][2] = {
        {"resolve", "e"}, {"snapshot", "e"}, {"settle", "e"}, {"transfer", "w"}, {"commit", "w"}};
    struct device device;
    (void)state;
    device_open_sealed(&device, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(once); i++) {
        int here = once[i][1][0] == 'e' ? EAST : WEST;
        assert_int_equal(fake_agent_count(device.agents[here], once[i][0]), 1);
        assert_int_equal(fake_agent_count(device.agents[1 - here], once[i][0]), 0);
    }
    const json_t *order = fake_agent_order(device.agents[WEST], "transfer", 0);
    assert_int_equal(json_integer_or(order, "generation", 0), 1);
    assert_string_equal(json_string_or(json_object_get(order, "body"), "mode", ""), "full");
    device_epoch(&device, "bills", 2, "sealed");
    order = fake_agent_order(device.agents[WEST], "transfer", 1);
    assert_string_equal(json_string_or(json_object_get(order, "body"), "mode", ""), "incremental");
    device_close(&device);
}

static void test_push_orders_the_primary(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "{\"direction\": \"push\"}");
    device_epoch(&device, "bills", 1, "sealed");
    assert_int_equal(fake_agent_count(device.agents[EAST], "transfer"), 1);
    assert_int_equal(fake_agent_count(device.agents[WEST], "transfer"), 0);
    device_close(&device);
}

static bool was_refused_again(void *context)
{
    return fake_agent_refusals(((struct device *)context)->agents[WEST]) >= 3;
}

/* A token that is wrong for a while costs time, not the epoch; the operator hears of it. */
static void test_a_denied_device_waits(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    fake_agent_set_refusal(device.agents[WEST], 401);
    device_epoch(&device, "bills", 1, "snapped");
    device_wait(&device, was_refused_again, &device, "several tries");
    const json_t *event = device_wait_event(&device, "agent.denied");
    assert_string_equal(json_string_or(event, "severity", ""), "alarm");
    assert_true(device_epoch_is(&device, "bills", 1, "snapped"));
    int64_t sequence = json_integer_or(event, "sequence", 0);
    fake_agent_set_refusal(device.agents[WEST], 0);
    device_wait_state(&device, "bills", 1, "sealed");
    event = device_event(&device, "agent.denied");
    assert_int_equal(json_integer_or(event, "sequence", 1), sequence);
    assert_int_equal(fake_agent_count(device.agents[WEST], "transfer"), 1);
    device_close(&device);
}

/* Another device is active: said once, and shown. */
static void test_a_fenced_device_says_so(void **state)
{
    static const char fenced[] = FAKE_FAILED("FENCED", "generation 2 was seen");
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[WEST], "transfer", fenced);
    device_epoch(&device, "bills", 1, "snapped");
    const json_t *event = device_wait_event(&device, "device.fenced");
    assert_string_equal(json_string_or(event, "severity", ""), "alarm");
    assert_policy_state(&device, "bills", "fenced");
    device_close(&device);
}

static void script_large(struct device *device, int cluster, const char *kind, const char *extra)
{
    const size_t size = (size_t)9 << 20;
    char *status = memory_new(size + 400);
    int used = snprintf(status, 400, "{\"state\": \"done\", \"result\": {%s \"pad\": \"", extra);
    memset(status + used, 'x', size);
    snprintf(status + used + size, 10, "\"}}");
    fake_agent_script(device->agents[cluster], kind, status);
    free(status);
}

/* Each of two results fits a record, both do not: the epoch ends by name, and the next one runs. */
static void test_what_no_record_holds(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    script_large(&device, EAST, "snapshot",
                 "\"outcome\": \"fired\", \"grade\": \"quiesced\", \"skew_us\": 0,"
                 " \"members\": [],");
    script_large(&device, WEST, "transfer", "");
    device_epoch(&device, "bills", 1, "abandoned");
    json_t *epoch;
    struct error error;
    assert_true(control_epoch(device.control, "bills", 1, &epoch, &error));
    const json_t *cause = json_object_get(epoch, "cause");
    assert_string_equal(json_string_or(cause, "code", ""), "LIMIT");
    json_decref(epoch);
    device_epoch(&device, "bills", 2, "sealed");
    device_close(&device);
}

/* What to type, in order: the directory is named, for it is the one that goes away. */
static void assert_remedy(const json_t *event)
{
    static const char *const commands[] = {"mv /var/lib/coeval/control /var/lib/coeval/control.old",
                                           "coeval recover --reason TEXT",
                                           "coeval policy resume bills"};
    const json_t *told = json_object_get(event, "commands");
    assert_int_equal(json_array_size(told), ARRAY_LENGTH(commands));
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        assert_string_equal(json_string_value(json_array_get(told, i)), commands[i]);
        assert_non_null(strstr(json_string_or(event, "text", ""), commands[i]));
    }
}

/* The agents know the number of its new epoch, or a seal that it never gave, or gave up a later
 * one.
 */
static void test_a_device_with_an_old_journal_stops(void **state)
{
    static const char *const failures[] = {
        NULL, /* refused */
        "\"code\": \"EXISTS\", \"message\": \"past\"}, \"result\": {\"newest_seal\": 9}",
        "\"code\": \"EXISTS\", \"message\": \"late\"}, \"result\": {\"newest_given_up\": 9}",
        "\"code\": \"EXISTS\", \"message\": \"late\"}, \"result\": {\"newest_given_up\": 1}",
        "\"code\": \"EXISTS\", \"message\": \"a file\"}, \"result\": {}"};
    char status[200];
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        struct device device;
        device_open_bills(&device, "");
        snprintf(status, sizeof status, "{\"state\": \"failed\", \"error\": {%s}",
                 failures[i] == NULL ? "" : failures[i]);
        if (failures[i] == NULL)
            fake_agent_set_refusal(device.agents[EAST], 409);
        else
            fake_agent_script(device.agents[WEST], "transfer", status);
        device_epoch(&device, "bills", 1, "abandoned");
        bool behind = i < 3;
        assert_int_equal(device_event(&device, "device.behind") != NULL, behind);
        assert_policy_state(&device, "bills", behind ? "paused" : "idle");
        if (behind)
            assert_remedy(device_event(&device, "device.behind"));
        device_close(&device);
    }
}

/* ---- records before effects ----------------------------------------------------------------- */

struct witness {
    struct device *device;
    const char *side;
    unsigned orders;
};

/* The durable record says already that this order, with this try, is on its way. */
static void order_arrived(void *context, const json_t *order)
{
    struct witness *witness = context;
    char key[64], name[40];
    int64_t number = json_integer_or(order, "number", 0);
    if (number == 0 || !json_is_object(json_object_get(json_object_get(order, "body"), "limits")))
        return; /* outside an epoch */
    snprintf(key, sizeof key, "%s/%012" PRId64, json_string_or(order, "service", ""), number);
    snprintf(name, sizeof name, "%s.%s", json_string_or(order, "kind", ""), witness->side);
    json_t *record = device_object(witness->device, JOURNAL_EPOCH, key);
    assert_non_null(record);
    const json_t *durable = json_object_get(json_object_get(record, "instructions"), name);
    assert_string_equal(json_string_or(durable, "status", ""), "sent");
    assert_int_equal(json_integer_or(durable, "try", 0), json_integer_or(order, "try", -1));
    json_decref(record);
    witness->orders++;
}

static void test_no_order_before_its_record(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    struct witness east = {&device, "a", 0}, west = {&device, "b", 0};
    fake_agent_on_order(device.agents[EAST], order_arrived, &east);
    fake_agent_on_order(device.agents[WEST], order_arrived, &west);
    device_policy(&device, "bills", "posix:/bills", "");
    struct outcome outcome = {.over = false};
    device.slow = true;
    control_policy_verb(device.control, "bills", "run", "", outcome_came, &outcome);
    /* One commit at a time, with time for whatever would leave too early. */
    for (int i = 0; i < 60 && !device_epoch_is(&device, "bills", 1, "sealed"); i++) {
        device_settle(&device);
        fake_journal_step(device.disk);
    }
    device.slow = false;
    device_wait_state(&device, "bills", 1, "sealed");
    device_settle(&device);
    assert_int_equal(east.orders, 3);
    assert_int_equal(west.orders, 2);
    outcome_fini(&outcome);
    device_close(&device);
}

/* ---- restarts ------------------------------------------------------------------------------- */

static uint64_t newest_number(struct device *device)
{
    json_t *epochs = control_epochs(device->control, "bills", 1);
    int64_t number = json_integer_or(json_array_get(epochs, 0), "number", 0);
    json_decref(epochs);
    return (uint64_t)number;
}

/* The power fails after that many durable records: one epoch is sealed all the same, with one order
 * of each kind. When only its number was durable, that number is not used again. */
static bool crash_after(unsigned records)
{
    struct device device;
    device_open_bills(&device, "");
    struct outcome outcome = {.over = false};
    device.slow = true;
    control_policy_verb(device.control, "bills", "run", "", outcome_came, &outcome);
    for (unsigned i = 0; i < records; i++) {
        device_settle(&device);
        fake_journal_step(device.disk);
    }
    bool sealed = device_epoch_is(&device, "bills", 1, "sealed");
    device_restart(&device);
    device.slow = false;
    device_settle(&device);
    if (newest_number(&device) == 0)
        device_verb(&device, "bills", "run"); /* the operator's order itself was lost */
    device_settle(&device);
    uint64_t number = newest_number(&device);
    assert_in_range(number, 1, 2);
    device_wait_state(&device, "bills", number, "sealed");
    device_settle(&device);
    assert_int_equal(fake_agent_count(device.agents[EAST], "snapshot"), 1);
    assert_int_equal(fake_agent_count(device.agents[WEST], "transfer"), 1);
    assert_int_equal(fake_agent_count(device.agents[WEST], "commit"), 1);
    assert_int_equal(fake_agent_count(device.agents[EAST], "settle"), 1);
    device_epoch(&device, "bills", number + 1, "sealed");
    outcome_fini(&outcome);
    device_close(&device);
    return sealed;
}

static void test_power_fails_after_every_record(void **state)
{
    unsigned records = 0;
    (void)state;
    while (!crash_after(records))
        assert_true(++records < 60);
    assert_true(records > 5);
}

static void test_an_agent_that_is_away_gets_its_order_later(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    fake_agent_set_away(device.agents[WEST], true);
    device_epoch(&device, "bills", 1, "snapped");
    fake_agent_set_away(device.agents[WEST], false);
    device_wait_state(&device, "bills", 1, "sealed");
    device_close(&device);
}

/* The order to abandon and the answer to "resolve" become durable together: by the time that the
 * moment may be ordered it is not wanted any more. */
static void test_what_was_forgotten_meanwhile_is_not_sent(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[EAST], "resolve", FAKE_RUNNING);
    fake_agent_script(device.agents[EAST], "disarm",
                      "{\"state\": \"done\", \"result\": {\"fired\": false}}");
    device_epoch(&device, "bills", 1, "planned");
    device.slow = true;
    control_epoch_verb(device.control, "bills", 1, "abandon", "", outcome_came, &outcome);
    fake_agent_finish(device.agents[EAST], "resolve", FAKE_DONE);
    device_settle(&device);
    for (int i = 0; i < 2; i++)
        assert_true(fake_journal_step(device.disk)); /* the verb; then "prepare the moment" */
    device_settle(&device);
    assert_int_equal(fake_agent_count(device.agents[EAST], "snapshot"), 0);
    device.slow = false;
    device_wait_state(&device, "bills", 1, "abandoned");
    assert_outcome(&device, &outcome, ERROR_OK, "");
    assert_int_equal(fake_agent_count(device.agents[EAST], "disarm"), 1);
    assert_int_equal(fake_agent_count(device.agents[EAST], "snapshot"), 0);
    device_close(&device);
}

/* Whatever becomes of the pair's record: an epoch ends where it began. */
static void test_an_epoch_keeps_its_clusters(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[WEST], "transfer", FAKE_RUNNING);
    device_epoch(&device, "bills", 1, "receiving");
    const json_t *order = fake_agent_order(device.agents[WEST], "transfer", 0);
    const char turned[] = "{\"name\": \"p\", \"primary\": \"west\", \"secondary\": \"east\"}";
    device_put_text(&device, JOURNAL_PAIR, json_string_or(order, "pair", ""), turned);
    device_restart(&device);
    device_settle(&device);
    fake_agent_finish(device.agents[WEST], "transfer", FAKE_DONE);
    device_wait_state(&device, "bills", 1, "sealed");
    assert_int_equal(fake_agent_count(device.agents[WEST], "commit"), 1);
    assert_int_equal(fake_agent_count(device.agents[EAST], "transfer"), 0);
    device_close(&device);
}

/* ---- what the agents say -------------------------------------------------------------------- */

static void test_a_question_waits_for_its_answer(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[WEST], "transfer",
                      "{\"state\": \"waiting\", \"question\": \"shrink\", \"error\": "
                      "{\"code\": \"CONFLICT\", \"message\": \"too much goes\"}}");
    device_epoch(&device, "bills", 1, "snapped");
    assert_non_null(device_event(&device, "epoch.question"));
    control_epoch_verb(device.control, "bills", 1, "approve", "it is right", outcome_came,
                       &outcome);
    assert_outcome(&device, &outcome, ERROR_OK, "");
    device_wait_state(&device, "bills", 1, "sealed");
    assert_int_equal(fake_agent_count(device.agents[WEST], "transfer"), 2);
    device_close(&device);
}

static void test_side_a_cannot_keep_the_seal(void **state)
{
    struct device device;
    (void)state;
    device_open_sealed(&device, 1);
    fake_agent_script(device.agents[EAST], "settle",
                      FAKE_FAILED("NOT_FOUND", "the snapshot is gone"));
    device_epoch(&device, "bills", 2, "sealed");
    assert_non_null(device_event(&device, "epoch.unsettled"));
    /* The service goes on, and compares, as it was told. */
    device_epoch(&device, "bills", 3, "sealed");
    assert_true(device_compares(&device, 3));
    device_epoch(&device, "bills", 4, "sealed");
    assert_false(device_compares(&device, 4));
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_a_plan_to_a_seal),
        cmocka_unit_test(test_push_orders_the_primary),
        cmocka_unit_test(test_a_denied_device_waits),
        cmocka_unit_test(test_a_fenced_device_says_so),
        cmocka_unit_test(test_what_no_record_holds),
        cmocka_unit_test(test_a_device_with_an_old_journal_stops),
        cmocka_unit_test(test_no_order_before_its_record),
        cmocka_unit_test(test_power_fails_after_every_record),
        cmocka_unit_test(test_an_agent_that_is_away_gets_its_order_later),
        cmocka_unit_test(test_what_was_forgotten_meanwhile_is_not_sent),
        cmocka_unit_test(test_an_epoch_keeps_its_clusters),
        cmocka_unit_test(test_a_question_waits_for_its_answer),
        cmocka_unit_test(test_side_a_cannot_keep_the_seal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
