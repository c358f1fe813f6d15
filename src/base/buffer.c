/* buffer.c: growth by doubling up to the limit; the little-endian codec of Coeval's own files. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

void buffer_init(struct buffer *buffer, size_t limit_bytes)
{
    *buffer = (struct buffer){.limit = limit_bytes};
}

void buffer_fini(struct buffer *buffer)
{
    size_t limit = buffer->limit;
    free(buffer->data);
    *buffer = (struct buffer){.limit = limit};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

static bool make_room(struct buffer *buffer, size_t size)
{
    size_t limit = buffer->limit == 0 ? BUFFER_LIMIT_DEFAULT : buffer->limit;
    if (buffer->failed || size > limit || buffer->size > limit - size) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->size + size + 1;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity < needed)
        capacity *= 2;
    buffer->data = memory_resize(buffer->data, capacity);
    buffer->capacity = capacity;
    return true;
}

char *buffer_reserve(struct buffer *buffer, size_t size)
{
    if (!make_room(buffer, size))
        return NULL;
    return buffer->data + buffer->size;
}

void buffer_commit(struct buffer *buffer, size_t size)
{
    CHECK(buffer->capacity > buffer->size);
    CHECK(size <= buffer->capacity - buffer->size - 1);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    if (!make_room(buffer, size))
        return;
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer_commit(buffer, size);
}

void buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    buffer_append(buffer, &byte, 1);
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(length >= 0);
    char *place = buffer_reserve(buffer, (size_t)length);
    if (place != NULL) {
        vsnprintf(place, (size_t)length + 1, format, again);
        buffer_commit(buffer, (size_t)length);
    }
    va_end(again);
}

void buffer_consume(struct buffer *buffer, size_t size)
{
    CHECK(size <= buffer->size);
    if (size == 0)
        return;
    memmove(buffer->data, buffer->data + size, buffer->size - size);
    buffer_truncate(buffer, buffer->size - size);
}

void buffer_truncate(struct buffer *buffer, size_t size)
{
    CHECK(size <= buffer->size);
    buffer->size = size;
    if (buffer->data != NULL)
        buffer->data[size] = '\0';
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data == NULL ? "" : buffer->data;
}

char *buffer_take(struct buffer *buffer)
{
    char *data = buffer->data == NULL ? memory_new(1) : buffer->data;
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
    return data;
}

static void append_integer(struct buffer *buffer, uint64_t value, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    buffer_append(buffer, bytes, width);
}

void buffer_append_u16(struct buffer *buffer, uint16_t value)
{
    append_integer(buffer, value, 2);
}

void buffer_append_u32(struct buffer *buffer, uint32_t value)
{
    append_integer(buffer, value, 4);
}

void buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    append_integer(buffer, value, 8);
}

void buffer_append_block(struct buffer *buffer, const void *data, size_t size)
{
    CHECK(size <= UINT32_MAX);
    buffer_append_u32(buffer, (uint32_t)size);
    buffer_append(buffer, data, size);
}

void reader_init(struct reader *reader, const void *data, size_t size)
{
    *reader = (struct reader){.data = data, .size = size};
}

const void *reader_bytes(struct reader *reader, size_t size)
{
    if (reader->failed || size > reader->size - reader->offset) {
        reader->failed = true;
        return NULL;
    }
    const void *bytes = reader->data + reader->offset;
    reader->offset += size;
    return bytes;
}

static uint64_t read_integer(struct reader *reader, size_t width)
{
    const uint8_t *bytes = reader_bytes(reader, width);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < width; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)read_integer(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
    return (uint16_t)read_integer(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
    return (uint32_t)read_integer(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
    return read_integer(reader, 8);
}

const void *reader_block(struct reader *reader, size_t *ret_size)
{
    size_t size = reader_u32(reader);
    const void *bytes = reader_bytes(reader, size);
    *ret_size = bytes == NULL ? 0 : size;
    return bytes;
}

const char *reader_text(struct reader *reader, struct arena *arena)
{
    size_t size;
    const char *bytes = reader_block(reader, &size);
    if (bytes == NULL || memchr(bytes, '\0', size) != NULL) {
        reader->failed = true;
        return "";
    }
    return arena_copy(arena, bytes, size);
}

bool reader_at_end(const struct reader *reader)
{
    return !reader->failed && reader->offset == reader->size;
}
