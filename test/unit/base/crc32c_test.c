/* crc32c_test.c: known vectors, pieces, combination, and both forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"

/* RFC 3720, appendix B.4. */
static void test_known_vectors(void **state)
{
    (void)state;
    uint8_t data[32];
    memset(data, 0, sizeof data);
    assert_int_equal(crc32c(0, data, sizeof data), 0x8a9136aau);
    memset(data, 0xff, sizeof data);
    assert_int_equal(crc32c(0, data, sizeof data), 0x62a8ab43u);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, data, sizeof data), 0x46dd794eu);
}

static void test_pieces_and_combination(void **state)
{
    (void)state;
    uint8_t data[1000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31);
    uint32_t whole = crc32c(0, data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut += 37) {
        uint32_t first = crc32c(0, data, cut), second = crc32c(0, data + cut, sizeof data - cut);
        assert_int_equal(crc32c(first, data + cut, sizeof data - cut), whole);
        assert_int_equal(crc32c_combine(first, second, sizeof data - cut), whole);
    }
}

static void test_both_forms_agree(void **state)
{
    (void)state;
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i + 7 * i);
    for (size_t begin = 0; begin < 9; begin++) /* at every alignment */
        for (size_t size = 0; size + begin <= sizeof data; size += 1 + size / 8)
            assert_int_equal(crc32c(5, data + begin, size), crc32c_portable(5, data + begin, size));
    assert_int_equal(crc32c_portable(0, "123456789", 9), 0xe3069283u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_vectors),
        cmocka_unit_test(test_pieces_and_combination),
        cmocka_unit_test(test_both_forms_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
