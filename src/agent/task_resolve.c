/* task_resolve.c: the members of an epoch as they are on A now. The device names them (it knows the
 * policy and the registry of roots); the agent says which are there. One that was sealed before and
 * is gone becomes a tombstone; one that never was is a mistake of the policy. */
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

static bool resolve(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    json_t *named, *member, *members = json_array();
    size_t index, there_count = 0;
    bool done = json_get_array(task_settings(task), "members", &named, error) &&
                task_check_stores(task, error);
    if (done)
        json_array_foreach(named, index, member) {
            bool there = false;
            json_t *copy = json_deep_copy(member);
            json_append_take(members, copy);
            done = done && resolve_one(task, &call, copy, &there, error);
            if (!done)
                break;
            bool sealed_before =
                json_boolean_or(copy, "sealed", false) || json_boolean_or(copy, "tombstone", false);
            if (!there && !sealed_before)
                done = error_set(error, ERROR_NOT_FOUND,
                                 "data set %s:%s is not there: create it or take it out of the "
                                 "policy",
                                 json_string_or(copy, "instance", ""),
                                 json_string_or(copy, "source_path", ""));
            json_set_boolean(copy, "tombstone",
                             !there || json_boolean_or(copy, "tombstone", false));
            there_count += there;
        }
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
