/* webhdfs_url_test.c: odd names, redirects and hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/check.h"
#include "component/hdfs/webhdfs/webhdfs_url.h"

static void test_odd_names_are_encoded(void **state)
{
    (void)state;
    struct buffer url;
    buffer_init(&url, 0);
    webhdfs_url_start(&url, "/a b/%2F+;?&=#\xc3\xa9", "OPEN", "coeval$");
    webhdfs_url_add(&url, "destination", "/x y/\xf0\x9f\x98\x80");
    webhdfs_url_add_number(&url, "length", -1);
    assert_string_equal(buffer_text(&url),
                        "/webhdfs/v1/a%20b/%252F%2B%3B%3F%26%3D%23%C3%A9?op=OPEN&user.name=coeval"
                        "%24&destination=%2Fx%20y%2F%F0%9F%98%80&length=-1");
    buffer_clear(&url);
    webhdfs_url_start(&url, "/", "GETSTATUS", NULL);
    assert_string_equal(buffer_text(&url), "/webhdfs/v1/?op=GETSTATUS");
    buffer_fini(&url);
}

static void test_redirects_keep_our_own_path(void **state)
{
    (void)state;
    struct buffer url;
    struct error error = ERROR_NONE;
    buffer_init(&url, 0);
    /* the NameNode composed e + U+0301: we do not follow */
    assert_true(webhdfs_redirect("http://dn1:9864/webhdfs/v1/%C3%A9?op=OPEN&offset=0", "/e\xcc\x81",
                                 &url, &error));
    assert_string_equal(buffer_text(&url), "http://dn1:9864/webhdfs/v1/e%CC%81?op=OPEN&offset=0");
    static const char *const bad[] = {"",
                                      "/webhdfs/v1/a?op=OPEN",
                                      "ftp://h/x?op=OPEN",
                                      "http://?op=OPEN",
                                      "http://h:1/webhdfs/v1/a",
                                      "http://u@h:1/webhdfs/v1/a?op=OPEN",
                                      "http://h:1/x?op=OPEN#f",
                                      "http://h:1/x?op=O PEN",
                                      "http://h:1/x?op=O\r\nX: y"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(webhdfs_redirect(bad[i], "/a", &url, &error));
        assert_int_equal(error.code, ERROR_PROTOCOL);
    }
    buffer_fini(&url);
}

static void test_hosts(void **state)
{
    (void)state;
    char host[16];
    assert_true(webhdfs_host("http://dn1:9864/webhdfs", host, sizeof host));
    assert_string_equal(host, "dn1");
    assert_true(webhdfs_host("https://[::1]:9864/", host, sizeof host));
    assert_string_equal(host, "[::1]");
    assert_true(webhdfs_host("http://h", host, sizeof host));
    assert_string_equal(host, "h");
    assert_false(webhdfs_host("http://a-name-that-is-too-long:1/", host, sizeof host));
    assert_false(webhdfs_host("dn1:9864", host, sizeof host));
    assert_false(webhdfs_host("http://:80/", host, sizeof host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_names_are_encoded),
        cmocka_unit_test(test_redirects_keep_our_own_path),
        cmocka_unit_test(test_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
