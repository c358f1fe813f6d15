/* lmdb_anchor_test.c: what says where the records begin is read back as it was written, and nothing
 * else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "journal/lmdb/lmdb_anchor.h"

static void test_there_and_back(void **state)
{
    static const struct lmdb_anchor anchors[] = {
        {1, 0}, {4567, 4294967295}, {UINT64_MAX, 17}, {1000, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof anchors / sizeof anchors[0]; i++) {
        char text[LMDB_ANCHOR_TEXT_SIZE];
        struct lmdb_anchor read = {0};
        lmdb_anchor_print(&anchors[i], text);
        assert_true(lmdb_anchor_parse(text, &read));
        assert_int_equal(read.through, anchors[i].through);
        assert_int_equal(read.crc, anchors[i].crc);
    }
    char text[LMDB_ANCHOR_TEXT_SIZE];
    lmdb_anchor_print(&anchors[1], text);
    assert_string_equal(text, "{\"crc\":4294967295,\"through\":4567}");
}

static void test_nothing_else(void **state)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "{\"crc\":1,\"through\":0}",
                                      "{\"crc\":1,\"through\":2} ",
                                      " {\"crc\":1,\"through\":2}",
                                      "{\"crc\": 1,\"through\":2}",
                                      "{\"crc\":01,\"through\":2}",
                                      "{\"crc\":-1,\"through\":2}",
                                      "{\"crc\":4294967296,\"through\":2}",
                                      "{\"crc\":1,\"through\":18446744073709551616}",
                                      "{\"through\":2,\"crc\":1}"};
    struct lmdb_anchor anchor = {.through = 9};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(lmdb_anchor_parse(bad[i], &anchor));
    assert_int_equal(anchor.through, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
