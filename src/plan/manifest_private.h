/* manifest_private.h: what the files of the manifest share, the numbers of its form above all. */
#ifndef COEVAL_PLAN_MANIFEST_PRIVATE_H
#define COEVAL_PLAN_MANIFEST_PRIVATE_H

#include "plan/manifest.h"

#define MANIFEST_BLOCK_RAW ((size_t)64 << 10) /* a block holds no more, unless one record does */
#define MANIFEST_RECORD_MAX ((size_t)16 << 20)
#define MANIFEST_INDEX_MAX ((size_t)64 << 20)
#define MANIFEST_FOOTER_SIZE 92 /* before the container's digest */

enum { MANIFEST_PUT = 1, MANIFEST_DELETE = 2 };

const struct manifest_file *manifest_get_file(const struct manifest *manifest);

#endif
