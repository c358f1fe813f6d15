/* plan_manifest.c: the manifest kept up at the cost of the change is the one that reading the whole
 * tree would give: as a delta on a chain, and as the next full one. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/manifest_delta.h"
#include "plan_world.h"

struct file {
    struct buffer bytes;
    struct manifest_file file;
    struct manifest *manifest;
    struct digest digest;
};

static bool append(void *context, const void *data, size_t size, struct error *error)
{
    (void)error;
    buffer_append(context, data, size);
    return true;
}

static bool read_at(void *context, uint64_t offset, void *data, size_t size, struct error *error)
{
    struct buffer *bytes = context;
    (void)error;
    CHECK(offset + size <= bytes->size);
    memcpy(data, bytes->data + offset, size);
    return true;
}

static bool open_file(struct file *file, struct error *error)
{
    file->file = (struct manifest_file){read_at, &file->bytes, file->bytes.size};
    return manifest_open(&file->file, &file->manifest, error);
}

static void close_file(struct file *file)
{
    manifest_close(file->manifest);
    buffer_fini(&file->bytes);
}

/* The manifest that reading everything gives. */
static bool write_tree(struct world *world, const struct tree *tree, struct file *file,
                       struct manifest_state *state, struct error *error)
{
    static const struct manifest_info info = {MANIFEST_FULL, "m", "g1.e1", NULL, {{0}}};
    struct manifest_writer *writer = manifest_writer_new(&info, append, &file->bytes);
    int nodes[TREE_NODES], count = tree_walk(tree, 0, nodes);
    bool ok = true;
    for (int i = 0; ok && i < count; i++) {
        char path[TREE_PATH];
        tree_path(tree, nodes[i], path);
        if (exclusions_match(&world->exclusions, path))
            continue;
        struct manifest_record record = {.entry = tree_entry(tree, nodes[i], path, true)};
        if (i == 0)
            record.entry.mtime_ns = 0; /* the top's own time is not compared */
        manifest_state_apply(state, NULL, &record.entry);
        ok = manifest_writer_add(writer, &record, error);
    }
    ok = ok && manifest_writer_end(writer, state, &file->digest, error);
    manifest_writer_free(writer);
    return ok && open_file(file, error);
}

/* The receipt of staging: every object below each new/<step>, parents first. */
static bool receive_all(struct world *world, struct manifest_delta *delta, struct error *error)
{
    const struct tree *tree = &world->staged;
    int new = tree_find(tree, ".coeval/new"), nodes[TREE_NODES];
    int count = tree_walk(tree, new, nodes);
    for (int i = 1; i < count; i++) {
        char path[TREE_PATH];
        tree_path(tree, nodes[i], path);
        char *below = path + strlen(".coeval/new/"), *inside = strchr(below, '/');
        struct receipt_record record = {.entry = tree_entry(tree, nodes[i], "", true),
                                        .checksum = ""};
        if (inside != NULL)
            *inside++ = '\0';
        record.step = (uint32_t)strtoul(below, NULL, 10);
        record.inside = inside == NULL ? "" : inside;
        if (!manifest_delta_receive(delta, &record, error))
            return false;
    }
    return true;
}

static bool write_next(struct world *world, struct file *base, bool full, struct file *next,
                       struct manifest_state *state, struct error *error)
{
    struct sorter_options options = {manifest_delta_compare, SORTER_MEMORY_MIN * 16, NULL};
    struct manifest_info info = {full ? MANIFEST_FULL : MANIFEST_DELTA, "m", "g1.e2",
                                 full ? NULL : "g1.e1", base->digest};
    struct manifest_chain chain;
    struct manifest_delta delta = {0};
    struct sorter *sorter = sorter_new(&options);
    struct manifest_writer *writer = manifest_writer_new(&info, append, &next->bytes);
    bool ok = manifest_chain_init(&chain, &base->manifest, &base->digest, 1, error) &&
              manifest_delta_begin(&delta, &world->plan, &chain, sorter, error);
    ok = ok && receive_all(world, &delta, error) &&
         manifest_delta_finish(&delta, full, writer, state, error) &&
         manifest_writer_end(writer, state, &next->digest, error);
    manifest_delta_fini(&delta);
    manifest_chain_fini(&chain);
    manifest_writer_free(writer);
    sorter_free(sorter);
    return ok && open_file(next, error);
}

/* The top's time is whatever it is: take it out of the sum. */
static bool without_top_time(struct manifest_chain *chain, struct manifest_state *state,
                             struct error *error)
{
    const struct entry *top;
    if (!manifest_chain_get(chain, "", &top, error))
        return false;
    struct entry timeless = *top;
    timeless.mtime_ns = 0;
    manifest_state_apply(state, top, &timeless);
    return true;
}

static bool check_next(struct world *world, struct file *base, bool full,
                       const struct manifest_state *before, const struct manifest_state *expected)
{
    struct error error = ERROR_NONE;
    struct manifest_state state = *before;
    struct manifest_chain chain = {0};
    struct file next = {.manifest = NULL};
    bool ok = write_next(world, base, full, &next, &state, &error);
    if (ok) {
        struct manifest *manifests[] = {next.manifest, base->manifest};
        const struct digest digests[] = {next.digest, base->digest};
        ok = manifest_chain_init(&chain, manifests, digests, full ? 1 : 2, &error) &&
             manifest_chain_verify(&chain, &error) && without_top_time(&chain, &state, &error);
    }
    if (!ok)
        fail(world, "manifest: %s", error.text);
    else if (memcmp(&state, expected, sizeof state) != 0)
        ok = fail(world, "the %s manifest does not say what the new tree holds",
                  full ? "full" : "delta");
    else if (!full &&
             world->plan.step_count + world->plan.time_count + world->plan.attribute_count == 0 &&
             manifest_record_count(next.manifest) > 0)
        ok = fail(world, "nothing happened, and yet the delta says something");
    manifest_chain_fini(&chain);
    close_file(&next);
    return ok;
}

bool check_manifest(struct world *world)
{
    struct error error = ERROR_NONE;
    struct manifest_state before = {0}, expected = {0};
    struct file base = {.manifest = NULL}, reference = {.manifest = NULL};
    bool ok = (write_tree(world, &world->old_source, &base, &before, &error) &&
               write_tree(world, &world->new_source, &reference, &expected, &error)) ||
              fail(world, "manifest: %s", error.text);
    ok = ok && check_next(world, &base, false, &before, &expected) &&
         check_next(world, &base, true, &before, &expected);
    close_file(&base);
    close_file(&reference);
    return ok;
}
