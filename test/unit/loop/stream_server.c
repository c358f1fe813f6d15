/* stream_server.c: see stream_server.h. */
#include "stream_server.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define RECEIVED_MAX ((size_t)32 << 20)

static void on_stream(void *context, struct stream *stream)
{
    struct stream_server *server = context;
    server->stream = stream;
    server->accepted++;
}

void stream_server_data(void *context, const char *data, size_t size, bool failed)
{
    struct stream_server *server = context;
    assert_false(server->inside);
    if (size == 0) {
        server->ended = true;
        server->failed = failed;
        return;
    }
    buffer_append(&server->received, data, size);
}

int stream_server_setup(void **state)
{
    static struct stream_server server;
    server = (struct stream_server){.loop = loop_new()};
    buffer_init(&server.received, RECEIVED_MAX);
    struct error error = ERROR_NONE;
    assert_true(listener_new(server.loop, "127.0.0.1", 0, STREAM_SERVER_CONNECTIONS, on_stream,
                             &server, &server.listener, &error));
    *state = &server;
    return 0;
}

int stream_server_teardown(void **state)
{
    struct stream_server *server = *state;
    stream_free(server->stream, false);
    listener_free(server->listener);
    loop_free(server->loop);
    buffer_fini(&server->received);
    return 0;
}

int stream_server_connect(struct stream_server *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(listener_port(server->listener)),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static bool has_stream(void *context)
{
    struct stream_server *server = context;
    return server->stream != NULL;
}

int stream_server_client(struct stream_server *server)
{
    server->stream = NULL;
    int fd = stream_server_connect(server);
    assert_true(loop_run_until(server->loop, has_stream, server, 10000));
    return fd;
}

bool stream_server_has_received(void *context)
{
    struct stream_server *server = context;
    return server->received.size > 0;
}

bool stream_server_client_ended(void *context)
{
    char byte;
    return recv(*(int *)context, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}
