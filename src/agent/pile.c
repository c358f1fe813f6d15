/* pile.c: see pile.h. A record is its bytes, then their number, so that it can be read backwards.
 * The file holds whole pieces of that row of bytes; a record may lie across a border. */
#include "agent/pile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"

#define PIECE_BYTES (PILE_MEMORY_BYTES / 2)

struct pile {
    char *directory;
    int fd;             /* -1: nothing went to disk yet */
    uint64_t file_size; /* of what is below the top */
    struct buffer top;
    size_t given; /* bytes at the end of it that were taken by the last call */
};

struct pile *pile_new(const char *directory)
{
    struct pile *pile = memory_new(sizeof *pile);
    pile->directory = memory_copy_string(directory);
    pile->fd = -1;
    buffer_init(&pile->top, 0);
    return pile;
}

void pile_free(struct pile *pile)
{
    if (pile == NULL)
        return;
    if (pile->fd >= 0)
        close(pile->fd);
    buffer_fini(&pile->top);
    free(pile->directory);
    free(pile);
}

static bool write_piece(struct pile *pile, struct error *error)
{
    size_t put = 0;
    if (pile->fd < 0)
        pile->fd = open(pile->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (pile->fd < 0)
        return error_set_errno(error, errno, "a file in %s", pile->directory);
    while (put < PIECE_BYTES) {
        ssize_t part = pwrite(pile->fd, pile->top.data + put, PIECE_BYTES - put,
                              (off_t)(pile->file_size + put));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return error_set_errno(error, errno, "write in %s", pile->directory);
        put += (size_t)part;
    }
    pile->file_size += PIECE_BYTES;
    buffer_consume(&pile->top, PIECE_BYTES);
    return true;
}

/* In front of what is in memory. */
static bool read_piece(struct pile *pile, struct error *error)
{
    size_t kept = pile->top.size, got = 0;
    buffer_reserve(&pile->top, PIECE_BYTES);
    buffer_commit(&pile->top, PIECE_BYTES);
    memmove(pile->top.data + PIECE_BYTES, pile->top.data, kept);
    while (got < PIECE_BYTES) {
        ssize_t part = pread(pile->fd, pile->top.data + got, PIECE_BYTES - got,
                             (off_t)(pile->file_size - PIECE_BYTES + got));
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return error_set_errno(error, part < 0 ? errno : EIO, "read in %s", pile->directory);
        got += (size_t)part;
    }
    pile->file_size -= PIECE_BYTES;
    return true;
}

static void drop_given(struct pile *pile)
{
    buffer_truncate(&pile->top, pile->top.size - pile->given);
    pile->given = 0;
}

bool pile_put(struct pile *pile, const void *data, size_t size, struct error *error)
{
    CHECK(size <= UINT32_MAX);
    drop_given(pile);
    buffer_append(&pile->top, data, size);
    buffer_append_u32(&pile->top, (uint32_t)size);
    CHECK(!pile->top.failed);
    while (pile->top.size > PILE_MEMORY_BYTES)
        if (!write_piece(pile, error))
            return false;
    return true;
}

static bool have(struct pile *pile, size_t size, struct error *error)
{
    while (pile->top.size < size) {
        CHECK(pile->file_size >= PIECE_BYTES);
        if (!read_piece(pile, error))
            return false;
    }
    return true;
}

bool pile_take(struct pile *pile, const void **ret_data, size_t *ret_size, struct error *error)
{
    struct reader reader;
    drop_given(pile);
    if (pile->top.size == 0 && pile->file_size == 0) {
        *ret_data = NULL;
        *ret_size = 0;
        return true;
    }
    if (!have(pile, sizeof(uint32_t), error))
        return false;
    reader_init(&reader, pile->top.data + pile->top.size - sizeof(uint32_t), sizeof(uint32_t));
    size_t size = reader_u32(&reader);
    if (!have(pile, size + sizeof(uint32_t), error))
        return false;
    pile->given = size + sizeof(uint32_t);
    *ret_data = pile->top.data + pile->top.size - pile->given;
    *ret_size = size;
    return true;
}
