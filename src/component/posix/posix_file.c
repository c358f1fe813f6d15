/* posix_file.c: new files, readers and writers, copy_file; the bytes move in posix_content.c.
 * Durability: a file's data is on disk before its name appears. What is written below the area is a
 * marker that vouches for all that was done before it, renames and directories included, so there
 * the whole file system is synchronised instead. */
#include "component/posix/posix_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/path.h"
#include "base/random.h"
#include "component/posix/posix.h"
#include "component/store_util.h"

struct store_reader {
    int fd;
    struct call call;
    char path[]; /* for errors */
};

struct store_writer {
    struct posix_new_file file;
    struct call call;
    char path[];
};

bool posix_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        at += put;
        size -= (size_t)put;
    }
    return true;
}

bool posix_new_file_name(struct posix_new_file *file)
{
    uint8_t random[8];
    char text[2 * sizeof random + 1];
    random_system_bytes(random, sizeof random);
    hex_format(random, sizeof random, text);
    snprintf(file->temporary, sizeof file->temporary, ".coeval-new-%s", text);
    file->fd = openat(file->place.directory, file->temporary,
                      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return file->fd >= 0;
}

bool posix_new_file_open(struct store *store, const char *path, uint32_t mode,
                         struct posix_new_file *ret_file, struct error *error)
{
    struct posix_new_file file = {
        .fd = -1, .mode = mode & 07777, .is_durable_area = path_is_under(path, store->area)};
    struct stat status;
    if (!posix_may_change(store, path, error) || !posix_place_open(store, path, &file.place, error))
        return false;
    if (strlen(file.place.name) > NAME_MAX)
        errno = ENAMETOOLONG;
    else if (fstatat(file.place.directory, file.place.name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        errno = EEXIST;
    else if (errno == ENOENT) {
        file.fd = openat(file.place.directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (file.fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
            posix_new_file_name(&file);
    }
    if (file.fd < 0) {
        posix_fail(error, errno, "create", path);
        posix_place_close(&file.place);
        return false;
    }
    *ret_file = file;
    return true;
}

/* The one step that makes the file visible. False with errno. */
static bool give_name(struct posix_new_file *file)
{
    if (file->temporary[0] != '\0')
        return renameat2(file->place.directory, file->temporary, file->place.directory,
                         file->place.name, RENAME_NOREPLACE) == 0;
    char proc_path[POSIX_PROC_SIZE];
    posix_proc_path(file->fd, proc_path);
    return linkat(AT_FDCWD, proc_path, file->place.directory, file->place.name,
                  AT_SYMLINK_FOLLOW) == 0;
}

bool posix_new_file_close(struct posix_new_file *file, bool commit, struct error *error)
{
    CHECK(file->fd >= 0);
    bool done = !commit;
    if (commit) {
        done = fchmod(file->fd, file->mode) == 0 &&
               (file->is_durable_area ? syncfs(file->fd) : fdatasync(file->fd)) == 0 &&
               give_name(file);
        if (!done)
            posix_fail(error, errno, "create", file->place.name);
    }
    if (file->temporary[0] != '\0' && !(commit && done))
        unlinkat(file->place.directory, file->temporary, 0);
    posix_close_fd(&file->fd);
    posix_place_close(&file->place);
    return done;
}

int posix_open_file(struct store *store, const char *path, struct error *error)
{
    struct posix_place place;
    struct stat status;
    if (!posix_place_open(store, path, &place, error))
        return -1;
    int fd = openat(place.directory, place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        posix_fail(error, errno, "open", path);
    } else if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        posix_refuse(error, ERROR_INVALID, path, "this is no regular file");
        posix_close_fd(&fd);
    }
    posix_place_close(&place);
    return fd;
}

bool posix_read_open(struct store *store, const struct call *call, const char *path,
                     uint64_t offset, struct store_reader **ret_reader, struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    int fd = posix_open_file(store, path, error);
    if (fd < 0)
        return false;
    if (offset > INT64_MAX || lseek(fd, (off_t)offset, SEEK_SET) < 0) {
        posix_close_fd(&fd);
        return posix_refuse(error, ERROR_INVALID, path, "no such offset");
    }
    struct store_reader *reader = memory_new(sizeof *reader + strlen(path) + 1);
    reader->fd = fd;
    reader->call = *call;
    memcpy(reader->path, path, strlen(path) + 1);
    *ret_reader = reader;
    return true;
}

bool posix_read(struct store_reader *reader, void *data, size_t size, size_t *ret_size,
                struct error *error)
{
    ssize_t got;
    if (!call_may_go_on(&reader->call, error))
        return false;
    do
        got = read(reader->fd, data, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return posix_fail(error, errno, "read", reader->path);
    if (reader->call.counters != NULL)
        atomic_fetch_add(&reader->call.counters->bytes_read, (uint64_t)got);
    *ret_size = (size_t)got;
    return true;
}

void posix_read_close(struct store_reader *reader)
{
    if (reader == NULL)
        return;
    posix_close_fd(&reader->fd);
    free(reader);
}

bool posix_write_open(struct store *store, const struct call *call, const char *path, uint32_t mode,
                      struct store_writer **ret_writer, struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    struct store_writer *writer = memory_new(sizeof *writer + strlen(path) + 1);
    memcpy(writer->path, path, strlen(path) + 1);
    writer->call = *call;
    if (!posix_new_file_open(store, writer->path, mode, &writer->file, error)) {
        free(writer);
        return false;
    }
    *ret_writer = writer;
    return true;
}

bool posix_write(struct store_writer *writer, const void *data, size_t size, struct error *error)
{
    if (!call_may_go_on(&writer->call, error))
        return false;
    if (!posix_write_all(writer->file.fd, data, size))
        return posix_fail(error, errno, "write", writer->path);
    if (writer->call.counters != NULL)
        atomic_fetch_add(&writer->call.counters->bytes_written, size);
    return true;
}

bool posix_write_close(struct store_writer *writer, bool commit, struct error *error)
{
    bool closed = posix_new_file_close(&writer->file, commit, error);
    free(writer);
    return closed;
}

static bool copy_from_posix(int from, struct store *store, const struct call *call,
                            const struct copy_order *order, struct copy_result *ret_result,
                            struct error *error)
{
    struct stat status;
    struct posix_new_file file;
    if (fstat(from, &status) != 0)
        return posix_fail(error, errno, "look at", order->source_path);
    if (!posix_new_file_open(store, order->target_path, 0600, &file, error))
        return false;
    struct posix_copying copying = {.from = from,
                                    .to = file.fd,
                                    .length = (uint64_t)status.st_size,
                                    .is_sparse = status.st_blocks * 512 < status.st_size,
                                    .is_limited = true,
                                    .path = order->target_path};
    struct posix_content content;
    if (!posix_copy_content(&copying, call, &content, error)) {
        posix_new_file_close(&file, false, NULL);
        return false;
    }
    if (!posix_new_file_close(&file, true, error))
        return false;
    *ret_result = (struct copy_result){.length = content.length, .crc32c = content.crc32c};
    if (call->counters != NULL)
        atomic_fetch_add(&call->counters->files_done, 1);
    return true;
}

bool posix_copy_file(struct store *store, const struct call *call, const struct copy_order *order,
                     struct copy_result *ret_result, struct error *error)
{
    if (order->source_component != &posix_component) {
        struct store_ref target = {&posix_component, store, store->area};
        return store_copy_stream(target, call, order, ret_result, error);
    }
    if (!call_take_operation(call, error))
        return false;
    int from = posix_open_file(order->source, order->source_path, error);
    bool copied = from >= 0 && copy_from_posix(from, store, call, order, ret_result, error);
    posix_close_fd(&from);
    return copied;
}
