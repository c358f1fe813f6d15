/* url_test.c: what a URL is split into, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/url.h"

static void test_query(void **state)
{
    (void)state;
    struct buffer value;
    buffer_init(&value, 0);
    assert_true(url_query_find("a=1&b=x%20y&c", "a", &value));
    assert_string_equal(buffer_text(&value), "1");
    assert_true(url_query_find("a=1&b=x%20y+z%2B&c", "b", &value));
    assert_string_equal(buffer_text(&value), "x y z+");
    assert_true(url_query_find("a=1&c", "c", &value));
    assert_string_equal(buffer_text(&value), "");
    assert_true(url_query_find("%61=b=c&&", "a", &value));
    assert_string_equal(buffer_text(&value), "b=c");
    buffer_fini(&value);
}

static void test_absent_or_malformed(void **state)
{
    (void)state;
    struct buffer value;
    buffer_init(&value, 0);
    assert_false(url_query_find("", "a", &value));
    assert_false(url_query_find("aa=1&b=a", "a", &value));
    assert_false(url_query_find("a=1&a=1", "a", &value));
    assert_false(url_query_find("a=%zz", "a", &value));
    assert_false(url_query_find("a=%00", "a", &value));
    assert_false(url_query_find("%=1", "%", &value));
    buffer_fini(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_absent_or_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
