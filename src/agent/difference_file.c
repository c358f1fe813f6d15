/* difference_file.c: "COEVALDF", version, then blocks "u32 size, bytes" of records; a block of size
 * 0 is followed by the record count and the SHA-256 of everything before the digest. */
#include "agent/difference_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/path.h"

#define MAGIC "COEVALDF"
#define MAGIC_SIZE 8
#define VERSION 1
#define BLOCK_SIZE ((size_t)64 << 10)
#define BLOCK_SIZE_MAX ((size_t)1 << 20)

struct difference_writer {
    struct store_ref ref;
    struct call call;
    struct store_writer *file;
    struct digest_stream *digest;
    struct buffer block;
    uint64_t count;
    char *path;
    char *temporary;
};

static void free_writer(struct difference_writer *writer)
{
    digest_stream_free(writer->digest);
    buffer_fini(&writer->block);
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

static bool put(struct difference_writer *writer, const void *data, size_t size,
                struct error *error)
{
    digest_stream_add(writer->digest, data, size);
    return writer->ref.component->write(writer->file, data, size, error);
}

static bool put_block(struct difference_writer *writer, struct error *error)
{
    struct buffer head;
    buffer_init(&head, 0);
    buffer_append_u32(&head, (uint32_t)writer->block.size);
    bool done =
        put(writer, head.data, head.size, error) &&
        (writer->block.size == 0 || put(writer, writer->block.data, writer->block.size, error));
    buffer_fini(&head);
    buffer_clear(&writer->block);
    return done;
}

bool difference_writer_new(struct store_ref ref, const struct call *call, const char *path,
                           struct difference_writer **ret_writer, struct error *error)
{
    struct difference_writer *writer = memory_new(sizeof *writer);
    struct buffer head;
    buffer_init(&head, 0);
    buffer_append(&head, MAGIC, MAGIC_SIZE);
    buffer_append_u32(&head, VERSION);
    writer->ref = ref;
    writer->call = *call;
    writer->digest = digest_stream_new();
    buffer_init(&writer->block, BLOCK_SIZE_MAX);
    writer->path = memory_copy_string(path);
    writer->temporary = memory_new(strlen(path) + 5);
    memcpy(writer->temporary, path, strlen(path));
    memcpy(writer->temporary + strlen(path), ".new", 5);
    bool done = store_remove_all(ref, call, writer->temporary, error) &&
                ref.component->write_open(ref.store, &writer->call, writer->temporary, 0600,
                                          &writer->file, error);
    if (done && !put(writer, head.data, head.size, error)) {
        struct error ignored;
        ref.component->write_close(writer->file, false, &ignored);
        done = false;
    }
    buffer_fini(&head);
    if (!done) {
        free_writer(writer);
        return false;
    }
    *ret_writer = writer;
    return true;
}

bool difference_writer_add(struct difference_writer *writer, const struct difference *difference,
                           struct error *error)
{
    const char *target = difference->target == NULL ? "" : difference->target;
    buffer_append_byte(&writer->block, (uint8_t)difference->kind);
    buffer_append_block(&writer->block, difference->path, strlen(difference->path));
    buffer_append_block(&writer->block, target, strlen(target));
    CHECK(!writer->block.failed);
    writer->count++;
    return writer->block.size < BLOCK_SIZE || put_block(writer, error);
}

bool difference_writer_commit(struct difference_writer *writer, struct error *error)
{
    struct store_ref ref = writer->ref;
    struct buffer tail;
    buffer_init(&tail, 0);
    buffer_append_u64(&tail, writer->count);
    bool done = (writer->block.size == 0 || put_block(writer, error)) && put_block(writer, error) &&
                put(writer, tail.data, tail.size, error);
    if (done) {
        struct digest digest = digest_stream_end(writer->digest);
        done = ref.component->write(writer->file, digest.bytes, DIGEST_SIZE, error);
    }
    struct error ignored;
    done = ref.component->write_close(writer->file, done, done ? error : &ignored) && done &&
           ref.component->rename(ref.store, &writer->call, writer->temporary, writer->path, true,
                                 error);
    buffer_fini(&tail);
    free_writer(writer);
    return done;
}

void difference_writer_abort(struct difference_writer *writer)
{
    struct error ignored;
    writer->ref.component->write_close(writer->file, false, &ignored);
    free_writer(writer);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct source {
    const struct component *component;
    struct store_reader *file;
    struct digest_stream *digest;
};

static bool take(struct source *source, void *data, size_t size, bool counted, struct error *error)
{
    char *place = data;
    size_t left = size;
    while (left > 0) {
        size_t got = 0;
        if (!source->component->read(source->file, place, left, &got, error))
            return false;
        if (got == 0)
            return error_set(error, ERROR_CORRUPT, "a stored difference is cut");
        place += got;
        left -= got;
    }
    if (counted)
        digest_stream_add(source->digest, data, size);
    return true;
}

static bool take_u32(struct source *source, uint32_t *ret_value, struct error *error)
{
    uint8_t bytes[4];
    struct reader reader;
    if (!take(source, bytes, sizeof bytes, true, error))
        return false;
    reader_init(&reader, bytes, sizeof bytes);
    *ret_value = reader_u32(&reader);
    return true;
}

static bool emit_block(const struct buffer *block, uint64_t *count, difference_fn *fn,
                       void *context, struct error *error)
{
    struct reader reader;
    struct arena arena;
    bool done = true;
    arena_init(&arena);
    reader_init(&reader, block->data, block->size);
    while (done && !reader_at_end(&reader)) {
        size_t path_size, target_size;
        struct difference difference = {.kind = reader_u8(&reader)};
        const void *path = reader_block(&reader, &path_size);
        const void *target = reader_block(&reader, &target_size);
        if (reader.failed || memchr("CDRM", difference.kind, 4) == NULL) {
            done = error_set(error, ERROR_CORRUPT, "a stored difference is damaged");
            break;
        }
        difference.path = arena_copy(&arena, path, path_size);
        difference.target = arena_copy(&arena, target, target_size);
        if (difference.kind != DIFFERENCE_RENAME)
            difference.target = NULL;
        (*count)++;
        done = path_is_clean_relative(difference.path) &&
                       (difference.target == NULL || path_is_clean_relative(difference.target))
                   ? fn(context, &difference, error)
                   : error_set(error, ERROR_CORRUPT, "a stored difference names an unclean path");
    }
    arena_fini(&arena);
    return done;
}

static bool check_tail(struct source *source, uint64_t count, struct error *error)
{
    uint8_t bytes[8], stored[DIGEST_SIZE];
    struct reader reader;
    if (!take(source, bytes, sizeof bytes, true, error))
        return false;
    struct digest digest = digest_stream_end(source->digest);
    if (!take(source, stored, sizeof stored, false, error))
        return false;
    reader_init(&reader, bytes, sizeof bytes);
    if (reader_u64(&reader) != count || memcmp(digest.bytes, stored, DIGEST_SIZE) != 0)
        return error_set(error, ERROR_CORRUPT, "a stored difference does not match its digest");
    return true;
}

static bool read_all(struct source *source, difference_fn *fn, void *context, struct error *error)
{
    char magic[MAGIC_SIZE];
    uint32_t version, size;
    uint64_t count = 0;
    struct buffer block;
    if (!take(source, magic, sizeof magic, true, error) || !take_u32(source, &version, error))
        return false;
    if (memcmp(magic, MAGIC, MAGIC_SIZE) != 0 || version != VERSION)
        return error_set(error, ERROR_CORRUPT, "not a stored difference of version %d", VERSION);
    buffer_init(&block, BLOCK_SIZE_MAX);
    bool done;
    while ((done = take_u32(source, &size, error)) && size != 0) {
        buffer_clear(&block);
        char *place = buffer_reserve(&block, size);
        if (place == NULL) {
            done = error_set(error, ERROR_CORRUPT, "a stored difference has an over-long block");
            break;
        }
        done = take(source, place, size, true, error);
        if (!done)
            break;
        buffer_commit(&block, size);
        done = emit_block(&block, &count, fn, context, error);
        if (!done)
            break;
    }
    buffer_fini(&block);
    return done && check_tail(source, count, error);
}

bool difference_file_read(struct store_ref ref, const struct call *call, const char *path,
                          difference_fn *fn, void *context, struct error *error)
{
    struct source source = {.component = ref.component};
    if (!ref.component->read_open(ref.store, call, path, 0, &source.file, error))
        return false;
    source.digest = digest_stream_new();
    bool done = read_all(&source, fn, context, error);
    digest_stream_free(source.digest);
    ref.component->read_close(source.file);
    return done || error_wrap(error, "%s", path);
}
