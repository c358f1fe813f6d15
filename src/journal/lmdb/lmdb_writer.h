/* lmdb_writer.h: one group of batches, one LMDB transaction; used by the journal's thread only (the
 * write lock of LMDB belongs to a thread). */
#ifndef COEVAL_JOURNAL_LMDB_LMDB_WRITER_H
#define COEVAL_JOURNAL_LMDB_LMDB_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "journal/lmdb/lmdb_store.h"

struct lmdb_writer {
    struct lmdb_store *store;
    pthread_rwlock_t
        *map_lock; /* held by readers of this process; for writing while the map moves */
    const char *origin;
    atomic_uint_fast64_t *last_sequence; /* the newest durable one, read by the loop */
    uint32_t last_crc;
    struct buffer encoded;
    bool no_space;
    uint64_t pages_checked; /* file size at the last look for dead readers */
};

/* For journal_queue_options.write: ERROR_NO_SPACE leaves the journal as it was and usable, any
 * other error means that it is lost. */
bool lmdb_writer_write(struct lmdb_writer *writer, const struct list *group, struct error *error);
/* Frees the pages that killed readers pin, and warns of living ones that hold on to an old state.
 */
void lmdb_writer_check_readers(struct lmdb_writer *writer);

#endif
