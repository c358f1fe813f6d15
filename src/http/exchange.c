/* exchange.c: how handlers answer. An exchange whose peer has left takes its answer and is gone. */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "http/answer.h"
#include "http/connection.h"

#define SMALL_BODY_BYTES ((size_t)16 * 1024) /* copied behind the head: one write, one packet */

static struct connection *connection_of(struct http_exchange *exchange)
{
    return container_of(exchange, struct connection, exchange);
}

static void append_head(struct connection *connection, struct answer *answer, struct buffer *text)
{
    answer->keep_alive = connection_keeps_alive(connection);
    answer->minor_version = request_parser_head(connection->parser)->minor_version;
    answer->headers = buffer_text(&connection->exchange.headers);
    answer->now_us = clock_realtime_us();
    answer_append_head(text, answer);
}

void http_answer(struct http_exchange *exchange, int status, const char *content_type,
                 const void *body, size_t size)
{
    struct connection *connection = connection_of(exchange);
    if (connection->state == CONNECTION_GONE) {
        connection_close(connection, false);
        return;
    }
    CHECK(connection->state == CONNECTION_HANDLING);
    CHECK(size == 0 || answer_has_body(status));
    struct answer answer = {.status = status, .content_type = content_type, .size = size};
    struct buffer text;
    buffer_init(&text, 0);
    append_head(connection, &answer, &text);
    bool sends_body = size > 0 && !connection_is_head(connection);
    if (sends_body && size > SMALL_BODY_BYTES) {
        connection_write(connection, text.data, text.size);
        connection_write_last(connection, body, size);
    } else {
        buffer_append(&text, body, sends_body ? size : 0);
        connection_write_last(connection, text.data, text.size);
    }
    buffer_fini(&text);
}

void http_answer_error(struct http_exchange *exchange, const struct error *error)
{
    struct buffer body;
    buffer_init(&body, 0);
    answer_append_error(&body, error);
    http_answer(exchange, error_http_status(error->code), NULL, body.data, body.size);
    buffer_fini(&body);
}

void http_answer_header(struct http_exchange *exchange, const char *name, const char *value)
{
    CHECK(name[0] != '\0' && strpbrk(name, ": \r\n") == NULL);
    struct buffer *headers = &exchange->headers;
    buffer_append_format(headers, "%s: ", name);
    for (; *value != '\0'; value++) { /* a value may hold what a peer sent */
        unsigned char byte = (unsigned char)*value;
        buffer_append_byte(headers, byte < ' ' || byte == 0x7f ? '?' : byte);
    }
    buffer_append_text(headers, "\r\n");
    CHECK(!headers->failed);
}

void http_exchange_on_gone(struct http_exchange *exchange, void (*gone)(void *context),
                           void *context)
{
    exchange->gone = gone;
    exchange->gone_context = context;
}

static bool is_chunked(struct connection *connection)
{
    return request_parser_head(connection->parser)->minor_version == 1;
}

void http_stream_begin(struct http_exchange *exchange, const char *content_type)
{
    struct connection *connection = connection_of(exchange);
    if (connection->state == CONNECTION_GONE)
        return; /* the next send says so */
    CHECK(connection->state == CONNECTION_HANDLING);
    struct answer answer = {.status = 200, .content_type = content_type};
    answer.framing = is_chunked(connection) ? ANSWER_CHUNKED : ANSWER_UNTIL_CLOSE;
    if (!is_chunked(connection))
        connection->closes = true;
    struct buffer text;
    buffer_init(&text, 0);
    append_head(connection, &answer, &text);
    connection->state = CONNECTION_STREAMING;
    connection_write(connection, text.data, text.size);
    buffer_fini(&text);
}

static void write_piece(struct connection *connection, const void *data, size_t size)
{
    if (!is_chunked(connection)) {
        connection_write(connection, data, size);
        return;
    }
    struct buffer chunk;
    buffer_init(&chunk, 0);
    buffer_append_format(&chunk, "%zx\r\n", size);
    buffer_append(&chunk, data, size);
    buffer_append_text(&chunk, "\r\n");
    connection_write(connection, chunk.data, chunk.size);
    buffer_fini(&chunk);
}

bool http_stream_send(struct http_exchange *exchange, const void *data, size_t size)
{
    struct connection *connection = connection_of(exchange);
    bool is_gone = connection->state == CONNECTION_GONE;
    CHECK(is_gone || connection->state == CONNECTION_STREAMING);
    if (!is_gone && (size == 0 || connection_is_head(connection)))
        return true; /* an empty chunk would end the stream */
    if (is_gone || stream_queued_bytes(connection->stream) + size > CONNECTION_STREAM_BYTES_MAX) {
        connection_close(connection, false);
        return false;
    }
    write_piece(connection, data, size);
    return true;
}

void http_stream_end(struct http_exchange *exchange)
{
    struct connection *connection = connection_of(exchange);
    if (connection->state == CONNECTION_GONE) {
        connection_close(connection, false);
        return;
    }
    CHECK(connection->state == CONNECTION_STREAMING);
    bool has_mark = is_chunked(connection) && !connection_is_head(connection);
    connection_write_last(connection, "0\r\n\r\n", has_mark ? 5 : 0);
}
