/* intake_sweep.c: what differences do not tell, found by holding A's snapshot against what B holds,
 * as its manifest says: rewrites of the same length, times, attributes that changed back and forth,
 * and above all files that were open at the base's T. A store that does not freeze those shows
 * more of them later, in old snapshots too, so that A compared with A would find nothing. */
#include "agent/intake.h"
#include "agent/manifest_file.h"
#include "agent/tree_stream.h"
#include "base/json.h"
#include "base/path.h"

bool intake_wants_sweep(const struct intake *intake)
{
    bool ordered = json_boolean_or(task_settings(intake->task), "sweep", false);
    return intake->base == INTAKE_SEAL && !intake->member->tombstone && !intake_is_whole(intake) &&
           (intake->source.component->features & COMPONENT_BLIND_SPOTS) != 0 &&
           (ordered || intake->standing.open_files);
}

bool intake_held_entry(struct intake *intake, const char *old_path, const struct entry **ret_entry,
                       struct error *error)
{
    if (!manifest_chain_get(manifest_view_chain(intake->held), old_path, ret_entry, error))
        return false;
    return *ret_entry != NULL ||
           error_set(error, ERROR_CONFLICT, "'%.150s' is not in the last seal", old_path);
}

/* By what a listing tells without a call for each object. */
static bool is_other(const struct intake *intake, const struct entry *held, const struct entry *now)
{
    unsigned fields = intake->fields & (ENTRY_OWNER | ENTRY_MODE);
    if (now->type != ENTRY_DIRECTORY)
        fields |= ENTRY_TIMES;
    bool acl = (intake->fields & ENTRY_ACL) != 0 && (held->acl != NULL) != now->has_acl;
    return held->length != now->length || acl || entry_compare(held, now, fields) != 0;
}

static bool look_at(struct intake *intake, const struct entry *now, struct arena *arena,
                    struct error *error)
{
    const struct entry *held;
    const char *old_path = changes_old_path(&intake->changes, now->path, arena);
    if (old_path == NULL || now->path[0] == '\0') /* created: it is copied whole */
        return true;
    if (!intake_held_entry(intake, old_path, &held, error))
        return false;
    return !is_other(intake, held, now) || changes_add_found(&intake->changes, old_path, error);
}

static bool walk(struct intake *intake, struct error *error)
{
    struct tree_options options = {.exclusions = &intake->exclusions, .skip_staging = true};
    struct tree_stream *tree =
        tree_stream_new(intake->source, &intake->call, intake->source_top, &options);
    const struct entry *entry;
    bool done;
    while ((done = tree_stream_next(tree, &entry, error)) && entry != NULL) {
        struct arena arena;
        arena_init(&arena);
        done = look_at(intake, entry, &arena, error);
        arena_fini(&arena);
        if (!done)
            break;
    }
    tree_stream_free(tree);
    return done;
}

bool intake_sweep(struct intake *intake, struct error *error)
{
    if (manifest_view_open(intake->home_b, &intake->call, intake->standing.directory,
                           intake->member->id, &intake->held, error) &&
        walk(intake, error))
        return true;
    if (error->code == ERROR_NOT_FOUND || error->code == ERROR_CORRUPT)
        error->code = ERROR_CONFLICT; /* then B's tree itself is compared */
    return error_wrap(error, "sweep");
}
