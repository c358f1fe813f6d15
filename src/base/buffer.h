/* buffer.h: a growing run of bytes with a limit. Always NUL-terminated behind its size, so text in
 * it can be read as a string. A buffer that outgrew its limit is *failed*: further appends do
 * nothing, and the owner asks once at the end. */
#ifndef COEVAL_BASE_BUFFER_H
#define COEVAL_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data; /* NULL until the first append; use buffer_text() for a string */
    size_t size;
    size_t capacity;
    size_t limit; /* bytes; 0: BUFFER_LIMIT_DEFAULT */
    bool failed;
};

#define BUFFER_LIMIT_DEFAULT ((size_t)256 << 20)

void buffer_init(struct buffer *buffer, size_t limit_bytes);
void buffer_fini(struct buffer *buffer);  /* leaves it empty and usable again */
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_byte(struct buffer *buffer, uint8_t byte);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Makes room for size bytes and returns where to write them; buffer_commit() says how many came.
 * NULL when the limit is reached. */
char *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_commit(struct buffer *buffer, size_t size);
void buffer_consume(struct buffer *buffer, size_t size); /* drops from the front */
void buffer_truncate(struct buffer *buffer, size_t size);
const char *buffer_text(const struct buffer *buffer); /* never NULL; valid until the next change */
/* The bytes leave the buffer: free() them. Never NULL. */
char *buffer_take(struct buffer *buffer);

/* Fixed-width integers, little endian: the form of all of Coeval's own files. */
void buffer_append_u16(struct buffer *buffer, uint16_t value);
void buffer_append_u32(struct buffer *buffer, uint32_t value);
void buffer_append_u64(struct buffer *buffer, uint64_t value);
/* u32 length, then the bytes. */
void buffer_append_block(struct buffer *buffer, const void *data, size_t size);

/* A view that reads what the above wrote; every read checks the bounds and fails once for good. */
struct reader {
    const uint8_t *data;
    size_t size;
    size_t offset;
    bool failed;
};

void reader_init(struct reader *reader, const void *data, size_t size);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
/* Borrowed from the reader's memory. NULL and *ret_size 0 on failure. */
const void *reader_block(struct reader *reader, size_t *ret_size);
const void *reader_bytes(struct reader *reader, size_t size);
/* A block that is text, copied: "" when it has a NUL in it, and the reader has failed. */
struct arena;
const char *reader_text(struct reader *reader, struct arena *arena);
bool reader_at_end(const struct reader *reader); /* nothing left and nothing failed */

#endif
