/* transfer_test.c: the client against a scripted peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "fake/scripted_peer.h"
#include "http/transfer.h"

static struct transfer_order order_to(const struct peer *peer, enum http_method method)
{
    return (struct transfer_order){.method = method, .url = peer->url, .silence_ms = 5000};
}

/* --- whole calls -------------------------------------------------------------------------------
 */

static void test_a_connection_is_kept(void **state)
{
    (void)state;
    static const struct step script[] = {
        HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Two:  b c \r\n\r\nhi"), HEAD,
        SEND("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), END};
    struct peer peer;
    struct error error = ERROR_NONE;
    struct buffer body;
    peer_start(&peer, script);
    buffer_init(&body, 0);
    struct transfer *transfer = transfer_new();
    struct transfer_order order = order_to(&peer, HTTP_GET);
    assert_true(transfer_call(transfer, &order, &body, &error));
    assert_int_equal(transfer_status(transfer), 200);
    assert_string_equal(buffer_text(&body), "hi");
    assert_string_equal(transfer_header(transfer, "x-two"), "b c ");
    assert_null(transfer_header(transfer, "x-t"));
    char address[TRANSFER_ADDRESS_SIZE];
    uint16_t port;
    assert_true(transfer_peer(transfer, address, &port));
    assert_string_equal(address, "127.0.0.1");
    assert_int_equal(port, peer.port);
    static const char *const headers[] = {"X-Mine: 1", NULL};
    order.method = HTTP_DELETE;
    order.headers = headers;
    buffer_clear(&body);
    assert_true(transfer_call(transfer, &order, &body, &error));
    assert_int_equal(transfer_status(transfer), 404);
    assert_string_equal(buffer_text(&body), "abc");
    transfer_free(transfer);
    peer_stop(&peer);
    assert_int_equal(peer.connections, 1);
    assert_non_null(strstr(peer.seen, "GET /x?op=T HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.seen, "DELETE /x?op=T HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.seen, "X-Mine: 1\r\n"));
    assert_null(strstr(peer.seen, "Expect"));
    buffer_fini(&body);
}

static void test_a_body_is_sent_and_an_empty_one_has_a_length(void **state)
{
    (void)state;
    static const struct step script[] = {
        HEAD,
        BYTES(5),
        SEND("HTTP/1.1 100 Continue\r\n\r\n"),
        SEND("HTTP/1.1 307 Go\r\nLocation: http://h/p?q\r\nContent-Length: 0\r\n\r\n"),
        HEAD,
        SEND("HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"),
        END};
    struct peer peer;
    struct error error = ERROR_NONE;
    struct buffer body;
    peer_start(&peer, script);
    buffer_init(&body, 0);
    struct transfer *transfer = transfer_new();
    struct transfer_order order = order_to(&peer, HTTP_POST);
    order.body = "12345";
    order.body_size = 5;
    assert_true(transfer_call(transfer, &order, &body, &error));
    assert_int_equal(transfer_status(transfer), 307); /* not 100, and not followed */
    assert_string_equal(transfer_header(transfer, "location"), "http://h/p?q");
    order.method = HTTP_PUT;
    order.body = NULL;
    order.body_size = 0;
    assert_true(transfer_call(transfer, &order, &body, &error));
    assert_int_equal(transfer_status(transfer), 201);
    transfer_free(transfer);
    peer_stop(&peer);
    assert_non_null(strstr(peer.seen, "POST /x?op=T HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.seen, "Content-Length: 5\r\n"));
    assert_non_null(strstr(peer.seen, "PUT /x?op=T HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.seen, "Content-Length: 0\r\n"));
    buffer_fini(&body);
}

/* A call that fails: with which code, and after which script. */
struct failure {
    const char *what;
    struct step script[4];
    enum http_method method;
    bool repeatable;
    int64_t silence_ms, total_ms;
    size_t limit;
    enum error_code code;
};

static const struct failure failures[] = {
    {"gone, a read", {HEAD, CLOSE}, HTTP_GET, true, 0, 0, 0, ERROR_UNAVAILABLE},
    {"gone, a change", {HEAD, CLOSE}, HTTP_PUT, false, 0, 0, 0, ERROR_UNCERTAIN},
    {"silent, a read", {HOLD}, HTTP_GET, true, 50, 0, 0, ERROR_UNAVAILABLE},
    {"silent, a change", {HOLD}, HTTP_PUT, false, 50, 0, 0, ERROR_UNCERTAIN},
    {"too late, a read", {HOLD}, HTTP_GET, true, 0, 50, 0, ERROR_TIMEOUT},
    {"too late, a change", {HOLD}, HTTP_DELETE, false, 0, 50, 0, ERROR_UNCERTAIN},
    {"cut in the header",
     {HEAD, SEND("HTTP/1.1 200 OK\r\n"), CLOSE},
     HTTP_GET,
     true,
     0,
     0,
     0,
     ERROR_UNAVAILABLE},
    {"cut",
     {HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234"), CLOSE},
     HTTP_GET,
     true,
     0,
     0,
     0,
     ERROR_UNAVAILABLE},
    {"cut chunks",
     {HEAD, SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n1"), CLOSE},
     HTTP_GET,
     true,
     0,
     0,
     0,
     ERROR_UNAVAILABLE},
    {"too long",
     {HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789")},
     HTTP_GET,
     true,
     0,
     0,
     8,
     ERROR_LIMIT},
    {"endless header",
     {HEAD, SEND("HTTP/1.1 200 OK\r\n"),
      REPEAT("X-A: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789\r\n", 2000)},
     HTTP_GET,
     true,
     0,
     0,
     0,
     ERROR_LIMIT},
    {"not HTTP", {HEAD, SEND("SSH-2.0-x\r\n\r\n"), CLOSE}, HTTP_GET, true, 0, 0, 0, ERROR_PROTOCOL},
};

static void test_failures_say_whether_the_request_may_have_arrived(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        const struct failure *failure = &failures[i];
        struct peer peer;
        struct error error = ERROR_NONE;
        struct buffer body;
        peer_start(&peer, failure->script);
        buffer_init(&body, failure->limit);
        struct transfer *transfer = transfer_new();
        struct transfer_order order = order_to(&peer, failure->method);
        order.repeatable = failure->repeatable;
        order.silence_ms = failure->silence_ms;
        if (failure->total_ms != 0)
            order.deadline_ns = clock_monotonic_ns() + failure->total_ms * 1000000;
        assert_false(transfer_call(transfer, &order, &body, &error));
        if (error.code != failure->code)
            fail_msg("%s: %s (%s)", failure->what, error_name(error.code), error.text);
        assert_null(strstr(error.text, "op=T")); /* queries may hold secrets */
        transfer_free(transfer);
        peer_stop(&peer);
        buffer_fini(&body);
    }
}

static void test_a_kept_connection_that_dies_resends_reads_only(void **state)
{
    (void)state;
    static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    static const struct step script[] = {HEAD, SEND(hello), HEAD, CLOSE, HEAD, SEND(hello), END};
    for (int change = 0; change <= 1; change++) {
        struct peer peer;
        struct error error = ERROR_NONE;
        struct buffer body;
        peer_start(&peer, script);
        buffer_init(&body, 0);
        struct transfer *transfer = transfer_new();
        struct transfer_order order = order_to(&peer, HTTP_GET);
        order.repeatable = true;
        assert_true(transfer_call(transfer, &order, &body, &error));
        order.method = change ? HTTP_PUT : HTTP_GET;
        order.repeatable = !change;
        assert_int_equal(transfer_call(transfer, &order, &body, &error), !change);
        assert_int_equal(error.code, change ? ERROR_UNCERTAIN : ERROR_OK);
        transfer_free(transfer);
        peer_stop(&peer);
        buffer_fini(&body);
    }
}

static void test_nobody_listens(void **state)
{
    (void)state;
    static const struct step script[] = {END};
    struct peer peer;
    struct error error = ERROR_NONE;
    struct buffer body;
    peer_start(&peer, script);
    peer_stop(&peer); /* a port that was free a moment ago */
    buffer_init(&body, 0);
    struct transfer *transfer = transfer_new();
    struct transfer_order order = order_to(&peer, HTTP_PUT);
    assert_false(transfer_call(transfer, &order, &body, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE); /* a change too: nothing left */
    order.url = "file:///etc/passwd";
    assert_false(transfer_call(transfer, &order, &body, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    transfer_free(transfer);
    buffer_fini(&body);
}

struct aborting {
    struct peer *peer;
    atomic_bool flag;
};

/* Once the peer has the connection: it is waited for. */
static void *set_flag(void *context)
{
    struct aborting *aborting = context;
    while (atomic_load(&aborting->peer->connections) == 0)
        usleep(1000);
    atomic_store(&aborting->flag, true);
    return NULL;
}

static void test_abort_ends_a_wait(void **state)
{
    (void)state;
    static const struct step script[] = {HOLD, END};
    struct peer peer;
    struct error error = ERROR_NONE;
    struct buffer body;
    struct aborting aborting = {.peer = &peer};
    pthread_t thread;
    peer_start(&peer, script);
    buffer_init(&body, 0);
    struct transfer *transfer = transfer_new();
    struct transfer_order order = order_to(&peer, HTTP_GET);
    order.abort = &aborting.flag;
    order.silence_ms = 60000;
    pthread_create(&thread, NULL, set_flag, &aborting);
    assert_false(transfer_call(transfer, &order, &body, &error));
    assert_int_equal(error.code, ERROR_CANCELED);
    pthread_join(thread, NULL);
    transfer_free(transfer);
    peer_stop(&peer);
    buffer_fini(&body);
}

/* --- streams -----------------------------------------------------------------------------------
 */

#define LINE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n" /* 64 bytes */
#define LINES 200000                                                             /* 12.8 MB */

static void test_a_download_waits_for_the_reader(void **state)
{
    (void)state;
    static const struct step script[] = {
        HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 12800000\r\n\r\n"), REPEAT(LINE, LINES),
        END};
    struct peer peer;
    struct error error = ERROR_NONE;
    peer_start(&peer, script);
    struct transfer *transfer = transfer_new();
    struct transfer_order order = order_to(&peer, HTTP_GET);
    order.silence_ms = 1000;
    assert_true(transfer_begin(transfer, &order, &error));
    assert_string_equal(transfer_header(transfer, "content-length"), "12800000");
    size_t total = 0, size = 0, step = 1;
    do { /* reads of every size, from one byte up */
        char piece[5000];
        assert_true(transfer_read(transfer, piece, step, &size, &error));
        for (size_t i = 0; i < size; i++)
            assert_int_equal(piece[i], LINE[(total + i) % 64]);
        total += size;
        step = step % sizeof piece + 1;
    } while (size > 0);
    assert_int_equal(total, 64 * LINES);
    assert_true(transfer_read(transfer, &size, 1, &size, &error)); /* the end stays the end */
    assert_int_equal(size, 0);
    transfer_free(transfer);
    peer_stop(&peer);
}

static void test_an_upload_of_known_and_of_unknown_length(void **state)
{
    (void)state;
    static const struct step known[] = {
        HEAD, BYTES(640000),
        SEND("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"), END};
    static const struct step unknown[] = {
        HEAD, CHUNKS, SEND("HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"), END};
    for (int chunked = 0; chunked <= 1; chunked++) {
        struct peer peer;
        struct error error = ERROR_NONE;
        peer_start(&peer, chunked ? unknown : known);
        struct transfer *transfer = transfer_new();
        struct transfer_order order = order_to(&peer, HTTP_PUT);
        order.silence_ms = 60000; /* the peer reads all of it first, and may wait for its turn */
        assert_true(transfer_send_begin(transfer, &order, chunked ? -1 : 640000, &error));
        for (int i = 0; i < 10000; i++)
            assert_true(transfer_send(transfer, LINE, 64, &error));
        assert_true(transfer_send_end(transfer, &error));
        assert_int_equal(transfer_status(transfer), 201);
        transfer_free(transfer);
        peer_stop(&peer);
        assert_non_null(
            strstr(peer.seen, chunked ? "Transfer-Encoding: chunked" : "Content-Length: 640000"));
        assert_true(peer.body_bytes >= 640000);
    }
}

static void test_an_upload_is_refused_in_the_middle(void **state)
{
    (void)state;
    static const struct step script[] = {
        HEAD, BYTES(64), SEND("HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nfull"), HOLD, END};
    struct peer peer;
    struct error error = ERROR_NONE;
    struct buffer body;
    peer_start(&peer, script);
    buffer_init(&body, 0);
    struct transfer *transfer = transfer_new();
    struct transfer_order order = order_to(&peer, HTTP_PUT);
    assert_true(transfer_send_begin(transfer, &order, (int64_t)1 << 40, &error));
    bool sent = true;
    for (int i = 0; sent && i < 10000000; i++)
        sent = transfer_send(transfer, LINE, 64, &error);
    assert_false(sent);
    assert_int_equal(error.code, ERROR_PROTOCOL);
    assert_int_equal(transfer_status(transfer), 403);
    assert_true(transfer_read_rest(transfer, &body, &error));
    assert_string_equal(buffer_text(&body), "full");
    transfer_free(transfer);
    peer_stop(&peer);
    buffer_fini(&body);
}

static void test_an_upload_stops_when_the_peer_does_not_read(void **state)
{
    (void)state;
    static const struct step script[] = {HEAD, HOLD, END};
    struct peer peer;
    struct error error = ERROR_NONE;
    static char piece[1 << 20];
    peer_start(&peer, script);
    struct transfer *transfer = transfer_new();
    struct transfer_order order = order_to(&peer, HTTP_PUT);
    order.silence_ms = 200;
    assert_true(transfer_send_begin(transfer, &order, -1, &error));
    bool sent = true;
    for (int i = 0; sent && i < 100; i++)
        sent = transfer_send(transfer, piece, sizeof piece, &error);
    assert_false(sent);
    assert_int_equal(error.code, ERROR_UNCERTAIN);
    transfer_free(transfer);
    peer_stop(&peer);
}

static void test_an_abandoned_upload_is_cut_for_the_peer(void **state)
{
    (void)state;
    static const struct step script[] = {HEAD, CHUNKS, END};
    struct peer peer;
    struct error error = ERROR_NONE;
    peer_start(&peer, script);
    struct transfer *transfer = transfer_new();
    struct transfer_order order = order_to(&peer, HTTP_PUT);
    assert_true(transfer_send_begin(transfer, &order, -1, &error));
    assert_true(transfer_send(transfer, LINE, 64, &error));
    transfer_end(transfer);
    transfer_end(transfer);          /* once more does no harm */
    pthread_join(peer.thread, NULL); /* the peer saw the end of the connection, not of the body */
    assert_true(peer.body_bytes < 80);
    close(peer.listener);
    transfer_free(transfer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_is_kept),
        cmocka_unit_test(test_a_body_is_sent_and_an_empty_one_has_a_length),
        cmocka_unit_test(test_failures_say_whether_the_request_may_have_arrived),
        cmocka_unit_test(test_a_kept_connection_that_dies_resends_reads_only),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_abort_ends_a_wait),
        cmocka_unit_test(test_a_download_waits_for_the_reader),
        cmocka_unit_test(test_an_upload_of_known_and_of_unknown_length),
        cmocka_unit_test(test_an_upload_is_refused_in_the_middle),
        cmocka_unit_test(test_an_upload_stops_when_the_peer_does_not_read),
        cmocka_unit_test(test_an_abandoned_upload_is_cut_for_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
