/* manifest_memory.c: see manifest_memory.h. */
#include "manifest_memory.h"

#include <stdio.h>
#include <string.h>

bool write_memory(void *context, const void *data, size_t size, struct error *error)
{
    struct memory_file *file = context;
    if (++file->calls == file->fail_at)
        return error_set(error, ERROR_IO, "disk broke");
    buffer_append(&file->bytes, data, size);
    return true;
}

static bool read_memory(void *context, uint64_t offset, void *data, size_t size,
                        struct error *error)
{
    struct memory_file *file = context;
    if (++file->calls == file->fail_at)
        return error_set(error, ERROR_IO, "disk broke");
    assert_true(offset + size <= file->bytes.size);
    memcpy(data, file->bytes.data + offset, size);
    return true;
}

void make_readable(struct memory_file *file)
{
    file->calls = file->fail_at = 0;
    file->file = (struct manifest_file){read_memory, file, file->bytes.size};
}

struct entry file_entry(const char *path, uint64_t length)
{
    return (struct entry){.path = path,
                          .type = ENTRY_FILE,
                          .length = length,
                          .mode = 0644,
                          .owner = "o",
                          .group = "g",
                          .crc_known = true,
                          .crc32c = (uint32_t)length};
}

const struct manifest_info full_info = {MANIFEST_FULL, "member-1", "g1.e1", NULL, {{0}}};

bool write_full(struct memory_file *file, size_t count, struct manifest_state *state)
{
    struct error error = ERROR_NONE;
    struct manifest_writer *writer = manifest_writer_new(&full_info, write_memory, file);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        char path[32];
        snprintf(path, sizeof path, "f/%06zu", i);
        struct manifest_record record = {.entry = file_entry(path, i)};
        manifest_state_apply(state, NULL, &record.entry);
        ok = manifest_writer_add(writer, &record, &error);
    }
    ok = ok && manifest_writer_end(writer, state, &file->digest, &error);
    manifest_writer_free(writer);
    assert_int_equal(ok, error.code == ERROR_OK);
    return ok;
}
