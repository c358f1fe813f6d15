/* entry_test.c: comparing, the record with every flag, its refusals, hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "plan/entry.h"

static const struct entry_xattr xattrs[] = {{"user.a", "A\0B", 3}, {"user.b", "", 0}};

static struct entry full_entry(void)
{
    return (struct entry){.path = "d/file \xff",
                          .type = ENTRY_FILE,
                          .length = 1234567890123,
                          .mode = 04755,
                          .owner = "alice",
                          .group = "staff",
                          .mtime_ns = -1,
                          .acl = "user:bob:rwx",
                          .xattrs = xattrs,
                          .xattr_count = 2,
                          .link_target = "x",
                          .replication = 3,
                          .block_size = 1 << 20,
                          .storage_policy = "COLD",
                          .erasure_coding = "RS-6-3-1024k",
                          .crc_known = true,
                          .crc32c = 0xdeadbeef,
                          .file_id = 77,
                          .birth_ns = 5};
}

static void test_record_keeps_everything(void **state)
{
    (void)state;
    struct entry entry = full_entry(), decoded;
    struct buffer buffer, again;
    struct reader reader;
    struct arena arena;
    buffer_init(&buffer, 0);
    buffer_init(&again, 0);
    arena_init(&arena);
    entry_encode(&entry, &buffer);
    reader_init(&reader, buffer.data, buffer.size);
    assert_true(entry_decode(&reader, &arena, &decoded));
    assert_true(reader_at_end(&reader));
    assert_int_equal(entry_compare(&entry, &decoded, ENTRY_ALL), 0);
    assert_string_equal(decoded.path, entry.path);
    assert_string_equal(decoded.erasure_coding, entry.erasure_coding);
    assert_true(decoded.block_size == entry.block_size && decoded.file_id == 0);
    assert_true(decoded.mtime_ns == -1 && decoded.crc_known && decoded.crc32c == 0xdeadbeef);
    entry_encode(&decoded, &again);
    assert_int_equal(again.size, buffer.size);
    assert_memory_equal(again.data, buffer.data, buffer.size);
    struct digest a = entry_hash(&entry), b = entry_hash(&decoded);
    assert_true(digest_equal(&a, &b));
    buffer_fini(&buffer);
    buffer_fini(&again);
    arena_fini(&arena);
}

static bool decodes(const struct buffer *buffer, size_t size)
{
    struct reader reader;
    struct arena arena;
    struct entry entry;
    arena_init(&arena);
    reader_init(&reader, buffer->data, size);
    bool ok = entry_decode(&reader, &arena, &entry);
    assert_int_equal(ok, !reader.failed);
    arena_fini(&arena);
    return ok;
}

static void test_damaged_records_are_refused(void **state)
{
    (void)state;
    struct entry entry = full_entry();
    struct buffer buffer;
    buffer_init(&buffer, 0);
    entry_encode(&entry, &buffer);
    for (size_t size = 0; size < buffer.size; size++)
        assert_false(decodes(&buffer, size));
    for (size_t i = 0; i < 3; i++) { /* version, type, flags */
        char old = buffer.data[i];
        buffer.data[i] = (char)0x7f;
        assert_false(decodes(&buffer, buffer.size));
        buffer.data[i] = old;
    }
    char *path = memchr(buffer.data + 3, 'd', buffer.size - 3);
    *path = '\0'; /* a NUL in a text */
    assert_false(decodes(&buffer, buffer.size));
    *path = '/'; /* not clean: an absolute path */
    assert_false(decodes(&buffer, buffer.size));
    *path = 'd';
    assert_true(decodes(&buffer, buffer.size));
    buffer_fini(&buffer);
}

static bool encodes_and_decodes(const struct entry *entry)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    entry_encode(entry, &buffer);
    bool ok = decodes(&buffer, buffer.size);
    buffer_fini(&buffer);
    return ok;
}

static void test_only_one_encoding_exists(void **state)
{
    (void)state;
    const struct entry_xattr unsorted[] = {{"user.b", "", 0}, {"user.a", "", 0}};
    struct entry entry = full_entry();
    entry.xattrs = unsorted;
    assert_false(encodes_and_decodes(&entry));
    entry = full_entry();
    entry.mode = 010000;
    assert_false(encodes_and_decodes(&entry));
    entry = full_entry();
    entry.xattr_count = 0;
    entry.acl = ""; /* the same as none */
    assert_true(encodes_and_decodes(&entry));
    struct entry without = entry;
    without.acl = NULL;
    struct digest a = entry_hash(&entry), b = entry_hash(&without);
    assert_true(digest_equal(&a, &b));

    /* A flag that is set over an empty text, and a count that nobody could mean. */
    struct buffer buffer;
    buffer_init(&buffer, 0);
    struct entry small = {.path = "", .type = ENTRY_SYMLINK, .owner = "", .group = ""};
    entry_encode(&small, &buffer);
    assert_true(decodes(&buffer, buffer.size));
    memset(buffer.data + buffer.size - 4, 0xff, 4);
    assert_false(decodes(&buffer, buffer.size));
    memset(buffer.data + buffer.size - 4, 0, 4);
    buffer.data[2] = 2;
    buffer_append_u32(&buffer, 0);
    assert_false(decodes(&buffer, buffer.size));
    buffer_fini(&buffer);
}

static void test_comparison_names_the_fields(void **state)
{
    (void)state;
    struct entry a = full_entry(), b = full_entry();
    assert_int_equal(entry_compare(&a, &b, ENTRY_ALL), 0);
    b.owner = "bob";
    b.mode = 0644;
    b.acl = NULL;
    b.replication = 2;
    b.storage_policy = "HOT";
    b.xattr_count = 1;
    b.mtime_ns = 1000000;
    b.crc32c = 1;
    assert_int_equal(entry_compare(&a, &b, ENTRY_ALL), ENTRY_ALL);
    assert_int_equal(entry_compare(&a, &b, ENTRY_MODE | ENTRY_ACL), ENTRY_MODE | ENTRY_ACL);
    b.replication = 0;
    assert_int_equal(entry_compare(&a, &b, ENTRY_REPLICATION), 0);
    b.crc_known = false;
    assert_int_equal(entry_compare(&a, &b, ENTRY_CONTENT), 0);
    b.length++;
    assert_int_equal(entry_compare(&a, &b, ENTRY_CONTENT), ENTRY_CONTENT);
    a.type = b.type = ENTRY_DIRECTORY;
    assert_int_equal(entry_compare(&a, &b, ENTRY_CONTENT), 0);
    a.type = b.type = ENTRY_SYMLINK;
    b.link_target = "y";
    assert_int_equal(entry_compare(&a, &b, ENTRY_CONTENT | ENTRY_MODE), ENTRY_CONTENT);
    const struct entry_xattr other[] = {{"user.a", "A\0C", 3}, {"user.b", "", 0}};
    b.xattrs = other;
    b.xattr_count = 2;
    assert_int_equal(entry_compare(&a, &b, ENTRY_XATTRS), ENTRY_XATTRS);
}

static void test_times_are_compared_in_the_coarser_unit(void **state)
{
    (void)state;
    struct entry a = {.mtime_ns = 5000001}, b = {.mtime_ns = 5000002};
    assert_int_equal(entry_compare(&a, &b, ENTRY_TIMES), ENTRY_TIMES);
    b.mtime_ns = 5000000;
    assert_int_equal(entry_compare(&a, &b, ENTRY_TIMES), 0);
    b.mtime_ns = 6000000;
    assert_int_equal(entry_compare(&a, &b, ENTRY_TIMES), ENTRY_TIMES);
}

static void explain(const struct entry *a, const struct entry *b, unsigned fields,
                    const char *expected)
{
    struct buffer text;
    buffer_init(&text, 0);
    entry_explain(a, b, fields, &text);
    assert_string_equal(buffer_text(&text), expected);
    buffer_fini(&text);
}

static void test_explanations(void **state)
{
    (void)state;
    struct entry a = full_entry(), b = full_entry();
    explain(&a, &b, ENTRY_ALL, "");
    b.owner = "bob";
    b.mode = 0644;
    b.acl = NULL;
    b.replication = 2;
    b.storage_policy = "HOT";
    b.xattr_count = 1;
    b.mtime_ns = 1000000;
    b.crc32c = 1;
    explain(&a, &b, ENTRY_ALL,
            "content CRC deadbeef instead of 00000001, storage policy COLD instead of HOT, "
            "replication 3 instead of 2, other extended attributes (2 instead of 1), ...");
    explain(&a, &b, ENTRY_OWNER | ENTRY_MODE | ENTRY_TIMES | ENTRY_ACL,
            "ACL user:bob:rwx instead of none, "
            "mtime 1969-12-31T23:59:59.999999Z +999 ns instead of 1970-01-01T00:00:00.001000Z, "
            "mode 4755 instead of 644, owner alice:staff instead of bob:staff");
    b.length = 1;
    explain(&a, &b, ENTRY_CONTENT, "length 1234567890123 instead of 1");
    b.type = ENTRY_DIRECTORY;
    explain(&a, &b, ENTRY_CONTENT, "file instead of directory");
    explain(&b, &a, ENTRY_CONTENT, "directory instead of file");
    a.type = b.type = ENTRY_SYMLINK;
    b.link_target = NULL;
    explain(&a, &b, ENTRY_CONTENT, "link to x instead of nothing");
    a.type = ENTRY_FILE;
    explain(&a, &b, ENTRY_CONTENT, "file instead of symlink");
}

static void test_copy_is_deep(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct entry entry = full_entry(), copy = entry_copy(&arena, &entry);
    assert_int_equal(entry_compare(&entry, &copy, ENTRY_ALL), 0);
    assert_ptr_not_equal(copy.path, entry.path);
    assert_ptr_not_equal(copy.xattrs, entry.xattrs);
    assert_true(copy.file_id == 77);
    entry.xattr_count = 0;
    copy = entry_copy(&arena, &entry);
    assert_null(copy.xattrs);
    arena_fini(&arena);
}

static void test_set_hash_forgets_order_and_undoes(void **state)
{
    (void)state;
    struct set_hash a = {{0}}, b = {{0}}, zero = {{0}};
    struct digest elements[8];
    for (size_t i = 0; i < ARRAY_LENGTH(elements); i++) {
        memset(elements[i].bytes, 0xff, DIGEST_SIZE);
        elements[i].bytes[i] = (uint8_t)i;
        set_hash_add(&a, &elements[i]);
    }
    for (size_t i = ARRAY_LENGTH(elements); i-- > 0;)
        set_hash_add(&b, &elements[i]);
    assert_memory_equal(&a, &b, sizeof a);
    for (size_t i = 0; i < ARRAY_LENGTH(elements); i++)
        set_hash_remove(&a, &elements[i]);
    assert_memory_equal(&a, &zero, sizeof a);
    set_hash_remove(&a, &elements[0]); /* below zero wraps */
    set_hash_add(&a, &elements[0]);
    assert_memory_equal(&a, &zero, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_keeps_everything),
        cmocka_unit_test(test_damaged_records_are_refused),
        cmocka_unit_test(test_only_one_encoding_exists),
        cmocka_unit_test(test_comparison_names_the_fields),
        cmocka_unit_test(test_times_are_compared_in_the_coarser_unit),
        cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_copy_is_deep),
        cmocka_unit_test(test_set_hash_forgets_order_and_undoes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
