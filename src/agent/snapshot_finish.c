/* snapshot_finish.c: what follows T: instants read back, the guard, the grade, suspects, and the
 * differences, taken once, directly after the snapshots, and stored in A's area (later they can
 * change: facts-hadoop X12). */
#include <inttypes.h>
#include <string.h>

#include "agent/area.h"
#include "agent/difference_file.h"
#include "agent/member.h"
#include "agent/suspect_name.h"
#include "agent/task_snapshot.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"

/* ---- the moment itself ---------------------------------------------------------------------- */

static bool stop_at_first(void *context, const struct difference *difference, struct error *error)
{
    (void)context;
    return error_set(error, ERROR_CONFLICT, "changed while held: %c %.150s", difference->kind,
                     difference->path);
}

/* Writers were held by a hook: proven only if nothing changed between the snapshot and now. */
static bool guard_group(struct moment_group *group, const struct call *call, struct error *error)
{
    for (size_t i = 0; i < group->count; i++) {
        struct moment_root *root = &group->roots[i];
        struct error found = ERROR_NONE;
        if (group->ref.component->difference(group->ref.store, call, root->root, "", root->snapshot,
                                             NULL, stop_at_first, NULL, &found))
            root->quiesced = true;
        else if (found.code == ERROR_CONFLICT)
            log_warning(LOG_AGENT, "moment.guard", "root=%s %s: the grade falls", root->root,
                        found.text);
        else {
            *error = found;
            return error_wrap(error, "guard of %s", root->root);
        }
    }
    return true;
}

static bool remove_torn(struct moment_group *group, const struct call *call, struct error *error)
{
    for (size_t i = 0; i < group->count; i++) {
        struct error gone = ERROR_NONE;
        if (!group->ref.component->snapshot_remove(group->ref.store, call, group->roots[i].root,
                                                   group->roots[i].snapshot, &gone) &&
            gone.code != ERROR_NOT_FOUND) {
            *error = gone;
            return false;
        }
    }
    return true;
}

static bool finish_groups(struct task *task, struct error *error)
{
    struct snapshot_state *state = task->own;
    struct call call = task_call(task);
    call.abort = NULL;   /* fired is fired: it is read back even while the agent stops */
    call.limiter = NULL; /* writers may be held: the policy's limits are for the transfer */
    bool finished = true;
    for (size_t i = 0; i < state->group_count; i++) {
        struct moment_group *group = &state->groups[i];
        struct error failure = ERROR_NONE;
        if (!group->ref.component->moment_finish(group->moment, &call, &failure) && finished) {
            *error = failure;
            error_wrap(error, "moment of %s", group->instance);
            finished = false;
        }
    }
    for (size_t i = 0; finished && state->held && i < state->group_count; i++)
        finished = guard_group(&state->groups[i], &call, error);
    for (size_t i = 0; i < state->group_count; i++) {
        state->groups[i].ref.component->moment_free(state->groups[i].moment); /* barriers fall */
        state->groups[i].moment = NULL;
    }
    return finished;
}

/* After a restart the snapshots are there, but what was measured went with the process. A store
 * that freezes a root by itself tells once more; a copy, that writers were held, or how far the
 * clocks of two stores were apart cannot be proven. */
static bool recall(struct task *task, const struct call *call, struct error *error)
{
    struct snapshot_state *state = task->own;
    state->torn = snapshot_has_hook(task, "before") || state->group_count > 1;
    for (size_t i = 0; !state->torn && i < state->group_count; i++) {
        struct moment_group *group = &state->groups[i];
        const struct component *component = group->ref.component;
        if ((component->features & COMPONENT_SNAPSHOT_ATOMIC) == 0) {
            state->torn = true;
            return true;
        }
        for (size_t j = 0; j < group->count; j++)
            group->roots[j].fired = true; /* by the process before: finishing looks */
        if (!snapshot_prepare_group(task, group, call, error))
            return false;
        bool done = component->moment_finish(group->moment, call, error);
        component->moment_free(group->moment);
        group->moment = NULL;
        if (!done)
            return error_wrap(error, "moment of %s", group->instance);
        for (size_t j = 0; j < group->count; j++)
            group->roots[j].answered_ns = 0; /* another process's clock readings */
    }
    return true;
}

/* ---- what it proves ------------------------------------------------------------------------- */

struct proof {
    enum grade grade;
    int64_t skew_us;
    bool by_instants; /* intervals were lost with the process; the store's clock tells */
};

/* Writers that were held prove a copy. In a snapshot that a store takes in O(1) a file that was
 * open goes on growing when they are let go: it has to be frozen there. */
static bool froze_files(const struct component *component, const struct moment_root *root)
{
    return root->open_files_exact ||
           (root->quiesced && (component->features & COMPONENT_SNAPSHOT_ATOMIC) == 0);
}

static struct proof prove(const struct snapshot_state *state)
{
    int64_t first_sent = INT64_MAX, last_answered = INT64_MIN, lowest = INT64_MAX,
            highest = INT64_MIN;
    size_t roots = 0;
    bool quiesced = true, exact = true, atomic = true;
    for (size_t i = 0; i < state->group_count; i++) {
        const struct moment_group *group = &state->groups[i];
        atomic = atomic && (group->ref.component->features & COMPONENT_SNAPSHOT_ATOMIC) != 0;
        for (size_t j = 0; j < group->count; j++, roots++) {
            const struct moment_root *root = &group->roots[j];
            first_sent = root->sent_ns < first_sent ? root->sent_ns : first_sent;
            last_answered = root->answered_ns > last_answered ? root->answered_ns : last_answered;
            lowest = root->instant_us < lowest ? root->instant_us : lowest;
            highest = root->instant_us > highest ? root->instant_us : highest;
            quiesced = quiesced && root->quiesced;
            exact = exact && froze_files(group->ref.component, root);
        }
    }
    struct proof proof = {.by_instants = state->found_after_restart || first_sent <= 0};
    /* One store stamped all of them with one clock (milliseconds): that is exact. */
    int64_t by_clock = highest - lowest + 1000;
    int64_t bound = proof.by_instants ? by_clock : (last_answered - first_sent) / 1000;
    proof.skew_us = state->group_count == 1 && by_clock < bound ? by_clock : bound;
    if (atomic && roots == 1)
        proof.skew_us = 0;
    proof.grade = !exact                 ? GRADE_FUZZY
                  : atomic && roots == 1 ? GRADE_ATOMIC
                  : quiesced             ? GRADE_QUIESCED
                                         : GRADE_BOUNDED;
    return proof;
}

static json_t *describe_roots(struct snapshot_state *state)
{
    json_t *roots = json_array();
    for (size_t i = 0; i < state->group_count; i++)
        for (size_t j = 0; j < state->groups[i].count; j++) {
            const struct moment_root *root = &state->groups[i].roots[j];
            json_t *item = json_object();
            json_set_string(item, "instance", state->groups[i].instance);
            json_set_string(item, "root", root->root);
            json_set_string(item, "snapshot", root->snapshot);
            json_set_integer(item, "id", (int64_t)root->id);
            json_set_time(item, "instant_us", root->instant_us);
            json_set_integer(item, "sent_ns", root->sent_ns);
            json_set_integer(item, "answered_ns", root->answered_ns);
            json_set_boolean(item, "quiesced", root->quiesced);
            json_set_boolean(item, "open_files_exact", root->open_files_exact);
            json_append_take(roots, item);
        }
    return roots;
}

static void tell_proof(struct task *task)
{
    struct snapshot_state *state = task->own;
    struct proof proof = prove(state);
    bool synchronised;
    int64_t clock_error = clock_error_us(&synchronised);
    task_result_take(task, "outcome", json_string("fired"));
    task_result_take(task, "fired", json_true());
    task_result_take(task, "grade", json_string(grade_name(proof.grade)));
    task_result_take(task, "skew_us", json_integer(proof.skew_us));
    task_result_take(task, "skew_by_instants", json_boolean(proof.by_instants));
    task_result_take(task, "clock_error_us", json_integer(clock_error));
    task_result_take(task, "clock_synchronised", json_boolean(synchronised));
    task_result_take(task, "roots", describe_roots(state));
    if (state->armed.fired_us != 0)
        task_result_take(task, "lateness_us", json_integer(state->armed.fired_us - state->t_us));
}

static void tell_outcome(struct task *task, const char *outcome)
{
    task_result_take(task, "outcome", json_string(outcome));
    task_result_take(task, "fired", json_false());
}

void snapshot_tell_lost(struct task *task, const char *why)
{
    tell_outcome(task, "lost");
    task_result_take(task, "why", json_string(why));
}

static bool lose(struct task *task, const struct call *call, struct error *error)
{
    struct snapshot_state *state = task->own;
    for (size_t i = 0; i < state->group_count; i++)
        if (!remove_torn(&state->groups[i], call, error))
            return error_wrap(error, "remove the torn moment");
    snapshot_tell_lost(task, "the agent ended in the moment");
    return true;
}

bool task_snapshot_finish(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct snapshot_state *state = task->own;
    struct call call = task_call(task);
    if (state->failure.code != ERROR_OK)
        return true;
    if (state->found_after_restart && !recall(task, &call, error))
        return false;
    if (state->torn)
        return lose(task, &call, error);
    if (!state->found_after_restart && state->armed.outcome == MOMENT_DISARMED &&
        atomic_load(&task->abort)) {
        error_set(&state->failure, ERROR_CANCELED, "stopped while armed");
        tell_outcome(task, "disarmed");
        return true;
    }
    if (!state->found_after_restart && state->armed.outcome != MOMENT_FIRED) {
        tell_outcome(task, state->armed.outcome == MOMENT_DISARMED ? "disarmed" : "missed");
        return true;
    }
    if (!state->found_after_restart && !finish_groups(task, error)) {
        state->failure = *error; /* told behind the release hook */
        for (size_t i = 0; i < state->group_count; i++)
            remove_torn(&state->groups[i], &call, error);
        return true;
    }
    tell_proof(task);
    return true;
}

/* ---- differences ---------------------------------------------------------------------------- */

struct suspects {
    struct task *task;
    struct store_ref ref;
    const struct call *call;
    const char *root;
    const char *relative; /* of the member below the root */
    const char *snapshot;
    const char *created; /* prefix of the tree being walked */
    struct arena arena;
    json_t *found;
    struct difference_writer *writer;
};

#define SUSPECTS_MAX 100000

static bool ask_suspect(struct suspects *suspects, const char *path, struct error *error)
{
    bool suspect = false;
    struct arena arena;
    arena_init(&arena);
    const char *below = path_join(&arena, suspects->relative, path);
    bool known =
        suspects->ref.component->is_suspect(suspects->ref.store, suspects->call, suspects->root,
                                            below, suspects->snapshot, &suspect, error);
    arena_fini(&arena);
    if (!known)
        return error->code == ERROR_NOT_FOUND; /* gone from the live tree: nothing to ask */
    if (!suspect)
        return true;
    if (json_array_size(suspects->found) >= SUSPECTS_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d files open at T", SUSPECTS_MAX);
    json_append_take(suspects->found, suspect_name(path));
    return true;
}

static bool ask_walked(void *context, const struct entry *entry, struct error *error)
{
    struct suspects *suspects = context;
    struct arena arena;
    if (entry->type != ENTRY_FILE)
        return true;
    arena_init(&arena);
    bool asked = ask_suspect(suspects, path_join(&arena, suspects->created, entry->path), error);
    arena_fini(&arena);
    return asked;
}

static bool ask_created(struct suspects *suspects, const char *path, struct error *error)
{
    const struct component *component = suspects->ref.component;
    struct error absent = ERROR_NONE;
    struct arena arena;
    arena_init(&arena);
    const char *below = path_join(&arena, suspects->relative, path);
    const char *top = component->snapshot_path(suspects->ref.store, suspects->root,
                                               suspects->snapshot, below, &arena);
    suspects->created = path;
    bool walked =
        store_walk(suspects->ref, suspects->call, top, false, NULL, ask_walked, suspects, &absent);
    arena_fini(&arena);
    /* A pre-image parent that was renamed: the plan translates, and the file is copied this time.
     */
    if (walked || absent.code == ERROR_NOT_FOUND)
        return true;
    *error = absent;
    return false;
}

static bool take_difference(void *context, const struct difference *difference, struct error *error)
{
    struct suspects *suspects = context;
    if (!difference_writer_add(suspects->writer, difference, error))
        return false;
    if (suspects->found == NULL)
        return true;
    switch (difference->kind) {
    case DIFFERENCE_MODIFY:
        return ask_suspect(suspects, difference->path, error);
    case DIFFERENCE_CREATE:
        return ask_created(suspects, difference->path, error);
    case DIFFERENCE_RENAME:
        return ask_suspect(suspects, difference->target, error);
    case DIFFERENCE_DELETE:
        return true;
    }
    CHECK_UNREACHABLE();
}

static const struct moment_root *find_root(const struct snapshot_state *state, const char *instance,
                                           const char *root, struct store_ref *ret_ref)
{
    for (size_t i = 0; i < state->group_count; i++)
        for (size_t j = 0; j < state->groups[i].count; j++)
            if (strcmp(state->groups[i].instance, instance) == 0 &&
                strcmp(state->groups[i].roots[j].root, root) == 0) {
                *ret_ref = state->groups[i].ref;
                return &state->groups[i].roots[j];
            }
    return NULL;
}

static bool ask_earlier(struct suspects *suspects, const json_t *earlier, struct error *error)
{
    size_t index;
    json_t *name;
    json_array_foreach(earlier, index, name) {
        const char *path;
        if (!suspect_path(name, &suspects->arena, &path, error) ||
            !ask_suspect(suspects, path, error))
            return false;
    }
    return true;
}

/* From the base to T, into A's area; a base that is gone or damaged is told, not fatal: the
 * transfer asks or compares, and the snapshot itself is good. */
static bool store_difference(struct suspects *suspects, const struct member *member,
                             struct store_ref home, const char *base, json_t *result,
                             struct error *error)
{
    const struct component *component = suspects->ref.component;
    const char *directory = area_of(&suspects->arena, home, &suspects->task->instruction);
    const char *path = arena_format(&suspects->arena, "%s/difference.%s", directory, member->id);
    struct error failure = ERROR_NONE;
    if (!area_make(home, suspects->call, directory, error) ||
        !difference_writer_new(home, suspects->call, path, &suspects->writer, error))
        return false;
    if (component->difference(suspects->ref.store, suspects->call, member->source_root,
                              member->source_below, base, suspects->snapshot, take_difference,
                              suspects, &failure))
        return difference_writer_commit(suspects->writer, error);
    difference_writer_abort(suspects->writer);
    if (failure.code == ERROR_NOT_FOUND || failure.code == ERROR_CORRUPT) {
        json_set_boolean(result, "base_lost", true);
        return true;
    }
    *error = failure;
    return false;
}

/* What the earlier epoch could not copy for good: the suspects it was told of. */
static const json_t *earlier_suspects(const struct task *task, const char *id)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(task_settings(task), "suspects"), index, item)
        if (strcmp(json_string_or(item, "id", ""), id) == 0)
            return json_object_get(item, "suspects");
    return NULL;
}

/* One member: its difference from the base, stored; its suspects into the result. */
static bool difference_of_member(struct task *task, const struct member *member, json_t *result,
                                 struct error *error)
{
    struct call call = task_call(task);
    struct store_ref home;
    struct suspects suspects = {
        .task = task, .call = &call, .root = member->source_root, .relative = member->source_below};
    if (!task_area_store(task, task_scope(task), &home, error))
        return false;
    const struct moment_root *fired =
        find_root(task->own, member->instance, member->source_root, &suspects.ref);
    CHECK(fired != NULL);
    const char *base =
        json_string_or(json_object_get(task->instruction.body, "base"), "snapshot_a", NULL);
    suspects.snapshot = fired->snapshot;
    if (!froze_files(suspects.ref.component, fired))
        suspects.found = json_array();
    arena_init(&suspects.arena);
    bool done = base == NULL || store_difference(&suspects, member, home, base, result, error);
    if (done && suspects.found != NULL)
        done = ask_earlier(&suspects, earlier_suspects(task, member->id), error);
    if (done && suspects.found != NULL)
        json_set_take(result, "suspects", json_incref(suspects.found));
    json_set_string(result, "id", member->id);
    json_decref(suspects.found);
    arena_fini(&suspects.arena);
    return done || error_wrap(error, "difference of %s:%s", member->instance, member->source_path);
}

bool task_snapshot_differences(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct snapshot_state *state = task->own;
    struct members members;
    if (state->failure.code != ERROR_OK || !json_is_true(json_object_get(task->result, "fired")))
        return true;
    crash_point("agent.snapshot.differences", task_scope(task));
    if (!members_read(task, &members, error))
        return false;
    json_t *results = json_array();
    for (size_t i = 0; i < members.count; i++) {
        if (members.list[i].tombstone)
            continue;
        json_t *result = json_object();
        json_append_take(results, result);
        if (!difference_of_member(task, &members.list[i], result, error)) {
            json_decref(results);
            return false;
        }
    }
    task_result_take(task, "members", results);
    return true;
}
