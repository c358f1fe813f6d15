/* commit_compare.c: does B show what the plan promised? The difference base seal -> now against the
 * expected one, at the cost of the change; what a MODIFY names is compared by value; changed files
 * by length and checksum. Without a base: the whole tree against the manifest. */
#include <string.h>

#include "agent/area.h"
#include "agent/area_file.h"
#include "agent/commit.h"
#include "agent/manifest_file.h"
#include "agent/source_listing.h"
#include "agent/tree_stream.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "plan/expected.h"
#include "plan/receipt.h"

#define EXPECTED_BYTES_MAX ((size_t)2 << 30)

static unsigned compared_fields(const struct commit_member *item)
{
    unsigned features = item->target.component->features, fields = ENTRY_CONTENT | ENTRY_TIMES;
    fields |= features & COMPONENT_MODE ? ENTRY_MODE | ENTRY_OWNER : 0;
    fields |= features & COMPONENT_ACL ? ENTRY_ACL : 0;
    fields |= features & COMPONENT_XATTRS ? ENTRY_XATTRS : 0;
    return fields;
}

/* The top's times belong to the snapshots taken of it. */
static unsigned fields_at(const struct commit_member *item, const char *path)
{
    unsigned fields = compared_fields(item);
    return path[0] == '\0' ? fields & ~ENTRY_TIMES : fields;
}

static bool differs(const struct commit_member *item, const char *path, const struct entry *actual,
                    const struct entry *expected, unsigned fields, struct error *error)
{
    struct buffer text;
    if (entry_compare(actual, expected, fields) == 0)
        return true;
    buffer_init(&text, 0);
    entry_explain(actual, expected, fields, &text);
    error_set(error, ERROR_CONFLICT, "%s:%.80s/%.60s: %.100s", item->member->target_instance,
              item->member->target_path, path, buffer_text(&text));
    buffer_fini(&text);
    return false;
}

/* The file at path has the content that the base seal has at base_path: what a MODIFY names may be
 * other bytes of the same length, with the old time. */
static bool same_as_base(struct commit *commit, const struct commit_member *item,
                         const char *base_path, const char *path, struct error *error)
{
    struct arena arena;
    bool same;
    arena_init(&arena);
    const char *sealed = path_join(&arena, item->base_top, base_path);
    bool compared =
        store_same_content(item->target, &commit->call, sealed, path, &same, error) &&
        (same || error_set(error, ERROR_CONFLICT, "%s:%.150s: its content is not that of the base",
                           item->member->target_instance, path));
    arena_fini(&arena);
    return compared;
}

/* ---- the difference ------------------------------------------------------------------------- */

static bool sets_time(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->time_count; i++)
        if (plan->times[i].new_path != NULL && strcmp(plan->times[i].new_path, path) == 0)
            return true;
    return false;
}

/* Where snapshots show the present time of a directory, one that others disturbed is seen neither
 * before the commit nor by a full comparison: it stops nothing. */
static bool has_drifted(const struct commit_member *item, const struct entry *actual,
                        const struct entry *expected, const char *path)
{
    return (item->target.component->features & COMPONENT_DRIFTING) != 0 &&
           actual->type == ENTRY_DIRECTORY && actual->mtime_ns != expected->mtime_ns &&
           !sets_time(&item->plan, path);
}

/* One that was there before and stays: what came is in the receipt, and proven by that. */
static bool compare_one(struct commit *commit, struct commit_member *item,
                        const struct change *touched, const char *top, struct manifest_view *view,
                        struct arena *arena, struct error *error)
{
    const struct entry *expected;
    struct entry actual;
    const char *relative = touched->new_path, *path = path_join(arena, top, relative);
    if (!manifest_chain_get(manifest_view_chain(view), relative, &expected, error) ||
        !item->target.component->describe(item->target.store, &commit->call, path, arena, &actual,
                                          error))
        return false;
    if (expected == NULL)
        return error_set(error, ERROR_CONFLICT, "%.100s is not in the manifest", relative);
    unsigned fields = fields_at(item, relative);
    if (has_drifted(item, &actual, expected, relative))
        fields &= ~ENTRY_TIMES;
    return differs(item, relative, &actual, expected, fields, error) &&
           (actual.type != ENTRY_FILE ||
            same_as_base(commit, item, touched->old_path, path, error));
}

/* By value, against the manifest of this epoch (deltas and all). */
static bool compare_touched(struct commit *commit, struct commit_member *item,
                            const struct expectation *expectation, const char *top,
                            struct manifest_view *view, struct error *error)
{
    struct arena arena;
    bool same = true;
    arena_init(&arena);
    for (size_t i = 0; same && i < expectation->touched_count; i++) {
        arena_fini(&arena);
        same = call_may_go_on(&commit->call, error) &&
               compare_one(commit, item, expectation->touched[i], top, view, &arena, error);
    }
    arena_fini(&arena);
    return same;
}

static bool same_differences(struct commit *commit, struct commit_member *item, const char *to,
                             struct expectation *expectation, struct error *error)
{
    if (!expectation_init(expectation, &item->plan, EXPECTED_BYTES_MAX, error) ||
        !item->target.component->difference(item->target.store, &commit->call,
                                            item->member->target_root, item->member->target_below,
                                            commit->base_snapshot, to, expectation_add, expectation,
                                            error) ||
        !expectation_finish(expectation, error))
        return false;
    if (expectation->mismatch_count == 0)
        return true;
    return error_set(error, ERROR_CONFLICT,
                     "%s:%.80s does not show what was planned (%zu differences): %.110s",
                     item->member->target_instance, item->member->target_path,
                     expectation->mismatch_count, buffer_text(&expectation->mismatches));
}

bool commit_compare(struct commit *commit, struct commit_member *item, const char *to,
                    struct error *error)
{
    struct expectation expectation;
    if (item->base != INTAKE_SEAL)
        return true; /* there is nothing to differ from: commit_verify() looks at the whole */
    bool same = same_differences(commit, item, to, &expectation, error);
    if (same && to != NULL) {
        struct manifest_view *view;
        same = manifest_view_open(commit->home, &commit->call, commit->directory, item->member->id,
                                  &view, error);
        if (same) {
            same = compare_touched(commit, item, &expectation, item->candidate, view, error);
            manifest_view_close(view);
        }
    }
    expectation_fini(&expectation);
    return same;
}

/* ---- changed files -------------------------------------------------------------------------- */

struct checking {
    struct commit *commit;
    struct commit_member *item;
    struct arena arena;
};

static bool check_content(struct checking *checking, const struct receipt_record *record,
                          const char *path, struct error *error)
{
    struct commit *commit = checking->commit;
    struct store_ref ref = checking->item->target;
    char checksum[96];
    uint32_t crc;
    uint64_t length;
    if (record->checksum[0] != '\0') {
        if (!ref.component->checksum(ref.store, &commit->call, path, checksum, error))
            return false;
        return strcmp(checksum, record->checksum) == 0 ||
               error_set(error, ERROR_CORRUPT, "%.150s: its checksum is not that of what came",
                         path);
    }
    if (!store_read_crc(ref, &commit->call, path, &crc, &length, error))
        return false;
    return (crc == record->entry.crc32c && length == record->entry.length) ||
           error_set(error, ERROR_CORRUPT, "%.150s: its content is not what came", path);
}

static bool check_record(void *context, const struct receipt_record *record, struct error *error)
{
    struct checking *checking = context;
    struct commit_member *item = checking->item;
    struct entry actual;
    arena_fini(&checking->arena);
    const struct plan_step *step = plan_step_get(&item->plan, record->step);
    if (step == NULL || step->kind != PLAN_PLACE)
        return error_set(error, ERROR_CORRUPT, "the receipt names step %u, the plan does not",
                         record->step);
    const char *relative = path_join(&checking->arena, step->place, record->inside);
    const char *path = path_join(&checking->arena, item->candidate, relative);
    if (!call_may_go_on(&checking->commit->call, error) ||
        !item->target.component->describe(item->target.store, &checking->commit->call, path,
                                          &checking->arena, &actual, error))
        return false;
    unsigned fields = fields_at(item, relative);
    /* A directory that renames come into, or leave, has the times of the commit's last phase. */
    if (record->entry.type == ENTRY_DIRECTORY)
        fields &= ~ENTRY_TIMES;
    return differs(item, relative, &actual, &record->entry, fields, error) &&
           (record->entry.type != ENTRY_FILE || check_content(checking, record, path, error));
}

static bool check_receipt(struct commit *commit, struct commit_member *item, struct error *error)
{
    struct checking checking = {.commit = commit, .item = item};
    struct receipt_reader reader;
    const char *path =
        commit_path(commit, arena_format(&commit->arena, "receipt.%s", item->member->id));
    arena_init(&checking.arena);
    receipt_reader_init(&reader, check_record, &checking);
    bool same = receipt_file_read(commit->home, &commit->call, path, &reader, error);
    receipt_reader_fini(&reader);
    arena_fini(&checking.arena);
    return same;
}

/* ---- the whole tree ------------------------------------------------------------------------- */

static bool refuse_difference(void *context, const struct difference *difference,
                              struct error *error)
{
    struct commit_member *item = context;
    return error_set(error, ERROR_CONFLICT, "%s:%.80s differs from its manifest: %c %.100s",
                     item->member->target_instance, item->member->target_path, difference->kind,
                     difference->path);
}

bool compare_with_manifest(struct store_ref home, const struct call *call, const char *directory,
                           struct commit_member *item, const char *top, bool with_crc,
                           struct error *error)
{
    struct tree_options options = {.described = true, .with_crc = with_crc, .skip_staging = true};
    struct listing_options how = {.identity = LISTING_BY_PATH, .fields = compared_fields(item)};
    struct manifest_view *view;
    if (!manifest_view_open(home, call, directory, item->member->id, &view, error))
        return false;
    struct tree_stream *tree = tree_stream_new(item->target, call, top, &options);
    struct listing expected = {manifest_view_next, view}, actual = {tree_stream_next, tree};
    bool same = listing_difference(&expected, &actual, &how, refuse_difference, item, error);
    tree_stream_free(tree);
    manifest_view_close(view);
    return same;
}

/* The manifest was read from the frozen tree itself: it must also be what A's snapshot held when
 * both were compared, or somebody wrote here since. */
static bool compare_with_source(struct commit *commit, struct commit_member *item,
                                struct error *error)
{
    struct listing_options how = {.identity = LISTING_BY_PATH,
                                  .fields = compared_fields(item) & item->fields};
    struct manifest_view *source, *frozen;
    const char *member = source_listing_member(&commit->arena, item->member->id);
    if (!manifest_view_open(commit->home, &commit->call, commit->directory, member, &source, error))
        return false;
    bool same = manifest_view_open(commit->home, &commit->call, commit->directory, item->member->id,
                                   &frozen, error);
    if (same) {
        struct listing expected = {manifest_view_next, source},
                       actual = {manifest_view_next, frozen};
        same = listing_difference(&expected, &actual, &how, refuse_difference, item, error);
        manifest_view_close(frozen);
    }
    manifest_view_close(source);
    return same;
}

bool commit_verify(struct commit *commit, struct commit_member *item, struct error *error)
{
    if (!commit_compare(commit, item, commit->candidate, error) ||
        !check_receipt(commit, item, error))
        return false;
    if (item->base == INTAKE_LIVE && !item->member->tombstone &&
        !compare_with_source(commit, item, error))
        return false;
    return item->base == INTAKE_SEAL ||
           compare_with_manifest(commit->home, &commit->call, commit->directory, item,
                                 item->candidate, false, error);
}

/* ---- after a roll-back ---------------------------------------------------------------------- */

struct returned {
    struct commit *commit;
    struct commit_member *item;
};

/* Somebody was there and left a time or other attributes: they are set as they were, for nobody
 * would do it later. */
static bool set_back(struct returned *returned, const char *path, const struct entry *then,
                     const struct entry *now, unsigned fields, struct error *error)
{
    struct commit_member *item = returned->item;
    struct buffer text;
    if (fields == 0)
        return true;
    buffer_init(&text, 0);
    entry_explain(now, then, fields, &text);
    log_notice(LOG_AGENT, "target.reset", "service=%s epoch=%d place=%s by_others=\"%s\"",
               returned->commit->task->instruction.service_name,
               (int)returned->commit->task->instruction.number, path, buffer_text(&text));
    buffer_fini(&text);
    return item->target.component->set_attributes(item->target.store, &returned->commit->call, path,
                                                  then, fields, error);
}

/* By value: its content is as then, and so are its attributes in the end. */
static bool is_same_again(struct returned *returned, const char *relative, struct error *error)
{
    struct commit_member *item = returned->item;
    const struct component *component = item->target.component;
    struct arena arena;
    struct entry then, now;
    arena_init(&arena);
    const char *path = path_join(&arena, item->member->target_path, relative);
    unsigned fields = fields_at(item, relative);
    bool same =
        component->describe(item->target.store, &returned->commit->call,
                            path_join(&arena, item->base_top, relative), &arena, &then, error) &&
        component->describe(item->target.store, &returned->commit->call, path, &arena, &now,
                            error) &&
        differs(item, relative, &now, &then, fields & ENTRY_CONTENT, error) &&
        (now.type != ENTRY_FILE || same_as_base(returned->commit, item, relative, path, error)) &&
        set_back(returned, path, &then, &now, entry_compare(&now, &then, fields & ENTRY_ATTRIBUTES),
                 error);
    arena_fini(&arena);
    return same;
}

/* Same inode moved away and back, attributes equal by value: no change (facts X9). */
static bool is_back(void *context, const struct difference *difference, struct error *error)
{
    struct returned *returned = context;
    struct commit_member *item = returned->item;
    if (difference->kind == DIFFERENCE_RENAME && strcmp(difference->path, difference->target) == 0)
        return true;
    bool replaced = item->restaged; /* from the base: a new object with the same content */
    if (difference->kind == DIFFERENCE_MODIFY)
        return is_same_again(returned, difference->path, error);
    return replaced || error_set(error, ERROR_CONFLICT, "%s:%.80s is not back: %c %.100s",
                                 item->member->target_instance, item->member->target_path,
                                 difference->kind, difference->path);
}

static bool is_back_by_value(void *context, const struct difference *difference,
                             struct error *error)
{
    struct returned *returned = context;
    return difference->kind == DIFFERENCE_MODIFY
               ? is_same_again(returned, difference->path, error)
               : refuse_difference(returned->item, difference, error);
}

/* All of it, content included, with the frozen tree itself: a manifest may be damaged. */
static bool compare_with_seal(struct returned *returned, struct error *error)
{
    struct commit *commit = returned->commit;
    struct commit_member *item = returned->item;
    struct tree_options options = {.described = true, .with_crc = true, .skip_staging = true};
    struct listing_options how = {.identity = LISTING_BY_PATH, .fields = compared_fields(item)};
    struct tree_stream *sealed =
        tree_stream_new(item->target, &commit->call, item->base_top, &options);
    struct tree_stream *live =
        tree_stream_new(item->target, &commit->call, item->member->target_path, &options);
    struct listing expected = {tree_stream_next, sealed}, actual = {tree_stream_next, live};
    bool same = listing_difference(&expected, &actual, &how, is_back_by_value, returned, error);
    tree_stream_free(sealed);
    tree_stream_free(live);
    return same;
}

bool commit_is_base(struct commit *commit, struct commit_member *item, struct error *error)
{
    struct returned returned = {commit, item};
    if (item->base != INTAKE_SEAL)
        return true;
    if (!item->target.component->difference(item->target.store, &commit->call,
                                            item->member->target_root, item->member->target_below,
                                            commit->base_snapshot, NULL, is_back, &returned, error))
        return false;
    return !item->restaged || compare_with_seal(&returned, error);
}
