/* manifest_memory.h: manifests in memory, on a disk that can break; shared by the tests of what
 * reads and writes them. */
#ifndef COEVAL_TEST_MANIFEST_MEMORY_H
#define COEVAL_TEST_MANIFEST_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/manifest.h"

struct memory_file {
    struct buffer bytes;
    struct manifest_file file;
    struct digest digest;
    size_t calls, fail_at; /* of reads or writes: that one fails */
};

extern const struct manifest_info full_info;

container_sink_fn write_memory;
void make_readable(struct memory_file *file); /* what was written, from its start */
struct entry file_entry(const char *path, uint64_t length);
/* Files f/000000 ... of which the number is the length. False: the disk broke. */
bool write_full(struct memory_file *file, size_t count, struct manifest_state *state);

#endif
