/* outlook_test.c: preflight findings with their remedies, what would happen until a time, and what
 * a change of a root would mean. */
#include "control_fixture.h"

#include <string.h>

#include "base/check.h"
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

static void test_check(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "");
    fake_agent_script(device.agents[EAST], "check",
                      "{\"state\": \"failed\", \"error\": {\"code\": \"DENIED\", \"message\": "
                      "\"not for you\"}}");
    fake_agent_script(device.agents[WEST], "check",
                      "{\"state\": \"done\", \"result\": {\"stores\": [{\"cluster\": \"east\", "
                      "\"instance\": \"posix\", \"findings\": [{\"level\": \"warning\", \"what\": "
                      "\"slow\", \"remedy\": \"wait\"}]}]}}");
    control_check(device.control, NULL, outcome_came, &outcome);
    outcome_wait(&device, &outcome);
    const json_t *findings = json_object_get(outcome.result, "findings");
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

static void test_simulate(void **state)
{
    struct device device;
    struct error error = ERROR_NONE;
    json_t *result = NULL;
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "");
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

static void test_a_root_that_moves(void **state)
{
    struct device device;
    struct error error = ERROR_NONE;
    struct outcome outcome = {.over = false};
    json_t *plan = NULL;
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/shop/bills", "");
    device_epoch(&device, "bills", 1, "sealed");
    assert_false(control_root_plan(device.control, "north", "posix", "/shop", &plan, &error));
    assert_false(control_root_plan(device.control, "east", "posix", "/", &plan, &error));
    assert_string_equal(error.text, "'/' cannot be a snapshot root");
    assert_true(control_root_plan(device.control, "east", "posix", "/shop", &plan, &error));
    assert_string_equal(json_string_value(json_array_get(json_object_get(plan, "replaces"), 0)),
                        "/shop/bills");
    assert_string_equal(json_string_value(json_array_get(json_object_get(plan, "lose_base"), 0)),
                        "bills");
    json_decref(plan);
    control_root_move(device.control, "east", "posix", "/shop", "one root", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_OK, "");
    assert_int_equal(fake_agent_count(device.agents[EAST], "move-root"), 1);
    device_epoch(&device, "bills", 2, "sealed");
    const json_t *order = fake_agent_order(device.agents[WEST], "transfer", 1);
    assert_true(json_boolean_or(json_object_get(order, "body"), "base_lost", false));
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_simulate),
        cmocka_unit_test(test_a_root_that_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
