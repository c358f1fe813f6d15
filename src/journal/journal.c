/* journal.c: what every implementation shares: names of types, and what an append must be. */
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char *const type_names[JOURNAL_TYPE_MAX + 1] = {
#define X(number, name, text) [number] = text,
    JOURNAL_TYPES(X)
#undef X
};

#define NAME_SIZE 24

static const char *name_of(unsigned type, char unknown[NAME_SIZE])
{
    if (journal_type_is_known(type))
        return type_names[type];
    snprintf(unknown, NAME_SIZE, "type-%u", type);
    return unknown;
}

const char *journal_type_name(unsigned type)
{
    static _Thread_local char unknown[NAME_SIZE];
    return name_of(type, unknown);
}

unsigned journal_type_from_name(const char *name)
{
    char unknown[NAME_SIZE]; /* name may be what journal_type_name() gave */
    for (unsigned type = 1; type <= JOURNAL_TYPE_MAX; type++)
        if (strcmp(name_of(type, unknown), name) == 0)
            return type;
    return 0;
}

bool journal_type_is_known(unsigned type)
{
    return type <= JOURNAL_TYPE_MAX && type_names[type] != NULL;
}

static bool check_one(const struct journal_append *record, struct error *error)
{
    CHECK(journal_type_is_known(record->type));
    size_t key_size = record->key == NULL ? 0 : strlen(record->key);
    if (record->key != NULL && key_size == 0)
        return error_set(error, ERROR_INVALID, "a journal object has an empty key");
    if (key_size > JOURNAL_KEY_BYTES_MAX)
        return error_set(error, ERROR_INVALID,
                         "the key of a journal object has %zu bytes; the limit is %zu", key_size,
                         JOURNAL_KEY_BYTES_MAX);
    if (record->key == NULL && record->payload == NULL)
        return error_set(error, ERROR_INVALID, "a journal record has neither payload nor key");
    size_t size = record->payload == NULL ? 0 : strlen(record->payload);
    if (size > JOURNAL_PAYLOAD_BYTES_MAX)
        return error_set(error, ERROR_INVALID,
                         "a %s record of %zu bytes is too large for the journal; the limit is %zu",
                         journal_type_name(record->type), size, JOURNAL_PAYLOAD_BYTES_MAX);
    return true;
}

bool journal_append_check(const struct journal_append *records, size_t count, size_t *ret_bytes,
                          struct error *error)
{
    CHECK(count > 0);
    if (count > JOURNAL_QUEUE_RECORDS_MAX)
        return error_set(error, ERROR_LIMIT, "%zu journal records in one call; the limit is %zu",
                         count, JOURNAL_QUEUE_RECORDS_MAX);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (!check_one(&records[i], error))
            return false;
        bytes += records[i].payload == NULL ? 0 : strlen(records[i].payload) + 1;
        bytes += records[i].key == NULL ? 0 : strlen(records[i].key) + 1;
    }
    *ret_bytes = bytes;
    return true;
}
