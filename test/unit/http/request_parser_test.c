/* request_parser_test.c: the limits at their exact byte, wherever the input is cut; what is stored;
 * that nothing lenient is on and nothing is kept between requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "request_verdict.h"

/* All cuts of a long input would take long; pieces of these sizes fall everywhere in it. */
static void assert_verdict(const struct buffer *input, const char *expected)
{
    static const size_t steps[] = {1, 2, 3, 7, 64, 1000, 4093, 8191, 8192, 16383, 16384, 1 << 20};
    struct buffer verdict;
    buffer_init(&verdict, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        verdict_of(input->data, input->size, 0, steps[i], false, &verdict);
        assert_string_equal(buffer_text(&verdict), expected);
    }
    buffer_fini(&verdict);
}

static void append_many(struct buffer *buffer, char byte, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_append_byte(buffer, (uint8_t)byte);
}

static void make_url(struct buffer *input, size_t size, const char *behind)
{
    buffer_clear(input);
    buffer_append_text(input, "GET /");
    append_many(input, 'u', size - 1);
    buffer_append_text(input, behind);
}

static void test_url_limit(void **state)
{
    (void)state;
    struct buffer input;
    buffer_init(&input, 0);
    make_url(&input, REQUEST_URL_BYTES_MAX, " HTTP/1.1\r\nHost: l\r\n\r\n");
    assert_verdict(&input, "GET:0 ");
    make_url(&input, REQUEST_URL_BYTES_MAX + 1, " HTTP/1.1\r\nHost: l\r\n\r\n");
    assert_verdict(&input, "414 ");
    make_url(&input, REQUEST_URL_BYTES_MAX, "\xff HTTP/1.1\r\nHost: l\r\n\r\n");
    assert_verdict(&input, "400 "); /* the wrong byte comes first */
    make_url(&input, REQUEST_URL_BYTES_MAX + 1, "\xff HTTP/1.1\r\nHost: l\r\n\r\n");
    assert_verdict(&input, "414 ");
    buffer_fini(&input);
}

/* A head of exactly `size` bytes. */
static void make_head(struct buffer *input, size_t size)
{
    buffer_clear(input);
    buffer_append_text(input, "GET / HTTP/1.1\r\nHost: l\r\nX: ");
    append_many(input, 'x', size - 4 - input->size);
    buffer_append_text(input, "\r\n\r\n");
}

static void test_head_limit(void **state)
{
    (void)state;
    struct buffer input;
    buffer_init(&input, 0);
    make_head(&input, REQUEST_HEAD_BYTES_MAX);
    assert_verdict(&input, "GET:0 ");
    make_head(&input, REQUEST_HEAD_BYTES_MAX + 1);
    assert_verdict(&input, "431 ");
    buffer_clear(&input);
    append_many(&input, '\n', REQUEST_HEAD_BYTES_MAX + 1); /* empty lines before a request */
    assert_verdict(&input, "431 ");
    buffer_clear(&input);
    buffer_append_text(&input, "GET / HTTP/1.1\r\nHost:");
    append_many(&input, ' ', REQUEST_HEAD_BYTES_MAX);
    assert_verdict(&input, "431 ");
    buffer_fini(&input);
}

static void make_headers(struct buffer *input, unsigned count)
{
    buffer_clear(input);
    buffer_append_text(input, "GET / HTTP/1.1\r\nHost: l\r\n");
    for (unsigned i = 1; i < count; i++)
        buffer_append_format(input, "h%u: v\r\n", i);
    buffer_append_text(input, "\r\n");
}

static void test_header_count(void **state)
{
    (void)state;
    struct buffer input;
    buffer_init(&input, 0);
    make_headers(&input, REQUEST_HEADERS_MAX);
    assert_verdict(&input, "GET:0 ");
    make_headers(&input, REQUEST_HEADERS_MAX + 1);
    assert_verdict(&input, "431 ");
    buffer_truncate(&input, input.size - 2);
    buffer_append_text(&input, ": no name behind a full head\r\n\r\n");
    assert_verdict(&input, "431 ");
    buffer_fini(&input);
}

static void test_body_limit(void **state)
{
    (void)state;
    struct buffer input;
    buffer_init(&input, 0);
    buffer_append_format(&input, "PUT / HTTP/1.1\r\nHost: l\r\nContent-Length: %zu\r\n\r\n",
                         VERDICT_BODY_MAX);
    append_many(&input, 'b', VERDICT_BODY_MAX);
    assert_verdict(&input, "PUT:65536 ");
    buffer_clear(&input);
    buffer_append_text(&input, "PUT / HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "ffff\r\n");
    append_many(&input, 'b', 0xffff);
    buffer_append_text(&input, "\r\n1\r\nb\r\n");
    size_t full = input.size;
    buffer_append_text(&input, "0\r\n\r\n");
    assert_verdict(&input, "PUT:65536 ");
    buffer_truncate(&input, full);
    buffer_append_text(&input, "1\r\n");
    assert_verdict(&input, "413 ");
    buffer_fini(&input);
}

/* CVE-2024-22019 and its like: framing that costs much and carries little. */
static void test_framing_limit(void **state)
{
    (void)state;
    struct buffer input;
    const char *head = "PUT / HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\n";
    buffer_init(&input, 0);
    buffer_append_text(&input, head);
    append_many(&input, '0', REQUEST_FRAMING_BYTES_MAX - 4);
    buffer_append_text(&input, "\r\n\r\n");
    assert_verdict(&input, "PUT:0 ");
    buffer_clear(&input);
    buffer_append_text(&input, head);
    append_many(&input, '0', REQUEST_FRAMING_BYTES_MAX + 1);
    buffer_append_text(&input, "x"); /* wrong, but too late to be seen */
    assert_verdict(&input, "413 ");
    buffer_clear(&input);
    buffer_append_text(&input, head);
    buffer_append_text(&input, "0\r\n");
    for (unsigned i = 0; i < 2000; i++)
        buffer_append_text(&input, "t: trailer\r\n");
    assert_verdict(&input, "413 ");
    buffer_clear(&input);
    buffer_append_text(&input, head);
    for (unsigned i = 0; i < 5000; i++)
        buffer_append_text(&input, "1\r\nx\r\n"); /* small chunks are allowed to be dear */
    buffer_append_text(&input, "0\r\n\r\n");
    assert_verdict(&input, "PUT:5000 ");
    buffer_fini(&input);
}

static void test_what_is_stored(void **state)
{
    (void)state;
    const char *text = "POST /a/b?c=d HTTP/1.1\r\nHOST: l\r\nX-Twice: one  \t\r\nx-twice: two\r\n"
                       "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\nxyGET /";
    struct request_parser *parser = request_parser_new(10);
    struct request_head *head = request_parser_head(parser);
    assert_true(request_parser_is_strict(parser));
    assert_true(request_parser_is_idle(parser));
    size_t used = request_parser_feed(parser, text, strlen(text));
    assert_int_equal(request_parser_phase(parser), REQUEST_BODY); /* stops before the body */
    assert_string_equal(text + used, "xyGET /");
    assert_true(head->expects_continue);
    assert_string_equal(request_head_url(head), "/a/b?c=d");
    assert_string_equal(request_head_find(head, "host"), "l");
    assert_string_equal(request_head_find(head, "x-twice"), "one");
    assert_int_equal(request_head_count(head, "x-twice"), 2);
    assert_null(request_head_find(head, "x"));
    used += request_parser_feed(parser, text + used, strlen(text) - used);
    assert_int_equal(request_parser_phase(parser), REQUEST_COMPLETE);
    assert_string_equal(buffer_text(request_parser_body(parser)), "xy");
    assert_int_equal(request_parser_feed(parser, text + used, strlen(text) - used), 0);
    request_parser_next(parser);
    assert_true(request_parser_is_idle(parser));
    assert_true(request_parser_is_strict(parser));
    assert_null(request_parser_body(parser)->data); /* nothing is kept between requests */
    assert_null(head->text.data);
    assert_false(head->expects_continue);
    request_parser_free(parser);
    request_parser_free(NULL);
}

static void test_a_refusal_says_why(void **state)
{
    (void)state;
    struct request_parser *parser = request_parser_new(10);
    request_parser_feed(parser, "GET / HTTP/1.1\r\nHost : l", 24);
    assert_int_equal(request_parser_refusal(parser)->status, 400);
    assert_non_null(request_parser_refusal(parser)->reason);
    assert_non_null(request_parser_refusal(parser)->detail);
    assert_int_equal(request_parser_feed(parser, "x", 1), 0);
    request_parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_limit),          cmocka_unit_test(test_head_limit),
        cmocka_unit_test(test_header_count),       cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_framing_limit),      cmocka_unit_test(test_what_is_stored),
        cmocka_unit_test(test_a_refusal_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
