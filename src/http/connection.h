/* connection.h: what server.c, connection.c and exchange.c share: one connection, the one exchange
 * on it, and the server that they belong to.
 *
 *   IDLE ──first byte──► HEAD ──► BODY ──► HANDLING ──answer──► FLUSHING ──written──► IDLE, or
 * closed └─────────────────▲  └─stream─► STREAMING ──end──▲ HEAD and BODY, refused or too slow:
 * FLUSHING, then closed. HANDLING and STREAMING, the peer leaves: GONE until the handler's side
 * lets go.
 */
#ifndef COEVAL_HTTP_CONNECTION_H
#define COEVAL_HTTP_CONNECTION_H

#include "base/digest.h"
#include "base/list.h"
#include "http/request_parser.h"
#include "http/server.h"
#include "loop/stream.h"
#include "loop/timer.h"

#define CONNECTION_PENDING_BYTES_MAX ((size_t)64 * 1024) /* pipelined; reading stops there */
#define CONNECTION_STREAM_BYTES_MAX ((size_t)1 << 20)    /* queued by http_stream_send() */
#define CONNECTION_HEADERS_BYTES_MAX ((size_t)32 * 1024) /* by http_answer_header() */

struct http_server {
    struct loop *loop;
    struct listener *listener;
    struct http_server_options options; /* zeros replaced; address and token not kept */
    bool asks_token;
    struct digest token_digest;
    struct list connections;
    unsigned connection_count; /* those whose peer left but whose handler holds on included */
    size_t body_bytes;         /* of all requests now in memory */
};

enum connection_state {
    CONNECTION_IDLE,
    CONNECTION_HEAD,
    CONNECTION_BODY,
    CONNECTION_HANDLING,
    CONNECTION_STREAMING,
    CONNECTION_FLUSHING,
    CONNECTION_GONE
};

struct http_exchange {
    struct http_request request;
    void (*gone)(void *context);
    void *gone_context;
    struct buffer headers; /* of the answer, by http_answer_header() */
};

struct connection {
    struct list node;
    struct http_server *server;
    struct stream *stream; /* NULL once GONE */
    struct timer *timer;   /* the deadline of the state */
    struct request_parser *parser;
    struct http_exchange exchange;
    enum connection_state state;
    int64_t began_ms;      /* first byte of the request */
    size_t body_bytes;     /* counted in the server's sum */
    size_t queued_bytes;   /* when the flush was looked at last */
    struct buffer pending; /* bytes behind the request that is being served */
    bool reading_stopped;  /* pending is full */
    bool peer_ended;       /* it sends no more, but may still read */
    bool is_admitted;      /* a request of it had the token, or needed none */
    bool closes;           /* once the answer is written */
    unsigned busy;         /* calls that hold the connection; doomed waits for them */
    bool doomed;
};

void connection_new(struct http_server *server, struct stream *stream);
/* Now, or when the calls that hold it return. Queued bytes are flushed when flush is true. */
void connection_close(struct connection *connection, bool flush);
/* The server goes: like the above, but an open exchange is told. */
void connection_shut(struct connection *connection);

/* The last bytes of an answer; what follows is FLUSHING. */
void connection_write_last(struct connection *connection, const void *data, size_t size);
/* Any bytes before; a failure is the peer's leaving. */
void connection_write(struct connection *connection, const void *data, size_t size);
bool connection_keeps_alive(const struct connection *connection);
bool connection_is_head(const struct connection *connection); /* HEAD: no body is sent */

/* True when the request carries the token that the server asks for, or none is asked. */
bool server_token_fits(const struct http_server *server, const struct request_head *head);

#endif
