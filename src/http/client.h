/* client.h: HTTP client on libcurl, twice: on the loop (curl_multi, for the agent link, hooks and
 * webhooks) and blocking (for executors and the command line). HTTP/1.1 only, no redirects followed
 * unless asked, answers limited in size, every wait with a deadline. */
#ifndef COEVAL_HTTP_CLIENT_H
#define COEVAL_HTTP_CLIENT_H

#include "base/buffer.h"
#include "http/server.h"

struct http_call {
    enum http_method method;
    const char *url;            /* http://host:port/path?query, already encoded */
    const char *token;          /* bearer token; NULL: none */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const void *body;           /* copied at start (loop form), borrowed (blocking form) */
    size_t body_size;
    int64_t connect_timeout_ms; /* 0: 5 s */
    int64_t timeout_ms;         /* whole call; 0: 30 s */
    size_t answer_bytes_max;    /* 0: 16 MiB */
};

struct http_result {
    int status;
    struct buffer body;
};

/* error codes: INVALID: the URL, a header or the token; UNAVAILABLE: nothing left, also when time
 * ran out before a connection was made; UNCERTAIN: the request may have arrived, also when time ran
 * out after that; LIMIT; PROTOCOL: no HTTP, or an answer that does not say where it ends. A status
 * of 4xx or 5xx is an answer, not an error. A GET, HEAD, PUT or DELETE may be sent a second time,
 * once, when a kept connection turns out to be dead; a POST never. */
struct http_client;
typedef void http_client_fn(void *context, const struct http_result *result,
                            const struct error *error);
struct http_client *http_client_new(struct loop *loop);
void http_client_free(struct http_client *client); /* open calls end without done */
/* done runs once, never inside start; result is NULL when error is set, and borrowed for the call.
 * It may start and cancel calls, not free the client. Returns a handle for cancel; valid until
 * done. */
struct http_pending;
struct http_pending *http_client_start(struct http_client *client, const struct http_call *call,
                                       http_client_fn *done, void *context);
/* done runs with CANCELED, not inside. The request may have arrived. */
void http_client_cancel(struct http_pending *pending);

/* Blocking, at most for timeout_ms; result->body must be initialised by the caller and is his; what
 * it holds is replaced. On a connection of its own: transfer.h keeps them. */
bool http_call_now(const struct http_call *call, struct http_result *ret_result,
                   struct error *error);
/* Streams an answer without end line by line (events --follow); fn false ends it. timeout_ms is the
 * longest silence, answer_bytes_max the longest line. Another status than 200 is the error that its
 * body tells. */
typedef bool http_line_fn(void *context, const char *line, size_t size);
bool http_stream_now(const struct http_call *call, http_line_fn *fn, void *context,
                     struct error *error);

#endif
