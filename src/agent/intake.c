/* intake.c: see intake.h; the shrink guard lives here, beside the plan that it judges. */
#include "agent/intake.h"

#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "agent/manifest_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "base/size.h"

static const char *const base_names[] = {"empty", "seal", "live"};

const char *intake_base_name(enum intake_base base)
{
    CHECK((size_t)base < ARRAY_LENGTH(base_names));
    return base_names[base];
}

bool intake_base_from_name(const char *name, enum intake_base *ret_base)
{
    for (size_t i = 0; i < ARRAY_LENGTH(base_names); i++)
        if (strcmp(base_names[i], name) == 0) {
            *ret_base = (enum intake_base)i;
            return true;
        }
    return false;
}

/* What the target cannot carry is not compared either. */
static unsigned common_fields(unsigned source, unsigned target)
{
    unsigned both = source & target, fields = ENTRY_TIMES | ENTRY_CONTENT;
    if (both & COMPONENT_MODE)
        fields |= ENTRY_MODE | ENTRY_OWNER;
    if (both & COMPONENT_ACL)
        fields |= ENTRY_ACL;
    if (both & COMPONENT_XATTRS)
        fields |= ENTRY_XATTRS;
    if (both & COMPONENT_REPLICATION)
        fields |= ENTRY_REPLICATION | ENTRY_POLICY;
    return fields;
}

static void set_tops(struct intake *intake)
{
    const struct member *member = intake->member;
    struct arena *arena = &intake->arena;
    const json_t *body = intake->task->instruction.body, *base = json_object_get(body, "base");
    const char *snapshot = json_string_or(body, "snapshot", "?");
    const char *base_a = json_string_or(base, "snapshot_a", NULL);
    const char *base_b = json_string_or(base, "snapshot_b", NULL);
    intake->source_top = intake->source.component->snapshot_path(
        intake->source.store, member->source_root, snapshot, member->source_below, arena);
    if (base_a != NULL)
        intake->source_base_top = intake->source.component->snapshot_path(
            intake->source.store, member->source_root, base_a, member->source_below, arena);
    if (base_b != NULL)
        intake->target_base_top = intake->target.component->snapshot_path(
            intake->target.store, member->target_root, base_b, member->target_below, arena);
    intake->target_top = member->target_path;
    intake->staging =
        area_staging(arena, member->target_root, &intake->task->instruction, member->id);
    intake->directory = area_of(arena, intake->home_b, &intake->task->instruction);
    intake->subject = arena_format(arena, "%s/%s/%s/%s", intake->task->instruction.pair,
                                   intake->task->instruction.service,
                                   area_epoch_name(arena, intake->task->instruction.generation,
                                                   intake->task->instruction.number),
                                   member->id);
}

/* A policy's pattern with a leading '/' is an absolute path of A: here it becomes relative. Last of
 * all the place of staging, directly below the member: deeper the name is as free as any. */
static void set_exclusions(struct intake *intake)
{
    const char *const *patterns = task_excludes(intake->task);
    size_t count = 0, used = 0;
    while (patterns[count] != NULL)
        count++;
    const char **kept = arena_new(&intake->arena, (count + 2) * sizeof *kept);
    for (size_t i = 0; i < count; i++) {
        if (patterns[i][0] != '/')
            kept[used++] = patterns[i];
        else if (path_is_under(patterns[i], intake->member->source_path))
            kept[used++] = arena_format(&intake->arena, "/%s",
                                        path_below(patterns[i], intake->member->source_path));
    }
    kept[used++] = "/" STAGING_NAME;
    intake->exclusions = (struct exclusions){.patterns = kept, .count = used};
}

bool intake_init(struct intake *intake, struct task *task, const struct member *member,
                 struct error *error)
{
    const char *a, *b;
    *intake = (struct intake){.task = task, .member = member, .call = task_call(task)};
    arena_init(&intake->arena);
    if (!task_clusters(task, &a, &b, error) ||
        !task_store(task, a, member->instance, &intake->source, error) ||
        !task_store(task, b, member->target_instance, &intake->target, error) ||
        !task_area_store(task, a, &intake->home_a, error) ||
        !task_area_store(task, b, &intake->home_b, error))
        return false;
    intake->fields =
        common_fields(intake->source.component->features, intake->target.component->features);
    set_tops(intake);
    set_exclusions(intake);
    return true;
}

void intake_fini(struct intake *intake)
{
    if (intake->changes_made)
        changes_fini(&intake->changes);
    manifest_view_close(intake->held);
    arena_fini(&intake->arena);
}

bool intake_is_whole(const struct intake *intake)
{
    return strcmp(json_string_or(intake->task->instruction.body, "mode", ""), "full") == 0;
}

/* ---- the shrink guard ----------------------------------------------------------------------- */

static uint64_t excess(uint64_t before, uint64_t after)
{
    return before > after ? before - after : 0;
}

/* What the member has less than in the last seal. A plan that replaces or compares everything, or
 * begins at nothing, does not tell: what goes may come again, and what others put there is no loss.
 */
static struct plan_counts losses(const struct intake *intake)
{
    const struct intake_standing *then = &intake->standing;
    struct plan_counts counts = intake->plan.counts;
    if (intake->base != INTAKE_SEAL || intake_is_whole(intake)) {
        counts.removed_entries = excess(then->entries, intake->noted_entries);
        counts.removed_bytes = excess(then->bytes, intake->noted_bytes);
    }
    return counts;
}

static bool guard_shrinking(struct intake *intake, struct error *error)
{
    const json_t *limit = json_object_get(task_settings(intake->task), "max_removed");
    const struct plan_counts counts = losses(intake);
    uint64_t entries = intake->standing.entries, bytes = intake->standing.bytes;
    if (!intake->standing.there || counts.removed_entries == 0 ||
        member_is_approved(intake->task, intake->member, "shrink"))
        return true;
    int64_t percent = json_integer_or(limit, "percent", -1);
    int64_t most = json_integer_or(limit, "count", -1), floor = json_integer_or(limit, "floor", 0);
    bool too_much = (most >= 0 && counts.removed_entries > (uint64_t)most) ||
                    (percent >= 0 && counts.removed_entries > (uint64_t)floor &&
                     plan_removes_too_much(&counts, entries, bytes, (unsigned)percent));
    /* A directory that is there and empty is never a small change; one that is gone was taken away
     * whole, and only counts by its size. */
    too_much = too_much || (!intake->member->tombstone && percent >= 0 && percent < 100 &&
                            entries > 1 && counts.removed_entries >= entries - 1);
    if (!too_much)
        return true;
    return member_ask(intake->task, intake->member, "shrink", error,
                      "this epoch removes %llu of %llu entries (%s): more than "
                      "max_removed. Approve it if the source is meant to be so, else abandon the "
                      "epoch and look at the source",
                      (unsigned long long)counts.removed_entries, (unsigned long long)entries,
                      size_text(counts.removed_bytes).text);
}

/* Below its root a member may have what only a root has staging for: it would be missing unsaid. */
static bool refuse_staging_name(struct intake *intake, struct error *error)
{
    bool there = false;
    struct exclusions policy = intake->exclusions;
    policy.count--;
    if (intake->member->tombstone || intake->member->source_below[0] == '\0' ||
        exclusions_match(&policy, STAGING_NAME))
        return true;
    const char *path = path_join(&intake->arena, intake->source_top, STAGING_NAME);
    if (!store_exists(intake->source, &intake->call, path, &there, error))
        return false;
    return !there || error_set(error, ERROR_INVALID,
                               "'%s' has the name of Coeval's own directory: rename it, or exclude "
                               "'%.150s/%s'",
                               STAGING_NAME, intake->member->source_path, STAGING_NAME);
}

bool intake_plan(struct intake *intake, struct error *error)
{
    return (refuse_staging_name(intake, error) && intake_look_at_target(intake, error) &&
            intake_find_changes(intake, error) &&
            plan_build(&intake->changes, intake->subject, &intake->arena, &intake->plan, error) &&
            guard_shrinking(intake, error)) ||
           error_wrap(error, "%s:%s", intake->member->instance, intake->member->source_path);
}

bool intake_keep_plan(struct intake *intake, struct error *error)
{
    struct buffer content;
    buffer_init(&content, 0);
    plan_encode(&intake->plan, &content);
    const char *path =
        arena_format(&intake->arena, "%s/plan.%s", intake->directory, intake->member->id);
    bool kept = content.failed ? error_set(error, ERROR_LIMIT, "the plan of %s is over the limit",
                                           intake->member->source_path)
                               : store_write_file(intake->home_b, &intake->call, path, content.data,
                                                  content.size, error);
    buffer_fini(&content);
    return kept;
}
