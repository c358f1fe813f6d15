/* lmdb_verify.h: the checks of a journal's content, shared by the daemon's start and the tool. The
 * pages must have been checked before (lmdb_store_check_pages). */
#ifndef COEVAL_JOURNAL_LMDB_LMDB_VERIFY_H
#define COEVAL_JOURNAL_LMDB_LMDB_VERIFY_H

#include "journal/lmdb/lmdb_store.h"

#define VERIFY_NEWEST 1000

/* Goes on in steps, each in a short read transaction: records and their chain, each with the object
 * that it set; then, when it began at the first record, each object with the record that set it. */
struct lmdb_verify {
    struct lmdb_store *store;
    MDB_txn *txn; /* of the current step */
    struct journal_chain chain;
    uint64_t records; /* checked so far */
    uint64_t trimmed; /* through this sequence; known when the records were checked */
    bool from_start;
    unsigned type;                       /* of the objects; 0 while records are checked */
    char key[JOURNAL_KEY_BYTES_MAX + 1]; /* the newest object of that type; "" before the first */
    unsigned left;                       /* in the current step */
};

void lmdb_verify_init(struct lmdb_verify *verify, struct lmdb_store *store, uint64_t after);
bool lmdb_verify_step(struct lmdb_verify *verify, MDB_txn *txn, bool *ret_finished,
                      struct error *error);
/* After a failed step: the first record that cannot be trusted; 0: the records are sound. */
uint64_t lmdb_verify_bad_sequence(const struct lmdb_verify *verify);

/* For a file with damaged pages, without LMDB: records up to the damage. Ends with ERROR_CORRUPT,
 * or what visit said. */
struct lmdb_salvage {
    struct journal_chain chain; /* next: the first one that could not be read */
    lmdb_record_fn *visit;      /* NULL: only look for the damage */
    void *context;
    bool more;
    bool begins_anywhere; /* where the records begin cannot be read */
};
bool lmdb_salvage_records(struct lmdb_salvage *salvage, const struct lmdb_pages_options *pages,
                          struct error *error);

#endif
