/* moment_reply_test.c: answers of the moment, cut at every point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/check.h"
#include "component/hdfs/webhdfs/moment_reply.h"

static const struct {
    const char *text;
    int status;
    const char *body;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", 200, "abcd"},
    {"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 200, ""},
    {"HTTP/1.1 403 Forbidden\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n"
     "0123456789\r\n0\r\n\r\n",
     403, "abc0123456789"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", 201, "x"},
};

/* Whatever the network makes of it: incomplete up to the last byte, then complete. */
static void test_every_split_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        struct moment_reply reply;
        struct buffer body;
        size_t size = strlen(answers[i].text);
        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(moment_reply_look(answers[i].text, cut, &reply), REPLY_INCOMPLETE);
        assert_int_equal(moment_reply_look(answers[i].text, size, &reply), REPLY_COMPLETE);
        assert_int_equal(reply.status, answers[i].status);
        buffer_init(&body, 0);
        moment_reply_body(answers[i].text, &reply, &body);
        assert_string_equal(buffer_text(&body), answers[i].body);
        buffer_fini(&body);
    }
}

static void test_broken_answers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 xyz\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n", /* no length: would never end */
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct moment_reply reply;
        if (moment_reply_look(bad[i], strlen(bad[i]), &reply) != REPLY_BROKEN)
            fail_msg("not broken: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split_point),
        cmocka_unit_test(test_broken_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
