/* posix_torn.h: the files of a snapshot that changed while they were copied: the suspects of a
 * posix store. A list of its own beside the index, because it is asked for path by path. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_TORN_H
#define COEVAL_COMPONENT_POSIX_POSIX_TORN_H

#include "component/posix/posix_store.h"

struct posix_torn_writer {
    struct buffer paths;
    uint64_t count;
};
void posix_torn_init(struct posix_torn_writer *writer);
void posix_torn_fini(struct posix_torn_writer *writer);
void posix_torn_add(struct posix_torn_writer *writer, const char *path); /* ascending */
/* Makes "torn" in the directory. */
bool posix_torn_write(const struct posix_torn_writer *writer, int directory, struct error *error);

bool posix_is_suspect(struct store *store, const struct call *call, const char *root,
                      const char *path, const char *snapshot, bool *ret_suspect,
                      struct error *error);
void posix_torn_free(struct posix_torn *torn);

#endif
