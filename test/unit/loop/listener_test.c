/* listener_test.c: how many connections are taken, what happens without descriptors, and which
 * addresses are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake/loop_turns.h"
#include "loop/loop.h"
#include "loop/stream.h"
#include "stream_server.h"

static bool all_accepted(void *context)
{
    struct stream_server *server = context;
    return server->accepted == STREAM_SERVER_CONNECTIONS;
}

struct both {
    struct stream_server *server;
    int fd;
};

static bool has_stream_or_end(void *context)
{
    struct both *both = context;
    return both->server->stream != NULL || stream_server_client_ended(&both->fd);
}

static void test_the_limit_of_connections(void **state)
{
    struct stream_server *server = *state;
    struct stream *streams[STREAM_SERVER_CONNECTIONS];
    int clients[STREAM_SERVER_CONNECTIONS];
    for (int i = 0; i < STREAM_SERVER_CONNECTIONS; i++) {
        clients[i] = stream_server_client(server);
        streams[i] = server->stream;
    }
    assert_true(all_accepted(server));
    int one_too_many = stream_server_connect(server);
    assert_true(loop_run_until(server->loop, stream_server_client_ended, &one_too_many, 10000));
    assert_true(all_accepted(server));
    close(one_too_many);
    stream_free(streams[0], false); /* makes room again */
    close(clients[0]);
    server->stream = NULL;
    loop_take_turns(server->loop);
    clients[0] = stream_server_client(server);
    streams[0] = server->stream;
    listener_free(server->listener); /* open streams live on */
    server->listener = NULL;
    stream_read_start(streams[1], stream_server_data, server);
    assert_int_equal(write(clients[1], "x", 1), 1);
    assert_true(loop_run_until(server->loop, stream_server_has_received, server, 10000));
    for (int i = 0; i < STREAM_SERVER_CONNECTIONS; i++) {
        stream_free(streams[i], false);
        close(clients[i]);
    }
    server->stream = NULL;
}

/* Without a descriptor to accept with, the peer is closed at once instead of the loop spinning. */
static void test_out_of_descriptors(void **state)
{
    struct stream_server *server = *state;
    int fd = stream_server_client(server);
    stream_free(server->stream, false);
    loop_take_turns(server->loop);
    close(fd);
    server->stream = NULL;
    struct both both = {.server = server, .fd = stream_server_connect(server)};
    struct rlimit before, tight;
    getrlimit(RLIMIT_NOFILE, &before);
    tight = before;
    int next_free = dup(both.fd);
    close(next_free);
    tight.rlim_cur = (rlim_t)next_free;
    setrlimit(RLIMIT_NOFILE, &tight);
    assert_true(loop_run_until(server->loop, has_stream_or_end, &both, 10000));
    setrlimit(RLIMIT_NOFILE, &before);
    assert_null(server->stream);
    close(both.fd);
    close(stream_server_client(server)); /* and it serves again afterwards */
}

static void on_second_stream(void *context, struct stream *stream)
{
    (void)context;
    (void)stream;
    fail_msg("nobody connects to it");
}

static void test_addresses(void **state)
{
    struct stream_server *server = *state;
    struct listener *second = NULL;
    struct error error = ERROR_NONE;
    assert_false(
        listener_new(server->loop, "localhost", 0, 1, on_second_stream, server, &second, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_non_null(strstr(error.text, "localhost"));
    error = ERROR_NONE;
    uint16_t taken = listener_port(server->listener);
    assert_false(listener_new(server->loop, "127.0.0.1", taken, 1, on_second_stream, server,
                              &second, &error));
    assert_int_not_equal(error.code, ERROR_OK);
    assert_non_null(strstr(error.text, "127.0.0.1"));
    assert_null(second);
    if (listener_new(server->loop, "::1", 0, 1, on_second_stream, server, &second, &error)) {
        assert_true(listener_port(second) > 0); /* where the host has IPv6 */
        listener_free(second);
    }
    stream_free(NULL, true);
    listener_free(NULL);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, stream_server_setup, stream_server_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_limit_of_connections),
        TEST(test_out_of_descriptors),
        TEST(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
