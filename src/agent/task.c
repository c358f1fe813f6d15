/* task.c: drives a task through its stages: durable phase, executors, retries with a pause. The
 * retries of an instruction have this one owner; the engine above only makes new tries. */
#include "agent/task.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/log.h"
#include "loop/work.h"

#define RETRY_PAUSE_MS 500
#define RETRY_PAUSE_MAX_MS 15000
#define RETRIES_WITHOUT_DEADLINE 20

struct job {
    struct task *task;
    unsigned lane;
    struct error error;
};

static void enter_stage(struct task *task);

struct task *task_new(struct agent *agent, const struct task_kind *kind,
                      const struct instruction *instruction)
{
    struct task *task = memory_new(sizeof *task);
    task->agent = agent;
    task->kind = kind;
    task->instruction = *instruction;
    task->revision = 1;
    task->result = json_object();
    task->asked = json_array();
    task->updated_us = clock_realtime_us();
    snprintf(task->phase, sizeof task->phase, "accepted");
    task_is_durable(task); /* nobody asks before it is */
    list_init(&task->node);
    list_init(&task->waiters);
    arena_init(&task->arena);
    CHECK(pthread_mutex_init(&task->mutex, NULL) == 0);
    if (kind->make_state != NULL)
        kind->make_state(task);
    return task;
}

void task_free(struct task *task)
{
    if (task == NULL)
        return;
    CHECK(!task->running);
    CHECK(list_is_empty(&task->waiters));
    agent_parts(task->agent)->orders_bytes -= task->bytes;
    if (task->kind != NULL && task->kind->free_state != NULL)
        task->kind->free_state(task);
    timer_free(task->retry);
    json_decref(task->instruction.document);
    json_decref(task->result);
    json_decref(task->asked);
    arena_fini(&task->arena);
    pthread_mutex_destroy(&task->mutex);
    free(task);
}

const char *task_scope(const struct task *task)
{
    return agent_parts(task->agent)->options->cluster;
}

bool task_is_over(const struct task *task)
{
    return task->state == STATUS_DONE || task->state == STATUS_FAILED ||
           task->state == STATUS_WAITING;
}

bool task_is_busy(const struct task *task)
{
    return task->running || task->changes > 0;
}

/* Nobody hears of an end or a phase before the journal has it: the next start might come to another
 * one. */
static bool is_ahead(const struct task *task)
{
    return task->changes > 0 || task->unsaved;
}

void task_is_durable(struct task *task)
{
    task->shown_revision = task->revision;
    memcpy(task->shown_phase, task->phase, sizeof task->shown_phase);
}

uint64_t task_revision(const struct task *task)
{
    return is_ahead(task) ? task->shown_revision : task->revision;
}

/* A reader has read its manifests, too: never more than there is to do. */
static uint64_t bytes_done(struct task *task)
{
    if (!task->kind->only_reads)
        return atomic_load(&task->counters.bytes_written);
    uint64_t read = atomic_load(&task->counters.bytes_read),
             total = atomic_load(&task->bytes_total);
    return read < total ? read : total;
}

static json_t *describe(struct task *task, bool shown)
{
    bool ahead = shown && is_ahead(task);
    enum status_state state = ahead ? STATUS_RUNNING : task->state;
    pthread_mutex_lock(&task->mutex);
    struct status status = {
        .key = task->instruction.key,
        .revision = ahead ? task->shown_revision : task->revision,
        .state = state,
        .phase = ahead ? task->shown_phase : task->phase,
        .question = task->question[0] == '\0' ? NULL : task->question,
        .asked = json_array_size(task->asked) == 0 ? NULL : task->asked,
        .progress = {.files_done = atomic_load(&task->counters.files_done),
                     .files_total = atomic_load(&task->files_total),
                     .bytes_done = bytes_done(task),
                     .bytes_total = atomic_load(&task->bytes_total),
                     .operations = atomic_load(&task->counters.operations)},
        .error = task->error,
        .result = state == STATUS_RUNNING ? NULL : task->result,
        .updated_us = task->updated_us,
    };
    json_t *document = status_format(&status);
    pthread_mutex_unlock(&task->mutex);
    return document;
}

json_t *task_record(struct task *task)
{
    return describe(task, false);
}

json_t *task_status(struct task *task)
{
    return describe(task, true);
}

/* The state is over, durable and told: what waited for the slot of the work queue may go on. */
static void over_is_durable(void *context)
{
    struct task *task = context;
    agent_task_over(task->agent, task);
}

/* The daemon stops, not the order: nobody is told, the journal says "running", the next start goes
 * on. An operator's or a discard's stop is for good. */
static bool is_paused(const struct task *task, enum status_state state, const struct error *error)
{
    return agent_parts(task->agent)->stopping && atomic_load(&task->abort) &&
           state == STATUS_FAILED &&
           (error->code == ERROR_CANCELED || error_is_retriable(error->code));
}

static void end_task(struct task *task, enum status_state state, const struct error *error)
{
    task->running = false;
    if (is_paused(task, state, error)) {
        agent_task_over(task->agent, task);
        return;
    }
    task->state = state;
    task->error = *error;
    if (task->is_fenced && state == STATUS_FAILED && error->code != ERROR_FENCED)
        error_set(&task->error, ERROR_FENCED, "stopped: an order of a newer generation came");
    error = &task->error;
    const char *name = status_state_name(state);
    if (state == STATUS_DONE)
        log_info(LOG_AGENT, "task.done", "cluster=%s service=%s epoch=%d kind=%s", task_scope(task),
                 task->instruction.service_name, (int)task->instruction.number, task->kind->name);
    else
        log_warning(LOG_AGENT, "task.ended",
                    "cluster=%s service=%s epoch=%d kind=%s state=%s "
                    "phase=%s code=%s error=\"%s\"",
                    task_scope(task), task->instruction.service_name, (int)task->instruction.number,
                    task->kind->name, name, task->phase, error_name(error->code), error->text);
    task_changed(task, over_is_durable, task);
}

static bool may_retry(const struct task *task, const struct error *error)
{
    if (!error_is_retriable(error->code) || atomic_load(&task->abort))
        return false;
    if (task->instruction.deadline_us == 0)
        return task->failures < RETRIES_WITHOUT_DEADLINE;
    return clock_realtime_us() < task->instruction.deadline_us;
}

static void fail_stage(struct task *task, const struct error *error)
{
    if (task->kind->keep_failure == NULL || !task->kind->keep_failure(task, error)) {
        end_task(task, STATUS_FAILED, error);
        return;
    }
    task->failures = 0;
    task->stage++;
    CHECK(task->stage < task->kind->stage_count);
    enter_stage(task);
}

static void retry_stage(void *context)
{
    struct task *task = context;
    task->pausing = false;
    if (atomic_load(&task->abort)) {
        struct error error;
        error_set(&error, ERROR_CANCELED, "stopped while waiting to try again");
        fail_stage(task, &error);
        return;
    }
    enter_stage(task);
}

static void pause_and_retry(struct task *task, const struct error *error)
{
    int64_t pause_ms = RETRY_PAUSE_MS << (task->failures < 5 ? task->failures : 5);
    if (pause_ms > RETRY_PAUSE_MAX_MS)
        pause_ms = RETRY_PAUSE_MAX_MS;
    task->failures++;
    task->error = *error; /* shown while waiting; the state stays running */
    log_warning(LOG_AGENT, "task.retry",
                "cluster=%s service=%s epoch=%d kind=%s phase=%s "
                "error=\"%s\" retry in %d ms",
                task_scope(task), task->instruction.service_name, (int)task->instruction.number,
                task->kind->name, task->phase, error->text, (int)pause_ms);
    task->revision++;
    agent_tell_waiters(task);
    if (task->retry == NULL)
        task->retry = timer_new(agent_parts(task->agent)->loop, retry_stage, task);
    task->pausing = true;
    timer_start(task->retry, pause_ms);
}

/* All that ask, in one text, and one by one in the status. */
static void end_with_question(struct task *task, const struct error *error)
{
    struct error text = *error;
    size_t index, count = json_array_size(task->asked);
    json_t *item;
    struct buffer names;
    buffer_init(&names, 0);
    json_array_foreach(task->asked, index, item)
        buffer_append_format(&names, "%s%s", index == 0 ? "" : ", ",
                             json_string_or(item, "data_set", "?"));
    const json_t *first = json_array_get(task->asked, 0);
    if (count > 1)
        error_set(&text, ERROR_CONFLICT, "%zu data sets ask (%.100s): %s", count,
                  buffer_text(&names), json_string_or(first, "text", ""));
    buffer_fini(&names);
    end_task(task, STATUS_WAITING, &text);
}

void task_stage_done(struct task *task, const struct error *error)
{
    CHECK(task->running);
    if (error->code == ERROR_OK) {
        task->failures = 0;
        task->error = ERROR_NONE;
        if (++task->stage == task->kind->stage_count)
            end_task(task, STATUS_DONE, error);
        else
            enter_stage(task);
        return;
    }
    if (task->question[0] != '\0')
        end_with_question(task, error);
    else if (may_retry(task, error))
        pause_and_retry(task, error);
    else
        fail_stage(task, error);
}

static void run_job(void *context)
{
    struct job *job = context;
    struct task *task = job->task;
    if (!task->kind->stages[task->stage].run(task, job->lane, &job->error))
        CHECK(job->error.code != ERROR_OK);
    else
        job->error = ERROR_NONE;
}

static void job_done(void *context)
{
    struct job *job = context;
    struct task *task = job->task;
    /* A permanent failure says more than the retriable ones of its neighbours. */
    if (job->error.code != ERROR_OK &&
        (task->job_error.code == ERROR_OK || error_is_retriable(task->job_error.code)))
        task->job_error = job->error;
    free(job);
    if (--task->jobs_left == 0)
        task_stage_done(task, &task->job_error);
}

static void start_jobs(struct task *task)
{
    const struct task_stage *stage = &task->kind->stages[task->stage];
    unsigned width = stage->width == NULL ? 1 : stage->width(task);
    CHECK(width > 0);
    task->job_error = ERROR_NONE;
    task->jobs_left = width;
    for (unsigned lane = 0; lane < width; lane++) {
        struct job *job = memory_new(sizeof *job);
        job->task = task;
        job->lane = lane;
        work_start(agent_parts(task->agent)->loop, run_job, job_done, job);
    }
}

static void phase_is_durable(void *context)
{
    struct task *task = context;
    const struct task_stage *stage = &task->kind->stages[task->stage];
    char point[64];
    snprintf(point, sizeof point, "agent.%s.%s", task->kind->name, stage->phase);
    crash_point(point, task_scope(task));
    if (atomic_load(&task->abort) && !task->kind->runs_to_the_end) {
        struct error error;
        error_set(&error, ERROR_CANCELED, "stopped before %s", stage->phase);
        end_task(task, STATUS_FAILED, &error);
        return;
    }
    task->scope = ++agent_parts(task->agent)->scopes;
    if (stage->run != NULL)
        start_jobs(task);
    else
        stage->start(task);
}

static void enter_stage(struct task *task)
{
    const struct task_stage *stage = &task->kind->stages[task->stage];
    snprintf(task->phase, sizeof task->phase, "%s", stage->phase);
    task_changed(task, phase_is_durable, task);
}

void task_start(struct task *task)
{
    CHECK(!task->running);
    task->running = true;
    task->state = STATUS_RUNNING;
    task->stage = 0;
    enter_stage(task);
}

void task_refuse(struct task *task, const struct error *error)
{
    CHECK(!task->running);
    end_task(task, STATUS_FAILED, error);
}

void task_stop(struct task *task)
{
    atomic_store(&task->abort, true);
    if (task->pausing) {
        timer_start(task->retry, 0);
    } else if (task->running && task->kind->cancel != NULL) {
        task->kind->cancel(task);
    } else if (!task->running && !task_is_over(task)) {
        struct error error;
        error_set(&error, ERROR_CANCELED, "stopped before it began");
        end_task(task, STATUS_FAILED, &error);
    }
}

struct call task_call(struct task *task)
{
    struct call call = {.abort = &task->abort,
                        .limiter = task->limiter,
                        .counters = &task->counters,
                        .scope = task->scope};
    if (task->instruction.deadline_us != 0) {
        int64_t left_us = task->instruction.deadline_us - clock_realtime_us();
        call.deadline_ns = clock_monotonic_ns() + (left_us < 0 ? 0 : left_us) * 1000;
    }
    return call;
}

bool task_store(struct task *task, const char *cluster, const char *instance,
                struct store_ref *ret_ref, struct error *error)
{
    const struct agent_options *options = agent_parts(task->agent)->options;
    for (size_t i = 0; i < options->store_count; i++) {
        const struct agent_store *store = &options->stores[i];
        if (strcmp(store->cluster, cluster) == 0 && strcmp(store->instance, instance) == 0) {
            *ret_ref = store->ref;
            return true;
        }
    }
    return error_set(error, ERROR_INVALID,
                     "the agent of cluster %s knows no instance '%s' of cluster '%s': add it under "
                     "'clusters' in the configuration of this agent",
                     options->cluster, instance, cluster);
}

bool task_area_store(struct task *task, const char *cluster, struct store_ref *ret_ref,
                     struct error *error)
{
    const struct agent_options *options = agent_parts(task->agent)->options;
    for (size_t i = 0; i < options->store_count; i++)
        if (strcmp(options->stores[i].cluster, cluster) == 0) {
            *ret_ref = options->stores[i].ref;
            return true;
        }
    return error_set(error, ERROR_INVALID,
                     "the agent of cluster %s knows no cluster '%s': add it under 'clusters'",
                     options->cluster, cluster);
}

void task_result_take(struct task *task, const char *key, json_t *value)
{
    pthread_mutex_lock(&task->mutex);
    json_set_take(task->result, key, value);
    pthread_mutex_unlock(&task->mutex);
}

bool task_asks(struct task *task)
{
    pthread_mutex_lock(&task->mutex);
    bool asks = task->question[0] != '\0';
    pthread_mutex_unlock(&task->mutex);
    return asks;
}
