/* world_component.c: the table of component.h over a depot: a store with cheap, atomic snapshots
 * and true differences, as a NameNode has them, without its blind spots. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/path.h"
#include "component/store_util.h"
#include "world_depot.h"

struct store_reader {
    const struct call *call;
    struct store *store;
    char *content;
    size_t size, at;
};

struct store_writer {
    struct call call;
    struct store *store;
    char *path;
};

/* ---- the store itself ----------------------------------------------------------------------- */

static bool check_options(const json_t *options, struct error *error)
{
    (void)options, (void)error;
    return true;
}

static bool open_store(const struct store_config *config, struct store **ret_store,
                       struct error *error)
{
    (void)config, (void)ret_store;
    return error_set(error, ERROR_INVALID, "a depot is made by the scene");
}

static void close_store(struct store *store)
{
    (void)store;
}

static bool identify(struct store *store, const struct call *call,
                     char ret_identity[STORE_IDENTITY_SIZE], struct error *error)
{
    if (!depot_ask(store, call, error))
        return false;
    snprintf(ret_identity, STORE_IDENTITY_SIZE, "depot-of-%s", store->cluster);
    return true;
}

static bool check(struct store *store, const struct call *call, enum store_use use,
                  const char *const *roots, size_t root_count, finding_fn *report, void *context,
                  struct error *error)
{
    (void)use;
    if (!depot_ask(store, call, error))
        return false;
    for (size_t i = 0; i < root_count; i++) {
        struct thing *node = tree_find(&store->tree, roots[i]);
        bool good = node != NULL && node->type == ENTRY_DIRECTORY;
        struct finding finding = {good ? FINDING_OK : FINDING_ERROR,
                                  good ? "a directory" : "no directory", good ? NULL : "make it"};
        report(context, &finding);
    }
    return true;
}

static bool space(struct store *store, const struct call *call, const char *path,
                  struct store_space *ret_space, struct error *error)
{
    (void)path;
    if (!depot_ask(store, call, error))
        return false;
    *ret_space = (struct store_space){.free_bytes = UINT64_MAX, .free_objects = UINT64_MAX};
    return true;
}

static bool clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                         int64_t *ret_uncertainty_us, struct error *error)
{
    if (!depot_ask(store, call, error))
        return false;
    *ret_offset_us = 0;
    *ret_uncertainty_us = 1000;
    return true;
}

static bool confirm(struct store *store, const struct call *call, struct error *error)
{
    return depot_ask(store, call, error);
}

/* ---- looking -------------------------------------------------------------------------------- */

static struct entry entry_of(const struct thing *node, const char *path)
{
    return (struct entry){.path = path,
                          .type = node->type,
                          .length = node->type == ENTRY_FILE ? node->size : 0,
                          .mode = node->mode,
                          .owner = node->owner,
                          .group = node->group,
                          .mtime_ns = node->mtime_ms * 1000000,
                          .file_id = node->id,
                          .birth_ns = 1};
}

static bool find(struct store *store, const struct call *call, const char *path,
                 struct thing **ret_node, struct error *error)
{
    if (!depot_ask(store, call, error))
        return false;
    *ret_node = tree_find(&store->tree, path);
    return *ret_node != NULL || error_set(error, ERROR_NOT_FOUND, "%.80s is not there", path);
}

static bool stat_path(struct store *store, const struct call *call, const char *path,
                      struct arena *arena, struct entry *ret_entry, struct error *error)
{
    struct thing *node;
    if (!find(store, call, path, &node, error))
        return false;
    struct entry entry = entry_of(node, "");
    *ret_entry = entry_copy(arena, &entry);
    return true;
}

/* The listing of one moment; fn may wait for something else. */
static bool list(struct store *store, const struct call *call, const char *path, entry_fn *fn,
                 void *context, struct error *error)
{
    struct thing *node;
    struct arena arena;
    if (!find(store, call, path, &node, error))
        return false;
    arena_init(&arena);
    size_t count = node->child_count;
    struct entry *entries = arena_new(&arena, (count + 1) * sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        struct entry entry = entry_of(node->children[i], node->children[i]->name);
        entries[i] = entry_copy(&arena, &entry);
    }
    bool going_on = true;
    for (size_t i = 0; going_on && i < count; i++)
        going_on = fn(context, &entries[i], error);
    arena_fini(&arena);
    return going_on;
}

static bool checksum(struct store *store, const struct call *call, const char *path,
                     char ret_checksum[96], struct error *error)
{
    struct thing *node;
    if (!find(store, call, path, &node, error))
        return false;
    snprintf(ret_checksum, 96, "crc:%08" PRIx32, crc32c(0, node->content, node->size));
    return true;
}

/* ---- changing ------------------------------------------------------------------------------- */

static bool act(struct store *store, const struct call *call, struct act wanted,
                struct error *error)
{
    struct act done;
    return depot_act(store, call, &wanted, &done, error);
}

#define TEXT(path) (char *)(uintptr_t)(path) /* an act borrows it until it is copied */

static bool make_directory(struct store *store, const struct call *call, const char *path,
                           uint32_t mode, struct error *error)
{
    return act(
        store, call,
        (struct act){.kind = ACT_MAKE, .path = TEXT(path), .type = ENTRY_DIRECTORY, .mode = mode},
        error);
}

static bool rename_path(struct store *store, const struct call *call, const char *from,
                        const char *to, bool replace, struct error *error)
{
    return act(
        store, call,
        (struct act){.kind = ACT_RENAME, .path = TEXT(from), .other = TEXT(to), .flag = replace},
        error);
}

static bool remove_path(struct store *store, const struct call *call, const char *path,
                        bool recursive, struct error *error)
{
    return act(store, call, (struct act){.kind = ACT_REMOVE, .path = TEXT(path), .flag = recursive},
               error);
}

static bool set_attributes(struct store *store, const struct call *call, const char *path,
                           const struct entry *entry, unsigned fields, struct error *error)
{
    return act(store, call,
               (struct act){.kind = ACT_SET, .path = TEXT(path), .entry = *entry, .fields = fields},
               error);
}

/* ---- content -------------------------------------------------------------------------------- */

static bool read_open(struct store *store, const struct call *call, const char *path,
                      uint64_t offset, struct store_reader **ret_reader, struct error *error)
{
    struct thing *node;
    if (!find(store, call, path, &node, error))
        return false;
    if (node->type != ENTRY_FILE)
        return error_set(error, ERROR_INVALID, "%.80s is no file", path);
    struct store_reader *reader = memory_new(sizeof *reader);
    *reader = (struct store_reader){.call = call, .store = store, .size = node->size};
    reader->content = memory_new(node->size + 1);
    memcpy(reader->content, node->content, node->size);
    reader->at = offset < node->size ? (size_t)offset : node->size;
    *ret_reader = reader;
    return true;
}

static bool read_some(struct store_reader *reader, void *data, size_t size, size_t *ret_size,
                      struct error *error)
{
    if (!depot_ask(reader->store, reader->call, error))
        return false;
    size_t left = reader->size - reader->at;
    *ret_size = size < left ? size : left;
    memcpy(data, reader->content + reader->at, *ret_size);
    reader->at += *ret_size;
    if (reader->call->counters != NULL)
        atomic_fetch_add(&reader->call->counters->bytes_read, *ret_size);
    return true;
}

static void read_close(struct store_reader *reader)
{
    if (reader == NULL)
        return;
    free(reader->content);
    free(reader);
}

static bool write_open(struct store *store, const struct call *call, const char *path,
                       uint32_t mode, struct store_writer **ret_writer, struct error *error)
{
    if (!act(store, call,
             (struct act){.kind = ACT_MAKE, .path = TEXT(path), .type = ENTRY_FILE, .mode = mode},
             error))
        return false;
    struct store_writer *writer = memory_new(sizeof *writer);
    *writer = (struct store_writer){*call, store, memory_copy_string(path)};
    *ret_writer = writer;
    return true;
}

static bool write_some(struct store_writer *writer, const void *data, size_t size,
                       struct error *error)
{
    if (!act(writer->store, &writer->call,
             (struct act){
                 .kind = ACT_APPEND, .path = writer->path, .data = TEXT(data), .size = size},
             error))
        return false;
    if (writer->call.counters != NULL)
        atomic_fetch_add(&writer->call.counters->bytes_written, size);
    return true;
}

static bool write_close(struct store_writer *writer, bool commit, struct error *error)
{
    struct error ignored = ERROR_NONE;
    bool done = commit && act(writer->store, &writer->call,
                              (struct act){.kind = ACT_COMPLETE, .path = writer->path}, error);
    struct call last = {.counters = writer->call.counters}; /* also when the task is told to stop */
    if (!done) /* best effort: an unfinished file may stay, as after a crash */
        act(writer->store, &last, (struct act){.kind = ACT_REMOVE, .path = writer->path}, &ignored);
    free(writer->path);
    free(writer);
    return done || !commit;
}

static bool copy_file(struct store *store, const struct call *call, const struct copy_order *order,
                      struct copy_result *ret_result, struct error *error)
{
    struct store_ref ref = {&world_component, store, "/coeval"};
    return store_copy_stream(ref, call, order, ret_result, error);
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static bool allow_snapshots(struct store *store, const struct call *call, const char *root,
                            struct error *error)
{
    return act(store, call, (struct act){.kind = ACT_ALLOW, .path = TEXT(root)}, error);
}

static bool disallow_snapshots(struct store *store, const struct call *call, const char *root,
                               struct error *error)
{
    return act(store, call, (struct act){.kind = ACT_ALLOW, .path = TEXT(root), .flag = true},
               error);
}

static bool snapshot_create(struct store *store, const struct call *call, const char *root,
                            const char *name, struct snapshot *ret_snapshot, struct error *error)
{
    struct act wanted = {.kind = ACT_FREEZE, .path = TEXT(root), .other = TEXT(name)}, done;
    if (!depot_act(store, call, &wanted, &done, error))
        return false;
    *ret_snapshot = (struct snapshot){name, done.frozen->id, done.frozen->instant_us};
    return true;
}

static bool find_root(struct store *store, const struct call *call, const char *root,
                      struct thing **ret_node, struct error *error)
{
    return find(store, call, root, ret_node, error) &&
           ((*ret_node)->is_root || error_set(error, ERROR_NOT_FOUND, "%.80s is no root", root));
}

static bool find_frozen(struct store *store, const struct call *call, const char *root,
                        const char *name, const struct frozen **ret_frozen, struct error *error)
{
    struct thing *node;
    if (!find_root(store, call, root, &node, error))
        return false;
    *ret_frozen = root_frozen(node, name);
    return *ret_frozen != NULL || error_set(error, ERROR_NOT_FOUND, "no snapshot %.80s", name);
}

static bool snapshot_get(struct store *store, const struct call *call, const char *root,
                         const char *name, struct snapshot *ret_snapshot, struct error *error)
{
    const struct frozen *frozen;
    if (!find_frozen(store, call, root, name, &frozen, error))
        return false;
    *ret_snapshot = (struct snapshot){frozen->name, frozen->id, frozen->instant_us};
    return true;
}

#define SNAPSHOTS_MAX 256

static bool snapshot_list(struct store *store, const struct call *call, const char *root,
                          snapshot_fn *fn, void *context, struct error *error)
{
    struct thing *node;
    struct snapshot found[SNAPSHOTS_MAX];
    size_t count = 0;
    if (!find_root(store, call, root, &node, error))
        return false;
    list_for_each(frozen, &node->snapshots, struct frozen, node) {
        CHECK(count < SNAPSHOTS_MAX);
        found[count++] = (struct snapshot){frozen->name, frozen->id, frozen->instant_us};
    }
    for (size_t i = 0; i < count; i++)
        if (!fn(context, &found[i], error))
            return false;
    return true;
}

static bool snapshot_remove(struct store *store, const struct call *call, const char *root,
                            const char *name, struct error *error)
{
    return act(store, call, (struct act){.kind = ACT_THAW, .path = TEXT(root), .other = TEXT(name)},
               error);
}

static const char *snapshot_path(struct store *store, const char *root, const char *snapshot,
                                 const char *relative, struct arena *arena)
{
    (void)store;
    const char *top = arena_format(arena, "%s/" SNAPSHOTS_NAME "/%s", root, snapshot);
    return path_join(arena, top, relative);
}

static bool pinned(struct store *store, const struct call *call, const char *root,
                   const char *relative, const char *snapshot, uint64_t *ret_bytes,
                   struct error *error)
{
    const struct frozen *frozen;
    (void)relative;
    if (!find_frozen(store, call, root, snapshot, &frozen, error))
        return false;
    *ret_bytes = UINT64_MAX; /* not told */
    return true;
}

static bool difference(struct store *store, const struct call *call, const char *root,
                       const char *relative, const char *from, const char *to, difference_fn *fn,
                       void *context, struct error *error)
{
    const struct frozen *before, *after = NULL;
    struct thing *live;
    if (!find_frozen(store, call, root, from, &before, error) ||
        (to != NULL && !find_frozen(store, call, root, to, &after, error)) ||
        !find(store, call, root, &live, error))
        return false;
    return tree_difference(before->top, to == NULL ? live : after->top, relative, fn, context,
                           error);
}

static bool is_suspect(struct store *store, const struct call *call, const char *root,
                       const char *path, const char *snapshot, bool *ret_suspect,
                       struct error *error)
{
    (void)root, (void)path, (void)snapshot;
    *ret_suspect = false;
    return depot_ask(store, call, error);
}

const struct component world_component = {
    .kind = "depot",
    .features = COMPONENT_SNAPSHOT_CHEAP | COMPONENT_SNAPSHOT_ATOMIC | COMPONENT_DIFFERENCE_CHEAP |
                COMPONENT_MODE,
    .check_options = check_options,
    .open = open_store,
    .close = close_store,
    .identify = identify,
    .check = check,
    .space = space,
    .clock_offset = clock_offset,
    .stat = stat_path,
    .describe = stat_path,
    .list = list,
    .checksum = checksum,
    .confirm = confirm,
    .make_directory = make_directory,
    .rename = rename_path,
    .remove = remove_path,
    .set_attributes = set_attributes,
    .copy_file = copy_file,
    .read_open = read_open,
    .read = read_some,
    .read_close = read_close,
    .write_open = write_open,
    .write = write_some,
    .write_close = write_close,
    .allow_snapshots = allow_snapshots,
    .disallow_snapshots = disallow_snapshots,
    .moment_prepare = world_moment_prepare,
    .moment_fire = world_moment_fire,
    .moment_finish = world_moment_finish,
    .moment_free = world_moment_free,
    .snapshot_create = snapshot_create,
    .snapshot_get = snapshot_get,
    .snapshot_list = snapshot_list,
    .snapshot_remove = snapshot_remove,
    .snapshot_path = snapshot_path,
    .pinned = pinned,
    .difference = difference,
    .is_suspect = is_suspect,
};
