/* device_records.c: see device_records.h. */
#include "device_records.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

json_t *device_object(struct device *device, enum journal_type type, const char *key)
{
    struct buffer payload;
    struct error error = ERROR_NONE;
    json_t *object = NULL;
    buffer_init(&payload, 0);
    if (device->journal->operations->object(device->journal, type, key, &payload, &error))
        assert_true(json_parse(payload.data, payload.size, &object, &error));
    buffer_fini(&payload);
    return object;
}

void device_put_text(struct device *device, enum journal_type type, const char *key,
                     const char *payload)
{
    struct error error = ERROR_NONE;
    struct journal_append record = {.type = type, .key = key, .payload = payload};
    assert_true(journal_append_all(device->journal, &record, 1, NULL, NULL, &error));
    fake_journal_run(device->disk);
}

void device_put_object(struct device *device, enum journal_type type, const char *key,
                       json_t *object)
{
    char *payload = json_dumps(object, 0);
    device_put_text(device, type, key, payload);
    free(payload);
    json_decref(object);
}

static bool take_object(void *context, const char *key, const char *payload, size_t size,
                        struct error *error)
{
    struct record *record = context;
    assert_null(record->object);
    snprintf(record->key, sizeof record->key, "%s", key);
    return json_parse(payload, size, &record->object, error);
}

struct record service_record(struct device *device)
{
    struct record record = {.object = NULL};
    struct error error = ERROR_NONE;
    assert_true(device->journal->operations->objects(device->journal, JOURNAL_SERVICE, take_object,
                                                     &record, &error));
    assert_non_null(record.object);
    return record;
}

struct record epoch_record(struct device *device, unsigned number)
{
    struct record service = service_record(device), epoch;
    int length = snprintf(epoch.key, sizeof epoch.key, "%s/%012u", service.key, number);
    assert_in_range(length, 1, sizeof epoch.key - 1);
    json_decref(service.object);
    epoch.object = device_object(device, JOURNAL_EPOCH, epoch.key);
    assert_non_null(epoch.object);
    return epoch;
}
