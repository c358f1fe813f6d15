/* slots_test.c: a slot is used once, whatever dies or is ordered between it and its epoch. */
#include "control_fixture.h"
#include "device_records.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/timestamp.h"

#define HOUR_US ((int64_t)3600 * 1000000)

#define SELECTS "\"group\": {\"select\": [{\"instance\": \"posix\", \"prefix\": \"/data\"}]}"
#define FINDS                                                                           \
    "{\"state\": \"done\", \"result\": {\"instance\": \"posix\", \"path\": \"/data\", " \
    "\"data_sets\": [{\"name\": \"d1\", \"owner\": \"o\"}]}}"
/* ---- slots ---------------------------------------------------------------------------------- */

/* Applies a policy whose first slot is now, on a slow journal; the slot's record is the last that
 * is pending. */
static void begin_slot(struct device *device)
{
    struct outcome outcome = {.over = false};
    device->slow = true;
    device_apply(device,
                 policy_object("bills", "posix:/bills", "{\"t0\": \"now\", \"period\": \"PT1H\"}"),
                 false, &outcome);
    while (!outcome.over) {
        fake_journal_step(device->disk);
        device_settle(device);
    }
    assert_outcome(device, &outcome, ERROR_OK, "");
    device_settle(device);
}

static void test_a_slot_is_durable_before_it_is_planned(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    begin_slot(&device);
    assert_true(fake_journal_pending(device.disk) > 0);
    assert_int_equal(device_epoch_count(&device), 0);
    for (int i = 0; i < 20 && device_epoch_count(&device) == 0; i++) {
        device_settle(&device);
        fake_journal_step(device.disk);
    }
    assert_int_equal(device_epoch_count(&device), 1);
    struct record found = service_record(&device);
    assert_true(json_boolean_or(json_object_get(found.object, "schedule"), "running", false));
    assert_int_equal(json_integer_or(found.object, "next_number", 0), 1); /* not planned then */
    json_decref(found.object);
    device_close(&device);
}

/* The slot is durable, nothing of its epoch: by `missed` it runs once, whichever of the restarts is
 * the one that gets there. */
static void test_a_slot_that_was_lost_with_its_plan_runs_once(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    begin_slot(&device);
    while (fake_journal_sync(device.disk)) {
    }
    for (int i = 0; i < 2; i++) {
        device_restart(&device);
        device_settle(&device);
        assert_int_equal(device_epoch_count(&device), 0); /* the slot's record is not durable */
    }
    device.slow = false;
    device_wait_state(&device, "bills", 1, "sealed");
    device_settle(&device);
    assert_non_null(device_event(&device, "moment.interrupted"));
    assert_int_equal(device_epoch_count(&device), 1);
    device_restart(&device);
    device_settle(&device);
    assert_int_equal(device_epoch_count(&device), 1);
    device_close(&device);
}

static int64_t passed(struct device *device, const char *name)
{
    struct record found = service_record(device);
    int64_t count = json_integer_or(json_object_get(found.object, "passed"), name, 0);
    json_decref(found.object);
    return count;
}

/* "now" had its moment after the lead time; that and the grace are over. */
static void test_a_slot_that_was_lost_is_counted(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[EAST], "catalogue", FAKE_RUNNING);
    device_policy(&device, "bills", "posix:/bills",
                  "{\"t0\": \"now\", \"period\": \"none\", \"missed\": \"skip\", \"lead_time\": "
                  "\"PT0.01S\", \"grace\": \"PT0.01S\", " SELECTS "}");
    int64_t over_us = clock_realtime_us() + 20000;
    device_settle(&device);
    device_crash(&device);
    device_wait_instant(&device, over_us);
    device_start(&device);
    device_wait_event(&device, "moment.passed");
    assert_int_equal(device_epoch_count(&device), 0);
    assert_int_equal(passed(&device, "missed"), 1);
    device_close(&device);
}

static bool has_committed_one(void *context)
{
    struct device *device = context;
    return device_epoch_count(device) > 0 && fake_agent_count(device->agents[WEST], "commit") > 0;
}

/* The number is durable, and the epoch's own record is not. */
static void test_a_slot_whose_epoch_was_lost_runs_once(void **state)
{
    unsigned records = 0, tries = 0;
    (void)state;
    for (bool sealed = false; !sealed; records++) {
        struct device device;
        assert_true(++tries < 40);
        device_open(&device);
        begin_slot(&device);
        for (unsigned i = 0; i < records; i++) {
            device_settle(&device);
            fake_journal_step(device.disk);
        }
        sealed = device_epoch_is(&device, "bills", 1, "sealed");
        device_restart(&device);
        device.slow = false;
        device_settle(&device);
        json_t *policies = control_policies(device.control);
        bool known = json_array_size(policies) == 1;
        json_decref(policies);
        if (known) {
            device_wait(&device, has_committed_one, &device, "a commit");
            device_settle(&device); /* no second one comes */
            assert_int_equal(device_epoch_count(&device), 1);
            assert_int_equal(fake_agent_count(device.agents[WEST], "commit"), 1);
        }
        device_close(&device);
    }
}

static void test_a_lost_slot_runs_after_the_restart(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    device.slow = true;
    control_policy_verb(device.control, "bills", "run", "", outcome_came, &outcome);
    device_settle(&device);
    device_restart(&device);
    device.slow = false;
    device_settle(&device);
    assert_false(outcome.over); /* nobody was told that it runs */
    assert_int_equal(device_epoch_count(&device), 0);
    device_close(&device);
}

/* Its slot is five seconds ahead, within the lead time: the epoch is sealed before T. */
static void seal_before_its_moment(struct device *device, char ret_extra[100])
{
    char moment[TIMESTAMP_TEXT_SIZE];
    timestamp_format(clock_realtime_us() + 5000000, moment);
    snprintf(ret_extra, 100, "{\"t0\": \"%s\"}", moment);
    device_policy(device, "bills", "posix:/bills", ret_extra);
    device_wait_state(device, "bills", 1, "sealed");
    device_settle(device);
}

static void test_a_slot_is_used_up_for_a_later_policy_too(void **state)
{
    struct device device;
    char extra[100];
    (void)state;
    device_open(&device);
    seal_before_its_moment(&device, extra);
    device_delete(&device, "bills", "");
    device_policy(&device, "bills", "posix:/bills", extra);
    device_settle(&device);
    assert_int_equal(device_epoch_count(&device), 1);
    device_close(&device);
}

/* Its slot is within the lead time and comes with "resume", which is recorded together with the
 * deletion. */
static void test_a_slot_beside_a_deletion(void **state)
{
    struct device device;
    struct outcome resumed = {.over = false}, deleted = {.over = false};
    char moment[TIMESTAMP_TEXT_SIZE], extra[100];
    (void)state;
    device_open_bills(&device, "");
    device_verb(&device, "bills", "pause");
    timestamp_format(clock_realtime_us() + HOUR_US, moment);
    snprintf(extra, sizeof extra, "{\"t0\": \"%s\", \"lead_time\": \"PT2H\", \"period\": \"P1D\"}",
             moment);
    device_policy(&device, "bills", "posix:/bills", extra);
    device_settle(&device);
    device.slow = true;
    control_policy_verb(device.control, "bills", "resume", "", outcome_came, &resumed);
    control_delete_policy(device.control, "bills", "", outcome_came, &deleted);
    device_settle(&device);
    device.slow = false;
    assert_outcome(&device, &deleted, ERROR_CONFLICT,
                   "an epoch of 'bills' is running: `coeval epoch abandon` it first, or wait");
    assert_outcome(&device, &resumed, ERROR_OK, "");
    device_wait_state(&device, "bills", 1, "sealed");
    device_close(&device);
}

/* ---- what ends beside a slot ------------------------------------------------------------------
 */

static bool is_running(struct device *device)
{
    struct record found = service_record(device);
    bool running = json_boolean_or(json_object_get(found.object, "schedule"), "running", false);
    json_decref(found.object);
    return running;
}

/* Epoch 1 is retired slowly while the next slot's epoch is planned: its end is not that one's. */
static void test_a_retirement_does_not_end_what_is_planned(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    for (int i = 0; i < 2; i++)
        fake_agent_script(device.agents[EAST], "catalogue", FINDS);
    device_policy(&device, "bills", "posix:/bills",
                  "{" SELECTS ", \"retention\": {\"target\": {\"last\": 1}, "
                  "\"source\": {\"last\": 1}}}");
    device_epoch(&device, "bills", 1, "sealed");
    fake_agent_script(device.agents[WEST], "retire", FAKE_RUNNING);
    device_epoch(&device, "bills", 2, "sealed");
    fake_agent_script(device.agents[EAST], "catalogue", FAKE_RUNNING);
    device_verb(&device, "bills", "run");
    device_settle(&device);
    assert_true(is_running(&device));
    fake_agent_finish(device.agents[WEST], "retire", FAKE_DONE);
    device_wait_state(&device, "bills", 1, "retired");
    device_settle(&device);
    assert_true(is_running(&device));
    fake_agent_finish(device.agents[EAST], "catalogue", FINDS);
    device_wait_state(&device, "bills", 3, "sealed");
    device_settle(&device);
    assert_false(is_running(&device));
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slot_is_durable_before_it_is_planned),
        cmocka_unit_test(test_a_slot_that_was_lost_with_its_plan_runs_once),
        cmocka_unit_test(test_a_slot_that_was_lost_is_counted),
        cmocka_unit_test(test_a_slot_whose_epoch_was_lost_runs_once),
        cmocka_unit_test(test_a_lost_slot_runs_after_the_restart),
        cmocka_unit_test(test_a_slot_is_used_up_for_a_later_policy_too),
        cmocka_unit_test(test_a_slot_beside_a_deletion),
        cmocka_unit_test(test_a_retirement_does_not_end_what_is_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
