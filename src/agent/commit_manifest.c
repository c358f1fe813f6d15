/* commit_manifest.c: the manifest of a member, from plan, receipt and the base's chain
 * (plan/manifest_delta.h): a delta at the cost of the change, a full one at the start of a chain or
 * when it has grown long. */
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/area_file.h"
#include "agent/commit.h"
#include "agent/manifest_file.h"
#include "agent/run_files.h"
#include "agent/tree_stream.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "plan/manifest_delta.h"

#define SORT_BYTES ((size_t)256 << 20)
#define CHAIN_LENGTH_MAX 16

struct making {
    struct commit *commit;
    struct commit_member *item;
    struct manifest_view *base; /* NULL: none */
    struct manifest_chain empty;
    struct manifest_info info;
    struct manifest_writer *writer;
    bool is_full;
    bool is_read; /* from the frozen tree, not made of plan and receipt */
};

/* ---- compared with what lay there ----------------------------------------------------------- */

/* B's own tree tells, read once more: the transfer has proven it equal, or replaced it. */
static bool write_live(struct making *making, struct error *error)
{
    struct tree_options options = {.described = true, .with_crc = true, .skip_staging = true};
    struct tree_stream *tree = tree_stream_new(making->item->target, &making->commit->call,
                                               making->item->candidate, &options);
    const struct entry *entry;
    bool done;
    while ((done = tree_stream_next(tree, &entry, error)) && entry != NULL) {
        struct manifest_record record = {.entry = *entry};
        manifest_state_apply(&making->item->state, NULL, entry);
        done = manifest_writer_add(making->writer, &record, error);
        if (!done)
            break;
    }
    tree_stream_free(tree);
    return done;
}

/* ---- from plan and receipt ------------------------------------------------------------------ */

static bool give_top(struct making *making, struct manifest_delta *delta, struct error *error)
{
    struct arena arena;
    struct entry top;
    if (making->base != NULL)
        return true;
    arena_init(&arena);
    bool done =
        making->item->target.component->describe(making->item->target.store, &making->commit->call,
                                                 making->item->candidate, &arena, &top, error);
    if (done) {
        top.path = "";
        done = manifest_delta_top(delta, &top, error);
    }
    arena_fini(&arena);
    return done;
}

static bool add_receipt(struct making *making, struct manifest_delta *delta, struct error *error)
{
    struct commit *commit = making->commit;
    struct receipt_reader reader;
    const char *name = arena_format(&commit->arena, "receipt.%s", making->item->member->id);
    receipt_reader_init(&reader, manifest_delta_receive, delta);
    bool done =
        receipt_file_read(commit->home, &commit->call, commit_path(commit, name), &reader, error);
    receipt_reader_fini(&reader);
    return done;
}

static bool write_delta(struct making *making, struct error *error)
{
    struct manifest_delta delta;
    struct manifest_chain *chain =
        making->base == NULL ? &making->empty : manifest_view_chain(making->base);
    struct run_files *runs =
        run_files_new(agent_parts(making->commit->task->agent)->options->work_directory);
    struct sorter_options options = {manifest_delta_compare, SORT_BYTES, run_files_runs(runs)};
    struct sorter *sorter = sorter_new(&options);
    bool done =
        manifest_delta_begin(&delta, &making->item->plan, chain, sorter, error) &&
        add_receipt(making, &delta, error) && give_top(making, &delta, error) &&
        manifest_delta_finish(&delta, making->is_full, making->writer, &making->item->state, error);
    manifest_delta_fini(&delta);
    sorter_free(sorter);
    run_files_free(runs);
    return done;
}

/* ---- the file ------------------------------------------------------------------------------- */

static bool write_file(struct making *making, struct error *error)
{
    struct commit *commit = making->commit;
    struct commit_member *item = making->item;
    struct area_file_writer *file;
    const char *name = arena_format(&commit->arena, "manifest.%s", item->member->id);
    if (!area_file_new(commit->home, &commit->call, commit_path(commit, name), &file, error))
        return false;
    making->writer = manifest_writer_new(&making->info, area_file_sink, file);
    bool done = (making->is_read ? write_live(making, error) : write_delta(making, error)) &&
                manifest_writer_end(making->writer, &item->state, &item->digest, error);
    manifest_writer_free(making->writer);
    if (done)
        return area_file_commit(file, error);
    area_file_abort(file);
    return false;
}

static bool open_chain(struct making *making, struct error *error)
{
    struct commit *commit = making->commit;
    struct commit_member *item = making->item;
    if (!manifest_view_open(commit->home, &commit->call, commit->base_directory, item->member->id,
                            &making->base, error) ||
        !manifest_view_digest(making->base, &making->info.parent_digest, error))
        return error_wrap(error, "manifest of the base");
    item->state = *manifest_get_state(manifest_view_chain(making->base)->cursors[0].manifest);
    making->is_full = manifest_chain_is_long(manifest_view_chain(making->base), CHAIN_LENGTH_MAX);
    return true;
}

static bool open_base(struct making *making, bool is_read, struct error *error)
{
    making->is_full = true;
    making->is_read = is_read || making->item->base == INTAKE_LIVE;
    return is_read || making->item->base != INTAKE_SEAL || open_chain(making, error);
}

static bool write_manifest(struct commit *commit, struct commit_member *item, bool is_read,
                           struct error *error)
{
    struct making *making = memory_new(sizeof *making);
    making->commit = commit;
    making->item = item;
    item->state = (struct manifest_state){0};
    bool done = open_base(making, is_read, error);
    item->is_full = making->is_full;
    item->parent = making->is_full ? NULL : path_name(commit->base_directory);
    making->info.kind = making->is_full ? MANIFEST_FULL : MANIFEST_DELTA;
    making->info.member = item->member->id;
    making->info.epoch = path_name(commit->directory);
    making->info.parent = item->parent;
    done = done && write_file(making, error);
    manifest_view_close(making->base);
    free(making);
    return done || error_wrap(error, "manifest of %s", item->member->target_path);
}

/* What the base's chain would tell of unchanged files is read from the frozen tree when the chain
 * is damaged: the differences of the store, not the chain, prove that they are unchanged. */
bool commit_write_manifest(struct commit *commit, struct commit_member *item, struct error *error)
{
    if (write_manifest(commit, item, false, error))
        return true;
    if (item->base != INTAKE_SEAL ||
        (error->code != ERROR_CORRUPT && error->code != ERROR_NOT_FOUND))
        return false;
    log_warning(LOG_AGENT, "manifest.damaged",
                "service=%s epoch=%d target=%s error=\"%s\": a full one is read from the target",
                commit->task->instruction.service_name, (int)commit->task->instruction.number,
                item->member->target_path, error->text);
    *error = ERROR_NONE;
    return write_manifest(commit, item, true, error);
}
