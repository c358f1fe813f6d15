/* events_test.c: events have numbers without gaps, also over a restart; listeners hear what is
 * durable and nothing else. */
#include "control_fixture.h"

#include "base/json.h"

struct heard {
    unsigned count;
    int64_t last;
    struct control_listener *listener;
    bool leaves;
};

static void hear(void *context, const json_t *event)
{
    struct heard *heard = context;
    int64_t sequence = json_integer_or(event, "sequence", 0);
    if (heard->last != 0)
        assert_int_equal(sequence, heard->last + 1);
    heard->last = sequence;
    heard->count++;
    if (heard->leaves)
        control_unlisten(heard->listener);
}

static size_t count_events(struct device *device, uint64_t after, size_t limit)
{
    json_t *events = control_events(device->control, after, limit);
    size_t count = json_array_size(events);
    json_decref(events);
    return count;
}

static void test_numbers_go_on_after_a_restart(void **state)
{
    struct device device;
    (void)state;
    device_open_sealed(&device, 1);
    size_t count = count_events(&device, 0, 1000);
    json_t *events = control_events(device.control, 0, 1000), *event;
    size_t index;
    json_array_foreach(events, index, event)
        assert_int_equal(json_integer_or(event, "sequence", 0), index + 1);
    json_decref(events);
    assert_true(count >= 2);
    device_restart(&device);
    assert_int_equal(count_events(&device, 0, 1000), count);
    device_verb(&device, "bills", "pause");
    device_settle(&device);
    assert_int_equal(json_integer_or(device_event(&device, "policy.verb"), "sequence", 0),
                     count + 1);
    assert_int_equal(count_events(&device, count, 1000), 1);
    assert_int_equal(count_events(&device, 0, 1), 1);
    assert_int_equal(count_events(&device, count + 1, 1000), 0);
    json_t *status = control_status(device.control);
    assert_int_equal(json_integer_or(status, "last_event", 0), count + 1);
    json_decref(status);
    device_close(&device);
}

static void test_nothing_is_heard_before_it_is_durable(void **state)
{
    struct device device;
    struct heard heard = {.count = 0};
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, "");
    device_settle(&device);
    size_t before = count_events(&device, 0, 1000);
    heard.listener = control_listen(device.control, hear, &heard);
    device.slow = true;
    control_policy_verb(device.control, "bills", "pause", "", outcome_came, &outcome);
    fake_journal_step(device.disk); /* the order; now the new state and the event are pending */
    device_settle(&device);
    assert_int_equal(heard.count, 0);
    assert_int_equal(count_events(&device, 0, 1000), before);
    fake_journal_run(device.disk);
    assert_int_equal(heard.count, 1);
    assert_int_equal(count_events(&device, 0, 1000), before + 1);
    control_unlisten(heard.listener);
    control_unlisten(NULL);
    outcome_wait(&device, &outcome);
    outcome_fini(&outcome);
    device_close(&device);
}

static void test_listeners_come_and_go(void **state)
{
    struct device device;
    struct heard once = {.leaves = true}, always = {.leaves = false};
    (void)state;
    device_open_bills(&device, "");
    device_settle(&device);
    once.listener = control_listen(device.control, hear, &once);
    always.listener = control_listen(device.control, hear, &always);
    device_verb(&device, "bills", "pause");
    device_verb(&device, "bills", "resume");
    device_settle(&device);
    assert_int_equal(once.count, 1);
    assert_int_equal(always.count, 2);
    control_unlisten(always.listener);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_go_on_after_a_restart),
        cmocka_unit_test(test_nothing_is_heard_before_it_is_durable),
        cmocka_unit_test(test_listeners_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
