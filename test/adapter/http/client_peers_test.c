/* client_peers_test.c: the client on the loop against peers that misbehave, and what it sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client_outcome.h"
#include "fake/scripted_peer.h"

/* A client against a script; the body of the answer is judged by the caller. */
static void call_peer(const struct step *script, const struct http_call *order,
                      struct outcome *outcome, struct peer *peer)
{
    struct http_call call = *order;
    struct loop *loop = loop_new();
    struct http_client *client = http_client_new(loop);
    peer_start(peer, script);
    *outcome = (struct outcome){.loop = loop};
    call.url = peer->url;
    http_client_start(client, &call, note_done, outcome);
    await(outcome);
    http_client_free(client);
    peer_stop(peer);
    loop_free(loop);
}

static void assert_peer_gives(const struct step *script, enum error_code code)
{
    struct outcome outcome;
    static struct peer peer;
    call_peer(script, &(struct http_call){.timeout_ms = 2000, .answer_bytes_max = 100}, &outcome,
              &peer);
    assert_code(&outcome, code);
    buffer_fini(&outcome.body);
}

#define ANSWER(headers) "HTTP/1.1 200 OK\r\n" headers "\r\n"

static void test_peers_that_fail(void **state)
{
    (void)state;
    assert_peer_gives((struct step[]){HEAD, CLOSE, END}, ERROR_UNCERTAIN);
    assert_peer_gives((struct step[]){HEAD, SEND("HTTP/1.1 200 OK\r\n"), CLOSE, END},
                      ERROR_UNCERTAIN);
    assert_peer_gives(
        (struct step[]){HEAD, SEND(ANSWER("Content-Length: 9\r\n") "cut"), CLOSE, END},
        ERROR_UNCERTAIN);
    assert_peer_gives((struct step[]){HEAD,
                                      SEND(ANSWER("Transfer-Encoding: chunked\r\n") "3\r\ncut"),
                                      CLOSE, END},
                      ERROR_UNCERTAIN);
}

static void test_answers_beyond_limits(void **state)
{
    (void)state;
    char hundred[101] = {0};
    memset(hundred, 'x', 100);
    struct buffer fitting, long_one;
    buffer_init(&fitting, 0);
    buffer_init(&long_one, 0);
    buffer_append_format(&fitting, ANSWER("Transfer-Encoding: chunked\r\n") "64\r\n%s\r\n0\r\n\r\n",
                         hundred);
    buffer_append_format(&long_one,
                         ANSWER("Transfer-Encoding: chunked\r\n") "64\r\n%s\r\n1\r\nx\r\n0\r\n\r\n",
                         hundred);
    assert_peer_gives((struct step[]){HEAD, SEND(fitting.data), CLOSE, END}, ERROR_OK);
    assert_peer_gives((struct step[]){HEAD, SEND(long_one.data), CLOSE, END}, ERROR_LIMIT);
    assert_peer_gives((struct step[]){HEAD, SEND(ANSWER("Content-Length: 101\r\n")), HOLD, END},
                      ERROR_LIMIT);
    assert_peer_gives((struct step[]){HEAD, SEND("HTTP/1.1 200 OK\r\n"),
                                      REPEAT("X: 0123456789\r\n", 5000), HOLD, END},
                      ERROR_LIMIT);
    assert_peer_gives(
        (struct step[]){HEAD, REPEAT("HTTP/1.1 100 Continue\r\n\r\n", 5000), HOLD, END},
        ERROR_LIMIT);
    buffer_fini(&fitting);
    buffer_fini(&long_one);
}

static void test_answers_that_do_not_say_where_they_end(void **state)
{
    (void)state;
    static const char *const answers[] = {
        ANSWER("") "until close",
        ANSWER("Transfer-Encoding: gzip\r\n") "x",
        ANSWER("Transfer-Encoding: chunked, gzip\r\n") "0\r\n\r\n",
        ANSWER("Transfer-Encoding: gzip, chunked\r\n") "0\r\n\r\n",
        ANSWER("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n",
        ANSWER("Content-Length: 1\r\nContent-Length: 2\r\n") "xx",
        "no HTTP at all\r\n\r\n",
        "HTTP/0.9 200 OK\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        assert_peer_gives((struct step[]){HEAD, SEND(answers[i]), CLOSE, END}, ERROR_PROTOCOL);
    assert_peer_gives((struct step[]){HEAD, SEND("HTTP/1.1 100 Continue\r\n\r\n"),
                                      SEND("HTTP/1.1 204 No Content\r\n\r\n"), CLOSE, END},
                      ERROR_OK);
}

static void test_redirects_are_answers(void **state)
{
    (void)state;
    struct outcome outcome;
    static struct peer peer;
    call_peer((struct step[]){HEAD,
                              SEND("HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\n"
                                   "Content-Length: 0\r\n\r\n"),
                              CLOSE, END},
              &(struct http_call){.timeout_ms = 2000}, &outcome, &peer);
    assert_code(&outcome, ERROR_OK);
    assert_int_equal(outcome.status, 307);
    assert_int_equal(atomic_load(&peer.connections), 1);
}

static void test_what_is_sent(void **state)
{
    (void)state;
    struct outcome outcome;
    static struct peer peer;
    struct step script[] = {HEAD, BYTES(2), SEND(ANSWER("Content-Length: 0\r\n")), CLOSE, END};
    const char *const headers[] = {"X-Protocol: 1-2", NULL};
    call_peer(script,
              &(struct http_call){.method = HTTP_PUT,
                                  .token = "secret",
                                  .headers = headers,
                                  .body = "{}",
                                  .body_size = 2},
              &outcome, &peer);
    assert_code(&outcome, ERROR_OK);
    assert_non_null(strstr(peer.seen, "PUT /x?op=T HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.seen, "\r\nAuthorization: Bearer secret\r\n"));
    assert_non_null(strstr(peer.seen, "\r\nX-Protocol: 1-2\r\n"));
    assert_non_null(strstr(peer.seen, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(peer.seen, "\r\nContent-Length: 2\r\n"));
    assert_null(strstr(peer.seen, "Expect"));
}

/* Two calls, one after the other; the peer ends the kept connection when the second comes. */
static void call_twice(enum http_method method, struct outcome *outcome, struct peer *peer)
{
    struct step script[] = {HEAD, SEND(ANSWER("Content-Length: 0\r\n")), HEAD,  CLOSE,
                            HEAD, SEND(ANSWER("Content-Length: 0\r\n")), CLOSE, END};
    struct loop *loop = loop_new();
    struct http_client *client = http_client_new(loop);
    peer_start(peer, script);
    *outcome = (struct outcome){.loop = loop};
    struct http_call call = {.url = peer->url, .timeout_ms = 2000};
    http_client_start(client, &call, note_done, outcome);
    await(outcome);
    assert_code(outcome, ERROR_OK);
    call.method = method;
    http_client_start(client, &call, note_done, outcome);
    await(outcome);
    http_client_free(client);
    peer_stop(peer);
    loop_free(loop);
}

static void test_kept_connection_that_dies(void **state)
{
    (void)state;
    struct outcome outcome;
    static struct peer peer;
    call_twice(HTTP_PUT, &outcome, &peer);
    assert_code(&outcome, ERROR_OK); /* repeated by curl */
    assert_int_equal(atomic_load(&peer.connections), 2);
}

static void test_post_is_sent_once(void **state)
{
    (void)state;
    struct outcome outcome;
    static struct peer peer;
    struct step script[] = {HEAD, SEND(ANSWER("Content-Length: 0\r\n")), CLOSE, HEAD, CLOSE, END};
    struct loop *loop = loop_new();
    struct http_client *client = http_client_new(loop);
    peer_start(&peer, script);
    outcome = (struct outcome){.loop = loop};
    struct http_call call = {.method = HTTP_POST, .url = peer.url, .timeout_ms = 2000};
    http_client_start(client, &call, note_done, &outcome);
    await(&outcome);
    assert_code(&outcome, ERROR_OK);
    http_client_start(client, &call, note_done, &outcome);
    await(&outcome);
    assert_code(&outcome, ERROR_UNCERTAIN);
    http_client_free(client);
    peer_stop(&peer);
    loop_free(loop);
    assert_int_equal(atomic_load(&peer.connections), 2);
    unsigned posts = 0;
    for (const char *at = peer.seen; (at = strstr(at, "POST ")) != NULL; at++)
        posts++;
    assert_int_equal(posts, 2);
}

static void test_nothing_left(void **state)
{
    (void)state;
    static struct peer peer; /* only to learn of a port that nobody listens on */
    struct loop *loop = loop_new();
    struct http_client *client = http_client_new(loop);
    struct outcome outcome = {.loop = loop};
    peer_start(&peer, (struct step[]){END});
    peer_stop(&peer);
    struct http_call call = {.url = peer.url, .timeout_ms = 2000};
    http_client_start(client, &call, note_done, &outcome);
    await(&outcome);
    assert_code(&outcome, ERROR_UNAVAILABLE);
    assert_non_null(strstr(outcome.error.text, "127.0.0.1:"));
    http_client_free(client);
    loop_free(loop);
}

static void test_orders_that_are_wrong(void **state)
{
    (void)state;
    static const char *const urls[] = {"ftp://127.0.0.1/", "http://", "http://u:p@127.0.0.1:1/",
                                       "file:///etc/passwd"};
    struct loop *loop = loop_new();
    struct http_client *client = http_client_new(loop);
    struct outcome outcome = {.loop = loop};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        http_client_start(client, &(struct http_call){.url = urls[i]}, note_done, &outcome);
        await(&outcome);
        assert_code(&outcome, ERROR_INVALID);
        assert_null(strstr(outcome.error.text, "u:p"));
    }
    const char *const headers[] = {"X: a\r\nY: b", NULL};
    http_client_start(client, &(struct http_call){.url = "http://127.0.0.1:1/", .headers = headers},
                      note_done, &outcome);
    assert_int_equal(outcome.done, 0);
    await(&outcome);
    assert_code(&outcome, ERROR_INVALID);
    http_client_start(client, &(struct http_call){.url = "http://127.0.0.1:1/", .token = "a\nb"},
                      note_done, &outcome);
    await(&outcome);
    assert_code(&outcome, ERROR_INVALID);
    http_client_free(client);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers_that_fail),
        cmocka_unit_test(test_answers_beyond_limits),
        cmocka_unit_test(test_answers_that_do_not_say_where_they_end),
        cmocka_unit_test(test_redirects_are_answers),
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_kept_connection_that_dies),
        cmocka_unit_test(test_post_is_sent_once),
        cmocka_unit_test(test_nothing_left),
        cmocka_unit_test(test_orders_that_are_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
