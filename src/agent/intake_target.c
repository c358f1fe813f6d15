/* intake_target.c: what lies on the target before anything is changed there. A base seal must be
 * untouched, or the policy says what then; without a base the target must be empty, or adopted. */
#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "agent/intake.h"
#include "agent/seal_file.h"
#include "agent/tree_stream.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"

static bool is_damage(const struct error *error)
{
    return error->code == ERROR_CORRUPT || error->code == ERROR_NOT_FOUND;
}

/* ---- touched? ------------------------------------------------------------------------------- */

struct touch {
    struct intake *intake;
    char example[200];
    uint64_t count;
};

static void note_touch(struct touch *touch, const struct difference *difference)
{
    struct buffer text;
    if (touch->count++ > 0)
        return;
    buffer_init(&text, 0);
    buffer_append_format(&text, "%c ", difference->kind);
    path_print(&text, difference->path);
    strncpy(touch->example, buffer_text(&text), sizeof touch->example - 1);
    buffer_fini(&text);
}

/* Equal length and time prove nothing: the content is compared too. The times of the top belong to
 * the snapshots of it, or of the root above. */
static bool compare_states(struct intake *intake, const char *path, struct arena *arena,
                           bool *ret_modified, struct error *error)
{
    const struct component *component = intake->target.component;
    struct entry sealed, live;
    bool same = true;
    const char *now = path_join(arena, intake->target_top, path);
    const char *then = path_join(arena, intake->standing.top, path);
    unsigned fields = path[0] == '\0' ? intake->fields & ~ENTRY_TIMES : intake->fields;
    if (!component->describe(intake->target.store, &intake->call, then, arena, &sealed, error) ||
        !component->describe(intake->target.store, &intake->call, now, arena, &live, error))
        return false;
    bool modified = entry_compare(&sealed, &live, fields) != 0;
    if (!modified && live.type == ENTRY_FILE &&
        !store_same_content(intake->target, &intake->call, then, now, &same, error))
        return false;
    *ret_modified = modified || !same;
    return true;
}

/* A MODIFY may be no change at all (HDFS-16187; a directory's set of children shows by itself). */
static bool is_modified(struct intake *intake, const char *path, bool *ret_modified,
                        struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    bool looked = compare_states(intake, path, &arena, ret_modified, error);
    arena_fini(&arena);
    if (!looked && error->code == ERROR_NOT_FOUND) {
        *error = ERROR_NONE;
        *ret_modified = looked = true;
    }
    return looked;
}

static bool take_touch(void *context, const struct difference *difference, struct error *error)
{
    struct touch *touch = context;
    bool counts = true;
    if (difference->kind == DIFFERENCE_RENAME && strcmp(difference->path, difference->target) == 0)
        return true; /* moved away and back: a commit that was rolled back leaves this */
    if (difference->kind == DIFFERENCE_MODIFY &&
        !is_modified(touch->intake, difference->path, &counts, error))
        return false;
    if (counts)
        note_touch(touch, difference);
    return true;
}

static bool find_touches(struct intake *intake, struct touch *touch, struct error *error)
{
    return intake->target.component->difference(
        intake->target.store, &intake->call, intake->member->target_root,
        intake->member->target_below, intake->standing.snapshot, NULL, take_touch, touch, error);
}

static bool answer_touch(struct intake *intake, const struct touch *touch, struct error *error)
{
    bool restore =
        strcmp(json_string_or(task_settings(intake->task), "touched", ""), "restore") == 0 ||
        member_is_approved(intake->task, intake->member, "touched");
    if (touch->count == 0)
        return true;
    if (restore) {
        log_warning(LOG_AGENT, "target.touched",
                    "service=%s target=%s changes=%d example=\"%s\": "
                    "compared and restored; what is overwritten is saved",
                    intake->task->instruction.service_name, intake->target_top, (int)touch->count,
                    touch->example);
        intake->base = INTAKE_LIVE;
        return true;
    }
    return member_ask(
        intake->task, intake->member, "touched", error,
        "target %s:%s was changed since its last seal by somebody else (%llu changes, "
        "e.g. %.90s). Approve to restore it (what is overwritten is saved)",
        intake->member->target_instance, intake->target_top, (unsigned long long)touch->count,
        touch->example);
}

static bool count_touch(void *context, const struct difference *difference, struct error *error)
{
    (void)error;
    if (difference->kind != DIFFERENCE_MODIFY || difference->path[0] != '\0')
        note_touch(context, difference);
    return true;
}

/* A roll-back brought back by copying what was gone: other objects with the same content, which a
 * difference takes for somebody's change. Compared by value, on B alone; then, as such a
 * difference would spoil the commit's comparison too, the epoch is compared with its source. */
static bool look_at_restored(struct intake *intake, struct error *error)
{
    struct tree_options options = {.described = true, .with_crc = true, .skip_staging = true};
    struct listing_options how = {.identity = LISTING_BY_PATH, .fields = intake->fields};
    struct touch touch = {.intake = intake};
    struct tree_stream *sealed =
        tree_stream_new(intake->target, &intake->call, intake->standing.top, &options);
    struct tree_stream *live =
        tree_stream_new(intake->target, &intake->call, intake->target_top, &options);
    struct listing old = {tree_stream_next, sealed}, new = {tree_stream_next, live};
    bool done = listing_difference(&old, &new, &how, count_touch, &touch, error);
    tree_stream_free(sealed);
    tree_stream_free(live);
    intake->base = INTAKE_LIVE;
    return done && answer_touch(intake, &touch, error);
}

/* A snapshot whose index or content is damaged tells nothing: then the base is lost. */
static bool look_for_touches(struct intake *intake, struct error *error)
{
    const struct intake_standing *standing = &intake->standing;
    bool restored = false;
    if (!area_is_marked(intake->home_b, &intake->call, standing->directory,
                        area_restored_mark(&intake->arena, intake->member->id), &restored, error))
        return false;
    if (restored)
        return look_at_restored(intake, error);
    struct touch touch = {.intake = intake};
    struct error failure = ERROR_NONE;
    intake->base = INTAKE_SEAL;
    if (find_touches(intake, &touch, &failure))
        return answer_touch(intake, &touch, error);
    if (is_damage(&failure)) {
        intake->standing.damage = arena_string(&intake->arena, failure.text);
        return true;
    }
    *error = failure;
    return false;
}

bool intake_is_touched(struct intake *intake, bool *ret_touched, char ret_example[200],
                       struct error *error)
{
    struct touch touch = {.intake = intake};
    if (!find_touches(intake, &touch, error))
        return false;
    *ret_touched = touch.count > 0;
    memcpy(ret_example, touch.example, sizeof touch.example);
    return true;
}

/* ---- a first epoch -------------------------------------------------------------------------- */

static bool refuse_any(void *context, const struct entry *entry, struct error *error)
{
    (void)context;
    if (strcmp(entry->path, STAGING_NAME) == 0)
        return true;
    return error_set(error, ERROR_EXISTS, "%.100s", entry->path);
}

/* Nothing there, or a directory with nothing in it: the transfer has made the roots by now. What
 * there is, else, in *ret_example. */
static bool is_empty(struct intake *intake, bool *ret_empty, struct error *ret_example,
                     struct error *error)
{
    struct error found = ERROR_NONE;
    *ret_empty = intake->target.component->list(intake->target.store, &intake->call,
                                                intake->target_top, refuse_any, NULL, &found) ||
                 found.code == ERROR_NOT_FOUND;
    *ret_example = found;
    if (*ret_empty || found.code == ERROR_EXISTS)
        return true;
    *error = found;
    return false;
}

static bool look_for_content(struct intake *intake, struct error *error)
{
    struct error found;
    bool empty;
    bool adopt = strcmp(json_string_or(task_settings(intake->task), "adopt", ""), "compare") == 0 ||
                 member_is_approved(intake->task, intake->member, "adopt") ||
                 member_is_approved(intake->task, intake->member, "lost_base");
    if (!is_empty(intake, &empty, &found, error))
        return false;
    intake->base = empty ? INTAKE_EMPTY : INTAKE_LIVE;
    if (empty || adopt)
        return true;
    return member_ask(intake->task, intake->member, "adopt", error,
                      "target %s:%s has data already (e.g. %.90s) and is not from a seal of this "
                      "service. Approve to compare and keep what is equal, or set adopt: compare",
                      intake->member->target_instance, intake->target_top, found.text);
}

/* ---- the seal that B's tree stands on -------------------------------------------------------- */

/* Unless the moment proved of the member's root that none was, or that they stayed as they were. */
static bool had_open_files(const struct intake *intake, const json_t *roots)
{
    size_t index;
    json_t *item;
    json_array_foreach(roots, index, item)
        if (strcmp(json_string_or(item, "instance", ""), intake->member->instance) == 0 &&
            strcmp(json_string_or(item, "root", ""), intake->member->source_root) == 0)
            return !json_boolean_or(item, "open_files_exact", false);
    return true;
}

static void take_member_of_seal(struct intake_standing *standing, const struct intake *intake,
                                const json_t *seal)
{
    size_t index;
    json_t *item;
    standing->is_new = true;
    standing->counted = true;
    json_array_foreach(json_object_get(seal, "members"), index, item) {
        if (strcmp(json_string_or(item, "id", ""), intake->member->id) != 0)
            continue;
        const json_t *manifest = json_object_get(item, "manifest");
        /* It was gone from A then, and comes again: nothing of then is of use. */
        standing->is_new = json_boolean_or(item, "tombstone", false) && !intake->member->tombstone;
        standing->entries = (uint64_t)json_integer_or(manifest, "entries", 0);
        standing->bytes = (uint64_t)json_integer_or(manifest, "bytes", 0);
    }
    standing->open_files = had_open_files(intake, json_object_get(seal, "roots"));
    const json_t *then = json_object_get(seal, "exclude");
    standing->excludes_changed =
        then != NULL && !json_equal(then, json_object_get(task_settings(intake->task), "exclude"));
}

static const char *snapshot_of_seal(struct intake *intake, const json_t *seal)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(seal, "members"), index, item) {
        const char *name = json_string_or(json_object_get(item, "snapshot"), "name", NULL);
        if (name != NULL)
            return arena_string(&intake->arena, name);
    }
    return NULL;
}

static bool read_standing(struct intake *intake, struct intake_standing *standing,
                          struct error *error)
{
    json_t *seal;
    struct error absent = ERROR_NONE;
    if (seal_read(intake->home_b, &intake->call, standing->directory, &seal, &absent)) {
        take_member_of_seal(standing, intake, seal);
        if (!standing->is_base)
            standing->snapshot = snapshot_of_seal(intake, seal);
        json_decref(seal);
    } else if (is_damage(&absent)) {
        standing->damage = arena_string(&intake->arena, absent.text);
        standing->snapshot = standing->is_base ? standing->snapshot : NULL;
    } else {
        *error = absent;
        return false;
    }
    if (standing->snapshot != NULL)
        standing->top = intake->target.component->snapshot_path(
            intake->target.store, intake->member->target_root, standing->snapshot,
            intake->member->target_below, &intake->arena);
    return true;
}

static bool find_standing(struct intake *intake, struct error *error)
{
    struct intake_standing *standing = &intake->standing;
    const struct instruction *instruction = &intake->task->instruction;
    const json_t *base = json_object_get(instruction->body, "base");
    int64_t generation = json_integer_or(base, "generation", 0);
    int64_t number = json_integer_or(base, "number", 0);
    struct area_epoch newest;
    bool found;
    if (!area_newest_seal(intake->home_b, &intake->call, instruction->pair, instruction->service,
                          instruction->number, &newest, &found, error))
        return false;
    standing->is_base = number != 0 && (!found || newest.number <= number);
    standing->there = found || standing->is_base;
    standing->snapshot = json_string_or(base, "snapshot_b", NULL);
    if (!standing->there)
        return true;
    if (!standing->is_base) {
        generation = newest.generation;
        number = newest.number;
    }
    standing->directory = area_epoch(&intake->arena, intake->home_b.area, instruction->pair,
                                     instruction->service, generation, number);
    return read_standing(intake, standing, error);
}

static bool has_snapshot(struct store_ref ref, const struct call *call, const char *root,
                         const char *name, bool *ret_there, struct error *error)
{
    struct snapshot snapshot;
    struct error absent = ERROR_NONE;
    *ret_there = ref.component->snapshot_get(ref.store, call, root, name, &snapshot, &absent);
    if (*ret_there || is_damage(&absent))
        return true;
    *error = absent;
    return false;
}

/* On B: the seal's snapshot with the member in it (one that came later has no part in it), beside a
 * tree to compare. */
static bool look_on_b(struct intake *intake, bool *ret_there, struct error *error)
{
    const struct intake_standing *standing = &intake->standing;
    *ret_there = false;
    if (standing->snapshot == NULL)
        return true;
    return has_snapshot(intake->target, &intake->call, intake->member->target_root,
                        standing->snapshot, ret_there, error) &&
           (!*ret_there ||
            store_exists(intake->target, &intake->call, standing->top, ret_there, error));
}

static bool look_on_a(struct intake *intake, bool *ret_there, struct error *error)
{
    const char *base_a =
        json_string_or(json_object_get(intake->task->instruction.body, "base"), "snapshot_a", NULL);
    *ret_there = base_a != NULL;
    if (intake->member->tombstone || base_a == NULL)
        return true;
    return has_snapshot(intake->source, &intake->call, intake->member->source_root, base_a,
                        ret_there, error);
}

static const char *why_lost(const struct intake_standing *standing)
{
    return !standing->is_base         ? "older than what was sealed last"
           : standing->damage != NULL ? "damaged"
                                      : "not on both sides any more";
}

bool intake_lose_base(struct intake *intake, struct error *error)
{
    const json_t *body = intake->task->instruction.body, *base = json_object_get(body, "base");
    const char *damage = intake->standing.damage;
    bool compare = json_boolean_or(body, "base_lost", false) ||
                   member_is_approved(intake->task, intake->member, "lost_base") ||
                   strcmp(json_string_or(task_settings(intake->task), "adopt", ""), "compare") == 0;
    intake->base = INTAKE_LIVE;
    if (damage != NULL)
        log_warning(LOG_AGENT, "base.damaged", "service=%s target=%s error=\"%s\"",
                    intake->task->instruction.service_name, intake->target_top, damage);
    if (compare)
        return true;
    return member_ask(
        intake->task, intake->member, "lost_base", error,
        "the base, epoch %lld, is %s%s%.80s. Approve to compare %s:%s by checksum and "
        "move only what differs",
        (long long)json_integer_or(base, "number", 0), why_lost(&intake->standing),
        damage == NULL ? "" : ": ", damage == NULL ? "" : damage, intake->member->target_instance,
        intake->target_top);
}

/* ---- which it is ---------------------------------------------------------------------------- */

/* A base counts only when both of its references are there and sound, and nothing was sealed since.
 */
static bool look_at_sealed(struct intake *intake, struct error *error)
{
    bool on_a, on_b, empty;
    struct error example;
    const struct intake_standing *standing = &intake->standing;
    if (!look_on_a(intake, &on_a, error) || !look_on_b(intake, &on_b, error) ||
        !is_empty(intake, &empty, &example, error))
        return false;
    intake->standing.frozen = on_b;
    bool usable = standing->is_base && on_a && on_b && standing->damage == NULL &&
                  !json_boolean_or(intake->task->instruction.body, "base_lost", false);
    if (!usable && empty) {
        intake->base = INTAKE_EMPTY;
        return true;
    }
    if (on_b && !look_for_touches(intake, error))
        return false;
    return (usable && standing->damage == NULL) || intake_lose_base(intake, error);
}

bool intake_look_at_target(struct intake *intake, struct error *error)
{
    if (!find_standing(intake, error))
        return false;
    if (!intake->standing.there || intake->standing.is_new)
        return look_for_content(intake, error);
    if (!look_at_sealed(intake, error))
        return false;
    /* A difference does not tell what came into or fell out of an edited list of exclusions. */
    if (intake->standing.excludes_changed)
        intake->base = intake->base == INTAKE_SEAL ? INTAKE_LIVE : intake->base;
    return true;
}
