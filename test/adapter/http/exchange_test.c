/* exchange_test.c: answers that come later, peers that leave, streams, back-pressure, shutdown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: l\r\n\r\n"

static void open_held(struct fixture *fixture, struct raw_peer *peer, const char *request)
{
    fixture_open(fixture, &(struct http_server_options){0});
    raw_peer_connect(peer, fixture->loop, fixture->port);
    raw_peer_send(peer, request);
    assert_true(fixture_wait_held(fixture));
}

/* Nobody hurries a handler: the deadlines are the peer's. */
static void test_long_poll(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    fixture_open(&fixture, &(struct http_server_options){.header_timeout_ms = 200,
                                                         .body_timeout_ms = 200,
                                                         .idle_timeout_ms = 200});
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_send(&peer, GET("/later"));
    assert_true(fixture_wait_held(&fixture));
    loop_run_until(fixture.loop, NULL, NULL, 300);
    assert_false(peer.closed);
    http_answer(fixture.held, 200, NULL, "{}", 2);
    assert_true(raw_peer_expect(&peer, "\r\n\r\n{}"));
    raw_peer_close(&peer);
    assert_int_equal(fixture.gone, 0);
    fixture_close(&fixture);
}

static void test_error_as_answer(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    struct error error;
    open_held(&fixture, &peer, GET("/later"));
    error_set(&error, ERROR_FENCED, "another \"device\"");
    http_answer_error(fixture.held, &error);
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 409 Conflict"));
    assert_true(raw_peer_expect(
        &peer, "{\"error\":{\"code\":\"FENCED\",\"message\":\"another \\\"device\\\"\"}}"));
    raw_peer_close(&peer);
    fixture_close(&fixture);
}

static void test_peer_leaves_before_the_answer(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_held(&fixture, &peer, GET("/later"));
    raw_peer_close(&peer);
    assert_true(fixture_wait_gone(&fixture, 1));
    assert_null(fixture.held);
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_send(&peer, GET("/later"));
    assert_true(fixture_wait_held(&fixture));
    raw_peer_end(&peer); /* its side only: it is gone for us all the same */
    assert_true(fixture_wait_gone(&fixture, 2));
    assert_true(raw_peer_expect_end(&peer));
    raw_peer_close(&peer);
    fixture_close(&fixture);
    assert_int_equal(fixture.gone, 2);
}

/* Without a gone function the exchange must stay valid, and its memory count, until answered. */
static void test_answer_to_a_peer_that_left(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_held(&fixture, &peer,
              "PUT /held-deaf HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\n\r\nabc");
    raw_peer_end(&peer);
    assert_true(raw_peer_expect_end(&peer));
    raw_peer_close(&peer);
    http_answer(fixture.held, 200, NULL, "{}", 2);
    fixture_close(&fixture); /* checks that no body is counted any more */
}

static void test_stream(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_held(&fixture, &peer, GET("/stream"));
    assert_true(raw_peer_expect(&peer, "Content-Type: text/event-stream\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n"));
    assert_true(http_stream_send(fixture.held, "data: 1\n\n", 9));
    assert_true(http_stream_send(fixture.held, "", 0)); /* must not end it */
    assert_true(raw_peer_expect(&peer, "9\r\ndata: 1\n\n\r\n"));
    assert_true(http_stream_send(fixture.held, "data: two\n\n", 11));
    assert_true(raw_peer_expect(&peer, "b\r\ndata: two\n\n\r\n"));
    http_stream_end(fixture.held);
    assert_true(raw_peer_expect(&peer, "0\r\n\r\n"));
    raw_peer_send(&peer, GET("/echo")); /* the connection lives on */
    assert_true(raw_peer_expect(&peer, "<GET /echo ? >"));
    raw_peer_close(&peer);
    fixture_close(&fixture);
}

static void test_stream_in_other_forms(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_held(&fixture, &peer, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "event-stream\r\nConnection: close\r\n\r\n"));
    assert_true(http_stream_send(fixture.held, "plain", 5));
    http_stream_end(fixture.held);
    assert_true(raw_peer_expect_end(&peer));
    assert_string_equal(buffer_text(&peer.received), "plain");
    raw_peer_close(&peer);
    fixture.held = NULL;
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_send(&peer, "HEAD /stream HTTP/1.1\r\nHost: l\r\n\r\n");
    assert_true(fixture_wait_held(&fixture));
    assert_true(http_stream_send(fixture.held, "unseen", 6));
    http_stream_end(fixture.held);
    raw_peer_send(&peer, GET("/echo"));
    assert_true(raw_peer_expect(&peer, "chunked\r\n\r\nHTTP/1.1 200 OK\r\n"));
    raw_peer_close(&peer);
    fixture_close(&fixture);
}

static void test_stream_whose_peer_leaves(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_held(&fixture, &peer, GET("/stream"));
    assert_true(raw_peer_expect(&peer, "\r\n\r\n"));
    raw_peer_close(&peer);
    assert_true(fixture_wait_gone(&fixture, 1));
    fixture_close(&fixture);
    assert_int_equal(fixture.gone, 1);
}

static void test_stream_whose_peer_does_not_read(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    static char piece[65536];
    open_held(&fixture, &peer, GET("/stream"));
    raw_peer_stop_reading(&peer);
    unsigned sent = 0;
    for (; http_stream_send(fixture.held, piece, sizeof piece); sent++) {
        assert_true(sent < 1024); /* 64 MiB are in no kernel's buffers */
        loop_run_until(fixture.loop, NULL, NULL, 0);
    }
    assert_true(sent >= 16);
    fixture.held = NULL;
    raw_peer_read_again(&peer);
    assert_true(raw_peer_expect_end(&peer));
    assert_int_equal(fixture.gone, 0); /* false was the message */
    raw_peer_close(&peer);
    fixture_close(&fixture);
}

static bool has_all(void *context)
{
    const struct raw_peer *peer = context;
    return peer->received.size > FIXTURE_BIG_BYTES || peer->closed;
}

static void test_big_answer(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    fixture_open(&fixture, &(struct http_server_options){0});
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_send(&peer, GET("/big") GET("/echo"));
    assert_true(loop_run_until(fixture.loop, has_all, &peer, RAW_PEER_PATIENCE_MS));
    assert_true(raw_peer_expect(&peer, "<GET /echo ? >"));
    raw_peer_close(&peer);
    fixture_close(&fixture);
}

static void test_answer_that_is_not_read(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    fixture_open(&fixture, &(struct http_server_options){.idle_timeout_ms = 200});
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_stop_reading(&peer);
    raw_peer_send(&peer, GET("/big") GET("/big") GET("/big") GET("/big"));
    loop_run_until(fixture.loop, NULL, NULL, 700); /* several idle deadlines without progress */
    raw_peer_read_again(&peer);
    assert_true(raw_peer_expect_end(&peer)); /* it was given up */
    assert_true(peer.received.size < 4 * FIXTURE_BIG_BYTES);
    raw_peer_close(&peer);
    fixture_close(&fixture);
}

/* Freeing the server: answers on their way arrive, open exchanges are told, nothing leaks. */
static void test_server_ends(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer held, deaf, stream, idle, big;
    fixture_open(&fixture, &(struct http_server_options){0});
    raw_peer_connect(&held, fixture.loop, fixture.port);
    raw_peer_connect(&deaf, fixture.loop, fixture.port);
    raw_peer_connect(&stream, fixture.loop, fixture.port);
    raw_peer_connect(&idle, fixture.loop, fixture.port);
    raw_peer_connect(&big, fixture.loop, fixture.port);
    raw_peer_send(&idle, GET("/echo"));
    assert_true(raw_peer_expect(&idle, "<GET /echo ? >"));
    raw_peer_send(&held, GET("/later"));
    assert_true(fixture_wait_held(&fixture));
    fixture.held = NULL;
    raw_peer_send(&stream, GET("/stream"));
    assert_true(fixture_wait_held(&fixture));
    fixture.held = NULL;
    raw_peer_send(&deaf, GET("/held-deaf"));
    assert_true(fixture_wait_held(&fixture));
    raw_peer_send(&big, GET("/big"));
    assert_true(raw_peer_expect(&big, "HTTP/1.1 200"));
    http_server_free(fixture.server);
    fixture.server = NULL;
    assert_int_equal(fixture.gone, 2);
    assert_true(raw_peer_expect_end(&idle));
    assert_true(raw_peer_expect_end(&held));
    assert_true(raw_peer_expect_end(&deaf));
    assert_true(raw_peer_expect_end(&stream));
    assert_true(raw_peer_expect_end(&big));
    assert_true(big.received.size > FIXTURE_BIG_BYTES); /* flushed */
    raw_peer_close(&held);
    raw_peer_close(&deaf);
    raw_peer_close(&stream);
    raw_peer_close(&idle);
    raw_peer_close(&big);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_poll),
        cmocka_unit_test(test_error_as_answer),
        cmocka_unit_test(test_peer_leaves_before_the_answer),
        cmocka_unit_test(test_answer_to_a_peer_that_left),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_in_other_forms),
        cmocka_unit_test(test_stream_whose_peer_leaves),
        cmocka_unit_test(test_stream_whose_peer_does_not_read),
        cmocka_unit_test(test_big_answer),
        cmocka_unit_test(test_answer_that_is_not_read),
        cmocka_unit_test(test_server_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
