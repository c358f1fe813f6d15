/* recover_test.c: the control journal is lost; what the areas and agents tell gives back services,
 * policies, registry and epochs, and a commit that was under way goes on. */
#include "control_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/timestamp.h"

static void lose_journal(struct device *device)
{
    device_crash(device);
    fake_journal_free(device->disk);
    device->disk = fake_journal_new("dddddddd-2222-4333-8444-555555555555");
    device_start(device);
}

static json_t *epoch_item(struct device *device, int64_t number, const char *found)
{
    const json_t *order = fake_agent_order(device->agents[WEST], "transfer", (size_t)(number - 1));
    json_t *item = json_pack("{s:i, s:I, s:s, s:{s:O}}", "generation", 1, "number",
                             (json_int_t)number, "found", found, "received", "order", order);
    assert_non_null(item);
    if (strcmp(found, "sealed") == 0)
        json_set_take(item, "seal",
                      json_pack("{s:i, s:I, s:i}", "generation", 1, "number", (json_int_t)number,
                                "attempt", 1));
    return item;
}

static void script_status(struct device *device, json_t *status)
{
    char *text = json_dumps(status, 0);
    fake_agent_script(device->agents[WEST], "inspect", text);
    free(text);
    json_decref(status);
}

/* What west's area holds of the service, and what was ordered, as its agent answers "inspect". */
static json_t *inspection(struct device *device, json_t *epochs, json_t *orders)
{
    const json_t *order = fake_agent_order(device->agents[WEST], "transfer", 0);
    const json_t *settings = json_object_get(json_object_get(order, "body"), "settings");
    json_t *status = json_pack(
        "{s:s, s:{s:o, s:[{s:O, s:O, s:o, s:{s:O, s:O, s:i, s:O, s:O}}]}}", "state", "done",
        "result", "orders", orders, "services", "pair", json_object_get(order, "pair"), "service",
        json_object_get(order, "service"), "epochs", epochs, "policy", "policy",
        json_object_get(settings, "policy"), "service_name", json_object_get(order, "service_name"),
        "revision", 4, "clusters", json_object_get(settings, "clusters"), "stores",
        json_object_get(settings, "stores"));
    assert_non_null(status);
    return status;
}

static void script_inspection(struct device *device, json_t *epochs, json_t *orders)
{
    script_status(device, inspection(device, epochs, orders));
}

static void recover(struct device *device, struct outcome *outcome)
{
    control_recover(device->control, "the disk burnt", outcome_came, outcome);
    outcome_wait(device, outcome);
    assert_int_equal(outcome->error.code, ERROR_OK);
}

static void test_all_comes_back_from_the_areas(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    struct error error;
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "");
    device_epoch(&device, "bills", 1, "sealed");
    fake_agent_script(device.agents[WEST], "commit",
                      "{\"state\": \"running\", \"phase\": \"committing\"}");
    device_epoch(&device, "bills", 2, "committing");
    lose_journal(&device);
    json_t *epochs = json_array();
    json_append_take(epochs, epoch_item(&device, 1, "sealed"));
    json_append_take(epochs, epoch_item(&device, 2, "committing"));
    script_inspection(&device, epochs, json_array());
    recover(&device, &outcome);
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
    fake_agent_finish(device.agents[WEST], "commit", "{\"state\": \"done\"}");
    device_wait_state(&device, "bills", 2, "sealed");
    device_run(&device, 20);
    /* It is as durable as any other, its numbers go on, and the stores are those that were paired.
     */
    device_crash(&device);
    device_start(&device);
    json_t *store = device_object(&device, JOURNAL_STORE, "west/posix");
    assert_string_equal(json_string_or(store, "identity", ""), "store-w");
    json_decref(store);
    device_epoch(&device, "bills", 3, "sealed");
    device_close(&device);
}

/* The orders of before, so that the keys of now are others. */
static json_t *settled_once(struct device *device)
{
    json_t *orders = json_array();
    for (size_t i = 0; i < fake_agent_count(device->agents[EAST], "settle"); i++) {
        const json_t *order = fake_agent_order(device->agents[EAST], "settle", i);
        json_append_take(orders, json_pack("{s:O, s:s, s:O, s:O, s:i}", "service",
                                           json_object_get(order, "service"), "kind", "settle",
                                           "number", json_object_get(order, "number"), "attempt",
                                           json_object_get(order, "attempt"), "try", 1));
    }
    return orders;
}

/* Two seals are brought to A at once; it takes the older one after it has refused the newer. */
static void test_an_older_seal_that_settles_last_is_no_base(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "");
    device_epoch(&device, "bills", 1, "sealed");
    device_epoch(&device, "bills", 2, "sealed");
    lose_journal(&device);
    json_t *epochs = json_array();
    json_append_take(epochs, epoch_item(&device, 1, "sealed"));
    json_append_take(epochs, epoch_item(&device, 2, "sealed"));
    script_inspection(&device, epochs, settled_once(&device));
    fake_agent_script(device.agents[EAST], "settle",
                      "{\"state\": \"running\", \"phase\": \"settle\"}");
    fake_agent_script(device.agents[EAST], "settle",
                      "{\"state\": \"failed\", \"error\": {\"code\": \"EXISTS\", \"message\": "
                      "\"something is in the way\"}}");
    recover(&device, &outcome);
    outcome_fini(&outcome);
    device_run(&device, 20);
    assert_non_null(device_event(&device, "epoch.unsettled"));
    fake_agent_finish(device.agents[EAST], "settle", "{\"state\": \"done\"}");
    device_run(&device, 20);
    device_epoch(&device, "bills", 3, "sealed");
    const json_t *order = fake_agent_order(device.agents[WEST], "transfer", 2);
    assert_true(json_boolean_or(json_object_get(order, "body"), "base_lost", false));
    device_close(&device);
}

/* Its discard failed on B, and newer epochs were sealed: it must not be committed over them. */
static void test_an_abandoned_one_below_a_seal_is_discarded(void **state)
{
    static const char *const left[] = {"received", "committing", "rolling_back"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(left); i++) {
        struct device device;
        struct outcome outcome = {.over = false};
        device_open(&device);
        device_policy(&device, "bills", "posix:/bills", "");
        for (uint64_t number = 1; number <= 3; number++)
            device_epoch(&device, "bills", number, "sealed");
        lose_journal(&device);
        json_t *epochs = json_array();
        json_append_take(epochs, epoch_item(&device, 1, "sealed"));
        json_append_take(epochs, epoch_item(&device, 2, left[i]));
        json_append_take(epochs, epoch_item(&device, 3, "sealed"));
        script_inspection(&device, epochs, json_array());
        recover(&device, &outcome);
        outcome_fini(&outcome);
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
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "");
    device_epoch(&device, "bills", 1, "sealed");
    json_t *epochs = json_array(), *item = epoch_item(&device, 1, "committing");
    json_t *again = json_deep_copy(item); /* as another device has made it */
    json_t *order = json_object_get(json_object_get(again, "received"), "order");
    json_set_integer(again, "number", 2);
    json_set_integer(json_object_get(order, "body"), "number", 2);
    json_append_take(epochs, again);
    json_decref(item);
    script_inspection(&device, epochs, json_array());
    fake_agent_script(device.agents[WEST], "commit",
                      "{\"state\": \"running\", \"phase\": \"committing\"}");
    for (int i = 0; i < 2; i++)
        fake_agent_script(device.agents[EAST], "catalogue",
                          "{\"state\": \"running\", \"phase\": \"work\"}");
    device_policy(&device, "bills", "posix:/bills",
                  "{\"group\": {\"select\": [{\"prefix\": \"/data\"}]}}");
    device_verb(&device, "bills", "run");
    recover(&device, &outcome);
    outcome_fini(&outcome);
    device_wait_state(&device, "bills", 2, "committing");
    fake_agent_finish(device.agents[EAST], "catalogue", "{\"state\": \"done\", \"result\": {}}");
    device_run(&device, 20);
    const json_t *event = device_event(&device, "epoch.not-planned");
    assert_string_equal(json_string_or(event, "text", ""),
                        "no epoch for this moment: another epoch of it has begun to run");
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 1);
    fake_agent_finish(device.agents[WEST], "commit", "{\"state\": \"done\"}");
    device_wait_state(&device, "bills", 2, "sealed");
    device_close(&device);
}

static void test_what_is_known_is_left(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "");
    device_epoch(&device, "bills", 1, "sealed");
    json_t *epochs = json_array();
    json_append_take(epochs, epoch_item(&device, 1, "sealed"));
    script_inspection(&device, epochs, json_array());
    recover(&device, &outcome);
    const json_t *line = json_array_get(json_object_get(outcome.result, "services"), 0);
    assert_int_equal(json_integer_or(line, "epochs", -1), 0);
    outcome_fini(&outcome);
    device_epoch(&device, "bills", 2, "sealed");
    device_close(&device);
}

static void test_a_known_service_has_no_moment_again(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "{\"t0\": \"now\", \"lead_time\": \"PT0.1S\"}");
    device_wait_state(&device, "bills", 1, "sealed");
    device_run(&device, 20);
    device_epoch(&device, "bills", 2, "sealed");
    json_t *epochs = json_array();
    json_append_take(epochs, epoch_item(&device, 1, "sealed"));
    json_append_take(epochs, epoch_item(&device, 2, "sealed"));
    script_inspection(&device, epochs, json_array());
    recover(&device, &outcome);
    outcome_fini(&outcome);
    device_run(&device, 50);
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 2);
    device_verb(&device, "bills", "pause"); /* decides again */
    device_verb(&device, "bills", "resume");
    device_run(&device, 50);
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 2);
    device_close(&device);
}

static void test_a_recovered_slot_is_used_up(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    char moment[TIMESTAMP_TEXT_SIZE], extra[100];
    (void)state;
    device_open(&device);
    timestamp_format(clock_realtime_us() + 5000000, moment); /* within the lead time */
    snprintf(extra, sizeof extra, "{\"t0\": \"%s\"}", moment);
    device_policy(&device, "bills", "posix:/bills", extra);
    device_wait_state(&device, "bills", 1, "sealed");
    lose_journal(&device);
    json_t *epochs = json_array();
    json_append_take(epochs, epoch_item(&device, 1, "sealed"));
    script_inspection(&device, epochs, json_array());
    recover(&device, &outcome);
    outcome_fini(&outcome);
    device_verb(&device, "bills", "resume");
    device_run(&device, 50);
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 1);
    device_close(&device);
}

/* Epoch 1 was sealed; the journal is lost, and west tells of it. */
static json_t *open_with_one_seal(struct device *device)
{
    device_open(device);
    device_policy(device, "bills", "posix:/bills", "");
    device_epoch(device, "bills", 1, "sealed");
    lose_journal(device);
    json_t *epochs = json_array();
    json_append_take(epochs, epoch_item(device, 1, "sealed"));
    return inspection(device, epochs, json_array());
}

static json_t *first_service(json_t *status)
{
    return json_array_get(json_object_get(json_object_get(status, "result"), "services"), 0);
}

/* "bills" or "bills! shop": in the order of the answer; with '!' where there is an error. */
static const char *lines_of(const struct outcome *outcome)
{
    static char text[200];
    size_t index;
    json_t *line;
    text[0] = '\0';
    json_array_foreach(json_object_get(outcome->result, "services"), index, line) {
        strcat(text, index == 0 ? "" : " ");
        strcat(text, json_string_or(line, "name", "?"));
        strcat(text, json_object_get(line, "error") == NULL ? "" : "!");
        strcat(text, json_boolean_or(line, "deleted", false) ? "(deleted)" : "");
    }
    return text;
}

static size_t policy_count(struct device *device)
{
    json_t *policies = control_policies(device->control);
    size_t count = json_array_size(policies);
    json_decref(policies);
    return count;
}

/* Automation applied the policy before anybody recovered. */
static void test_a_name_is_recovered_once(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    json_t *status = open_with_one_seal(&device);
    device_policy(&device, "bills", "posix:/bills", "");
    script_status(&device, json_incref(status));
    recover(&device, &outcome);
    assert_string_equal(lines_of(&outcome), "bills!");
    assert_int_equal(policy_count(&device), 1);
    outcome_fini(&outcome);
    control_delete_policy(device.control, "bills", "", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_OK, "");
    script_status(&device, status);
    recover(&device, &outcome);
    assert_string_equal(lines_of(&outcome), "bills");
    outcome_fini(&outcome);
    assert_int_equal(policy_count(&device), 1);
    assert_true(device_epoch_is(&device, "bills", 1, "sealed"));
    device_policy(&device, "bills", "posix:/bills", ""); /* in the pair that came back */
    device_run(&device, 10);
    device_crash(&device);
    device_start(&device);
    assert_int_equal(policy_count(&device), 1);
    device_epoch(&device, "bills", 2, "sealed");
    device_close(&device);
}

static void test_of_two_on_one_place_the_newer_one(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    json_t *status = open_with_one_seal(&device);
    json_t *newer = json_deep_copy(first_service(status)), *kept = json_object_get(newer, "policy");
    json_t *epoch = json_array_get(json_object_get(newer, "epochs"), 0);
    json_set_string(newer, "service", "99999999-0000-4000-8000-000000000001");
    json_set_string(kept, "service_name", "newer");
    json_set_string(json_object_get(kept, "policy"), "name", "newer");
    json_set_time(
        json_object_get(json_object_get(json_object_get(epoch, "received"), "order"), "body"),
        "t_us", clock_realtime_us() + 1000000000);
    json_append_take(json_object_get(json_object_get(status, "result"), "services"), newer);
    script_status(&device, status);
    recover(&device, &outcome);
    assert_string_equal(lines_of(&outcome), "newer bills!");
    outcome_fini(&outcome);
    assert_int_equal(policy_count(&device), 1);
    device_close(&device);
}

static void test_a_deleted_policy_stays_deleted(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    json_t *status = open_with_one_seal(&device);
    json_set_boolean(json_object_get(first_service(status), "policy"), "deleted", true);
    json_t *epochs = json_object_get(first_service(status), "epochs");
    json_t *left = json_deep_copy(json_array_get(epochs, 0));
    json_object_del(left, "seal");
    json_set_string(left, "found", "received");
    json_set_integer(left, "number", 2);
    json_set_integer(
        json_object_get(json_object_get(json_object_get(left, "received"), "order"), "body"),
        "number", 2);
    json_append_take(epochs, left);
    script_status(&device, status);
    recover(&device, &outcome);
    assert_string_equal(lines_of(&outcome), "bills(deleted)");
    outcome_fini(&outcome);
    assert_int_equal(policy_count(&device), 0);
    assert_true(device_epoch_is(&device, "bills", 1, "sealed"));
    device_wait_state(&device, "bills", 2, "abandoned");
    assert_int_equal(fake_agent_count(device.agents[WEST], "commit"), 1);
    device_close(&device);
}

static void test_a_cluster_that_is_silent(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[EAST], "inspect",
                      "{\"state\": \"failed\", \"error\": {\"code\": \"IO\", \"message\": "
                      "\"no disk\"}}");
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
    fake_agent_script(device.agents[EAST], "inspect",
                      "{\"state\": \"running\", \"phase\": \"inspect\"}");
    control_recover(device.control, "", outcome_came, &outcome);
    device_run(&device, 10);
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
        cmocka_unit_test(test_an_older_seal_that_settles_last_is_no_base),
        cmocka_unit_test(test_an_abandoned_one_below_a_seal_is_discarded),
        cmocka_unit_test(test_a_plan_gives_way_to_what_is_recovered),
        cmocka_unit_test(test_what_is_known_is_left),
        cmocka_unit_test(test_a_known_service_has_no_moment_again),
        cmocka_unit_test(test_a_recovered_slot_is_used_up),
        cmocka_unit_test(test_a_name_is_recovered_once),
        cmocka_unit_test(test_of_two_on_one_place_the_newer_one),
        cmocka_unit_test(test_a_deleted_policy_stays_deleted),
        cmocka_unit_test(test_a_cluster_that_is_silent),
        cmocka_unit_test(test_the_device_stops_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
