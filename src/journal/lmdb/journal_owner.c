/* journal_owner.c: see journal_owner.h. */
#include "journal/lmdb/journal_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"

static int open_owner(const char *directory, int flags)
{
    struct arena arena;
    arena_init(&arena);
    int fd = open(arena_format(&arena, "%s/owner", directory), flags | O_CLOEXEC, 0640);
    int number = errno;
    arena_fini(&arena);
    errno = number;
    return fd;
}

/* The number is for people only; the lock decides. */
static int read_pid(int fd)
{
    char text[24] = {0};
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    int pid = got > 0 ? atoi(text) : 0;
    return pid > 0 ? pid : -1;
}

static void write_pid(int fd)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size)
        return; /* a full disk must not keep the daemon from starting */
}

static bool refuse_second(int fd, const char *directory, struct error *error)
{
    int pid = read_pid(fd);
    if (pid < 0)
        return error_set(error, ERROR_CONFLICT,
                         "the journal %s is in use by another process: stop that one first",
                         directory);
    return error_set(error, ERROR_CONFLICT,
                     "the journal %s is in use by process %d: stop that one first", directory, pid);
}

bool journal_owner_take(const char *directory, int *ret_fd, struct error *error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open_owner(directory, O_RDWR | O_CREAT);
    if (fd < 0)
        return error_set_errno(error, errno, "open %s/owner", directory);
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            refuse_second(fd, directory, error);
        else
            error_set_errno(error, errno, "lock %s/owner", directory);
        close(fd);
        return false;
    }
    write_pid(fd);
    *ret_fd = fd;
    return true;
}

void journal_owner_release(int fd)
{
    if (fd < 0)
        return;
    if (ftruncate(fd, 0) != 0) {
        /* an old number in a file without a lock says nothing */
    }
    close(fd);
}

bool journal_owner_ask(const char *directory, int *ret_pid, struct error *error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open_owner(directory, O_RDONLY);
    if (fd < 0 && errno == ENOENT) {
        *ret_pid = 0;
        return true;
    }
    if (fd < 0)
        return error_set_errno(error, errno, "open %s/owner", directory);
    bool asked = fcntl(fd, F_OFD_GETLK, &lock) == 0 ||
                 error_set_errno(error, errno, "ask who owns %s", directory);
    if (asked)
        *ret_pid = lock.l_type == F_UNLCK ? 0 : read_pid(fd);
    close(fd);
    return asked;
}
