/* connection.c: one connection of the server: bytes into the parser, requests to the handler one at
 * a time, a deadline in every state in which the peer has to do something. */
#include "http/connection.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/answer.h"

static void on_read(void *context, const char *data, size_t size, bool failed);
static void on_timer(void *context);

void connection_new(struct http_server *server, struct stream *stream)
{
    struct connection *connection = memory_new(sizeof *connection);
    connection->server = server;
    connection->stream = stream;
    connection->timer = timer_new(server->loop, on_timer, connection);
    connection->parser = request_parser_new(server->options.body_bytes_max);
    buffer_init(&connection->exchange.headers, CONNECTION_HEADERS_BYTES_MAX);
    buffer_init(&connection->pending, 0);
    list_append(&server->connections, &connection->node);
    server->connection_count++;
    timer_start(connection->timer, server->options.idle_timeout_ms);
    stream_read_start(stream, on_read, connection);
}

static void account_body(struct connection *connection, size_t size)
{
    connection->server->body_bytes += size - connection->body_bytes;
    connection->body_bytes = size;
}

static void hold(struct connection *connection)
{
    connection->busy++;
}

static void release(struct connection *connection)
{
    CHECK(connection->busy > 0);
    if (--connection->busy == 0 && connection->doomed)
        connection_close(connection, false);
}

void connection_close(struct connection *connection, bool flush)
{
    if (connection->stream != NULL) {
        stream_free(connection->stream, flush);
        connection->stream = NULL;
    }
    timer_stop(connection->timer);
    connection->state = CONNECTION_GONE;
    connection->doomed = true;
    if (connection->busy > 0)
        return;
    account_body(connection, 0);
    list_remove(&connection->node);
    connection->server->connection_count--;
    timer_free(connection->timer);
    request_parser_free(connection->parser);
    buffer_fini(&connection->exchange.headers);
    buffer_fini(&connection->pending);
    free(connection);
}

/* The handler's side still holds the exchange, unless its gone function says that it knows. */
static void leave_exchange(struct connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    stream_free(connection->stream, false);
    connection->stream = NULL;
    timer_stop(connection->timer);
    connection->state = CONNECTION_GONE;
    if (exchange->gone == NULL)
        return;
    void (*gone)(void *context) = exchange->gone;
    exchange->gone = NULL;
    hold(connection); /* gone() may answer this exchange by mistake: it is dropped, not freed */
    gone(exchange->gone_context);
    connection->doomed = true;
    release(connection);
}

static void on_peer_left(struct connection *connection)
{
    if (connection->state == CONNECTION_HANDLING || connection->state == CONNECTION_STREAMING)
        leave_exchange(connection);
    else
        connection_close(connection, false);
}

void connection_shut(struct connection *connection)
{
    CHECK(connection->busy == 0); /* not inside a handler */
    if (connection->state == CONNECTION_HANDLING || connection->state == CONNECTION_STREAMING)
        connection->doomed = connection->exchange.gone == NULL;
    if (connection->doomed || connection->state == CONNECTION_GONE)
        connection_close(connection, false);
    else if (connection->state == CONNECTION_FLUSHING)
        connection_close(connection, true);
    else
        on_peer_left(connection);
}

bool connection_keeps_alive(const struct connection *connection)
{
    return !connection->closes && request_parser_head(connection->parser)->keep_alive;
}

bool connection_is_head(const struct connection *connection)
{
    const char *method = request_parser_head(connection->parser)->method;
    return method != NULL && strcmp(method, "HEAD") == 0;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void next_request(struct connection *connection);

static void on_written(void *context, bool failed)
{
    struct connection *connection = context;
    if (failed)
        on_peer_left(connection);
}

static void on_last_written(void *context, bool failed)
{
    struct connection *connection = context;
    CHECK(connection->state == CONNECTION_FLUSHING);
    if (failed)
        connection_close(connection, false);
    else if (!connection_keeps_alive(connection))
        connection_close(connection, true);
    else
        next_request(connection);
}

void connection_write(struct connection *connection, const void *data, size_t size)
{
    stream_write(connection->stream, data, size, on_written, connection);
}

void connection_write_last(struct connection *connection, const void *data, size_t size)
{
    connection->state = CONNECTION_FLUSHING;
    connection->exchange.gone = NULL;
    stream_write(connection->stream, data, size, on_last_written, connection);
    connection->queued_bytes = stream_queued_bytes(connection->stream);
    timer_start(connection->timer, connection->server->options.idle_timeout_ms);
}

/* Answers by ourselves and closes; what else the peer sends is not looked at. */
static void refuse(struct connection *connection, int status, const char *reason,
                   const char *detail)
{
    struct buffer text, body;
    struct error error;
    buffer_init(&text, 0);
    buffer_init(&body, 0);
    error_set(&error, answer_error_code(status), "%s%s%s", reason, detail == NULL ? "" : ": ",
              detail == NULL ? "" : detail);
    log_debug(LOG_HTTP, "http.refused", "status=%d reason=\"%s\"", status, error.text);
    answer_append_error(&body, &error);
    answer_append_head(&text, &(struct answer){
                                  .status = status,
                                  .size = body.size,
                                  .headers = status == 401 ? "WWW-Authenticate: Bearer\r\n" : "",
                                  .now_us = clock_realtime_us(),
                              });
    if (!connection_is_head(connection))
        buffer_append(&text, body.data, body.size);
    connection->closes = true;
    stream_read_stop(connection->stream);
    connection_write_last(connection, text.data, text.size);
    buffer_fini(&text);
    buffer_fini(&body);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static void begin_request(struct connection *connection)
{
    connection->state = CONNECTION_HEAD;
    connection->began_ms = loop_now_ms(connection->server->loop);
    timer_start(connection->timer, connection->server->options.header_timeout_ms);
}

/* Whoever has no token does not get to send a body. */
static void on_head(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct request_head *head = request_parser_head(connection->parser);
    connection->state = CONNECTION_BODY;
    if (!server_token_fits(server, head)) {
        refuse(connection, 401, "the bearer token is missing or wrong", NULL);
        return;
    }
    struct request_refusal refusal;
    if (server->options.is_local && !server->asks_token &&
        !request_head_check_local(head, &refusal)) {
        refuse(connection, refusal.status, refusal.reason, NULL);
        return;
    }
    connection->is_admitted = true;
    if (request_parser_phase(connection->parser) != REQUEST_BODY)
        return;
    int64_t passed_ms = loop_now_ms(server->loop) - connection->began_ms;
    timer_start(connection->timer, server->options.body_timeout_ms - passed_ms);
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (head->expects_continue)
        connection_write(connection, go_on, sizeof go_on - 1);
}

static void on_body(struct connection *connection)
{
    struct http_server *server = connection->server;
    account_body(connection, request_parser_body(connection->parser)->size);
    if (server->body_bytes > server->options.bodies_bytes_max)
        refuse(connection, 503, "too many large requests at once; try again", NULL);
}

static void handle(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct request_head *head = request_parser_head(connection->parser);
    const struct buffer *body = request_parser_body(connection->parser);
    struct http_request *request = &connection->exchange.request;
    timer_stop(connection->timer);
    connection->state = CONNECTION_HANDLING;
    *request = (struct http_request){
        .body = buffer_text(body), .body_size = body->size, .server_private = head};
    CHECK(http_method_from_name(head->method, &request->method));
    request_head_split_url(head, &request->path, &request->query);
    buffer_clear(&connection->exchange.headers);
    server->options.handler(server->options.context, &connection->exchange, request);
}

/* Some bytes; how many were used. Stops at the end of a request. */
static size_t take(struct connection *connection, const char *data, size_t size)
{
    struct request_parser *parser = connection->parser;
    if (connection->state == CONNECTION_IDLE)
        begin_request(connection);
    size_t used = request_parser_feed(parser, data, size);
    enum request_phase phase = request_parser_phase(parser);
    if (phase == REQUEST_REFUSED) {
        const struct request_refusal *refusal = request_parser_refusal(parser);
        refuse(connection, refusal->status, refusal->reason, refusal->detail);
        return used;
    }
    if (phase != REQUEST_HEAD && connection->state == CONNECTION_HEAD)
        on_head(connection);
    if (connection->state == CONNECTION_BODY)
        on_body(connection);
    if (connection->state == CONNECTION_BODY && phase == REQUEST_COMPLETE)
        handle(connection);
    return used;
}

static bool takes_bytes(const struct connection *connection)
{
    return connection->state == CONNECTION_IDLE || connection->state == CONNECTION_HEAD ||
           connection->state == CONNECTION_BODY;
}

/* What comes behind a request waits until it is answered: bounded by not reading any more. */
static void keep_pending(struct connection *connection, const char *data, size_t size)
{
    if (connection->state == CONNECTION_GONE || connection->closes)
        return;
    buffer_append(&connection->pending, data, size);
    if (connection->pending.size < CONNECTION_PENDING_BYTES_MAX || connection->reading_stopped)
        return;
    connection->reading_stopped = true;
    stream_read_stop(connection->stream);
}

static void consume(struct connection *connection, const char *data, size_t size)
{
    size_t used = 0;
    while (used < size && takes_bytes(connection))
        used += take(connection, data + used, size - used);
    keep_pending(connection, data + used, size - used);
}

static void on_end(struct connection *connection)
{
    connection->peer_ended = true;
    /* It may end its side and still read the answers to what it sent before. */
    if (connection->state != CONNECTION_FLUSHING)
        on_peer_left(connection);
}

static void on_read(void *context, const char *data, size_t size, bool failed)
{
    struct connection *connection = context;
    hold(connection);
    if (failed)
        on_peer_left(connection);
    else if (size == 0)
        on_end(connection);
    else
        consume(connection, data, size);
    release(connection);
}

static void read_on(struct connection *connection)
{
    bool has_room = connection->pending.size < CONNECTION_PENDING_BYTES_MAX;
    if (!connection->reading_stopped || !has_room || connection->closes ||
        connection->state == CONNECTION_GONE)
        return;
    connection->reading_stopped = false;
    stream_read_start(connection->stream, on_read, connection);
}

static void next_request(struct connection *connection)
{
    struct buffer pending = connection->pending;
    hold(connection);
    buffer_init(&connection->pending, 0);
    request_parser_next(connection->parser);
    account_body(connection, 0);
    connection->state = CONNECTION_IDLE;
    timer_start(connection->timer, connection->server->options.idle_timeout_ms);
    consume(connection, pending.data, pending.size);
    buffer_fini(&pending);
    if (connection->state != CONNECTION_GONE && connection->state != CONNECTION_FLUSHING &&
        connection->peer_ended)
        on_peer_left(connection);
    else
        read_on(connection);
    release(connection);
}

/* --- deadlines ---------------------------------------------------------------------------------
 */

/* A slow reader may take its time, a stopped one not. */
static void look_at_flush(struct connection *connection)
{
    size_t queued = stream_queued_bytes(connection->stream);
    if (queued >= connection->queued_bytes) {
        connection_close(connection, false);
        return;
    }
    connection->queued_bytes = queued;
    timer_start(connection->timer, connection->server->options.idle_timeout_ms);
}

static void on_timer(void *context)
{
    struct connection *connection = context;
    switch (connection->state) {
    case CONNECTION_IDLE:
        connection_close(connection, false);
        break;
    case CONNECTION_HEAD:
        refuse(connection, 408, "the head of the request took too long", NULL);
        break;
    case CONNECTION_BODY:
        refuse(connection, 408, "the request took too long", NULL);
        break;
    case CONNECTION_FLUSHING:
        look_at_flush(connection);
        break;
    case CONNECTION_HANDLING:
    case CONNECTION_STREAMING:
    case CONNECTION_GONE:
        CHECK_UNREACHABLE();
    }
}
