/* request_parser.h: bytes in, whole requests or a refusal out; llhttp with the guards and limits
 * that it lacks. Pure: no loop, no clock. The verdict and the content of every request do not
 * depend on how the bytes were split; test/fuzz/fuzz_http_request.c holds it to that.
 *
 *   HEAD ──► BODY ──► COMPLETE ──request_parser_next()──► HEAD
 *     │└────────────────▲ │          (a request without body skips BODY)
 *     └──► REFUSED ◄──────┘
 */
#ifndef COEVAL_HTTP_REQUEST_PARSER_H
#define COEVAL_HTTP_REQUEST_PARSER_H

#include "http/request_head.h"

enum request_phase { REQUEST_HEAD, REQUEST_BODY, REQUEST_COMPLETE, REQUEST_REFUSED };

struct request_parser;
struct request_parser *request_parser_new(size_t body_bytes_max);
void request_parser_free(struct request_parser *parser);

/* Takes bytes until the phase changes and returns how many it took: all of them when it did not.
 * Takes none once COMPLETE or REFUSED. */
size_t request_parser_feed(struct request_parser *parser, const char *data, size_t size);
enum request_phase request_parser_phase(const struct request_parser *parser);
/* No byte of the next request has come. */
bool request_parser_is_idle(const struct request_parser *parser);
/* Whole from phase BODY on; valid until request_parser_next(). */
struct request_head *request_parser_head(struct request_parser *parser);
const struct buffer *request_parser_body(const struct request_parser *parser);
const struct request_refusal *request_parser_refusal(const struct request_parser *parser);
/* After COMPLETE: forgets the request, memory included, and waits for another. When the request
 * said that it is the last one, whatever follows is refused. */
void request_parser_next(struct request_parser *parser);
/* No leniency was ever switched on: for the tests. */
bool request_parser_is_strict(const struct request_parser *parser);

#endif
