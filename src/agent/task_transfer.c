/* task_transfer.c: the instruction transfer, on B (pull) or on A (push). Done means: all bytes of
 * all members, plans and receipts lie on B; A is not needed any more. */
#include "agent/task_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "agent/intake.h"
#include "agent/passed.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/path.h"
#include "base/size.h"

struct transfer {
    struct members members;
    atomic_size_t next; /* member that the next free executor takes */
    json_t *summaries;  /* by member id; under the task's mutex */
    bool was_received;  /* by this very order, before a crash: nothing is fetched again */
};

static void free_state(struct task *task)
{
    struct transfer *transfer = task->own;
    if (transfer == NULL)
        return;
    json_decref(transfer->summaries);
    free(transfer);
}

/* ---- prepare -------------------------------------------------------------------------------- */

/* One rename in each root's staging, before bytes move: what would refuse the commit refuses now.
 */
static bool try_rename(const struct member_root *root, const struct call *call,
                       const struct instruction *instruction, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    const char *staging = area_staging(&arena, root->root, instruction, "canary");
    const char *from = path_join(&arena, staging, "a"), *to = path_join(&arena, staging, "b");
    bool done = store_make_directories(root->ref, call, staging, 0700, error) &&
                store_remove_all(root->ref, call, from, error) &&
                store_remove_all(root->ref, call, to, error) &&
                root->ref.component->make_directory(root->ref.store, call, from, 0700, error) &&
                root->ref.component->rename(root->ref.store, call, from, to, false, error) &&
                store_remove_all(root->ref, call, staging, error);
    arena_fini(&arena);
    return done || error_wrap(error, "target root %s", root->root);
}

static bool prepare_target(struct task *task, const struct call *call, struct error *error)
{
    struct transfer *transfer = task->own;
    struct member_roots roots;
    struct store_ref home;
    const char *a, *b;
    if (!task_clusters(task, &a, &b, error) ||
        !members_roots(task, &transfer->members, true, b, &roots, error) ||
        !task_area_store(task, b, &home, error))
        return false;
    for (size_t i = 0; i < roots.count; i++) {
        const struct member_root *root = &roots.list[i];
        if (!store_make_directories(root->ref, call, root->root, 0755, error) ||
            !root->ref.component->allow_snapshots(root->ref.store, call, root->root, error) ||
            !try_rename(root, call, &task->instruction, error))
            return error_wrap(error, "%s:%s", root->instance, root->root);
    }
    struct arena arena;
    arena_init(&arena);
    bool done = area_make(home, call, area_of(&arena, home, &task->instruction), error) &&
                area_keep_policy(task, call, home, error);
    arena_fini(&arena);
    return done;
}

/* Given up, or its number is below one that was: the device is told which, for it may be one that
 * was restored from an older journal. */
static bool refuse_given_up(struct task *task, const struct call *call, struct store_ref home,
                            struct error *error)
{
    const struct instruction *order = &task->instruction;
    struct passed passed;
    if (passed_admits(home, call, order, &passed, error))
        return true;
    if (error->code == ERROR_EXISTS)
        task_result_take(task, "newest_given_up", json_integer(passed.number));
    return false;
}

/* An order that was delivered once more, long after its epoch: B stands on a newer seal, and
 * nothing may come to lie there that looks like an epoch to be gone on with. */
static bool refuse_passed(struct task *task, const struct call *call, struct store_ref home,
                          struct error *error)
{
    const struct instruction *order = &task->instruction;
    struct area_epoch newest;
    bool found;
    if (!area_newest_seal(home, call, order->pair, order->service, INT64_MAX, &newest, &found,
                          error))
        return false;
    if (!found || newest.number <= order->number)
        return true;
    task_result_take(task, "newest_seal", json_integer(newest.number));
    return error_set(error, ERROR_EXISTS, "epoch %d is past: epoch %d is sealed already",
                     (int)order->number, (int)newest.number);
}

/* received.json says that everything lies on B: it must never stand beside a staging that is being
 * filled again. Of this order: believe it. Of an older try: take it away first. */
static bool look_for_received(struct task *task, const struct call *call, struct error *error)
{
    struct transfer *transfer = task->own;
    struct store_ref home;
    struct arena arena;
    struct error absent = ERROR_NONE;
    json_t *received, *summary;
    size_t index;
    const char *a, *b;
    if (!task_clusters(task, &a, &b, error) || !task_area_store(task, b, &home, error) ||
        !refuse_passed(task, call, home, error) || !refuse_given_up(task, call, home, error))
        return false;
    arena_init(&arena);
    const char *directory = area_of(&arena, home, &task->instruction);
    const char *path = path_join(&arena, directory, "received.json");
    bool begun = false;
    bool there = area_read_json(home, call, path, &received, &absent);
    bool done = there || absent.code == ERROR_NOT_FOUND;
    if (!done) {
        *error = absent;
    } else if (there) {
        transfer->was_received =
            instruction_same_order(json_object_get(received, "order"), task->instruction.document);
        json_array_foreach(json_object_get(received, "members"), index, summary)
            if (transfer->was_received)
                json_set_take(transfer->summaries, json_string_or(summary, "id", ""),
                              json_incref(summary));
        json_decref(received);
    }
    /* An order that comes late must not empty a staging in which the commit has parked. */
    if (done && !transfer->was_received)
        done = area_is_marked(home, call, directory, "begun", &begun, error) &&
               home.component->confirm(home.store, call, error) &&
               (begun ? error_set(error, ERROR_EXISTS,
                                  "epoch %d is being committed already: nothing is received again",
                                  (int)task->instruction.number)
                      : store_remove_all(home, call, path, error));
    arena_fini(&arena);
    return done;
}

static bool prepare(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    if (task->own == NULL)
        task->own = memory_new(sizeof(struct transfer));
    struct transfer *transfer = task->own;
    json_decref(transfer->summaries);
    transfer->summaries = json_object();
    atomic_store(&transfer->next, 0);
    return members_read(task, &transfer->members, error) && task_check_stores(task, error) &&
           look_for_received(task, &call, error) &&
           (transfer->was_received || prepare_target(task, &call, error));
}

/* ---- receive -------------------------------------------------------------------------------- */

/* What is unchanged since the seal before shares its room; without one, all of the member is new.
 */
static uint64_t bytes_to_seal(const struct intake *intake)
{
    bool all = !intake->standing.frozen && intake->noted_bytes > intake->bytes;
    return all ? intake->noted_bytes : intake->bytes;
}

static json_t *summary_of(const struct intake *intake)
{
    json_t *summary = json_object();
    json_set_integer(summary, "bytes_to_seal", (int64_t)bytes_to_seal(intake));
    json_set_string(summary, "id", intake->member->id);
    json_set_string(summary, "from", intake_base_name(intake->base));
    json_set_integer(summary, "fields", intake->fields);
    json_set_integer(summary, "files", (int64_t)intake->files);
    json_set_integer(summary, "bytes", (int64_t)intake->bytes);
    json_set_integer(summary, "entries", (int64_t)intake->entries);
    json_set_integer(summary, "entries_removed", (int64_t)intake->plan.counts.removed_entries);
    json_set_integer(summary, "bytes_removed", (int64_t)intake->plan.counts.removed_bytes);
    json_set_integer(summary, "moved", (int64_t)intake->plan.counts.moved);
    json_set_integer(summary, "attributes", (int64_t)intake->plan.attribute_count);
    json_set_boolean(summary, "tombstone", intake->member->tombstone);
    return summary;
}

static bool receive_member(struct task *task, const struct member *member, struct error *error)
{
    struct transfer *transfer = task->own;
    struct intake intake;
    bool done = intake_init(&intake, task, member, error) && intake_plan(&intake, error);
    bool goes_on = done && !task_asks(task); /* else only: does this one ask, too? */
    done = done && (!goes_on || intake_keep_plan(&intake, error));
    crash_point("agent.transfer.planned", task_scope(task));
    done = done && (!goes_on || intake_copy(&intake, error));
    if (done && goes_on) {
        pthread_mutex_lock(&task->mutex);
        json_set_take(transfer->summaries, member->id, summary_of(&intake));
        pthread_mutex_unlock(&task->mutex);
    }
    crash_point("agent.transfer.copied", task_scope(task));
    intake_fini(&intake);
    return done;
}

static bool is_received(struct task *task, const struct member *member)
{
    struct transfer *transfer = task->own;
    pthread_mutex_lock(&task->mutex);
    bool received = json_object_get(transfer->summaries, member->id) != NULL;
    pthread_mutex_unlock(&task->mutex);
    return received;
}

/* One that asks ends the try, but not before the others were looked at: the operator is asked once.
 */
static bool receive(struct task *task, unsigned lane, struct error *error)
{
    struct transfer *transfer = task->own;
    struct error question = ERROR_NONE;
    (void)lane;
    for (;;) {
        size_t index = atomic_fetch_add(&transfer->next, 1);
        if (index >= transfer->members.count)
            break;
        const struct member *member = &transfer->members.list[index];
        if (is_received(task, member) || receive_member(task, member, error))
            continue;
        if (!task_asks(task) || error->code != ERROR_CONFLICT)
            return false;
        question = question.code == ERROR_OK ? *error : question;
    }
    *error = question;
    return question.code == ERROR_OK;
}

static unsigned receive_width(struct task *task)
{
    struct transfer *transfer = task->own;
    /* Each round of the stage begins at the first member; what was received is skipped. Not while
     * executors run: one of them may be in the middle of a member. */
    atomic_store(&transfer->next, 0);
    int64_t executors = json_integer_or(task_settings(task), "executors", 1);
    if (executors > (int64_t)transfer->members.count)
        executors = (int64_t)transfer->members.count;
    return executors < 1 ? 1 : executors > 64 ? 64 : (unsigned)executors;
}

/* ---- received ------------------------------------------------------------------------------- */

static void add_totals(struct task *task, json_t *received, json_t *list)
{
    static const char *const names[] = {"files",         "bytes", "entries",   "entries_removed",
                                        "bytes_removed", "moved", "attributes"};
    size_t index;
    json_t *item;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        int64_t sum = 0;
        json_array_foreach(list, index, item)
            sum += json_integer_or(item, names[i], 0);
        json_set_integer(received, names[i], sum);
        task_result_take(task, names[i], json_integer(sum));
    }
    int64_t operations = (int64_t)atomic_load(&task->counters.operations);
    task_result_take(task, "operations", json_integer(operations));
    task_result_take(task, "bytes_read",
                     json_integer((json_int_t)atomic_load(&task->counters.bytes_read)));
}

/* Where seal snapshots become copies: one file system, whichever roots and instances lie on it. */
struct room {
    struct room *next;
    char place[STORE_PLACE_SIZE];
    const struct store *store;
    const struct member_root *root; /* one of those */
    uint64_t needed_bytes, free_bytes;
};

static struct room *find_room(struct room **rooms, struct arena *arena,
                              const struct member_root *root, const struct store_space *space)
{
    for (struct room *room = *rooms; room != NULL; room = room->next)
        if (space->place[0] != '\0' ? strcmp(room->place, space->place) == 0
                                    : room->store == root->ref.store)
            return room;
    struct room *room = arena_new(arena, sizeof *room);
    *room = (struct room){.next = *rooms, .store = root->ref.store, .root = root};
    memcpy(room->place, space->place, sizeof room->place);
    room->free_bytes = space->free_bytes;
    *rooms = room;
    return room;
}

static uint64_t bytes_of_root(const struct transfer *transfer, const struct member_root *root)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < transfer->members.count; i++) {
        const struct member *member = &transfer->members.list[i];
        if (strcmp(member->target_instance, root->instance) == 0 &&
            strcmp(member->target_root, root->root) == 0)
            bytes += (uint64_t)json_integer_or(json_object_get(transfer->summaries, member->id),
                                               "bytes_to_seal", 0);
    }
    return bytes;
}

static bool add_need(const struct transfer *transfer, const struct call *call,
                     const struct member_root *root, struct arena *arena, struct room **rooms,
                     struct error *error)
{
    struct store_ref ref = root->ref;
    struct store_space space;
    if (ref.component->features & COMPONENT_SNAPSHOT_CHEAP)
        return true;
    if (!ref.component->space(ref.store, call, root->root, &space, error))
        return error_wrap(error, "space of %s", root->root);
    if (space.shares_blocks)
        return true;
    if (!ref.component->space(ref.store, call, ref.area, &space, error)) /* copies lie there */
        return error_wrap(error, "space of %s", ref.area);
    find_room(rooms, arena, root, &space)->needed_bytes += bytes_of_root(transfer, root);
    return true;
}

/* The seal snapshot of a store without cheap snapshots is a copy: refused here, while nothing of
 * the target has changed, rather than in the middle of a commit. */
static bool check_space(struct task *task, const struct call *call, struct error *error)
{
    struct transfer *transfer = task->own;
    struct member_roots roots;
    struct room *rooms = NULL;
    struct arena arena;
    const char *a, *b;
    if (!task_clusters(task, &a, &b, error) ||
        !members_roots(task, &transfer->members, true, b, &roots, error))
        return false;
    arena_init(&arena);
    bool done = true;
    for (size_t i = 0; done && i < roots.count; i++)
        done = add_need(transfer, call, &roots.list[i], &arena, &rooms, error);
    for (struct room *room = rooms; done && room != NULL; room = room->next)
        if (room->free_bytes < room->needed_bytes)
            done = error_set(error, ERROR_NO_SPACE,
                             "the seal of %s has no room at %s:%s (%s free): free some, "
                             "or keep fewer seals",
                             size_text(room->needed_bytes).text, room->root->instance,
                             room->root->root, size_text(room->free_bytes).text);
    arena_fini(&arena);
    return done;
}

/* Everything that finishing needs, beside the plans: the order itself. No device is asked again. */
static bool declare(struct task *task, unsigned lane, struct error *error)
{
    struct transfer *transfer = task->own;
    struct call call = task_call(task);
    struct store_ref home;
    struct arena arena;
    const char *a, *b, *key;
    json_t *summary;
    (void)lane;
    if (!task_clusters(task, &a, &b, error) || !task_area_store(task, b, &home, error) ||
        !check_space(task, &call, error))
        return false;
    arena_init(&arena);
    json_t *received = json_object(), *list = json_array();
    json_object_foreach(transfer->summaries, key, summary)
        json_array_append(list, summary);
    json_set_integer(received, "schema", 1);
    json_set_take(received, "order", json_deep_copy(task->instruction.document));
    json_set_take(received, "members", list);
    add_totals(task, received, list);
    const char *directory = area_of(&arena, home, &task->instruction);
    bool done = area_write_json(home, &call, path_join(&arena, directory, "received.json"),
                                received, error);
    task_result_take(task, "members", json_incref(list));
    json_decref(received);
    arena_fini(&arena);
    crash_point("agent.transfer.received", task_scope(task));
    return done;
}

static const struct task_stage stages[] = {
    {.phase = "prepare", .run = prepare},
    {.phase = "receiving", .run = receive, .width = receive_width},
    {.phase = "received", .run = declare},
};

const struct task_kind task_kind_transfer = {
    .name = "transfer",
    .stages = stages,
    .stage_count = ARRAY_LENGTH(stages),
    .is_long = true,
    .is_alone = true, /* each writes policy.json */
    .free_state = free_state,
};
