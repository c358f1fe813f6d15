/* posix_index.c: see posix_index.h and doc/formats.md. */
#include "component/posix/posix_index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "component/posix/posix_file.h"

#define BLOCK_BYTES ((size_t)64 << 10)     /* a block is written when it is as large */
#define BLOCK_BYTES_MAX ((size_t)64 << 20) /* one record with the largest attributes */

enum { FLAG_TORN = 1, FLAG_RACY = 2 };

static bool write_bytes(void *context, const void *data, size_t size, struct error *error)
{
    const struct posix_index_writer *writer = context;
    return posix_write_all(writer->fd, data, size) || posix_fail(error, errno, "write", "index");
}

static bool write_block(struct posix_index_writer *writer, struct error *error)
{
    struct buffer head;
    buffer_init(&head, 0);
    buffer_append_u32(&head, (uint32_t)writer->block.size);
    buffer_append_u32(&head, crc32c(0, writer->block.data, writer->block.size));
    bool written =
        container_writer_add(&writer->container, head.data, head.size, error) &&
        container_writer_add(&writer->container, writer->block.data, writer->block.size, error);
    buffer_fini(&head);
    buffer_clear(&writer->block);
    return written;
}

bool posix_index_create(struct posix_index_writer *writer, int directory,
                        const struct posix_index_info *info, struct error *error)
{
    *writer = (struct posix_index_writer){
        .fd = openat(directory, "index", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    buffer_init(&writer->block, BLOCK_BYTES_MAX);
    buffer_init(&writer->record, BLOCK_BYTES_MAX / 2);
    if (writer->fd < 0)
        return posix_fail(error, errno, "create", "index");
    const struct snapshot *snapshot = &info->snapshot;
    buffer_append_block(&writer->block, info->root, strlen(info->root));
    buffer_append_block(&writer->block, snapshot->name, strlen(snapshot->name));
    buffer_append_u64(&writer->block, snapshot->id);
    buffer_append_u64(&writer->block, (uint64_t)snapshot->instant_us);
    return container_writer_begin(&writer->container, CONTAINER_INDEX, write_bytes, writer,
                                  error) &&
           write_block(writer, error);
}

bool posix_index_add(struct posix_index_writer *writer, const struct posix_record *record,
                     struct error *error)
{
    const struct posix_stamp *stamp = &record->stamp;
    struct buffer *buffer = &writer->record;
    buffer_clear(buffer);
    entry_encode(&record->entry, buffer);
    if (buffer->failed)
        return posix_refuse(error, ERROR_LIMIT, record->entry.path, "attributes too large");
    buffer_append_block(&writer->block, buffer->data, buffer->size);
    buffer_append_u64(&writer->block, stamp->device);
    buffer_append_u64(&writer->block, stamp->inode);
    buffer_append_u64(&writer->block, (uint64_t)stamp->birth_ns);
    buffer_append_u64(&writer->block, stamp->size);
    buffer_append_u64(&writer->block, (uint64_t)stamp->mtime_ns);
    buffer_append_u64(&writer->block, (uint64_t)stamp->ctime_ns);
    buffer_append_byte(&writer->block, (uint8_t)((record->is_torn ? FLAG_TORN : 0) |
                                                 (record->is_racy ? FLAG_RACY : 0)));
    CHECK(!writer->block.failed); /* at most BLOCK_BYTES and one record */
    writer->count++;
    return writer->block.size < BLOCK_BYTES || write_block(writer, error);
}

bool posix_index_finish(struct posix_index_writer *writer, struct error *error)
{
    struct digest digest;
    if (writer->block.size > 0 && !write_block(writer, error))
        return false;
    if (!write_block(writer, error)) /* empty: the last */
        return false;
    buffer_append_u64(&writer->block, writer->count);
    if (!container_writer_add(&writer->container, writer->block.data, writer->block.size, error) ||
        !container_writer_end(&writer->container, &digest, error))
        return false;
    posix_index_abandon(writer);
    return true;
}

void posix_index_abandon(struct posix_index_writer *writer)
{
    posix_close_fd(&writer->fd);
    container_writer_fini(&writer->container);
    buffer_fini(&writer->block);
    buffer_fini(&writer->record);
}

static bool refuse(struct error *error, const char *why)
{
    return error_set(error, ERROR_CORRUPT, "index of a snapshot: %s", why);
}

static bool read_bytes(struct posix_index_reader *reader, void *data, size_t size,
                       struct error *error)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read(reader->fd, (char *)data + at, size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return posix_fail(error, errno, "read", "index");
        if (got == 0)
            return refuse(error, "cut short");
        at += (size_t)got;
    }
    return true;
}

static bool read_hashed(struct posix_index_reader *reader, void *data, size_t size,
                        struct error *error)
{
    if (!read_bytes(reader, data, size, error))
        return false;
    digest_stream_add(reader->digest, data, size);
    return true;
}

/* Leaves an empty block at the end of all blocks. */
static bool read_block(struct posix_index_reader *reader, struct error *error)
{
    uint8_t head[8];
    struct reader fields;
    if (!read_hashed(reader, head, sizeof head, error))
        return false;
    reader_init(&fields, head, sizeof head);
    uint32_t size = reader_u32(&fields), crc = reader_u32(&fields);
    if (size > BLOCK_BYTES_MAX)
        return refuse(error, "damaged (length of a block)");
    buffer_clear(&reader->block);
    char *place = buffer_reserve(&reader->block, size == 0 ? 1 : size);
    CHECK(place != NULL);
    if (!read_hashed(reader, place, size, error))
        return false;
    buffer_commit(&reader->block, size);
    if (crc32c(0, place, size) != crc)
        return refuse(error, "damaged (CRC of a block)");
    reader_init(&reader->records, reader->block.data, reader->block.size);
    return true;
}

static bool read_end(struct posix_index_reader *reader, struct error *error)
{
    uint8_t count[8], footer[DIGEST_SIZE], beyond;
    struct reader fields;
    if (!read_hashed(reader, count, sizeof count, error) ||
        !read_bytes(reader, footer, sizeof footer, error))
        return false;
    reader_init(&fields, count, sizeof count);
    struct digest digest = digest_stream_end(reader->digest);
    if (reader_u64(&fields) != reader->count || memcmp(digest.bytes, footer, DIGEST_SIZE) != 0)
        return refuse(error, "damaged (SHA-256 or number of records)");
    if (read(reader->fd, &beyond, 1) != 0)
        return refuse(error, "bytes behind its end");
    reader->at_end = true;
    return true;
}

static const char *read_text(struct posix_index_reader *reader)
{
    size_t size;
    const char *bytes = reader_block(&reader->records, &size);
    return bytes == NULL ? "" : arena_copy(&reader->info_arena, bytes, size);
}

static bool read_info(struct posix_index_reader *reader, struct error *error)
{
    if (!read_block(reader, error))
        return false;
    reader->info.root = read_text(reader);
    reader->info.snapshot.name = read_text(reader);
    reader->info.snapshot.id = reader_u64(&reader->records);
    reader->info.snapshot.instant_us = (int64_t)reader_u64(&reader->records);
    return reader_at_end(&reader->records) || refuse(error, "damaged (first block)");
}

bool posix_index_open(struct posix_index_reader *reader, int directory, struct error *error)
{
    uint8_t header[CONTAINER_HEADER_SIZE];
    uint64_t length;
    *reader = (struct posix_index_reader){
        .fd = openat(directory, "index", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    buffer_init(&reader->block, BLOCK_BYTES_MAX + 1);
    arena_init(&reader->arena);
    arena_init(&reader->info_arena);
    if (reader->fd < 0)
        return posix_fail(error, errno, "open", "index");
    reader->digest = digest_stream_new();
    return read_hashed(reader, header, sizeof header, error) &&
           container_check_header(CONTAINER_INDEX, header, sizeof header, &length, error) &&
           read_info(reader, error);
}

static bool decode_record(struct posix_index_reader *reader, struct error *error)
{
    struct posix_record *record = &reader->record;
    struct posix_stamp *stamp = &record->stamp;
    struct reader encoded;
    size_t size;
    const void *bytes = reader_block(&reader->records, &size);
    *record = (struct posix_record){0};
    if (bytes == NULL)
        return refuse(error, "damaged (a record)");
    reader_init(&encoded, bytes, size);
    bool decoded =
        entry_decode(&encoded, &reader->arena, &record->entry) && reader_at_end(&encoded);
    stamp->device = reader_u64(&reader->records);
    stamp->inode = reader_u64(&reader->records);
    stamp->birth_ns = (int64_t)reader_u64(&reader->records);
    stamp->size = reader_u64(&reader->records);
    stamp->mtime_ns = (int64_t)reader_u64(&reader->records);
    stamp->ctime_ns = (int64_t)reader_u64(&reader->records);
    uint8_t flags = reader_u8(&reader->records);
    if (!decoded || reader->records.failed)
        return refuse(error, "damaged (a record)");
    record->entry.file_id = stamp->inode;
    record->entry.birth_ns = stamp->birth_ns;
    record->is_torn = (flags & FLAG_TORN) != 0;
    record->is_racy = (flags & FLAG_RACY) != 0;
    reader->count++;
    return true;
}

bool posix_index_next(struct posix_index_reader *reader, const struct posix_record **ret_record,
                      struct error *error)
{
    *ret_record = NULL;
    if (reader->at_end)
        return true;
    arena_fini(&reader->arena);
    if (reader_at_end(&reader->records)) {
        if (!read_block(reader, error))
            return false;
        if (reader->block.size == 0)
            return read_end(reader, error);
    }
    if (!decode_record(reader, error))
        return false;
    *ret_record = &reader->record;
    return true;
}

void posix_index_close(struct posix_index_reader *reader)
{
    posix_close_fd(&reader->fd);
    digest_stream_free(reader->digest);
    reader->digest = NULL;
    buffer_fini(&reader->block);
    arena_fini(&reader->arena);
    arena_fini(&reader->info_arena);
}
