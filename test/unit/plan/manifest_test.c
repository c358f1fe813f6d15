/* manifest_test.c: full and delta, lookups, scans over a chain, limits. */
#include "manifest_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

struct delta_line {
    const char *path;
    int64_t length; /* -1: deleted */
};

static void write_delta(struct memory_file *file, const struct manifest_info *info,
                        const struct delta_line *lines, size_t count,
                        const struct manifest_state *state)
{
    struct error error = ERROR_NONE;
    struct manifest_writer *writer = manifest_writer_new(info, write_memory, file);
    for (size_t i = 0; i < count; i++) {
        struct manifest_record record = {.is_deletion = lines[i].length < 0,
                                         .entry =
                                             file_entry(lines[i].path, (uint64_t)lines[i].length)};
        assert_true(manifest_writer_add(writer, &record, &error));
    }
    assert_true(manifest_writer_end(writer, state, &file->digest, &error));
    manifest_writer_free(writer);
    make_readable(file);
}

static void test_a_full_one(void **state)
{
    (void)state;
    struct memory_file file = {0};
    struct manifest_state sum = {0};
    struct manifest *manifest;
    struct manifest_cursor cursor;
    const struct manifest_record *record;
    struct error error = ERROR_NONE;
    assert_true(write_full(&file, 5000, &sum));
    struct digest whole = digest_of(file.bytes.data, file.bytes.size);
    assert_true(digest_equal(&whole, &file.digest));
    make_readable(&file);
    assert_true(manifest_open(&file.file, &manifest, &error));
    assert_string_equal(manifest_get_info(manifest)->member, "member-1");
    assert_string_equal(manifest_get_info(manifest)->epoch, "g1.e1");
    assert_null(manifest_get_info(manifest)->parent);
    assert_int_equal(manifest_record_count(manifest), 5000);
    assert_memory_equal(manifest_get_state(manifest), &sum, sizeof sum);
    manifest_cursor_init(&cursor, manifest);
    assert_true(manifest_cursor_seek(&cursor, "", &record, &error));
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(record->entry.length, i);
        assert_true(manifest_cursor_next(&cursor, &record, &error));
    }
    assert_null(record);
    assert_true(manifest_cursor_next(&cursor, &record, &error));
    assert_null(record);
    assert_true(manifest_cursor_seek(&cursor, "f/004321", &record, &error));
    assert_int_equal(record->entry.length, 4321);
    size_t calls = file.calls;
    assert_true(manifest_cursor_seek(&cursor, "f/004321", &record, &error));
    assert_true(manifest_cursor_seek(&cursor, "f/004321x", &record, &error));
    assert_int_equal(record->entry.length, 4322);
    assert_true(file.calls <= calls + 1); /* goes on where it is */
    assert_true(manifest_cursor_seek(&cursor, "f/000001", &record, &error));
    assert_int_equal(record->entry.length, 1);
    assert_true(manifest_cursor_seek(&cursor, "g", &record, &error));
    assert_null(record);
    calls = file.calls;
    assert_true(manifest_cursor_seek(&cursor, "h", &record, &error));
    assert_null(record);
    assert_true(manifest_cursor_seek(&cursor, "f/004000a", &record, &error));
    assert_true(manifest_cursor_seek(&cursor, "f/004000b", &record, &error)); /* no block again */
    assert_int_equal(record->entry.length, 4001);
    assert_int_equal(file.calls, calls + 1);
    assert_true(manifest_cursor_next(&cursor, &record, &error));
    assert_true(manifest_cursor_seek(&cursor, "f/004000b", &record, &error));
    assert_int_equal(record->entry.length, 4001);
    file.fail_at = file.calls + 1;
    assert_false(manifest_cursor_seek(&cursor, "f/000000", &record, &error));
    assert_true(manifest_cursor_seek(&cursor, "f/004999x", &record, &error));
    assert_null(record);
    assert_true(manifest_cursor_seek(&cursor, "f/004998x", &record, &error));
    assert_int_equal(record->entry.length, 4999);
    manifest_cursor_fini(&cursor);
    manifest_close(manifest);
    manifest_close(NULL);
    buffer_fini(&file.bytes);
}

/* A chain of a full one and two deltas. */
struct three {
    struct memory_file files[3];
    struct manifest *manifests[3];
    struct digest digests[3];
    struct manifest_chain chain;
};

static const struct delta_line first_delta[] = {{"a", 1}, {"f/000001", -1}, {"f/000002", 50}};
static const struct delta_line second_delta[] = {
    {"a", -1}, {"f/000001", 7}, {"f/000002", 60}, {"z", 9}};

static void open_three(struct three *three, bool right_state)
{
    struct error error = ERROR_NONE;
    struct manifest_state sum = {0};
    memset(three, 0, sizeof *three);
    assert_true(write_full(&three->files[2], 4, &sum));
    make_readable(&three->files[2]);
    struct manifest_info info = {MANIFEST_DELTA, "member-1", "g1.e2", "g1.e1",
                                 three->files[2].digest};
    write_delta(&three->files[1], &info, first_delta, 3, &sum);
    struct entry removed = file_entry("f/000001", 1), removed2 = file_entry("f/000002", 2);
    struct entry added = file_entry("f/000001", 7), added2 = file_entry("f/000002", 60);
    struct entry added3 = file_entry("z", 9);
    manifest_state_apply(&sum, &removed, &added);
    manifest_state_apply(&sum, &removed2, &added2);
    manifest_state_apply(&sum, NULL, &added3);
    sum.bytes += !right_state;
    info = (struct manifest_info){MANIFEST_DELTA, "member-1", "g1.e3", "g1.e2",
                                  three->files[1].digest};
    write_delta(&three->files[0], &info, second_delta, 4, &sum);
    for (size_t i = 0; i < 3; i++) {
        assert_true(manifest_open(&three->files[i].file, &three->manifests[i], &error));
        three->digests[i] = three->files[i].digest;
    }
    assert_true(manifest_chain_init(&three->chain, three->manifests, three->digests, 3, &error));
}

static void close_three(struct three *three)
{
    manifest_chain_fini(&three->chain);
    for (size_t i = 0; i < 3; i++) {
        manifest_close(three->manifests[i]);
        buffer_fini(&three->files[i].bytes);
    }
}

struct listing {
    char text[256];
    size_t stop_at;
};

static bool list(void *context, const struct entry *entry, struct error *error)
{
    struct listing *listing = context;
    size_t length = strlen(listing->text);
    if (listing->stop_at-- == 1)
        return error_set(error, ERROR_CANCELED, "enough");
    snprintf(listing->text + length, sizeof listing->text - length, "%s=%d ", entry->path,
             (int)entry->length);
    return true;
}

static void test_the_newest_record_counts(void **state)
{
    (void)state;
    struct three three;
    struct error error = ERROR_NONE;
    const struct entry *entry;
    struct listing listing = {"", 0};
    open_three(&three, true);
    assert_true(manifest_chain_scan(&three.chain, "", list, &listing, &error));
    assert_string_equal(listing.text, "f/000000=0 f/000001=7 f/000002=60 f/000003=3 z=9 ");
    listing = (struct listing){"", 0};
    assert_true(manifest_chain_scan(&three.chain, "f", list, &listing, &error));
    assert_string_equal(listing.text, "f/000000=0 f/000001=7 f/000002=60 f/000003=3 ");
    listing = (struct listing){"", 2};
    assert_false(manifest_chain_scan(&three.chain, "f", list, &listing, &error));
    assert_true(manifest_chain_get(&three.chain, "a", &entry, &error));
    assert_null(entry);
    assert_true(manifest_chain_get(&three.chain, "f/000003", &entry, &error));
    assert_int_equal(entry->length, 3);
    assert_true(manifest_chain_get(&three.chain, "f/000001", &entry, &error));
    assert_int_equal(entry->length, 7);
    assert_true(manifest_chain_get(&three.chain, "nowhere", &entry, &error));
    assert_null(entry);
    assert_true(manifest_chain_verify(&three.chain, &error));
    assert_true(manifest_chain_is_long(&three.chain, 10));
    assert_true(manifest_chain_is_long(&three.chain, 3));
    close_three(&three);
    open_three(&three, false);
    assert_false(manifest_chain_verify(&three.chain, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    close_three(&three);
}

static void test_a_broken_chain_is_refused(void **state)
{
    (void)state;
    struct three three;
    struct manifest_chain chain;
    struct error error = ERROR_NONE;
    struct manifest *many[MANIFEST_CHAIN_MAX + 1];
    open_three(&three, true);
    struct manifest *gap[] = {three.manifests[0], three.manifests[2]};
    assert_false(manifest_chain_init(&chain, gap, NULL, 2, &error));
    assert_false(manifest_chain_init(&chain, three.manifests, NULL, 2, &error)); /* no full one */
    assert_true(manifest_chain_init(&chain, &three.manifests[2], NULL, 1, &error));
    assert_false(manifest_chain_is_long(&chain, 10));
    assert_true(manifest_chain_verify(&chain, &error));
    manifest_chain_fini(&chain);
    three.digests[1].bytes[0] ^= 1;
    assert_false(manifest_chain_init(&chain, three.manifests, three.digests, 3, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    for (size_t i = 0; i < ARRAY_LENGTH(many); i++)
        many[i] = three.manifests[0];
    assert_false(manifest_chain_init(&chain, many, NULL, ARRAY_LENGTH(many), &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_true(manifest_chain_init(&chain, NULL, NULL, 0, &error));
    assert_true(manifest_chain_verify(&chain, &error) && manifest_chain_is_long(&chain, 10));
    close_three(&three);
}

static bool read_everything(struct memory_file *file, struct error *error)
{
    struct manifest *manifest;
    struct manifest_chain chain;
    if (!manifest_open(&file->file, &manifest, error))
        return false;
    bool ok = manifest_chain_init(&chain, &manifest, NULL, 1, error) &&
              manifest_chain_verify(&chain, error);
    manifest_chain_fini(&chain);
    manifest_close(manifest);
    return ok;
}

static bool forget(void *context, const void *data, size_t size, struct error *error)
{
    (void)context;
    (void)data;
    (void)size;
    (void)error;
    return true;
}

/* Long paths with large attributes: a block for each, until the index is too large. */
static void test_the_index_has_a_limit(void **state)
{
    (void)state;
    static char path[PATH_LENGTH_MAX + 1];
    static const char zeros[60000];
    struct error error = ERROR_NONE;
    struct manifest_state sum = {0};
    struct digest digest;
    struct entry_xattr xattr = {"user.a", zeros, sizeof zeros};
    struct manifest_writer *writer = manifest_writer_new(&full_info, forget, NULL);
    memset(path, 'x', PATH_LENGTH_MAX);
    for (int i = 0; i < 8500; i++) {
        snprintf(path, 9, "%08d", i);
        path[8] = 'x';
        struct manifest_record record = {.entry = file_entry(path, 1)};
        record.entry.xattrs = &xattr;
        record.entry.xattr_count = 1;
        assert_true(manifest_writer_add(writer, &record, &error));
    }
    assert_false(manifest_writer_end(writer, &sum, &digest, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    manifest_writer_free(writer);
}

static void test_every_failure_comes_through(void **state)
{
    (void)state;
    struct memory_file file = {0};
    struct manifest_state sum = {0};
    struct error error = ERROR_NONE;
    size_t calls;
    assert_true(write_full(&file, 1500, &sum));
    calls = file.calls;
    for (size_t i = 1; i <= calls; i++) {
        struct memory_file broken = {.fail_at = i};
        struct manifest_state ignored = {0};
        assert_false(write_full(&broken, 1500, &ignored));
        buffer_fini(&broken.bytes);
    }
    make_readable(&file);
    assert_true(read_everything(&file, &error));
    calls = file.calls;
    for (size_t i = 1; i <= calls; i++) {
        file.calls = 0;
        file.fail_at = i;
        assert_false(read_everything(&file, &error));
    }
    file.fail_at = 0;
    struct three three;
    open_three(&three, true);
    for (size_t i = 1; i <= 2; i++) {
        const struct entry *entry;
        for (size_t j = 0; j < 3; j++) {
            three.files[j].calls = 0;
            three.files[j].fail_at = 1;
        }
        assert_false(manifest_chain_get(&three.chain, "f/000003", &entry, &error));
        assert_false(manifest_chain_scan(&three.chain, "", list, &(struct listing){"", 0}, &error));
    }
    close_three(&three);
    buffer_fini(&file.bytes);
}

static void test_what_a_writer_refuses(void **state)
{
    (void)state;
    struct memory_file file = {0};
    struct error error = ERROR_NONE;
    struct manifest_writer *writer = manifest_writer_new(&full_info, write_memory, &file);
    struct manifest_record record = {.entry = file_entry("b", 1)};
    assert_true(manifest_writer_add(writer, &record, &error));
    assert_false(manifest_writer_add(writer, &record, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    struct entry_xattr xattr = {"user.a", NULL, (size_t)17 << 20};
    void *value = calloc(1, xattr.size);
    xattr.value = value;
    record.entry = file_entry("c", 1);
    record.entry.xattrs = &xattr;
    record.entry.xattr_count = 1;
    assert_false(manifest_writer_add(writer, &record, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    xattr.size = 200000; /* larger than a block: it gets one of its own */
    assert_true(manifest_writer_add(writer, &record, &error));
    struct manifest_state sum = {0};
    assert_true(manifest_writer_end(writer, &sum, &file.digest, &error));
    manifest_writer_free(writer);
    manifest_writer_free(NULL);
    free(value);
    buffer_fini(&file.bytes);
}

static void test_an_empty_one(void **state)
{
    (void)state;
    struct memory_file file = {0};
    struct manifest_state sum = {0};
    struct error error = ERROR_NONE;
    struct manifest *manifest;
    struct manifest_chain chain;
    const struct entry *entry;
    assert_true(write_full(&file, 0, &sum));
    make_readable(&file);
    assert_true(manifest_open(&file.file, &manifest, &error));
    assert_true(manifest_chain_init(&chain, &manifest, NULL, 1, &error));
    assert_true(manifest_chain_get(&chain, "x", &entry, &error));
    assert_null(entry);
    assert_true(manifest_chain_verify(&chain, &error));
    manifest_chain_fini(&chain);
    manifest_close(manifest);
    buffer_fini(&file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_one),
        cmocka_unit_test(test_the_newest_record_counts),
        cmocka_unit_test(test_a_broken_chain_is_refused),
        cmocka_unit_test(test_the_index_has_a_limit),
        cmocka_unit_test(test_every_failure_comes_through),
        cmocka_unit_test(test_what_a_writer_refuses),
        cmocka_unit_test(test_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
