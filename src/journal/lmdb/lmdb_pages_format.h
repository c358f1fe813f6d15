/* lmdb_pages_format.h: the layout of LMDB's file (data version 1, 64 bits, little endian) as far as
 * the checker of lmdb_pages.c needs it, and the reading of its head. */
#ifndef COEVAL_JOURNAL_LMDB_LMDB_PAGES_FORMAT_H
#define COEVAL_JOURNAL_LMDB_LMDB_PAGES_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(size_t) == 8,
               "the file of LMDB is in the machine's own form");

#define PAGE_HEAD 16u
#define PAGE_BRANCH 0x01u
#define PAGE_LEAF 0x02u
#define PAGE_OVERFLOW 0x04u
#define PAGE_META 0x08u
#define PAGE_NONE UINT64_MAX
#define NODE_HEAD 8u
#define NODE_BIG 0x01u
#define NODE_DATABASE 0x02u
#define TREE_SIZE 48u
#define TREE_INTEGER_KEYS 0x08u
#define TREE_DEPTH_MAX 31u /* one below LMDB's cursor stack */
#define KEY_SIZE_MAX 511u

struct pages_tree {
    uint16_t flags;
    uint16_t depth;
    uint64_t entries;
    uint64_t root; /* PAGE_NONE: empty */
};

struct pages_head {
    size_t page_size;
    uint64_t pages; /* in the file */
    uint64_t last_page;
    uint64_t transaction;
    struct pages_tree free, main;
};

static inline uint16_t get_u16(const uint8_t *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint32_t get_u32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint64_t get_u64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline struct pages_tree get_tree(const uint8_t *bytes)
{
    return (struct pages_tree){.flags = get_u16(bytes + 4),
                               .depth = get_u16(bytes + 6),
                               .entries = get_u64(bytes + 32),
                               .root = get_u64(bytes + 40)};
}

/* transaction NULL: the newest. *ret_other is the head of the transaction before, or, beside a live
 * writer, of a later one. */
bool pages_head_read(int fd, const uint64_t *transaction, struct pages_head *ret_head,
                     struct pages_head *ret_other, struct error *error);
/* Exactly size bytes at offset. */
bool pages_read_at(int fd, uint64_t offset, void *data, size_t size, struct error *error);

#endif
