/* http_fixture.c: see http_fixture.h. */
#include "http_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "http/router.h"

static void answer_echo(void *context, struct http_exchange *exchange,
                        const struct http_request *request, const struct route_match *match)
{
    (void)context, (void)match;
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_format(&body, "<%s %s ?%s ", http_method_name(request->method), request->path,
                         request->query);
    buffer_append(&body, request->body, request->body_size);
    buffer_append_text(&body, ">");
    http_answer(exchange, 200, "text/plain", body.data, body.size);
    buffer_fini(&body);
}

static void note_gone(void *context)
{
    struct fixture *fixture = context;
    fixture->held = NULL;
    fixture->gone++;
}

static void hold_exchange(void *context, struct http_exchange *exchange,
                          const struct http_request *request, const struct route_match *match)
{
    struct fixture *fixture = context;
    (void)match;
    fixture->held = exchange;
    if (strcmp(request->path, "/held-deaf") != 0)
        http_exchange_on_gone(exchange, note_gone, fixture);
    if (strcmp(request->path, "/stream") == 0)
        http_stream_begin(exchange, "text/event-stream");
}

static void answer_big(void *context, struct http_exchange *exchange,
                       const struct http_request *request, const struct route_match *match)
{
    struct fixture *fixture = context;
    (void)request, (void)match;
    http_answer(exchange, 200, "text/plain", fixture->big, FIXTURE_BIG_BYTES);
}

static void answer_header(void *context, struct http_exchange *exchange,
                          const struct http_request *request, const struct route_match *match)
{
    (void)context, (void)match;
    struct buffer value;
    buffer_init(&value, 0);
    CHECK(http_request_parameter(request, "v", &value));
    http_answer_header(exchange, "X-Value", buffer_text(&value));
    http_answer(exchange, 201, NULL, "{}", 2);
    buffer_fini(&value);
}

static void answer_empty(void *context, struct http_exchange *exchange,
                         const struct http_request *request, const struct route_match *match)
{
    (void)context, (void)request, (void)match;
    http_answer(exchange, 204, NULL, NULL, 0);
}

static const struct route routes[] = {
    {HTTP_GET, "/echo", answer_echo},        {HTTP_PUT, "/echo", answer_echo},
    {HTTP_POST, "/echo", answer_echo},       {HTTP_GET, "/later", hold_exchange},
    {HTTP_PUT, "/later", hold_exchange},     {HTTP_GET, "/held-deaf", hold_exchange},
    {HTTP_PUT, "/held-deaf", hold_exchange}, {HTTP_GET, "/stream", hold_exchange},
    {HTTP_GET, "/big", answer_big},          {HTTP_GET, "/header", answer_header},
    {HTTP_DELETE, "/empty", answer_empty},
};

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request *request)
{
    struct fixture *fixture = context;
    fixture->requests++;
    router_dispatch(routes, ARRAY_LENGTH(routes), context, exchange, request);
}

void fixture_open(struct fixture *fixture, const struct http_server_options *options)
{
    struct error error = ERROR_NONE;
    struct http_server_options filled = *options;
    *fixture = (struct fixture){.loop = loop_new(), .big = memory_new(FIXTURE_BIG_BYTES)};
    memset(fixture->big, 'b', FIXTURE_BIG_BYTES);
    filled.address = "127.0.0.1";
    filled.handler = on_request;
    filled.context = fixture;
    CHECK(http_server_new(fixture->loop, &filled, &fixture->server, &error));
    fixture->port = http_server_port(fixture->server);
}

void fixture_close(struct fixture *fixture)
{
    http_server_free(fixture->server);
    loop_free(fixture->loop);
    free(fixture->big);
}

static bool is_held(void *context)
{
    return ((struct fixture *)context)->held != NULL;
}

bool fixture_wait_held(struct fixture *fixture)
{
    return loop_run_until(fixture->loop, is_held, fixture, RAW_PEER_PATIENCE_MS);
}

struct gone_wait {
    const struct fixture *fixture;
    unsigned count;
};

static bool are_gone(void *context)
{
    const struct gone_wait *wait = context;
    return wait->fixture->gone >= wait->count;
}

bool fixture_wait_gone(struct fixture *fixture, unsigned count)
{
    struct gone_wait wait = {fixture, count};
    return loop_run_until(fixture->loop, are_gone, &wait, RAW_PEER_PATIENCE_MS);
}
