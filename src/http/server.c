/* server.c: the listener, the options and the token; connections do the rest. */
#include "http/server.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "http/connection.h"

static void fill_defaults(struct http_server_options *options)
{
    if (options->connections_max == 0)
        options->connections_max = 256;
    if (options->body_bytes_max == 0)
        options->body_bytes_max = (size_t)16 << 20;
    if (options->bodies_bytes_max == 0)
        options->bodies_bytes_max = 4 * options->body_bytes_max;
    if (options->header_timeout_ms == 0)
        options->header_timeout_ms = 10000;
    if (options->body_timeout_ms == 0)
        options->body_timeout_ms = 60000;
    if (options->idle_timeout_ms == 0)
        options->idle_timeout_ms = 60000;
}

/* Of those from which nothing is owed: one that has shown no token before one that has, the oldest
 * first. NULL: all of them are being served. */
static struct connection *least_needed(struct http_server *server)
{
    struct connection *idle = NULL;
    list_for_each(connection, &server->connections, struct connection, node) {
        bool asks = connection->state == CONNECTION_IDLE || connection->state == CONNECTION_HEAD;
        if (asks && !connection->is_admitted)
            return connection;
        if (idle == NULL && connection->state == CONNECTION_IDLE)
            idle = connection;
    }
    return idle;
}

static void on_connection(void *context, struct stream *stream)
{
    struct http_server *server = context;
    struct connection *least = NULL;
    if (server->connection_count >= server->options.connections_max)
        least = least_needed(server);
    if (least != NULL)
        connection_close(least, false);
    if (server->connection_count < server->options.connections_max)
        connection_new(server, stream);
    else
        stream_free(stream, false);
}

bool http_server_new(struct loop *loop, const struct http_server_options *options,
                     struct http_server **ret_server, struct error *error)
{
    CHECK(options->handler != NULL);
    struct http_server *server = memory_new(sizeof *server);
    server->loop = loop;
    server->options = *options;
    fill_defaults(&server->options);
    server->asks_token = options->token != NULL;
    if (server->asks_token)
        server->token_digest = digest_of(options->token, strlen(options->token));
    server->options.token = server->options.address = NULL; /* the caller's */
    list_init(&server->connections);
    /* Twice: those that made room are there until the loop has closed them. */
    if (!listener_new(loop, options->address, options->port, 2 * server->options.connections_max,
                      on_connection, server, &server->listener, error)) {
        free(server);
        return false;
    }
    *ret_server = server;
    return true;
}

uint16_t http_server_port(const struct http_server *server)
{
    return listener_port(server->listener);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    listener_free(server->listener);
    /* Gone functions may close other connections: always the first of what is left. */
    while (!list_is_empty(&server->connections))
        connection_shut(list_entry(server->connections.next, struct connection, node));
    CHECK(server->body_bytes == 0);
    free(server);
}

/* Digests are compared, so that neither content nor length of the token shows in the time. */
bool server_token_fits(const struct http_server *server, const struct request_head *head)
{
    static const char scheme[] = "Bearer ";
    if (!server->asks_token)
        return true;
    const char *value = request_head_find(head, "authorization");
    if (value == NULL || strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return false;
    value += sizeof scheme - 1;
    struct digest digest = digest_of(value, strlen(value));
    return CRYPTO_memcmp(digest.bytes, server->token_digest.bytes, DIGEST_SIZE) == 0;
}
