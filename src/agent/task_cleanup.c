/* task_cleanup.c: discard (an abandoned attempt) and retire (an old seal). Both remove only what
 * Coeval made, by the names it gave, and never what a seal or the newest base needs. */
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "agent/member.h"
#include "agent/passed.h"
#include "agent/precedence.h"
#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/path.h"

/* ---- discard: first stop what still runs for the epoch -------------------------------------- */

static char waiting; /* task->own: the stage has begun and others still run */

static void stop_others(struct task *task)
{
    bool any = precedence_stop_earlier(task);
    task->own = any ? &waiting : NULL;
    if (!any)
        task_stage_done(task, &ERROR_NONE);
}

/* Not while the stage's own record is on its way: it would end before it began. */
static void other_over(struct task *task)
{
    if (task->own == &waiting)
        stop_others(task);
}

/* Names of one root's snapshots that are of the task's epoch: all its attempts, all candidates. */
struct own_names {
    struct task *task;
    struct arena arena;
    const char **list;
    size_t count;
};

static bool take_own_name(void *context, const struct snapshot *snapshot, struct error *error)
{
    struct own_names *names = context;
    const struct instruction *order = &names->task->instruction;
    int64_t generation, number, attempt;
    (void)error;
    if (!area_parse_snapshot_name(snapshot->name, order->pair, order->service, &generation, &number,
                                  &attempt) ||
        generation != order->generation || number != order->number)
        return true;
    /* What a discard does not know of came after it: it is late itself. */
    if (names->task->kind == &task_kind_discard && attempt > order->attempt)
        return true;
    names->list = memory_resize(names->list, (names->count + 1) * sizeof *names->list);
    names->list[names->count++] = arena_string(&names->arena, snapshot->name);
    return true;
}

static bool remove_of_root(struct task *task, const struct call *call,
                           const struct member_root *root, struct error *error)
{
    const struct component *component = root->ref.component;
    struct own_names names = {.task = task};
    struct error absent = ERROR_NONE;
    arena_init(&names.arena);
    bool done = component->snapshot_list(root->ref.store, call, root->root, take_own_name, &names,
                                         &absent) ||
                absent.code == ERROR_NOT_FOUND || absent.code == ERROR_CONFLICT;
    /* A root that is gone, or never was one, has none. */
    if (!done)
        *error = absent;
    for (size_t i = 0; done && i < names.count; i++) {
        struct error gone = ERROR_NONE;
        done =
            component->snapshot_remove(root->ref.store, call, root->root, names.list[i], &gone) ||
            gone.code == ERROR_NOT_FOUND;
        if (!done)
            *error = gone;
    }
    free(names.list);
    arena_fini(&names.arena);
    return (done && component->confirm(root->ref.store, call, error)) ||
           error_wrap(error, "remove snapshots of %s", root->root);
}

/* The body's "attempts": what the epoch named its snapshots. An order that names others is not of
 * this epoch, whatever its number says. */
static bool check_attempts(struct task *task, struct error *error)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(task->instruction.body, "attempts"), index, item) {
        const char *name;
        int64_t generation, number, attempt;
        if (!json_get_string(item, "snapshot", &name, error))
            return error_wrap(error, "attempts[%d]", (int)index);
        if (!area_parse_snapshot_name(name, task->instruction.pair, task->instruction.service,
                                      &generation, &number, &attempt) ||
            number != task->instruction.number || generation != task->instruction.generation)
            return error_set(error, ERROR_INVALID, "snapshot %.100s is not of this epoch", name);
    }
    return true;
}

/* Found by listing: a lost reply, or a late request of a process that died, may have made some that
 * nobody noted. */
static bool remove_snapshots(struct task *task, const struct call *call,
                             const struct member_roots *roots, struct error *error)
{
    if (!check_attempts(task, error))
        return false;
    for (size_t i = 0; i < roots->count; i++)
        if (!remove_of_root(task, call, &roots->list[i], error))
            return false;
    return true;
}

static bool is_side_b(const struct task *task)
{
    return strcmp(json_string_or(task->instruction.body, "side", ""), "b") == 0;
}

static bool refuse_when_committed(struct task *task, const struct call *call, struct store_ref home,
                                  const char *directory, struct error *error)
{
    struct arena arena;
    bool sealed = false, begun = false;
    arena_init(&arena);
    bool looked =
        store_exists(home, call, path_join(&arena, directory, "seal.json"), &sealed, error) &&
        (!is_side_b(task) || area_is_marked(home, call, directory, "begun", &begun, error));
    arena_fini(&arena);
    if (looked && sealed)
        return error_set(error, ERROR_EXISTS, "epoch %d is sealed: retire it instead",
                         (int)task->instruction.number);
    if (looked && begun)
        return error_set(error, ERROR_EXISTS, "epoch %d is being committed: roll it back instead",
                         (int)task->instruction.number);
    return looked;
}

/* A later attempt was received: its staging has the same name. */
static bool refuse_when_late(const struct task *task, const struct call *call,
                             struct store_ref home, const char *directory, struct error *error)
{
    struct arena arena;
    struct error failure = ERROR_NONE;
    json_t *received = NULL;
    arena_init(&arena);
    bool read = area_read_json(home, call, path_join(&arena, directory, "received.json"), &received,
                               &failure);
    int64_t attempt = json_integer_or(json_object_get(received, "order"), "attempt", 0);
    bool done = read || failure.code == ERROR_NOT_FOUND || failure.code == ERROR_CORRUPT;
    if (!done)
        *error = failure;
    else if (attempt > task->instruction.attempt)
        done =
            error_set(error, ERROR_CONFLICT,
                      "discard of epoch %d, attempt %d comes late: attempt %d was received",
                      (int)task->instruction.number, (int)task->instruction.attempt, (int)attempt);
    json_decref(received);
    arena_fini(&arena);
    return done;
}

static bool remove_staging(struct task *task, const struct call *call,
                           const struct members *members, struct error *error)
{
    struct arena arena;
    bool done = true;
    arena_init(&arena);
    for (size_t i = 0; done && i < members->count; i++) {
        const struct member *member = &members->list[i];
        struct store_ref ref;
        const char *staging =
            area_staging(&arena, member->target_root, &task->instruction, member->id);
        done = task_store(task, task_scope(task), member->target_instance, &ref, error) &&
               store_remove_all(ref, call, staging, error) &&
               area_remove_staging_top(ref, call, member->target_root, error);
    }
    arena_fini(&arena);
    return done;
}

static bool discard(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    struct store_ref home;
    struct members members = {0};
    struct member_roots roots = {0};
    struct arena arena;
    arena_init(&arena);
    bool has_members = json_is_array(json_object_get(task->instruction.body, "members"));
    bool done = task_area_store(task, task_scope(task), &home, error);
    const char *directory = done ? area_of(&arena, home, &task->instruction) : NULL;
    done = done && refuse_when_committed(task, &call, home, directory, error) &&
           refuse_when_late(task, &call, home, directory, error) &&
           home.component->confirm(home.store, &call, error) &&
           (!has_members ||
            (members_read(task, &members, error) &&
             members_roots(task, &members, is_side_b(task), task_scope(task), &roots, error)));
    crash_point("agent.discard.removing", task_scope(task));
    done = done && remove_snapshots(task, &call, &roots, error) &&
           (!is_side_b(task) || remove_staging(task, &call, &members, error)) &&
           store_remove_all(home, &call, directory, error) &&
           (!is_side_b(task) || passed_note(home, &call, &task->instruction, error));
    arena_fini(&arena);
    return done;
}

static const struct task_stage discard_stages[] = {
    {.phase = "stop", .start = stop_others},
    {.phase = "discard", .run = discard},
};

const struct task_kind task_kind_discard = {
    .name = "discard",
    .stages = discard_stages,
    .stage_count = ARRAY_LENGTH(discard_stages),
    .stops_others = true,
    .other_over = other_over,
};

/* ---- retire --------------------------------------------------------------------------------- */

/* What tasks of this agent build on: noted on the loop, for the executor. */
static void note_bases(struct task *task)
{
    struct area_epochs *bases = task->own;
    size_t count = 0;
    list_for_each(other, &agent_parts(task->agent)->tasks, struct task, node) {
        const json_t *base = json_object_get(other->instruction.body, "base");
        if (task_is_over(other) || other == task || !json_is_object(base) ||
            strcmp(other->instruction.service, task->instruction.service) != 0)
            continue;
        bases->list = memory_resize(bases->list, (count + 1) * sizeof *bases->list);
        bases->list[count++] =
            (struct area_epoch){.generation = json_integer_or(base, "generation", 0),
                                .number = json_integer_or(base, "number", 0)};
    }
    bases->count = count;
    task_stage_done(task, &ERROR_NONE);
}

static void make_bases(struct task *task)
{
    task->own = memory_new(sizeof(struct area_epochs));
}

static void free_bases(struct task *task)
{
    struct area_epochs *bases = task->own;
    free(bases->list);
    free(bases);
}

static bool is_release(const struct task *task)
{
    return json_boolean_or(task->instruction.body, "release", false);
}

/* The newest seal of the service is the next epoch's base; unless the operator's policy gives that
 * up (hold_max: release). What an epoch under way has for its base is held in any case. */
static bool refuse_held(struct task *task, const struct call *call, struct store_ref home,
                        const struct area_epochs *received, struct error *error)
{
    const struct instruction *order = &task->instruction;
    struct area_epoch newest;
    bool found;
    if (area_epochs_have(received, order->generation, order->number) ||
        area_epochs_have(task->own, order->generation, order->number))
        return error_set(error, ERROR_CONFLICT,
                         "epoch %d is the base of an epoch that is under way: it has a hold",
                         (int)order->number);
    if (is_release(task))
        return true;
    if (!area_newest_seal(home, call, order->pair, order->service, INT64_MAX, &newest, &found,
                          error))
        return false;
    if (found && newest.number <= order->number)
        return error_set(error, ERROR_CONFLICT,
                         "epoch %d is the newest seal here, and so the base of the next one: it "
                         "has a hold",
                         (int)order->number);
    return true;
}

/* Marked before the first removal: a seal whose snapshots are gone must not be taken for one that
 * is whole. What is only released keeps its place in the area until it is retired like any other.
 */
static bool mark_gone(struct task *task, const struct call *call, struct store_ref home,
                      const char *directory, struct error *error)
{
    bool there = false;
    return store_exists(home, call, directory, &there, error) &&
           home.component->confirm(home.store, call, error) &&
           (!there ||
            area_mark(home, call, directory, is_release(task) ? "released" : "retired", error));
}

static bool collect(struct task *task, const struct call *call, struct store_ref home,
                    const struct area_epochs *received, struct error *error)
{
    const struct instruction *order = &task->instruction;
    struct arena arena;
    const struct area_epochs *noted = task->own;
    size_t count = received->count + noted->count;
    arena_init(&arena);
    struct area_epochs all = {arena_new(&arena, (count + 1) * sizeof *all.list), 0};
    for (size_t i = 0; i < received->count; i++)
        all.list[all.count++] = received->list[i];
    for (size_t i = 0; i < noted->count; i++)
        all.list[all.count++] = noted->list[i];
    bool done = area_collect(home, call, order->pair, order->service, &all, error);
    arena_fini(&arena);
    return done;
}

static bool retire(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    const struct instruction *order = &task->instruction;
    struct call call = task_call(task);
    struct store_ref home;
    struct members members;
    struct member_roots roots;
    struct area_epochs received;
    struct arena arena;
    arena_init(&arena);
    bool done = task_area_store(task, task_scope(task), &home, error) &&
                area_bases(home, &call, order->pair, order->service, &arena, &received, error) &&
                refuse_held(task, &call, home, &received, error) &&
                members_read(task, &members, error) &&
                members_roots(task, &members, is_side_b(task), task_scope(task), &roots, error) &&
                mark_gone(task, &call, home, area_of(&arena, home, order), error);
    crash_point("agent.retire.marked", task_scope(task));
    done = done && remove_snapshots(task, &call, &roots, error);
    crash_point("agent.retire.removed", task_scope(task));
    done = done && collect(task, &call, home, &received, error);
    arena_fini(&arena);
    return done;
}

static const struct task_stage retire_stages[] = {
    {.phase = "look", .start = note_bases},
    {.phase = "retire", .run = retire},
};

const struct task_kind task_kind_retire = {
    .name = "retire",
    .stages = retire_stages,
    .stage_count = ARRAY_LENGTH(retire_stages),
    .is_alone = true, /* each collects what no chain of the service needs */
    .make_state = make_bases,
    .free_state = free_bases,
};
