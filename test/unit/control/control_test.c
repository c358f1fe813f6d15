/* control_test.c: start from a journal that is empty, filled or damaged; and a journal without
 * room, which loses no record and changes no order. */
#include "control_fixture.h"
#include "device_records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static void test_an_empty_journal(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    device_settle(&device);
    json_t *status = control_status(device.control);
    assert_int_equal(json_array_size(json_object_get(status, "services")), 0);
    assert_int_equal(json_array_size(json_object_get(status, "clusters")), 2);
    json_decref(status);
    assert_int_equal(device.journal->operations->last_sequence(device.journal), 0);
    device_close(&device);
}

static void assert_start_fails(enum journal_type type, const char *key, const char *payload,
                               const char *text)
{
    struct device device;
    struct error error = ERROR_NONE;
    device_open_bills(&device, "");
    device_put_text(&device, type, key, payload);
    device_crash(&device);
    struct control_options options = {.device = "d"};
    assert_true(fake_journal_open(device.disk, NULL, NULL, &options.journal, &error));
    assert_false(control_new(device.loop, &options, &device.control, &error));
    assert_non_null(strstr(error.text, text));
    assert_null(device.control);
    options.journal->operations->close(options.journal);
    device_close(&device);
}

static void test_a_damaged_journal(void **state)
{
    (void)state;
    assert_start_fails(JOURNAL_PAIR, "x", "{", "control device: pair x: ");
    assert_start_fails(JOURNAL_STORE, "x", "[", "control device: store x: ");
    assert_start_fails(JOURNAL_ROOT, "x", "{", "control device: root x: ");
    assert_start_fails(JOURNAL_SERVICE, "x", "{", "control device: service x: ");
    assert_start_fails(JOURNAL_SERVICE, "x", "{}", "control device: service x in the journal: ");
    assert_start_fails(JOURNAL_SERVICE, "x",
                       "{\"name\": \"n\", \"pair\": \"none\", \"policy\": {}, \"schedule\": {}}",
                       "control device: service x in the journal: unknown pair none");
    assert_start_fails(JOURNAL_EPOCH, "x", "{", "control device: epoch x: ");
    assert_start_fails(JOURNAL_EPOCH, "x", "{\"service\": \"bills\"}",
                       "control device: epoch x in the journal: ");
}

static void test_an_epoch_without_its_service_is_let_be(void **state)
{
    struct device device;
    (void)state;
    device_open(&device);
    device_put_text(&device, JOURNAL_EPOCH, "x", "{\"service\": \"gone\"}");
    device_restart(&device);
    device_close(&device);
}

/* ---- no room -------------------------------------------------------------------------------- */

struct orders {
    char reasons[200]; /* of the operator's orders in the journal, in order */
};

static bool take_reason(void *context, const struct journal_record *record, struct error *error)
{
    struct orders *orders = context;
    json_t *order;
    if (record->type != JOURNAL_OPERATOR)
        return true;
    assert_true(json_parse(record->payload, record->payload_size, &order, error));
    size_t length = strlen(orders->reasons);
    snprintf(orders->reasons + length, sizeof orders->reasons - length, "%s",
             json_string_or(order, "reason", ""));
    json_decref(order);
    return true;
}

static void assert_orders(struct device *device, const char *reasons)
{
    struct orders orders = {""};
    struct error error;
    assert_true(device->journal->operations->records(device->journal, 0, 1000000, take_reason,
                                                     &orders, &error));
    assert_string_equal(orders.reasons, reasons);
}

static void order(struct device *device, const char *reason, struct outcome *outcome)
{
    control_policy_verb(device->control, "bills", "pause", reason, outcome_came, outcome);
}

static void open_slow(struct device *device)
{
    device_open_bills(device, "");
    device_settle(device);
    device->slow = true;
}

static void test_a_full_disk_keeps_all_in_order(void **state)
{
    struct device device;
    struct outcome outcomes[4] = {{.over = false}};
    (void)state;
    open_slow(&device);
    order(&device, "1", &outcomes[0]);
    order(&device, "2", &outcomes[1]);
    fake_journal_set_failure(device.disk, ERROR_NO_SPACE);
    fake_journal_step(device.disk); /* the first has its answer, the second waits for it */
    fake_journal_set_failure(device.disk, ERROR_OK);
    order(&device, "3", &outcomes[2]); /* there is room again: it must not overtake */
    fake_journal_run(device.disk);
    order(&device, "4", &outcomes[3]);
    fake_journal_run(device.disk);
    device_settle(&device);
    for (size_t i = 0; i < 4; i++)
        assert_false(outcomes[i].over);
    device.slow = false;
    for (size_t i = 0; i < 4; i++)
        assert_outcome(&device, &outcomes[i], ERROR_OK, "");
    assert_orders(&device, "1234");
    device_close(&device);
}

static bool has_failed_again(void *context)
{
    return fake_journal_failures(((struct device *)context)->disk) >= 3;
}

static void test_a_disk_that_stays_full(void **state)
{
    struct device device;
    struct outcome outcomes[3] = {{.over = false}};
    (void)state;
    open_slow(&device);
    fake_journal_set_failure(device.disk, ERROR_NO_SPACE);
    device.slow = false;
    for (int i = 0; i < 3; i++)
        order(&device, i == 0 ? "1" : i == 1 ? "2" : "3", &outcomes[i]);
    device_wait(&device, has_failed_again, &device, "two more attempts");
    for (int i = 0; i < 3; i++)
        assert_false(outcomes[i].over);
    assert_orders(&device, "");
    fake_journal_set_failure(device.disk, ERROR_OK);
    for (int i = 0; i < 3; i++)
        assert_outcome(&device, &outcomes[i], ERROR_OK, "");
    assert_orders(&device, "123");
    device_close(&device);
}

static void test_a_full_queue(void **state)
{
    struct device device;
    struct outcome outcomes[2] = {{.over = false}};
    struct error error = ERROR_NONE;
    struct journal_append filler = {.type = JOURNAL_OPENED, .payload = "{}"};
    (void)state;
    open_slow(&device);
    while (journal_append_all(device.journal, &filler, 1, NULL, NULL, &error)) {
    }
    assert_int_equal(error.code, ERROR_LIMIT);
    order(&device, "1", &outcomes[0]);
    order(&device, "2", &outcomes[1]);
    assert_int_equal(fake_journal_pending(device.disk), JOURNAL_QUEUE_RECORDS_MAX);
    device.slow = false;
    for (size_t i = 0; i < 2; i++)
        assert_outcome(&device, &outcomes[i], ERROR_OK, "");
    assert_orders(&device, "12");
    device_close(&device);
}

static void test_a_lost_journal_ends_the_orders(void **state)
{
    struct device device;
    struct outcome outcomes[2] = {{.over = false}};
    (void)state;
    open_slow(&device);
    order(&device, "1", &outcomes[0]);
    fake_journal_set_failure(device.disk, ERROR_IO);
    fake_journal_run(device.disk);
    order(&device, "2", &outcomes[1]); /* refused at once */
    for (size_t i = 0; i < 2; i++)
        assert_outcome(&device, &outcomes[i], ERROR_IO, "the journal failed as planned");
    fake_journal_set_failure(device.disk, ERROR_OK);
    device_close(&device);
}

static void test_stopping_while_the_disk_is_full(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    open_slow(&device);
    order(&device, "1", &outcome);
    fake_journal_set_failure(device.disk, ERROR_NO_SPACE);
    fake_journal_run(device.disk);
    device_crash(&device);
    assert_false(outcome.over);
    fake_journal_set_failure(device.disk, ERROR_OK);
    device_start(&device);
    assert_orders(&device, "");
    device_close(&device);
}

/* Its zone is not installed any more: the other service runs, and nothing of it is lost. */
static void test_one_policy_does_not_keep_the_others(void **state)
{
    static const char berlin[] =
        "{\"t0\": \"next\", \"period\": {\"cron\": \"0 3 1 1 *\", \"zone\": \"Europe/Berlin\"}}";
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open_bills(&device, berlin);
    device_policy(&device, "crm", "posix:/crm", "");
    device_epoch(&device, "bills", 1, "sealed");
    device_crash(&device);
    setenv("TZDIR", "/nonexistent", 1);
    device_start(&device);
    device_epoch(&device, "crm", 1, "sealed");
    assert_policy_state(&device, "bills", "broken");
    assert_policy_state(&device, "crm", "idle");
    assert_non_null(device_event(&device, "policy.broken"));
    control_policy_verb(device.control, "bills", "run", "", outcome_came, &outcome);
    assert_outcome(&device, &outcome, ERROR_CONFLICT,
                   "the policy does not work here: time zone Europe/Berlin: no time zone "
                   "'Europe/Berlin' in /nonexistent: correct the name or install package tzdata");
    device_verb(&device, "bills", "pause");
    device_crash(&device);
    unsetenv("TZDIR");
    device_start(&device);
    device_verb(&device, "bills", "resume");
    device_epoch(&device, "bills", 2, "sealed");
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_policy_does_not_keep_the_others),
        cmocka_unit_test(test_an_empty_journal),
        cmocka_unit_test(test_a_damaged_journal),
        cmocka_unit_test(test_an_epoch_without_its_service_is_let_be),
        cmocka_unit_test(test_a_full_disk_keeps_all_in_order),
        cmocka_unit_test(test_a_disk_that_stays_full),
        cmocka_unit_test(test_a_full_queue),
        cmocka_unit_test(test_a_lost_journal_ends_the_orders),
        cmocka_unit_test(test_stopping_while_the_disk_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
