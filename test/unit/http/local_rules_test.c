/* local_rules_test.c: what a server without a token takes: from programs, and not from web pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/request_parser.h"

/* The status of the refusal; 0: taken. */
static int verdict(const char *method, const char *headers)
{
    char text[512];
    struct request_refusal refusal = {0};
    struct request_parser *parser = request_parser_new(100);
    int length = snprintf(text, sizeof text, "%s / HTTP/1.1\r\nContent-Length: 0\r\n%s\r\n", method,
                          headers);
    for (size_t used = 0; used < (size_t)length;) {
        used += request_parser_feed(parser, text + used, (size_t)length - used);
        assert_int_not_equal(request_parser_phase(parser), REQUEST_REFUSED);
        if (request_parser_phase(parser) == REQUEST_COMPLETE)
            break;
    }
    bool taken = request_head_check_local(request_parser_head(parser), &refusal);
    request_parser_free(parser);
    assert_int_equal(taken, refusal.status == 0);
    return refusal.status;
}

static void test_hosts(void **state)
{
    (void)state;
    static const char *const ours[] = {"localhost",   "LocalHost:7077", "127.0.0.1", "127.0.0.1:1",
                                       "127.8.9.1:7", "[::1]",          "[::1]:7077"};
    static const char *const others[] = {"evil.example",
                                         "evil.example:7077",
                                         "localhost.evil",
                                         "127.0.0.1.evil.org",
                                         "10.0.0.1",
                                         "[::2]",
                                         "[::1",
                                         "127.evil",
                                         ""};
    char text[100];
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        snprintf(text, sizeof text, "Host: %s\r\n", ours[i]);
        if (verdict("GET", text) != 0)
            fail_msg("%s", ours[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(text, sizeof text, "Host: %s\r\n", others[i]);
        if (verdict("GET", text) != 403)
            fail_msg("%s", others[i]);
    }
}

static void test_origin(void **state)
{
    (void)state;
    assert_int_equal(verdict("GET", "Host: localhost\r\nOrigin: http://evil.example\r\n"), 403);
    assert_int_equal(verdict("DELETE", "Host: localhost\r\nOrigin: null\r\n"), 403);
}

static void test_content_types(void **state)
{
    (void)state;
#define TYPE(type) "Host: localhost\r\nContent-Type: " type "\r\n"
    assert_int_equal(verdict("POST", "Host: localhost\r\n"), 415);
    assert_int_equal(verdict("POST", TYPE("text/plain")), 415);
    assert_int_equal(verdict("PUT", TYPE("application/jsonp")), 415);
    assert_int_equal(verdict("PUT", TYPE("text/plain; application/json")), 415);
    assert_int_equal(verdict("PUT", TYPE("application/json")), 0);
    assert_int_equal(verdict("POST", TYPE("Application/JSON; charset=utf-8")), 0);
    assert_int_equal(verdict("DELETE", "Host: localhost\r\n"), 0);
#undef TYPE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_origin),
        cmocka_unit_test(test_content_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
