/* store_util.h: what every task does with a store, written once over the table. Bytes of content
 * are taken from the limiter here (and in each copy_file), so that a byte is paid for once: the
 * read() and write() of a component only count them. */
#ifndef COEVAL_COMPONENT_STORE_UTIL_H
#define COEVAL_COMPONENT_STORE_UTIL_H

#include "component/component.h"

/* A store and its table, as tasks hand them around. */
struct store_ref {
    const struct component *component;
    struct store *store;
    const char *area; /* "/coeval" */
};

/* Every object below top in the order of path_compare(), top itself first with path "": the entries
 * of list(), or of describe() when described. skip (may be NULL) returning true leaves an object
 * and all below it out. Memory: one listing per level. */
typedef bool walk_skip_fn(void *context, const char *path);
bool store_walk(struct store_ref ref, const struct call *call, const char *top, bool described,
                walk_skip_fn *skip, entry_fn *fn, void *context, struct error *error);

bool store_exists(struct store_ref ref, const struct call *call, const char *path, bool *ret_exists,
                  struct error *error);
/* All missing parents too; one that is there is fine. */
bool store_make_directories(struct store_ref ref, const struct call *call, const char *path,
                            uint32_t mode, struct error *error);
/* Nothing there is fine. */
bool store_remove_all(struct store_ref ref, const struct call *call, const char *path,
                      struct error *error);
/* Small whole files of the area: read with a limit; written under "<path>.new", read back and
 * compared, then renamed over the old one: the one atomic step. */
bool store_read_file(struct store_ref ref, const struct call *call, const char *path,
                     size_t limit_bytes, struct buffer *ret_content, struct error *error);
bool store_write_file(struct store_ref ref, const struct call *call, const char *path,
                      const void *data, size_t size, struct error *error);
/* What an interrupted write of that file left goes: its renaming, late, finds nothing. */
bool store_withdraw_file(struct store_ref ref, const struct call *call, const char *path,
                         struct error *error);
/* An object and all below it to another place of the same store, with these attributes (ENTRY_*).
 * `to` must not exist, its parent does; a failure leaves half of it. */
bool store_copy_tree(struct store_ref ref, const struct call *call, const char *from,
                     const char *to, unsigned fields, struct error *error);
/* CRC and length of a file's content, by reading it. */
bool store_read_crc(struct store_ref ref, const struct call *call, const char *path,
                    uint32_t *ret_crc32c, uint64_t *ret_length, struct error *error);
/* Do two files of one store hold the same? By its checksums, or, where it has none, by reading
 * both. Not the same by checksum may still be the same bytes in another layout. */
bool store_same_content(struct store_ref ref, const struct call *call, const char *first,
                        const char *second, bool *ret_same, struct error *error);
/* How many bytes copy_file reads. A file open at T may grow in a snapshot that a store took in
 * O(1): what was there when it was described is copied. Any other source is read to its end, so
 * that a wrong length shows. */
uint64_t store_copy_length(const struct copy_order *order);
/* copy_file for any target, by its reader and writer table calls: what an implementation uses when
 * it has nothing better. One buffer of 1 MiB. */
bool store_copy_stream(struct store_ref target, const struct call *call,
                       const struct copy_order *order, struct copy_result *ret_result,
                       struct error *error);

#endif
