/* task_verify.c: a sealed epoch against its manifest, entry by entry and byte by byte, from B
 * alone. Finds what somebody deleted or changed since, and bit rot. */
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/seal_file.h"
#include "agent/commit.h"
#include "agent/manifest_file.h"
#include "agent/task_kinds.h"
#include "agent/tree_stream.h"
#include "base/check.h"
#include "base/json.h"
#include "base/path.h"

#define FINDINGS_MAX 1000

struct verifying {
    struct task *task;
    struct call call;
    struct arena arena;
    struct store_ref home, target;
    const char *directory;
    const json_t *member;
    json_t *findings;
    uint64_t entries, bytes;
};

static void find(struct verifying *verifying, const char *what)
{
    if (json_array_size(verifying->findings) >= FINDINGS_MAX)
        return;
    json_t *item = json_object();
    json_set_string(item, "member", json_string_or(verifying->member, "target_path", ""));
    json_set_string(item, "what", what);
    json_append_take(verifying->findings, item);
}

static bool take_difference(void *context, const struct difference *difference, struct error *error)
{
    struct verifying *verifying = context;
    struct buffer text;
    (void)error;
    if (difference->kind == DIFFERENCE_MODIFY && difference->path[0] == '\0')
        return true;
    buffer_init(&text, 0);
    buffer_append_text(&text, difference->kind == DIFFERENCE_CREATE   ? "not in the manifest: "
                              : difference->kind == DIFFERENCE_DELETE ? "missing: "
                                                                      : "changed: ");
    path_print(&text, difference->path);
    find(verifying, buffer_text(&text));
    buffer_fini(&text);
    return true;
}

/* The manifest's own promises: digests, and the root hash of the whole set. */
static bool check_manifest(struct verifying *verifying, struct manifest_view *view,
                           struct error *error)
{
    const json_t *manifest = json_object_get(verifying->member, "manifest");
    struct manifest_chain *chain = manifest_view_chain(view);
    const struct manifest_state *state = manifest_get_state(chain->cursors[0].manifest);
    struct digest digest;
    char text[DIGEST_TEXT_SIZE];
    if (!manifest_view_digest(view, &digest, error) || !manifest_chain_verify(chain, error))
        return false;
    digest_format(&digest, text);
    if (strcmp(text, json_string_or(manifest, "sha256", "")) != 0)
        find(verifying, "its manifest is not the one that the seal names");
    hex_format(state->root.bytes, DIGEST_SIZE, text);
    if (strcmp(text, json_string_or(manifest, "root_hash", "")) != 0)
        find(verifying, "the entries of its manifest do not have the seal's root hash");
    verifying->entries += state->entries;
    verifying->bytes += state->bytes;
    return true;
}

/* The frozen tree, and how far it was read. */
struct reading {
    struct task *task;
    struct tree_stream *tree;
};

static bool read_next(void *context, const struct entry **ret_entry, struct error *error)
{
    struct reading *reading = context;
    if (!tree_stream_next(reading->tree, ret_entry, error))
        return false;
    if (*ret_entry != NULL)
        atomic_fetch_add(&reading->task->counters.files_done, 1);
    return true;
}

static bool verify_member(struct verifying *verifying, struct error *error)
{
    const char *id = json_string_or(verifying->member, "id", "");
    const json_t *snapshot = json_object_get(verifying->member, "snapshot");
    const char *instance = json_string_or(verifying->member, "target_instance", "");
    const char *root = json_string_or(verifying->member, "target_root", "");
    const char *path = json_string_or(verifying->member, "target_path", "");
    struct manifest_view *view;
    if (!path_is_under(path, root))
        return error_set(error, ERROR_CORRUPT, "the seal's member %s is not under its root", id);
    if (!task_store(verifying->task, task_scope(verifying->task), instance, &verifying->target,
                    error) ||
        !manifest_view_open(verifying->home, &verifying->call, verifying->directory, id, &view,
                            error))
        return false;
    const struct component *component = verifying->target.component;
    const char *top = component->snapshot_path(verifying->target.store, root,
                                               json_string_or(snapshot, "name", ""),
                                               path_below(path, root), &verifying->arena);
    struct tree_options options = {.described = true, .with_crc = true, .skip_staging = true};
    unsigned fields = ENTRY_CONTENT | ENTRY_TIMES | ENTRY_MODE | ENTRY_OWNER;
    fields |= component->features & COMPONENT_ACL ? ENTRY_ACL : 0;
    fields |= component->features & COMPONENT_XATTRS ? ENTRY_XATTRS : 0;
    struct listing_options how = {.identity = LISTING_BY_PATH,
                                  .fields = fields,
                                  .drifting = (component->features & COMPONENT_DRIFTING) != 0};
    struct tree_stream *tree = tree_stream_new(verifying->target, &verifying->call, top, &options);
    struct reading reading = {verifying->task, tree};
    struct listing expected = {manifest_view_next, view}, actual = {read_next, &reading};
    bool done = check_manifest(verifying, view, error) &&
                listing_difference(&expected, &actual, &how, take_difference, verifying, error);
    tree_stream_free(tree);
    manifest_view_close(view);
    return done || error_wrap(error, "%s:%s", instance, path);
}

/* What there is to do, before it is done: every member's manifest says it, and the seal repeats it.
 * A try that failed counted for itself. */
static void count_all(struct verifying *verifying, const json_t *members)
{
    struct task *task = verifying->task;
    uint64_t entries = 0, bytes = 0;
    size_t index;
    json_t *member;
    json_array_foreach((json_t *)(uintptr_t)members, index, member) {
        const json_t *manifest = json_object_get(member, "manifest");
        entries += (uint64_t)json_integer_or(manifest, "entries", 0);
        bytes += (uint64_t)json_integer_or(manifest, "bytes", 0);
    }
    atomic_store(&task->counters.files_done, 0);
    atomic_store(&task->counters.bytes_read, 0);
    atomic_store(&task->files_total, entries);
    atomic_store(&task->bytes_total, bytes);
}

static bool verify_seal(struct task *task, struct limiter *limiter, struct error *error)
{
    struct verifying verifying = {.task = task, .call = task_call(task)};
    verifying.call.limiter = limiter;
    json_t *seal;
    size_t index;
    if (!task_area_store(task, task_scope(task), &verifying.home, error))
        return false;
    arena_init(&verifying.arena);
    int64_t generation =
        json_integer_or(task->instruction.body, "generation", task->instruction.generation);
    verifying.directory =
        area_epoch(&verifying.arena, verifying.home.area, task->instruction.pair,
                   task->instruction.service, generation, task->instruction.number);
    bool done = seal_read(verifying.home, &verifying.call, verifying.directory, &seal, error);
    if (!done) {
        arena_fini(&verifying.arena);
        return false;
    }
    count_all(&verifying, json_object_get(seal, "members"));
    verifying.findings = json_array();
    json_t *member;
    json_array_foreach(json_object_get(seal, "members"), index, member) {
        verifying.member = member;
        done = done && verify_member(&verifying, error);
    }
    if (done) {
        task_result_take(task, "equal", json_boolean(json_array_size(verifying.findings) == 0));
        task_result_take(task, "findings", json_incref(verifying.findings));
        task_result_take(task, "entries", json_integer((json_int_t)verifying.entries));
        task_result_take(task, "bytes", json_integer((json_int_t)verifying.bytes));
    }
    json_decref(verifying.findings);
    json_decref(seal);
    arena_fini(&verifying.arena);
    return done;
}

/* A scrub has a rate of its own, below that of the service; what an operator waits for has not. */
static bool verify(struct task *task, unsigned lane, struct error *error)
{
    int64_t rate = json_integer_or(task->instruction.body, "bytes_per_second", 0);
    struct limiter *own = rate > 0 ? limiter_new(task->limiter) : NULL;
    (void)lane;
    if (own != NULL)
        limiter_set(own, (uint64_t)rate, 0);
    bool done = verify_seal(task, own != NULL ? own : task->limiter, error);
    limiter_free(own);
    return done;
}

static const struct task_stage stages[] = {{.phase = "verify", .run = verify}};

const struct task_kind task_kind_verify = {
    .name = "verify",
    .stages = stages,
    .stage_count = ARRAY_LENGTH(stages),
    .is_long = true,
    .only_reads = true,
};

/* ---- move-root ------------------------------------------------------------------------------ */

struct ours {
    struct arena *arena;
    const char **names;
    size_t count;
    bool foreign;
};

#define ROOT_SNAPSHOTS_MAX 70000

static bool take_snapshot(void *context, const struct snapshot *snapshot, struct error *error)
{
    struct ours *ours = context;
    if (strncmp(snapshot->name, "coeval.", 7) != 0) {
        ours->foreign = true;
        return true;
    }
    if (ours->count == ROOT_SNAPSHOTS_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d snapshots", ROOT_SNAPSHOTS_MAX);
    ours->names[ours->count++] = arena_string(ours->arena, snapshot->name);
    return true;
}

/* A root that is gone has none. */
static bool list_ours(struct store_ref ref, const struct call *call, const char *root,
                      struct arena *arena, struct ours *ret_ours, struct error *error)
{
    struct error absent = ERROR_NONE;
    *ret_ours = (struct ours){.arena = arena,
                              .names = arena_new(arena, ROOT_SNAPSHOTS_MAX * sizeof(char *))};
    if (ref.component->snapshot_list(ref.store, call, root, take_snapshot, ret_ours, &absent) ||
        absent.code == ERROR_NOT_FOUND || absent.code == ERROR_CONFLICT)
        return !ret_ours->foreign ||
               error_set(error, ERROR_CONFLICT,
                         "root %.120s has snapshots that are not Coeval's: remove them with the "
                         "tool that made them first",
                         root);
    *error = absent;
    return false;
}

static bool give_up_root(struct store_ref ref, const struct call *call, const char *root,
                         int64_t *removed, struct error *error)
{
    struct arena arena;
    struct ours ours;
    arena_init(&arena);
    bool done = list_ours(ref, call, root, &arena, &ours, error);
    for (size_t i = 0; done && i < ours.count; i++) {
        done = ref.component->snapshot_remove(ref.store, call, root, ours.names[i], error);
        *removed += done;
    }
    done = done && ref.component->disallow_snapshots(ref.store, call, root, error);
    arena_fini(&arena);
    return done;
}

/* Whatever can be known before the first snapshot goes. */
static bool may_move(struct store_ref ref, const struct call *call, const char *root,
                     const json_t *replaces, struct error *error)
{
    struct arena arena;
    struct entry entry;
    struct ours ours;
    size_t index;
    json_t *replaced;
    arena_init(&arena);
    bool may = ref.component->stat(ref.store, call, root, &arena, &entry, error);
    if (may && entry.type != ENTRY_DIRECTORY)
        may = error_set(error, ERROR_INVALID, "%.120s is not a directory", root);
    if (may && (path_is_under(root, ref.area) || path_is_under(ref.area, root)))
        may = error_set(error, ERROR_CONFLICT, "%.120s and Coeval's own area overlap", root);
    json_array_foreach((json_t *)(uintptr_t)replaces, index, replaced)
        may = may && json_is_string(replaced) &&
              list_ours(ref, call, json_string_value(replaced), &arena, &ours, error);
    arena_fini(&arena);
    return may;
}

/* The operator named the roots: this is his order, not a clean-up. `removed` tells in a failure as
 * well whether anything is lost. */
static bool move_root(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    struct store_ref ref;
    const char *instance, *root;
    const json_t *replaces = json_object_get(task->instruction.body, "replaces");
    int64_t removed = 0;
    task_result_take(task, "removed", json_integer(0));
    size_t index;
    json_t *replaced;
    if (!json_get_string(task->instruction.body, "instance", &instance, error) ||
        !json_get_string(task->instruction.body, "root", &root, error) ||
        !task_store(task, task_scope(task), instance, &ref, error) ||
        !may_move(ref, &call, root, replaces, error))
        return false;
    bool done = true;
    json_array_foreach((json_t *)(uintptr_t)replaces, index, replaced)
        done = done && give_up_root(ref, &call, json_string_value(replaced), &removed, error);
    done = done && ref.component->allow_snapshots(ref.store, &call, root, error);
    task_result_take(task, "removed", json_integer(removed));
    return done;
}

static const struct task_stage move_stages[] = {{.phase = "move-root", .run = move_root}};

const struct task_kind task_kind_move_root = {
    .name = "move-root",
    .stages = move_stages,
    .stage_count = ARRAY_LENGTH(move_stages),
};
