/* outlook_test.c: preflight findings with their remedies, how far a check is, and what would
 * happen until a time. */
#include "control_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define HOUR_US ((int64_t)3600 * 1000000)

static const json_t *find(const json_t *findings, const char *hop, const char *level)
{
    size_t index;
    json_t *finding;
    json_array_foreach((json_t *)(uintptr_t)findings, index, finding)
        if (strcmp(json_string_or(finding, "hop", ""), hop) == 0 &&
            strcmp(json_string_or(finding, "level", ""), level) == 0)
            return finding;
    return NULL;
}

/* The findings; end the outcome. */
static const json_t *check(struct device *device, struct outcome *outcome)
{
    control_check(device->control, NULL, outcome_came, outcome);
    outcome_wait(device, outcome);
    return json_object_get(outcome->result, "findings");
}

static void test_check(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    fake_agent_script(device.agents[EAST], "check", FAKE_FAILED("DENIED", "not for you"));
    fake_agent_script(device.agents[WEST], "check",
                      "{\"state\": \"done\", \"result\": {\"stores\": [{\"cluster\": \"east\", "
                      "\"instance\": \"posix\", \"findings\": [{\"level\": \"warning\", \"what\": "
                      "\"slow\", \"remedy\": \"wait\"}]}]}}");
    const json_t *findings = check(&device, &outcome);
    const json_t *east = find(findings, "east", "error");
    assert_string_equal(json_string_or(east, "what", ""), "not for you");
    assert_string_equal(
        json_string_or(east, "remedy", ""),
        "start its agent, or correct the agent's URL and token in the configuration");
    assert_non_null(find(findings, "west", "ok"));
    assert_string_equal(
        json_string_or(find(findings, "agent west -> east:posix", "warning"), "remedy", ""),
        "wait");
    outcome_fini(&outcome);
    device_close(&device);
}

static void test_how_far_a_check_is(void **state)
{
    struct device device;
    struct control_progress progress;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    fake_agent_script(device.agents[WEST], "check", FAKE_RUNNING);
    control_check(device.control, NULL, outcome_came, &outcome);
    assert_true(control_progress(device.control, &outcome, &progress));
    assert_string_equal(progress.doing, "asking cluster east");
    assert_int_equal(progress.done, 0);
    assert_int_equal(progress.total, 2);
    device_wait_orders(&device, WEST, "check", 1);
    assert_true(control_progress(device.control, &outcome, &progress));
    assert_string_equal(progress.doing, "asking cluster west");
    assert_string_equal(progress.unit, "clusters");
    assert_int_equal(progress.done, 1);
    assert_false(control_progress(device.control, &device, &progress)); /* somebody else's */
    fake_agent_finish(device.agents[WEST], "check", FAKE_DONE);
    outcome_wait(&device, &outcome);
    assert_false(control_progress(device.control, &outcome, &progress));
    outcome_fini(&outcome);
    device_close(&device);
}

/* What a check finds out about east's clock, which shows these instants. */
static void assert_clock(struct device *device, int64_t offset_us, const char *what)
{
    struct outcome outcome = {.over = false};
    char status[300];
    long long now_us = (long long)(clock_realtime_us() + offset_us);
    snprintf(status, sizeof status,
             "{\"state\": \"done\", \"result\": {\"stores\": [], \"began_us\": \"%lld\", "
             "\"ended_us\": \"%lld\", \"clock_synchronised\": true}}",
             now_us, now_us);
    fake_agent_script(device->agents[EAST], "check", status);
    const json_t *error = find(check(device, &outcome), "east", "error");
    const char *found = error == NULL ? "" : json_string_or(error, "what", "");
    assert_true(what == NULL ? error == NULL : strstr(found, what) != NULL);
    outcome_fini(&outcome);
}

static void test_an_agent_by_another_clock(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "");
    assert_clock(&device, 0, NULL);
    assert_clock(&device, HOUR_US, "ms ahead of this device's");
    assert_clock(&device, -HOUR_US, "ms behind this device's");
    device_close(&device);
}

/* Of a check in which both agents say that no time service disciplines their clock. */
static size_t clock_warnings(struct device *device)
{
    struct outcome outcome = {.over = false};
    size_t count = 0, index;
    json_t *finding;
    for (size_t i = EAST; i <= WEST; i++) {
        char status[300];
        long long now_us = (long long)clock_realtime_us();
        snprintf(status, sizeof status,
                 "{\"state\": \"done\", \"result\": {\"stores\": [], \"began_us\": \"%lld\", "
                 "\"ended_us\": \"%lld\", \"clock_synchronised\": false}}",
                 now_us, now_us);
        fake_agent_script(device->agents[i], "check", status);
    }
    control_check(device->control, NULL, outcome_came, &outcome);
    outcome_wait(device, &outcome);
    json_array_foreach(json_object_get(outcome.result, "findings"), index, finding)
        if (strcmp(json_string_or(finding, "hop", ""), "device") != 0)
            count += strstr(json_string_or(finding, "what", ""), "not disciplined") != NULL;
    outcome_fini(&outcome);
    return count;
}

static void test_a_clock_is_told_of_once(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    assert_int_equal(clock_warnings(&device), 0); /* both are in this process: the device told */
    device.clusters[WEST].agent_url = "http://10.1.0.5:7077";
    assert_int_equal(clock_warnings(&device), 1);
    device.clusters[EAST].agent_url = "http://10.2.0.5:7077";
    assert_int_equal(clock_warnings(&device), 2);
    device.clusters[EAST].agent_url = "http://10.1.0.5:7077"; /* one process for both */
    assert_int_equal(clock_warnings(&device), 1);
    device_close(&device);
}

/* What an agent was asked to look at its own store for. */
static void assert_use(struct device *device, unsigned agent, size_t index, const char *use)
{
    const json_t *body =
        json_object_get(fake_agent_order(device->agents[agent], "check", index), "body");
    const json_t *own = json_array_get(json_object_get(body, "stores"), 0);
    assert_string_equal(json_string_or(own, "use", ""), use);
}

static void test_a_store_is_checked_for_what_it_is_used(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    control_check(device.control, NULL, outcome_came, &outcome);
    outcome_wait(&device, &outcome);
    outcome_fini(&outcome);
    assert_use(&device, EAST, 0, "none");
    assert_use(&device, WEST, 0, "none");
    device_policy(&device, "bills", "posix:/bills", "");
    size_t east = fake_agent_count(device.agents[EAST], "check");
    size_t west = fake_agent_count(device.agents[WEST], "check");
    outcome = (struct outcome){.over = false};
    control_check(device.control, NULL, outcome_came, &outcome);
    outcome_wait(&device, &outcome);
    outcome_fini(&outcome);
    assert_use(&device, EAST, east, "source");
    assert_use(&device, WEST, west, "target");
    device_close(&device);
}

static void test_orphans_are_shown(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_sealed(&device, 1);
    fake_agent_script(device.agents[EAST], "orphans",
                      "{\"state\": \"done\", \"result\": {\"orphans\": [{\"instance\": \"posix\", "
                      "\"root\": \"/bills\", \"snapshot\": \"coeval.x\", \"instant_us\": "
                      "\"1000000\", \"removed\": false}]}}");
    const json_t *found = find(check(&device, &outcome), "east", "warning");
    assert_string_equal(
        json_string_or(found, "what", ""),
        "snapshot coeval.x of posix:/bills, of 1970-01-01T00:00:01Z, is of no epoch");
    /* Only looking; the seal is kept by its name, and both roots are looked at by their agents. */
    const json_t *body =
        json_object_get(fake_agent_order(device.agents[EAST], "orphans", 0), "body");
    assert_null(json_object_get(body, "remove_before_us"));
    const json_t *keep = json_object_get(body, "keep"), *roots = json_object_get(body, "roots");
    assert_int_equal(json_array_size(keep), 2); /* as A has it, and as B does */
    assert_non_null(strstr(json_string_value(json_array_get(keep, 0)), ".g1.e1.a1."));
    assert_int_equal(json_array_size(roots), 1);
    outcome_fini(&outcome);
    device_close(&device);
}

static void test_simulate(void **state)
{
    struct device device;
    struct error error = ERROR_NONE;
    json_t *result = NULL;
    (void)state;
    device_open_bills(&device, "");
    assert_false(control_simulate(device.control, clock_realtime_us() - 1, &result, &error));
    assert_string_equal(error.text, "the time to simulate until lies in the past");
    assert_true(control_simulate(device.control, clock_realtime_us() + HOUR_US, &result, &error));
    assert_int_equal(json_array_size(json_object_get(result, "steps")), 0);
    json_decref(result);
    /* 2100-01-01T00:00 to 02:30: three slots of the hour. */
    assert_true(
        control_simulate(device.control, 4102444800000000 + 5 * HOUR_US / 2, &result, &error));
    const json_t *steps = json_object_get(result, "steps");
    assert_int_equal(json_array_size(steps), 3);
    assert_string_equal(json_string_or(json_array_get(steps, 0), "action", ""), "epoch");
    assert_int_equal(
        strncmp(json_string_or(json_array_get(steps, 2), "t", ""), "2100-01-01T02:00:00", 19), 0);
    json_decref(result);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_how_far_a_check_is),
        cmocka_unit_test(test_an_agent_by_another_clock),
        cmocka_unit_test(test_a_clock_is_told_of_once),
        cmocka_unit_test(test_a_store_is_checked_for_what_it_is_used),
        cmocka_unit_test(test_orphans_are_shown),
        cmocka_unit_test(test_simulate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
