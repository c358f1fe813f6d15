/* intake_changes.c: from differences to settled changes: read or made, completed by suspects and
 * the sweep, each touched object described in both states and judged. */
#include <string.h>

#include "agent/area.h"
#include "agent/difference_file.h"
#include "agent/intake.h"
#include "agent/manifest_file.h"
#include "agent/source_listing.h"
#include "agent/suspect_name.h"
#include "agent/tree_stream.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"

#define CHANGES_BYTES_MAX ((size_t)2 << 30)

/* Where the plan's starting state is described: B's own live tree, or A's snapshot of the base. */
static struct store_ref base_view(const struct intake *intake, const char **ret_top)
{
    if (intake->base != INTAKE_SEAL) {
        *ret_top = intake->target_top;
        return intake->target;
    }
    *ret_top = intake->member->tombstone ? intake->target_base_top : intake->source_base_top;
    return intake->member->tombstone ? intake->target : intake->source;
}

/* A failure to read the base's snapshot as it must be: then it is none. */
static bool of_base(struct intake *intake, bool done, const struct error *error)
{
    if (!done && intake->base == INTAKE_SEAL)
        intake->base_failed = error->code == ERROR_NOT_FOUND || error->code == ERROR_CORRUPT;
    return done;
}

/* ---- where differences come from ------------------------------------------------------------ */

struct whole {
    struct intake *intake;
    enum difference_kind kind;
};

static bool add_child(void *context, const struct entry *entry, struct error *error)
{
    struct whole *whole = context;
    struct difference difference = {.kind = whole->kind, .path = entry->path};
    if (strcmp(entry->path, STAGING_NAME) == 0)
        return true;
    return changes_add(&whole->intake->changes, &difference, error);
}

/* One CREATE or DELETE for each child of a top. */
static bool add_children(struct intake *intake, struct store_ref ref, const char *top,
                         enum difference_kind kind, struct error *error)
{
    struct whole whole = {intake, kind};
    return ref.component->list(ref.store, &intake->call, top, add_child, &whole, error);
}

static bool add_top(struct intake *intake, struct error *error)
{
    struct difference top = {.kind = DIFFERENCE_MODIFY, .path = ""};
    return changes_add(&intake->changes, &top, error);
}

struct counting {
    struct listing listing;
    uint64_t entries, bytes;
};

static bool count_next(void *context, const struct entry **ret_entry, struct error *error)
{
    struct counting *counting = context;
    if (!counting->listing.next(counting->listing.context, ret_entry, error))
        return false;
    if (*ret_entry != NULL) {
        counting->entries++;
        counting->bytes += (*ret_entry)->type == ENTRY_FILE ? (*ret_entry)->length : 0;
    }
    return true;
}

/* No seal tells what B must hold in the end: the source's own listing, kept beside the plan. */
static bool compare_noted(struct intake *intake, const struct listing *old,
                          const struct listing *new, struct error *error)
{
    struct source_listing *noted;
    struct error ignored;
    struct listing_options how = {
        .identity = LISTING_BY_PATH, .fields = intake->fields, .limit_bytes = CHANGES_BYTES_MAX};
    if (!source_listing_new(intake, new, &noted, error))
        return false;
    struct counting counting = {.listing = *old};
    struct listing before = {count_next, &counting}, listing = {source_listing_next, noted};
    bool compared =
        listing_difference(&before, &listing, &how, changes_add, &intake->changes, error);
    if (!intake->standing.counted) {
        intake->standing.entries = counting.entries;
        intake->standing.bytes = counting.bytes;
    }
    struct manifest_state state = {0};
    bool kept = source_listing_end(noted, compared, &state, compared ? error : &ignored);
    intake->noted_entries = state.entries;
    intake->noted_bytes = state.bytes;
    return kept && compared;
}

/* B's own tree with A's snapshot, entry by entry and by content. */
static bool add_compared(struct intake *intake, struct error *error)
{
    struct tree_options options = {.exclusions = &intake->exclusions,
                                   .described = true,
                                   .with_crc = true,
                                   .skip_staging = true};
    struct tree_options old_options = options;
    struct entry there;
    /* A stream of what is missing is empty, and an empty source would empty the target. */
    if (!intake->source.component->stat(intake->source.store, &intake->call, intake->source_top,
                                        &intake->arena, &there, error))
        return error_wrap(error, "the snapshot of the source");
    old_options.exclusions = NULL; /* what lies there and is excluded on A goes too */
    struct tree_stream *old =
        tree_stream_new(intake->target, &intake->call, intake->target_top, &old_options);
    struct tree_stream *new =
        tree_stream_new(intake->source, &intake->call, intake->source_top, &options);
    struct listing old_listing = {tree_stream_next, old}, new_listing = {tree_stream_next, new};
    bool done = compare_noted(intake, &old_listing, &new_listing, error);
    tree_stream_free(old);
    tree_stream_free(new);
    return done;
}

static bool add_named(struct intake *intake, const json_t *names, bool path_is_old,
                      struct error *error)
{
    size_t index;
    json_t *name;
    json_array_foreach(names, index, name) {
        const char *path;
        if (!suspect_path(name, &intake->arena, &path, error) ||
            !changes_add_candidate(&intake->changes, path, path_is_old, true, error))
            return false;
    }
    return true;
}

static bool add_suspects(struct intake *intake, struct error *error)
{
    size_t index;
    json_t *item;
    const json_t *moment = json_object_get(intake->task->instruction.body, "moment");
    const json_t *lists[] = {json_object_get(moment, "members"),
                             json_object_get(task_settings(intake->task), "suspects")};
    for (size_t list = 0; list < ARRAY_LENGTH(lists); list++)
        json_array_foreach(lists[list], index, item)
            if (strcmp(json_string_or(item, "id", ""), intake->member->id) == 0 &&
                !add_named(intake, json_object_get(item, "suspects"), list == 1, error))
                return false;
    return true;
}

static bool add_stored(struct intake *intake, struct error *error)
{
    const char *base_a =
        json_string_or(json_object_get(intake->task->instruction.body, "base"), "snapshot_a", NULL);
    const char *snapshot = json_string_or(intake->task->instruction.body, "snapshot", NULL);
    const char *path = arena_format(
        &intake->arena, "%s/difference.%s",
        area_of(&intake->arena, intake->home_a, &intake->task->instruction), intake->member->id);
    struct error absent = ERROR_NONE;
    if (difference_file_read(intake->home_a, &intake->call, path, changes_add, &intake->changes,
                             &absent))
        return true;
    if (absent.code != ERROR_NOT_FOUND) {
        *error = absent;
        return false;
    }
    /* Not stored (the area was cleaned): the snapshots can still tell. */
    return of_base(intake,
                   intake->source.component->difference(
                       intake->source.store, &intake->call, intake->member->source_root,
                       intake->member->source_below, base_a, snapshot, changes_add,
                       &intake->changes, error),
                   error);
}

static bool add_all(struct intake *intake, struct error *error)
{
    if (intake->member->tombstone)
        return intake->base == INTAKE_EMPTY ||
               add_children(intake, intake->target, intake->target_top, DIFFERENCE_DELETE, error);
    switch (intake->base) {
    case INTAKE_EMPTY:
        return add_top(intake, error) &&
               add_children(intake, intake->source, intake->source_top, DIFFERENCE_CREATE, error);
    case INTAKE_LIVE:
        return add_top(intake, error) && add_compared(intake, error);
    case INTAKE_SEAL:
        if (!intake_is_whole(intake))
            return add_stored(intake, error) && add_suspects(intake, error);
        return add_top(intake, error) &&
               of_base(intake,
                       add_children(intake, intake->target, intake->target_base_top,
                                    DIFFERENCE_DELETE, error),
                       error) &&
               add_children(intake, intake->source, intake->source_top, DIFFERENCE_CREATE, error);
    }
    CHECK_UNREACHABLE();
}

/* ---- judging -------------------------------------------------------------------------------- */

/* Equal length and times prove little (cp -p, rsync -t, a restored file): the content is asked, at
 * the cost of what the difference, a suspect or a sweep named. */
static bool compare_content(struct intake *intake, struct change *change, const char *old_path,
                            const char *new_path, const struct entry *old, const struct entry *new,
                            struct error *error)
{
    bool same = true;
    bool unproven = intake->base == INTAKE_SEAL && !intake->member->tombstone && !change->forced &&
                    old->type == ENTRY_FILE && new->type == ENTRY_FILE &&
                    old->length == new->length && old->mtime_ns == new->mtime_ns;
    if (unproven &&
        !store_same_content(intake->source, &intake->call, old_path, new_path, &same, error))
        return false;
    change->forced = change->forced || !same;
    return true;
}

static bool describe_or_read(struct intake *intake, struct store_ref ref, const char *path,
                             struct arena *arena, struct entry *ret_entry, struct error *error)
{
    uint64_t length;
    if (!ref.component->describe(ref.store, &intake->call, path, arena, ret_entry, error))
        return false;
    if (intake->base != INTAKE_LIVE || ret_entry->type != ENTRY_FILE || ret_entry->crc_known)
        return true;
    ret_entry->crc_known = true;
    return store_read_crc(ref, &intake->call, path, &ret_entry->crc32c, &length, error);
}

/* What B holds, as its manifest says where a sweep has opened it; else as A's base or B's tree
 * does.
 */
static bool describe_old(struct intake *intake, const char *old_path, const char *full_path,
                         struct store_ref view, struct arena *arena, struct entry *ret_old,
                         struct error *error)
{
    const struct entry *held;
    if (intake->base == INTAKE_EMPTY) { /* the top that we made a moment ago, or shall make */
        *ret_old = (struct entry){.type = ENTRY_DIRECTORY, .owner = "", .group = "", .path = ""};
        return true;
    }
    if (intake->held == NULL)
        return of_base(intake, describe_or_read(intake, view, full_path, arena, ret_old, error),
                       error);
    if (!intake_held_entry(intake, old_path, &held, error))
        return false;
    *ret_old = entry_copy(arena, held);
    return true;
}

/* What the change keeps of both states it copies: the arena goes with each of them. */
static bool judge_one(struct intake *intake, struct change *change, struct arena *arena,
                      struct error *error)
{
    const char *top;
    struct store_ref view = base_view(intake, &top);
    struct entry old, new;
    const char *old_path = path_join(arena, top, change->old_path);
    const char *new_path = path_join(arena, intake->source_top, change->new_path);
    if (!describe_old(intake, change->old_path, old_path, view, arena, &old, error))
        return error_wrap(error, "base of %.100s", change->old_path);
    if (!describe_or_read(intake, intake->source, new_path, arena, &new, error))
        return error_wrap(error, "%.100s", change->new_path);
    return compare_content(intake, change, old_path, new_path, &old, &new, error) &&
           change_judge(&intake->changes, change, &old, &new, intake->fields, error);
}

/* A move brings no bytes that would be looked at: where it leads to, something must be. */
static bool look_at_move(struct intake *intake, const struct change *change, struct error *error)
{
    struct arena arena;
    struct entry entry;
    arena_init(&arena);
    const char *path = path_join(&arena, intake->source_top, change->new_path);
    bool there = intake->source.component->stat(intake->source.store, &intake->call, path, &arena,
                                                &entry, error);
    arena_fini(&arena);
    return there || error_wrap(error, "moved to %.100s", change->new_path);
}

static bool judge_all(struct intake *intake, struct error *error)
{
    struct arena arena;
    bool judged = true;
    arena_init(&arena);
    for (size_t i = 0; judged && i < intake->changes.count; i++) {
        struct change *change = intake->changes.items[i];
        bool is_move = change->kind == CHANGE_MOVE && !intake->member->tombstone;
        judged = call_may_go_on(&intake->call, error) &&
                 (change->kind != CHANGE_TOUCHED || judge_one(intake, change, &arena, error)) &&
                 (!is_move || look_at_move(intake, change, error));
        arena_fini(&arena);
    }
    return judged;
}

/* ---- times and counts ----------------------------------------------------------------------- */

static bool time_of(struct intake *intake, struct store_ref ref, const char *top, const char *path,
                    int64_t *ret_mtime_ns, struct error *error)
{
    struct arena arena;
    struct entry entry;
    arena_init(&arena);
    bool done = ref.component->stat(ref.store, &intake->call, path_join(&arena, top, path), &arena,
                                    &entry, error);
    if (done)
        *ret_mtime_ns = entry.mtime_ns;
    arena_fini(&arena);
    return done;
}

static bool fill_times(struct intake *intake, struct error *error)
{
    const char *top;
    struct store_ref view = base_view(intake, &top);
    for (size_t i = 0; i < intake->changes.directory_count; i++) {
        struct change_directory *directory = &intake->changes.directories[i];
        if (directory->known)
            continue;
        bool old = directory->old_path == NULL || intake->base == INTAKE_EMPTY ||
                   of_base(intake,
                           time_of(intake, view, top, directory->old_path,
                                   &directory->base_mtime_ns, error),
                           error);
        bool new = old && (directory->new_path == NULL ||
                           time_of(intake, intake->member->tombstone ? view : intake->source,
                                   intake->member->tombstone ? top : intake->source_top,
                                   directory->new_path, &directory->now_mtime_ns, error));
        if (!new)
            return error_wrap(error, "times of a directory");
        directory->known = true;
    }
    return true;
}

struct count {
    uint64_t entries, bytes;
};

static bool count_entry(void *context, const struct entry *entry, struct error *error)
{
    struct count *count = context;
    (void)error;
    count->entries++;
    count->bytes += entry->type == ENTRY_FILE ? entry->length : 0;
    return true;
}

static bool count_removed(struct intake *intake, const char *old_path, struct count *ret_count,
                          struct error *error)
{
    const char *top;
    struct store_ref view = base_view(intake, &top);
    struct arena arena;
    struct entry entry;
    arena_init(&arena);
    const char *path = path_join(&arena, top, old_path);
    bool counted = view.component->stat(view.store, &intake->call, path, &arena, &entry, error);
    if (counted && entry.type == ENTRY_DIRECTORY)
        counted = store_walk(view, &intake->call, path, false, NULL, count_entry, ret_count, error);
    else if (counted)
        counted = count_entry(ret_count, &entry, error);
    arena_fini(&arena);
    return counted || error_wrap(error, "count %.100s", old_path);
}

/* How much goes: at the cost of what goes. */
static bool fill_counts(struct intake *intake, struct error *error)
{
    for (size_t i = 0; i < intake->changes.count; i++) {
        struct change *change = intake->changes.items[i];
        struct count count = {0};
        if (change->kind != CHANGE_REMOVE)
            continue;
        if (!of_base(intake, count_removed(intake, change->old_path, &count, error), error))
            return false;
        change->entries = count.entries;
        change->bytes = count.bytes;
    }
    return true;
}

struct source_count {
    struct intake *intake;
    struct count count;
};

static bool skip_in_source(void *context, const char *path)
{
    return exclusions_match(&((struct source_count *)context)->intake->exclusions, path);
}

static bool count_in_source(void *context, const struct entry *entry, struct error *error)
{
    return count_entry(&((struct source_count *)context)->count, entry, error);
}

/* A full epoch, or one that begins at nothing, reads all of the source anyway; what it holds tells
 * whether it shrank. */
static bool count_source(struct intake *intake, struct error *error)
{
    struct source_count counting = {.intake = intake};
    bool anew = intake->base == INTAKE_EMPTY
                    ? intake->standing.there
                    : intake_is_whole(intake) && intake->base == INTAKE_SEAL;
    if (!anew || intake->member->tombstone)
        return true;
    bool counted = store_walk(intake->source, &intake->call, intake->source_top, false,
                              skip_in_source, count_in_source, &counting, error);
    intake->noted_entries = counting.count.entries;
    intake->noted_bytes = counting.count.bytes;
    return counted;
}

static bool settle_changes(struct intake *intake, struct error *error)
{
    return changes_normalise(&intake->changes, error) &&
           (!intake_wants_sweep(intake) || intake_sweep(intake, error)) &&
           judge_all(intake, error) && changes_settle(&intake->changes, error) &&
           fill_times(intake, error) && fill_counts(intake, error);
}

static bool find_changes(struct intake *intake, struct error *error)
{
    struct change_options options = {.exclusions = &intake->exclusions,
                                     .remove_excluded = intake->base == INTAKE_LIVE,
                                     .limit_bytes = CHANGES_BYTES_MAX};
    changes_init(&intake->changes, &options);
    intake->changes_made = true;
    if (!add_all(intake, error))
        return false;
    if (settle_changes(intake, error))
        return count_source(intake, error);
    if (error->code == ERROR_NOT_FOUND) /* what they name does not lie there */
        error->code = ERROR_CONFLICT;
    return false;
}

/* Differences that contradict each other, or the state that they should lead to (facts: a store may
 * tell less than happened): then what lies there is compared entry by entry. A base that turns out
 * to be damaged is a lost one. */
bool intake_find_changes(struct intake *intake, struct error *error)
{
    if (find_changes(intake, error))
        return true;
    if (intake->base != INTAKE_SEAL || (error->code != ERROR_CONFLICT && !intake->base_failed))
        return false;
    if (intake->base_failed) {
        intake->standing.damage = arena_string(&intake->arena, error->text);
        if (!intake_lose_base(intake, error))
            return false;
    } else {
        log_warning(LOG_AGENT, "difference.unsound",
                    "service=%s epoch=%d source=%s error=\"%s\": compared entry by entry instead",
                    intake->task->instruction.service_name, (int)intake->task->instruction.number,
                    intake->member->source_path, error->text);
    }
    changes_fini(&intake->changes);
    intake->changes_made = false;
    manifest_view_close(intake->held);
    intake->held = NULL;
    intake->base = INTAKE_LIVE;
    *error = ERROR_NONE;
    return find_changes(intake, error);
}
