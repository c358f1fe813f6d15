/* lmdb_anchor.c: see lmdb_anchor.h. */
#include "journal/lmdb/lmdb_anchor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void lmdb_anchor_print(const struct lmdb_anchor *anchor, char ret_text[LMDB_ANCHOR_TEXT_SIZE])
{
    snprintf(ret_text, LMDB_ANCHOR_TEXT_SIZE, "{\"crc\":%" PRIu32 ",\"through\":%" PRIu64 "}",
             anchor->crc, anchor->through);
}

bool lmdb_anchor_parse(const char *text, struct lmdb_anchor *ret_anchor)
{
    struct lmdb_anchor anchor;
    char again[LMDB_ANCHOR_TEXT_SIZE];
    if (sscanf(text, "{\"crc\":%" SCNu32 ",\"through\":%" SCNu64 "}", &anchor.crc,
               &anchor.through) != 2)
        return false;
    lmdb_anchor_print(&anchor, again);
    if (strcmp(text, again) != 0 || anchor.through == 0)
        return false;
    *ret_anchor = anchor;
    return true;
}

bool lmdb_anchor_read(const struct lmdb_store *store, MDB_txn *txn, struct lmdb_anchor *ret_anchor,
                      struct error *error)
{
    const char *payload;
    uint64_t sequence;
    size_t size;
    struct lmdb_anchor anchor = {.through = 0, .crc = store->anchor};
    if (!lmdb_get_object(store, txn, JOURNAL_TRIM, LMDB_ANCHOR_KEY, &sequence, &payload, &size,
                         error))
        return error_wrap(error, "where the records begin");
    if (payload != NULL && !lmdb_anchor_parse(payload, &anchor))
        return error_set(error, ERROR_CORRUPT, "what says where the records begin is no anchor");
    *ret_anchor = anchor;
    return true;
}
