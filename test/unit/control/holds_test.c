/* holds_test.c: the base's hold on A: told at half of its age or of what it pins, kept or released
 * at the end, whatever else runs. */
#include "control_fixture.h"
#include "device_records.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"

#define DAY_US ((int64_t)86400 * 1000000)

/* Epoch 1 is the base since age_us; the device starts and looks at it. */
static void open_with_old_base(struct device *device, const char *hold_max, int64_t age_us)
{
    char extra[200];
    snprintf(extra, sizeof extra, "{\"hold_max\": %s}", hold_max);
    device_open_bills(device, extra);
    device_epoch(device, "bills", 1, "sealed");
    struct record epoch = epoch_record(device, 1);
    json_set_time(epoch.object, "t_us", clock_realtime_us() - age_us);
    device_put_object(device, JOURNAL_EPOCH, epoch.key, epoch.object);
    device_restart(device);
    device_settle(device);
}

static void test_a_young_hold_is_silent(void **state)
{
    struct device device;
    (void)state;
    open_with_old_base(&device, "{\"age\": \"P30D\", \"action\": \"release\"}", 14 * DAY_US);
    assert_null(device_event(&device, "hold.half"));
    assert_null(device_event(&device, "hold.released"));
    device_close(&device);
}

static void test_half_of_a_hold_is_told(void **state)
{
    struct device device;
    (void)state;
    open_with_old_base(&device, "{\"age\": \"P30D\", \"action\": \"release\"}", 16 * DAY_US);
    const json_t *event = device_wait_event(&device, "hold.half");
    assert_string_equal(json_string_or(event, "severity", ""), "warning");
    assert_string_equal(json_string_or(event, "text", ""),
                        "the base, epoch 1, is held on east for 16.0 days now: half of hold_max is "
                        "over without a new base");
    assert_null(device_event(&device, "hold.released"));
    assert_int_equal(fake_agent_count(device.agents[EAST], "retire"), 0);
    device_close(&device);
}

static void test_a_hold_that_expired_is_kept_when_asked(void **state)
{
    struct device device;
    (void)state;
    open_with_old_base(&device, "{\"age\": \"P30D\", \"action\": \"keep\"}", 31 * DAY_US);
    const json_t *event = device_wait_event(&device, "hold.expired");
    assert_string_equal(json_string_or(event, "severity", ""), "alarm");
    assert_int_equal(fake_agent_count(device.agents[EAST], "retire"), 0);
    device_epoch(&device, "bills", 2, "sealed");
    assert_false(device_compares(&device, 2));
    device_close(&device);
}

static bool is_released(void *context)
{
    struct record epoch = epoch_record(context, 1);
    bool released = json_boolean_or(epoch.object, "retired_a", false);
    json_decref(epoch.object);
    return released;
}

static void test_a_hold_that_expired_is_released(void **state)
{
    struct device device;
    (void)state;
    open_with_old_base(&device, "{\"age\": \"P30D\", \"action\": \"release\"}", 31 * DAY_US);
    device_wait_event(&device, "hold.released");
    device_wait_orders(&device, EAST, "retire", 1);
    const json_t *order = fake_agent_order(device.agents[EAST], "retire", 0);
    assert_true(json_boolean_or(json_object_get(order, "body"), "release", false));
    assert_int_equal(json_integer_or(order, "number", 0), 1);
    device_wait(&device, is_released, &device, "a release that is recorded");
    /* Nothing takes the base for one any more, not after a restart either. */
    device_restart(&device);
    device_epoch(&device, "bills", 2, "sealed");
    assert_true(device_compares(&device, 2));
    device_wait_orders(&device, EAST, "retire", 1);
    device_close(&device);
}

static void measures(struct device *device, int64_t bytes)
{
    char status[80];
    snprintf(status, sizeof status, "{\"state\": \"done\", \"result\": {\"bytes\": %" PRId64 "}}",
             bytes);
    fake_agent_script(device->agents[EAST], "measure", status);
}

static void assert_event(struct device *device, const char *name, const char *text)
{
    const json_t *event = device_wait_event(device, name);
    assert_string_equal(json_string_or(event, "text", ""), text);
}

static int64_t reported_bytes(struct device *device)
{
    struct error error;
    json_t *policy;
    assert_true(control_policy(device->control, "bills", &policy, &error));
    int64_t bytes = json_integer_or(policy, "base_pinned_bytes", -1);
    json_decref(policy);
    return bytes;
}

static bool pins_three(void *context)
{
    return reported_bytes(context) == 3;
}

static void test_what_a_hold_pins_counts(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "{\"hold_max\": {\"bytes\": \"1GiB\"}}");
    measures(&device, 600 << 20);
    device_epoch(&device, "bills", 1, "sealed");
    device_wait_orders(&device, EAST, "measure", 1);
    const json_t *order = fake_agent_order(device.agents[EAST], "measure", 0);
    assert_int_equal(json_integer_or(order, "number", 0), 1);
    assert_string_equal(json_string_or(json_object_get(order, "body"), "side", ""), "a");
    assert_event(&device, "hold.half",
                 "the base, epoch 1, is held on east and pins 600 MiB there: half of hold_max is "
                 "over without a new base");
    assert_int_equal(reported_bytes(&device), 600 << 20);
    /* Looked at again, not measured again. */
    device_verb(&device, "bills", "pause");
    device_settle(&device);
    device_wait_orders(&device, EAST, "measure", 1);
    assert_int_equal(fake_agent_count(device.agents[EAST], "retire"), 0);
    /* The operator allows less. */
    device_policy(&device, "bills", "posix:/bills",
                  "{\"hold_max\": {\"bytes\": \"500MiB\", \"action\": \"release\"}}");
    assert_event(&device, "hold.released",
                 "the base, epoch 1, is held on east and pins 600 MiB there: it is released, as "
                 "the policy says; the next epoch compares by checksum");
    device_wait_orders(&device, EAST, "retire", 1);
    /* The next base is another one. */
    measures(&device, 3);
    device_epoch(&device, "bills", 2, "sealed");
    device_wait(&device, pins_three, &device, "what the new base pins");
    device_wait_orders(&device, EAST, "measure", 2);
    device_close(&device);
}

static void test_a_store_that_does_not_tell_is_said(void **state)
{
    struct device device;
    (void)state;
    open_with_old_base(&device, "{\"bytes\": 5, \"age\": \"P10D\"}", 2 * DAY_US);
    assert_event(&device, "hold.unmeasured",
                 "east does not tell what the base, epoch 1, pins there: hold_max acts on its age "
                 "alone");
    assert_null(device_event(&device, "hold.half"));
    assert_int_equal(reported_bytes(&device), -1);
    device_close(&device);
}

static void test_bytes_are_measured_only_for_a_limit(void **state)
{
    struct device device;
    (void)state;
    open_with_old_base(&device, "{\"age\": \"P10D\"}", 2 * DAY_US);
    assert_int_equal(fake_agent_count(device.agents[EAST], "measure"), 0);
    device_close(&device);
}

/* The next slot is in the year 2100: nothing but the hold itself looks. */
static void test_a_hold_ends_without_any_slot(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "{\"lead_time\": \"PT0.1S\", \"hold_max\": {\"age\": \"PT0.5S\"}}");
    device_epoch(&device, "bills", 1, "sealed");
    device_wait_event(&device, "hold.half");
    device_wait_event(&device, "hold.expired");
    device_close(&device);
}

static void test_a_release_that_fails_is_tried_again(void **state)
{
    struct device device;
    (void)state;
    open_with_old_base(&device, "{\"age\": \"P30D\", \"action\": \"keep\"}", 31 * DAY_US);
    fake_agent_script(device.agents[EAST], "retire", FAKE_FAILED("IO", "-"));
    /* Kept until now; the operator's new policy counts for this base too. */
    device_policy(&device, "bills", "posix:/bills",
                  "{\"hold_max\": {\"age\": \"P30D\", \"action\": \"release\"}}");
    device_wait_event(&device, "hold.released");
    device_wait_orders(&device, EAST, "retire", 1);
    device_settle(&device);                 /* A has answered */
    device_verb(&device, "bills", "pause"); /* looks at the hold */
    device_wait_orders(&device, EAST, "retire", 2);
    device_wait(&device, is_released, &device, "a release that is recorded");
    device_verb(&device, "bills", "pause");
    device_wait_orders(&device, EAST, "retire", 2);
    device_close(&device);
}

/* B is cut off: epoch 2 runs for ever. The operator hears of the hold all the same; what the
 * transfer reads is not taken from under it. */
static void test_a_hold_under_a_running_epoch_waits_for_it(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    open_with_old_base(&device, "{\"age\": \"P30D\", \"action\": \"release\"}", 0);
    fake_agent_script(device.agents[WEST], "transfer", FAKE_RUNNING);
    device_epoch(&device, "bills", 2, "receiving");
    device_policy(&device, "bills", "posix:/bills",
                  "{\"hold_max\": {\"age\": \"PT0.001S\", \"action\": \"release\"}}");
    device_wait_event(&device, "hold.waiting");
    assert_null(device_event(&device, "hold.released"));
    assert_int_equal(fake_agent_count(device.agents[EAST], "retire"), 0);
    control_epoch_verb(device.control, "bills", 2, "abandon", "test", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_OK, "");
    device_wait_state(&device, "bills", 2, "abandoned");
    device_wait_event(&device, "hold.released");
    device_wait_orders(&device, EAST, "retire", 1);
    device_epoch(&device, "bills", 3, "sealed");
    assert_true(device_compares(&device, 3));
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_young_hold_is_silent),
        cmocka_unit_test(test_half_of_a_hold_is_told),
        cmocka_unit_test(test_a_hold_that_expired_is_kept_when_asked),
        cmocka_unit_test(test_a_hold_that_expired_is_released),
        cmocka_unit_test(test_what_a_hold_pins_counts),
        cmocka_unit_test(test_a_store_that_does_not_tell_is_said),
        cmocka_unit_test(test_bytes_are_measured_only_for_a_limit),
        cmocka_unit_test(test_a_hold_ends_without_any_slot),
        cmocka_unit_test(test_a_release_that_fails_is_tried_again),
        cmocka_unit_test(test_a_hold_under_a_running_epoch_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
