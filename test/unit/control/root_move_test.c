/* root_move_test.c: a root that moves, and one that must not. */
#include "control_fixture.h"

#include <string.h>

#include "base/json.h"

static void open_shop(struct device *device)
{
    device_open(device);
    device_policy(device, "bills", "posix:/shop/bills", "");
}

static void test_a_root_that_moves(void **state)
{
    struct device device;
    struct error error = ERROR_NONE;
    struct outcome outcome = {.over = false};
    json_t *plan = NULL;
    (void)state;
    open_shop(&device);
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
    assert_string_equal(json_string_or(device_wait_event(&device, "root.moved"), "text", ""),
                        "posix:/shop on cluster east: one root");
    device_epoch(&device, "bills", 2, "sealed");
    assert_true(device_compares(&device, 2));
    device_close(&device);
}

/* A typing error: the seals of the root that was are not touched for it. */
static void test_a_directory_that_is_not_there(void **state)
{
    struct device device;
    struct error error = ERROR_NONE;
    struct outcome outcome = {.over = false};
    (void)state;
    open_shop(&device);
    fake_agent_script(device.agents[EAST], "catalogue",
                      FAKE_FAILED("NOT_FOUND", "no such file or directory"));
    assert_true(control_root_move(device.control, "east", "posix", "/shpo", "", outcome_came,
                                  &outcome, &error));
    assert_outcome(&device, &outcome, ERROR_NOT_FOUND,
                   "there is no directory /shpo in posix on cluster east; nothing was changed: "
                   "make it there, or correct the path");
    assert_int_equal(fake_agent_count(device.agents[EAST], "move-root"), 0);
    device_settle(&device);
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
    open_shop(&device);
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
    open_shop(&device);
    fake_agent_script(device.agents[EAST], "move-root", FAKE_RUNNING);
    assert_true(control_root_move(device.control, "east", "posix", "/shop", "", outcome_came,
                                  &outcome, &error));
    assert_true(progress_is(&device, &outcome, "asking cluster east for the directory", 0));
    device_wait_orders(&device, EAST, "move-root", 1);
    assert_true(progress_is(&device, &outcome,
                            "cluster east removes the snapshots of the replaced roots", 1));
    fake_agent_finish(device.agents[EAST], "move-root", FAKE_FAILED("DENIED", "not ours"));
    assert_outcome(&device, &outcome, ERROR_DENIED,
                   "move the root of posix:/shop on cluster east: not ours");
    assert_false(control_progress(device.control, &outcome, &progress));
    assert_string_equal(json_string_or(device_wait_event(&device, "root.half-moved"), "text", ""),
                        "move the root of posix:/shop on cluster east: not ours; snapshots of the "
                        "replaced roots on cluster east may be gone");
    device_close(&device);
}

struct bench {
    struct device device;
    struct outcome outcome;
};

/* Epoch 1 is sealed; west is to have another root. */
static void begin_move(struct bench *bench, const char *answer)
{
    *bench = (struct bench){.outcome = {.over = false}};
    open_shop(&bench->device);
    device_epoch(&bench->device, "bills", 1, "sealed");
    fake_agent_script(bench->device.agents[WEST], "move-root", answer);
    struct error error = ERROR_NONE;
    assert_true(control_root_move(bench->device.control, "west", "posix", "/shop", "a test",
                                  outcome_came, &bench->outcome, &error));
}

static bool compares(struct device *device, uint64_t number)
{
    device_epoch(device, "bills", number, "sealed");
    return device_compares(device, number);
}

static bool is_lost(struct device *device, uint64_t number)
{
    struct error error = ERROR_NONE;
    json_t *epoch = NULL;
    assert_true(control_epoch(device->control, "bills", number, &epoch, &error));
    bool lost = json_boolean_or(epoch, "snapshots_lost", false);
    json_decref(epoch);
    return lost;
}

static void test_nothing_begins_meanwhile(void **state)
{
    struct bench bench;
    struct outcome run = {.over = false};
    (void)state;
    begin_move(&bench, FAKE_RUNNING);
    device_wait_orders(&bench.device, WEST, "move-root", 1);
    control_policy_verb(bench.device.control, "bills", "run", "", outcome_came, &run);
    assert_outcome(&bench.device, &run, ERROR_CONFLICT,
                   "a root of 'bills' is being moved: see `coeval operation list`");
    fake_agent_finish(bench.device.agents[WEST], "move-root",
                      "{\"state\": \"done\", \"result\": {\"removed\": 1}}");
    assert_outcome(&bench.device, &bench.outcome, ERROR_OK, "");
    const json_t *event = device_wait_event(&bench.device, "root.seals-lost");
    assert_string_equal(
        json_string_or(event, "text", ""),
        "1 seals went with a snapshot root on cluster west: nothing can be restored "
        "from them, and from none before the next epoch is sealed");
    assert_true(is_lost(&bench.device, 1));
    device_restart(&bench.device);
    assert_true(is_lost(&bench.device, 1));
    control_verify(bench.device.control, "bills", 1, outcome_came, &run);
    assert_outcome(&bench.device, &run, ERROR_NOT_FOUND, "no sealed epoch 1 of 'bills'");
    assert_true(compares(&bench.device, 2));
    assert_false(is_lost(&bench.device, 2));
    device_close(&bench.device);
}

/* What the agent answers, and what becomes of the seals and of the base. */
static void assert_refused(const char *answer, enum error_code code, const char *text,
                           bool is_half_moved, bool loses_seals)
{
    struct bench bench;
    begin_move(&bench, answer);
    assert_outcome(&bench.device, &bench.outcome, code, text);
    device_settle(&bench.device);
    assert_int_equal(device_event(&bench.device, "root.half-moved") != NULL, is_half_moved);
    assert_int_equal(is_lost(&bench.device, 1), loses_seals);
    assert_int_equal(compares(&bench.device, 2), is_half_moved);
    device_close(&bench.device);
}

static void test_a_refusal_before_the_first_removal(void **state)
{
    (void)state;
    assert_refused("{\"state\": \"failed\", \"result\": {\"removed\": 0}, \"error\": {\"code\": "
                   "\"NOT_FOUND\", \"message\": \"no such directory\"}}",
                   ERROR_NOT_FOUND, "no such directory", false, false);
}

static void test_a_refusal_half_way(void **state)
{
    (void)state;
    assert_refused("{\"state\": \"failed\", \"result\": {\"removed\": 1}, \"error\": "
                   "{\"code\": \"CONFLICT\", \"message\": \"nested\"}}",
                   ERROR_CONFLICT, "move the root of posix:/shop on cluster west: nested", true,
                   true);
}

static void test_an_agent_that_does_not_say(void **state)
{
    (void)state;
    assert_refused(FAKE_FAILED("IO", "-"), ERROR_IO,
                   "move the root of posix:/shop on cluster west: -", true, false);
}

static void test_a_restart_meanwhile(void **state)
{
    struct bench bench;
    (void)state;
    begin_move(&bench, FAKE_RUNNING);
    device_wait_orders(&bench.device, WEST, "move-root", 1);
    device_restart(&bench.device);
    outcome_fini(&bench.outcome);
    assert_true(compares(&bench.device, 2));
    device_close(&bench.device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_root_that_moves),
        cmocka_unit_test(test_a_directory_that_is_not_there),
        cmocka_unit_test(test_a_root_below_the_one_that_is),
        cmocka_unit_test(test_progress_and_an_agent_that_fails),
        cmocka_unit_test(test_a_restart_meanwhile),
        cmocka_unit_test(test_an_agent_that_does_not_say),
        cmocka_unit_test(test_a_refusal_half_way),
        cmocka_unit_test(test_a_refusal_before_the_first_removal),
        cmocka_unit_test(test_nothing_begins_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
