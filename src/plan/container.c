/* container.c: see container.h. */
#include "plan/container.h"

#include <string.h>

#include "base/check.h"

#define MAGIC "COEVAL"
#define MAGIC_SIZE 6

struct kind {
    const char *name;
    uint16_t version;
};

static const struct kind *kind_of(enum container_kind kind)
{
    static const struct kind kinds[] = {
#define X(symbol, number, newest, text) [number] = {text, newest},
        CONTAINER_KINDS(X)
#undef X
    };
    CHECK(kind > 0 && kind < ARRAY_LENGTH(kinds));
    return &kinds[kind];
}

static uint16_t version_of(enum container_kind kind)
{
    return kind_of(kind)->version;
}

const char *container_kind_name(enum container_kind kind)
{
    return kind_of(kind)->name;
}

static void encode_header(struct buffer *buffer, enum container_kind kind, uint64_t length)
{
    buffer_append(buffer, MAGIC, MAGIC_SIZE);
    buffer_append_u16(buffer, (uint16_t)kind);
    buffer_append_u16(buffer, version_of(kind));
    buffer_append_u16(buffer, 0);
    buffer_append_u32(buffer, 0);
    buffer_append_u64(buffer, length);
}

bool container_check_header(enum container_kind kind, const void *data, size_t size,
                            uint64_t *ret_length, struct error *error)
{
    const char *name = container_kind_name(kind);
    if (size < CONTAINER_HEADER_SIZE || memcmp(data, MAGIC, MAGIC_SIZE) != 0)
        return error_set(error, ERROR_CORRUPT, "%s: not a file of Coeval, or cut short", name);
    struct reader reader;
    reader_init(&reader, data, CONTAINER_HEADER_SIZE);
    reader_bytes(&reader, MAGIC_SIZE);
    uint16_t actual_kind = reader_u16(&reader), version = reader_u16(&reader);
    uint64_t reserved = reader_u16(&reader);
    reserved |= reader_u32(&reader);
    if (actual_kind != kind)
        return error_set(error, ERROR_CORRUPT, "%s: the file is of kind %u instead of %u", name,
                         actual_kind, (unsigned)kind);
    if (version == 0 || version > version_of(kind))
        return error_set(error, ERROR_INVALID,
                         "%s: the file has version %u, this program knows 1 to %u: use the newer "
                         "program that wrote it",
                         name, version, version_of(kind));
    if (reserved != 0)
        return error_set(error, ERROR_CORRUPT, "%s: damaged header", name);
    *ret_length = reader_u64(&reader);
    return true;
}

void container_encode(enum container_kind kind, const void *payload, size_t size,
                      struct buffer *buffer)
{
    size_t start = buffer->size;
    encode_header(buffer, kind, size);
    buffer_append(buffer, payload, size);
    if (buffer->failed)
        return;
    struct digest digest = digest_of(buffer->data + start, buffer->size - start);
    buffer_append(buffer, digest.bytes, DIGEST_SIZE);
}

bool container_open(enum container_kind kind, const void *data, size_t size,
                    struct reader *ret_payload, struct error *error)
{
    const uint8_t *bytes = data;
    uint64_t length;
    if (!container_check_header(kind, data, size, &length, error))
        return false;
    size_t around = CONTAINER_HEADER_SIZE + CONTAINER_FOOTER_SIZE;
    if (size < around || (length != CONTAINER_LENGTH_OPEN && length != size - around))
        return error_set(error, ERROR_CORRUPT, "%s: cut short or with bytes behind its end",
                         container_kind_name(kind));
    struct digest digest = digest_of(data, size - CONTAINER_FOOTER_SIZE);
    if (memcmp(digest.bytes, bytes + size - CONTAINER_FOOTER_SIZE, DIGEST_SIZE) != 0)
        return error_set(error, ERROR_CORRUPT, "%s: damaged (its SHA-256 differs)",
                         container_kind_name(kind));
    reader_init(ret_payload, bytes + CONTAINER_HEADER_SIZE, size - around);
    return true;
}

static bool write_bytes(struct container_writer *writer, const void *data, size_t size,
                        struct error *error)
{
    digest_stream_add(writer->file_digest, data, size);
    writer->offset += size;
    return writer->sink(writer->context, data, size, error);
}

void container_writer_resume(struct container_writer *writer, container_sink_fn *sink,
                             void *context)
{
    *writer = (struct container_writer){.sink = sink,
                                        .context = context,
                                        .payload_digest = digest_stream_new(),
                                        .file_digest = digest_stream_new()};
}

void container_writer_adopt(struct container_writer *writer, const void *data, size_t size)
{
    digest_stream_add(writer->payload_digest, data, size);
    digest_stream_add(writer->file_digest, data, size);
    writer->offset += size;
}

bool container_writer_begin(struct container_writer *writer, enum container_kind kind,
                            container_sink_fn *sink, void *context, struct error *error)
{
    container_writer_resume(writer, sink, context);
    struct buffer header;
    buffer_init(&header, 0);
    encode_header(&header, kind, CONTAINER_LENGTH_OPEN);
    bool ok = container_writer_add(writer, header.data, header.size, error);
    buffer_fini(&header);
    return ok;
}

bool container_writer_add(struct container_writer *writer, const void *data, size_t size,
                          struct error *error)
{
    digest_stream_add(writer->payload_digest, data, size);
    return write_bytes(writer, data, size, error);
}

bool container_writer_end(struct container_writer *writer, struct digest *ret_digest,
                          struct error *error)
{
    struct digest digest = digest_stream_end(writer->payload_digest);
    if (!write_bytes(writer, digest.bytes, DIGEST_SIZE, error))
        return false;
    *ret_digest = digest_stream_end(writer->file_digest);
    return true;
}

void container_writer_fini(struct container_writer *writer)
{
    digest_stream_free(writer->payload_digest);
    digest_stream_free(writer->file_digest);
    *writer = (struct container_writer){0};
}

void container_reader_init(struct container_reader *reader, enum container_kind kind,
                           container_sink_fn *sink, void *context)
{
    *reader = (struct container_reader){.kind = kind,
                                        .sink = sink,
                                        .context = context,
                                        .payload_digest = digest_stream_new(),
                                        .file_digest = digest_stream_new()};
    buffer_init(&reader->held, 0);
}

/* Takes the header off the front of what is held. */
static bool read_header(struct container_reader *reader, struct error *error)
{
    if (!container_check_header(reader->kind, reader->held.data, reader->held.size, &reader->length,
                                error))
        return false;
    digest_stream_add(reader->payload_digest, reader->held.data, CONTAINER_HEADER_SIZE);
    buffer_consume(&reader->held, CONTAINER_HEADER_SIZE);
    reader->header_read = true;
    return true;
}

/* Passes the first size bytes of what is held on to the sink. */
static bool pass(struct container_reader *reader, size_t size, struct error *error)
{
    digest_stream_add(reader->payload_digest, reader->held.data, size);
    reader->passed += size;
    if (reader->passed > reader->length)
        return error_set(error, ERROR_CORRUPT, "%s: bytes behind its end",
                         container_kind_name(reader->kind));
    bool ok = reader->sink(reader->context, reader->held.data, size, error);
    buffer_consume(&reader->held, size);
    return ok;
}

bool container_reader_feed(struct container_reader *reader, const void *data, size_t size,
                           struct error *error)
{
    digest_stream_add(reader->file_digest, data, size);
    buffer_append(&reader->held, data, size);
    if (reader->held.failed)
        return error_set(error, ERROR_LIMIT, "%s: fed in pieces that are too large",
                         container_kind_name(reader->kind));
    if (!reader->header_read) {
        if (reader->held.size < CONTAINER_HEADER_SIZE)
            return true;
        if (!read_header(reader, error))
            return false;
    }
    if (reader->held.size <= CONTAINER_FOOTER_SIZE)
        return true;
    return pass(reader, reader->held.size - CONTAINER_FOOTER_SIZE, error);
}

bool container_reader_end(struct container_reader *reader, struct digest *ret_digest,
                          struct error *error)
{
    const char *name = container_kind_name(reader->kind);
    if (!reader->header_read || reader->held.size != CONTAINER_FOOTER_SIZE ||
        (reader->length != CONTAINER_LENGTH_OPEN && reader->passed != reader->length))
        return error_set(error, ERROR_CORRUPT, "%s: cut short", name);
    struct digest digest = digest_stream_end(reader->payload_digest);
    if (memcmp(digest.bytes, reader->held.data, DIGEST_SIZE) != 0)
        return error_set(error, ERROR_CORRUPT, "%s: damaged (its SHA-256 differs)", name);
    *ret_digest = digest_stream_end(reader->file_digest);
    return true;
}

void container_reader_fini(struct container_reader *reader)
{
    digest_stream_free(reader->payload_digest);
    digest_stream_free(reader->file_digest);
    buffer_fini(&reader->held);
    *reader = (struct container_reader){0};
}
