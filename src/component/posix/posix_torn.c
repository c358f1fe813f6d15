/* posix_torn.c: see posix_torn.h. The list of the snapshot that was asked for last is kept in the
 * store; the file's inode and times tell whether it is still the same. */
#include "component/posix/posix_torn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/path.h"
#include "component/posix/posix_file.h"
#include "component/posix/posix_index.h"
#include "component/posix/posix_snapshot.h"

#define TORN_BYTES_MAX ((size_t)256 << 20)

struct posix_torn {
    struct posix_stamp stamp;
    struct arena arena;
    const char **paths;
    size_t count;
};

void posix_torn_init(struct posix_torn_writer *writer)
{
    *writer = (struct posix_torn_writer){0};
    buffer_init(&writer->paths, TORN_BYTES_MAX);
}

void posix_torn_fini(struct posix_torn_writer *writer)
{
    buffer_fini(&writer->paths);
}

void posix_torn_add(struct posix_torn_writer *writer, const char *path)
{
    buffer_append_block(&writer->paths, path, strlen(path));
    writer->count++;
}

bool posix_torn_write(const struct posix_torn_writer *writer, int directory, struct error *error)
{
    if (writer->paths.failed)
        return error_set(error, ERROR_LIMIT, "too many files changed while they were copied");
    struct buffer payload, file;
    buffer_init(&payload, TORN_BYTES_MAX + 64);
    buffer_init(&file, TORN_BYTES_MAX + 256);
    buffer_append_u64(&payload, writer->count);
    buffer_append(&payload, writer->paths.data, writer->paths.size);
    container_encode(CONTAINER_TORN, payload.data, payload.size, &file);
    int fd = openat(directory, "torn", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && posix_write_all(fd, file.data, file.size);
    if (!written)
        posix_fail(error, errno, "write", "torn");
    posix_close_fd(&fd);
    buffer_fini(&file);
    buffer_fini(&payload);
    return written;
}

void posix_torn_free(struct posix_torn *torn)
{
    if (torn == NULL)
        return;
    arena_fini(&torn->arena);
    free(torn);
}

static bool read_paths(struct posix_torn *torn, const struct buffer *file, struct error *error)
{
    struct reader reader;
    if (!container_open(CONTAINER_TORN, file->data, file->size, &reader, error))
        return false;
    uint64_t count = reader_u64(&reader);
    if (count > reader.size / 4)
        return error_set(error, ERROR_CORRUPT, "torn: damaged");
    torn->count = (size_t)count;
    torn->paths = arena_new(&torn->arena, (torn->count + 1) * sizeof *torn->paths);
    for (size_t i = 0; i < torn->count && !reader.failed; i++) {
        size_t size;
        const char *bytes = reader_block(&reader, &size);
        torn->paths[i] = bytes == NULL ? "" : arena_copy(&torn->arena, bytes, size);
    }
    return reader_at_end(&reader) || error_set(error, ERROR_CORRUPT, "torn: damaged");
}

static bool load(int fd, struct posix_torn *torn, struct error *error)
{
    struct buffer file;
    buffer_init(&file, TORN_BYTES_MAX + 256);
    ssize_t got = 1;
    while (got > 0) {
        char *place = buffer_reserve(&file, 65536);
        got = place == NULL ? -1 : read(fd, place, 65536);
        buffer_commit(&file, got > 0 ? (size_t)got : 0);
    }
    bool loaded = got == 0 ? read_paths(torn, &file, error)
                           : posix_fail(error, file.failed ? EFBIG : errno, "read", "torn");
    buffer_fini(&file);
    return loaded;
}

/* The store's list becomes the one of this open file, unless it is already. */
static bool keep_list(struct store *store, int fd, struct error *error)
{
    struct posix_status status;
    if (!posix_read_status(fd, "", &status))
        return posix_fail(error, errno, "look at", "torn");
    if (store->torn != NULL && posix_stamp_equal(&store->torn->stamp, &status.stamp))
        return true;
    struct posix_torn *torn = memory_new(sizeof *torn);
    arena_init(&torn->arena);
    torn->stamp = status.stamp;
    if (!load(fd, torn, error)) {
        posix_torn_free(torn);
        return false;
    }
    posix_torn_free(store->torn);
    store->torn = torn;
    return true;
}

static int compare_paths(const void *key, const void *element)
{
    return path_compare(key, *(const char *const *)element);
}

bool posix_is_suspect(struct store *store, const struct call *call, const char *root,
                      const char *path, const char *snapshot, bool *ret_suspect,
                      struct error *error)
{
    if (!call_may_go_on(call, error))
        return false;
    int directory = posix_snapshot_open(store, root, snapshot, error);
    if (directory < 0)
        return false;
    int fd = openat(directory, "torn", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool known = fd >= 0 || posix_fail(error, errno, "open", "torn");
    if (known) {
        pthread_mutex_lock(&store->torn_mutex);
        known = keep_list(store, fd, error);
        if (known)
            *ret_suspect = bsearch(path, store->torn->paths, store->torn->count,
                                   sizeof *store->torn->paths, compare_paths) != NULL;
        pthread_mutex_unlock(&store->torn_mutex);
    }
    posix_close_fd(&fd);
    posix_close_fd(&directory);
    return known || error_wrap(error, "snapshot %.100s of %.100s", snapshot, root);
}
