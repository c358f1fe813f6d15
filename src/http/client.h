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

/* error codes: UNAVAILABLE: no connection was made, nothing left; UNCERTAIN: the request may have
 * arrived; TIMEOUT counts as UNCERTAIN once bytes left; LIMIT; PROTOCOL. A status of 4xx/5xx is an
 * answer, not an error. */
struct http_client;
typedef void http_client_fn(void *context, const struct http_result *result,
                            const struct error *error);
struct http_client *http_client_new(struct loop *loop);
void http_client_free(struct http_client *client); /* open calls end without done */
/* done runs once, never inside start. Returns a handle for cancel; valid until done. */
struct http_pending;
struct http_pending *http_client_start(struct http_client *client, const struct http_call *call,
                                       http_client_fn *done, void *context);
/* done runs with CANCELED, not inside. */
void http_client_cancel(struct http_pending *pending);

/* Blocking; result->body must be initialised by the caller and is his. */
bool http_call_now(const struct http_call *call, struct http_result *ret_result,
                   struct error *error);
/* Streams an answer without end line by line (events --follow); fn false ends it. */
typedef bool http_line_fn(void *context, const char *line, size_t size);
bool http_stream_now(const struct http_call *call, http_line_fn *fn, void *context,
                     struct error *error);

#endif
