/* service_test.c: numbers that never fall, retention on both sides. */
#include "control_fixture.h"
#include "device_records.h"

#include "base/json.h"

#define HOUR_US ((int64_t)3600 * 1000000)

static int64_t recorded_number(struct device *device)
{
    struct record found = service_record(device);
    int64_t number = json_integer_or(found.object, "next_number", 0);
    json_decref(found.object);
    return number;
}

static void test_numbers_never_fall(void **state)
{
    struct device device;
    (void)state;
    device_open_sealed(&device, 2);
    assert_int_equal(recorded_number(&device), 3);
    fake_agent_script(device.agents[EAST], "resolve",
                      "{\"state\": \"done\", \"result\": "
                      "{\"members\": []}}");
    device_epoch(&device, "bills", 3, "abandoned");
    device_restart(&device);
    device_epoch(&device, "bills", 4, "sealed");
    /* Even when the service's record is older than its epochs. */
    struct record found = service_record(&device);
    json_set_integer(found.object, "next_number", 2);
    device_put_object(&device, JOURNAL_SERVICE, found.key, found.object);
    device_restart(&device);
    device_epoch(&device, "bills", 5, "sealed");
    device_close(&device);
}

/* ---- retention ------------------------------------------------------------------------------ */

static void test_seals_retire_on_each_side(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device,
                      "{\"retention\": {\"source\": {\"last\": 1}, \"target\": {\"last\": 3}}}");
    for (uint64_t number = 1; number <= 4; number++)
        device_epoch(&device, "bills", number, "sealed");
    /* East keeps one: 1, 2 and 3 retire there. West keeps three: 1 retires there, and is looked for
     * on east once more. */
    device_wait_state(&device, "bills", 1, "retired");
    device_wait_orders(&device, EAST, "retire", 4);
    for (uint64_t number = 2; number <= 4; number++)
        assert_true(device_epoch_is(&device, "bills", number, "sealed"));
    assert_int_equal(fake_agent_count(device.agents[WEST], "retire"), 1);
    const json_t *order = fake_agent_order(device.agents[WEST], "retire", 0);
    assert_int_equal(json_integer_or(order, "number", 0), 1);
    bool retired[5] = {false};
    for (size_t i = 0; i < fake_agent_count(device.agents[EAST], "retire"); i++)
        retired[json_integer_or(fake_agent_order(device.agents[EAST], "retire", i), "number", 0)] =
            true;
    assert_true(retired[1] && retired[2] && retired[3] && !retired[4]);
    device_close(&device);
}

static void test_a_retired_source_is_not_asked_again(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device,
                      "{\"retention\": {\"source\": {\"last\": 1}, \"target\": {\"last\": 10}}}");
    for (uint64_t number = 1; number <= 3; number++)
        device_epoch(&device, "bills", number, "sealed");
    assert_int_equal(fake_agent_count(device.agents[EAST], "retire"), 2);
    device_settle(&device);
    device_restart(&device);
    device_epoch(&device, "bills", 4, "sealed");
    assert_int_equal(fake_agent_count(device.agents[EAST], "retire"), 3);
    device_close(&device);
}

static void test_a_source_that_fails_is_asked_again(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device,
                      "{\"retention\": {\"source\": {\"last\": 1}, \"target\": {\"last\": 10}}}");
    device_epoch(&device, "bills", 1, "sealed");
    fake_agent_script(device.agents[EAST], "retire", FAKE_FAILED("IO", "-"));
    device_epoch(&device, "bills", 2, "sealed");
    device_wait_orders(&device, EAST, "retire", 1);
    device_epoch(&device, "bills", 3, "sealed"); /* 1 again, and 2 */
    device_wait_orders(&device, EAST, "retire", 3);
    device_epoch(&device, "bills", 4, "sealed");
    device_wait_orders(&device, EAST, "retire", 4);
    device_close(&device);
}

/* ---- history -------------------------------------------------------------------------------- */

static bool count_object(void *context, const char *key, const char *payload, size_t size,
                         struct error *error)
{
    (void)key, (void)payload, (void)size, (void)error;
    (*(size_t *)context)++;
    return true;
}

static size_t recorded_epochs(struct device *device)
{
    struct error error = ERROR_NONE;
    size_t count = 0;
    assert_true(device->journal->operations->objects(device->journal, JOURNAL_EPOCH, count_object,
                                                     &count, &error));
    return count;
}

/* Memory and journal do not grow with the number of epochs that there ever were. */
static void test_old_epochs_are_forgotten(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    device.history_max = 3;
    device_restart(&device);
    device_policy(&device, "bills", "posix:/bills",
                  "{\"retention\": {\"source\": {\"last\": 1}, \"target\": {\"last\": 2}}}");
    for (uint64_t number = 1; number <= 10; number++)
        device_epoch(&device, "bills", number, "sealed");
    device_wait_state(&device, "bills", 8, "retired");
    device_settle(&device);
    assert_true(device_epoch_count(&device) <= 6); /* two seals, three of history, and one since */
    assert_int_equal(recorded_epochs(&device), device_epoch_count(&device));
    device_restart(&device);
    assert_int_equal(device_epoch_count(&device), 5);
    device_settle(&device);
    assert_int_equal(recorded_epochs(&device), 5);
    device_epoch(&device, "bills", 11, "sealed");
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_epochs_are_forgotten),
        cmocka_unit_test(test_numbers_never_fall),
        cmocka_unit_test(test_seals_retire_on_each_side),
        cmocka_unit_test(test_a_retired_source_is_not_asked_again),
        cmocka_unit_test(test_a_source_that_fails_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
