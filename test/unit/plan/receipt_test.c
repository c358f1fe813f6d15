/* receipt_test.c: what was written is read; every cut leaves a valid beginning from which writing
 * goes on to a complete file; damage never counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "plan/receipt.h"

static const struct receipt_record records[] = {
    {7,
     "",
     {.path = "ignored", .type = ENTRY_DIRECTORY, .mode = 0755, .owner = "o", .group = "g"},
     ""},
    {7,
     "a/b",
     {.path = "",
      .type = ENTRY_FILE,
      .length = 10,
      .mode = 0644,
      .owner = "o",
      .group = "g",
      .crc_known = true,
      .crc32c = 5},
     "MD5-of-0MD5-of-512CRC32C:1234"},
    {9, "", {.path = "", .type = ENTRY_FILE, .mode = 0600, .owner = "p", .group = "g"}, ""},
};

struct file {
    struct buffer bytes;
    size_t calls, fail_at;
};

static bool write_file(void *context, const void *data, size_t size, struct error *error)
{
    struct file *file = context;
    if (++file->calls == file->fail_at)
        return error_set(error, ERROR_IO, "disk broke");
    buffer_append(&file->bytes, data, size);
    return true;
}

struct seen {
    size_t count, fail_at;
};

static bool see(void *context, const struct receipt_record *record, struct error *error)
{
    struct seen *seen = context;
    const struct receipt_record *expected = &records[seen->count];
    assert_true(seen->count < ARRAY_LENGTH(records));
    assert_int_equal(record->step, expected->step);
    assert_string_equal(record->inside, expected->inside);
    assert_string_equal(record->checksum, expected->checksum);
    assert_int_equal(entry_compare(&record->entry, &expected->entry, ENTRY_ALL), 0);
    assert_string_equal(record->entry.path, "");
    if (++seen->count == seen->fail_at)
        return error_set(error, ERROR_CONFLICT, "not this one");
    return true;
}

static bool write_all(struct file *file, struct digest *digest)
{
    struct receipt_writer writer;
    struct error error = ERROR_NONE;
    bool ok = receipt_writer_begin(&writer, write_file, file, &error);
    for (size_t i = 0; ok && i < ARRAY_LENGTH(records); i++)
        ok = receipt_writer_add(&writer, &records[i], &error);
    ok = ok && receipt_writer_end(&writer, digest, &error);
    receipt_writer_fini(&writer);
    assert_int_equal(ok, error.code == ERROR_OK);
    return ok;
}

static bool read_all(struct receipt_reader *reader, struct seen *seen, const struct buffer *bytes,
                     size_t size, size_t piece)
{
    struct error error = ERROR_NONE;
    bool ok = true;
    receipt_reader_init(reader, see, seen);
    for (size_t at = 0; ok && at < size; at += piece)
        ok = receipt_reader_feed(reader, bytes->data + at, size - at < piece ? size - at : piece,
                                 &error);
    return ok;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct file file = {{0}, 0, 0};
    struct digest digest;
    assert_true(write_all(&file, &digest));
    for (size_t piece = 1; piece <= file.bytes.size; piece += 11) {
        struct receipt_reader reader;
        struct seen seen = {0, 0};
        assert_true(read_all(&reader, &seen, &file.bytes, file.bytes.size, piece));
        assert_true(reader.complete && seen.count == 3 && reader.count == 3);
        assert_true(digest_equal(&reader.digest, &digest));
        receipt_reader_fini(&reader);
    }
    struct digest whole = digest_of(file.bytes.data, file.bytes.size);
    assert_true(digest_equal(&whole, &digest));
    buffer_fini(&file.bytes);
}

/* A crash at any byte: cut to the valid beginning, go on, and the file is as if nothing had been.
 */
static void test_resuming_after_every_cut(void **state)
{
    (void)state;
    struct file whole = {{0}, 0, 0};
    struct digest digest;
    assert_true(write_all(&whole, &digest));
    for (size_t cut = 0; cut < whole.bytes.size; cut++) {
        struct receipt_reader reader;
        struct receipt_writer writer;
        struct seen seen = {0, 0};
        struct error error = ERROR_NONE;
        struct digest again;
        assert_true(read_all(&reader, &seen, &whole.bytes, cut, 64));
        assert_false(reader.complete);
        assert_true(reader.valid_size <= cut);
        struct file file = {{0}, 0, 0};
        buffer_append(&file.bytes, whole.bytes.data, (size_t)reader.valid_size);
        if (reader.valid_size == 0) {
            assert_true(receipt_writer_begin(&writer, write_file, &file, &error));
        } else {
            receipt_writer_resume(&writer, write_file, &file, reader.count);
            receipt_writer_adopt(&writer, file.bytes.data, file.bytes.size);
        }
        for (size_t i = (size_t)reader.count; i < ARRAY_LENGTH(records); i++)
            assert_true(receipt_writer_add(&writer, &records[i], &error));
        assert_true(receipt_writer_end(&writer, &again, &error));
        assert_true(digest_equal(&again, &digest));
        assert_int_equal(file.bytes.size, whole.bytes.size);
        assert_memory_equal(file.bytes.data, whole.bytes.data, whole.bytes.size);
        receipt_writer_fini(&writer);
        receipt_reader_fini(&reader);
        buffer_fini(&file.bytes);
    }
    buffer_fini(&whole.bytes);
}

static void test_damage_never_counts(void **state)
{
    (void)state;
    struct file file = {{0}, 0, 0};
    struct digest digest;
    assert_true(write_all(&file, &digest));
    for (size_t i = 0; i < file.bytes.size; i++) {
        struct receipt_reader reader;
        struct seen seen = {0, 0};
        file.bytes.data[i] = (char)(file.bytes.data[i] ^ 0x40);
        bool ok = read_all(&reader, &seen, &file.bytes, file.bytes.size, 50);
        assert_false(ok && reader.complete);
        file.bytes.data[i] = (char)(file.bytes.data[i] ^ 0x40);
        receipt_reader_fini(&reader);
    }
    struct receipt_reader reader;
    struct seen seen = {0, 0};
    struct error error = ERROR_NONE;
    assert_true(read_all(&reader, &seen, &file.bytes, file.bytes.size, 50));
    assert_true(receipt_reader_feed(&reader, "x", 0, &error) && reader.complete);
    assert_true(receipt_reader_feed(&reader, "x", 1, &error));
    assert_false(reader.complete);
    receipt_reader_fini(&reader);
    buffer_fini(&file.bytes);
}

/* Frames whose CRC is right and whose content is not a record: only an adversary makes them. */
static void test_strange_frames_end_the_valid_part(void **state)
{
    (void)state;
    struct file file = {{0}, 0, 0};
    struct receipt_writer writer;
    struct error error = ERROR_NONE;
    struct receipt_record strange = records[2];
    strange.inside = "../out";
    assert_true(receipt_writer_begin(&writer, write_file, &file, &error));
    assert_true(receipt_writer_add(&writer, &records[0], &error));
    assert_true(receipt_writer_add(&writer, &strange, &error));
    struct receipt_reader reader;
    struct seen seen = {0, 0};
    assert_true(read_all(&reader, &seen, &file.bytes, file.bytes.size, 1000));
    assert_int_equal(reader.count, 1);
    assert_true(reader.valid_size < file.bytes.size);
    receipt_reader_fini(&reader);
    receipt_writer_fini(&writer);
    buffer_fini(&file.bytes);
}

static void test_a_text_that_is_cut_ends_the_valid_part(void **state)
{
    (void)state;
    struct file file = {{0}, 0, 0};
    struct container_writer writer;
    struct error error = ERROR_NONE;
    struct buffer frame = {0};
    const uint8_t record[] = {1, 0, 0, 0, 200, 0, 0, 0, 'x'};
    assert_true(container_writer_begin(&writer, CONTAINER_RECEIPT, write_file, &file, &error));
    buffer_append_u32(&frame, sizeof record);
    buffer_append_u32(&frame, crc32c(0, record, sizeof record));
    buffer_append(&frame, record, sizeof record);
    assert_true(container_writer_add(&writer, frame.data, frame.size, &error));
    struct receipt_reader reader;
    struct seen seen = {0, 0};
    assert_true(read_all(&reader, &seen, &file.bytes, file.bytes.size, 1000));
    assert_int_equal(reader.count, 0);
    assert_int_equal(reader.valid_size, CONTAINER_HEADER_SIZE);
    receipt_reader_fini(&reader);
    container_writer_fini(&writer);
    buffer_fini(&frame);
    buffer_fini(&file.bytes);
}

static void test_failures_come_through(void **state)
{
    (void)state;
    struct digest digest;
    for (size_t fail_at = 1; fail_at <= 6; fail_at++) {
        struct file file = {{0}, 0, fail_at};
        assert_false(write_all(&file, &digest));
        buffer_fini(&file.bytes);
    }
    struct file file = {{0}, 0, 0};
    assert_true(write_all(&file, &digest));
    struct receipt_reader reader;
    struct seen seen = {0, 2};
    assert_false(read_all(&reader, &seen, &file.bytes, file.bytes.size, 1000));
    receipt_reader_fini(&reader);
    buffer_fini(&file.bytes);
}

static void test_a_huge_record_is_refused(void **state)
{
    (void)state;
    struct file file = {{0}, 0, 0};
    struct receipt_writer writer;
    struct error error = ERROR_NONE;
    struct entry_xattr xattr = {"user.a", NULL, (size_t)17 << 20};
    void *value = memory_new(xattr.size);
    xattr.value = value;
    struct receipt_record record = records[0];
    record.entry.xattrs = &xattr;
    record.entry.xattr_count = 1;
    assert_true(receipt_writer_begin(&writer, write_file, &file, &error));
    assert_false(receipt_writer_add(&writer, &record, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    receipt_writer_fini(&writer);
    buffer_fini(&file.bytes);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_resuming_after_every_cut),
        cmocka_unit_test(test_damage_never_counts),
        cmocka_unit_test(test_strange_frames_end_the_valid_part),
        cmocka_unit_test(test_a_text_that_is_cut_ends_the_valid_part),
        cmocka_unit_test(test_failures_come_through),
        cmocka_unit_test(test_a_huge_record_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
