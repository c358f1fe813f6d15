/* hdfs_path_test.c: names that HDFS would alter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/check.h"
#include "component/hdfs/hdfs_path.h"

static void test_names_that_hdfs_alters_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"/a:b", "/a\xff", "/a/\xc0\xaf", "a",
                                      "/a/",  "/a//b",  "/..",         ""};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error error = ERROR_NONE;
        assert_false(hdfs_path_check(bad[i], &error));
        assert_int_equal(error.code, ERROR_INVALID);
    }
    struct error error = ERROR_NONE;
    /* NFD is a name like any other */
    assert_true(hdfs_path_check("/e\xcc\x81 %\x01\n", &error));
    assert_false(hdfs_path_check("/day=10:00", &error));
    assert_non_null(strstr(error.text, "/day=10:00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names_that_hdfs_alters_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
