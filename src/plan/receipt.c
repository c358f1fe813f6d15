/* receipt.c: a container whose payload is frames: u32 size, u32 CRC-32C, record; the end frame has
 * size 0 and the number of records. */
#include "plan/receipt.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/path.h"

#define FRAME_HEADER 8
#define END_FRAME 16
#define FRAME_MAX ((size_t)16 << 20)

enum { STATE_HEADER, STATE_FRAMES, STATE_FOOTER, STATE_OVER };

static void encode_record(const struct receipt_record *record, struct buffer *buffer)
{
    struct entry entry = record->entry;
    entry.path = "";
    buffer_append_u32(buffer, record->step);
    buffer_append_block(buffer, record->inside, strlen(record->inside));
    buffer_append_block(buffer, record->checksum, strlen(record->checksum));
    entry_encode(&entry, buffer);
}

bool receipt_writer_begin(struct receipt_writer *writer, container_sink_fn *sink, void *context,
                          struct error *error)
{
    *writer = (struct receipt_writer){0};
    return container_writer_begin(&writer->container, CONTAINER_RECEIPT, sink, context, error);
}

void receipt_writer_resume(struct receipt_writer *writer, container_sink_fn *sink, void *context,
                           uint64_t count)
{
    *writer = (struct receipt_writer){.count = count};
    container_writer_resume(&writer->container, sink, context);
}

void receipt_writer_adopt(struct receipt_writer *writer, const void *data, size_t size)
{
    container_writer_adopt(&writer->container, data, size);
}

bool receipt_writer_add(struct receipt_writer *writer, const struct receipt_record *record,
                        struct error *error)
{
    struct buffer payload = {0};
    encode_record(record, &payload);
    if (payload.failed || payload.size > FRAME_MAX) {
        buffer_fini(&payload);
        return error_set(error, ERROR_LIMIT, "receipt: '%.150s' has too many attributes",
                         record->inside);
    }
    buffer_clear(&writer->frame);
    buffer_append_u32(&writer->frame, (uint32_t)payload.size);
    buffer_append_u32(&writer->frame, crc32c(0, payload.data, payload.size));
    buffer_append(&writer->frame, payload.data, payload.size);
    buffer_fini(&payload);
    writer->count++;
    return container_writer_add(&writer->container, writer->frame.data, writer->frame.size, error);
}

bool receipt_writer_end(struct receipt_writer *writer, struct digest *ret_digest,
                        struct error *error)
{
    buffer_clear(&writer->frame);
    buffer_append_u32(&writer->frame, 0);
    buffer_append_u32(&writer->frame, 0);
    buffer_append_u64(&writer->frame, writer->count);
    return container_writer_add(&writer->container, writer->frame.data, writer->frame.size,
                                error) &&
           container_writer_end(&writer->container, ret_digest, error);
}

void receipt_writer_fini(struct receipt_writer *writer)
{
    container_writer_fini(&writer->container);
    buffer_fini(&writer->frame);
}

void receipt_reader_init(struct receipt_reader *reader, receipt_fn *fn, void *context)
{
    *reader = (struct receipt_reader){.fn = fn,
                                      .context = context,
                                      .payload_digest = digest_stream_new(),
                                      .file_digest = digest_stream_new()};
}

void receipt_reader_fini(struct receipt_reader *reader)
{
    digest_stream_free(reader->payload_digest);
    digest_stream_free(reader->file_digest);
    buffer_fini(&reader->held);
    *reader = (struct receipt_reader){0};
}

static const char *front(const struct receipt_reader *reader)
{
    return reader->held.data + reader->at;
}

static size_t left(const struct receipt_reader *reader)
{
    return reader->held.size - reader->at;
}

/* The next size bytes of what is held are understood. */
static void accept(struct receipt_reader *reader, size_t size)
{
    digest_stream_add(reader->payload_digest, front(reader), size);
    reader->at += size;
}

static bool read_header(struct receipt_reader *reader, struct error *error)
{
    uint64_t length;
    if (!container_check_header(CONTAINER_RECEIPT, reader->held.data, CONTAINER_HEADER_SIZE,
                                &length, error))
        return false;
    accept(reader, CONTAINER_HEADER_SIZE);
    reader->valid_size = CONTAINER_HEADER_SIZE;
    reader->state = STATE_FRAMES;
    return true;
}

static bool decode_record(const void *data, size_t size, struct arena *arena,
                          struct receipt_record *ret_record)
{
    struct reader input;
    reader_init(&input, data, size);
    ret_record->step = reader_u32(&input);
    ret_record->inside = reader_text(&input, arena);
    ret_record->checksum = reader_text(&input, arena);
    return path_is_clean_relative(ret_record->inside) &&
           entry_decode(&input, arena, &ret_record->entry) && reader_at_end(&input);
}

static bool hand_out(struct receipt_reader *reader, size_t size, struct error *error)
{
    struct arena arena;
    struct receipt_record record;
    arena_init(&arena);
    bool ok = true;
    if (decode_record(front(reader) + FRAME_HEADER, size, &arena, &record)) {
        ok = reader->fn(reader->context, &record, error);
        reader->count++;
        reader->valid_size += FRAME_HEADER + size;
        accept(reader, FRAME_HEADER + size);
    } else {
        reader->state = STATE_OVER;
    }
    arena_fini(&arena);
    return ok;
}

static void read_end_frame(struct receipt_reader *reader)
{
    struct reader input;
    reader_init(&input, front(reader) + 4, END_FRAME - 4);
    uint32_t zero = reader_u32(&input);
    reader->state = zero == 0 && reader_u64(&input) == reader->count ? STATE_FOOTER : STATE_OVER;
    accept(reader, END_FRAME);
}

/* One frame, if it is there in full. *ret_waits: more bytes are needed. */
static bool read_frame(struct receipt_reader *reader, bool *ret_waits, struct error *error)
{
    struct reader input;
    *ret_waits = left(reader) < FRAME_HEADER;
    if (*ret_waits)
        return true;
    reader_init(&input, front(reader), FRAME_HEADER);
    size_t size = reader_u32(&input);
    uint32_t crc = reader_u32(&input);
    size_t whole = size == 0 ? END_FRAME : FRAME_HEADER + size;
    if (size > FRAME_MAX) {
        reader->state = STATE_OVER;
        return true;
    }
    *ret_waits = left(reader) < whole;
    if (*ret_waits)
        return true;
    if (size == 0)
        read_end_frame(reader);
    else if (crc32c(0, front(reader) + FRAME_HEADER, size) != crc)
        reader->state = STATE_OVER;
    else
        return hand_out(reader, size, error);
    return true;
}

static void read_footer(struct receipt_reader *reader)
{
    struct digest digest = digest_stream_end(reader->payload_digest);
    reader->complete = left(reader) == CONTAINER_FOOTER_SIZE &&
                       memcmp(digest.bytes, front(reader), DIGEST_SIZE) == 0;
    if (reader->complete)
        reader->digest = digest_stream_end(reader->file_digest);
    reader->state = STATE_OVER;
}

bool receipt_reader_feed(struct receipt_reader *reader, const void *data, size_t size,
                         struct error *error)
{
    bool waits = false;
    if (reader->state == STATE_OVER) { /* bytes behind the end: it was not the end */
        reader->complete = reader->complete && size == 0;
        return true;
    }
    digest_stream_add(reader->file_digest, data, size);
    buffer_append(&reader->held, data, size);
    CHECK(!reader->held.failed);
    if (reader->state == STATE_HEADER) {
        if (reader->held.size < CONTAINER_HEADER_SIZE)
            return true;
        if (!read_header(reader, error))
            return false;
    }
    while (reader->state == STATE_FRAMES && !waits)
        if (!read_frame(reader, &waits, error))
            return false;
    if (reader->state == STATE_FOOTER && left(reader) >= CONTAINER_FOOTER_SIZE)
        read_footer(reader);
    buffer_consume(&reader->held, reader->at);
    reader->at = 0;
    return true;
}
