/* difference.h: what changed between two states of a tree, in the vocabulary of HDFS's snapshot
 * difference (facts: 51 cases run against NameNodes 3.3.6, 3.4.3, 3.5.0). Every component speaks
 * it: CREATE path        a new object at path, with everything below it; the path's parent is
 * spelled as it was BEFORE (pre-image), its last name as it is now DELETE path        the object at
 * the pre-image path is gone, with what is still below it RENAME path target the object moved; path
 * is the pre-image, target the final (post-image) path MODIFY path        at the pre-image path: a
 * file whose content or attributes changed, or a directory whose attributes or set of children
 * changed (nothing below it said) A replaced object is CREATE p and DELETE p. Order means nothing.
 * "" is the top itself. */
#ifndef COEVAL_PLAN_DIFFERENCE_H
#define COEVAL_PLAN_DIFFERENCE_H

#include "base/error.h"

enum difference_kind {
    DIFFERENCE_CREATE = 'C',
    DIFFERENCE_DELETE = 'D',
    DIFFERENCE_RENAME = 'R',
    DIFFERENCE_MODIFY = 'M'
};

struct difference {
    enum difference_kind kind;
    const char *path;   /* relative, pre-image as above */
    const char *target; /* RENAME only */
};

/* Receives one difference; the strings are borrowed for the call. False stops the caller, which
 * then fails with *error. */
typedef bool difference_fn(void *context, const struct difference *difference, struct error *error);

#endif
