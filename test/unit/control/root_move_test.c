/* root_move_test.c: a root that moves, and one that must not. */
#include "control_fixture.h"

#include <string.h>

#include "base/json.h"

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
    assert_non_null(strstr(error.text, "'/' cannot be a snapshot root"));
    assert_false(control_root_plan(device.control, "east", "hdfs", "/shop", &plan, &error));
    assert_string_equal(error.text, "cluster east has no instance 'hdfs', only posix");
    assert_true(control_root_plan(device.control, "east", "posix", "/shop", &plan, &error));
    assert_string_equal(json_string_value(json_array_get(json_object_get(plan, "replaces"), 0)),
                        "/shop/bills");
    assert_string_equal(json_string_value(json_array_get(json_object_get(plan, "lose_base"), 0)),
                        "bills");
    json_decref(plan);
    assert_true(control_root_move(device.control, "east", "posix", "/shop", "one root",
                                  outcome_came, &outcome, &error));
    assert_outcome(&device, &outcome, ERROR_OK, "");
    assert_int_equal(fake_agent_count(device.agents[EAST], "move-root"), 1);
    device_run(&device, 10);
    assert_string_equal(json_string_or(device_event(&device, "root.moved"), "text", ""),
                        "posix:/shop on cluster east: one root");
    device_epoch(&device, "bills", 2, "sealed");
    const json_t *order = fake_agent_order(device.agents[WEST], "transfer", 1);
    assert_true(json_boolean_or(json_object_get(order, "body"), "base_lost", false));
    device_close(&device);
}

/* A typing error: the seals of the root that was are not touched for it. */
static void test_a_directory_that_is_not_there(void **state)
{
    struct device device;
    struct error error = ERROR_NONE;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/shop/bills", "");
    fake_agent_script(device.agents[EAST], "catalogue",
                      "{\"state\": \"failed\", \"error\": {\"code\": \"NOT_FOUND\", "
                      "\"message\": \"no such file or directory\"}}");
    assert_true(control_root_move(device.control, "east", "posix", "/shpo", "", outcome_came,
                                  &outcome, &error));
    assert_outcome(&device, &outcome, ERROR_NOT_FOUND,
                   "there is no directory /shpo in posix on cluster east; nothing was changed: "
                   "make it there, or correct the path");
    assert_int_equal(fake_agent_count(device.agents[EAST], "move-root"), 0);
    device_run(&device, 10);
    assert_null(device_event(&device, "root.moved"));
    device_close(&device);
}

/* Its data sets would have no root, and the seals of the old one would be gone. */
static void test_a_root_below_the_one_that_is(void **state)
{
    struct device device;
    struct error error = ERROR_NONE;
    struct outcome outcome = {.over = false};
    json_t *plan = NULL;
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/shop/bills", "");
    device_epoch(&device, "bills", 1, "sealed");
    for (size_t side = EAST; side <= WEST; side++) {
        const char *cluster = side == EAST ? "east" : "west";
        const char *below = "/shop/bills/old";
        assert_true(control_root_plan(device.control, cluster, "posix", below, &plan, &error));
        assert_int_equal(json_array_size(json_object_get(plan, "replaces")), 1);
        assert_int_equal(json_array_size(json_object_get(plan, "lose_base")), 1);
        json_decref(plan);
        assert_false(control_root_move(device.control, cluster, "posix", below, "", outcome_came,
                                       &outcome, &error));
        assert_int_equal(error.code, ERROR_CONFLICT);
        assert_non_null(strstr(error.text, "name that root, or a directory above it"));
        assert_int_equal(fake_agent_count(device.agents[side], "move-root"), 0);
    }
    device_close(&device);
}

static bool progress_is(struct device *device, const void *context, const char *doing,
                        uint64_t done)
{
    struct control_progress progress;
    return control_progress(device->control, context, &progress) &&
           strcmp(progress.doing, doing) == 0 && progress.done == done && progress.total == 2 &&
           strcmp(progress.unit, "steps") == 0;
}

static void test_progress_and_an_agent_that_fails(void **state)
{
    struct device device;
    struct error error = ERROR_NONE;
    struct control_progress progress;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/shop/bills", "");
    fake_agent_script(device.agents[EAST], "move-root", "{\"state\": \"running\"}");
    assert_true(control_root_move(device.control, "east", "posix", "/shop", "", outcome_came,
                                  &outcome, &error));
    assert_true(progress_is(&device, &outcome, "asking cluster east for the directory", 0));
    while (fake_agent_count(device.agents[EAST], "move-root") == 0)
        device_run(&device, 1);
    assert_true(progress_is(&device, &outcome,
                            "cluster east removes the snapshots of the replaced roots", 1));
    fake_agent_finish(device.agents[EAST], "move-root",
                      "{\"state\": \"failed\", \"error\": {\"code\": \"DENIED\", "
                      "\"message\": \"not ours\"}}");
    assert_outcome(&device, &outcome, ERROR_DENIED,
                   "move the root of posix:/shop on cluster east: not ours");
    assert_false(control_progress(device.control, &outcome, &progress));
    device_run(&device, 10);
    assert_string_equal(json_string_or(device_event(&device, "root.half-moved"), "text", ""),
                        "move the root of posix:/shop on cluster east: not ours; snapshots of the "
                        "replaced roots on cluster east may be gone");
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_root_that_moves),
        cmocka_unit_test(test_a_directory_that_is_not_there),
        cmocka_unit_test(test_a_root_below_the_one_that_is),
        cmocka_unit_test(test_progress_and_an_agent_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
