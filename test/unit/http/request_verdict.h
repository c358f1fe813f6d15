/* request_verdict.h: feeds bytes to a request parser and writes down what came out, so that two
 * ways of feeding them can be compared. Shared by the unit tests and the fuzz target. */
#ifndef COEVAL_TEST_REQUEST_VERDICT_H
#define COEVAL_TEST_REQUEST_VERDICT_H

#include "base/buffer.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "http/request_parser.h"

#define VERDICT_BODY_MAX ((size_t)65536)

static inline void verdict_of_message(struct request_parser *parser, bool full,
                                      struct buffer *verdict)
{
    struct request_head *head = request_parser_head(parser);
    const struct buffer *body = request_parser_body(parser);
    buffer_append_format(verdict, "%s:%zu%s ", head->method, body->size,
                         head->keep_alive ? "" : "!");
    if (!full)
        return;
    buffer_append_format(verdict, "1.%d %s {", head->minor_version, request_head_url(head));
    for (size_t i = 0; i < head->header_count; i++)
        buffer_append_format(verdict, "%s=%s|", head->text.data + head->headers[i].name,
                             head->text.data + head->headers[i].value);
    buffer_append_format(verdict, "} %08x\n", crc32c(0, body->data, body->size));
}

/* One piece; complete messages are written down and left behind. */
static inline void verdict_feed(struct request_parser *parser, const char *data, size_t size,
                                bool full, struct buffer *verdict)
{
    size_t used = 0;
    for (;;) {
        used += request_parser_feed(parser, data + used, size - used);
        if (request_parser_phase(parser) == REQUEST_COMPLETE) {
            verdict_of_message(parser, full, verdict);
            request_parser_next(parser);
        } else if (request_parser_phase(parser) == REQUEST_REFUSED || used == size) {
            return;
        }
    }
}

static inline void verdict_end(struct request_parser *parser, struct buffer *verdict)
{
    if (request_parser_phase(parser) == REQUEST_REFUSED)
        buffer_append_format(verdict, "%d ", request_parser_refusal(parser)->status);
    else if (!request_parser_is_idle(parser))
        buffer_append_text(verdict, "more ");
}

/* In two pieces, cut at `cut`; or, when step > 0, in pieces of that size. */
static inline void verdict_of(const char *data, size_t size, size_t cut, size_t step, bool full,
                              struct buffer *ret_verdict)
{
    struct request_parser *parser = request_parser_new(VERDICT_BODY_MAX);
    buffer_clear(ret_verdict);
    if (step == 0) {
        verdict_feed(parser, data, cut, full, ret_verdict);
        verdict_feed(parser, data + cut, size - cut, full, ret_verdict);
    }
    for (size_t at = 0; step > 0 && at < size; at += step)
        verdict_feed(parser, data + at, size - at < step ? size - at : step, full, ret_verdict);
    verdict_end(parser, ret_verdict);
    request_parser_free(parser);
}

#endif
