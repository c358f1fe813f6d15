/* lmdb_writer.c: see lmdb_writer.h. */
#include "journal/lmdb/lmdb_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "journal/journal_queue.h"
#include "journal/lmdb/lmdb_trim.h"

#define MAP_RESERVE ((uint64_t)32 << 20)
#define PRESSED_STEPS_MAX 64
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

static int put_record(struct lmdb_writer *writer, MDB_txn *txn, const struct journal_append *append,
                      const struct lmdb_times *times, struct lmdb_tip *tip)
{
    uint8_t key[JOURNAL_SEQUENCE_SIZE];
    struct journal_record record = {
        .sequence = tip->sequence + 1,
        .type = append->type,
        .generation = append->generation,
        .realtime_us = times->realtime_us,
        .boottime_ns = times->boottime_ns,
        .payload = append->payload,
        .payload_size = append->payload == NULL ? 0 : strlen(append->payload),
        .key = append->key,
    };
    snprintf(record.origin, sizeof record.origin, "%s", writer->origin);
    buffer_clear(&writer->encoded);
    journal_record_encode(&record, tip->crc, &writer->encoded, &tip->crc);
    journal_sequence_encode(record.sequence, key);
    tip->sequence = record.sequence;
    return put(txn, writer->store->records, key, sizeof key, writer->encoded.data,
               writer->encoded.size, MDB_APPEND);
}

int lmdb_writer_put(struct lmdb_writer *writer, MDB_txn *txn, const struct journal_append *append,
                    const struct lmdb_times *times, struct lmdb_tip *tip)
{
    int code = put_record(writer, txn, append, times, tip);
    if (code == 0 && append->key != NULL)
        code = put_object(writer, txn, append, tip->sequence);
    if (append->type > tip->type_max)
        tip->type_max = append->type;
    return code;
}

int lmdb_writer_put_type(struct lmdb_writer *writer, MDB_txn *txn, const struct lmdb_tip *tip)
{
    uint32_t value = tip->type_max;
    if (tip->type_max == writer->store->type_max)
        return 0;
    return put(txn, writer->store->meta, "type-max", strlen("type-max"), &value, sizeof value, 0);
}

struct lmdb_tip lmdb_writer_tip(const struct lmdb_writer *writer)
{
    return (struct lmdb_tip){atomic_load(writer->last_sequence), writer->last_crc,
                             writer->store->type_max};
}

void lmdb_writer_take_tip(struct lmdb_writer *writer, const struct lmdb_tip *tip)
{
    atomic_store(writer->last_sequence, tip->sequence);
    writer->last_crc = tip->crc;
    writer->store->type_max = tip->type_max;
}

static int put_batch(struct lmdb_writer *writer, MDB_txn *txn, const struct journal_batch *batch,
                     struct lmdb_tip *tip)
{
    const struct lmdb_times times = {batch->realtime_us, batch->boottime_ns};
    int code = 0;
    for (size_t i = 0; code == 0 && i < batch->count; i++)
        code = lmdb_writer_put(writer, txn, &batch->records[i], &times, tip);
    return code;
}

static int put_group(struct lmdb_writer *writer, MDB_txn *txn, const struct list *group,
                     struct lmdb_tip *tip)
{
    int code = 0;
    for (struct list *node = group->next; code == 0 && node != group; node = node->next)
        code = put_batch(writer, txn, list_entry(node, struct journal_batch, node), tip);
    return code == 0 ? lmdb_writer_put_type(writer, txn, tip) : code;
}

static int write_once(struct lmdb_writer *writer, const struct list *group)
{
    struct lmdb_tip tip = lmdb_writer_tip(writer);
    MDB_txn *txn;
    int code = mdb_txn_begin(writer->store->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    code = put_group(writer, txn, group, &tip);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    crash_point("journal.commit.before", writer->origin);
    code = mdb_txn_commit(txn);
    if (code != 0)
        return code;
    crash_point("journal.commit.after", writer->origin);
    lmdb_writer_take_tip(writer, &tip);
    return 0;
}

/* ---- room ---- */

/* The map may only move while no transaction of this process looks at it. */
static int set_map(struct lmdb_writer *writer, uint64_t bytes)
{
    pthread_rwlock_wrlock(writer->map_lock);
    int code = mdb_env_set_mapsize(writer->store->env, bytes);
    pthread_rwlock_unlock(writer->map_lock);
    return code;
}

static int grow_map(struct lmdb_writer *writer, uint64_t bytes)
{
    log_notice(LOG_JOURNAL, "journal.map_grows", "bytes=%" PRIu64, bytes);
    return set_map(writer, bytes);
}

/* Half of what is there, so that the next group does not ask again. */
static int trim_for_room(struct lmdb_writer *writer)
{
    uint64_t before = writer->trimmed, step = 0;
    uint64_t aim = before + (atomic_load(writer->last_sequence) - before) / 2;
    for (unsigned i = 0; i < PRESSED_STEPS_MAX && writer->trimmed <= aim; i++) {
        struct error error;
        int code;
        step = writer->trim_stopped ? 0 : lmdb_trim_step(writer, true, &code, &error);
        if (step == 0)
            break;
    }
    int code = writer->trim_code;
    writer->trim_code = 0;
    if (code != 0 || writer->trimmed == before)
        return code != 0 ? code : MDB_MAP_FULL;
    log_warning(LOG_JOURNAL, "journal.trimmed_for_room",
                "records=%" PRIu64 " through=%" PRIu64
                "; the map is as large as it may be: younger records than usual went",
                writer->trimmed - before, writer->trimmed);
    return 0;
}

/* Pages that were freed can be used by the transaction after the next one, and trimming needs some
 * itself: hence a little room beyond the limit, until the group is written. */
static int make_room(struct lmdb_writer *writer)
{
    MDB_envinfo info;
    uint64_t most = writer->retention.map_bytes_max;
    int code = mdb_env_info(writer->store->env, &info);
    if (code != 0)
        return code;
    if (info.me_mapsize < most)
        return grow_map(writer, info.me_mapsize * 2 < most ? info.me_mapsize * 2 : most);
    if ((code = set_map(writer, most + MAP_RESERVE)) != 0)
        return code;
    writer->beyond_limit = true;
    return trim_for_room(writer);
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

static bool is_full(int code)
{
    return code == ENOSPC || code == EDQUOT || code == MDB_MAP_FULL;
}

static bool fail(struct lmdb_writer *writer, int code, struct error *error)
{
    int broken = probe(writer);
    bool may_pass = broken == 0 && is_full(code);
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

/* A damaged record is not trimmed: whoever looks for the damage shall find it. */
static void stop_trimming(struct lmdb_writer *writer, const struct error *error)
{
    writer->trim_stopped = true;
    log_error(LOG_JOURNAL, "journal.trim_stopped", "error=\"%s\"; coeval-journal verify tells more",
              error->text);
}

void lmdb_writer_trim(struct lmdb_writer *writer)
{
    struct error error;
    int code;
    if (writer->trim_stopped || writer->trim_code != 0 ||
        atomic_load(writer->last_sequence) - writer->trimmed <= writer->retention.records ||
        clock_realtime_us() < writer->trim_again_us)
        return;
    uint64_t gone = lmdb_trim_step(writer, false, &code, &error);
    if (gone > 0)
        log_info(LOG_JOURNAL, "journal.trimmed", "records=%" PRIu64 " through=%" PRIu64, gone,
                 writer->trimmed);
    else if (error.code != ERROR_OK)
        stop_trimming(writer, &error);
}

static uint64_t pages_now(struct lmdb_writer *writer)
{
    MDB_envinfo info;
    return mdb_env_info(writer->store->env, &info) == 0 ? info.me_last_pgno : 0;
}

bool lmdb_writer_write(struct lmdb_writer *writer, const struct list *group, struct error *error)
{
    int code = writer->trim_code;
    if (code != 0 && !(is_full(code) && probe(writer) == 0))
        return fail(writer, code, error);
    writer->trim_code = 0;
    while ((code = write_once(writer, group)) == MDB_MAP_FULL)
        if ((code = make_room(writer)) != 0)
            break;
    if (writer->beyond_limit) /* LMDB takes no less than what is in use */
        set_map(writer, writer->retention.map_bytes_max);
    writer->beyond_limit = false;
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
