/* history_test.c: what thousands of ended epochs cost in memory, and that people see them whole all
 * the same: their documents are read from the journal when somebody asks. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_fixture.h"

#include "base/check.h"
#include "base/json.h"

#define EPOCHS 1000
#define PAD_BYTES 20000
#define KEPT_BYTES_MAX 4000 /* of JSON for each */

static size_t json_bytes;

static void *counting_malloc(size_t size)
{
    void *memory = malloc(size);
    json_bytes += malloc_usable_size(memory);
    return memory;
}

static void counting_free(void *memory)
{
    json_bytes -= memory == NULL ? 0 : malloc_usable_size(memory);
    free(memory);
}

struct first {
    char key[80];
    json_t *object;
};

static bool take_first(void *context, const char *key, const char *payload, size_t size,
                       struct error *error)
{
    struct first *first = context;
    snprintf(first->key, sizeof first->key, "%s", key);
    return json_parse(payload, size, &first->object, error);
}

/* Epoch 1 is abandoned, with documents; then the same under other numbers. */
static void fill_journal(struct device *device, unsigned count)
{
    struct first first;
    struct error error = ERROR_NONE;
    char pad[PAD_BYTES + 1];
    memset(pad, 'x', PAD_BYTES);
    pad[PAD_BYTES] = '\0';
    assert_true(device->journal->operations->objects(device->journal, JOURNAL_EPOCH, take_first,
                                                     &first, &error));
    json_set_string(json_object_get(first.object, "moment"), "pad", pad);
    for (unsigned number = 2; number <= count; number++) {
        sprintf(strchr(first.key, '/'), "/%012u", number);
        json_set_integer(first.object, "number", number);
        char *payload = json_dumps(first.object, 0);
        struct journal_append append = {
            .type = JOURNAL_EPOCH, .key = first.key, .payload = payload};
        assert_true(journal_append_all(device->journal, &append, 1, NULL, NULL, &error));
        fake_journal_run(device->disk);
        free(payload);
    }
    json_decref(first.object);
}

static void abandon_one(struct device *device, uint64_t number)
{
    struct outcome outcome = {.over = false};
    fake_agent_script(device->agents[WEST], "transfer",
                      "{\"state\": \"running\", \"phase\": \"copy\"}");
    device_epoch(device, "bills", number, "receiving");
    control_epoch_verb(device->control, "bills", number, "abandon", "", outcome_came, &outcome);
    outcome_wait(device, &outcome);
    outcome_fini(&outcome);
    device_wait_state(device, "bills", number, "abandoned");
    device_settle(device);
}

static json_t *whole(struct device *device, uint64_t number)
{
    struct error error;
    json_t *epoch;
    assert_true(control_epoch(device->control, "bills", number, &epoch, &error));
    return epoch;
}

static void test_ended_epochs_leave_their_documents_in_the_journal(void **state)
{
    struct device device;
    json_malloc_t old_malloc;
    json_free_t old_free;
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "");
    abandon_one(&device, 1);
    fill_journal(&device, EPOCHS);
    device_crash(&device);
    json_get_alloc_funcs(&old_malloc, &old_free);
    json_set_alloc_funcs(counting_malloc, counting_free);
    json_bytes = 0;
    device_start(&device);
    assert_in_range(json_bytes, 1, EPOCHS * KEPT_BYTES_MAX);
    json_t *epoch = whole(&device, EPOCHS / 2);
    const char *pad = json_string_or(json_object_get(epoch, "moment"), "pad", "");
    assert_int_equal(strlen(pad), PAD_BYTES);
    assert_true(json_array_size(json_object_get(epoch, "members")) > 0);
    json_decref(epoch);
    assert_in_range(json_bytes, 1, EPOCHS * KEPT_BYTES_MAX); /* and not kept since */
    device_close(&device);
    json_set_alloc_funcs(old_malloc, old_free);
}

/* The same view before and after its documents go, and after a restart; and its record keeps them
 * when something is noted in it. */
static void test_nothing_is_lost_of_it(void **state)
{
    struct device device;
    struct outcome outcome = {.over = false};
    (void)state;
    device_open(&device);
    device_policy(&device, "bills", "posix:/bills", "");
    abandon_one(&device, 1);
    json_t *listed = control_epochs(device.control, "bills", 1), *before = whole(&device, 1);
    assert_string_equal(json_string_or(before, "grade", ""), "quiesced");
    control_epoch_verb(device.control, "bills", 1, "resume", "", outcome_came, &outcome);
    outcome_wait(&device, &outcome);
    outcome_fini(&outcome);
    for (int i = 0; i < 2; i++) {
        json_t *again = control_epochs(device.control, "bills", 1), *after = whole(&device, 1);
        assert_true(json_equal(listed, again));
        assert_true(json_equal(before, after));
        json_decref(again);
        json_decref(after);
        device_crash(&device);
        device_start(&device);
    }
    json_decref(listed);
    json_decref(before);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ended_epochs_leave_their_documents_in_the_journal),
        cmocka_unit_test(test_nothing_is_lost_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
