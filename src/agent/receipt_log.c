/* receipt_log.c: see receipt_log.h. A record is written once its object is durable in staging, so
 * even a power cut leaves a beginning that is true; frames with CRCs tell where it ends. */
#include "agent/receipt_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/area_file.h"
#include "base/check.h"
#include "plan/path_map.h"

#define PIECE_SIZE ((size_t)64 << 10)

struct received {
    uint64_t length;
};

struct receipt_log {
    char *path;
    int fd;
    struct receipt_writer writer;
    struct path_map known; /* "<step>/<inside>" -> struct received */
    struct arena arena;
};

static bool write_all(void *context, const void *data, size_t size, struct error *error)
{
    struct receipt_log *log = context;
    const char *place = data;
    while (size > 0) {
        ssize_t put = write(log->fd, place, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_errno(error, errno, "write %s", log->path);
        place += put;
        size -= (size_t)put;
    }
    return true;
}

static const char *key_of(struct arena *arena, uint32_t step, const char *inside)
{
    return arena_format(arena, "%u/%s", step, inside);
}

static bool remember(void *context, const struct receipt_record *record, struct error *error)
{
    struct receipt_log *log = context;
    (void)error;
    struct received *received = arena_new(&log->arena, sizeof *received);
    received->length = record->entry.length;
    path_map_put(&log->known, key_of(&log->arena, record->step, record->inside))->value = received;
    return true;
}

/* Feeds the file to fn until its end, or the first limit bytes. */
static bool read_file(struct receipt_log *log, uint64_t limit,
                      bool (*fn)(void *, const void *, size_t, struct error *), void *context,
                      struct error *error)
{
    char *piece = memory_new(PIECE_SIZE);
    uint64_t offset = 0;
    bool done = true;
    while (done && offset < limit) {
        size_t size = limit - offset < PIECE_SIZE ? (size_t)(limit - offset) : PIECE_SIZE;
        ssize_t got = pread(log->fd, piece, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            done = error_set_errno(error, errno, "read %s", log->path);
        if (got <= 0)
            break;
        done = fn(context, piece, (size_t)got, error);
        offset += (uint64_t)got;
    }
    free(piece);
    return done;
}

static bool feed_reader(void *context, const void *data, size_t size, struct error *error)
{
    return receipt_reader_feed(context, data, size, error);
}

static bool adopt(void *context, const void *data, size_t size, struct error *error)
{
    (void)error;
    receipt_writer_adopt(context, data, size);
    return true;
}

/* The valid beginning is kept, what is torn behind it is cut off; after a power cut nothing may be
 * valid (a file of zeros), which costs only time. */
static bool go_on(struct receipt_log *log, bool *ret_resumed, struct error *error)
{
    struct receipt_reader reader;
    struct error failure = ERROR_NONE;
    receipt_reader_init(&reader, remember, log);
    bool done =
        read_file(log, UINT64_MAX, feed_reader, &reader, &failure) || failure.code == ERROR_CORRUPT;
    uint64_t valid = reader.valid_size, count = reader.count;
    receipt_reader_fini(&reader);
    if (!done) {
        *error = failure;
        return false;
    }
    *ret_resumed = count > 0;
    if (ftruncate(log->fd, (off_t)(count > 0 ? valid : 0)) != 0 || lseek(log->fd, 0, SEEK_END) < 0)
        return error_set_errno(error, errno, "cut %s", log->path);
    if (count == 0)
        return receipt_writer_begin(&log->writer, write_all, log, error);
    receipt_writer_resume(&log->writer, write_all, log, count);
    return read_file(log, valid, adopt, &log->writer, error);
}

bool receipt_log_open(const char *directory, const char *name, struct receipt_log **ret_log,
                      bool *ret_resumed, struct error *error)
{
    struct receipt_log *log = memory_new(sizeof *log);
    arena_init(&log->arena);
    path_map_init(&log->known);
    log->path = memory_new(strlen(directory) + strlen(name) + 2);
    memcpy(log->path, directory, strlen(directory));
    log->path[strlen(directory)] = '/';
    memcpy(log->path + strlen(directory) + 1, name, strlen(name));
    log->fd = open(log->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool done = log->fd >= 0 ? go_on(log, ret_resumed, error)
                             : error_set_errno(error, errno, "open %s", log->path);
    if (!done) {
        receipt_log_close(log);
        return false;
    }
    *ret_log = log;
    return true;
}

bool receipt_log_has(const struct receipt_log *log, uint32_t step, const char *inside,
                     uint64_t *ret_length)
{
    struct arena arena;
    arena_init(&arena);
    const struct path_slot *slot = path_map_get(&log->known, key_of(&arena, step, inside));
    arena_fini(&arena);
    if (slot == NULL)
        return false;
    *ret_length = ((const struct received *)slot->value)->length;
    return true;
}

bool receipt_log_add(struct receipt_log *log, const struct receipt_record *record,
                     struct error *error)
{
    return receipt_writer_add(&log->writer, record, error);
}

bool receipt_log_deliver(struct receipt_log *log, struct store_ref ref, const struct call *call,
                         const char *path, struct error *error)
{
    struct area_file_writer *file;
    struct digest digest;
    bool done = receipt_writer_end(&log->writer, &digest, error) &&
                area_file_new(ref, call, path, &file, error);
    if (done) {
        done = read_file(log, UINT64_MAX, area_file_sink, file, error);
        if (done)
            done = area_file_commit(file, error);
        else
            area_file_abort(file);
    }
    if (done)
        unlink(log->path);
    receipt_log_close(log);
    return done;
}

void receipt_log_close(struct receipt_log *log)
{
    if (log == NULL)
        return;
    receipt_writer_fini(&log->writer);
    if (log->fd >= 0)
        close(log->fd);
    path_map_fini(&log->known);
    arena_fini(&log->arena);
    free(log->path);
    free(log);
}

void receipt_log_remove_others(const char *directory, const char *prefix, const char *keep)
{
    DIR *listing = opendir(directory);
    if (listing == NULL)
        return; /* nothing to remove where nothing can be listed */
    for (const struct dirent *item; (item = readdir(listing)) != NULL;)
        if (strncmp(item->d_name, prefix, strlen(prefix)) == 0 &&
            (keep == NULL || strncmp(item->d_name, keep, strlen(keep)) != 0))
            unlinkat(dirfd(listing), item->d_name, 0);
    closedir(listing);
}
