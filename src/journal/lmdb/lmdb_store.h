/* lmdb_store.h: the LMDB environment of a journal and its databases: "meta" (schema, id, highest
 * type), "records", and "object-N" for each type N. Shared by the daemon's journal and the reader;
 * neither knows the other. */
#ifndef COEVAL_JOURNAL_LMDB_LMDB_STORE_H
#define COEVAL_JOURNAL_LMDB_LMDB_STORE_H

#include <lmdb.h>

#include "journal/journal_record.h"
#include "journal/lmdb/lmdb_pages.h"

#define LMDB_SCHEMA 1u
#define LMDB_MAP_BYTES_DEFAULT ((uint64_t)4 << 30)
#define LMDB_MAP_BYTES_MAX ((uint64_t)1 << 40)
#define LMDB_KEEP_RECORDS 100000u /* and 30 days: either keeps a record */
#define LMDB_KEEP_AGE_US ((int64_t)30 * 86400 * 1000000)

struct lmdb_store {
    MDB_env *env;
    MDB_dbi meta, records;
    MDB_dbi objects[JOURNAL_TYPE_MAX + 1];
    bool has_objects[JOURNAL_TYPE_MAX + 1];
    char journal_id[JOURNAL_ORIGIN_SIZE + 1];
    uint32_t anchor;   /* what the first record follows */
    unsigned type_max; /* highest type of any record */
};

/* Makes directory/data.mdb, complete with its schema, or nothing: it is built beside and renamed.
 */
bool lmdb_store_create(const char *directory, uint64_t map_bytes, struct error *error);
/* LMDB maps lock.mdb without having its blocks: on a full disk that is a SIGBUS. So they are asked
 * for first. ERROR_NO_SPACE. */
bool lmdb_store_reserve_lock(const char *directory, struct error *error);
/* flags: MDB_RDONLY, MDB_NOLOCK. map_bytes 0: what the file says. The file must be there and its
 * head must have passed lmdb_pages_check_head(). Its databases are not opened yet. */
bool lmdb_store_open(struct lmdb_store *store, const char *directory, unsigned flags,
                     uint64_t map_bytes, struct error *error);
/* After the pages were checked. ERROR_CONFLICT: a newer schema. writable makes what is missing. */
bool lmdb_store_open_databases(struct lmdb_store *store, bool writable, struct error *error);
void lmdb_store_close(struct lmdb_store *store); /* half-opened is fine */

/* The one translator of LMDB's codes. Returns false. */
bool lmdb_error(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Begins a read transaction; when another process has grown the map, follows it. */
bool lmdb_store_begin_read(struct lmdb_store *store, MDB_txn **ret_txn, struct error *error);
bool lmdb_store_renew(struct lmdb_store *store, MDB_txn *txn, struct error *error);
bool lmdb_store_check_pages(struct lmdb_store *store, MDB_txn *txn, const char *database,
                            lmdb_pages_fn *visit, void *context, struct error *error);
/* ERROR_CONFLICT: a newer program wrote records that this one does not understand (a newer schema
 * is refused by open already). */
bool lmdb_store_check_types(const struct lmdb_store *store, struct error *error);

/* Within a read transaction; what visit gets is borrowed from the map. visit sets *ret_more to end
 * the scan without an error. */
typedef bool lmdb_record_fn(void *context, const struct journal_record *record, bool *ret_more,
                            struct error *error);
typedef bool lmdb_object_fn(void *context, const char *key, uint64_t sequence, const char *payload,
                            size_t size, bool *ret_more, struct error *error);
/* Records from chain->next on, with CRC, order and chain; goes on where it left off when called
 * with the same chain again, or behind what was trimmed since. */
struct journal_chain lmdb_chain_after(const struct lmdb_store *store, uint64_t after);
bool lmdb_scan_records(const struct lmdb_store *store, MDB_txn *txn, struct journal_chain *chain,
                       lmdb_record_fn *visit, void *context, struct error *error);
/* after NULL: from the first key. */
bool lmdb_scan_objects(const struct lmdb_store *store, MDB_txn *txn, unsigned type,
                       const char *after, lmdb_object_fn *visit, void *context,
                       struct error *error);
/* *ret_payload is borrowed from the map; NULL: there is no such object. */
bool lmdb_get_object(const struct lmdb_store *store, MDB_txn *txn, unsigned type, const char *key,
                     uint64_t *ret_sequence, const char **ret_payload, size_t *ret_size,
                     struct error *error);
/* 0 with crc = anchor when there is none; count is what LMDB believes to hold. */
bool lmdb_last_record(const struct lmdb_store *store, MDB_txn *txn, uint64_t *ret_sequence,
                      uint32_t *ret_crc, uint64_t *ret_count, struct error *error);

#endif
