/* request_head.h: the head of a request as the parser stores it (request_parser.c), and the rules
 * of RFC 9112 that llhttp leaves to its user (request_rules.c). Pure. */
#ifndef COEVAL_HTTP_REQUEST_HEAD_H
#define COEVAL_HTTP_REQUEST_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

#define REQUEST_HEAD_BYTES_MAX ((size_t)16 * 1024) /* request line and headers, as sent */
#define REQUEST_URL_BYTES_MAX ((size_t)8 * 1024)
#define REQUEST_HEADERS_MAX 100u
/* What chunk headers and trailers may cost on top of the body that they carry. */
#define REQUEST_FRAMING_BYTES_MAX ((size_t)16 * 1024)
#define REQUEST_FRAMING_BYTES_PER_BODY_BYTE ((size_t)16)

/* Why a request is not served; both texts live for ever. */
struct request_refusal {
    int status;         /* 0: none */
    const char *reason; /* says what to change */
    const char *detail; /* the parser's own words; NULL: none */
};

struct request_head {
    const char *method; /* "GET"; lives for ever */
    int minor_version;  /* HTTP/1.0 or HTTP/1.1 */
    bool keep_alive;    /* the connection may carry another request */
    bool expects_continue;
    struct buffer text; /* URL, names in lower case and values, each with a NUL behind it */
    size_t header_count;
    struct {
        uint16_t name; /* offsets into text: it may move while it grows */
        uint16_t value;
    } headers[REQUEST_HEADERS_MAX];
};

const char *request_head_url(const struct request_head *head);
/* Cuts the URL in place at its '?'; "" when there is no query. */
void request_head_split_url(struct request_head *head, const char **ret_path,
                            const char **ret_query);
/* The first value of a header by lower-case name; NULL when absent. */
const char *request_head_find(const struct request_head *head, const char *name);
size_t request_head_count(const struct request_head *head, const char *name);

/* Looks at a whole head; sets expects_continue. False with the refusal when it must not be served:
 * 400, 411, 417, 501. */
bool request_head_check(struct request_head *head, struct request_refusal *ret_refusal);
/* For a server that asks for no token: false (403, 415) for what a web page may have sent. */
bool request_head_check_local(const struct request_head *head, struct request_refusal *ret_refusal);

#endif
