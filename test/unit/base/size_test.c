/* size_test.c: bytes as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/size.h"

static void test_texts(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {12, "12 B"}, /* not 0 MiB */
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1999, "1.9 KiB"},
        {102399, "99.9 KiB"},
        {102400, "100 KiB"},
        {1048575, "1023 KiB"},
        {1048576, "1.0 MiB"},
        {629145600, "600 MiB"},
        {(uint64_t)1 << 30, "1.0 GiB"},
        {123456789012, "114 GiB"},
        {UINT64_MAX, "15.9 EiB"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_string_equal(size_text(cases[i].bytes).text, cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
