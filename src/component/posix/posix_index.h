/* posix_index.h: the index of a snapshot: every object of it, sorted, with its CRC and what the
 * live object looked like when it was copied (doc/formats.md). Read and written as a stream. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_INDEX_H
#define COEVAL_COMPONENT_POSIX_POSIX_INDEX_H

#include "component/posix/posix_attributes.h"
#include "plan/container.h"

struct posix_record {
    struct entry entry; /* path relative to the root; file_id and birth_ns from the stamp */
    struct posix_stamp stamp;
    bool is_torn; /* a file that changed while it was copied */
    bool is_racy; /* equal times do not prove that it is unchanged */
};

struct posix_index_info {
    const char *root;
    struct snapshot snapshot;
};

struct posix_index_writer {
    int fd;
    struct container_writer container;
    struct buffer block;
    struct buffer record;
    uint64_t count;
};
/* Makes "index" in the directory. After a false of any of these: abandon. finish does not fsync. */
bool posix_index_create(struct posix_index_writer *writer, int directory,
                        const struct posix_index_info *info, struct error *error);
bool posix_index_add(struct posix_index_writer *writer, const struct posix_record *record,
                     struct error *error);
bool posix_index_finish(struct posix_index_writer *writer, struct error *error);
void posix_index_abandon(struct posix_index_writer *writer); /* also after finish: no-op */

struct posix_index_reader {
    int fd;
    struct digest_stream *digest;
    struct buffer block;
    struct reader records; /* of the block */
    struct arena arena;    /* of the record given last */
    struct arena info_arena;
    struct posix_index_info info;
    struct posix_record record;
    uint64_t count;
    bool at_end;
};
/* NOT_FOUND when there is no index; CORRUPT when it is damaged, which is seen before a damaged
 * record is given. close also after a false. */
bool posix_index_open(struct posix_index_reader *reader, int directory, struct error *error);
/* NULL: the end. Valid until the next call. */
bool posix_index_next(struct posix_index_reader *reader, const struct posix_record **ret_record,
                      struct error *error);
void posix_index_close(struct posix_index_reader *reader);

#endif
