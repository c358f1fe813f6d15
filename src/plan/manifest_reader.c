/* manifest_reader.c: one manifest: footer, then index, then blocks as they are needed. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/path.h"
#include "plan/manifest_private.h"

#define INFO_MAX 4096

struct block {
    const char *first_path;
    uint64_t offset;
    uint32_t size; /* compressed */
    uint32_t raw_size;
    uint32_t crc;
    uint32_t records;
};

struct manifest {
    const struct manifest_file *file;
    struct arena arena;
    struct manifest_info info;
    struct manifest_state state;
    struct block *blocks;
    size_t block_count;
    uint64_t puts, deletions;
    uint64_t index_offset;
    uint32_t index_size, index_raw_size, index_crc;
};

static bool damaged(const char *what, struct error *error)
{
    return error_set(error, ERROR_CORRUPT, "manifest: damaged %s", what);
}

static void decode_digest(struct reader *reader, uint8_t ret_bytes[DIGEST_SIZE])
{
    const void *bytes = reader_bytes(reader, DIGEST_SIZE);
    if (bytes != NULL)
        memcpy(ret_bytes, bytes, DIGEST_SIZE);
}

static bool read_at(const struct manifest *manifest, uint64_t offset, void *data, size_t size,
                    struct error *error)
{
    const struct manifest_file *file = manifest->file;
    if (offset > file->size || size > file->size - offset)
        return damaged("offsets", error);
    return file->read_at(file->context, offset, data, size, error);
}

static bool read_info(struct manifest *manifest, struct error *error)
{
    uint8_t bytes[CONTAINER_HEADER_SIZE + 4 + INFO_MAX];
    uint64_t length, rest = manifest->file->size;
    size_t size = rest < sizeof bytes ? (size_t)rest : sizeof bytes, info_size;
    if (!read_at(manifest, 0, bytes, size, error) ||
        !container_check_header(CONTAINER_MANIFEST, bytes, size, &length, error))
        return false;
    struct reader sized, reader;
    reader_init(&sized, bytes + CONTAINER_HEADER_SIZE, size - CONTAINER_HEADER_SIZE);
    const void *data = reader_block(&sized, &info_size);
    reader_init(&reader, data, info_size);
    uint8_t kind = reader_u8(&reader);
    manifest->info.kind = (enum manifest_kind)kind;
    manifest->info.member = reader_text(&reader, &manifest->arena);
    manifest->info.epoch = reader_text(&reader, &manifest->arena);
    manifest->info.parent = reader_text(&reader, &manifest->arena);
    decode_digest(&reader, manifest->info.parent_digest.bytes);
    if (!reader_at_end(&reader) || kind < MANIFEST_FULL || kind > MANIFEST_DELTA ||
        (kind == MANIFEST_DELTA) != (manifest->info.parent[0] != '\0'))
        return damaged("header", error);
    if (kind == MANIFEST_FULL)
        manifest->info.parent = NULL;
    return true;
}

static bool read_footer(struct manifest *manifest, struct error *error)
{
    uint8_t bytes[MANIFEST_FOOTER_SIZE];
    size_t behind = MANIFEST_FOOTER_SIZE + CONTAINER_FOOTER_SIZE;
    struct reader reader;
    if (manifest->file->size < behind)
        return damaged("length", error);
    if (!read_at(manifest, manifest->file->size - behind, bytes, sizeof bytes, error))
        return false;
    reader_init(&reader, bytes, sizeof bytes);
    manifest->index_offset = reader_u64(&reader);
    manifest->index_size = reader_u32(&reader);
    manifest->index_raw_size = reader_u32(&reader);
    manifest->index_crc = reader_u32(&reader);
    manifest->block_count = reader_u32(&reader);
    manifest->puts = reader_u64(&reader);
    manifest->deletions = reader_u64(&reader);
    manifest->state.entries = reader_u64(&reader);
    manifest->state.bytes = reader_u64(&reader);
    decode_digest(&reader, manifest->state.root.bytes);
    if (reader_u32(&reader) != crc32c(0, bytes, sizeof bytes - 4))
        return damaged("footer", error);
    return true;
}

/* A compressed part of the file, checked, into raw. */
static bool read_part(const struct manifest *manifest, const struct block *part, struct buffer *raw,
                      struct error *error)
{
    struct buffer compressed = {.limit = MANIFEST_INDEX_MAX * 2};
    buffer_clear(raw);
    raw->limit = MANIFEST_INDEX_MAX;
    char *from = buffer_reserve(&compressed, part->size);
    char *to = buffer_reserve(raw, part->raw_size);
    bool ok = from != NULL && to != NULL ? read_at(manifest, part->offset, from, part->size, error)
                                         : damaged("sizes", error);
    if (ok && crc32c(0, from, part->size) != part->crc)
        ok = damaged("block", error);
    if (ok && ZSTD_decompress(to, part->raw_size, from, part->size) != part->raw_size)
        ok = damaged("block (it does not unpack)", error);
    if (ok)
        buffer_commit(raw, part->raw_size);
    buffer_fini(&compressed);
    return ok;
}

static bool decode_index(struct manifest *manifest, const struct buffer *raw, struct error *error)
{
    struct reader reader;
    reader_init(&reader, raw->data, raw->size);
    if (manifest->block_count > raw->size)
        return damaged("index", error);
    manifest->blocks = arena_new(&manifest->arena, manifest->block_count * sizeof(struct block));
    for (size_t i = 0; i < manifest->block_count && !reader.failed; i++) {
        struct block *block = &manifest->blocks[i];
        block->first_path = reader_text(&reader, &manifest->arena);
        block->offset = reader_u64(&reader);
        block->size = reader_u32(&reader);
        block->raw_size = reader_u32(&reader);
        block->crc = reader_u32(&reader);
        block->records = reader_u32(&reader);
        if (i > 0 && path_compare(block[-1].first_path, block->first_path) >= 0)
            reader.failed = true;
    }
    return reader_at_end(&reader) || damaged("index", error);
}

static bool read_index(struct manifest *manifest, struct error *error)
{
    const struct block index = {.offset = manifest->index_offset,
                                .size = manifest->index_size,
                                .raw_size = manifest->index_raw_size,
                                .crc = manifest->index_crc};
    struct buffer raw = {0};
    bool ok = read_part(manifest, &index, &raw, error) && decode_index(manifest, &raw, error);
    buffer_fini(&raw);
    return ok;
}

bool manifest_open(const struct manifest_file *file, struct manifest **ret_manifest,
                   struct error *error)
{
    struct manifest *manifest = memory_new(sizeof *manifest);
    manifest->file = file;
    if (!read_info(manifest, error) || !read_footer(manifest, error) ||
        !read_index(manifest, error)) {
        manifest_close(manifest);
        return false;
    }
    *ret_manifest = manifest;
    return true;
}

void manifest_close(struct manifest *manifest)
{
    if (manifest == NULL)
        return;
    arena_fini(&manifest->arena);
    free(manifest);
}

const struct manifest_info *manifest_get_info(const struct manifest *manifest)
{
    return &manifest->info;
}

const struct manifest_state *manifest_get_state(const struct manifest *manifest)
{
    return &manifest->state;
}

uint64_t manifest_record_count(const struct manifest *manifest)
{
    return manifest->puts + manifest->deletions;
}

const struct manifest_file *manifest_get_file(const struct manifest *manifest)
{
    return manifest->file;
}

void manifest_cursor_init(struct manifest_cursor *cursor, struct manifest *manifest)
{
    *cursor = (struct manifest_cursor){.manifest = manifest, .block = manifest->block_count};
}

void manifest_cursor_fini(struct manifest_cursor *cursor)
{
    buffer_fini(&cursor->raw);
    buffer_fini(&cursor->sought);
    arena_fini(&cursor->arena);
    *cursor = (struct manifest_cursor){0};
}

/* The last block whose first path is not behind path; the first block if there is none. */
static size_t block_of(const struct manifest *manifest, const char *path)
{
    size_t low = 0, high = manifest->block_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (path_compare(manifest->blocks[middle].first_path, path) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool load_block(struct manifest_cursor *cursor, size_t block, struct error *error)
{
    cursor->has_record = cursor->has_sought = false;
    cursor->block = cursor->manifest->block_count; /* none, should this fail */
    if (block >= cursor->manifest->block_count)
        return true;
    if (!read_part(cursor->manifest, &cursor->manifest->blocks[block], &cursor->raw, error))
        return false;
    cursor->block = block;
    reader_init(&cursor->reader, cursor->raw.data, cursor->raw.size);
    return true;
}

static bool decode_record(struct manifest_cursor *cursor)
{
    struct manifest_record *record = &cursor->record;
    uint8_t operation = reader_u8(&cursor->reader);
    arena_fini(&cursor->arena);
    *record = (struct manifest_record){.is_deletion = operation == MANIFEST_DELETE};
    if (operation == MANIFEST_PUT)
        return entry_decode(&cursor->reader, &cursor->arena, &record->entry);
    record->entry.path = reader_text(&cursor->reader, &cursor->arena);
    return operation == MANIFEST_DELETE && !cursor->reader.failed &&
           cursor->manifest->info.kind == MANIFEST_DELTA;
}

bool manifest_cursor_next(struct manifest_cursor *cursor, const struct manifest_record **ret_record,
                          struct error *error)
{
    *ret_record = NULL;
    cursor->has_sought = false;
    if (cursor->block >= cursor->manifest->block_count) {
        cursor->has_record = false;
        return true;
    }
    if (reader_at_end(&cursor->reader)) {
        if (!load_block(cursor, cursor->block + 1, error))
            return false;
        if (cursor->block >= cursor->manifest->block_count)
            return true;
    }
    cursor->has_record = decode_record(cursor);
    if (!cursor->has_record) {
        cursor->block = cursor->manifest->block_count;
        return damaged("record", error);
    }
    *ret_record = &cursor->record;
    return true;
}

/* The answer of the last seek is also the answer for every path between that and itself. */
static bool still_answers(const struct manifest_cursor *cursor, const char *path)
{
    return cursor->has_sought && path_compare(buffer_text(&cursor->sought), path) <= 0 &&
           (!cursor->has_record || path_compare(path, cursor->record.entry.path) <= 0);
}

static bool seek_forward(struct manifest_cursor *cursor, const char *path,
                         const struct manifest_record **ret_record, struct error *error)
{
    size_t block = block_of(cursor->manifest, path);
    bool here = cursor->has_record && cursor->block == block &&
                path_compare(cursor->record.entry.path, path) < 0;
    if (!here && !load_block(cursor, block, error))
        return false;
    do
        if (!manifest_cursor_next(cursor, ret_record, error))
            return false;
    while (*ret_record != NULL && path_compare((*ret_record)->entry.path, path) < 0);
    return true;
}

bool manifest_cursor_seek(struct manifest_cursor *cursor, const char *path,
                          const struct manifest_record **ret_record, struct error *error)
{
    if (still_answers(cursor, path)) {
        *ret_record = cursor->has_record ? &cursor->record : NULL;
        return true;
    }
    if (!seek_forward(cursor, path, ret_record, error))
        return false;
    buffer_clear(&cursor->sought);
    buffer_append_text(&cursor->sought, path);
    cursor->has_sought = true;
    return true;
}
