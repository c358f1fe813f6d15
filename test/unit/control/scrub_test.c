/* scrub_test.c: the newest seal is read again once a week, or as often as
 * the policy says; what differs is an alarm, and what could
 * not be read is tried again. */
#include "control_fixture.h"
#include "device_records.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define WEEK_US ((int64_t)7 * 86400 * 1000000)
#define SOUND "{\"state\": \"done\", \"result\": {\"equal\": true, \"findings\": []}}"

static int64_t scrubbed_us(struct device *device)
{
    struct record service = service_record(device);
    int64_t at_us = json_time_or(service.object, "scrubbed_us", 0);
    json_decref(service.object);
    return at_us;
}

/* Epochs 1 and 2 are sealed, the last scrub was so long ago, and the device starts. */
static void open_scrubbed_by(struct device *device, const char *policy, int64_t ago_us,
                             const char *answer)
{
    device_open(device);
    device_policy(device, "bills", "posix:/bills", policy);
    device_epoch(device, "bills", 1, "sealed");
    device_epoch(device, "bills", 2, "sealed");
    struct record service = service_record(device);
    json_set_time(service.object, "scrubbed_us", clock_realtime_us() - ago_us);
    device_put_object(device, JOURNAL_SERVICE, service.key, service.object);
    fake_agent_script(device->agents[WEST], "verify", answer);
    device_restart(device);
    device_settle(device);
}

static void open_scrubbed(struct device *device, int64_t ago_us, const char *answer)
{
    open_scrubbed_by(device, "", ago_us, answer);
}

static void test_a_week_is_not_over(void **state)
{
    struct device device;
    (void)state;
    open_scrubbed(&device, WEEK_US - 60000000, FAKE_RUNNING);
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 0);
    device_close(&device);
}

static void test_the_newest_seal_is_read_again(void **state)
{
    struct device device;
    (void)state;
    open_scrubbed(&device, WEEK_US + 1000000,
                  "{\"state\": \"done\", \"result\": {\"equal\": true, \"findings\": []}}");
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 1);
    const json_t *order = fake_agent_order(device.agents[WEST], "verify", 0);
    assert_int_equal(json_integer_or(order, "number", 0), 2);
    assert_true(json_integer_or(json_object_get(order, "body"), "bytes_per_second", 0) > 0);
    assert_null(device_event(&device, "seal.damaged"));
    assert_true(scrubbed_us(&device) > clock_realtime_us() - 60000000);
    /* Not again after the next start. */
    device_restart(&device);
    device_settle(&device);
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 1);
    device_close(&device);
}

static void test_damage_is_an_alarm(void **state)
{
    struct device device;
    (void)state;
    open_scrubbed(&device, WEEK_US + 1000000,
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
    open_scrubbed(&device, WEEK_US + 1000000, FAKE_FAILED("NOT_FOUND", "retired meanwhile"));
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 1);
    assert_null(device_event(&device, "seal.damaged"));
    assert_true(scrubbed_us(&device) < clock_realtime_us() - WEEK_US);
    device_close(&device);
}

static void test_the_policy_says_how_often(void **state)
{
    static const struct {
        const char *policy;
        int64_t ago_us;
        size_t count;
    } cases[] = {
        {"{\"scrub\": \"P1D\"}", WEEK_US / 7 + 1000000, 1},
        {"{\"scrub\": \"P1D\"}", WEEK_US / 7 - 60000000, 0},
        {"{\"scrub\": \"P30D\"}", WEEK_US * 4, 0},
        {"{\"scrub\": \"off\"}", WEEK_US * 100, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct device device;
        open_scrubbed_by(&device, cases[i].policy, cases[i].ago_us, SOUND);
        assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), cases[i].count);
        device_close(&device);
    }
}

/* An edited policy counts from the last one: what is due by it begins. */
static void test_an_edited_policy_counts_at_once(void **state)
{
    struct device device;
    (void)state;
    open_scrubbed_by(&device, "{\"scrub\": \"off\"}", WEEK_US / 2, SOUND);
    assert_int_equal(fake_agent_count(device.agents[WEST], "verify"), 0);
    device_policy(&device, "bills", "posix:/bills", "{\"scrub\": \"P2D\"}");
    device_wait_orders(&device, WEST, "verify", 1);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_is_not_over),
        cmocka_unit_test(test_the_newest_seal_is_read_again),
        cmocka_unit_test(test_the_policy_says_how_often),
        cmocka_unit_test(test_an_edited_policy_counts_at_once),
        cmocka_unit_test(test_damage_is_an_alarm),
        cmocka_unit_test(test_what_could_not_be_read_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
