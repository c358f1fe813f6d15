/* buffer_test.c: growth, the limit, and the codec, cut off at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/check.h"

static void test_append_and_take(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_append(&buffer, NULL, 0);
    buffer_append_text(&buffer, "ab");
    buffer_append_byte(&buffer, 'c');
    buffer_append_format(&buffer, "%03d", 7);
    assert_string_equal(buffer_text(&buffer), "abc007");
    buffer_consume(&buffer, 2);
    buffer_consume(&buffer, 0);
    assert_string_equal(buffer_text(&buffer), "c007");
    buffer_truncate(&buffer, 1);
    assert_string_equal(buffer_text(&buffer), "c");
    char *taken = buffer_take(&buffer);
    assert_string_equal(taken, "c");
    free(taken);
    assert_int_equal(buffer.size, 0);
    taken = buffer_take(&buffer); /* of nothing */
    assert_string_equal(taken, "");
    free(taken);
    buffer_clear(&buffer);
    buffer_truncate(&buffer, 0);
    buffer_append_text(&buffer, "again");
    buffer_clear(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_fini(&buffer);
    buffer_fini(&buffer);
}

static void test_growth_keeps_the_content(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    for (unsigned i = 0; i < 100000; i++)
        buffer_append_byte(&buffer, (uint8_t)(i * 31));
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal((uint8_t)buffer.data[i], (uint8_t)(i * 31));
    assert_int_equal(buffer.data[100000], '\0');
    buffer_fini(&buffer);
}

static void test_reserve_and_commit(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100);
    char *place = buffer_reserve(&buffer, 100);
    assert_non_null(place);
    memcpy(place, "xyz", 3);
    buffer_commit(&buffer, 3);
    assert_string_equal(buffer_text(&buffer), "xyz");
    assert_null(buffer_reserve(&buffer, 98));
    assert_true(buffer.failed);
    buffer_fini(&buffer);
}

static void test_the_limit_fails_for_good(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 5);
    buffer_append_text(&buffer, "12345");
    assert_false(buffer.failed);
    buffer_append_byte(&buffer, '6');
    assert_true(buffer.failed);
    buffer_truncate(&buffer, 0);
    buffer_append_byte(&buffer, '7'); /* there would be room, but something is missing already */
    buffer_append_format(&buffer, "%d", 8);
    assert_int_equal(buffer.size, 0);
    buffer_clear(&buffer);
    assert_false(buffer.failed);
    buffer_append(&buffer, "x", SIZE_MAX);
    assert_true(buffer.failed);
    buffer_fini(&buffer);
    buffer_append_text(&buffer, "123456"); /* the limit outlives the memory */
    assert_true(buffer.failed);
    buffer_fini(&buffer);
}

static void write_all(struct buffer *buffer)
{
    buffer_append_byte(buffer, 0xfe);
    buffer_append_u16(buffer, 0x0102);
    buffer_append_u32(buffer, 0xa0b0c0d0);
    buffer_append_u64(buffer, 0xfedcba9876543210);
    buffer_append_block(buffer, "block", 5);
    buffer_append_block(buffer, NULL, 0);
}

/* How many of the reads succeed. */
static int read_all(const void *data, size_t size)
{
    struct reader reader;
    size_t length = 99;
    int good = 0;
    reader_init(&reader, data, size);
    good += reader_u8(&reader) == 0xfe;
    good += reader_u16(&reader) == 0x0102;
    good += reader_u32(&reader) == 0xa0b0c0d0;
    good += reader_u64(&reader) == 0xfedcba9876543210;
    const void *block = reader_block(&reader, &length);
    good += block != NULL && length == 5 && memcmp(block, "block", 5) == 0;
    bool had_room = !reader.failed;
    block = reader_block(&reader, &length);
    assert_int_equal(length, 0);
    good += had_room && !reader.failed;
    assert_true(block != NULL || reader.failed);
    assert_int_equal(reader_at_end(&reader), good == 6);
    return good;
}

static void test_the_codec_at_every_length(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    write_all(&buffer);
    static const size_t ends[] = {1, 3, 7, 15, 24, 28};
    assert_int_equal(buffer.size, 28);
    assert_memory_equal(buffer.data + 1, "\x02\x01\xd0\xc0\xb0\xa0\x10", 7);
    for (size_t size = 0; size <= buffer.size; size++) {
        uint8_t *copy = memory_new(size);
        memcpy(copy, buffer.data, size);
        int expected = 0;
        while (expected < 6 && ends[expected] <= size)
            expected++;
        assert_int_equal(read_all(copy, size), expected);
        free(copy);
    }
    buffer_fini(&buffer);
}

static void test_a_reader_refuses_lengths_beyond_its_memory(void **state)
{
    (void)state;
    struct reader reader;
    size_t length = 1;
    reader_init(&reader, "\xff\xff\xff\xff....", 8);
    assert_null(reader_block(&reader, &length));
    assert_int_equal(length, 0);
    assert_true(reader.failed);
    assert_int_equal(reader_u8(&reader), 0); /* it stays failed */
    assert_false(reader_at_end(&reader));
    reader_init(&reader, "ab", 2);
    assert_memory_equal(reader_bytes(&reader, 2), "ab", 2);
    assert_true(reader_at_end(&reader));
    assert_null(reader_bytes(&reader, 1));
}

static void test_text_has_no_nul(void **state)
{
    struct buffer buffer;
    struct reader reader;
    struct arena arena;
    (void)state;
    buffer_init(&buffer, 0);
    arena_init(&arena);
    buffer_append_block(&buffer, "name", 4);
    buffer_append_block(&buffer, "", 0);
    buffer_append_block(&buffer, "a\0b", 3);
    reader_init(&reader, buffer.data, buffer.size);
    assert_string_equal(reader_text(&reader, &arena), "name");
    assert_string_equal(reader_text(&reader, &arena), "");
    assert_false(reader.failed);
    assert_string_equal(reader_text(&reader, &arena), "");
    assert_true(reader.failed);
    arena_fini(&arena);
    buffer_fini(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_has_no_nul),
        cmocka_unit_test(test_append_and_take),
        cmocka_unit_test(test_growth_keeps_the_content),
        cmocka_unit_test(test_reserve_and_commit),
        cmocka_unit_test(test_the_limit_fails_for_good),
        cmocka_unit_test(test_the_codec_at_every_length),
        cmocka_unit_test(test_a_reader_refuses_lengths_beyond_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
