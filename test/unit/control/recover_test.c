/* recover_test.c: the control journal is lost; what the areas and agents tell gives back services,
 * policies, registry and epochs, and a commit that was under way goes on. */
#include "recover_fixture.h"
#include "device_records.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/timestamp.h"

static void test_all_comes_back_from_the_areas(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    struct error error;
    (void)state;
    device_open_sealed(&device, 1);
    fake_agent_script(device.agents[WEST], "commit", FAKE_PHASE("committing"));
    device_epoch(&device, "bills", 2, "committing");
    lose_journal(&device);
    recover_from(&device, EPOCHS_FOUND(&device, "sealed", "committing"), json_array(), &outcome);
    const json_t *line = json_array_get(json_object_get(outcome.result, "services"), 0);
    assert_int_equal(json_integer_or(line, "epochs", 0), 2);
    assert_null(json_object_get(line, "error"));
    outcome_fini(&outcome);
    assert_true(device_epoch_is(&device, "bills", 1, "sealed"));
    assert_true(device_epoch_is(&device, "bills", 2, "committing"));
    json_t *policy = NULL, *roots = control_roots(device.control);
    assert_true(control_policy(device.control, "bills", &policy, &error));
    assert_int_equal(json_integer_or(policy, "revision", 0), 4);
    assert_int_equal(json_array_size(roots), 2);
    json_decref(policy);
    json_decref(roots);
    fake_agent_finish(device.agents[WEST], "commit", FAKE_DONE);
    device_wait_state(&device, "bills", 2, "sealed");
    device_settle(&device);
    /* It is as durable as any other, its numbers go on, and the stores are those that were paired.
     */
    device_restart(&device);
    json_t *store = device_object(&device, JOURNAL_STORE, "west/posix");
    assert_string_equal(json_string_or(store, "identity", ""), "store-w");
    json_decref(store);
    device_epoch(&device, "bills", 3, "sealed");
    device_close(&device);
}

/* One that an area holds damaged is neither gone on with nor taken for one that never came. */
static void test_a_damaged_seal_is_told_and_left_alone(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_sealed(&device, 2);
    const json_t *order = fake_agent_order(device.agents[WEST], "transfer", 1);
    json_t *orders =
        json_pack("[{s:O, s:s, s:I, s:i, s:i, s:O}]", "service", json_object_get(order, "service"),
                  "kind", "transfer", "number", (json_int_t)2, "attempt", 1, "try", 1, "body",
                  json_object_get(order, "body"));
    lose_journal(&device);
    json_t *epochs = json_array(), *damaged = epoch_item(&device, 2, "sealed");
    json_object_del(damaged, "seal");
    json_set_take(damaged, "error",
                  json_pack("{s:s, s:s}", "code", "CORRUPT", "message", "seal.json is cut"));
    json_append_take(epochs, epoch_item(&device, 1, "sealed"));
    json_append_take(epochs, damaged);
    recover_from(&device, epochs, orders, &outcome);
    const json_t *line = json_array_get(json_object_get(outcome.result, "services"), 0);
    assert_int_equal(json_integer_or(line, "epochs", 0), 1);
    const json_t *told = json_array_get(json_object_get(line, "unreadable"), 0);
    assert_int_equal(json_integer_or(told, "number", 0), 2);
    outcome_fini(&outcome);
    assert_true(device_epoch_is(&device, "bills", 1, "sealed"));
    device_settle(&device);
    assert_int_equal(fake_agent_count(device.agents[WEST], "discard"), 0);
    device_epoch(&device, "bills", 3, "sealed"); /* its number is not given again */
    device_close(&device);
}

/* Two seals are brought to A at once; it takes the older one after it has refused the newer. */
static void test_an_older_seal_that_settles_last_is_no_base(void **state)
{
    struct device device;
    (void)state;
    device_open_sealed(&device, 2);
    lose_journal(&device);
    fake_agent_script(device.agents[EAST], "settle", FAKE_RUNNING);
    fake_agent_script(device.agents[EAST], "settle",
                      FAKE_FAILED("EXISTS", "something is in the way"));
    recover_from(&device, EPOCHS_FOUND(&device, "sealed", "sealed"), settled_once(&device), NULL);
    device_wait_event(&device, "epoch.unsettled");
    fake_agent_finish(device.agents[EAST], "settle", FAKE_DONE);
    device_settle(&device);
    device_epoch(&device, "bills", 3, "sealed");
    assert_true(device_compares(&device, 3));
    device_close(&device);
}

/* Its discard failed on B, and newer epochs were sealed: it must not be committed over them. */
static void test_an_abandoned_one_below_a_seal_is_discarded(void **state)
{
    static const char *const left[] = {"received", "committing", "rolling_back"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(left); i++) {
        struct device device;
        device_open_sealed(&device, 3);
        lose_journal(&device);
        recover_from(&device, EPOCHS_FOUND(&device, "sealed", left[i], "sealed"), json_array(),
                     NULL);
        device_wait_state(&device, "bills", 2, "abandoned");
        assert_true(device_epoch_is(&device, "bills", 3, "sealed"));
        assert_int_equal(fake_agent_count(device.agents[WEST], "commit"), 3);
        assert_int_equal(fake_agent_count(device.agents[WEST], "rollback"), 0);
        assert_int_equal(fake_agent_count(device.agents[WEST], "discard"), 1);
        device_close(&device);
    }
}

/* An epoch of the service is being planned while another one is found that B waits for. */
static void test_a_plan_gives_way_to_what_is_recovered(void **state)
{
    struct device device;
    (void)state;
    device_open_sealed(&device, 1);
    json_t *epochs = json_array(), *item = epoch_item(&device, 1, "committing");
    json_t *again = json_deep_copy(item); /* as another device has made it */
    json_t *order = json_object_get(json_object_get(again, "received"), "order");
    json_set_integer(again, "number", 2);
    json_set_integer(json_object_get(order, "body"), "number", 2);
    json_append_take(epochs, again);
    json_decref(item);
    script_status(&device, inspection(&device, epochs, json_array()));
    fake_agent_script(device.agents[WEST], "commit", FAKE_PHASE("committing"));
    for (int i = 0; i < 2; i++)
        fake_agent_script(device.agents[EAST], "catalogue", FAKE_RUNNING);
    device_policy(&device, "bills", "posix:/bills",
                  "{\"group\": {\"select\": [{\"prefix\": \"/data\"}]}}");
    device_verb(&device, "bills", "run");
    recover(&device, NULL);
    device_wait_state(&device, "bills", 2, "committing");
    fake_agent_finish(device.agents[EAST], "catalogue", FAKE_DONE);
    const json_t *event = device_wait_event(&device, "epoch.not-planned");
    assert_string_equal(json_string_or(event, "text", ""),
                        "no epoch for this moment: another epoch of it has begun to run");
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 1);
    fake_agent_finish(device.agents[WEST], "commit", FAKE_DONE);
    device_wait_state(&device, "bills", 2, "sealed");
    device_close(&device);
}

static void test_what_is_known_is_left(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_sealed(&device, 1);
    recover_from(&device, EPOCHS_FOUND(&device, "sealed"), json_array(), &outcome);
    const json_t *line = json_array_get(json_object_get(outcome.result, "services"), 0);
    assert_int_equal(json_integer_or(line, "epochs", -1), 0);
    outcome_fini(&outcome);
    device_epoch(&device, "bills", 2, "sealed");
    device_close(&device);
}

static void test_a_known_service_has_no_moment_again(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "{\"t0\": \"now\", \"lead_time\": \"PT0.1S\"}");
    device_wait_state(&device, "bills", 1, "sealed");
    device_settle(&device);
    device_epoch(&device, "bills", 2, "sealed");
    recover_from(&device, EPOCHS_FOUND(&device, "sealed", "sealed"), json_array(), NULL);
    device_settle(&device);
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 2);
    device_verb(&device, "bills", "pause"); /* decides again */
    device_verb(&device, "bills", "resume");
    device_settle(&device);
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 2);
    device_close(&device);
}

static void test_a_recovered_slot_is_used_up(void **state)
{
    struct device device;
    char moment[TIMESTAMP_TEXT_SIZE], extra[100];
    (void)state;
    device_open(&device);
    timestamp_format(clock_realtime_us() + 5000000, moment); /* within the lead time */
    snprintf(extra, sizeof extra, "{\"t0\": \"%s\"}", moment);
    device_policy(&device, "bills", "posix:/bills", extra);
    device_wait_state(&device, "bills", 1, "sealed");
    lose_journal(&device);
    recover_from(&device, EPOCHS_FOUND(&device, "sealed"), json_array(), NULL);
    device_verb(&device, "bills", "resume");
    device_settle(&device);
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 1);
    device_close(&device);
}

static void test_a_cluster_that_is_silent(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[EAST], "inspect", FAKE_FAILED("IO", "no disk"));
    recover(&device, &outcome);
    const json_t *silent = json_array_get(json_object_get(outcome.result, "silent_clusters"), 0);
    assert_string_equal(json_string_or(silent, "cluster", ""), "east");
    outcome_fini(&outcome);
    device_close(&device);
}

static void test_the_device_stops_meanwhile(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[EAST], "inspect", FAKE_RUNNING);
    control_recover(device.control, "", outcome_came, &outcome);
    device_wait_orders(&device, EAST, "inspect", 1);
    device_crash(&device);
    assert_true(outcome.over);
    assert_int_equal(outcome.error.code, ERROR_CANCELED);
    outcome_fini(&outcome);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_comes_back_from_the_areas),
        cmocka_unit_test(test_a_damaged_seal_is_told_and_left_alone),
        cmocka_unit_test(test_an_older_seal_that_settles_last_is_no_base),
        cmocka_unit_test(test_an_abandoned_one_below_a_seal_is_discarded),
        cmocka_unit_test(test_a_plan_gives_way_to_what_is_recovered),
        cmocka_unit_test(test_what_is_known_is_left),
        cmocka_unit_test(test_a_known_service_has_no_moment_again),
        cmocka_unit_test(test_a_recovered_slot_is_used_up),
        cmocka_unit_test(test_a_cluster_that_is_silent),
        cmocka_unit_test(test_the_device_stops_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
