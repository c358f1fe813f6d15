/* listing_difference.h: what changed between two sorted listings, said in the vocabulary of
 * difference.h, as HDFS would say it, with one more truth: what moved out of a deleted directory is
 * a RENAME (HDFS forgets such a rename and says CREATE). For stores without differences of their
 * own, for sweeps, for a lost base, for the adoption of a target that has data.
 *
 * Both streams are in the order of path_compare() and complete: an object's directory comes before
 * it. What is equal at its place costs no memory; what appeared, vanished or moved is remembered,
 * and so is everything below a directory that did. By path nothing is: all is said as the streams
 * come to it, while they are being read. */
#ifndef COEVAL_PLAN_LISTING_DIFFERENCE_H
#define COEVAL_PLAN_LISTING_DIFFERENCE_H

#include "plan/difference.h"
#include "plan/entry.h"

/* The next entry, borrowed until the next call; *ret_entry NULL at the end. */
typedef bool entry_next_fn(void *context, const struct entry **ret_entry, struct error *error);

struct listing {
    entry_next_fn *next;
    void *context;
};

/* When two entries are one object. */
enum listing_identity {
    LISTING_BY_PATH, /* the listings are of different stores: only the path counts, nothing moves */
    LISTING_BY_BIRTH, /* file_id and birth_ns, both known: the store uses a file_id again */
    LISTING_BY_ID     /* file_id alone: the store never uses one again (HDFS) */
};

struct listing_options {
    enum listing_identity identity;
    unsigned fields;    /* ENTRY_*: the attributes that make an object MODIFY; content always does:
                           by CRC where both have one, else by length and mtime. Without
                           descriptions (acl NULL, has_acl) only the presence of an ACL counts. The
                           mtime of the top itself never does. */
    size_t limit_bytes; /* memory; ERROR_LIMIT beyond it. By path: not looked at */
    bool drifting;      /* the mtime of a directory proves nothing: COMPONENT_DRIFTING */
};

bool listing_difference(const struct listing *old, const struct listing *new,
                        const struct listing_options *options, difference_fn *emit, void *context,
                        struct error *error);

#endif
