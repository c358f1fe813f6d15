/* stream_test.c: a listener and its streams against plain blocking sockets of the same thread: the
 * kernel's queues let the client go first, and the loop is run until the effect is there. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "fake/loop_turns.h"
#include "loop/loop.h"
#include "loop/stream.h"
#include "stream_server.h"

#define BIG ((size_t)32 << 20)

static void on_written(void *context, bool failed)
{
    struct stream_server *server = context;
    assert_false(server->inside);
    if (failed)
        server->write_failures++;
    server->written++;
}

static bool has_ended(void *context)
{
    struct stream_server *server = context;
    return server->ended;
}

static bool has_written(void *context)
{
    struct stream_server *server = context;
    return server->written > 0;
}

static void write_text(struct stream_server *server, const char *text)
{
    server->inside = true;
    stream_write(server->stream, text, strlen(text), on_written, server);
    server->inside = false;
}

static void read_text(int fd, const char *expected)
{
    char got[64];
    size_t size = strlen(expected);
    assert_true(size <= sizeof got);
    assert_int_equal(recv(fd, got, size, MSG_WAITALL), size);
    assert_memory_equal(got, expected, size);
}

static void test_half_close(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    stream_read_start(server->stream, stream_server_data, server);
    assert_int_equal(write(fd, "question", 8), 8);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_true(loop_run_until(server->loop, has_ended, server, 10000));
    assert_false(server->failed);
    assert_string_equal(buffer_text(&server->received), "question");
    write_text(server, "answer"); /* after the peer's end */
    assert_true(loop_run_until(server->loop, has_written, server, 10000));
    assert_int_equal(server->write_failures, 0);
    read_text(fd, "answer");
    close(fd);
}

static void test_read_stop_is_back_pressure(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    stream_read_start(server->stream, stream_server_data, server);
    stream_read_stop(server->stream);
    assert_int_equal(write(fd, "later", 5), 5);
    loop_take_turns(server->loop);
    assert_false(stream_server_has_received(server));
    stream_read_start(server->stream, stream_server_data, server);
    assert_true(loop_run_until(server->loop, stream_server_has_received, server, 10000));
    assert_string_equal(buffer_text(&server->received), "later");
    close(fd);
}

static size_t read_some(int fd, size_t limit)
{
    static char bytes[1 << 16];
    size_t total = 0;
    ssize_t got;
    while (total < limit && (got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        total += (size_t)got;
    return total;
}

static bool nothing_queued(void *context)
{
    struct stream_server *server = context;
    return stream_queued_bytes(server->stream) == 0;
}

static void test_a_slow_reader_shows_in_the_queue(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    char *bytes = calloc(1, BIG);
    stream_write(server->stream, bytes, BIG, on_written, server);
    free(bytes); /* it was copied */
    assert_true(stream_queued_bytes(server->stream) > 0);
    loop_take_turns(server->loop);
    assert_false(has_written(server));
    size_t total = 0;
    while (!loop_run_until(server->loop, nothing_queued, server, 1))
        total += read_some(fd, BIG);
    while (total < BIG) {
        size_t got = read_some(fd, BIG);
        assert_true(got > 0);
        total += got;
    }
    assert_int_equal(total, BIG);
    assert_true(loop_run_until(server->loop, has_written, server, 10000));
    close(fd);
}

/* The request's last bytes were never read: a plain close would reset the connection and the answer
 * would be lost. */
static void test_flush_delivers_although_input_is_unread(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    assert_int_equal(write(fd, "unread request", 14), 14);
    write_text(server, "refused");
    stream_free(server->stream, true);
    server->stream = NULL;
    loop_take_turns(server->loop);
    assert_int_equal(write(fd, "more", 4), 4);
    loop_take_turns(server->loop);
    read_text(fd, "refused");
    assert_true(loop_run_until(server->loop, stream_server_client_ended, &fd, 10000));
    assert_int_equal(server->written, 0); /* no callback after the free */
    close(fd);
}

static void test_flush_of_much_to_a_slow_reader(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    char *bytes = calloc(1, BIG);
    stream_write(server->stream, bytes, BIG, NULL, NULL);
    free(bytes);
    stream_free(server->stream, true);
    server->stream = NULL;
    size_t total = 0;
    while (!stream_server_client_ended(&fd)) {
        total += read_some(fd, BIG);
        loop_run_until(server->loop, NULL, NULL, 1);
    }
    assert_int_equal(total, BIG);
    close(fd);
}

static void test_flush_to_a_dead_reader_ends_with_the_loop(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    char *bytes = calloc(1, BIG);
    stream_write(server->stream, bytes, BIG, on_written, server);
    free(bytes);
    stream_free(server->stream, true);
    server->stream = NULL;
    listener_free(server->listener);
    server->listener = NULL;
    loop_stop(server->loop);
    loop_run(server->loop); /* hurries the flush */
    assert_int_equal(server->written, 0);
    close(fd);
}

/* A peer that takes the answer but never closes costs a second, not a connection for ever. */
static void test_flush_to_a_peer_that_stays(void **state)
{
    struct stream_server *server = *state;
    int clients[STREAM_SERVER_CONNECTIONS];
    for (int i = 0; i < STREAM_SERVER_CONNECTIONS; i++) {
        clients[i] = stream_server_client(server);
        stream_free(server->stream, true);
    }
    loop_let_pass(server->loop, 1500);
    int fd = stream_server_client(server); /* their places are free again */
    close(fd);
    for (int i = 0; i < STREAM_SERVER_CONNECTIONS; i++)
        close(clients[i]);
}

static void test_free_without_flush_drops_the_queue(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    char *bytes = calloc(1, BIG);
    stream_write(server->stream, bytes, BIG, on_written, server);
    free(bytes);
    stream_free(server->stream, false);
    server->stream = NULL;
    size_t total = 0;
    while (!stream_server_client_ended(&fd)) {
        size_t got = read_some(fd, BIG);
        total += got;
        loop_run_until(server->loop, NULL, NULL, 1);
        if (got == 0 && errno == ECONNRESET)
            break;
    }
    assert_true(total < BIG);
    assert_int_equal(server->written, 0);
    close(fd);
}

static void reset_connection(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

static void test_a_reset_fails_reads_and_writes(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    stream_read_start(server->stream, stream_server_data, server);
    reset_connection(fd);
    assert_true(loop_run_until(server->loop, has_ended, server, 10000));
    assert_true(server->failed);
    for (int i = 0; i < 3; i++)
        write_text(server, "nobody reads this");
    server->ended = false;
    server->inside = true;
    stream_read_start(server->stream, stream_server_data, server);
    server->inside = false;
    assert_true(loop_run_until(server->loop, has_ended, server, 10000));
    assert_true(server->failed);
    assert_int_equal(server->written, 3);
    assert_int_equal(server->write_failures, 3);
    /* Freed with failures still unreported: they stay so. */
    write_text(server, "nor this");
    stream_free(server->stream, true);
    server->stream = NULL;
    loop_take_turns(server->loop);
    assert_int_equal(server->written, 3);
}

static void free_in_callback(void *context, const char *data, size_t size, bool failed)
{
    struct stream_server *server = context;
    stream_server_data(context, data, size, failed);
    stream_free(server->stream, false);
    server->stream = NULL;
}

static void test_freed_by_its_read_callback(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    stream_read_start(server->stream, free_in_callback, server);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_true(loop_run_until(server->loop, stream_server_has_received, server, 10000));
    assert_true(loop_run_until(server->loop, stream_server_client_ended, &fd, 10000));
    close(fd);
}

static void free_in_written(void *context, bool failed)
{
    struct stream_server *server = context;
    on_written(context, failed);
    stream_free(server->stream, true);
    server->stream = NULL;
}

static void test_freed_by_its_write_callback(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    stream_write(server->stream, "bye", 3, free_in_written, server);
    stream_write(server->stream, "", 0, NULL, NULL);
    assert_true(loop_run_until(server->loop, has_written, server, 10000));
    read_text(fd, "bye");
    assert_true(loop_run_until(server->loop, stream_server_client_ended, &fd, 10000));
    close(fd);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, stream_server_setup, stream_server_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_half_close),
        TEST(test_read_stop_is_back_pressure),
        TEST(test_a_slow_reader_shows_in_the_queue),
        TEST(test_flush_delivers_although_input_is_unread),
        TEST(test_flush_of_much_to_a_slow_reader),
        TEST(test_flush_to_a_dead_reader_ends_with_the_loop),
        TEST(test_flush_to_a_peer_that_stays),
        TEST(test_free_without_flush_drops_the_queue),
        TEST(test_a_reset_fails_reads_and_writes),
        TEST(test_freed_by_its_read_callback),
        TEST(test_freed_by_its_write_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
