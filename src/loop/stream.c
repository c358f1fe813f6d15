/* stream.c: one TCP connection. Freeing may go on in the background: what is queued is flushed,
 * then the peer's last bytes are read and dropped, since closing with unread bytes resets the
 * connection and the peer would lose the answer. */
#include "loop/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "loop/loop_uv.h"

#define KEEPALIVE_S 60
#define FLUSH_MS 5000
#define DROP_MS 1000 /* for the peer to close too, once everything was sent */

struct stream {
    uv_tcp_t uv;
    uv_timer_t timer; /* reports failures later, not at once; then the deadline of the flush */
    uv_shutdown_t shutdown;
    struct loop_lingerer lingerer;
    struct loop *loop;
    struct listener *listener;
    stream_read_fn *read;
    void *read_context;
    struct list writes; /* not completed */
    int open_handles;
    bool read_failed; /* to be reported */
};

struct write {
    uv_write_t uv;
    struct list node;
    stream_written_fn *fn;
    void *context;
    bool failed; /* to be reported */
    char data[];
};

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer);
static void on_read(uv_stream_t *uv, ssize_t size, const uv_buf_t *buffer);
static void on_written(uv_write_t *uv, int status);
static void report_failures(uv_timer_t *soon);
static void flush_stream(struct stream *stream);
static void close_stream(struct stream *stream);
static void hurry(struct loop_lingerer *lingerer);

struct stream *stream_accept(struct loop *loop, uv_stream_t *server, struct listener *listener)
{
    struct stream *stream = memory_new(sizeof *stream);
    CHECK(uv_tcp_init(&loop->uv, &stream->uv) == 0);
    CHECK(uv_timer_init(&loop->uv, &stream->timer) == 0);
    stream->uv.data = stream;
    stream->timer.data = stream;
    stream->open_handles = 2;
    stream->loop = loop;
    stream->listener = listener;
    stream->lingerer.hurry = hurry;
    list_init(&stream->lingerer.node);
    list_init(&stream->writes);
    if (uv_accept(server, (uv_stream_t *)&stream->uv) != 0) {
        close_stream(stream);
        return NULL;
    }
    /* Both only improve matters; they fail when the peer has left at once. */
    uv_tcp_nodelay(&stream->uv, 1);
    uv_tcp_keepalive(&stream->uv, 1, KEEPALIVE_S);
    return stream;
}

void stream_read_start(struct stream *stream, stream_read_fn *fn, void *context)
{
    loop_check_thread(stream->loop);
    CHECK(fn != NULL);
    stream->read = fn;
    stream->read_context = context;
    int status = uv_read_start((uv_stream_t *)&stream->uv, lend_buffer, on_read);
    stream->read_failed = status != 0 && status != UV_EALREADY;
    if (stream->read_failed)
        CHECK(uv_timer_start(&stream->timer, report_failures, 0, 0) == 0);
}

void stream_read_stop(struct stream *stream)
{
    stream->read_failed = false;
    uv_read_stop((uv_stream_t *)&stream->uv);
}

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void)suggested;
    struct stream *stream = handle->data;
    *ret_buffer = uv_buf_init(stream->loop->read_buffer, LOOP_READ_BYTES);
}

static void on_read(uv_stream_t *uv, ssize_t size, const uv_buf_t *buffer)
{
    struct stream *stream = uv->data;
    if (size > 0) {
        stream->read(stream->read_context, buffer->base, (size_t)size, false);
    } else if (size < 0) {
        uv_read_stop(uv);
        stream->read(stream->read_context, "", 0, size != UV_EOF);
    }
}

void stream_write(struct stream *stream, const void *data, size_t size, stream_written_fn *fn,
                  void *context)
{
    loop_check_thread(stream->loop);
    struct write *write = memory_new(sizeof *write + size);
    write->uv.data = write;
    write->fn = fn;
    write->context = context;
    if (size > 0)
        memcpy(write->data, data, size);
    list_append(&stream->writes, &write->node);
    uv_buf_t buffer = uv_buf_init(write->data, (unsigned)size);
    int status = uv_write(&write->uv, (uv_stream_t *)&stream->uv, &buffer, 1, on_written);
    write->failed = status != 0;
    if (write->failed)
        CHECK(uv_timer_start(&stream->timer, report_failures, 0, 0) == 0);
}

static void end_write(struct write *write, bool failed)
{
    stream_written_fn *fn = write->fn;
    void *context = write->context;
    list_remove(&write->node);
    free(write);
    if (fn != NULL)
        fn(context, failed);
}

static void on_written(uv_write_t *uv, int status)
{
    end_write(uv->data, status != 0);
}

/* Failures that libuv told at once: one a turn, since each callback may free the stream. */
static void report_failures(uv_timer_t *timer)
{
    struct stream *stream = timer->data;
    CHECK(uv_timer_start(timer, report_failures, 0, 0) == 0);
    list_for_each(write, &stream->writes, struct write, node)
        if (write->failed) {
            end_write(write, true);
            return;
        }
    uv_timer_stop(timer);
    if (stream->read_failed) {
        stream->read_failed = false;
        stream->read(stream->read_context, "", 0, true);
    }
}

size_t stream_queued_bytes(const struct stream *stream)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&stream->uv);
}

void stream_free(struct stream *stream, bool flush)
{
    if (stream == NULL)
        return;
    loop_check_thread(stream->loop);
    list_for_each(write, &stream->writes, struct write, node)
        write->fn = NULL;
    uv_read_stop((uv_stream_t *)&stream->uv);
    uv_timer_stop(&stream->timer);
    if (flush)
        flush_stream(stream);
    else
        close_stream(stream);
}

static void on_deadline(uv_timer_t *timer)
{
    close_stream(timer->data);
}

static void drop(uv_stream_t *uv, ssize_t size, const uv_buf_t *buffer)
{
    (void)buffer;
    if (size < 0)
        close_stream(uv->data);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct stream *stream = shutdown->data;
    if (uv_is_closing((uv_handle_t *)&stream->uv))
        return;
    if (status != 0 || uv_read_start((uv_stream_t *)&stream->uv, lend_buffer, drop) != 0)
        close_stream(stream);
    else
        CHECK(uv_timer_start(&stream->timer, on_deadline, DROP_MS, 0) == 0);
}

static void flush_stream(struct stream *stream)
{
    stream->shutdown.data = stream;
    if (uv_shutdown(&stream->shutdown, (uv_stream_t *)&stream->uv, on_shutdown) != 0) {
        close_stream(stream);
        return;
    }
    loop_linger(stream->loop, &stream->lingerer);
    uv_update_time(&stream->loop->uv);
    CHECK(uv_timer_start(&stream->timer, on_deadline, FLUSH_MS, 0) == 0);
}

static void hurry(struct loop_lingerer *lingerer)
{
    close_stream(container_of(lingerer, struct stream, lingerer));
}

static void on_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    if (--stream->open_handles > 0)
        return;
    CHECK(list_is_empty(&stream->writes));
    listener_stream_gone(stream->listener);
    free(stream);
}

static void close_stream(struct stream *stream)
{
    if (uv_is_closing((uv_handle_t *)&stream->uv))
        return;
    list_for_each(write, &stream->writes, struct write, node)
        if (write->failed) /* libuv does not know it, so it will not complete it */
            end_write(write, true);
    list_remove(&stream->lingerer.node);
    uv_close((uv_handle_t *)&stream->uv, on_closed);
    uv_close((uv_handle_t *)&stream->timer, on_closed);
}
