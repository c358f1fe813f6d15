/* lmdb_writer.h: one group of batches, one LMDB transaction; used by the journal's thread only (the
 * write lock of LMDB belongs to a thread). */
#ifndef COEVAL_JOURNAL_LMDB_LMDB_WRITER_H
#define COEVAL_JOURNAL_LMDB_LMDB_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "journal/lmdb/lmdb_store.h"

/* How much of the past stays: the newest records, and those of this age; either keeps. */
struct lmdb_retention {
    uint64_t records;
    int64_t age_us;         /* 0: the number alone */
    uint64_t map_bytes_max; /* beyond it the past makes room */
};

struct lmdb_writer {
    struct lmdb_store *store;
    pthread_rwlock_t
        *map_lock; /* held by readers of this process; for writing while the map moves */
    const char *origin;
    atomic_uint_fast64_t *last_sequence; /* the newest durable one, read by the loop */
    uint32_t last_crc;
    struct buffer encoded;
    bool no_space;
    bool beyond_limit;      /* the map is larger than it may be, for a moment */
    uint64_t pages_checked; /* file size at the last look for dead readers */
    struct lmdb_retention retention;
    uint64_t trimmed;      /* through this sequence */
    int64_t trim_again_us; /* before that all records are young */
    bool trim_stopped;     /* what would go is damaged: it stays for whoever looks */
    int trim_code;         /* of a commit that failed while trimming; 0: none */
};

/* For journal_queue_options.write: ERROR_NO_SPACE leaves the journal as it was and usable, any
 * other error means that it is lost. */
bool lmdb_writer_write(struct lmdb_writer *writer, const struct list *group, struct error *error);
/* A step of trimming, when it is due. Between groups. */
void lmdb_writer_trim(struct lmdb_writer *writer);
/* Frees the pages that killed readers pin, and warns of living ones that hold on to an old state.
 */
void lmdb_writer_check_readers(struct lmdb_writer *writer);

/* The newest record, as a transaction moves it on. */
struct lmdb_tip {
    uint64_t sequence;
    uint32_t crc;
    unsigned type_max;
};
struct lmdb_times {
    int64_t realtime_us, boottime_ns;
};
struct lmdb_tip lmdb_writer_tip(const struct lmdb_writer *writer);
void lmdb_writer_take_tip(struct lmdb_writer *writer, const struct lmdb_tip *tip); /* committed */
/* LMDB codes. One record behind the tip, with its object; and the highest type, once at the end. */
int lmdb_writer_put(struct lmdb_writer *writer, MDB_txn *txn, const struct journal_append *append,
                    const struct lmdb_times *times, struct lmdb_tip *tip);
int lmdb_writer_put_type(struct lmdb_writer *writer, MDB_txn *txn, const struct lmdb_tip *tip);

#endif
