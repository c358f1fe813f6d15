/* answer.h: the text of an answer. Pure. */
#ifndef COEVAL_HTTP_ANSWER_H
#define COEVAL_HTTP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* How the receiver knows where a body ends. */
enum answer_framing { ANSWER_LENGTH, ANSWER_CHUNKED, ANSWER_UNTIL_CLOSE };

struct answer {
    int status;
    const char *content_type; /* NULL: application/json */
    enum answer_framing framing;
    size_t size;         /* ANSWER_LENGTH */
    const char *headers; /* more lines, each ending with CRLF; "" */
    bool keep_alive;
    int minor_version; /* of the request */
    int64_t now_us;    /* UTC */
};

/* 204 and 304 have no body and say nothing of one. */
bool answer_has_body(int status);
/* Status line and headers, with the empty line behind them. */
void answer_append_head(struct buffer *text, const struct answer *answer);
/* {"error": {"code", "message"}} */
void answer_append_error(struct buffer *text, const struct error *error);
/* The error code that stands in the body of an answer of this status (400 and above). */
enum error_code answer_error_code(int status);

#endif
