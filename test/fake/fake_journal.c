/* fake_journal.c: see fake_journal.h. */
#include "fake/fake_journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"

struct fake_call {
    struct list node;
    journal_done_fn *done;
    void *context;
    bool synced;
    struct error outcome;                  /* of a sync */
    size_t charged_records, charged_bytes; /* to the queue, until done has run */
    size_t count;
    struct journal_record *records; /* strings are the call's own until they are durable */
};

struct fake_object {
    unsigned type;
    char *key, *payload;
};

struct fake_journal {
    struct journal journal;
    bool open, closing, lost, immediate;
    journal_done_fn *failed;
    void *failed_context;
    char origin[37];
    int64_t realtime_us, boottime_ns;
    enum error_code failure;
    struct error error; /* why it is lost */

    struct list calls; /* in order; their done has not run */
    size_t appends, failures;
    size_t queued_records, queued_bytes;

    struct journal_record *records; /* durable */
    size_t record_count;
    size_t record_capacity;
    struct fake_object *objects; /* durable, by type and key in byte order */
    size_t object_count;
};

static const struct journal_operations fake_operations;

static struct fake_journal *fake_of(struct journal *journal)
{
    CHECK(journal->operations == &fake_operations);
    struct fake_journal *fake = container_of(journal, struct fake_journal, journal);
    CHECK(fake->open);
    return fake;
}

struct fake_journal *fake_journal_new(const char *origin)
{
    struct fake_journal *fake = memory_new(sizeof *fake);
    fake->journal.operations = &fake_operations;
    snprintf(fake->origin, sizeof fake->origin, "%s", origin);
    list_init(&fake->calls);
    return fake;
}

static void free_record(struct journal_record *record)
{
    free((char *)(uintptr_t)record->payload);
    free((char *)(uintptr_t)record->key);
}

void fake_journal_free(struct fake_journal *fake)
{
    if (fake == NULL)
        return;
    CHECK(!fake->open);
    for (size_t i = 0; i < fake->record_count; i++)
        free_record(&fake->records[i]);
    for (size_t i = 0; i < fake->object_count; i++) {
        free(fake->objects[i].key);
        free(fake->objects[i].payload);
    }
    free(fake->records);
    free(fake->objects);
    free(fake);
}

bool fake_journal_open(struct fake_journal *fake, journal_done_fn *failed, void *failed_context,
                       struct journal **ret_journal, struct error *error)
{
    if (fake->open)
        return error_set(error, ERROR_CONFLICT, "the journal is in use by another session");
    fake->open = true;
    fake->lost = fake->closing = false;
    fake->failed = failed;
    fake->failed_context = failed_context;
    *ret_journal = &fake->journal;
    return true;
}

void fake_journal_set_time(struct fake_journal *fake, int64_t realtime_us, int64_t boottime_ns)
{
    fake->realtime_us = realtime_us;
    fake->boottime_ns = boottime_ns;
}

void fake_journal_set_immediate(struct fake_journal *fake, bool immediate)
{
    fake->immediate = immediate;
}

void fake_journal_set_failure(struct fake_journal *fake, enum error_code code)
{
    fake->failure = code;
}

size_t fake_journal_pending(const struct fake_journal *fake)
{
    size_t count = 0;
    for (const struct list *node = fake->calls.next; node != &fake->calls; node = node->next)
        count++;
    return count;
}

size_t fake_journal_appends(const struct fake_journal *fake)
{
    return fake->appends;
}

size_t fake_journal_failures(const struct fake_journal *fake)
{
    return fake->failures;
}

/* Appending */

static struct journal_record record_of(const struct fake_journal *fake,
                                       const struct journal_append *append)
{
    struct journal_record record = {
        .type = append->type,
        .generation = append->generation,
        .realtime_us = fake->realtime_us,
        .boottime_ns = fake->boottime_ns,
        .payload = memory_copy_string(append->payload),
        .payload_size = append->payload == NULL ? 0 : strlen(append->payload),
        .key = memory_copy_string(append->key),
    };
    snprintf(record.origin, sizeof record.origin, "%s", fake->origin);
    return record;
}

static bool may_append(const struct fake_journal *fake, size_t count, size_t bytes,
                       struct error *error)
{
    if (fake->lost) {
        *error = fake->error;
        return false;
    }
    if (fake->closing)
        return error_set(error, ERROR_CANCELED, "the journal is being closed");
    if (count > JOURNAL_QUEUE_RECORDS_MAX - fake->queued_records ||
        bytes > JOURNAL_QUEUE_BYTES_MAX - fake->queued_bytes)
        return error_set(error, ERROR_LIMIT, "the journal's queue is full");
    return true;
}

static bool append_fake(struct journal *journal, const struct journal_append *records, size_t count,
                        journal_done_fn *done, void *context, struct error *error)
{
    struct fake_journal *fake = fake_of(journal);
    size_t bytes;
    if (!journal_append_check(records, count, &bytes, error) ||
        !may_append(fake, count, bytes, error))
        return false;
    struct fake_call *call = memory_new(sizeof *call);
    *call = (struct fake_call){.done = done,
                               .context = context,
                               .charged_records = count,
                               .charged_bytes = bytes,
                               .count = count};
    call->records = memory_new(count * sizeof call->records[0]);
    for (size_t i = 0; i < count; i++)
        call->records[i] = record_of(fake, &records[i]);
    fake->queued_records += count;
    fake->queued_bytes += bytes;
    list_append(&fake->calls, &call->node);
    fake->appends++;
    if (fake->immediate)
        fake_journal_run(fake);
    return true;
}

/* Durable objects */

static size_t find_place(const struct fake_journal *fake, unsigned type, const char *key,
                         bool *ret_found)
{
    size_t low = 0, high = fake->object_count;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fake_object *object = &fake->objects[middle];
        int order =
            object->type != type ? (object->type < type ? -1 : 1) : strcmp(object->key, key);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remove_object(struct fake_journal *fake, size_t place)
{
    free(fake->objects[place].key);
    free(fake->objects[place].payload);
    fake->object_count--;
    memmove(&fake->objects[place], &fake->objects[place + 1],
            (fake->object_count - place) * sizeof fake->objects[0]);
}

static void set_object(struct fake_journal *fake, const struct journal_record *record)
{
    bool found;
    size_t place = find_place(fake, record->type, record->key, &found);
    if (found)
        remove_object(fake, place);
    if (record->payload == NULL)
        return;
    fake->objects =
        memory_resize(fake->objects, (fake->object_count + 1) * sizeof fake->objects[0]);
    memmove(&fake->objects[place + 1], &fake->objects[place],
            (fake->object_count - place) * sizeof fake->objects[0]);
    fake->objects[place] = (struct fake_object){.type = record->type,
                                                .key = memory_copy_string(record->key),
                                                .payload = memory_copy_string(record->payload)};
    fake->object_count++;
}

static void make_durable(struct fake_journal *fake, struct fake_call *call)
{
    if (fake->record_count + call->count > fake->record_capacity) {
        fake->record_capacity = 2 * (fake->record_count + call->count);
        fake->records =
            memory_resize(fake->records, fake->record_capacity * sizeof fake->records[0]);
    }
    for (size_t i = 0; i < call->count; i++) {
        struct journal_record *record = &fake->records[fake->record_count++];
        *record = call->records[i];
        record->sequence = fake->record_count;
        if (record->key != NULL)
            set_object(fake, record);
    }
    call->count = 0; /* the strings went with them */
}

/* Syncing and telling */

static void fail_all(struct fake_journal *fake, const struct error *error)
{
    list_for_each(call, &fake->calls, struct fake_call, node) {
        if (call->synced)
            continue;
        call->synced = true;
        call->outcome = *error;
    }
}

bool fake_journal_sync(struct fake_journal *fake)
{
    list_for_each(call, &fake->calls, struct fake_call, node) {
        if (call->synced)
            continue;
        if (fake->failure != ERROR_OK) {
            fake->failures++;
            error_set(&fake->error, fake->failure, "the journal failed as planned");
            fail_all(fake, &fake->error);
            fake->lost = fake->failure != ERROR_NO_SPACE;
            return true;
        }
        make_durable(fake, call);
        call->synced = true;
        return true;
    }
    return false;
}

static void free_call(struct fake_journal *fake, struct fake_call *call)
{
    list_remove(&call->node);
    fake->queued_records -= call->charged_records;
    fake->queued_bytes -= call->charged_bytes;
    for (size_t i = 0; i < call->count; i++)
        free_record(&call->records[i]);
    free(call->records);
    free(call);
}

static void tell_lost(struct fake_journal *fake)
{
    journal_done_fn *failed = fake->failed;
    fake->failed = NULL; /* once */
    if (failed != NULL)
        failed(fake->failed_context, &fake->error);
}

bool fake_journal_step(struct fake_journal *fake)
{
    if (list_is_empty(&fake->calls))
        return false;
    struct fake_call *call = list_entry(fake->calls.next, struct fake_call, node);
    if (!call->synced)
        fake_journal_sync(fake);
    journal_done_fn *done = call->done;
    void *context = call->context;
    struct error outcome = call->outcome;
    free_call(fake, call);
    if (done != NULL)
        done(context, &outcome);
    if (fake->lost && list_is_empty(&fake->calls))
        tell_lost(fake);
    return true;
}

void fake_journal_run(struct fake_journal *fake)
{
    while (fake_journal_step(fake)) {
    }
}

void fake_journal_crash(struct fake_journal *fake)
{
    CHECK(fake->open);
    list_for_each(call, &fake->calls, struct fake_call, node)
        free_call(fake, call);
    fake->open = false;
}

static void close_fake(struct journal *journal)
{
    struct fake_journal *fake = fake_of(journal);
    fake->closing = true;
    fake_journal_run(fake);
    fake->open = false;
}

/* Reading; fn may append, so nothing is held over a call of it but an index. */

static bool objects_fake(struct journal *journal, enum journal_type type, journal_object_fn *fn,
                         void *context, struct error *error)
{
    struct fake_journal *fake = fake_of(journal);
    bool found, going = true;
    size_t place = find_place(fake, type, "", &found);
    while (going && place < fake->object_count && fake->objects[place].type == type) {
        char *key = memory_copy_string(fake->objects[place].key);
        char *payload = memory_copy_string(fake->objects[place].payload);
        going = fn(context, key, payload, strlen(payload), error);
        place = find_place(fake, type, key, &found) + (found ? 1 : 0);
        free(key);
        free(payload);
    }
    return going;
}

static bool object_fake(struct journal *journal, enum journal_type type, const char *key,
                        struct buffer *ret_payload, struct error *error)
{
    struct fake_journal *fake = fake_of(journal);
    bool found;
    size_t place = find_place(fake, type, key, &found);
    if (!found)
        return error_set(error, ERROR_NOT_FOUND, "the journal has no %s '%s'",
                         journal_type_name(type), key);
    buffer_clear(ret_payload);
    buffer_append_text(ret_payload, fake->objects[place].payload);
    return !ret_payload->failed || error_set(error, ERROR_LIMIT, "%s '%s' is larger than asked for",
                                             journal_type_name(type), key);
}

static bool records_fake(struct journal *journal, uint64_t after, size_t limit,
                         journal_record_fn *fn, void *context, struct error *error)
{
    struct fake_journal *fake = fake_of(journal);
    size_t end = fake->record_count;
    for (uint64_t i = after; i < end && limit > 0; i++, limit--) {
        struct journal_record record = fake->records[i];
        if (!fn(context, &record, error))
            return false;
    }
    return true;
}

static uint64_t last_sequence_fake(struct journal *journal)
{
    return fake_of(journal)->record_count;
}

static const struct journal_operations fake_operations = {
    .append = append_fake,
    .objects = objects_fake,
    .object = object_fake,
    .records = records_fake,
    .last_sequence = last_sequence_fake,
    .close = close_fake,
};
