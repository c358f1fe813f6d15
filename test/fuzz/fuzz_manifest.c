/* fuzz_manifest.c: any bytes as the payload of a manifest, in a container whose digest is right:
 * what opens is walked through as a chain of one. */
#include <string.h>

#include "base/check.h"
#include "plan/container.h"
#include "plan/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_memory(void *context, uint64_t offset, void *data, size_t size,
                        struct error *error)
{
    const struct buffer *file = context;
    if (offset > file->size || size > file->size - offset)
        return error_set(error, ERROR_CORRUPT, "read beyond the end");
    memcpy(data, file->data + offset, size);
    return true;
}

static void walk(struct manifest *manifest)
{
    struct manifest_chain chain;
    struct error error = ERROR_NONE;
    if (!manifest_chain_init(&chain, &manifest, NULL, 1, &error))
        return;
    if (!manifest_chain_verify(&chain, &error))
        CHECK(error.code != ERROR_OK);
    manifest_chain_fini(&chain);
}

static void try_file(struct buffer *file)
{
    struct manifest_file source = {read_memory, file, file->size};
    struct manifest *manifest = NULL;
    struct error error = ERROR_NONE;
    if (!manifest_open(&source, &manifest, &error)) {
        CHECK(error.code != ERROR_OK);
        return;
    }
    walk(manifest);
    manifest_close(manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer file;
    buffer_init(&file, 0);
    container_encode(CONTAINER_MANIFEST, data, size, &file);
    try_file(&file);
    buffer_fini(&file);
    return 0;
}
