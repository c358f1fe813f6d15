/* lmdb_trim.c: see lmdb_trim.h. */
#include "journal/lmdb/lmdb_trim.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "journal/lmdb/lmdb_anchor.h"

#define STEP_RECORDS 1000u           /* looked at and removed in one transaction */
#define STEP_BYTES ((size_t)1 << 20) /* of what is renewed in one; at least one record */
#define PRESSED_KEEP 1000u           /* what a start checks; more than that makes room */
#define HOUR_US ((int64_t)3600 * 1000000)

struct trim {
    struct lmdb_writer *writer;
    MDB_txn *txn;
    struct journal_chain chain;
    struct lmdb_anchor before, after;
    uint64_t end;             /* the first sequence that stays by number */
    int64_t now_us, young_us; /* what was written since then stays by age */
    struct arena arena;       /* of what is renewed: the map's memory is written to */
    struct journal_append *renewed;
    size_t renewed_count;
};

/* ---- how much ---- */

static int count_objects(const struct lmdb_store *store, MDB_txn *txn, uint64_t *ret_count)
{
    MDB_stat status;
    *ret_count = 0;
    for (unsigned type = 1; type <= JOURNAL_TYPE_MAX; type++) {
        if (!store->has_objects[type])
            continue;
        int code = mdb_stat(txn, store->objects[type], &status);
        if (code != 0)
            return code;
        *ret_count += status.ms_entries;
    }
    return 0;
}

/* What is renewed counts as new: with room for twice the objects, each round trims more than it
 * renews. Steps are worth a transaction only when they take a number of records. */
static int find_end(struct trim *trim, bool pressed, bool *ret_enough)
{
    uint64_t objects, last = atomic_load(trim->writer->last_sequence);
    uint64_t count = last - trim->before.through;
    int code = count_objects(trim->writer->store, trim->txn, &objects);
    if (code != 0)
        return code;
    uint64_t keep = pressed ? PRESSED_KEEP : trim->writer->retention.records;
    keep = keep < objects * 2 ? objects * 2 : keep;
    uint64_t least = pressed ? 1 : keep / 8 < STEP_RECORDS ? keep / 8 + 1 : STEP_RECORDS;
    *ret_enough = count >= keep + least;
    trim->end = last - keep + 1;
    return 0;
}

/* ---- what ---- */

/* A time that has not come yet says nothing about age: somebody has set the clock back. */
static bool is_young(const struct trim *trim, const struct journal_record *record)
{
    return record->realtime_us > trim->young_us && record->realtime_us <= trim->now_us;
}

static void renew(struct trim *trim, const struct journal_record *record)
{
    if (trim->renewed == NULL)
        trim->renewed = arena_new(&trim->arena, STEP_RECORDS * sizeof *trim->renewed);
    trim->renewed[trim->renewed_count++] = (struct journal_append){
        .type = (enum journal_type)record->type,
        .key = arena_string(&trim->arena, record->key),
        .payload = arena_copy(&trim->arena, record->payload, record->payload_size),
        .generation = record->generation};
}

static bool look_at(void *context, const struct journal_record *record, bool *ret_more,
                    struct error *error)
{
    struct trim *trim = context;
    uint64_t sequence = 0;
    const char *payload = NULL;
    size_t size;
    *ret_more = record->sequence < trim->end && !is_young(trim, record);
    if (!*ret_more) {
        if (is_young(trim, record) && trim->after.through == trim->before.through)
            trim->writer->trim_again_us = trim->now_us + HOUR_US;
        return true;
    }
    if (record->key != NULL && record->type != JOURNAL_TRIM &&
        !lmdb_get_object(trim->writer->store, trim->txn, record->type, record->key, &sequence,
                         &payload, &size, error))
        return false;
    if (payload != NULL && sequence == record->sequence)
        renew(trim, record);
    trim->after = (struct lmdb_anchor){record->sequence, trim->chain.previous_crc};
    *ret_more = trim->after.through - trim->before.through < STEP_RECORDS &&
                trim->arena.used_bytes < STEP_BYTES + STEP_RECORDS * sizeof *trim->renewed;
    return true;
}

/* Every record that goes is checked once more. */
static bool select_records(struct trim *trim, struct error *error)
{
    trim->chain = lmdb_chain_after(trim->writer->store, trim->before.through);
    return lmdb_scan_records(trim->writer->store, trim->txn, &trim->chain, look_at, trim, error);
}

/* ---- doing it ---- */

static int remove_records(struct trim *trim)
{
    int code = 0;
    for (uint64_t at = trim->before.through + 1; code == 0 && at <= trim->after.through; at++) {
        uint8_t key[JOURNAL_SEQUENCE_SIZE];
        MDB_val name = {.mv_size = sizeof key, .mv_data = key};
        journal_sequence_encode(at, key);
        code = mdb_del(trim->txn, trim->writer->store->records, &name, NULL);
    }
    return code;
}

static int append_all(struct trim *trim, struct lmdb_tip *tip)
{
    char text[LMDB_ANCHOR_TEXT_SIZE];
    struct lmdb_times times = {trim->now_us, clock_boottime_ns()};
    int code = 0;
    lmdb_anchor_print(&trim->after, text);
    struct journal_append anchor = {.type = JOURNAL_TRIM, .key = LMDB_ANCHOR_KEY, .payload = text};
    for (size_t i = 0; code == 0 && i < trim->renewed_count; i++)
        code = lmdb_writer_put(trim->writer, trim->txn, &trim->renewed[i], &times, tip);
    if (code == 0)
        code = lmdb_writer_put(trim->writer, trim->txn, &anchor, &times, tip);
    return code == 0 ? lmdb_writer_put_type(trim->writer, trim->txn, tip) : code;
}

/* Ends the transaction. */
static int carry_out(struct trim *trim)
{
    struct lmdb_writer *writer = trim->writer;
    struct lmdb_tip tip = lmdb_writer_tip(writer);
    int code = remove_records(trim);
    if (code == 0)
        code = append_all(trim, &tip);
    if (code != 0) {
        mdb_txn_abort(trim->txn);
        return code;
    }
    crash_point("journal.trim.before", writer->origin);
    code = mdb_txn_commit(trim->txn);
    if (code != 0)
        return writer->trim_code = code;
    crash_point("journal.trim.after", writer->origin);
    lmdb_writer_take_tip(writer, &tip);
    writer->trimmed = trim->after.through;
    return 0;
}

static bool prepare(struct trim *trim, bool pressed, int *ret_code, struct error *error)
{
    bool enough = false;
    if (!lmdb_anchor_read(trim->writer->store, trim->txn, &trim->before, error))
        return false;
    trim->after = trim->before;
    trim->now_us = clock_realtime_us();
    int64_t age_us = trim->writer->retention.age_us;
    trim->young_us = pressed || age_us == 0 ? trim->now_us : trim->now_us - age_us;
    *ret_code = find_end(trim, pressed, &enough);
    return *ret_code == 0 && enough && select_records(trim, error) &&
           trim->after.through > trim->before.through;
}

uint64_t lmdb_trim_step(struct lmdb_writer *writer, bool pressed, int *ret_code,
                        struct error *error)
{
    struct trim trim = {.writer = writer};
    uint64_t gone = 0;
    *error = ERROR_NONE;
    *ret_code = mdb_txn_begin(writer->store->env, NULL, 0, &trim.txn);
    if (*ret_code != 0)
        return 0;
    arena_init(&trim.arena);
    if (!prepare(&trim, pressed, ret_code, error))
        mdb_txn_abort(trim.txn);
    else if ((*ret_code = carry_out(&trim)) == 0)
        gone = trim.after.through - trim.before.through;
    arena_fini(&trim.arena);
    return gone;
}
