/* file.c: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

bool file_read(const char *path, size_t limit_bytes, struct buffer *ret_content,
               struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "open %s", path);
    buffer_clear(ret_content);
    for (;;) {
        char *place = buffer_reserve(ret_content, 65536);
        ssize_t got = place == NULL ? -1 : read(fd, place, 65536);
        if (place == NULL || (got > 0 && ret_content->size + (size_t)got > limit_bytes)) {
            close(fd);
            return error_set(error, ERROR_LIMIT, "%s is larger than %zu bytes", path, limit_bytes);
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int number = errno;
            close(fd);
            return error_set_errno(error, number, "read %s", path);
        }
        buffer_commit(ret_content, (size_t)got);
        if (got == 0)
            break;
    }
    close(fd);
    return true;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

static bool sync_directory_of(const char *path)
{
    char *copy = memory_copy_string(path);
    char *slash = strrchr(copy, '/');
    if (slash != NULL)
        slash[slash == copy ? 1 : 0] = '\0';
    int fd = open(slash == NULL ? "." : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced;
}

bool file_write_durable(const char *path, const void *data, size_t size, unsigned mode,
                        struct error *error)
{
    struct buffer temporary;
    buffer_init(&temporary, 0);
    buffer_append_format(&temporary, "%s.new", path);
    int fd = open(buffer_text(&temporary), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    bool written = fd >= 0 && write_all(fd, data, size) && fsync(fd) == 0;
    int number = errno;
    if (fd >= 0)
        close(fd);
    if (written && (rename(buffer_text(&temporary), path) != 0 || !sync_directory_of(path))) {
        number = errno;
        written = false;
    }
    if (!written)
        unlink(buffer_text(&temporary));
    buffer_fini(&temporary);
    return written || error_set_errno(error, number, "write %s", path);
}

bool file_make_directories(const char *path, unsigned mode, struct error *error)
{
    char *copy = memory_copy_string(path);
    for (char *p = copy + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(copy, (mode_t)mode) != 0 && errno != EEXIST) {
            error_set_errno(error, errno, "create directory %s", copy);
            free(copy);
            return false;
        }
        *p = kept;
        if (kept == '\0')
            break;
    }
    free(copy);
    return true;
}
