/* journal_record.c: see journal_record.h. */
#include "journal/journal_record.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"

#define HEAD_SIZE 84u        /* of a record, before key and payload */
#define OBJECT_HEAD_SIZE 16u /* of an object, before the payload */
#define CRC_SIZE 4u
#define FLAG_KEY 1u
#define FLAG_REMOVED 2u

void journal_sequence_encode(uint64_t sequence, uint8_t ret_key[JOURNAL_SEQUENCE_SIZE])
{
    for (int i = JOURNAL_SEQUENCE_SIZE - 1; i >= 0; i--, sequence >>= 8)
        ret_key[i] = (uint8_t)sequence;
}

bool journal_sequence_decode(const void *key, size_t size, uint64_t *ret_sequence)
{
    if (size != JOURNAL_SEQUENCE_SIZE)
        return false;
    const uint8_t *bytes = key;
    uint64_t sequence = 0;
    for (int i = 0; i < JOURNAL_SEQUENCE_SIZE; i++)
        sequence = sequence << 8 | bytes[i];
    *ret_sequence = sequence;
    return true;
}

void journal_record_encode(const struct journal_record *record, uint32_t previous_crc,
                           struct buffer *buffer, uint32_t *ret_crc)
{
    size_t start = buffer->size, key_size = record->key == NULL ? 0 : strlen(record->key);
    char origin[JOURNAL_ORIGIN_SIZE] = {0};
    CHECK(key_size <= JOURNAL_KEY_BYTES_MAX);
    CHECK(record->payload_size <= JOURNAL_PAYLOAD_BYTES_MAX);
    CHECK(record->payload != NULL || (key_size > 0 && record->payload_size == 0));
    memcpy(origin, record->origin, strnlen(record->origin, sizeof origin));
    buffer_append_u16(buffer, JOURNAL_RECORD_VERSION);
    buffer_append_u16(buffer, (uint16_t)record->type);
    buffer_append_u16(buffer, (uint16_t)((record->key == NULL ? 0 : FLAG_KEY) |
                                         (record->payload == NULL ? FLAG_REMOVED : 0)));
    buffer_append_u16(buffer, (uint16_t)key_size);
    buffer_append_u32(buffer, (uint32_t)record->payload_size);
    buffer_append_u32(buffer, previous_crc);
    buffer_append_u64(buffer, record->sequence);
    buffer_append_u64(buffer, record->generation);
    buffer_append_u64(buffer, (uint64_t)record->realtime_us);
    buffer_append_u64(buffer, (uint64_t)record->boottime_ns);
    buffer_append(buffer, origin, sizeof origin);
    CHECK(buffer->failed || buffer->size - start == HEAD_SIZE);
    buffer_append(buffer, record->key == NULL ? "" : record->key, key_size + 1);
    buffer_append(buffer, record->payload == NULL ? "" : record->payload, record->payload_size);
    buffer_append_byte(buffer, 0);
    CHECK(!buffer->failed);
    *ret_crc = crc32c(0, buffer->data + start, buffer->size - start);
    buffer_append_u32(buffer, *ret_crc);
    CHECK(!buffer->failed);
}

static bool refuse(struct error *error, uint64_t sequence, const char *why)
{
    return error_set(error, ERROR_CORRUPT, "record %" PRIu64 ": %s", sequence, why);
}

/* A run of size bytes that ends with the only NUL in it. */
static const char *read_string(struct reader *reader, size_t size)
{
    const char *bytes = reader_bytes(reader, size + 1);
    return bytes != NULL && memchr(bytes, 0, size + 1) == bytes + size ? bytes : NULL;
}

static bool origin_is_padded(const char *origin)
{
    size_t length = strnlen(origin, JOURNAL_ORIGIN_SIZE);
    for (size_t i = length; i < JOURNAL_ORIGIN_SIZE; i++)
        if (origin[i] != 0)
            return false;
    return true;
}

/* The CRC first: what fails it says nothing true about itself. */
static bool split_crc(const void *data, size_t size, uint32_t *ret_crc)
{
    struct reader tail;
    reader_init(&tail, (const uint8_t *)data + size - CRC_SIZE, CRC_SIZE);
    *ret_crc = reader_u32(&tail);
    return crc32c(0, data, size - CRC_SIZE) == *ret_crc;
}

static bool decode_body(struct reader *reader, unsigned flags, size_t key_size,
                        struct journal_record *record)
{
    const char *key = read_string(reader, key_size);
    const char *payload = read_string(reader, record->payload_size);
    if (key == NULL || payload == NULL || !reader_at_end(reader))
        return false;
    if (flags > (FLAG_KEY | FLAG_REMOVED) || flags == FLAG_REMOVED)
        return false;
    if ((key_size > 0) != ((flags & FLAG_KEY) != 0) || key_size > JOURNAL_KEY_BYTES_MAX)
        return false;
    if ((flags & FLAG_REMOVED) != 0 && record->payload_size > 0)
        return false;
    record->key = (flags & FLAG_KEY) != 0 ? key : NULL;
    record->payload = (flags & FLAG_REMOVED) != 0 ? NULL : payload;
    return true;
}

bool journal_record_decode(const void *data, size_t size, uint64_t sequence,
                           struct journal_record *ret_record, uint32_t *ret_previous_crc,
                           uint32_t *ret_crc, struct error *error)
{
    struct journal_record record = {0};
    struct reader reader;
    uint32_t crc, previous_crc;
    if (size < HEAD_SIZE + 2 + CRC_SIZE)
        return refuse(error, sequence, "too short");
    if (!split_crc(data, size, &crc))
        return refuse(error, sequence, "checksum does not match its bytes");
    reader_init(&reader, data, size - CRC_SIZE);
    unsigned version = reader_u16(&reader);
    if (version > JOURNAL_RECORD_VERSION)
        return error_set(error, ERROR_INVALID,
                         "record %" PRIu64
                         " has format %u and this program knows %u: use the newer "
                         "program",
                         sequence, version, JOURNAL_RECORD_VERSION);
    record.type = reader_u16(&reader);
    unsigned flags = reader_u16(&reader);
    size_t key_size = reader_u16(&reader);
    record.payload_size = reader_u32(&reader);
    previous_crc = reader_u32(&reader);
    record.sequence = reader_u64(&reader);
    record.generation = reader_u64(&reader);
    record.realtime_us = (int64_t)reader_u64(&reader);
    record.boottime_ns = (int64_t)reader_u64(&reader);
    const char *origin = reader_bytes(&reader, JOURNAL_ORIGIN_SIZE);
    CHECK(!reader.failed); /* the size was checked */
    memcpy(record.origin, origin, JOURNAL_ORIGIN_SIZE);
    if (version != JOURNAL_RECORD_VERSION || record.payload_size > JOURNAL_PAYLOAD_BYTES_MAX ||
        !origin_is_padded(origin) || !decode_body(&reader, flags, key_size, &record))
        return refuse(error, sequence, "its fields do not fit together");
    if (record.sequence != sequence)
        return refuse(error, sequence, "holds another record");
    *ret_record = record;
    *ret_previous_crc = previous_crc;
    *ret_crc = crc;
    return true;
}

static uint32_t object_crc(unsigned type, const void *key, size_t key_size, const void *data,
                           size_t size)
{
    uint8_t number[2] = {(uint8_t)type, (uint8_t)(type >> 8)};
    return crc32c(crc32c(crc32c(0, number, sizeof number), key, key_size), data, size);
}

void journal_object_encode(unsigned type, const char *key, uint64_t sequence, const char *payload,
                           struct buffer *buffer)
{
    size_t start = buffer->size, payload_size = strlen(payload);
    CHECK(payload_size <= JOURNAL_PAYLOAD_BYTES_MAX);
    buffer_append_u16(buffer, JOURNAL_RECORD_VERSION);
    buffer_append_u16(buffer, 0);
    buffer_append_u32(buffer, (uint32_t)payload_size);
    buffer_append_u64(buffer, sequence);
    buffer_append(buffer, payload, payload_size + 1);
    CHECK(!buffer->failed);
    buffer_append_u32(
        buffer, object_crc(type, key, strlen(key), buffer->data + start, buffer->size - start));
    CHECK(!buffer->failed);
}

static bool refuse_object(struct error *error, unsigned type, const char *why)
{
    return error_set(error, ERROR_CORRUPT, "an object of type %s: %s", journal_type_name(type),
                     why);
}

bool journal_object_decode(unsigned type, const void *key, size_t key_size, const void *data,
                           size_t size, uint64_t *ret_sequence, const char **ret_payload,
                           size_t *ret_payload_size, struct error *error)
{
    struct reader reader, tail;
    if (size < OBJECT_HEAD_SIZE + 1 + CRC_SIZE)
        return refuse_object(error, type, "too short");
    reader_init(&tail, (const uint8_t *)data + size - CRC_SIZE, CRC_SIZE);
    if (object_crc(type, key, key_size, data, size - CRC_SIZE) != reader_u32(&tail))
        return refuse_object(error, type, "checksum does not match its bytes");
    reader_init(&reader, data, size - CRC_SIZE);
    unsigned version = reader_u16(&reader), reserved = reader_u16(&reader);
    size_t payload_size = reader_u32(&reader);
    uint64_t sequence = reader_u64(&reader);
    const char *payload = read_string(&reader, payload_size);
    if (version > JOURNAL_RECORD_VERSION)
        return error_set(error, ERROR_INVALID,
                         "an object of type %s has format %u and this program knows %u: use the "
                         "newer program",
                         journal_type_name(type), version, JOURNAL_RECORD_VERSION);
    if (version != JOURNAL_RECORD_VERSION || reserved != 0 || payload == NULL ||
        payload_size > JOURNAL_PAYLOAD_BYTES_MAX || !reader_at_end(&reader))
        return refuse_object(error, type, "its fields do not fit together");
    *ret_sequence = sequence;
    *ret_payload = payload;
    *ret_payload_size = payload_size;
    return true;
}

bool journal_chain_accept(struct journal_chain *chain, const void *key, size_t key_size,
                          const void *data, size_t size, struct journal_record *ret_record,
                          struct error *error)
{
    uint64_t sequence;
    uint32_t previous_crc, crc;
    struct journal_record record;
    if (!journal_sequence_decode(key, key_size, &sequence))
        return refuse(error, chain->next, "its key is not a sequence number");
    if (sequence != chain->next)
        return error_set(error, ERROR_CORRUPT,
                         "record %" PRIu64 ": missing; the next one is %" PRIu64, chain->next,
                         sequence);
    if (!journal_record_decode(data, size, sequence, &record, &previous_crc, &crc, error))
        return false;
    if (chain->anchored && previous_crc != chain->previous_crc)
        return refuse(error, sequence, "does not follow the record before it (chain broken)");
    *chain = (struct journal_chain){.next = sequence + 1, .previous_crc = crc, .anchored = true};
    *ret_record = record;
    return true;
}
