/* clock_hint_test.c: the NameNode's clock from its cookie, otherwise from the Date header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "component/hdfs/webhdfs/clock_hint.h"

#define DATE "Sat, 21 Nov 2026 10:34:22 GMT"
#define DATE_US INT64_C(1795257262000000)

static void test_the_cookie_is_exact(void **state)
{
    (void)state;
    int64_t offset, uncertainty;
    /* the NameNode's 10:34:22.783 between our :22.779 and :22.785 */
    assert_true(clock_hint(DATE,
                           "hadoop.auth=\"u=root&p=root&t=simple&e=1795293262783&s=qI=\"; Path=/",
                           DATE_US + 779000, DATE_US + 785000, &offset, &uncertainty));
    assert_int_equal(offset, 1500);
    assert_int_equal(uncertainty, 3501);
}

static void test_otherwise_the_date(void **state)
{
    (void)state;
    static const char *const cookies[] = {
        "",
        "JSESSIONID=1",
        "hadoop.auth=; Path=/; e=1",
        "hadoop.auth=\"u=root&e=1795260862783&s=x\"", /* another validity: not believed */
        "hadoop.auth=\"u=root&e=99999999999999999999&s=x\"",
        "hadoop.auth=\"u=root&e=17952932627"};
    for (size_t i = 0; i < sizeof cookies / sizeof cookies[0]; i++) {
        int64_t offset, uncertainty;
        assert_true(clock_hint(DATE, cookies[i], DATE_US + 10000000, DATE_US + 10002000, &offset,
                               &uncertainty));
        assert_int_equal(offset, -9501000);
        assert_int_equal(uncertainty, 501001);
    }
}

static void test_bad_dates(void **state)
{
    (void)state;
    static const char *const dates[] = {"", "yesterday", "Sat, 21 Nov 2026 10:34:22 CET",
                                        "Sat, 21 ovD 2026 10:34:22 GMT", "2026-11-21T10:34:22Z"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        int64_t offset, uncertainty;
        assert_false(clock_hint(dates[i], "", 0, 0, &offset, &uncertainty));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cookie_is_exact),
        cmocka_unit_test(test_otherwise_the_date),
        cmocka_unit_test(test_bad_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
