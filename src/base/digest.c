/* digest.c: SHA-256 by libcrypto. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct digest_stream {
    EVP_MD_CTX *context;
};

struct digest_stream *digest_stream_new(void)
{
    struct digest_stream *stream = memory_new(sizeof *stream);
    stream->context = EVP_MD_CTX_new();
    CHECK(stream->context != NULL);
    CHECK(EVP_DigestInit_ex(stream->context, EVP_sha256(), NULL) == 1);
    return stream;
}

void digest_stream_free(struct digest_stream *stream)
{
    if (stream == NULL)
        return;
    EVP_MD_CTX_free(stream->context);
    free(stream);
}

void digest_stream_add(struct digest_stream *stream, const void *data, size_t size)
{
    CHECK(EVP_DigestUpdate(stream->context, data, size) == 1);
}

struct digest digest_stream_end(struct digest_stream *stream)
{
    struct digest digest;
    unsigned size = 0;
    CHECK(EVP_DigestFinal_ex(stream->context, digest.bytes, &size) == 1);
    CHECK(size == DIGEST_SIZE);
    return digest;
}

struct digest digest_of(const void *data, size_t size)
{
    struct digest digest;
    unsigned length = 0;
    CHECK(EVP_Digest(data, size, digest.bytes, &length, EVP_sha256(), NULL) == 1);
    CHECK(length == DIGEST_SIZE);
    return digest;
}

void digest_format(const struct digest *digest, char ret_text[DIGEST_TEXT_SIZE])
{
    hex_format(digest->bytes, DIGEST_SIZE, ret_text);
}

bool digest_parse(const char *text, struct digest *ret_digest)
{
    return hex_parse(text, ret_digest->bytes, DIGEST_SIZE);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

void hex_format(const void *data, size_t size, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[2 * size] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_parse(const char *text, void *ret_data, size_t size)
{
    uint8_t *bytes = ret_data;
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
