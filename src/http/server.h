/* server.h: HTTP/1.1 server on llhttp, on the loop. Strict by facts: no lenient flag, obs-fold
 * guard, exactly one Host, method allow-list, limits and deadlines; one request at a time per
 * connection. */
#ifndef COEVAL_HTTP_SERVER_H
#define COEVAL_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "loop/loop.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_DELETE };
const char *http_method_name(enum http_method method);
bool http_method_from_name(const char *name, enum http_method *ret_method);

/* A whole request, body included; borrowed from the exchange, valid until it is answered. */
struct http_request {
    enum http_method method;
    const char *path;  /* raw; the router decodes it segment by segment */
    const char *query; /* raw, without '?'; "" when none */
    const char *body;
    size_t body_size;
    void *server_private;
};

/* Header by lower-case name; NULL when absent. */
const char *http_request_header(const struct http_request *request, const char *name);
/* Decoded value of a query parameter into a caller's buffer; false when absent or malformed. */
bool http_request_parameter(const struct http_request *request, const char *name,
                            struct buffer *ret_value);

/* One request waiting for its answer. Answer exactly once, now or later (long poll): the exchange
 * and its request live until then, even when the peer has left meanwhile (the answer is dropped).
 */
struct http_exchange;
/* Copies body. content_type NULL: application/json. */
void http_answer(struct http_exchange *exchange, int status, const char *content_type,
                 const void *body, size_t size);
/* {"error": {"code", "message"}} with the status of the code. */
void http_answer_error(struct http_exchange *exchange, const struct error *error);
/* A stream of text/event-stream or JSON lines without an end; http_stream_send() appends, the
 * exchange ends by http_stream_end() or when the peer goes (closed runs once, then it is gone). */
void http_stream_begin(struct http_exchange *exchange, const char *content_type);
/* False: the peer does not read (more than 1 MiB queued) or has left; the exchange is gone then,
 * and its gone function does not run. Size 0 sends nothing. */
bool http_stream_send(struct http_exchange *exchange, const void *data, size_t size);
void http_stream_end(struct http_exchange *exchange);
/* Runs once when the peer goes away (or ends its side) before the answer, or when the server is
 * freed; the exchange is gone afterwards. Call it in the handler; NULL takes it back. */
void http_exchange_on_gone(struct http_exchange *exchange, void (*gone)(void *context),
                           void *context);
/* Before the answer. Control bytes of the value become '?'. */
void http_answer_header(struct http_exchange *exchange, const char *name, const char *value);

typedef void http_handler_fn(void *context, struct http_exchange *exchange,
                             const struct http_request *request);

struct http_server_options {
    const char *address;      /* numeric; "127.0.0.1" */
    uint16_t port;            /* 0: a free one */
    const char *token;        /* NULL: none asked; else "Authorization: Bearer <token>", compared in
                                 constant time, 401 otherwise */
    bool is_local;            /* without a token: only what no web page in a browser of this
                                 machine can send (local_rules.c), 403 or 415 otherwise */
    unsigned connections_max; /* 0: 256 */
    size_t body_bytes_max;    /* 0: 16 MiB */
    size_t bodies_bytes_max;  /* of all requests at once, 503 beyond; 0: 4 * body_bytes_max */
    int64_t header_timeout_ms; /* 0: 10 s from the first byte to the end of the header */
    int64_t body_timeout_ms;   /* 0: 60 s for the whole request */
    int64_t idle_timeout_ms;   /* 0: 60 s between requests */
    http_handler_fn *handler;
    void *context;
};

struct http_server;
bool http_server_new(struct loop *loop, const struct http_server_options *options,
                     struct http_server **ret_server, struct error *error);
uint16_t http_server_port(const struct http_server *server);
/* Stops accepting; answers in flight are flushed; exchanges not answered are closed: their gone
 * functions run, and none may be touched afterwards. Not inside a handler. NULL is fine. */
void http_server_free(struct http_server *server);

#endif
