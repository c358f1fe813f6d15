/* entry.h: one file-system object with everything that Coeval carries of it. Shared by the
 * components, the plan and the manifest. Paths are bytes, relative to the member ("" is its top).
 */
#ifndef COEVAL_PLAN_ENTRY_H
#define COEVAL_PLAN_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/digest.h"

enum entry_type { ENTRY_FILE = 1, ENTRY_DIRECTORY = 2, ENTRY_SYMLINK = 3 };

struct entry_xattr {
    const char *name; /* with its name space: "user.colour" */
    const void *value;
    size_t size;
};

struct entry {
    const char *path;
    enum entry_type type;
    uint64_t length;   /* bytes; 0 for a directory; of the target text for a symlink */
    uint32_t mode;     /* 07777 bits */
    const char *owner; /* name; decimal digits where the system knows no name */
    const char *group;
    int64_t mtime_ns; /* since 1970; stores that keep milliseconds leave the rest 0 */
    const char *acl;  /* canonical "user:bob:rwx,default:group::r-x", only what the mode does
                         not say already, sorted by bytes; NULL: none */
    const struct entry_xattr *xattrs; /* sorted by name */
    size_t xattr_count;
    const char *link_target;    /* symlinks */
    uint32_t replication;       /* 0: the store has none */
    uint64_t block_size;        /* 0: the store has none */
    const char *storage_policy; /* NULL: none of its own */
    const char *erasure_coding; /* policy name; NULL: none */
    bool crc_known;
    uint32_t crc32c; /* of the content, when crc_known */
    /* Not carried, not compared, not in the manifest: */
    uint64_t file_id; /* the store's identity of the object; 0: unknown */
    int64_t birth_ns; /* tells a reused file_id apart; 0: unknown */
    bool has_acl;     /* list() and stat() say that describe() would find an ACL */
};

/* What set_attributes() shall set, and what a comparison looks at. */
enum entry_field {
    ENTRY_OWNER = 1 << 0,
    ENTRY_MODE = 1 << 1,
    ENTRY_TIMES = 1 << 2,
    ENTRY_ACL = 1 << 3,
    ENTRY_XATTRS = 1 << 4,
    ENTRY_REPLICATION = 1 << 5,
    ENTRY_POLICY = 1 << 6,  /* storage policy */
    ENTRY_CONTENT = 1 << 7, /* type, length, link target, CRC where both are known */
    ENTRY_ATTRIBUTES = ENTRY_OWNER | ENTRY_MODE | ENTRY_TIMES | ENTRY_ACL | ENTRY_XATTRS |
                       ENTRY_REPLICATION | ENTRY_POLICY,
    ENTRY_ALL = ENTRY_ATTRIBUTES | ENTRY_CONTENT
};

/* The fields in which a and b differ, among those asked for; paths are not compared. For
 * directories content is the type alone. */
unsigned entry_compare(const struct entry *a, const struct entry *b, unsigned fields);
/* "mode 644 instead of 600, mtime ..." for the first few differing fields. */
void entry_explain(const struct entry *actual, const struct entry *expected, unsigned fields,
                   struct buffer *text);
/* Deep copy into an arena. */
struct entry entry_copy(struct arena *arena, const struct entry *entry);

/* The manifest's record (doc/formats.md): everything above the line "Not carried". */
void entry_encode(const struct entry *entry, struct buffer *buffer);
/* Strings are copied into the arena. False: damaged. */
bool entry_decode(struct reader *reader, struct arena *arena, struct entry *ret_entry);
struct digest entry_hash(const struct entry *entry); /* SHA-256 of the encoding */

/* Order-free hash of a set of entries: the sum of their hashes modulo 2^256, so that adding and
 * removing cost the change. */
struct set_hash {
    uint8_t bytes[DIGEST_SIZE]; /* little endian */
};
void set_hash_add(struct set_hash *set, const struct digest *element);
void set_hash_remove(struct set_hash *set, const struct digest *element);

#endif
