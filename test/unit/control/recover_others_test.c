/* recover_others_test.c: recovery beside what others do: a device that still lives, policies that
 * were applied again, policies that were deleted. */
#include "recover_fixture.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

static int64_t of_order(struct device *device, int side, const char *kind, size_t index,
                        const char *member)
{
    return json_integer_or(fake_agent_order(device->agents[side], kind, index), member, -1);
}

/* Agents have seen generation 4 of another device, which may still live. */
static void test_a_generation_that_nobody_used(void **state)
{
    struct device device;
    (void)state;
    device_open_sealed(&device, 1);
    lose_journal(&device);
    json_t *status = inspection(&device, EPOCHS_FOUND(&device, "sealed"), settled_once(&device));
    const json_t *order = fake_agent_order(device.agents[WEST], "transfer", 0);
    json_set_take(json_object_get(status, "result"), "fences",
                  json_pack("{s:{s:i, s:s}}", json_string_or(order, "pair", ""), "generation", 4,
                            "device", "another"));
    script_status(&device, json_incref(status));
    recover(&device, NULL);
    for (int side = 0; side < 2; side++) { /* the second look is under the new one */
        assert_int_equal(fake_agent_count(device.agents[side], "inspect"), 2);
        assert_int_equal(of_order(&device, side, "inspect", 0, "fence"), 0);
        assert_int_equal(of_order(&device, side, "inspect", 1, "fence"), 5);
    }
    device_wait_state(&device, "bills", 1, "sealed");
    device_wait_orders(&device, EAST, "settle", 2);
    device_settle(&device);
    assert_int_equal(of_order(&device, EAST, "settle", 1, "generation"), 1);
    assert_int_equal(of_order(&device, EAST, "settle", 1, "fence"), 5);
    device_restart(&device);
    device_epoch(&device, "bills", 2, "sealed");
    assert_int_equal(of_order(&device, WEST, "transfer", 1, "generation"), 5);
    /* What is this device's own by now is left as it is; another device's is not. */
    recover(&device, NULL);
    assert_int_equal(fake_agent_count(device.agents[WEST], "inspect"), 3);
    json_set_integer(json_object_get(json_object_get(json_object_get(status, "result"), "fences"),
                                     json_string_or(order, "pair", "")),
                     "generation", 7);
    script_status(&device, status);
    recover(&device, NULL);
    assert_int_equal(of_order(&device, WEST, "inspect", 4, "fence"), 8);
    device_close(&device);
}

/* Epoch 1 was sealed; the journal is lost, and west tells of it. */
static json_t *open_with_one_seal(struct device *device)
{
    device_open_sealed(device, 1);
    lose_journal(device);
    return inspection(device, EPOCHS_FOUND(device, "sealed"), json_array());
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
    assert_int_equal(device_policy_count(&device), 1);
    outcome_fini(&outcome);
    device_delete(&device, "bills", "");
    script_status(&device, status);
    recover(&device, &outcome);
    assert_string_equal(lines_of(&outcome), "bills");
    outcome_fini(&outcome);
    assert_int_equal(device_policy_count(&device), 1);
    assert_true(device_epoch_is(&device, "bills", 1, "sealed"));
    device_policy(&device, "bills", "posix:/bills", ""); /* in the pair that came back */
    device_settle(&device);
    device_restart(&device);
    assert_int_equal(device_policy_count(&device), 1);
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
    assert_int_equal(device_policy_count(&device), 1);
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
    assert_int_equal(device_policy_count(&device), 0);
    assert_true(device_epoch_is(&device, "bills", 1, "sealed"));
    device_wait_state(&device, "bills", 2, "abandoned");
    assert_int_equal(fake_agent_count(device.agents[WEST], "commit"), 1);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_generation_that_nobody_used),
        cmocka_unit_test(test_a_name_is_recovered_once),
        cmocka_unit_test(test_of_two_on_one_place_the_newer_one),
        cmocka_unit_test(test_a_deleted_policy_stays_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
