/* client_now_test.c: the blocking forms, against scripts; nothing may reach stdout or stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fake/scripted_peer.h"
#include "http/client.h"

#define ANSWER(headers) "HTTP/1.1 200 OK\r\n" headers "\r\n"

static bool call_peer(const struct step *script, const struct http_call *order,
                      struct http_result *result, struct error *error)
{
    static struct peer peer;
    struct http_call call = *order;
    peer_start(&peer, script);
    call.url = peer.url;
    bool answered = http_call_now(&call, result, error);
    peer_stop(&peer);
    return answered;
}

static void test_call(void **state)
{
    (void)state;
    struct http_result result = {0};
    struct error error = ERROR_NONE;
    struct step script[] = {HEAD, BYTES(4), SEND("HTTP/1.1 409 No\r\nContent-Length: 2\r\n\r\n{}"),
                            CLOSE, END};
    struct http_call call = {.method = HTTP_POST, .body = "body", .body_size = 4};
    buffer_init(&result.body, 0);
    buffer_append_text(&result.body, "older");                           /* is replaced */
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1/", 1), 0); /* is not asked */
    assert_true(call_peer(script, &call, &result, &error));
    unsetenv("http_proxy");
    assert_int_equal(result.status, 409);
    assert_string_equal(buffer_text(&result.body), "{}");
    buffer_fini(&result.body);
}

static void test_failures(void **state)
{
    (void)state;
    struct http_result result = {.status = 7};
    struct error error = ERROR_NONE;
    struct http_call call = {.timeout_ms = 100, .answer_bytes_max = 10};
    buffer_init(&result.body, 0);
    buffer_append_text(&result.body, "kept");
    int64_t began_ns = clock_monotonic_ns();
    assert_false(call_peer((struct step[]){HEAD, HOLD, END}, &call, &result, &error));
    assert_int_equal(error.code, ERROR_UNCERTAIN);
    assert_true(clock_monotonic_ns() - began_ns >= 100 * 1000000);
    call.timeout_ms = 2000;
    assert_false(call_peer((struct step[]){HEAD, CLOSE, END}, &call, &result, &error));
    assert_int_equal(error.code, ERROR_UNCERTAIN);
    struct step long_answer[] = {HEAD, SEND(ANSWER("Content-Length: 11\r\n") "01234567890"), CLOSE,
                                 END};
    assert_false(call_peer(long_answer, &call, &result, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_int_equal(result.status, 7); /* untouched */
    assert_string_equal(buffer_text(&result.body), "kept");
    buffer_fini(&result.body);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    static struct peer peer;
    struct http_result result = {0};
    struct error error = ERROR_NONE;
    peer_start(&peer, (struct step[]){END});
    peer_stop(&peer);
    struct http_call call = {.url = peer.url};
    assert_false(http_call_now(&call, &result, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
}

struct lines {
    struct buffer text;
    unsigned wanted;
};

static bool note_line(void *context, const char *line, size_t size)
{
    struct lines *lines = context;
    assert_int_equal(strlen(line), size);
    buffer_append_format(&lines->text, "[%s]", line);
    return lines->wanted == 0 || --lines->wanted > 0;
}

static bool stream_peer(const struct step *script, struct lines *lines, struct error *error)
{
    static struct peer peer;
    peer_start(&peer, script);
    struct http_call call = {.url = peer.url, .timeout_ms = 200, .answer_bytes_max = 50};
    bool done = http_stream_now(&call, note_line, lines, error);
    peer_stop(&peer);
    return done;
}

#define STREAM ANSWER("Transfer-Encoding: chunked\r\n")

static void test_lines(void **state)
{
    (void)state;
    struct lines lines = {.wanted = 0};
    struct error error = ERROR_NONE;
    struct step whole[] = {HEAD,
                           SEND(STREAM "5\r\none\nt\r\n"),
                           SEND("8\r\nwo\r\n\nend\r\n"),
                           SEND("0\r\n\r\n"),
                           CLOSE,
                           END};
    assert_true(stream_peer(whole, &lines, &error));
    assert_string_equal(buffer_text(&lines.text), "[one][two][][end]");
    buffer_clear(&lines.text);
    lines.wanted = 1;
    struct step endless[] = {HEAD, SEND(STREAM "8\r\none\ntwo\n\r\n"), HOLD, END};
    assert_true(stream_peer(endless, &lines, &error)); /* the caller had enough */
    assert_string_equal(buffer_text(&lines.text), "[one]");
    buffer_fini(&lines.text);
}

static void test_streams_that_fail(void **state)
{
    (void)state;
    struct lines lines = {.wanted = 0};
    struct error error = ERROR_NONE;
    struct step cut[] = {HEAD, SEND(STREAM "4\r\none\n\r\n"), CLOSE, END};
    assert_false(stream_peer(cut, &lines, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_string_equal(buffer_text(&lines.text), "[one]");
    struct step silent[] = {HEAD, SEND(STREAM "4\r\none\n\r\n"), HOLD, END};
    assert_false(stream_peer(silent, &lines, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    struct step long_line[] = {HEAD, SEND(STREAM), REPEAT("8\r\n01234567\r\n", 20), HOLD, END};
    assert_false(stream_peer(long_line, &lines, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    struct step refused[] = {HEAD,
                             SEND("HTTP/1.1 404 No\r\nContent-Length: 47\r\n\r\n"
                                  "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"gone\"}}"),
                             CLOSE, END};
    assert_false(stream_peer(refused, &lines, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.text, "gone");
    struct step strange[] = {HEAD, SEND("HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nx"), CLOSE,
                             END};
    assert_false(stream_peer(strange, &lines, &error));
    assert_int_equal(error.code, ERROR_PROTOCOL);
    assert_non_null(strstr(error.text, "500"));
    buffer_fini(&lines.text);
}

/* What a command prints is its own; curl must not mix in. */
static void test_nothing_is_printed(void **state)
{
    FILE *seen = tmpfile();
    assert_non_null(seen);
    fflush(NULL);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    dup2(fileno(seen), STDOUT_FILENO);
    dup2(fileno(seen), STDERR_FILENO);
    test_call(state);
    test_failures(state);
    test_nobody_listens(state);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    assert_int_equal(lseek(fileno(seen), 0, SEEK_END), 0);
    fclose(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call),           cmocka_unit_test(test_failures),
        cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_nothing_is_printed),
        cmocka_unit_test(test_lines),          cmocka_unit_test(test_streams_that_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
