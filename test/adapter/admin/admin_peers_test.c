/* admin_peers_test.c: answers that come late, peers that leave, operations that are waited for,
 * followers that do not read, and an end with work under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/admin.h"
#include "base/check.h"
#include "base/json.h"
#include "fake_control.h"
#include "raw_peer.h"

struct fixture {
    struct loop *loop;
    struct control control;
    struct admin *admin;
    struct http_server *server;
    uint16_t port;
    unsigned requests;
};

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request *request)
{
    struct fixture *fixture = context;
    fixture->requests++;
    admin_handle(fixture->admin, exchange, request);
}

static void open_fixture(struct fixture *fixture)
{
    struct error error;
    *fixture = (struct fixture){.loop = loop_new()};
    fixture->admin = admin_new(fixture->loop, &fixture->control);
    struct http_server_options options = {
        .address = "127.0.0.1", .handler = on_request, .context = fixture};
    assert_true(http_server_new(fixture->loop, &options, &fixture->server, &error));
    fixture->port = http_server_port(fixture->server);
}

static void close_fixture(struct fixture *fixture)
{
    http_server_free(fixture->server);
    admin_free(fixture->admin);
    assert_int_equal(fixture->control.listener_count, 0);
    assert_int_equal(fixture->control.order_count, 0);
    loop_free(fixture->loop);
}

static void ask(struct fixture *fixture, struct raw_peer *peer, const char *line)
{
    char request[512];
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: l\r\nContent-Length: 0\r\n\r\n", line);
    raw_peer_connect(peer, fixture->loop, fixture->port);
    raw_peer_send(peer, request);
}

struct order_wait {
    const struct control *control;
    size_t count;
};

static bool are_noted(void *context)
{
    const struct order_wait *wait = context;
    return wait->control->order_count >= wait->count;
}

static void wait_orders(struct fixture *fixture, size_t count)
{
    struct order_wait wait = {&fixture->control, count};
    assert_true(loop_run_until(fixture->loop, are_noted, &wait, RAW_PEER_PATIENCE_MS));
}

/* ---- answers that control owes ---- */

static void test_answer_comes_when_the_work_is_done(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    json_t *result = json_object();
    json_set_string(result, "state", "paused");
    open_fixture(&fixture);
    ask(&fixture, &peer, "POST /v1/policies/bills/pause");
    wait_orders(&fixture, 1);
    fake_control_answer(&fixture.control, result, &ERROR_NONE);
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 200 OK"));
    assert_true(raw_peer_expect(&peer, "\r\n\r\n{\"state\":\"paused\"}"));
    raw_peer_close(&peer);
    close_fixture(&fixture);
}

static void test_errors_have_their_status(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    struct error error;
    open_fixture(&fixture);
    ask(&fixture, &peer, "POST /v1/services/bills/epochs/1/abandon");
    wait_orders(&fixture, 1);
    error_set(&error, ERROR_CONFLICT, "it is sealed");
    fake_control_answer(&fixture.control, NULL, &error);
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 409 Conflict"));
    assert_true(
        raw_peer_expect(&peer, "{\"error\":{\"code\":\"CONFLICT\",\"message\":\"it is sealed\"}}"));
    raw_peer_close(&peer);
    close_fixture(&fixture);
}

static void test_peer_that_leaves_takes_no_order_back(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer, other;
    open_fixture(&fixture);
    ask(&fixture, &peer, "DELETE /v1/policies/bills");
    wait_orders(&fixture, 1);
    raw_peer_close(&peer);
    ask(&fixture, &other, "GET /live"); /* by its answer the leaving was noticed too */
    assert_true(raw_peer_expect(&other, "{\"live\":true}"));
    assert_int_equal(fixture.control.forgotten, 0);
    fake_control_answer(&fixture.control, json_object(), &ERROR_NONE);
    raw_peer_close(&other);
    close_fixture(&fixture);
}

static void test_end_with_orders_under_way(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer owed, operation, follower;
    open_fixture(&fixture);
    ask(&fixture, &owed, "POST /v1/policies/bills/run");
    wait_orders(&fixture, 1);
    ask(&fixture, &operation, "POST /v1/check");
    wait_orders(&fixture, 2);
    assert_true(raw_peer_expect(&operation, "HTTP/1.1 202 Accepted"));
    ask(&fixture, &follower, "GET /v1/events/stream");
    assert_true(raw_peer_expect(&follower, "application/jsonl"));
    http_server_free(fixture.server);
    fixture.server = NULL;
    raw_peer_close(&owed);
    raw_peer_close(&operation);
    raw_peer_close(&follower);
    close_fixture(&fixture); /* nothing is left with control */
    assert_int_equal(fixture.control.forgotten, 2);
}

/* ---- operations ---- */

/* Begins a check and tells its id. */
static void begin_check(struct fixture *fixture, char ret_id[40])
{
    struct raw_peer peer;
    size_t before = fixture->control.order_count;
    ask(fixture, &peer, "POST /v1/check");
    wait_orders(fixture, before + 1);
    assert_true(raw_peer_expect(&peer, "Location: /v1/operations/"));
    assert_true(raw_peer_expect(&peer, "{\"id\":\""));
    assert_true(raw_peer_expect(&peer, "\"commands\":[\"coeval operation show "));
    assert_true(peer.received.size >= 36);
    snprintf(ret_id, 40, "%.36s", buffer_text(&peer.received));
    raw_peer_close(&peer);
}

static void wait_for(struct fixture *fixture, struct raw_peer *peer, const char *id, int seconds)
{
    char line[128];
    unsigned before = fixture->requests;
    snprintf(line, sizeof line, "GET /v1/operations/%s?wait=%d", id, seconds);
    ask(fixture, peer, line);
    while (fixture->requests == before)
        loop_run_until(fixture->loop, NULL, NULL, 1);
}

static void test_operation_is_waited_for(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer first, second, leaver, later;
    char id[40];
    open_fixture(&fixture);
    fixture.control.progress =
        (struct control_progress){.doing = "asking cluster west", .unit = "clusters", .total = 2};
    begin_check(&fixture, id);
    wait_for(&fixture, &first, id, 60);
    wait_for(&fixture, &leaver, id, 60);
    wait_for(&fixture, &second, id, 60);
    raw_peer_close(&leaver);
    fake_control_answer(&fixture.control, json_object(), &ERROR_NONE);
    assert_true(raw_peer_expect(&first, "\"phase\":\"done\""));
    assert_true(raw_peer_expect(&second, "\"phase\":\"done\""));
    wait_for(&fixture, &later, id, 60);
    assert_true(
        raw_peer_expect(&later, "\"doing\":null,\"done\":2,\"total\":2,\"unit\":\"clusters\""));
    raw_peer_close(&first);
    raw_peer_close(&second);
    raw_peer_close(&later);
    close_fixture(&fixture);
}

static void test_waiting_has_an_end(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    char id[40];
    open_fixture(&fixture);
    begin_check(&fixture, id);
    fixture.control.progress = (struct control_progress){
        .doing = "asking cluster west", .unit = "clusters", .done = 1, .total = 2};
    wait_for(&fixture, &peer, id, 1);
    assert_true(raw_peer_expect(&peer, "\"phase\":\"running\",\"doing\":\"asking cluster west\","
                                       "\"done\":1,\"total\":2,\"unit\":\"clusters\""));
    raw_peer_close(&peer);
    fake_control_answer(&fixture.control, json_object(), &ERROR_NONE);
    close_fixture(&fixture);
}

static void test_operation_that_fails(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    struct error error;
    char id[40];
    open_fixture(&fixture);
    begin_check(&fixture, id);
    error_set(&error, ERROR_TIMEOUT, "no agent");
    fake_control_answer(&fixture.control, NULL, &error);
    wait_for(&fixture, &peer, id, 60);
    assert_true(raw_peer_expect(&peer, "\"phase\":\"failed\""));
    assert_true(raw_peer_expect(&peer, "{\"code\":\"TIMEOUT\",\"message\":\"no agent\"}"));
    assert_true(raw_peer_expect(&peer, "\"commands\":[\"coeval check\"]"));
    raw_peer_close(&peer);
    close_fixture(&fixture);
}

static void test_operations_are_limited(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    char id[40];
    open_fixture(&fixture);
    for (unsigned i = 0; i < 16; i++)
        begin_check(&fixture, id);
    ask(&fixture, &peer, "POST /v1/services/bills/epochs/1/verify");
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 409"));
    assert_true(raw_peer_expect(&peer, "16 operations are running"));
    raw_peer_close(&peer);
    fake_control_answer(&fixture.control, json_object(), &ERROR_NONE);
    begin_check(&fixture, id);
    close_fixture(&fixture);
}

/* Old ones are dropped, the newest stay. */
static void test_ended_operations_are_few(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    char first[40], last[40];
    open_fixture(&fixture);
    begin_check(&fixture, first);
    fake_control_answer(&fixture.control, json_object(), &ERROR_NONE);
    for (unsigned i = 0; i < 200; i++) {
        begin_check(&fixture, last);
        fake_control_answer(&fixture.control, json_object(), &ERROR_NONE);
    }
    wait_for(&fixture, &peer, first, 1);
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 404"));
    raw_peer_close(&peer);
    wait_for(&fixture, &peer, last, 1);
    assert_true(raw_peer_expect(&peer, "HTTP/1.1 200"));
    raw_peer_close(&peer);
    close_fixture(&fixture);
}

/* ---- followers ---- */

static bool is_alone(void *context)
{
    return ((const struct control *)context)->listener_count == 0;
}

static void test_follower_hears_what_was_and_what_comes(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    json_t *event = json_object();
    json_set_integer(event, "sequence", 7);
    open_fixture(&fixture);
    fixture.control.events = json_array();
    json_append_take(fixture.control.events, json_incref(event));
    ask(&fixture, &peer, "GET /v1/events/stream?after=3");
    assert_true(raw_peer_expect(&peer, "{\"sequence\":7}\n"));
    json_set_integer(event, "sequence", 8);
    fake_control_tell(&fixture.control, event);
    assert_true(raw_peer_expect(&peer, "{\"sequence\":8}\n"));
    raw_peer_close(&peer);
    assert_true(loop_run_until(fixture.loop, is_alone, &fixture.control, RAW_PEER_PATIENCE_MS));
    json_decref(event);
    json_decref(fixture.control.events);
    close_fixture(&fixture);
}

/* Who does not read costs 1 MiB, then nothing. */
static void test_follower_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    static char text[200001];
    memset(text, 'x', sizeof text - 1);
    json_t *event = json_object();
    json_set_string(event, "text", text);
    open_fixture(&fixture);
    ask(&fixture, &peer, "GET /v1/events/stream");
    assert_true(raw_peer_expect(&peer, "application/jsonl"));
    raw_peer_stop_reading(&peer);
    for (unsigned i = 0; i < 200 && fixture.control.listener_count > 0; i++) {
        fake_control_tell(&fixture.control, event);
        loop_run_until(fixture.loop, NULL, NULL, 1);
    }
    assert_int_equal(fixture.control.listener_count, 0);
    raw_peer_close(&peer);
    json_decref(event);
    close_fixture(&fixture);
}

/* The same while the past is told: no listener is left behind. */
static void test_follower_that_cannot_take_the_past(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_peer peer;
    static char text[200001];
    memset(text, 'y', sizeof text - 1);
    open_fixture(&fixture);
    fixture.control.events = json_array();
    for (unsigned i = 0; i < 100; i++)
        json_append_take(fixture.control.events, json_pack("{ss}", "text", text));
    ask(&fixture, &peer, "GET /v1/events/stream?after=0");
    assert_true(raw_peer_expect_end(&peer));
    assert_int_equal(fixture.control.listener_count, 0);
    raw_peer_close(&peer);
    json_decref(fixture.control.events);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_comes_when_the_work_is_done),
        cmocka_unit_test(test_errors_have_their_status),
        cmocka_unit_test(test_peer_that_leaves_takes_no_order_back),
        cmocka_unit_test(test_end_with_orders_under_way),
        cmocka_unit_test(test_operation_is_waited_for),
        cmocka_unit_test(test_waiting_has_an_end),
        cmocka_unit_test(test_operation_that_fails),
        cmocka_unit_test(test_operations_are_limited),
        cmocka_unit_test(test_ended_operations_are_few),
        cmocka_unit_test(test_follower_hears_what_was_and_what_comes),
        cmocka_unit_test(test_follower_that_does_not_read_is_cut_off),
        cmocka_unit_test(test_follower_that_cannot_take_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
