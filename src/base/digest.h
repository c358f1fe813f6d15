/* digest.h: SHA-256 over memory or in pieces, and hexadecimal. */
#ifndef COEVAL_BASE_DIGEST_H
#define COEVAL_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_TEXT_SIZE (2 * DIGEST_SIZE + 1)

struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

struct digest_stream;
struct digest_stream *digest_stream_new(void);
void digest_stream_free(struct digest_stream *stream);
void digest_stream_add(struct digest_stream *stream, const void *data, size_t size);
struct digest digest_stream_end(struct digest_stream *stream); /* may be called once */

struct digest digest_of(const void *data, size_t size);
void digest_format(const struct digest *digest, char ret_text[DIGEST_TEXT_SIZE]);
bool digest_parse(const char *text, struct digest *ret_digest);
bool digest_equal(const struct digest *a, const struct digest *b);

/* Writes 2 * size + 1 characters, lower case. */
void hex_format(const void *data, size_t size, char *ret_text);
/* Exactly 2 * size hexadecimal digits; false for anything else. */
bool hex_parse(const char *text, void *ret_data, size_t size);

#endif
