/* area_file.c: see area_file.h. */
#include "agent/area_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define PIECE_SIZE ((size_t)256 << 10)

struct area_file_writer {
    struct store_ref ref;
    struct call call;
    char *path, *temporary;
    struct store_writer *file;
    struct buffer piece; /* small records go out together */
};

static void free_writer(struct area_file_writer *writer)
{
    buffer_fini(&writer->piece);
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

bool area_file_sink(void *context, const void *data, size_t size, struct error *error)
{
    struct area_file_writer *writer = context;
    buffer_append(&writer->piece, data, size);
    CHECK(!writer->piece.failed);
    if (writer->piece.size < PIECE_SIZE)
        return true;
    bool written =
        writer->ref.component->write(writer->file, writer->piece.data, writer->piece.size, error);
    buffer_clear(&writer->piece);
    return written;
}

static bool flush(struct area_file_writer *writer, struct error *error)
{
    bool written =
        writer->piece.size == 0 ||
        writer->ref.component->write(writer->file, writer->piece.data, writer->piece.size, error);
    buffer_clear(&writer->piece);
    return written;
}

bool area_file_new(struct store_ref ref, const struct call *call, const char *path,
                   struct area_file_writer **ret_writer, struct error *error)
{
    struct area_file_writer *writer = memory_new(sizeof *writer);
    size_t length = strlen(path);
    writer->ref = ref;
    writer->call = *call;
    writer->path = memory_copy_string(path);
    writer->temporary = memory_new(length + 5);
    memcpy(writer->temporary, path, length);
    memcpy(writer->temporary + length, ".new", 5);
    buffer_init(&writer->piece, 0);
    if (!store_remove_all(ref, call, writer->temporary, error) ||
        !ref.component->write_open(ref.store, &writer->call, writer->temporary, 0600, &writer->file,
                                   error)) {
        free_writer(writer);
        return false;
    }
    *ret_writer = writer;
    return true;
}

bool area_file_commit(struct area_file_writer *writer, struct error *error)
{
    struct error ignored;
    bool done = flush(writer, error);
    bool closed = writer->ref.component->write_close(writer->file, done, done ? error : &ignored);
    done = done && closed &&
           writer->ref.component->rename(writer->ref.store, &writer->call, writer->temporary,
                                         writer->path, true, error);
    free_writer(writer);
    return done;
}

void area_file_abort(struct area_file_writer *writer)
{
    struct error ignored;
    writer->ref.component->write_close(writer->file, false, &ignored);
    free_writer(writer);
}

bool area_file_read(struct store_ref ref, const struct call *call, const char *path,
                    container_sink_fn *sink, void *context, struct error *error)
{
    struct store_reader *file;
    if (!ref.component->read_open(ref.store, call, path, 0, &file, error))
        return error_wrap(error, "%.120s", path);
    char *piece = memory_new(PIECE_SIZE);
    bool done = true;
    for (size_t got = 1; done && got > 0;)
        done = ref.component->read(file, piece, PIECE_SIZE, &got, error) &&
               (got == 0 || sink(context, piece, got, error));
    ref.component->read_close(file);
    free(piece);
    return done || error_wrap(error, "%.120s", path);
}

static bool feed_receipt(void *context, const void *data, size_t size, struct error *error)
{
    return receipt_reader_feed(context, data, size, error);
}

bool receipt_file_read(struct store_ref ref, const struct call *call, const char *path,
                       struct receipt_reader *reader, struct error *error)
{
    if (!area_file_read(ref, call, path, feed_receipt, reader, error))
        return false;
    return reader->complete || error_set(error, ERROR_CORRUPT, "%.120s is cut or damaged", path);
}

bool area_file_read_at(struct store_ref ref, const struct call *call, const char *path,
                       uint64_t offset, void *data, size_t size, struct error *error)
{
    struct store_reader *file;
    char *place = data;
    size_t got = 1;
    if (!ref.component->read_open(ref.store, call, path, offset, &file, error))
        return error_wrap(error, "%.120s", path);
    bool done = true;
    while (done && size > 0 && got > 0) {
        done = ref.component->read(file, place, size, &got, error);
        place += done ? got : 0;
        size -= done ? got : 0;
    }
    ref.component->read_close(file);
    if (done && size > 0)
        return error_set(error, ERROR_CORRUPT, "%.120s is shorter than it must be", path);
    return done;
}
