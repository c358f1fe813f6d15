/* journal_lmdb.h: the journal on LMDB. One directory: data.mdb, lock.mdb, "owner" (flock: exactly one
 * daemon), no WRITEMAP, no NOSYNC. Format and recovery: src/journal/lmdb/DESIGN. */
#ifndef COEVAL_JOURNAL_LMDB_JOURNAL_LMDB_H
#define COEVAL_JOURNAL_LMDB_JOURNAL_LMDB_H

#include "journal/journal.h"

struct journal_lmdb_options {
    const char *directory;   /* made when missing, mode 0700 */
    const char *origin;      /* UUID of the device or agent */
    uint64_t map_bytes;      /* 0: 4 GiB (address space, not disk) */
    journal_done_fn *failed; /* once, on the loop, when the journal is lost: give up and exit */
    void *failed_context;
};

/* Verifies the schema version and the chain of the newest records (all of them when verify_all).
 * ERROR_CONFLICT: another process has it; ERROR_CORRUPT: the text names sequence and reason. */
bool journal_lmdb_open(struct loop *loop, const struct journal_lmdb_options *options,
                       bool verify_all, struct journal **ret_journal, struct error *error);

/* Read-only, for the inspection tool: never locks out and never harms a live daemon. */
struct journal_reader;
bool journal_reader_open(const char *directory, struct journal_reader **ret_reader,
                         struct error *error);
void journal_reader_close(struct journal_reader *reader);
bool journal_reader_records(struct journal_reader *reader, uint64_t after, size_t limit,
                            journal_record_fn *fn, void *context, struct error *error);
bool journal_reader_objects(struct journal_reader *reader, unsigned type, journal_object_fn *fn,
                            void *context, struct error *error);
/* The whole chain and every CRC; on ERROR_CORRUPT *ret_sequence is the first bad record. */
bool journal_reader_verify(struct journal_reader *reader, uint64_t *ret_records,
                           uint64_t *ret_sequence, struct error *error);

#endif
