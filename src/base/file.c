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

static bool read_all(int fd, const char *path, size_t limit_bytes, struct buffer *ret_content,
                     struct error *error)
{
    char block[16384];
    for (;;) {
        ssize_t got = read(fd, block, sizeof block);
        if (got == 0)
            return true;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "read %s", path);
        buffer_append(ret_content, block, (size_t)got);
        if (ret_content->failed || ret_content->size > limit_bytes)
            return error_set(error, ERROR_LIMIT, "%s is larger than %zu bytes", path, limit_bytes);
    }
}

bool file_read(const char *path, size_t limit_bytes, struct buffer *ret_content,
               struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "open %s", path);
    buffer_clear(ret_content);
    bool whole = read_all(fd, path, limit_bytes, ret_content, error);
    close(fd);
    return whole;
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
    unlink(buffer_text(&temporary)); /* left by a crash, perhaps with other rights */
    int fd = open(buffer_text(&temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
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

static bool make_directory(const char *path, unsigned mode, struct error *error)
{
    if (mkdir(path, (mode_t)mode) == 0)
        return true;
    int number = errno;
    struct stat status;
    if (number == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    return error_set_errno(error, number, "create directory %s", path);
}

bool file_make_directories(const char *path, unsigned mode, struct error *error)
{
    CHECK(path[0] != '\0');
    char *copy = memory_copy_string(path);
    bool made = true;
    for (size_t length = strlen(copy); length > 1 && copy[length - 1] == '/';)
        copy[--length] = '\0'; /* the last one is the one with the mode */
    for (char *slash = strchr(copy + 1, '/'); made && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = make_directory(copy, 0777, error);
        *slash = '/';
    }
    made = made && make_directory(copy, mode, error);
    free(copy);
    return made;
}
