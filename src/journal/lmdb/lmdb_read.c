/* lmdb_read.c: read transactions and scans; see lmdb_store.h. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "journal/lmdb/lmdb_anchor.h"

static MDB_val bytes_value(const void *bytes, size_t size)
{
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)bytes};
}

/* Only a process without a running transaction may do it; so we do it between two of ours. */
static int follow_map(struct lmdb_store *store)
{
    return mdb_env_set_mapsize(store->env, 0);
}

bool lmdb_store_begin_read(struct lmdb_store *store, MDB_txn **ret_txn, struct error *error)
{
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, ret_txn);
    if (code == MDB_MAP_RESIZED && (code = follow_map(store)) == 0)
        code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, ret_txn);
    return code == 0 || lmdb_error(error, code, "journal: begin to read");
}

bool lmdb_store_renew(struct lmdb_store *store, MDB_txn *txn, struct error *error)
{
    int code = mdb_txn_renew(txn);
    if (code == MDB_MAP_RESIZED && (code = follow_map(store)) == 0)
        code = mdb_txn_renew(txn);
    return code == 0 || lmdb_error(error, code, "journal: go on to read");
}

bool lmdb_store_check_pages(struct lmdb_store *store, MDB_txn *txn, const char *database,
                            lmdb_pages_fn *visit, void *context, struct error *error)
{
    struct lmdb_pages_options options = {
        .transaction = mdb_txn_id(txn), .database = database, .visit = visit, .context = context};
    int code = mdb_env_get_fd(store->env, &options.fd);
    CHECK(code == 0);
    return lmdb_pages_walk(&options, error);
}

/* What the first record behind `after` must follow is known at the very start only. */
struct journal_chain lmdb_chain_after(const struct lmdb_store *store, uint64_t after)
{
    return (struct journal_chain){
        .next = after + 1, .previous_crc = store->anchor, .anchored = after == 0};
}

/* What was trimmed is not missing: the first record that is left follows the anchor. */
static bool begin_behind_anchor(const struct lmdb_store *store, MDB_txn *txn,
                                struct journal_chain *chain, struct error *error)
{
    struct lmdb_anchor anchor;
    if (!lmdb_anchor_read(store, txn, &anchor, error))
        return false;
    if (chain->next <= anchor.through || (chain->next == anchor.through + 1 && !chain->anchored))
        *chain = (struct journal_chain){
            .next = anchor.through + 1, .previous_crc = anchor.crc, .anchored = true};
    return true;
}

static bool scan_records(MDB_cursor *cursor, struct journal_chain *chain, lmdb_record_fn *visit,
                         void *context, struct error *error)
{
    uint8_t first[JOURNAL_SEQUENCE_SIZE];
    journal_sequence_encode(chain->next, first);
    MDB_val key = bytes_value(first, sizeof first), value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    bool more = true;
    while (code == 0 && more) {
        struct journal_record record;
        if (!journal_chain_accept(chain, key.mv_data, key.mv_size, value.mv_data, value.mv_size,
                                  &record, error) ||
            !visit(context, &record, &more, error))
            return false;
        if (more)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return code == 0 || code == MDB_NOTFOUND ||
           lmdb_error(error, code, "record %" PRIu64, chain->next);
}

bool lmdb_scan_records(const struct lmdb_store *store, MDB_txn *txn, struct journal_chain *chain,
                       lmdb_record_fn *visit, void *context, struct error *error)
{
    MDB_cursor *cursor;
    if (chain->next == 0) /* behind the last possible one */
        return true;
    if (!begin_behind_anchor(store, txn, chain, error))
        return false;
    int code = mdb_cursor_open(txn, store->records, &cursor);
    if (code != 0)
        return lmdb_error(error, code, "journal: read records");
    bool scanned = scan_records(cursor, chain, visit, context, error);
    mdb_cursor_close(cursor);
    return scanned;
}

static bool visit_object(unsigned type, const MDB_val *key, const MDB_val *value,
                         lmdb_object_fn *visit, void *context, bool *ret_more, struct error *error)
{
    char name[JOURNAL_KEY_BYTES_MAX + 1];
    uint64_t sequence;
    const char *payload;
    size_t size;
    if (key->mv_size > JOURNAL_KEY_BYTES_MAX || memchr(key->mv_data, 0, key->mv_size) != NULL)
        return error_set(error, ERROR_CORRUPT, "an object of type %s has an impossible key",
                         journal_type_name(type));
    memcpy(name, key->mv_data, key->mv_size);
    name[key->mv_size] = '\0';
    return journal_object_decode(type, name, key->mv_size, value->mv_data, value->mv_size,
                                 &sequence, &payload, &size, error) &&
           visit(context, name, sequence, payload, size, ret_more, error);
}

static bool scan_objects(MDB_cursor *cursor, unsigned type, const char *after,
                         lmdb_object_fn *visit, void *context, struct error *error)
{
    size_t after_size = after == NULL ? 0 : strlen(after);
    MDB_val key = bytes_value(after, after_size), value;
    int code = mdb_cursor_get(cursor, &key, &value, after == NULL ? MDB_FIRST : MDB_SET_RANGE);
    if (code == 0 && after != NULL && key.mv_size == after_size &&
        memcmp(key.mv_data, after, after_size) == 0)
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    bool more = true;
    while (code == 0 && more) {
        if (!visit_object(type, &key, &value, visit, context, &more, error))
            return false;
        if (more)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return code == 0 || code == MDB_NOTFOUND ||
           lmdb_error(error, code, "objects of type %s", journal_type_name(type));
}

bool lmdb_scan_objects(const struct lmdb_store *store, MDB_txn *txn, unsigned type,
                       const char *after, lmdb_object_fn *visit, void *context, struct error *error)
{
    MDB_cursor *cursor;
    if (type > JOURNAL_TYPE_MAX || !store->has_objects[type])
        return true;
    int code = mdb_cursor_open(txn, store->objects[type], &cursor);
    if (code != 0)
        return lmdb_error(error, code, "journal: read objects");
    bool scanned = scan_objects(cursor, type, after, visit, context, error);
    mdb_cursor_close(cursor);
    return scanned;
}

bool lmdb_get_object(const struct lmdb_store *store, MDB_txn *txn, unsigned type, const char *key,
                     uint64_t *ret_sequence, const char **ret_payload, size_t *ret_size,
                     struct error *error)
{
    size_t key_size = strlen(key);
    MDB_val name = bytes_value(key, key_size), value;
    *ret_payload = NULL;
    if (type > JOURNAL_TYPE_MAX || !store->has_objects[type] || key_size == 0 ||
        key_size > JOURNAL_KEY_BYTES_MAX)
        return true;
    int code = mdb_get(txn, store->objects[type], &name, &value);
    if (code == MDB_NOTFOUND)
        return true;
    if (code != 0)
        return lmdb_error(error, code, "object %s", key);
    return journal_object_decode(type, key, key_size, value.mv_data, value.mv_size, ret_sequence,
                                 ret_payload, ret_size, error);
}

static bool read_last(MDB_cursor *cursor, uint64_t *ret_sequence, uint32_t *ret_crc,
                      struct error *error)
{
    MDB_val key, value;
    struct journal_record record;
    uint32_t previous_crc;
    uint64_t sequence;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (code == MDB_NOTFOUND)
        return true;
    if (code != 0)
        return lmdb_error(error, code, "journal: its last record");
    if (!journal_sequence_decode(key.mv_data, key.mv_size, &sequence))
        return error_set(error, ERROR_CORRUPT, "the last record has no sequence number");
    if (!journal_record_decode(value.mv_data, value.mv_size, sequence, &record, &previous_crc,
                               ret_crc, error))
        return false;
    *ret_sequence = sequence;
    return true;
}

bool lmdb_last_record(const struct lmdb_store *store, MDB_txn *txn, uint64_t *ret_sequence,
                      uint32_t *ret_crc, uint64_t *ret_count, struct error *error)
{
    MDB_cursor *cursor;
    MDB_stat status;
    uint64_t sequence = 0;
    uint32_t crc = store->anchor;
    int code = mdb_stat(txn, store->records, &status);
    if (code == 0)
        code = mdb_cursor_open(txn, store->records, &cursor);
    if (code != 0)
        return lmdb_error(error, code, "journal: its last record");
    bool known = read_last(cursor, &sequence, &crc, error);
    mdb_cursor_close(cursor);
    if (!known)
        return false;
    *ret_sequence = sequence;
    *ret_crc = crc;
    *ret_count = status.ms_entries;
    return true;
}
