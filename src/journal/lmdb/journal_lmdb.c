/* journal_lmdb.c: the daemon's journal: owner, store, writer and queue put together, and reading
 * for start-up and the API. See journal_lmdb.h and src/journal/DESIGN. */
#include "journal/lmdb/journal_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "journal/journal_queue.h"
#include "journal/lmdb/journal_owner.h"
#include "journal/lmdb/lmdb_anchor.h"
#include "journal/lmdb/lmdb_verify.h"
#include "journal/lmdb/lmdb_writer.h"

struct journal_lmdb {
    struct journal journal; /* first: the caller's view */
    struct lmdb_store store;
    struct lmdb_writer writer;
    struct journal_queue *queue;
    pthread_rwlock_t map_lock;
    atomic_uint_fast64_t last_sequence;
    /* One read transaction kept ready, so that a read of ours needs no lock that a stopped reader
     * in another process could hold; and a lock of our own for who uses it. */
    pthread_mutex_t reading;
    MDB_txn *ready;
    int owner_fd;
    char origin[JOURNAL_ORIGIN_SIZE + 1];
};

static const struct journal_operations lmdb_operations;

static struct journal_lmdb *lmdb_of(struct journal *journal)
{
    CHECK(journal->operations == &lmdb_operations);
    return container_of(journal, struct journal_lmdb, journal);
}

/* Opening: each step needs the ones before it. */

static bool make_when_missing(const struct journal_lmdb_options *options, uint64_t map_bytes,
                              struct error *error)
{
    struct buffer path;
    buffer_init(&path, 0);
    buffer_append_format(&path, "%s/data.mdb", options->directory);
    bool there = access(buffer_text(&path), F_OK) == 0;
    int number = errno;
    buffer_fini(&path);
    if (there)
        return true;
    if (number != ENOENT)
        return error_set_errno(error, number, "look for the journal in %s", options->directory);
    return lmdb_store_create(options->directory, map_bytes, error);
}

/* LMDB may look at the file only after this. Whoever owns the journal is alone with it. */
static bool check_pages(const char *directory, struct error *error)
{
    struct buffer path;
    buffer_init(&path, 0);
    buffer_append_format(&path, "%s/data.mdb", directory);
    struct lmdb_pages_options pages = {.any_transaction = true};
    pages.fd = open(buffer_text(&path), O_RDONLY | O_CLOEXEC);
    buffer_fini(&path);
    if (pages.fd < 0)
        return error_set_errno(error, errno, "open the journal in %s", directory);
    bool sound = lmdb_pages_walk(&pages, error);
    if (!sound && error->code == ERROR_CORRUPT) {
        struct lmdb_salvage salvage = {.chain = {.next = 1}};
        struct error at_record = ERROR_NONE;
        if (!lmdb_salvage_records(&salvage, &pages, &at_record)) {
            *error = at_record;
            error_wrap(error, "the journal is damaged at record %llu",
                       (unsigned long long)salvage.chain.next);
        }
    }
    close(pages.fd);
    return sound;
}

static bool verify_records(struct journal_lmdb *lmdb, uint64_t after, struct error *error)
{
    struct lmdb_verify verify;
    bool finished = false;
    lmdb_verify_init(&verify, &lmdb->store, after);
    while (!finished)
        if (!lmdb_verify_step(&verify, lmdb->ready, &finished, error))
            return error->code == ERROR_CORRUPT ? error_wrap(error, "the journal is damaged")
                                                : false;
    return true;
}

static bool load(struct journal_lmdb *lmdb, bool verify_all, struct error *error)
{
    struct lmdb_anchor anchor;
    uint64_t last, count;
    if (!lmdb_store_check_types(&lmdb->store, error) ||
        !lmdb_store_begin_read(&lmdb->store, &lmdb->ready, error) ||
        !lmdb_last_record(&lmdb->store, lmdb->ready, &last, &lmdb->writer.last_crc, &count,
                          error) ||
        !lmdb_anchor_read(&lmdb->store, lmdb->ready, &anchor, error))
        return false;
    uint64_t after = verify_all || last <= VERIFY_NEWEST ? 0 : last - VERIFY_NEWEST;
    if (!verify_records(lmdb, after, error))
        return false;
    mdb_txn_reset(lmdb->ready);
    atomic_store(&lmdb->last_sequence, last);
    lmdb->writer.trimmed = anchor.through;
    return true;
}

static bool write_group(void *context, const struct list *group, struct error *error)
{
    struct journal_lmdb *lmdb = context;
    if (!lmdb_writer_write(&lmdb->writer, group, error))
        return false;
    lmdb_writer_trim(&lmdb->writer);
    return true;
}

static void when_idle(void *context)
{
    struct journal_lmdb *lmdb = context;
    lmdb_writer_check_readers(&lmdb->writer);
    lmdb_writer_trim(&lmdb->writer);
}

static bool start_queue(struct journal_lmdb *lmdb, struct loop *loop,
                        const struct journal_lmdb_options *options, struct error *error)
{
    struct journal_queue_options queue = {.loop = loop,
                                          .write = write_group,
                                          .idle = when_idle,
                                          .context = lmdb,
                                          .failed = options->failed,
                                          .failed_context = options->failed_context};
    return journal_queue_new(&queue, &lmdb->queue, error);
}

static bool open_all(struct journal_lmdb *lmdb, struct loop *loop,
                     const struct journal_lmdb_options *options, bool verify_all,
                     struct error *error)
{
    uint64_t map = options->map_bytes == 0 ? LMDB_MAP_BYTES_DEFAULT : options->map_bytes;
    if (!file_make_directories(options->directory, 0700, error) ||
        !journal_owner_take(options->directory, &lmdb->owner_fd, error) ||
        !make_when_missing(options, map, error) || !check_pages(options->directory, error) ||
        !lmdb_store_reserve_lock(options->directory, error) ||
        !lmdb_store_open(&lmdb->store, options->directory, 0, map, error) ||
        !lmdb_store_open_databases(&lmdb->store, true, error) || !load(lmdb, verify_all, error))
        return false;
    lmdb_writer_check_readers(&lmdb->writer);
    return start_queue(lmdb, loop, options, error);
}

static void free_lmdb(struct journal_lmdb *lmdb)
{
    if (lmdb->ready != NULL)
        mdb_txn_abort(lmdb->ready);
    lmdb_store_close(&lmdb->store);
    journal_owner_release(lmdb->owner_fd);
    buffer_fini(&lmdb->writer.encoded);
    pthread_rwlock_destroy(&lmdb->map_lock);
    pthread_mutex_destroy(&lmdb->reading);
    free(lmdb);
}

static struct lmdb_retention retention_of(const struct journal_lmdb_options *options)
{
    struct lmdb_retention retention = {options->keep_records, options->keep_age_us,
                                       options->map_bytes_max};
    if (retention.records == 0) {
        retention.records = LMDB_KEEP_RECORDS;
        retention.age_us = LMDB_KEEP_AGE_US;
    }
    if (retention.map_bytes_max == 0)
        retention.map_bytes_max = LMDB_MAP_BYTES_MAX;
    return retention;
}

bool journal_lmdb_open(struct loop *loop, const struct journal_lmdb_options *options,
                       bool verify_all, struct journal **ret_journal, struct error *error)
{
    struct journal_lmdb *lmdb = memory_new(sizeof *lmdb);
    lmdb->journal.operations = &lmdb_operations;
    lmdb->owner_fd = -1;
    pthread_rwlock_init(&lmdb->map_lock, NULL);
    pthread_mutex_init(&lmdb->reading, NULL);
    snprintf(lmdb->origin, sizeof lmdb->origin, "%s", options->origin);
    lmdb->writer = (struct lmdb_writer){.store = &lmdb->store,
                                        .map_lock = &lmdb->map_lock,
                                        .origin = lmdb->origin,
                                        .last_sequence = &lmdb->last_sequence,
                                        .retention = retention_of(options)};
    buffer_init(&lmdb->writer.encoded, 2 * JOURNAL_PAYLOAD_BYTES_MAX);
    if (!open_all(lmdb, loop, options, verify_all, error)) {
        free_lmdb(lmdb);
        return false;
    }
    *ret_journal = &lmdb->journal;
    return true;
}

static void close_lmdb(struct journal *journal)
{
    struct journal_lmdb *lmdb = lmdb_of(journal);
    journal_queue_close(lmdb->queue);
    free_lmdb(lmdb);
}

static bool append_lmdb(struct journal *journal, const struct journal_append *records, size_t count,
                        journal_done_fn *done, void *context, struct error *error)
{
    return journal_queue_add(lmdb_of(journal)->queue, records, count, done, context, error);
}

static uint64_t last_sequence_lmdb(struct journal *journal)
{
    return atomic_load(&lmdb_of(journal)->last_sequence);
}

/* Reading. The map stays where it is while read_begin()..read_end() lasts; a callback may read
 * again (the lock is shared, and glibc's lets a second reader in while a writer waits). */

static bool read_begin(struct journal_lmdb *lmdb, MDB_txn **ret_txn, struct error *error)
{
    pthread_rwlock_rdlock(&lmdb->map_lock);
    pthread_mutex_lock(&lmdb->reading);
    MDB_txn *ready = lmdb->ready;
    lmdb->ready = NULL;
    pthread_mutex_unlock(&lmdb->reading);
    bool begun = ready != NULL ? lmdb_store_renew(&lmdb->store, ready, error)
                               : lmdb_store_begin_read(&lmdb->store, &ready, error);
    if (begun) {
        *ret_txn = ready;
        return true;
    }
    if (ready != NULL)
        mdb_txn_abort(ready);
    pthread_rwlock_unlock(&lmdb->map_lock);
    return false;
}

static void read_end(struct journal_lmdb *lmdb, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    pthread_mutex_lock(&lmdb->reading);
    MDB_txn *surplus = lmdb->ready;
    lmdb->ready = txn;
    pthread_mutex_unlock(&lmdb->reading);
    if (surplus != NULL)
        mdb_txn_abort(surplus);
    pthread_rwlock_unlock(&lmdb->map_lock);
}

struct object_visit {
    journal_object_fn *fn;
    void *context;
};

static bool visit_object(void *context, const char *key, uint64_t sequence, const char *payload,
                         size_t size, bool *ret_more, struct error *error)
{
    const struct object_visit *visit = context;
    (void)sequence;
    (void)ret_more;
    return visit->fn(visit->context, key, payload, size, error);
}

static bool objects_lmdb(struct journal *journal, enum journal_type type, journal_object_fn *fn,
                         void *context, struct error *error)
{
    struct journal_lmdb *lmdb = lmdb_of(journal);
    struct object_visit visit = {.fn = fn, .context = context};
    MDB_txn *txn;
    if (!read_begin(lmdb, &txn, error))
        return false;
    bool read = lmdb_scan_objects(&lmdb->store, txn, type, NULL, visit_object, &visit, error);
    read_end(lmdb, txn);
    return read;
}

static bool object_lmdb(struct journal *journal, enum journal_type type, const char *key,
                        struct buffer *ret_payload, struct error *error)
{
    struct journal_lmdb *lmdb = lmdb_of(journal);
    const char *payload = NULL;
    uint64_t sequence;
    size_t size;
    MDB_txn *txn;
    if (!read_begin(lmdb, &txn, error))
        return false;
    bool read = lmdb_get_object(&lmdb->store, txn, type, key, &sequence, &payload, &size, error);
    if (read && payload == NULL)
        read = error_set(error, ERROR_NOT_FOUND, "the journal has no %s '%s'",
                         journal_type_name(type), key);
    if (read) {
        buffer_clear(ret_payload);
        buffer_append(ret_payload, payload, size);
        if (ret_payload->failed)
            read = error_set(error, ERROR_LIMIT, "%s '%s' is larger than asked for",
                             journal_type_name(type), key);
    }
    read_end(lmdb, txn);
    return read;
}

struct record_visit {
    journal_record_fn *fn;
    void *context;
    size_t left;
};

static bool visit_record(void *context, const struct journal_record *record, bool *ret_more,
                         struct error *error)
{
    struct record_visit *visit = context;
    if (!visit->fn(visit->context, record, error))
        return false;
    *ret_more = --visit->left > 0;
    return true;
}

static bool records_lmdb(struct journal *journal, uint64_t after, size_t limit,
                         journal_record_fn *fn, void *context, struct error *error)
{
    struct journal_lmdb *lmdb = lmdb_of(journal);
    struct record_visit visit = {.fn = fn, .context = context, .left = limit};
    struct journal_chain chain = lmdb_chain_after(&lmdb->store, after);
    MDB_txn *txn;
    if (limit == 0)
        return true;
    if (!read_begin(lmdb, &txn, error))
        return false;
    bool read = lmdb_scan_records(&lmdb->store, txn, &chain, visit_record, &visit, error);
    read_end(lmdb, txn);
    return read;
}

static const struct journal_operations lmdb_operations = {
    .append = append_lmdb,
    .objects = objects_lmdb,
    .object = object_lmdb,
    .records = records_lmdb,
    .last_sequence = last_sequence_lmdb,
    .close = close_lmdb,
};
