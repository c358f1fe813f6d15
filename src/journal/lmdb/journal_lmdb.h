/* journal_lmdb.h: the journal on LMDB. One directory: data.mdb, lock.mdb, "owner" (its lock:
 * exactly one daemon), no WRITEMAP, no NOSYNC. Format and recovery: src/journal/DESIGN. */
#ifndef COEVAL_JOURNAL_LMDB_JOURNAL_LMDB_H
#define COEVAL_JOURNAL_LMDB_JOURNAL_LMDB_H

#include "journal/journal.h"

struct journal_lmdb_options {
    const char *directory;  /* made when missing, mode 0700 */
    const char *origin;     /* UUID of the device or agent */
    uint64_t map_bytes;     /* 0: 4 GiB (address space, not disk) */
    uint64_t map_bytes_max; /* 0: 1 TiB; beyond it the past makes room */
    /* Older records than the newest keep_records and than keep_age_us are trimmed; 0 records:
     * 100,000 and 30 days. 0 age: by number alone. */
    uint64_t keep_records;
    int64_t keep_age_us;
    journal_done_fn *failed; /* once, on the loop, when the journal is lost: give up and exit */
    void *failed_context;
};

/* Verifies the file's structure, the schema version and the chain of the newest 1,000 records (all
 * records and objects when verify_all). ERROR_CONFLICT: another process has it (the text says
 * which), or a newer program wrote it; ERROR_CORRUPT: the text names sequence and reason. The
 * journal writes no record of its own: JOURNAL_OPENED is the daemon's to append. The loop must
 * outlive the journal, and run once more after close() or be freed. Not across fork(). */
bool journal_lmdb_open(struct loop *loop, const struct journal_lmdb_options *options,
                       bool verify_all, struct journal **ret_journal, struct error *error);

/* Read-only, for the inspection tool: never locks out and never harms a live daemon, of another
 * process (LMDB allows one opening of a file in a process). What fn gets is a copy: the read
 * transaction ends before fn is called, so that a slow reader of the output holds nothing up.
 * A damaged journal opens as long as its head is sound, and shows its records up to the damage. */
struct journal_reader;
bool journal_reader_open(const char *directory, struct journal_reader **ret_reader,
                         struct error *error);
void journal_reader_close(struct journal_reader *reader);
bool journal_reader_records(struct journal_reader *reader, uint64_t after, size_t limit,
                            journal_record_fn *fn, void *context, struct error *error);
bool journal_reader_objects(struct journal_reader *reader, unsigned type, journal_object_fn *fn,
                            void *context, struct error *error);
uint64_t journal_reader_last(struct journal_reader *reader);        /* 0: none, or not known */
const char *journal_reader_id(const struct journal_reader *reader); /* "" when damaged */
/* The process that owns the journal: 0 none, -1 not known. */
int journal_reader_owner(const struct journal_reader *reader);
/* The whole chain, every CRC and every object; on ERROR_CORRUPT *ret_sequence is the first bad
 * record, 0 when all are sound and the damage is elsewhere. */
bool journal_reader_verify(struct journal_reader *reader, uint64_t *ret_records,
                           uint64_t *ret_sequence, struct error *error);
/* Records up to this sequence were trimmed; 0: none, or not known. */
uint64_t journal_reader_trimmed(struct journal_reader *reader);

#endif
