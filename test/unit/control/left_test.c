/* left_test.c: what a data set that left its policy has on the secondary is shown, with what to do,
 * until it is not there any more. */
#include "control_fixture.h"

#include <string.h>

#include "base/json.h"

#define TWO "{\"group\": {\"data_sets\": [\"posix:/bills\", \"posix:/crm\"]}}"
#define KEEPS(count) "{\"retention\": {\"target\": {\"last\": " #count "}}}"

static json_t *left_behind(struct device *device)
{
    struct error error;
    json_t *policy;
    assert_true(control_policy(device->control, "bills", &policy, &error));
    json_t *list = json_incref(json_object_get(policy, "left_behind"));
    json_decref(policy);
    return list;
}

static void assert_left(struct device *device, int64_t seals, const char *remedy)
{
    json_t *list = left_behind(device);
    assert_int_equal(json_array_size(list), 1);
    const json_t *item = json_array_get(list, 0);
    assert_string_equal(json_string_or(item, "cluster", ""), "west");
    assert_string_equal(json_string_or(item, "path", ""), "/crm");
    assert_int_equal(json_integer_or(item, "bytes", 0), 4096);
    assert_int_equal(json_integer_or(item, "seals", -1), seals);
    assert_string_equal(json_string_or(item, "remedy", ""), remedy);
    json_decref(list);
}

static void assert_nothing_left(struct device *device)
{
    json_t *list = left_behind(device);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

static const char *warned_of(const json_t *findings)
{
    size_t index;
    json_t *finding;
    json_array_foreach((json_t *)(uintptr_t)findings, index, finding)
        if (strstr(json_string_or(finding, "what", ""), "left behind") != NULL)
            return json_string_or(finding, "what", "");
    return NULL;
}

static void assert_check(struct device *device, const char *warning)
{
    struct outcome outcome = {.over = false};
    control_check(device->control, NULL, outcome_came, &outcome);
    outcome_wait(device, &outcome);
    const char *what = warned_of(json_object_get(outcome.result, "findings"));
    assert_int_equal(what != NULL, warning != NULL);
    if (warning != NULL)
        assert_string_equal(what, warning);
    outcome_fini(&outcome);
}

static void open_left(struct device *device, const char *then)
{
    device_open(device);
    device_policy(device, "bills", "posix:/bills", TWO);
    fake_agent_script(device->agents[WEST], "commit",
                      "{\"state\": \"done\", \"result\": {\"seal\": {\"number\": 1, \"attempt\": "
                      "1, \"generation\": 1, \"members\": [{\"target_instance\": \"posix\", "
                      "\"target_path\": \"/crm\", \"manifest\": {\"bytes\": 4096}}]}}}");
    device_epoch(device, "bills", 1, "sealed");
    assert_nothing_left(device);
    device_policy(device, "bills", "posix:/bills", then);
    device_epoch(device, "bills", 2, "sealed");
    device_settle(device);
}

static void test_it_is_shown_while_seals_have_it_and_after(void **state)
{
    struct device device;
    (void)state;
    open_left(&device, KEEPS(2));
    assert_left(&device, 1,
                "1 seals still have it: when retention has let them go, remove it by hand");
    device_epoch(&device, "bills", 3, "sealed");
    device_wait_state(&device, "bills", 1, "retired");
    assert_left(&device, 0, "no seal has it any more: remove it by hand");
    device_crash(&device);
    device_start(&device);
    device_settle(&device);
    assert_left(&device, 0, "no seal has it any more: remove it by hand");
    device_close(&device);
}

static void test_a_check_sees_that_it_is_gone(void **state)
{
    struct device device;
    (void)state;
    open_left(&device, "");
    assert_check(&device, "left behind: posix:/crm, 4096 bytes; no policy has it any more");
    fake_agent_script(device.agents[WEST], "catalogue",
                      "{\"state\": \"failed\", \"error\": {\"code\": \"UNAVAILABLE\", "
                      "\"message\": \"away\"}}");
    assert_check(&device, "left behind: posix:/crm, 4096 bytes; no policy has it any more");
    fake_agent_script(device.agents[WEST], "catalogue",
                      "{\"state\": \"failed\", \"error\": {\"code\": \"NOT_FOUND\", "
                      "\"message\": \"posix:/crm: not there\"}}");
    assert_check(&device, NULL);
    device_crash(&device);
    device_start(&device);
    device_settle(&device);
    assert_nothing_left(&device);
    device_close(&device);
}

static void test_what_comes_back_is_not_left(void **state)
{
    struct device device;
    (void)state;
    open_left(&device, "");
    device_policy(&device, "other", "posix:/crm", "");
    device_epoch(&device, "other", 1, "sealed");
    assert_nothing_left(&device);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_shown_while_seals_have_it_and_after),
        cmocka_unit_test(test_a_check_sees_that_it_is_gone),
        cmocka_unit_test(test_what_comes_back_is_not_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
