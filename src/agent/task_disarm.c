/* task_disarm.c: "fired or not fired?", answered once and for good: after "not fired" this attempt
 * is never taken (agent_is_disarmed), whatever arrives late. */
#include <string.h>

#include "agent/member.h"
#include "agent/task_kinds.h"
#include "agent/task_snapshot.h"
#include "base/check.h"
#include "base/json.h"

static struct task *find_snapshot(struct task *task)
{
    list_for_each(other, &agent_parts(task->agent)->tasks, struct task, node)
        if (strcmp(other->kind->name, "snapshot") == 0 &&
            strcmp(other->instruction.service, task->instruction.service) == 0 &&
            other->instruction.generation == task->instruction.generation &&
            other->instruction.number == task->instruction.number &&
            other->instruction.attempt == task->instruction.attempt)
            return other;
    return NULL;
}

static char waiting; /* task->own: between decide() and other_over() */

/* A snapshot that is past its arming answers by its own end: wait for it. One that ended without an
 * answer (stopped, or failed, after a restart) leaves it to the stores. */
static void decide(struct task *task)
{
    struct task *snapshot = find_snapshot(task);
    task->own = NULL;
    if (snapshot != NULL && !task_snapshot_disarm(snapshot) && !task_is_over(snapshot)) {
        task->own = &waiting; /* other_over() comes when it has ended */
        return;
    }
    json_t *told = snapshot != NULL && task_is_over(snapshot)
                       ? json_object_get(snapshot->result, "fired")
                       : NULL;
    bool stopped = snapshot != NULL && !task_is_over(snapshot); /* and so it never fires */
    if (told != NULL || stopped)
        task_result_take(task, "fired", json_boolean(json_is_true(told)));
    task_stage_done(task, &ERROR_NONE);
}

static void other_over(struct task *task)
{
    if (task->own == &waiting)
        decide(task);
}

/* The agent stops while a snapshot is waited for: the next start asks again. */
static void cancel(struct task *task)
{
    struct error error;
    if (task->own != &waiting)
        return;
    task->own = NULL;
    error_set(&error, ERROR_CANCELED, "stopped while the moment was waited for");
    task_stage_done(task, &error);
}

/* Of a root that nobody has prepared yet a store may refuse to tell: it is allowed first. */
static bool look_at_root(const struct member_root *root, const struct call *call, const char *name,
                         bool *ret_found, struct error *error)
{
    struct store_ref ref = root->ref;
    struct snapshot snapshot;
    struct error absent = ERROR_NONE;
    if (ref.component->allow_snapshots(ref.store, call, root->root, &absent) &&
        ref.component->snapshot_get(ref.store, call, root->root, name, &snapshot, &absent)) {
        *ret_found = true;
        return true;
    }
    if (absent.code == ERROR_NOT_FOUND)
        return ref.component->confirm(ref.store, call, error);
    *error = absent;
    return error_wrap(error, "%s", root->root);
}

/* The agent's journal may have been lost: then only the stores know. One snapshot there: it fired.
 */
static bool look(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct members members;
    struct member_roots roots;
    const char *name = json_string_or(task->instruction.body, "snapshot", NULL);
    struct call call = task_call(task);
    bool found = false;
    if (json_object_get(task->result, "fired") != NULL)
        return true;
    if (name != NULL && json_object_get(task->instruction.body, "members") != NULL) {
        if (!members_read(task, &members, error) ||
            !members_roots(task, &members, false, task_scope(task), &roots, error))
            return false;
        for (size_t i = 0; i < roots.count && !found; i++)
            if (!look_at_root(&roots.list[i], &call, name, &found, error))
                return false;
    }
    task_result_take(task, "fired", json_boolean(found));
    return true;
}

static const struct task_stage stages[] = {
    {.phase = "disarm", .start = decide},
    {.phase = "look", .run = look},
};

const struct task_kind task_kind_disarm = {
    .name = "disarm",
    .stages = stages,
    .stage_count = ARRAY_LENGTH(stages),
    .stops_others = true,
    .cancel = cancel,
    .other_over = other_over,
};
