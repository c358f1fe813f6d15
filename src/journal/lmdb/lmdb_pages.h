/* lmdb_pages.h: reads a data.mdb by pread(2), page by page, trusting nothing. LMDB itself follows
 * page numbers and offsets unchecked: one flipped bit there and it reads beyond its map. So a file
 * is walked here first, and handed to LMDB only when every number in it stays inside it. A damaged
 * file can still be read this way up to the damage. */
#ifndef COEVAL_JOURNAL_LMDB_LMDB_PAGES_H
#define COEVAL_JOURNAL_LMDB_LMDB_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* All memory is borrowed for the call; false with *error set ends the walk. */
typedef bool lmdb_pages_fn(void *context, const void *key, size_t key_size, const void *value,
                           size_t value_size, struct error *error);

struct lmdb_pages_options {
    int fd;
    bool any_transaction; /* the newest in the file; for one that nobody writes */
    uint64_t transaction; /* else this one, pinned by a read transaction of the caller */
    const char *database; /* visit only this one, and check nothing else; NULL: check all */
    lmdb_pages_fn *visit; /* in key order; NULL: values are not read */
    void *context;
};

/* ERROR_CORRUPT says where in the file. A database that is not there has nothing to visit. */
bool lmdb_pages_walk(const struct lmdb_pages_options *options, struct error *error);
/* Only the two head pages: what must hold before LMDB may open the file. */
bool lmdb_pages_check_head(int fd, struct error *error);

#endif
