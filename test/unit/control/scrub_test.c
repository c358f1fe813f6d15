/* scrub_test.c: the newest seal is read again once a week; what differs is an alarm, and what could
 * not be read is tried again. */
#include "control_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "control/scrub.h"

static bool take_id(void *context, const char *key, const char *payload, size_t size,
                    struct error *error)
{
    (void)payload;
    (void)size;
    (void)error;
    strcpy(context, key);
    return true;
}

static json_t *record(struct device *device, char id[64])
{
    struct error error;
    assert_true(device->journal->operations->objects(device->journal, JOURNAL_SERVICE, take_id, id,
                                                     &error));
    json_t *object = device_object(device, JOURNAL_SERVICE, id);
    assert_non_null(object);
    return object;
}

static int64_t scrubbed_us(struct device *device)
{
    char id[64];
    json_t *object = record(device, id);
    int64_t at_us = json_time_or(object, "scrubbed_us", 0);
    json_decref(object);
    return at_us;
}

/* Epochs 1 and 2 are sealed, the last scrub was so long ago, and the device starts. */
static void open_scrubbed(struct device *device, int64_t ago_us, const char *answer)
{
    char id[64];
    struct error error;
    device_open(device);
    device_policy(device, "bills", "posix:/bills", "");
    device_epoch(device, "bills", 1, "sealed");
    device_epoch(device, "bills", 2, "sealed");
    json_t *object = record(device, id);
    json_set_time(object, "scrubbed_us", clock_realtime_us() - ago_us);
    char *payload = json_dumps(object, 0);
    struct journal_append append = {.type = JOURNAL_SERVICE, .key = id, .payload = payload};
    assert_true(journal_append_all(device->journal, &append, 1, NULL, NULL, &error));
    fake_journal_run(device->disk);
    free(payload);
    json_decref(object);
    fake_agent_script(device->agents[WEST], "verify", answer);
    device_crash(device);
    device_start(device);
    device_settle(device);
}

static void test_a_week_is_not_over(void **state)
{
    struct device device;
    (void)state;
    open_scrubbed(&device, SCRUB_EVERY_US - 60000000, "{\"state\": \"running\"}");
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 0);
    device_close(&device);
}

static void test_the_newest_seal_is_read_again(void **state)
{
    struct device device;
    (void)state;
    open_scrubbed(&device, SCRUB_EVERY_US + 1000000,
                  "{\"state\": \"done\", \"result\": {\"equal\": true, \"findings\": []}}");
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 1);
    const json_t *order = fake_agent_order(device.agents[WEST], "verify", 0);
    assert_int_equal(json_integer_or(order, "number", 0), 2);
    assert_true(json_integer_or(json_object_get(order, "body"), "bytes_per_second", 0) > 0);
    assert_null(device_event(&device, "seal.damaged"));
    assert_true(scrubbed_us(&device) > clock_realtime_us() - 60000000);
    /* Not again after the next start. */
    device_crash(&device);
    device_start(&device);
    device_settle(&device);
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 1);
    device_close(&device);
}

static void test_damage_is_an_alarm(void **state)
{
    struct device device;
    (void)state;
    open_scrubbed(&device, SCRUB_EVERY_US + 1000000,
                  "{\"state\": \"done\", \"result\": {\"equal\": false, \"findings\": "
                  "[\"/bills: changed: b7\"]}}");
    const json_t *event = device_event(&device, "seal.damaged");
    assert_non_null(event);
    assert_string_equal(json_string_or(event, "severity", ""), "alarm");
    assert_int_equal(json_integer_or(event, "number", 0), 2);
    assert_non_null(strstr(json_string_or(event, "text", ""), "changed: b7"));
    device_close(&device);
}

static void test_what_could_not_be_read_is_not_done(void **state)
{
    struct device device;
    (void)state;
    open_scrubbed(&device, SCRUB_EVERY_US + 1000000,
                  "{\"state\": \"failed\", \"error\": {\"code\": \"NOT_FOUND\", \"message\": "
                  "\"retired meanwhile\"}}");
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 1);
    assert_null(device_event(&device, "seal.damaged"));
    assert_true(scrubbed_us(&device) < clock_realtime_us() - SCRUB_EVERY_US);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_is_not_over),
        cmocka_unit_test(test_the_newest_seal_is_read_again),
        cmocka_unit_test(test_damage_is_an_alarm),
        cmocka_unit_test(test_what_could_not_be_read_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
