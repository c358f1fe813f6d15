/* lmdb_trim.h: old records go from the front, on the journal's thread, a step at a time. What is
 * there of a thing stays: a record whose object is still that state is renewed at the end first. */
#ifndef COEVAL_JOURNAL_LMDB_LMDB_TRIM_H
#define COEVAL_JOURNAL_LMDB_LMDB_TRIM_H

#include "journal/lmdb/lmdb_writer.h"

/* One step, one transaction, when there is enough to trim. pressed: there is no room for records
 * that come, so only the newest ones count, whatever their age. Returns how many records went; on
 * failure 0 with an LMDB code: the transaction was aborted, or its commit failed. ERROR_CORRUPT in
 * *error (and code 0): what would go is damaged and stays, to be looked at. */
uint64_t lmdb_trim_step(struct lmdb_writer *writer, bool pressed, int *ret_code,
                        struct error *error);

#endif
