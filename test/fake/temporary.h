/* temporary.h: a test's own directory, below $TMPDIR: in memory where the disk is not the point. */
#ifndef COEVAL_TEST_TEMPORARY_H
#define COEVAL_TEST_TEMPORARY_H

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

/* name: what it is for. It is made, and its path put into path. */
static inline void temporary_make(char *path, size_t size, const char *name)
{
    const char *above = getenv("TMPDIR");
    int length = snprintf(path, size, "%s/coeval-%s.XXXXXX",
                          above != NULL && above[0] != '\0' ? above : "/tmp", name);
    CHECK(length > 0 && (size_t)length < size);
    CHECK(mkdtemp(path) != NULL);
}

#endif
