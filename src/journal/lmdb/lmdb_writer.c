/* lmdb_writer.c: see lmdb_writer.h. */
#include "journal/lmdb/lmdb_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/log.h"
#include "journal/journal_queue.h"

#define GROWTH_PAGES 1024 /* of the file, after which dead readers are looked for */
#define READER_LAG_MAX                                                         \
    10000 /* transactions: a reader that holds on to an older state is told of \
           */

static int put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_size, const void *data,
               size_t size, unsigned flags)
{
    MDB_val name = {.mv_size = key_size, .mv_data = (void *)(uintptr_t)key};
    MDB_val value = {.mv_size = size, .mv_data = (void *)(uintptr_t)data};
    return mdb_put(txn, dbi, &name, &value, flags);
}

static int put_object(struct lmdb_writer *writer, MDB_txn *txn, const struct journal_append *append,
                      uint64_t sequence)
{
    MDB_dbi dbi = writer->store->objects[append->type];
    CHECK(writer->store->has_objects[append->type]);
    if (append->payload == NULL) {
        MDB_val name = {.mv_size = strlen(append->key), .mv_data = (void *)(uintptr_t)append->key};
        int code = mdb_del(txn, dbi, &name, NULL);
        return code == MDB_NOTFOUND ? 0 : code;
    }
    buffer_clear(&writer->encoded);
    journal_object_encode(append->type, append->key, sequence, append->payload, &writer->encoded);
    return put(txn, dbi, append->key, strlen(append->key), writer->encoded.data,
               writer->encoded.size, 0);
}

/* *sequence and *crc are those of the record before; they move on to this one. */
static int put_record(struct lmdb_writer *writer, MDB_txn *txn, const struct journal_batch *batch,
                      const struct journal_append *append, uint64_t *sequence, uint32_t *crc)
{
    uint8_t key[JOURNAL_SEQUENCE_SIZE];
    struct journal_record record = {
        .sequence = *sequence + 1,
        .type = append->type,
        .generation = append->generation,
        .realtime_us = batch->realtime_us,
        .boottime_ns = batch->boottime_ns,
        .payload = append->payload,
        .payload_size = append->payload == NULL ? 0 : strlen(append->payload),
        .key = append->key,
    };
    snprintf(record.origin, sizeof record.origin, "%s", writer->origin);
    buffer_clear(&writer->encoded);
    journal_record_encode(&record, *crc, &writer->encoded, crc);
    journal_sequence_encode(record.sequence, key);
    *sequence = record.sequence;
    return put(txn, writer->store->records, key, sizeof key, writer->encoded.data,
               writer->encoded.size, MDB_APPEND);
}

static int put_batch(struct lmdb_writer *writer, MDB_txn *txn, const struct journal_batch *batch,
                     uint64_t *sequence, uint32_t *crc, unsigned *type_max)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct journal_append *append = &batch->records[i];
        int code = put_record(writer, txn, batch, append, sequence, crc);
        if (code == 0 && append->key != NULL)
            code = put_object(writer, txn, append, *sequence);
        if (code != 0)
            return code;
        if (append->type > *type_max)
            *type_max = append->type;
    }
    return 0;
}

static int put_group(struct lmdb_writer *writer, MDB_txn *txn, const struct list *group,
                     uint64_t *sequence, uint32_t *crc, unsigned *type_max)
{
    int code = 0;
    for (struct list *node = group->next; code == 0 && node != group; node = node->next)
        code = put_batch(writer, txn, list_entry(node, struct journal_batch, node), sequence, crc,
                         type_max);
    if (code == 0 && *type_max > writer->store->type_max) {
        uint32_t value = *type_max;
        code =
            put(txn, writer->store->meta, "type-max", strlen("type-max"), &value, sizeof value, 0);
    }
    return code;
}

static int write_once(struct lmdb_writer *writer, const struct list *group)
{
    uint64_t sequence = atomic_load(writer->last_sequence);
    uint32_t crc = writer->last_crc;
    unsigned type_max = writer->store->type_max;
    MDB_txn *txn;
    int code = mdb_txn_begin(writer->store->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    code = put_group(writer, txn, group, &sequence, &crc, &type_max);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    crash_point("journal.commit.before", writer->origin);
    code = mdb_txn_commit(txn);
    if (code != 0)
        return code;
    crash_point("journal.commit.after", writer->origin);
    atomic_store(writer->last_sequence, sequence);
    writer->last_crc = crc;
    writer->store->type_max = type_max;
    return 0;
}

/* The map may only move while no transaction of this process looks at it. */
static int grow_map(struct lmdb_writer *writer)
{
    MDB_envinfo info;
    int code = mdb_env_info(writer->store->env, &info);
    if (code != 0)
        return code;
    if (info.me_mapsize >= LMDB_MAP_BYTES_MAX)
        return MDB_MAP_FULL;
    pthread_rwlock_wrlock(writer->map_lock);
    code = mdb_env_set_mapsize(writer->store->env, info.me_mapsize * 2);
    pthread_rwlock_unlock(writer->map_lock);
    log_notice(LOG_JOURNAL, "journal.map_grows", "bytes=%zu", info.me_mapsize * 2);
    return code;
}

/* A commit that ran out of space while it wrote its head leaves the environment broken, whatever
 * code it gave: ask it. */
static int probe(struct lmdb_writer *writer)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(writer->store->env, NULL, 0, &txn);
    if (code == 0)
        mdb_txn_abort(txn);
    return code;
}

static bool fail(struct lmdb_writer *writer, int code, struct error *error)
{
    int broken = probe(writer);
    bool may_pass = broken == 0 && (code == ENOSPC || code == EDQUOT || code == MDB_MAP_FULL);
    if (!may_pass) {
        lmdb_error(error, code, "write the journal");
        if (error->code == ERROR_NO_SPACE)
            error->code = ERROR_IO; /* it will not pass */
        log_error(LOG_JOURNAL, "journal.lost", "error=\"%s\"", error->text);
        return false;
    }
    if (!writer->no_space)
        log_error(LOG_JOURNAL, "journal.no_space",
                  "last=%" PRIuFAST64 "; new work is refused until space is free",
                  atomic_load(writer->last_sequence));
    writer->no_space = true;
    return error_set(error, ERROR_NO_SPACE, "write the journal: %s: free some space",
                     code > 0 ? strerror(code) : mdb_strerror(code));
}

static uint64_t pages_now(struct lmdb_writer *writer)
{
    MDB_envinfo info;
    return mdb_env_info(writer->store->env, &info) == 0 ? info.me_last_pgno : 0;
}

bool lmdb_writer_write(struct lmdb_writer *writer, const struct list *group, struct error *error)
{
    int code;
    while ((code = write_once(writer, group)) == MDB_MAP_FULL)
        if ((code = grow_map(writer)) != 0)
            break;
    if (code != 0)
        return fail(writer, code, error);
    if (writer->no_space)
        log_notice(LOG_JOURNAL, "journal.space_again", "last=%" PRIuFAST64,
                   atomic_load(writer->last_sequence));
    writer->no_space = false;
    if (pages_now(writer) > writer->pages_checked + GROWTH_PAGES)
        lmdb_writer_check_readers(writer);
    return true;
}

struct reader_search {
    size_t newest;
    unsigned long pid;
    size_t oldest;
};

/* LMDB lists readers as text: process, thread, transaction ("-" when idle). */
static int look_at_reader(const char *line, void *context)
{
    struct reader_search *search = context;
    unsigned long pid;
    size_t transaction;
    if (sscanf(line, "%lu %*s %zu", &pid, &transaction) == 2 && transaction < search->oldest) {
        search->oldest = transaction;
        search->pid = pid;
    }
    return 0;
}

void lmdb_writer_check_readers(struct lmdb_writer *writer)
{
    MDB_envinfo info;
    int dead = 0;
    int code = mdb_reader_check(writer->store->env, &dead);
    if (code == 0 && dead > 0)
        log_notice(LOG_JOURNAL, "journal.dead_readers", "count=%d", dead);
    writer->pages_checked = pages_now(writer);
    if (mdb_env_info(writer->store->env, &info) != 0)
        return;
    struct reader_search search = {.newest = info.me_last_txnid, .oldest = info.me_last_txnid};
    mdb_reader_list(writer->store->env, look_at_reader, &search);
    if (search.newest - search.oldest > READER_LAG_MAX)
        log_warning(LOG_JOURNAL, "journal.slow_reader",
                    "pid=%lu behind=%zu; the journal's file grows until that process ends",
                    search.pid, search.newest - search.oldest);
}
