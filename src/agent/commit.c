/* commit.c: what lies on B about an epoch, read back. */
#include "agent/commit.h"

#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "base/check.h"
#include "base/json.h"
#include "base/path.h"

#define PLAN_BYTES_MAX ((size_t)1 << 30)

const char *commit_path(struct commit *commit, const char *name)
{
    return path_join(&commit->arena, commit->directory, name);
}

static const char *mark_file(struct commit *commit, const struct commit_member *item,
                             const char *mark)
{
    return arena_format(&commit->arena, "%s.%s", item->member->id, mark);
}

bool commit_mark(struct commit *commit, struct commit_member *item, enum plan_mark mark,
                 struct error *error)
{
    if (!area_mark(commit->home, &commit->call, commit->directory,
                   mark_file(commit, item, plan_mark_name(mark)), error))
        return false;
    item->marks |= mark;
    return true;
}

bool commit_mark_restaged(struct commit *commit, struct commit_member *item, struct error *error)
{
    if (!area_mark(commit->home, &commit->call, commit->directory,
                   mark_file(commit, item, "restaged"), error))
        return false;
    item->restaged = true;
    return true;
}

/* ---- loading -------------------------------------------------------------------------------- */

static bool take_marker(void *context, const struct entry *entry, struct error *error)
{
    static const enum plan_mark marks[] = {
#define X(name, bit, text) PLAN_MARK_##name,
        PLAN_MARKS(X)
#undef X
    };
    struct commit *commit = context;
    const char *name = path_name(entry->path);
    (void)error;
    if (strncmp(name, "phase.", 6) != 0)
        return true;
    for (size_t i = 0; i < commit->members.count; i++) {
        struct commit_member *item = &commit->list[i];
        size_t length = strlen(item->member->id);
        if (strncmp(name + 6, item->member->id, length) != 0 || name[6 + length] != '.')
            continue;
        const char *mark = name + 6 + length + 1;
        item->cleaned = item->cleaned || strcmp(mark, "cleaned") == 0;
        item->restaged = item->restaged || strcmp(mark, "restaged") == 0;
        item->touched = item->touched || strcmp(mark, "touched") == 0;
        for (size_t j = 0; j < ARRAY_LENGTH(marks); j++)
            if (strcmp(plan_mark_name(marks[j]), mark) == 0)
                item->marks |= marks[j];
    }
    return true;
}

static bool load_plan(struct commit *commit, struct commit_member *item, struct error *error)
{
    struct buffer content;
    const char *path =
        commit_path(commit, arena_format(&commit->arena, "plan.%s", item->member->id));
    buffer_init(&content, PLAN_BYTES_MAX);
    bool loaded =
        store_read_file(commit->home, &commit->call, path, PLAN_BYTES_MAX, &content, error) &&
        plan_decode(content.data, content.size, &commit->arena, &item->plan, error);
    buffer_fini(&content);
    return loaded || error_wrap(error, "%.100s", path);
}

static bool load_summary(struct commit *commit, struct commit_member *item, struct error *error)
{
    size_t index;
    json_t *summary;
    json_array_foreach(json_object_get(commit->received, "members"), index, summary)
        if (strcmp(json_string_or(summary, "id", ""), item->member->id) == 0) {
            item->fields = (unsigned)json_integer_or(summary, "fields", ENTRY_CONTENT);
            return intake_base_from_name(json_string_or(summary, "from", ""), &item->base) ||
                   error_set(error, ERROR_CORRUPT, "received.json: member %s", item->member->id);
        }
    return error_set(error, ERROR_CORRUPT, "received.json does not name member %s",
                     item->member->id);
}

static bool load_member(struct commit *commit, struct commit_member *item,
                        const struct member *member, struct error *error)
{
    item->member = member;
    if (!task_store(commit->task, task_scope(commit->task), member->target_instance, &item->target,
                    error) ||
        !load_summary(commit, item, error) || !load_plan(commit, item, error))
        return false;
    const struct component *component = item->target.component;
    item->staging =
        area_staging(&commit->arena, member->target_root, &commit->task->instruction, member->id);
    item->saved = arena_format(&commit->arena, "%s/saved/%s/%s.%s", item->target.area,
                               commit->task->instruction.service,
                               area_epoch_name(&commit->arena, commit->task->instruction.generation,
                                               commit->task->instruction.number),
                               member->id);
    if (commit->base_snapshot != NULL)
        item->base_top =
            component->snapshot_path(item->target.store, member->target_root, commit->base_snapshot,
                                     member->target_below, &commit->arena);
    return true;
}

/* Its seal is not read: a commit needs its snapshot and its manifests, and a roll-back must not
 * fail for more than that. */
static void set_base(struct commit *commit)
{
    const json_t *base = json_object_get(commit->task->instruction.body, "base");
    commit->base_snapshot = json_string_or(base, "snapshot_b", NULL);
    if (commit->base_snapshot != NULL)
        commit->base_directory =
            area_epoch(&commit->arena, commit->home.area, commit->task->instruction.pair,
                       commit->task->instruction.service, json_integer_or(base, "generation", 0),
                       json_integer_or(base, "number", 0));
}

static bool load_received(struct commit *commit, struct error *error)
{
    const json_t *order, *body;
    if (!area_read_json(commit->home, &commit->call, commit_path(commit, "received.json"),
                        &commit->received, error))
        return false;
    order = json_object_get(commit->received, "order");
    body = json_object_get(order, "body");
    if (strcmp(json_string_or(body, "snapshot", ""), commit->snapshot) != 0)
        return error_set(error, ERROR_CONFLICT,
                         "what was received is of snapshot %.100s, the order is for %.100s",
                         json_string_or(body, "snapshot", "?"), commit->snapshot);
    return true;
}

bool commit_load(struct commit *commit, struct task *task, struct error *error)
{
    *commit = (struct commit){.task = task, .call = task_call(task)};
    arena_init(&commit->arena);
    if (!task_area_store(task, task_scope(task), &commit->home, error) ||
        !json_get_string(task->instruction.body, "snapshot", &commit->snapshot, error) ||
        !members_read(task, &commit->members, error) ||
        !members_roots(task, &commit->members, true, task_scope(task), &commit->roots, error))
        return false;
    commit->directory = area_of(&commit->arena, commit->home, &task->instruction);
    set_base(commit);
    if (!load_received(commit, error))
        return false;
    commit->list = arena_new(&commit->arena, (commit->members.count + 1) * sizeof *commit->list);
    for (size_t i = 0; i < commit->members.count; i++)
        if (!load_member(commit, &commit->list[i], &commit->members.list[i], error))
            return false;
    return commit_load_candidate(commit, error) &&
           commit->home.component->list(commit->home.store, &commit->call, commit->directory,
                                        take_marker, commit, error);
}

void commit_fini(struct commit *commit)
{
    json_decref(commit->received);
    arena_fini(&commit->arena);
}
