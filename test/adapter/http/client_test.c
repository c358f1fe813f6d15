/* client_test.c: the client on the loop, against the real server and against peers that misbehave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake/scripted_peer.h"
#include "http/client.h"
#include "http_fixture.h"

struct outcome {
    struct loop *loop;
    unsigned done;
    int status;
    struct buffer body;
    struct error error;
};

static void note_done(void *context, const struct http_result *result, const struct error *error)
{
    struct outcome *outcome = context;
    outcome->done++;
    outcome->error = *error;
    assert_true((result == NULL) == (error->code != ERROR_OK));
    if (result == NULL)
        return;
    outcome->status = result->status;
    buffer_clear(&outcome->body);
    if (result->body.size > 0)
        buffer_append(&outcome->body, result->body.data, result->body.size);
}

static bool is_done(void *context)
{
    return ((struct outcome *)context)->done > 0;
}

static void await(struct outcome *outcome)
{
    assert_true(loop_run_until(outcome->loop, is_done, outcome, RAW_PEER_PATIENCE_MS));
    assert_int_equal(outcome->done, 1);
    outcome->done = 0;
}

static void assert_code(const struct outcome *outcome, enum error_code code)
{
    if (outcome->error.code != code)
        fail_msg("%s: %s", error_name(outcome->error.code), outcome->error.text);
}

/* A client and the real server on one loop. */
struct both {
    struct fixture fixture;
    struct http_client *client;
    struct outcome outcome;
    char url[128];
};

static void open_both(struct both *both, const struct http_server_options *options)
{
    *both = (struct both){0};
    fixture_open(&both->fixture, options);
    both->client = http_client_new(both->fixture.loop);
    both->outcome.loop = both->fixture.loop;
}

static void close_both(struct both *both)
{
    http_client_free(both->client);
    buffer_fini(&both->outcome.body);
    fixture_close(&both->fixture);
}

static struct http_pending *start(struct both *both, enum http_method method, const char *path,
                                  const char *body)
{
    snprintf(both->url, sizeof both->url, "http://127.0.0.1:%u%s", both->fixture.port, path);
    struct http_call call = {.method = method,
                             .url = both->url,
                             .body = body,
                             .body_size = body == NULL ? 0 : strlen(body),
                             .token = "secret",
                             .timeout_ms = 2000};
    struct http_pending *pending =
        http_client_start(both->client, &call, note_done, &both->outcome);
    memset(both->url, 'x', sizeof both->url - 1); /* nothing of the caller's is needed any more */
    assert_int_equal(both->outcome.done, 0);      /* never inside start */
    return pending;
}

static void expect(struct both *both, int status, const char *body)
{
    await(&both->outcome);
    assert_code(&both->outcome, ERROR_OK);
    assert_int_equal(both->outcome.status, status);
    assert_string_equal(buffer_text(&both->outcome.body), body);
}

static void test_calls(void **state)
{
    (void)state;
    struct both both;
    open_both(&both, &(struct http_server_options){.token = "secret"});
    start(&both, HTTP_GET, "/echo?a=%20", NULL);
    expect(&both, 200, "<GET /echo ?a=%20 >");
    start(&both, HTTP_PUT, "/echo", "some body");
    expect(&both, 200, "<PUT /echo ? some body>");
    start(&both, HTTP_PUT, "/echo", NULL);
    expect(&both, 200, "<PUT /echo ? >");
    start(&both, HTTP_POST, "/echo/../echo", "x");
    await(&both.outcome);
    assert_int_equal(both.outcome.status, 404); /* paths go as they are, errors are answers */
    start(&both, HTTP_DELETE, "/empty", NULL);
    expect(&both, 204, "");
    start(&both, HTTP_HEAD, "/echo", NULL);
    expect(&both, 200, "");
    start(&both, HTTP_GET, "/big", NULL);
    await(&both.outcome);
    assert_int_equal(both.outcome.body.size, FIXTURE_BIG_BYTES);
    close_both(&both);
}

static void test_large_body_and_streamed_answer(void **state)
{
    (void)state;
    struct both both;
    struct buffer body;
    open_both(&both, &(struct http_server_options){0});
    buffer_init(&body, 0);
    for (unsigned i = 0; i < 300000; i++)
        buffer_append_text(&body, "0123456789");
    start(&both, HTTP_PUT, "/echo", body.data); /* longer than what curl announces by Expect */
    await(&both.outcome);
    assert_int_equal(both.outcome.body.size, body.size + strlen("<PUT /echo ? >"));
    start(&both, HTTP_GET, "/stream", NULL);
    assert_true(fixture_wait_held(&both.fixture));
    assert_true(http_stream_send(both.fixture.held, "a\n", 2));
    assert_true(http_stream_send(both.fixture.held, "b\n", 2));
    http_stream_end(both.fixture.held);
    expect(&both, 200, "a\nb\n");
    buffer_fini(&body);
    close_both(&both);
}

static void test_many_calls_at_once(void **state)
{
    (void)state;
    struct both both;
    open_both(&both, &(struct http_server_options){0});
    for (unsigned i = 0; i < 50; i++)
        start(&both, i % 2 == 0 ? HTTP_GET : HTTP_POST, "/echo", NULL);
    while (both.outcome.done < 50) {
        unsigned before = both.outcome.done;
        loop_run_until(both.fixture.loop, NULL, NULL, 10);
        assert_true(both.outcome.done > before || both.fixture.requests < 50);
    }
    assert_int_equal(both.fixture.requests, 50);
    both.outcome.done = 0;
    close_both(&both);
}

static void test_cancel(void **state)
{
    (void)state;
    struct both both;
    open_both(&both, &(struct http_server_options){0});
    struct http_pending *pending = start(&both, HTTP_GET, "/later", NULL);
    http_client_cancel(pending); /* before anything left */
    assert_int_equal(both.outcome.done, 0);
    await(&both.outcome);
    assert_code(&both.outcome, ERROR_CANCELED);
    pending = start(&both, HTTP_GET, "/later", NULL);
    assert_true(fixture_wait_held(&both.fixture));
    http_client_cancel(pending);
    http_client_cancel(pending); /* twice is once */
    assert_int_equal(both.outcome.done, 0);
    await(&both.outcome);
    assert_code(&both.outcome, ERROR_CANCELED);
    assert_true(fixture_wait_gone(&both.fixture, 1)); /* the server learns of it */
    start(&both, HTTP_GET, "/echo", NULL);
    expect(&both, 200, "<GET /echo ? >");
    close_both(&both);
}

static void test_free_with_open_calls(void **state)
{
    (void)state;
    struct both both;
    open_both(&both, &(struct http_server_options){0});
    start(&both, HTTP_GET, "/later", NULL);
    assert_true(fixture_wait_held(&both.fixture));
    start(&both, HTTP_GET, "/echo", NULL);
    http_client_cancel(start(&both, HTTP_GET, "/echo", NULL));
    http_client_free(both.client);
    both.client = NULL;
    assert_true(fixture_wait_gone(&both.fixture, 1));
    assert_int_equal(both.outcome.done, 0);
    http_client_free(NULL);
    close_both(&both);
}

static void test_timeout_after_sending_is_uncertain(void **state)
{
    (void)state;
    struct both both;
    open_both(&both, &(struct http_server_options){0});
    snprintf(both.url, sizeof both.url, "http://127.0.0.1:%u/later", both.fixture.port);
    struct http_call call = {.method = HTTP_PUT, .url = both.url, .timeout_ms = 100};
    http_client_start(both.client, &call, note_done, &both.outcome);
    await(&both.outcome);
    assert_code(&both.outcome, ERROR_UNCERTAIN);
    assert_int_equal(both.fixture.requests, 1);
    close_both(&both);
}

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

struct chain {
    struct both *both;
    struct http_pending *other;
    unsigned left;
};

static void start_another(void *context, const struct http_result *result,
                          const struct error *error)
{
    struct chain *chain = context;
    assert_int_equal(error->code, ERROR_OK);
    assert_int_equal(result->status, 200);
    struct http_call call = {.url = chain->both->url, .timeout_ms = 2000};
    if (chain->left-- > 0)
        http_client_start(chain->both->client, &call, start_another, chain);
    else
        http_client_cancel(chain->other);
}

static void test_done_may_start_and_cancel(void **state)
{
    (void)state;
    struct both both;
    open_both(&both, &(struct http_server_options){0});
    struct chain chain = {.both = &both, .left = 5};
    chain.other = start(&both, HTTP_GET, "/later", NULL);
    snprintf(both.url, sizeof both.url, "http://127.0.0.1:%u/echo", both.fixture.port);
    struct http_call call = {.url = both.url, .timeout_ms = 2000};
    http_client_start(both.client, &call, start_another, &chain);
    await(&both.outcome);
    assert_code(&both.outcome, ERROR_CANCELED);
    close_both(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_large_body_and_streamed_answer),
        cmocka_unit_test(test_many_calls_at_once),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_free_with_open_calls),
        cmocka_unit_test(test_timeout_after_sending_is_uncertain),
        cmocka_unit_test(test_peers_that_fail),
        cmocka_unit_test(test_answers_beyond_limits),
        cmocka_unit_test(test_answers_that_do_not_say_where_they_end),
        cmocka_unit_test(test_redirects_are_answers),
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_kept_connection_that_dies),
        cmocka_unit_test(test_post_is_sent_once),
        cmocka_unit_test(test_nothing_left),
        cmocka_unit_test(test_orders_that_are_wrong),
        cmocka_unit_test(test_done_may_start_and_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
