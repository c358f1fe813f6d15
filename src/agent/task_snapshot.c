/* task_snapshot.c: the instruction snapshot: prepare before T, fire at T, read back, store
 * the differences. Body: doc/protocol.md "snapshot". After the hold hook has run, the release hook
 * runs whatever happens, so a failure behind it is kept and told at the end. */
#include "agent/task_snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/member.h"
#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/path.h"

#define BARRIER_WAIT_DEFAULT_MS 10000
#define GRACE_DEFAULT_US ((int64_t)5000000)

/* On the loop, which looks at it while executors fill it in. */
static void make_state(struct task *task)
{
    task->own = memory_new(sizeof(struct snapshot_state));
}

static void free_state(struct task *task)
{
    struct snapshot_state *state = task->own;
    CHECK(state->armed.thread == NULL);
    for (size_t i = 0; i < state->group_count; i++)
        state->groups[i].ref.component->moment_free(state->groups[i].moment);
    process_free(state->hook);
    timer_free(state->hold_timer);
    free(state);
}

/* ---- prepare -------------------------------------------------------------------------------- */

static struct moment_group *find_group(struct snapshot_state *state, const char *instance)
{
    for (size_t i = 0; i < state->group_count; i++)
        if (strcmp(state->groups[i].instance, instance) == 0)
            return &state->groups[i];
    return NULL;
}

/* Stores with a barrier first: what they hold stays held while the others fire. */
static int by_barrier(const void *a, const void *b)
{
    const struct moment_group *left = a, *right = b;
    bool left_holds = (left->ref.component->features & COMPONENT_BARRIER) != 0;
    bool right_holds = (right->ref.component->features & COMPONENT_BARRIER) != 0;
    return (int)right_holds - (int)left_holds;
}

/* The distinct roots of the members, those of one store together. */
static bool read_groups(struct task *task, struct error *error)
{
    struct snapshot_state *state = task->own;
    struct members members;
    struct member_roots roots;
    const char *snapshot;
    if (!members_read(task, &members, error) ||
        !members_roots(task, &members, false, task_scope(task), &roots, error) ||
        !json_get_string(task->instruction.body, "snapshot", &snapshot, error))
        return false;
    for (size_t i = 0; i < state->group_count; i++)
        state->groups[i].ref.component->moment_free(state->groups[i].moment);
    state->group_count = 0;
    for (size_t i = 0; i < roots.count; i++) {
        struct moment_group *group = find_group(state, roots.list[i].instance);
        if (group == NULL && state->group_count == MOMENTS_PER_SERVICE_MAX)
            return error_set(error, ERROR_LIMIT, "more than %d component instances in one service",
                             MOMENTS_PER_SERVICE_MAX);
        if (group == NULL) {
            group = &state->groups[state->group_count++];
            *group =
                (struct moment_group){.instance = roots.list[i].instance, .ref = roots.list[i].ref};
            group->roots = arena_new(&task->arena, roots.count * sizeof *group->roots);
        }
        group->roots[group->count++] =
            (struct moment_root){.root = roots.list[i].root, .snapshot = snapshot};
    }
    if (state->group_count == 0)
        return error_set(error, ERROR_INVALID, "a moment without roots");
    qsort(state->groups, state->group_count, sizeof state->groups[0], by_barrier);
    return true;
}

/* After a restart: did this attempt fire already? All there: yes. Some: the moment is torn. */
static bool look_for_snapshots(struct moment_group *group, const struct call *call, size_t *found,
                               struct error *error)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!group->ref.component->allow_snapshots(group->ref.store, call, group->roots[i].root,
                                                   error))
            return error_wrap(error, "%s:%s", group->instance, group->roots[i].root);
        struct snapshot snapshot;
        struct error absent;
        if (group->ref.component->snapshot_get(group->ref.store, call, group->roots[i].root,
                                               group->roots[i].snapshot, &snapshot, &absent)) {
            group->roots[i].instant_us = snapshot.instant_us;
            group->roots[i].id = snapshot.id;
            (*found)++;
        } else if (absent.code != ERROR_NOT_FOUND) {
            *error = absent;
            return false;
        }
    }
    return group->ref.component->confirm(group->ref.store, call, error);
}

bool snapshot_prepare_group(struct task *task, struct moment_group *group, const struct call *call,
                            struct error *error)
{
    const struct component *component = group->ref.component;
    struct moment_options options = {
        .barrier_wait_ms =
            json_integer_or(task_settings(task), "barrier_wait_ms", BARRIER_WAIT_DEFAULT_MS)};
    const struct snapshot_state *state = task->own;
    options.look_ms = (state->t_us - clock_realtime_us()) / 1000 / 2; /* the rest is for arming */
    component->moment_free(group->moment);
    group->moment = NULL;
    return component->moment_prepare(group->ref.store, call, group->roots, group->count, &options,
                                     &group->moment, error) ||
           error_wrap(error, "prepare the moment of %s", group->instance);
}

/* T is fired by this host's clock: a store whose clock is far from it would stamp another moment.
 */
static bool check_clocks(struct task *task, const struct call *call, struct error *error)
{
    struct snapshot_state *state = task->own;
    int64_t limit = json_integer_or(task_settings(task), "max_offset_us", CLOCK_OFFSET_MAX_US);
    json_t *offsets = json_array();
    bool good = true;
    for (size_t i = 0; good && i < state->group_count; i++) {
        struct moment_group *group = &state->groups[i];
        int64_t offset, uncertainty;
        if (!group->ref.component->clock_offset(group->ref.store, call, &offset, &uncertainty,
                                                error)) {
            good = error_wrap(error, "clock of %s", group->instance);
            break;
        }
        json_t *item = json_object();
        json_set_string(item, "instance", group->instance);
        json_set_integer(item, "offset_us", offset);
        json_set_integer(item, "uncertainty_us", uncertainty);
        json_append_take(offsets, item);
        int64_t distance = offset < 0 ? -offset : offset;
        if (distance - uncertainty > limit)
            good = error_set(error, ERROR_CONFLICT,
                             "the clock of %s is %lld ms from this host's: run a time service on "
                             "both",
                             group->instance, (long long)offset / 1000);
    }
    task_result_take(task, "clock_offsets", offsets);
    return good;
}

static bool prepare(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct snapshot_state *state = task->own;
    struct call call = task_call(task);
    size_t found = 0, wanted = 0;
    if (!json_get_time(task->instruction.body, "t_us", &state->t_us, error) ||
        !task_check_stores(task, error) || !read_groups(task, error))
        return false;
    state->grace_us = json_time_or(task->instruction.body, "grace_us", GRACE_DEFAULT_US);
    for (size_t i = 0; i < state->group_count; i++) {
        wanted += state->groups[i].count;
        if (!look_for_snapshots(&state->groups[i], &call, &found, error))
            return false;
    }
    state->found_after_restart = found == wanted;
    if (found == wanted)
        return true;
    if (found > 0) {
        state->torn = true;
        return true;
    }
    if (!check_clocks(task, &call, error))
        return false;
    for (size_t i = 0; i < state->group_count; i++)
        if (!snapshot_prepare_group(task, &state->groups[i], &call, error))
            return false;
    return true;
}

/* ---- hold: the hook before the moment ------------------------------------------------------- */

static const char *const *read_arguments(struct task *task, const json_t *array)
{
    size_t count = json_array_size(array);
    const char **arguments = arena_new(&task->arena, (count + 1) * sizeof *arguments);
    for (size_t i = 0; i < count; i++)
        arguments[i] = json_string_value(json_array_get(array, i));
    return arguments;
}

static const char *const *hook_environment(struct task *task)
{
    struct snapshot_state *state = task->own;
    const char **environment = arena_new(&task->arena, 8 * sizeof *environment);
    environment[0] =
        arena_format(&task->arena, "COEVAL_SERVICE=%s", task->instruction.service_name);
    environment[1] =
        arena_format(&task->arena, "COEVAL_EPOCH=%lld", (long long)task->instruction.number);
    environment[2] = arena_format(&task->arena, "COEVAL_T_US=%lld", (long long)state->t_us);
    environment[3] = arena_format(&task->arena, "COEVAL_CLUSTER=%s", task_scope(task));
    const char *path = getenv("PATH");
    environment[4] = arena_format(&task->arena, "PATH=%s", path == NULL ? "/usr/bin:/bin" : path);
    return environment;
}

static void hook_done(void *context, const struct error *error, const char *output_tail)
{
    struct task *task = context;
    struct snapshot_state *state = task->own;
    (void)output_tail;
    process_free(state->hook);
    state->hook = NULL;
    if (error->code != ERROR_OK && state->failure.code == ERROR_OK) {
        state->failure = *error;
        error_wrap(&state->failure, "hook %s the moment", state->held ? "after" : "before");
        /* A hook that refuses is the site's word: another try at once would be refused as well. */
        state->failure.code = ERROR_CONFLICT;
    }
    bool was_before = !state->released && !state->held;
    state->held = state->held || was_before;
    task_stage_done(task, &ERROR_NONE);
}

static void run_hook(struct task *task, const char *which)
{
    struct snapshot_state *state = task->own;
    const json_t *hook = json_object_get(json_object_get(task_settings(task), "hooks"), which);
    state->hook = process_new(
        agent_parts(task->agent)->loop, read_arguments(task, json_object_get(hook, "command")),
        hook_environment(task), json_integer_or(hook, "timeout_ms", 30000), hook_done, task);
}

bool snapshot_has_hook(struct task *task, const char *which)
{
    const json_t *hook = json_object_get(json_object_get(task_settings(task), "hooks"), which);
    return json_array_size(json_object_get(hook, "command")) > 0;
}

static void hold_now(void *context)
{
    run_hook(context, "before");
}

static bool shall_stop(struct task *task)
{
    struct snapshot_state *state = task->own;
    bool unwanted = state->is_unwanted && !state->found_after_restart && !state->torn;
    if ((unwanted || atomic_load(&task->abort)) && state->failure.code == ERROR_OK)
        error_set(&state->failure, ERROR_CANCELED, "stopped before the moment");
    return state->failure.code != ERROR_OK || state->found_after_restart || state->torn;
}

/* The hook starts as late as its own limit allows: writers are held no longer than need be. */
static void start_hold(struct task *task)
{
    struct snapshot_state *state = task->own;
    if (shall_stop(task) || !snapshot_has_hook(task, "before")) {
        task_stage_done(task, &ERROR_NONE);
        return;
    }
    const json_t *hook = json_object_get(json_object_get(task_settings(task), "hooks"), "before");
    int64_t lead_ms = json_integer_or(hook, "timeout_ms", 30000);
    int64_t wait_ms = (state->t_us - clock_realtime_us()) / 1000 - lead_ms;
    if (state->hold_timer == NULL)
        state->hold_timer = timer_new(agent_parts(task->agent)->loop, hold_now, task);
    timer_start(state->hold_timer, wait_ms < 0 ? 0 : wait_ms);
}

/* ---- armed ---------------------------------------------------------------------------------- */

static void moment_is_over(void *context)
{
    struct task *task = context;
    crash_point("agent.snapshot.fired", task_scope(task));
    task_stage_done(task, &ERROR_NONE);
}

static void start_armed(struct task *task)
{
    struct snapshot_state *state = task->own;
    struct armed *armed = &state->armed;
    if (shall_stop(task)) {
        task_stage_done(task, &ERROR_NONE);
        return;
    }
    *armed = (struct armed){.task = task,
                            .t_us = state->t_us,
                            .grace_us = state->grace_us,
                            .done = moment_is_over,
                            .context = task};
    for (size_t i = 0; i < state->group_count; i++) {
        armed->components[i] = state->groups[i].ref.component;
        armed->moments[i] = state->groups[i].moment;
    }
    armed->moment_count = state->group_count;
    struct error error = ERROR_NONE;
    if (!moment_thread_arm(task->agent, armed, &error)) {
        state->failure = error;
        task_stage_done(task, &ERROR_NONE);
    }
}

static void cancel(struct task *task)
{
    struct snapshot_state *state = task->own;
    if (state->armed.thread != NULL) {
        moment_thread_disarm(&state->armed); /* the thread reports; nothing else is to be done */
    } else if (state->hook != NULL && !state->held) {
        process_free(state->hook);
        state->hook = NULL;
        state->held = true; /* it may have held writers: release runs */
        error_set(&state->failure, ERROR_CANCELED, "stopped while the hook before the moment ran");
        task_stage_done(task, &ERROR_NONE);
    } else if (state->hold_timer != NULL && state->hook == NULL && !state->held &&
               strcmp(task->phase, "hold") == 0) {
        timer_stop(state->hold_timer);
        error_set(&state->failure, ERROR_CANCELED, "stopped before the moment");
        task_stage_done(task, &ERROR_NONE);
    }
}

/* Phases are recorded before they act: "armed" without a thread has not been handed over yet.
 * Whether it has fired before (a restart, a lost journal) its prepare finds and its end tells;
 * until that is over an executor fills in the state, and nothing of it is looked at here. */
bool task_snapshot_disarm(struct task *task)
{
    struct snapshot_state *state = task->own;
    if (task_is_over(task))
        return json_is_false(json_object_get(task->result, "fired"));
    if (state->armed.thread != NULL)
        return moment_thread_disarm(&state->armed);
    if (!task->running || strcmp(task->phase, "prepare") == 0) {
        state->is_unwanted = true;
        return false;
    }
    bool before = strcmp(task->phase, "hold") == 0 || strcmp(task->phase, "armed") == 0;
    if (!before || state->found_after_restart || state->torn)
        return false;
    task_stop(task);
    return true;
}

/* ---- release and the end -------------------------------------------------------------------- */

static void start_release(struct task *task)
{
    struct snapshot_state *state = task->own;
    state->released = true;
    if (snapshot_has_hook(task, "after"))
        run_hook(task, "after");
    else
        task_stage_done(task, &ERROR_NONE);
}

/* Nothing can be mended here any more; what may pass is tried again with another moment. */
static bool conclude(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct snapshot_state *state = task->own;
    crash_point("agent.snapshot.concluding", task_scope(task));
    if (state->failure.code == ERROR_OK)
        return true;
    if (error_is_retriable(state->failure.code)) {
        snapshot_tell_lost(task, state->failure.text);
        return true;
    }
    *error = state->failure;
    return false;
}

/* Writers that a hook may have held are let go, whatever fails before the release: also after a
 * restart, when only the site knows whether they are held. */
static bool keep_failure(struct task *task, const struct error *error)
{
    struct snapshot_state *state = task->own;
    if (state->released || !(state->held || task->resumed))
        return false;
    if (state->failure.code == ERROR_OK)
        state->failure = *error;
    return true;
}

static const struct task_stage stages[] = {
    {.phase = "prepare", .run = prepare},
    {.phase = "hold", .start = start_hold},
    {.phase = "armed", .start = start_armed},
    {.phase = "finish", .run = task_snapshot_finish},
    {.phase = "release", .start = start_release},
    {.phase = "differences", .run = task_snapshot_differences},
    {.phase = "conclude", .run = conclude},
};

const struct task_kind task_kind_snapshot = {
    .name = "snapshot",
    .stages = stages,
    .stage_count = ARRAY_LENGTH(stages),
    .runs_to_the_end = true,
    .make_state = make_state,
    .cancel = cancel,
    .keep_failure = keep_failure,
    .free_state = free_state,
};
