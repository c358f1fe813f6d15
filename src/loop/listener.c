/* listener.c: accepts TCP connections, never more at once than it was told. */
#include <stdlib.h>

#include "base/check.h"
#include "loop/loop_uv.h"
#include "loop/stream.h"

#define BACKLOG 511

struct listener {
    uv_tcp_t uv;
    struct loop *loop;
    listener_fn *fn;
    void *context;
    uint16_t port;
    unsigned streams; /* alive, flushing ones included: each holds a descriptor */
    unsigned streams_max;
    bool closed; /* the handle is; the memory stays while streams count themselves off here */
};

static void on_connection(uv_stream_t *server, int status);

static bool bind_address(struct listener *listener, const char *address, uint16_t port,
                         struct error *error)
{
    struct sockaddr_storage storage = {0};
    int status = uv_ip4_addr(address, port, (struct sockaddr_in *)&storage);
    if (status != 0)
        status = uv_ip6_addr(address, port, (struct sockaddr_in6 *)&storage);
    if (status != 0)
        return error_set(error, ERROR_INVALID, "listen: \"%s\" is not a numeric address", address);
    status = uv_tcp_bind(&listener->uv, (struct sockaddr *)&storage, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&listener->uv, BACKLOG, on_connection);
    if (status != 0) {
        loop_error(error, status, "choose a free port of this host");
        return error_wrap(error, "listen on %s port %u", address, (unsigned)port);
    }
    return true;
}

static uint16_t bound_port(const struct listener *listener)
{
    struct sockaddr_storage storage = {0};
    int size = sizeof storage;
    CHECK(uv_tcp_getsockname(&listener->uv, (struct sockaddr *)&storage, &size) == 0);
    if (storage.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&storage)->sin6_port);
    return ntohs(((struct sockaddr_in *)&storage)->sin_port);
}

bool listener_new(struct loop *loop, const char *address, uint16_t port, unsigned connections_max,
                  listener_fn *fn, void *context, struct listener **ret_listener,
                  struct error *error)
{
    loop_check_thread(loop);
    CHECK(connections_max > 0);
    struct listener *listener = memory_new(sizeof *listener);
    CHECK(uv_tcp_init(&loop->uv, &listener->uv) == 0);
    listener->uv.data = listener;
    listener->loop = loop;
    listener->fn = fn;
    listener->context = context;
    listener->streams_max = connections_max;
    if (!bind_address(listener, address, port, error)) {
        listener_free(listener);
        return false;
    }
    listener->port = bound_port(listener);
    *ret_listener = listener;
    return true;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

static void free_when_unused(struct listener *listener)
{
    if (listener->closed && listener->streams == 0)
        free(listener);
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    listener->closed = true;
    free_when_unused(listener);
}

void listener_free(struct listener *listener)
{
    if (listener == NULL)
        return;
    loop_check_thread(listener->loop);
    uv_close((uv_handle_t *)&listener->uv, on_closed);
}

void listener_stream_gone(struct listener *listener)
{
    CHECK(listener->streams > 0);
    listener->streams--;
    free_when_unused(listener);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct listener *listener = server->data;
    if (status != 0)
        return; /* out of descriptors: libuv has closed the connection by its reserve descriptor */
    bool full = listener->streams >= listener->streams_max;
    listener->streams++;
    struct stream *stream = stream_accept(listener->loop, server, listener);
    if (stream == NULL)
        return;
    if (full)
        stream_free(stream, false);
    else
        listener->fn(listener->context, stream);
}
