/* task_resolve.c: the members of an epoch as they are on A now. The device names them (it knows the
 * policy and the registry of roots); the agent says which are there. One that was sealed before and
 * is gone becomes a tombstone; one that never was is a mistake of the policy. One that the device
 * takes for gone, and is there, is left out: a tombstone would empty its copy on B. */
#include <string.h>

#include "agent/member.h"
#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/json.h"
#include "base/path.h"

static bool resolve_one(struct task *task, const struct call *call, json_t *member, bool *ret_there,
                        struct error *error)
{
    const char *instance, *path;
    struct store_ref ref;
    struct arena arena;
    struct entry entry;
    struct error absent = ERROR_NONE;
    if (!json_get_string(member, "instance", &instance, error) ||
        !json_get_string(member, "source_path", &path, error) ||
        !task_store(task, task_scope(task), instance, &ref, error))
        return false;
    if (!path_is_clean(path))
        return error_set(error, ERROR_INVALID, "data set path '%.100s' is not clean", path);
    arena_init(&arena);
    bool found = ref.component->stat(ref.store, call, path, &arena, &entry, &absent);
    bool directory = found && entry.type == ENTRY_DIRECTORY;
    arena_fini(&arena);
    if (!found && absent.code != ERROR_NOT_FOUND) {
        *error = absent;
        return error_wrap(error, "%s:%s", instance, path);
    }
    if (found && !directory)
        return error_set(error, ERROR_INVALID, "data set %s:%s is not a directory", instance, path);
    *ret_there = found;
    return true;
}

static bool resolve_member(struct task *task, const struct call *call, const json_t *named,
                           json_t *members, size_t *there_count, struct error *error)
{
    bool there = false, thought_gone = json_boolean_or(named, "tombstone", false);
    json_t *member = json_deep_copy((json_t *)(uintptr_t)named);
    bool done = resolve_one(task, call, member, &there, error);
    if (done && !there && !thought_gone && !json_boolean_or(member, "sealed", false))
        done = error_set(error, ERROR_NOT_FOUND,
                         "data set %s:%s is not there: create it or take it out of the policy",
                         json_string_or(member, "instance", ""),
                         json_string_or(member, "source_path", ""));
    json_set_boolean(member, "tombstone", !there);
    if (done && !(there && thought_gone)) {
        json_array_append(members, member);
        *there_count += there;
    }
    json_decref(member);
    return done;
}

static bool resolve(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    json_t *named, *member, *members = json_array();
    size_t index, there_count = 0;
    bool done = json_get_array(task_settings(task), "members", &named, error) &&
                task_check_stores(task, error);
    if (done)
        json_array_foreach(named, index, member)
            done = done && resolve_member(task, &call, member, members, &there_count, error);
    if (done && there_count == 0)
        done = error_set(error, ERROR_NOT_FOUND, "no data set of the group is there any more");
    if (done)
        task_result_take(task, "members", json_incref(members));
    json_decref(members);
    return done;
}

static const struct task_stage stages[] = {{.phase = "resolve", .run = resolve}};

const struct task_kind task_kind_resolve = {
    .name = "resolve",
    .stages = stages,
    .stage_count = ARRAY_LENGTH(stages),
};
