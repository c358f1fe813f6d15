/* answer_test.c: heads and bodies of answers, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/answer.h"

static void assert_head(const struct answer *answer, const char *expected)
{
    struct buffer text;
    buffer_init(&text, 0);
    answer_append_head(&text, answer);
    assert_string_equal(buffer_text(&text), expected);
    buffer_fini(&text);
}

static void test_heads(void **state)
{
    (void)state;
    struct answer answer = {
        .status = 200, .size = 5, .headers = "", .keep_alive = true, .minor_version = 1};
    assert_head(&answer, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                         "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n");
    answer.minor_version = 0;
    answer.framing = ANSWER_CHUNKED;
    answer.content_type = "text/plain";
    answer.headers = "Allow: GET\r\n";
    answer.now_us = INT64_C(1795269600000000) + 999999; /* 2026-11-21T14:00:00 */
    assert_head(&answer, "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 14:00:00 GMT\r\n"
                         "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
                         "Connection: keep-alive\r\nAllow: GET\r\n\r\n");
    answer = (struct answer){.status = 499, .framing = ANSWER_UNTIL_CLOSE, .headers = ""};
    assert_head(&answer, "HTTP/1.1 499 Canceled\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                         "Content-Type: application/json\r\nConnection: close\r\n\r\n");
}

static void test_without_body(void **state)
{
    (void)state;
    struct answer answer = {.status = 204, .headers = "", .keep_alive = true, .minor_version = 1};
    assert_head(&answer, "HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n");
    assert_false(answer_has_body(304));
    assert_false(answer_has_body(100));
    assert_true(answer_has_body(404));
}

/* Every status that an error code maps to must have a phrase of its own. */
static void test_every_error_has_a_status(void **state)
{
    (void)state;
    for (enum error_code code = ERROR_CANCELED; code <= ERROR_PROTOCOL; code++) {
        struct buffer text;
        buffer_init(&text, 0);
        answer_append_head(&text,
                           &(struct answer){.status = error_http_status(code), .headers = ""});
        assert_null(strstr(buffer_text(&text), " Status\r\n"));
        buffer_fini(&text);
    }
    assert_int_equal(answer_error_code(413), ERROR_LIMIT);
    assert_int_equal(answer_error_code(418), ERROR_IO);
    assert_int_equal(answer_error_code(200), ERROR_IO);
}

static void test_error_body(void **state)
{
    (void)state;
    struct error error;
    struct buffer text;
    buffer_init(&text, 0);
    error_set(&error, ERROR_NOT_FOUND, "no \"x\"\n");
    answer_append_error(&text, &error);
    assert_string_equal(buffer_text(&text),
                        "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"no \\\"x\\\"\\n\"}}");
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_without_body),
        cmocka_unit_test(test_every_error_has_a_status),
        cmocka_unit_test(test_error_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
