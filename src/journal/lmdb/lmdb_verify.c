/* lmdb_verify.c: see lmdb_verify.h. */
#include "journal/lmdb/lmdb_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "journal/lmdb/lmdb_anchor.h"

#define STEP_SIZE 1000u /* records or objects looked at in one read transaction */

void lmdb_verify_init(struct lmdb_verify *verify, struct lmdb_store *store, uint64_t after)
{
    *verify = (struct lmdb_verify){
        .store = store, .chain = lmdb_chain_after(store, after), .from_start = after == 0};
}

uint64_t lmdb_verify_bad_sequence(const struct lmdb_verify *verify)
{
    return verify->type == 0 ? verify->chain.next : 0;
}

static bool same_payload(const struct journal_record *record, const char *payload, size_t size)
{
    return record->payload != NULL && record->payload_size == size &&
           memcmp(record->payload, payload, size) == 0;
}

/* The object is at least as new as the record, and equal when this record set it. */
static bool check_object_of(struct lmdb_verify *verify, const struct journal_record *record,
                            struct error *error)
{
    uint64_t sequence = 0;
    const char *payload;
    size_t size;
    if (!lmdb_get_object(verify->store, verify->txn, record->type, record->key, &sequence, &payload,
                         &size, error))
        return error_wrap(error, "record %" PRIu64, record->sequence);
    if (payload == NULL)
        return true; /* removed since; or it is not there, which only its last record could tell */
    if (sequence > record->sequence ||
        (sequence == record->sequence && same_payload(record, payload, size)))
        return true;
    return error_set(error, ERROR_CORRUPT,
                     "record %" PRIu64 ": the object it set (%s) has another or older state",
                     record->sequence, journal_type_name(record->type));
}

static bool check_record(void *context, const struct journal_record *record, bool *ret_more,
                         struct error *error)
{
    struct lmdb_verify *verify = context;
    if (record->key != NULL && !check_object_of(verify, record, error)) {
        verify->chain.next = record->sequence;
        return false;
    }
    verify->records++;
    *ret_more = --verify->left > 0;
    return true;
}

/* LMDB counts on its own: a record that vanished from the end is found by that. */
static bool check_count(struct lmdb_verify *verify, struct error *error)
{
    uint64_t last, count;
    uint32_t crc;
    struct lmdb_anchor anchor;
    if (!lmdb_last_record(verify->store, verify->txn, &last, &crc, &count, error) ||
        !lmdb_anchor_read(verify->store, verify->txn, &anchor, error))
        return false;
    verify->trimmed = anchor.through;
    if (count == last - anchor.through && verify->chain.next == last + 1)
        return true;
    return error_set(error, ERROR_CORRUPT,
                     "record %" PRIu64 ": missing; the journal should hold %" PRIu64 " records",
                     verify->chain.next, count);
}

static bool check_records(struct lmdb_verify *verify, struct error *error)
{
    if (!lmdb_scan_records(verify->store, verify->txn, &verify->chain, check_record, verify, error))
        return false;
    if (verify->left == 0)
        return true;
    if (!check_count(verify, error))
        return false;
    verify->type = 1;
    return true;
}

/* The other way round: the record that an object names did set it. */
static bool check_object(void *context, const char *key, uint64_t sequence, const char *payload,
                         size_t size, bool *ret_more, struct error *error)
{
    struct lmdb_verify *verify = context;
    struct journal_record record = {0};
    uint32_t previous_crc, crc;
    uint8_t name[JOURNAL_SEQUENCE_SIZE];
    MDB_val sequence_key = {.mv_size = sizeof name, .mv_data = name}, value;
    journal_sequence_encode(sequence, name);
    if (mdb_get(verify->txn, verify->store->records, &sequence_key, &value) != 0 ||
        !journal_record_decode(value.mv_data, value.mv_size, sequence, &record, &previous_crc, &crc,
                               error) ||
        record.type != verify->type || record.key == NULL || strcmp(record.key, key) != 0 ||
        !same_payload(&record, payload, size))
        return error_set(error, ERROR_CORRUPT,
                         "an object of type %s is not what record %" PRIu64 " set",
                         journal_type_name(verify->type), sequence);
    snprintf(verify->key, sizeof verify->key, "%s", key);
    *ret_more = --verify->left > 0;
    return true;
}

static bool check_objects(struct lmdb_verify *verify, struct error *error)
{
    const char *after = verify->key[0] == '\0' ? NULL : verify->key;
    if (!lmdb_scan_objects(verify->store, verify->txn, verify->type, after, check_object, verify,
                           error))
        return false;
    if (verify->left > 0) {
        verify->type++;
        verify->key[0] = '\0';
    }
    return true;
}

bool lmdb_verify_step(struct lmdb_verify *verify, MDB_txn *txn, bool *ret_finished,
                      struct error *error)
{
    verify->txn = txn;
    verify->left = STEP_SIZE;
    if (!(verify->type == 0 ? check_records(verify, error) : check_objects(verify, error)))
        return false;
    *ret_finished = verify->type > (verify->from_start ? JOURNAL_TYPE_MAX : 0);
    return true;
}

static bool salvage_one(void *context, const void *key, size_t key_size, const void *value,
                        size_t value_size, struct error *error)
{
    struct lmdb_salvage *salvage = context;
    struct journal_record record;
    uint64_t first;
    if (salvage->begins_anywhere && journal_sequence_decode(key, key_size, &first))
        salvage->chain = (struct journal_chain){.next = first};
    salvage->begins_anywhere = false;
    if (!journal_chain_accept(&salvage->chain, key, key_size, value, value_size, &record, error))
        return false;
    if (!salvage->more || salvage->visit == NULL)
        return true;
    return salvage->visit(salvage->context, &record, &salvage->more, error);
}

static bool salvage_anchor(void *context, const void *key, size_t key_size, const void *value,
                           size_t value_size, struct error *error)
{
    struct lmdb_anchor anchor;
    struct lmdb_salvage *salvage = context;
    const char *payload;
    uint64_t sequence;
    size_t size;
    if (!journal_object_decode(JOURNAL_TRIM, key, key_size, value, value_size, &sequence, &payload,
                               &size, error))
        return false;
    if (!lmdb_anchor_parse(payload, &anchor))
        return error_set(error, ERROR_CORRUPT, "no anchor");
    salvage->chain = (struct journal_chain){
        .next = anchor.through + 1, .previous_crc = anchor.crc, .anchored = true};
    return true;
}

/* Without LMDB: the object in which the anchor lies is walked to as well. */
static void find_beginning(struct lmdb_salvage *salvage, const struct lmdb_pages_options *pages)
{
    struct lmdb_pages_options options = *pages;
    struct error ignored = ERROR_NONE;
    char name[24];
    snprintf(name, sizeof name, "object-%d", JOURNAL_TRIM);
    options.database = name;
    options.visit = salvage_anchor;
    options.context = salvage;
    salvage->begins_anywhere = !lmdb_pages_walk(&options, &ignored);
}

bool lmdb_salvage_records(struct lmdb_salvage *salvage, const struct lmdb_pages_options *pages,
                          struct error *error)
{
    struct lmdb_pages_options options = *pages;
    find_beginning(salvage, pages);
    options.database = "records";
    options.visit = salvage_one;
    options.context = salvage;
    salvage->more = true;
    return lmdb_pages_walk(&options, error);
}
