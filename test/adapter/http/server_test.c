/* server_test.c: answers, order, keep-alive, token, refusals and deadlines over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: l\r\n\r\n"

static void open_pair(struct fixture *fixture, struct raw_peer *peer,
                      const struct http_server_options *options)
{
    fixture_open(fixture, options);
    raw_peer_connect(peer, fixture->loop, fixture->port);
}

static void close_pair(struct fixture *fixture, struct raw_peer *peer)
{
    raw_peer_close(peer);
    fixture_close(fixture);
}

static void test_answers_and_keeps_the_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_pair(&fixture, &peer, &(struct http_server_options){0});
    raw_peer_send(&peer, GET("/echo?a=1"));
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 200 OK\r\nDate: "));
    assert_true(raw_peer_expect(&peer, "GMT\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n"
                                       "\r\n<GET /echo ?a=1 >"));
    raw_peer_send(&peer, "PUT /echo HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\n\r\nabc");
    assert_true(raw_peer_expect(&peer, "<PUT /echo ? abc>"));
    raw_peer_send(&peer, "DELETE /empty HTTP/1.1\r\nHost: l\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 204 No Content\r\nDate: "));
    assert_true(raw_peer_expect(&peer, "GMT\r\n\r\n")); /* no word of a body */
    raw_peer_send(&peer, GET("/header?v=a%0d%0aX-Evil:%20b"));
    assert_true(raw_peer_expect(&peer, "X-Value: a??X-Evil: b\r\n\r\n{}"));
    raw_peer_send(&peer, "HEAD /echo HTTP/1.1\r\nHost: l\r\n\r\n" GET("/echo?x"));
    assert_true(raw_peer_expect(&peer, "Content-Length: 15\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert_true(raw_peer_expect(&peer, "<GET /echo ?x >"));
    assert_false(peer.closed);
    close_pair(&fixture, &peer);
}

static void test_versions_and_close(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_pair(&fixture, &peer, &(struct http_server_options){0});
    raw_peer_send(&peer, "GET /echo HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n" GET("/echo"));
    assert_true(raw_peer_expect(&peer, "Connection: close\r\n\r\n<GET /echo ? >"));
    assert_true(raw_peer_expect_end(&peer));
    assert_int_equal(peer.received.size, 0); /* what came behind is not answered */
    assert_int_equal(fixture.requests, 1);
    raw_peer_close(&peer);
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_send(&peer, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "Connection: keep-alive\r\n\r\n<GET /echo ? >"));
    raw_peer_send(&peer, "GET /echo HTTP/1.0\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "Connection: close\r\n\r\n<GET /echo ? >"));
    assert_true(raw_peer_expect_end(&peer));
    close_pair(&fixture, &peer);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_pair(&fixture, &peer, &(struct http_server_options){0});
    raw_peer_send(&peer, GET("/echo?1") GET("/later") GET("/echo?2") "GET /echo?3 HTTP");
    assert_true(fixture_wait_held(&fixture));
    assert_true(raw_peer_expect(&peer, "?1 >"));
    assert_int_equal(fixture.requests, 2); /* one at a time */
    http_answer(fixture.held, 200, NULL, "late", 4);
    assert_true(raw_peer_expect(&peer, "\r\n\r\nlate"));
    assert_true(raw_peer_expect(&peer, "?2 >"));
    raw_peer_send(&peer, "/1.1\r\nHost: l\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "?3 >"));
    close_pair(&fixture, &peer);
}

/* Far more than may be pending: reading stops, nothing is lost. */
static void test_many_pipelined_requests(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    struct buffer requests;
    open_pair(&fixture, &peer, &(struct http_server_options){0});
    buffer_init(&requests, 0);
    unsigned count = 0;
    buffer_append_text(&requests, GET("/later"));
    for (; requests.size < 300000; count++)
        buffer_append_format(&requests, "GET /echo?%u HTTP/1.1\r\nHost: l\r\n\r\n", count);
    raw_peer_send_bytes(&peer, requests.data, requests.size);
    assert_true(fixture_wait_held(&fixture));
    http_answer(fixture.held, 200, NULL, "first", 5);
    assert_true(raw_peer_expect(&peer, "first"));
    for (unsigned i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, "/echo ?%u >", i);
        assert_true(raw_peer_expect(&peer, text));
    }
    assert_int_equal(fixture.requests, count + 1);
    buffer_fini(&requests);
    close_pair(&fixture, &peer);
}

static void test_half_closed_peer_gets_its_answers(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_pair(&fixture, &peer, &(struct http_server_options){0});
    raw_peer_send(&peer, GET("/echo?1") GET("/echo?2"));
    raw_peer_end(&peer);
    assert_true(raw_peer_expect(&peer, "?1 >"));
    assert_true(raw_peer_expect(&peer, "?2 >"));
    assert_true(raw_peer_expect_end(&peer));
    close_pair(&fixture, &peer);
}

static void test_token(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "Authorization: Bearer secre\r\n",
                                        "Authorization: Bearer secrets\r\n",
                                        "Authorization: Basic secret\r\n",
                                        "Authorization: secret\r\n",
                                        "Authorization:\r\n"};
    struct fixture fixture;
    struct raw_peer peer;
    char text[256];
    fixture_open(&fixture, &(struct http_server_options){.token = "secret"});
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        raw_peer_connect(&peer, fixture.loop, fixture.port);
        snprintf(text, sizeof text, "PUT /echo HTTP/1.1\r\nHost: l\r\nContent-Length: 99\r\n%s\r\n",
                 wrong[i]);
        raw_peer_send(&peer, text); /* refused before the body comes */
        assert_true(raw_peer_expect(&peer, "HTTP/1.1 401 Unauthorized\r\n"));
        assert_true(raw_peer_expect(&peer, "WWW-Authenticate: Bearer\r\n"));
        assert_true(raw_peer_expect(&peer, "{\"error\":{\"code\":\"DENIED\","));
        assert_true(raw_peer_expect_end(&peer));
        raw_peer_close(&peer);
    }
    assert_int_equal(fixture.requests, 0);
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_send(&peer, "GET /echo HTTP/1.1\r\nHost: l\r\nAUTHORIZATION: bearer secret\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "<GET /echo ? >"));
    close_pair(&fixture, &peer);
}

/* The status of a refusal, its JSON body, and the end of the connection. */
static void assert_refused(struct fixture *fixture, const char *request, const char *status,
                           const char *code)
{
    struct raw_peer peer;
    raw_peer_connect(&peer, fixture->loop, fixture->port);
    raw_peer_send(&peer, request);
    assert_true(raw_peer_expect(&peer, status));
    assert_true(raw_peer_expect(&peer, "Connection: close\r\n"));
    assert_true(raw_peer_expect(&peer, code));
    assert_true(raw_peer_expect_end(&peer));
    raw_peer_close(&peer);
}

static void test_pages_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, &(struct http_server_options){.is_local = true});
    assert_refused(&fixture, "GET /echo HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403 ",
                   "DENIED");
    assert_refused(&fixture,
                   "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                   "Content-Type: text/plain\r\n\r\n",
                   "HTTP/1.1 415 ", "INVALID"); /* before the body comes */
    assert_int_equal(fixture.requests, 0);
    fixture_close(&fixture);
    fixture_open(&fixture, &(struct http_server_options){.is_local = true, .token = "secret"});
    struct raw_peer peer;
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_send(&peer, "GET /echo HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer secret\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "<GET /echo ? >"));
    close_pair(&fixture, &peer);
}

static void test_refusals(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buffer text;
    fixture_open(&fixture, &(struct http_server_options){.body_bytes_max = 10});
    buffer_init(&text, 0);
    assert_refused(&fixture, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "INVALID");
    assert_refused(&fixture, "PUT / HTTP/1.1\r\nHost: l\r\n\r\n", "HTTP/1.1 411 ", "INVALID");
    assert_refused(&fixture, "PUT / HTTP/1.1\r\nHost: l\r\nContent-Length: 11\r\n\r\n",
                   "HTTP/1.1 413 ", "LIMIT");
    assert_refused(&fixture, "PUT / HTTP/1.1\r\nHost: l\r\nExpect: x\r\nContent-Length: 1\r\n\r\n",
                   "HTTP/1.1 417 ", "INVALID");
    assert_refused(&fixture, "OPTIONS / HTTP/1.1\r\nHost: l\r\n\r\n", "HTTP/1.1 501 ", "INVALID");
    assert_refused(&fixture, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 ", "INVALID");
    buffer_append_text(&text, "GET /");
    for (unsigned i = 0; i < 20000; i++)
        buffer_append_text(&text, "u");
    assert_refused(&fixture, buffer_text(&text), "HTTP/1.1 414 ", "LIMIT");
    buffer_clear(&text);
    buffer_append_text(&text, "GET / HTTP/1.1\r\nX: ");
    for (unsigned i = 0; i < 20000; i++)
        buffer_append_text(&text, "x");
    assert_refused(&fixture, buffer_text(&text), "HTTP/1.1 431 ", "LIMIT");
    assert_int_equal(fixture.requests, 0);
    buffer_fini(&text);
    fixture_close(&fixture);
}

static void test_routes(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_pair(&fixture, &peer, &(struct http_server_options){0});
    raw_peer_send(&peer, GET("/nothing"));
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 404 Not Found"));
    assert_true(raw_peer_expect(&peer, "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\""));
    raw_peer_send(&peer, "DELETE /echo HTTP/1.1\r\nHost: l\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 405 Method Not Allowed"));
    assert_true(raw_peer_expect(&peer, "Allow: GET, HEAD, PUT, POST\r\n"));
    assert_true(raw_peer_expect(&peer, "\"code\":\"INVALID\""));
    raw_peer_send(&peer, GET("/%zz"));
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 400 Bad Request"));
    raw_peer_send(&peer, GET("/echo")); /* none of these costs the connection */
    assert_true(raw_peer_expect(&peer, "<GET /echo ? >"));
    close_pair(&fixture, &peer);
}

static void test_expect_continue(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    open_pair(&fixture, &peer, &(struct http_server_options){0});
    raw_peer_send(&peer, "PUT /echo HTTP/1.1\r\nHost: l\r\nExpect: 100-continue\r\n"
                         "Content-Length: 3\r\n\r\n");
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 100 Continue\r\n\r\n"));
    assert_int_equal(fixture.requests, 0);
    raw_peer_send(&peer, "abc");
    assert_true(raw_peer_expect(&peer, "<PUT /echo ? abc>"));
    close_pair(&fixture, &peer);
}

/* Slow loris, three ways. Deadlines must come, and must not come before their time. */
static void test_deadlines(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    int64_t began_ns = clock_monotonic_ns();
    open_pair(&fixture, &peer,
              &(struct http_server_options){.header_timeout_ms = 50, .body_timeout_ms = 80});
    raw_peer_send(&peer, "GET / HTTP/1.1\r\nHo");
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 408 Request Timeout"));
    assert_true(raw_peer_expect(&peer, "\"code\":\"TIMEOUT\""));
    assert_true(raw_peer_expect_end(&peer));
    assert_true(clock_monotonic_ns() - began_ns >= 50 * 1000000);
    raw_peer_close(&peer);

    began_ns = clock_monotonic_ns();
    raw_peer_connect(&peer, fixture.loop, fixture.port);
    raw_peer_send(&peer, "PUT / HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\n\r\na");
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 408 Request Timeout"));
    assert_true(raw_peer_expect_end(&peer));
    assert_true(clock_monotonic_ns() - began_ns >= 79 * 1000000);
    raw_peer_close(&peer);

    assert_int_equal(fixture.requests, 0);
    fixture_close(&fixture);

    began_ns = clock_monotonic_ns();
    open_pair(&fixture, &peer, &(struct http_server_options){.idle_timeout_ms = 100});
    assert_true(raw_peer_expect_end(&peer)); /* idle: nothing is said */
    assert_int_equal(peer.received.size, 0);
    assert_true(clock_monotonic_ns() - began_ns >= 100 * 1000000);
    close_pair(&fixture, &peer);
}

static void test_too_many_bodies_and_connections(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peers[3];
    fixture_open(&fixture, &(struct http_server_options){.connections_max = 2,
                                                         .body_bytes_max = 100,
                                                         .bodies_bytes_max = 150});
    raw_peer_connect(&peers[0], fixture.loop, fixture.port);
    raw_peer_connect(&peers[1], fixture.loop, fixture.port);
    const char *head = "PUT /later HTTP/1.1\r\nHost: l\r\nContent-Length: 100\r\n\r\n";
    char body[100] = {0};
    raw_peer_send(&peers[0], head);
    raw_peer_send_bytes(&peers[0], body, 100);
    assert_true(fixture_wait_held(&fixture));
    raw_peer_send(&peers[1], "PUT /later HTTP/1.1\r\nHost: l\r\nContent-Length: 100\r\n"
                             "Expect: 100-continue\r\n\r\n");
    assert_true(raw_peer_expect(&peers[1], "100 Continue\r\n\r\n"));
    raw_peer_connect(&peers[2], fixture.loop, fixture.port);
    assert_true(raw_peer_expect_end(&peers[2])); /* the third connection: both are being served */
    raw_peer_send_bytes(&peers[1], body, 51);
    assert_true(raw_peer_expect(&peers[1], "HTTP/1.1 503 Service Unavailable"));
    assert_true(raw_peer_expect_end(&peers[1]));
    http_answer(fixture.held, 200, NULL, "{}", 2);
    assert_true(raw_peer_expect(&peers[0], "\r\n\r\n{}"));
    raw_peer_send(&peers[0], head); /* its bytes were given back */
    raw_peer_send_bytes(&peers[0], body, 100);
    fixture.held = NULL;
    assert_true(fixture_wait_held(&fixture));
    for (size_t i = 0; i < 3; i++)
        raw_peer_close(&peers[i]);
    fixture_close(&fixture);
}

/* Who sits there without a token makes room for who has one, and does not keep him out. */
static void test_the_idle_make_room(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peers[3], idle[2];
    static const char ask[] =
        "GET /echo HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer secret\r\n\r\n";
    fixture_open(&fixture, &(struct http_server_options){.connections_max = 2, .token = "secret"});
    raw_peer_connect(&idle[0], fixture.loop, fixture.port);
    raw_peer_connect(&idle[1], fixture.loop, fixture.port);
    raw_peer_connect(&peers[0], fixture.loop, fixture.port);
    assert_true(raw_peer_expect_end(&idle[0]));
    raw_peer_send(&peers[0], ask);
    assert_true(raw_peer_expect(&peers[0], "<GET /echo ? >"));
    raw_peer_connect(&peers[1], fixture.loop, fixture.port);
    assert_true(raw_peer_expect_end(&idle[1])); /* not the older one, which has shown a token */
    raw_peer_send(&peers[1], ask);
    assert_true(raw_peer_expect(&peers[1], "<GET /echo ? >"));
    raw_peer_connect(&peers[2], fixture.loop, fixture.port);
    assert_true(raw_peer_expect_end(&peers[0])); /* all have: the oldest idle one */
    for (size_t i = 0; i < 3; i++)
        raw_peer_close(&peers[i]);
    raw_peer_close(&idle[0]);
    raw_peer_close(&idle[1]);
    fixture_close(&fixture);
}

static void never_called(void *context, struct http_exchange *exchange,
                         const struct http_request *request)
{
    (void)context, (void)exchange, (void)request;
    fail();
}

static void test_bind_error_says_what_to_do(void **state)
{
    (void)state;
    struct fixture fixture;
    struct http_server *second;
    struct error error = ERROR_NONE;
    fixture_open(&fixture, &(struct http_server_options){0});
    struct http_server_options options = {
        .address = "127.0.0.1",
        .port = fixture.port,
        .handler = never_called,
    };
    assert_false(http_server_new(fixture.loop, &options, &second, &error));
    assert_int_not_equal(error.code, ERROR_OK);
    assert_true(strlen(error.text) > 20);
    http_server_free(NULL);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_and_keeps_the_connection),
        cmocka_unit_test(test_versions_and_close),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_many_pipelined_requests),
        cmocka_unit_test(test_half_closed_peer_gets_its_answers),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_pages_are_refused),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_too_many_bodies_and_connections),
        cmocka_unit_test(test_the_idle_make_room),
        cmocka_unit_test(test_bind_error_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
