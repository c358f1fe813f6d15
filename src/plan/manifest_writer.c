/* manifest_writer.c: header, blocks, index, footer, in one pass. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/path.h"
#include "plan/manifest_private.h"

#define ZSTD_LEVEL 3

struct manifest_writer {
    const struct manifest_info *info;
    container_sink_fn *sink;
    void *context;
    struct container_writer container;
    struct buffer block;      /* records not yet written */
    struct buffer first_path; /* of block */
    struct buffer last_path;  /* of all so far */
    struct buffer index;
    struct buffer record, compressed; /* reused */
    uint32_t block_count, block_records;
    uint64_t puts, deletions;
    bool begun;
};

void manifest_state_apply(struct manifest_state *state, const struct entry *old,
                          const struct entry *now)
{
    struct digest hash;
    if (old != NULL) {
        hash = entry_hash(old);
        set_hash_remove(&state->root, &hash);
        state->entries--;
        state->bytes -= old->type == ENTRY_FILE ? old->length : 0;
    }
    if (now != NULL) {
        hash = entry_hash(now);
        set_hash_add(&state->root, &hash);
        state->entries++;
        state->bytes += now->type == ENTRY_FILE ? now->length : 0;
    }
}

struct manifest_writer *manifest_writer_new(const struct manifest_info *info,
                                            container_sink_fn *sink, void *context)
{
    CHECK((info->kind == MANIFEST_DELTA) == (info->parent != NULL));
    struct manifest_writer *writer = memory_new(sizeof *writer);
    writer->info = info;
    writer->sink = sink;
    writer->context = context;
    return writer;
}

void manifest_writer_free(struct manifest_writer *writer)
{
    if (writer == NULL)
        return;
    container_writer_fini(&writer->container);
    struct buffer *buffers[] = {&writer->block, &writer->first_path, &writer->last_path,
                                &writer->index, &writer->record,     &writer->compressed};
    for (size_t i = 0; i < ARRAY_LENGTH(buffers); i++)
        buffer_fini(buffers[i]);
    free(writer);
}

static void append_text(struct buffer *buffer, const char *text)
{
    buffer_append_block(buffer, text, strlen(text));
}

static bool begin(struct manifest_writer *writer, struct error *error)
{
    const struct manifest_info *info = writer->info;
    struct buffer header = {0};
    if (writer->begun)
        return true;
    writer->begun = true;
    if (!container_writer_begin(&writer->container, CONTAINER_MANIFEST, writer->sink,
                                writer->context, error))
        return false;
    buffer_append_byte(&header, (uint8_t)info->kind);
    append_text(&header, info->member);
    append_text(&header, info->epoch);
    append_text(&header, info->parent == NULL ? "" : info->parent);
    buffer_append(&header, info->parent_digest.bytes, DIGEST_SIZE);
    struct buffer sized = {0};
    buffer_append_block(&sized, header.data, header.size);
    bool ok = container_writer_add(&writer->container, sized.data, sized.size, error);
    buffer_fini(&header);
    buffer_fini(&sized);
    return ok;
}

/* One zstd frame; what it came to is in writer->compressed. */
static bool write_compressed(struct manifest_writer *writer, const struct buffer *raw,
                             struct error *error)
{
    size_t bound = ZSTD_compressBound(raw->size);
    buffer_clear(&writer->compressed);
    writer->compressed.limit = MANIFEST_INDEX_MAX * 2;
    char *place = buffer_reserve(&writer->compressed, bound);
    CHECK(place != NULL);
    size_t size = ZSTD_compress(place, bound, raw->data, raw->size, ZSTD_LEVEL);
    CHECK(!ZSTD_isError(size));
    buffer_commit(&writer->compressed, size);
    return container_writer_add(&writer->container, writer->compressed.data, size, error);
}

static bool flush_block(struct manifest_writer *writer, struct error *error)
{
    uint64_t offset = writer->container.offset;
    if (writer->block_records == 0)
        return true;
    if (!write_compressed(writer, &writer->block, error))
        return false;
    append_text(&writer->index, buffer_text(&writer->first_path));
    buffer_append_u64(&writer->index, offset);
    buffer_append_u32(&writer->index, (uint32_t)writer->compressed.size);
    buffer_append_u32(&writer->index, (uint32_t)writer->block.size);
    buffer_append_u32(&writer->index, crc32c(0, writer->compressed.data, writer->compressed.size));
    buffer_append_u32(&writer->index, writer->block_records);
    writer->block_count++;
    writer->block_records = 0;
    buffer_clear(&writer->block);
    return true;
}

static void set_text(struct buffer *buffer, const char *text)
{
    buffer_clear(buffer);
    buffer_append_text(buffer, text);
}

bool manifest_writer_add(struct manifest_writer *writer, const struct manifest_record *record,
                         struct error *error)
{
    const char *path = record->entry.path;
    CHECK(!record->is_deletion || writer->info->kind == MANIFEST_DELTA);
    if (writer->puts + writer->deletions > 0 &&
        path_compare(buffer_text(&writer->last_path), path) >= 0)
        return error_set(error, ERROR_INVALID, "manifest: '%.150s' out of order", path);
    buffer_clear(&writer->record);
    buffer_append_byte(&writer->record, record->is_deletion ? MANIFEST_DELETE : MANIFEST_PUT);
    if (record->is_deletion)
        append_text(&writer->record, path);
    else
        entry_encode(&record->entry, &writer->record);
    if (writer->record.failed || writer->record.size > MANIFEST_RECORD_MAX)
        return error_set(error, ERROR_LIMIT, "manifest: '%.150s' has too many attributes", path);
    if (!begin(writer, error) || (writer->block.size + writer->record.size > MANIFEST_BLOCK_RAW &&
                                  !flush_block(writer, error)))
        return false;
    if (writer->block_records++ == 0)
        set_text(&writer->first_path, path);
    set_text(&writer->last_path, path);
    buffer_append(&writer->block, writer->record.data, writer->record.size);
    *(record->is_deletion ? &writer->deletions : &writer->puts) += 1;
    return true;
}

static bool write_footer(struct manifest_writer *writer, uint64_t index_offset,
                         const struct manifest_state *state, struct error *error)
{
    struct buffer footer = {0};
    buffer_append_u64(&footer, index_offset);
    buffer_append_u32(&footer, (uint32_t)writer->compressed.size);
    buffer_append_u32(&footer, (uint32_t)writer->index.size);
    buffer_append_u32(&footer, crc32c(0, writer->compressed.data, writer->compressed.size));
    buffer_append_u32(&footer, writer->block_count);
    buffer_append_u64(&footer, writer->puts);
    buffer_append_u64(&footer, writer->deletions);
    buffer_append_u64(&footer, state->entries);
    buffer_append_u64(&footer, state->bytes);
    buffer_append(&footer, state->root.bytes, DIGEST_SIZE);
    buffer_append_u32(&footer, crc32c(0, footer.data, footer.size));
    CHECK(footer.size == MANIFEST_FOOTER_SIZE);
    bool ok = container_writer_add(&writer->container, footer.data, footer.size, error);
    buffer_fini(&footer);
    return ok;
}

bool manifest_writer_end(struct manifest_writer *writer, const struct manifest_state *state,
                         struct digest *ret_digest, struct error *error)
{
    if (!begin(writer, error) || !flush_block(writer, error))
        return false;
    uint64_t index_offset = writer->container.offset;
    if (writer->index.failed || writer->index.size > MANIFEST_INDEX_MAX)
        return error_set(error, ERROR_LIMIT, "manifest: too many blocks for one index");
    return write_compressed(writer, &writer->index, error) &&
           write_footer(writer, index_offset, state, error) &&
           container_writer_end(&writer->container, ret_digest, error);
}
