/* scanner.h: a pull scanner for JSON of any size: listings and differences are read as a stream,
 * never built as a tree. Feed bytes as they come; take tokens until it wants more. Memory is one
 * token (limit given), never the document. Strict RFC 8259: bad UTF-8, lone surrogates, trailing
 * bytes, depth over SCANNER_DEPTH_MAX are ERROR_INVALID. Numbers are left as text. */
#ifndef COEVAL_BASE_SCANNER_H
#define COEVAL_BASE_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define SCANNER_DEPTH_MAX 64

enum scanner_token {
    SCANNER_MORE, /* feed the next bytes, or scanner_finish() */
    SCANNER_END,  /* the document is complete */
    SCANNER_OBJECT_BEGIN,
    SCANNER_OBJECT_END,
    SCANNER_ARRAY_BEGIN,
    SCANNER_ARRAY_END,
    SCANNER_KEY,    /* text: the member's name */
    SCANNER_STRING, /* text: decoded UTF-8; a NUL inside is refused */
    SCANNER_NUMBER, /* text: as written */
    SCANNER_TRUE,
    SCANNER_FALSE,
    SCANNER_NULL,
    SCANNER_FAILED /* error holds why; it stays failed */
};

struct scanner {
    struct buffer token; /* text of the last KEY, STRING or NUMBER; valid until the next call */
    struct error error;  /* INVALID, or LIMIT for a token that is too long; names the byte */
    /* The rest is private to scanner.c. */
    const char *input;
    size_t input_size;
    size_t input_at;
    uint64_t input_before;                  /* bytes of earlier feeds */
    unsigned char stack[SCANNER_DEPTH_MAX]; /* '{' or '[' */
    unsigned depth;
    int state;
    int part;                     /* of a string or number: what has been seen of it */
    unsigned code_point;          /* of a \u escape */
    unsigned digits_left;         /* of that escape */
    unsigned high_surrogate;      /* its low half must follow */
    unsigned utf8_left;           /* continuation bytes still to come */
    unsigned utf8_low, utf8_high; /* what the next one may be */
    const char *literal;          /* rest of true, false, null */
    enum scanner_token literal_token;
    bool is_key;
    bool finished;
};

void scanner_init(struct scanner *scanner, size_t token_bytes_max);
void scanner_fini(struct scanner *scanner);
/* The bytes are borrowed until SCANNER_MORE is returned. Feed first, and then only after
 * SCANNER_MORE. */
void scanner_feed(struct scanner *scanner, const char *data, size_t size);
/* No more bytes will come; a document that is not complete is then SCANNER_FAILED. */
void scanner_finish(struct scanner *scanner);
enum scanner_token scanner_next(struct scanner *scanner);

#endif
