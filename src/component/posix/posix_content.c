/* posix_content.c: the bytes of a file: shared by reflink where the file system can, else copied;
 * the CRC is always of what lies in the copy, so it is read in either case. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "component/posix/posix_file.h"

#define PIECE_BYTES ((size_t)1 << 20)
#define HOLE_BYTES 4096 /* what file systems can leave out */

/* Small files get small buffers: most files are small, and touching a fresh MiB costs more than
 * they do. */
static size_t piece_size(uint64_t length)
{
    return length >= PIECE_BYTES ? PIECE_BYTES : (size_t)length + 1;
}

static ssize_t read_piece(int fd, char *piece, size_t size)
{
    ssize_t got;
    do
        got = read(fd, piece, size);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool is_zero(const char *data, size_t size)
{
    return data[0] == '\0' && memcmp(data, data + 1, size - 1) == 0;
}

static bool write_sparse(int fd, const char *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t run = size - at < HOLE_BYTES ? size - at : HOLE_BYTES;
        bool is_hole = run == HOLE_BYTES && is_zero(data + at, run);
        if (is_hole ? lseek(fd, (off_t)run, SEEK_CUR) < 0 : !posix_write_all(fd, data + at, run))
            return false;
        at += run;
    }
    return true;
}

/* to < 0: only reads. */
static bool move_content(const struct posix_copying *copying, int to, const struct call *call,
                         struct posix_content *content, struct error *error)
{
    size_t size = piece_size(copying->length);
    char *piece = memory_new(size);
    bool going_on = true;
    while (going_on && content->length < copying->length) {
        uint64_t left = copying->length - content->length;
        ssize_t got = read_piece(copying->from, piece, left < size ? (size_t)left : size);
        if (got <= 0) {
            going_on = got == 0 || posix_fail(error, errno, "read", copying->path);
            break;
        }
        content->crc32c = crc32c(content->crc32c, piece, (size_t)got);
        content->length += (uint64_t)got;
        going_on = copying->is_limited ? call_take_bytes(call, (uint64_t)got, error)
                                       : call_may_go_on(call, error);
        if (going_on && to >= 0 &&
            !(copying->is_sparse ? write_sparse(to, piece, (size_t)got)
                                 : posix_write_all(to, piece, (size_t)got)))
            going_on = posix_fail(error, errno, "write", copying->path);
    }
    free(piece);
    if (going_on && to >= 0 && copying->is_sparse && ftruncate(to, (off_t)content->length) != 0)
        return posix_fail(error, errno, "write", copying->path);
    return going_on;
}

bool posix_read_content(int from, uint64_t length, const struct call *call, const char *path,
                        struct posix_content *ret_content, struct error *error)
{
    struct posix_copying reading = {.from = from, .length = length, .path = path};
    struct posix_content content = {0};
    if (!move_content(&reading, -1, call, &content, error))
        return false;
    *ret_content = content;
    return true;
}

static void count(const struct call *call, uint64_t bytes)
{
    if (call->counters == NULL)
        return;
    atomic_fetch_add(&call->counters->bytes_read, bytes);
    atomic_fetch_add(&call->counters->bytes_written, bytes);
}

/* The source may have grown between our look and the clone. */
static bool cut_to(int fd, uint64_t length)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return false;
    return (uint64_t)status.st_size <= length || ftruncate(fd, (off_t)length) == 0;
}

bool posix_copy_content(const struct posix_copying *copying, const struct call *call,
                        struct posix_content *ret_content, struct error *error)
{
    struct posix_content content = {0};
    struct posix_copying from_clone = *copying;
    from_clone.from = copying->to;
    bool is_clone = ioctl(copying->to, FICLONE, copying->from) == 0;
    if (is_clone && !cut_to(copying->to, copying->length))
        return posix_fail(error, errno, "write", copying->path);
    if (!(is_clone ? move_content(&from_clone, -1, call, &content, error)
                   : move_content(copying, copying->to, call, &content, error)))
        return false;
    count(call, content.length);
    *ret_content = content;
    return true;
}
