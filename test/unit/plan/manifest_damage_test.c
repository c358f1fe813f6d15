/* manifest_damage_test.c: every flipped byte and every cut of a manifest is seen, and so are forged
 * ones, whose sums are right. */
#include "manifest_memory.h"

#include <stdio.h>
#include <string.h>

#include <zstd.h>

#include "base/check.h"
#include "base/crc32c.h"

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

static void test_every_damage_is_seen(void **state)
{
    (void)state;
    struct memory_file file = {0};
    struct manifest_state sum = {0};
    struct error error = ERROR_NONE;
    assert_true(write_full(&file, 40, &sum));
    make_readable(&file);
    assert_true(read_everything(&file, &error));
    for (size_t i = 0; i < file.bytes.size; i++) {
        file.bytes.data[i] = (char)(file.bytes.data[i] ^ 0x10);
        error = ERROR_NONE;
        assert_false(read_everything(&file, &error));
        assert_true(error.code == ERROR_CORRUPT || error.code == ERROR_INVALID);
        file.bytes.data[i] = (char)(file.bytes.data[i] ^ 0x10);
    }
    for (size_t size = 0; size < file.bytes.size; size++) {
        file.file.size = size;
        assert_false(read_everything(&file, &error));
    }
    buffer_fini(&file.bytes);
}

/* A manifest whose sums are all right and whose content is not: only a defect or an adversary makes
 * one. Blocks and index are given unpacked. */
struct forged {
    struct buffer block, index;
    uint32_t block_count;
    uint64_t index_offset; /* 0: the right one */
};

static void append_packed(struct memory_file *file, const struct buffer *raw)
{
    char packed[4096];
    size_t size = ZSTD_compress(packed, sizeof packed, raw->data, raw->size, 1);
    assert_false(ZSTD_isError(size));
    buffer_append(&file->bytes, packed, size);
}

static void forge(struct memory_file *file, struct forged *forged)
{
    struct manifest_state sum = {0};
    assert_true(write_full(file, 0, &sum));
    /* keep the container's header and the manifest's own */
    buffer_truncate(&file->bytes, CONTAINER_HEADER_SIZE + 4 + 1 + 12 + 9 + 4 + 32);
    size_t block_at = file->bytes.size;
    append_packed(file, &forged->block);
    size_t index_at = file->bytes.size;
    for (uint32_t i = 0; i < forged->block_count; i++) {
        buffer_append_block(&forged->index, "f", 1);
        buffer_append_u64(&forged->index, block_at);
        buffer_append_u32(&forged->index, (uint32_t)(index_at - block_at));
        buffer_append_u32(&forged->index, (uint32_t)forged->block.size);
        buffer_append_u32(&forged->index,
                          crc32c(0, file->bytes.data + block_at, index_at - block_at));
        buffer_append_u32(&forged->index, 1);
    }
    append_packed(file, &forged->index);
    size_t footer_at = file->bytes.size;
    buffer_append_u64(&file->bytes, forged->index_offset == 0 ? index_at : forged->index_offset);
    buffer_append_u32(&file->bytes, (uint32_t)(footer_at - index_at));
    buffer_append_u32(&file->bytes, (uint32_t)forged->index.size);
    size_t from = forged->index_offset == 24 ? 24 : index_at;
    buffer_append_u32(&file->bytes, crc32c(0, file->bytes.data + from, footer_at - index_at));
    buffer_append_u32(&file->bytes, forged->block_count == 0 ? 1000000 : forged->block_count);
    for (int i = 0; i < 8; i++)
        buffer_append_u64(&file->bytes, 0);
    buffer_append_u32(&file->bytes,
                      crc32c(0, file->bytes.data + footer_at, file->bytes.size - footer_at));
    struct digest digest = digest_of(file->bytes.data, file->bytes.size);
    buffer_append(&file->bytes, digest.bytes, DIGEST_SIZE);
    make_readable(file);
    buffer_fini(&forged->block);
    buffer_fini(&forged->index);
}

static void test_forged_manifests_are_refused(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        struct memory_file file = {0};
        struct error error = ERROR_NONE;
        struct forged forged = {.block_count = 1};
        struct entry entry = file_entry("f", 1);
        buffer_append_byte(&forged.block, kind == 0 ? 7 : kind == 1 ? 2 : 1);
        if (kind == 1) /* a deletion in a full one */
            buffer_append_block(&forged.block, "f", 1);
        else
            entry_encode(&entry, &forged.block);
        if (kind == 2)
            buffer_append_byte(&forged.index, 1); /* an index that does not come out even */
        if (kind == 3)
            forged.block_count = 2; /* the same first path twice */
        if (kind == 4)
            forged.block_count = 0; /* a million blocks in no bytes */
        if (kind == 5)
            forged.index_offset = UINT64_MAX - 5;
        forge(&file, &forged);
        assert_false(read_everything(&file, &error));
        assert_int_equal(error.code, ERROR_CORRUPT);
        buffer_fini(&file.bytes);
    }
    struct memory_file file = {0};
    struct error error = ERROR_NONE;
    struct forged forged = {.block_count = 1, .index_offset = 24}; /* an index that is none */
    buffer_append_byte(&forged.block, 7);
    forge(&file, &forged);
    assert_false(read_everything(&file, &error));
    buffer_fini(&file.bytes);
}

static void test_a_bad_record_stops_a_lookup(void **state)
{
    (void)state;
    struct memory_file file = {0};
    struct error error = ERROR_NONE;
    struct forged forged = {.block_count = 1};
    struct manifest *manifest;
    struct manifest_cursor cursor;
    const struct manifest_record *record;
    buffer_append_byte(&forged.block, 7);
    forge(&file, &forged);
    assert_true(manifest_open(&file.file, &manifest, &error));
    manifest_cursor_init(&cursor, manifest);
    assert_false(manifest_cursor_seek(&cursor, "x", &record, &error));
    assert_true(manifest_cursor_next(&cursor, &record, &error));
    assert_null(record);
    manifest_cursor_fini(&cursor);
    manifest_close(manifest);
    buffer_fini(&file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_damage_is_seen),
        cmocka_unit_test(test_forged_manifests_are_refused),
        cmocka_unit_test(test_a_bad_record_stops_a_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
