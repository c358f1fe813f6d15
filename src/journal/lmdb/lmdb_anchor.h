/* lmdb_anchor.h: where the records begin, once older ones were trimmed away: sequence and CRC of
 * the last trimmed one, which the first kept one follows. It is the payload of a record and its
 * object (type trim, key "anchor"), so chain and checks cover it like any other. */
#ifndef COEVAL_JOURNAL_LMDB_LMDB_ANCHOR_H
#define COEVAL_JOURNAL_LMDB_LMDB_ANCHOR_H

#include "journal/lmdb/lmdb_store.h"

#define LMDB_ANCHOR_KEY "anchor"
#define LMDB_ANCHOR_TEXT_SIZE 96

struct lmdb_anchor {
    uint64_t through; /* 0: nothing was trimmed, and the CRC is the journal's own */
    uint32_t crc;
};

void lmdb_anchor_print(const struct lmdb_anchor *anchor, char ret_text[LMDB_ANCHOR_TEXT_SIZE]);
/* Only what print wrote. */
bool lmdb_anchor_parse(const char *text, struct lmdb_anchor *ret_anchor);
bool lmdb_anchor_read(const struct lmdb_store *store, MDB_txn *txn, struct lmdb_anchor *ret_anchor,
                      struct error *error);

#endif
