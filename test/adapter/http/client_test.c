/* client_test.c: the client on the loop against the real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client_outcome.h"
#include "http_fixture.h"

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
    await_many(&both.outcome, 50);
    assert_int_equal(both.fixture.requests, 50);
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
        cmocka_unit_test(test_done_may_start_and_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
