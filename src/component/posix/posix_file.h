/* posix_file.h: content of files: copying with its CRC, and files that appear under their name only
 * when they are complete. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_FILE_H
#define COEVAL_COMPONENT_POSIX_POSIX_FILE_H

#include "component/posix/posix_store.h"

bool posix_write_all(int fd, const void *data, size_t size); /* false with errno */

struct posix_content {
    uint64_t length;
    uint32_t crc32c;
};
/* The first `length` bytes of one file (less when it is shorter) into an empty one, sharing blocks
 * where the file system can; sparse keeps runs of zeros as holes. Abort and deadline are seen every
 * MiB; the limiter is asked only when limited (a snapshot under a barrier holds writers up). The
 * call's counters count. */
struct posix_copying {
    int from;
    int to; /* open for reading too */
    uint64_t length;
    bool is_sparse;
    bool is_limited;
    const char *path; /* for the error */
};
bool posix_copy_content(const struct posix_copying *copying, const struct call *call,
                        struct posix_content *ret_content, struct error *error);
bool posix_read_content(int from, uint64_t length, const struct call *call, const char *path,
                        struct posix_content *ret_content, struct error *error);

/* A file that has no name yet, or a hidden one where the file system has no O_TMPFILE. */
struct posix_new_file {
    int fd;
    struct posix_place place;
    uint32_t mode;
    bool is_durable_area; /* below the area: a marker, see posix_file.c */
    char temporary[48];   /* "": nameless */
};
/* EXISTS when something is at path already. path is borrowed until close. */
bool posix_new_file_open(struct store *store, const char *path, uint32_t mode,
                         struct posix_new_file *ret_file, struct error *error);
/* With commit false the error may be NULL: then nothing can fail. */
bool posix_new_file_close(struct posix_new_file *file, bool commit, struct error *error);
bool posix_new_file_name(struct posix_new_file *file); /* the hidden form; false with errno */

bool posix_copy_file(struct store *store, const struct call *call, const struct copy_order *order,
                     struct copy_result *ret_result, struct error *error);
bool posix_read_open(struct store *store, const struct call *call, const char *path,
                     uint64_t offset, struct store_reader **ret_reader, struct error *error);
bool posix_read(struct store_reader *reader, void *data, size_t size, size_t *ret_size,
                struct error *error);
void posix_read_close(struct store_reader *reader);
bool posix_write_open(struct store *store, const struct call *call, const char *path, uint32_t mode,
                      struct store_writer **ret_writer, struct error *error);
bool posix_write(struct store_writer *writer, const void *data, size_t size, struct error *error);
bool posix_write_close(struct store_writer *writer, bool commit, struct error *error);

/* A regular file for reading, never another kind (a FIFO would block). -1 with the error set. */
int posix_open_file(struct store *store, const char *path, struct error *error);

#endif
