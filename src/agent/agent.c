/* agent.c: the agent's instructions: resumed from the journal at start, kept durable before they
 * act, started when the work queue has room. The protocol is in agent_requests.c. */
#include "agent/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_private.h"
#include "agent/precedence.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/size.h"

#define CHANGE_AGAIN_MS 200

struct agent_parts *agent_parts(struct agent *agent)
{
    return &agent->parts;
}

struct task *agent_find(struct agent *agent, const char *key)
{
    list_for_each(task, &agent->parts.tasks, struct task, node)
        if (strcmp(task->instruction.key, key) == 0)
            return task;
    return NULL;
}

/* ---- durable state -------------------------------------------------------------------------- */

struct change {
    struct task *task;
    loop_fn *durable;
    void *context;
    struct timer *again;
};

static char *payload_of(struct task *task)
{
    json_t *payload = json_object();
    json_set_take(payload, "instruction", json_incref(task->instruction.document));
    json_set_take(payload, "status", task_record(task));
    struct buffer text;
    buffer_init(&text, 0);
    json_print(payload, false, &text);
    json_decref(payload);
    return buffer_take(&text);
}

static void check_stopped(struct agent *agent);

/* The journal is lost, or full while the agent stops: nothing may act on this state. The daemon
 * ends; the next start begins with what the journal has. */
static void give_up_change(struct task *task)
{
    task->changes--;
    task->unsaved = true;
    task->running = false; /* changes are made between stages: no executor has it */
    check_stopped(task->agent);
}

static void append_change(struct change *change);

static void change_again(void *context)
{
    struct change *change = context;
    timer_free(change->again);
    change->again = NULL;
    append_change(change);
}

/* The journal's queue is full or its disk is: nothing acts until the record is durable, so the
 * change waits and is tried again. */
static void retry_change(struct change *change)
{
    change->again = timer_new(change->task->agent->parts.loop, change_again, change);
    timer_start(change->again, CHANGE_AGAIN_MS);
}

static void change_is_durable(void *context, const struct error *error)
{
    struct change *change = context;
    struct task *task = change->task;
    if (error->code == ERROR_NO_SPACE && !task->agent->parts.stopping) {
        /* The disk is full, the journal is sound: the state of then, once there is room. */
        retry_change(change);
        return;
    }
    loop_fn *durable = change->durable;
    void *durable_context = change->context;
    free(change);
    if (error->code != ERROR_OK) {
        give_up_change(task);
        return;
    }
    if (--task->changes == 0)
        task_is_durable(task);
    agent_tell_waiters(task);
    durable(durable_context);
}

/* A result that no record can hold fails by name: waiting would not make it smaller. */
static bool shorten_result(struct task *task)
{
    if (!task_is_over(task) || json_object_size(task->result) == 0)
        return false;
    json_object_clear(task->result);
    task->state = STATUS_FAILED;
    error_set(&task->error, ERROR_LIMIT, "what it found is larger than one record (%s)",
              size_text(JOURNAL_PAYLOAD_BYTES_MAX).text);
    return true;
}

static void change_is_refused(struct change *change, const struct error *error)
{
    struct task *task = change->task;
    bool is_full = error->code == ERROR_LIMIT || error->code == ERROR_NO_SPACE;
    if (is_full && !task->agent->parts.stopping) {
        retry_change(change);
    } else if (error->code == ERROR_INVALID && shorten_result(task)) {
        append_change(change);
    } else {
        free(change);
        give_up_change(task);
    }
}

static void append_change(struct change *change)
{
    struct task *task = change->task;
    struct agent *agent = task->agent;
    char *payload = payload_of(task);
    agent_weigh(task, payload, strlen(payload));
    struct journal_append record = {.type = JOURNAL_INSTRUCTION,
                                    .key = task->instruction.key,
                                    .payload = payload,
                                    .generation = (uint64_t)task->instruction.fence};
    struct error error = ERROR_NONE;
    if (!journal_append_all(agent->options.journal, &record, 1, change_is_durable, change,
                            &error)) {
        log_error(LOG_AGENT, "journal.refused", "cluster=%s error=\"%s\"", agent->options.cluster,
                  error.text);
        change_is_refused(change, &error);
    }
    free(payload);
}

void task_changed(struct task *task, loop_fn *durable, void *context)
{
    struct change *change = memory_new(sizeof *change);
    if (task->changes == 0)
        task->shown_revision = task->revision; /* a pause raises it without a record */
    task->revision++;
    task->updated_us = clock_realtime_us();
    task->changes++;
    *change = (struct change){.task = task, .durable = durable, .context = context};
    append_change(change);
}

/* ---- progress -------------------------------------------------------------------------------- */

#define PROGRESS_MS 500

/* Counters move without a revision: who waits for news hears of them now and then. */
static void tell_progress(void *context)
{
    struct agent *agent = context;
    bool running = false;
    list_for_each(task, &agent->parts.tasks, struct task, node) {
        uint64_t operations = atomic_load(&task->counters.operations) +
                              atomic_load(&task->counters.bytes_written) +
                              atomic_load(&task->counters.bytes_read);
        running = running || task->running;
        if (!task->running || operations == task->told)
            continue;
        task->told = operations;
        agent_tell_all(task);
    }
    if (running)
        timer_start(agent->progress, PROGRESS_MS);
    agent->ticking = running;
}

static void tick(struct agent *agent)
{
    if (agent->ticking)
        return;
    agent->ticking = true;
    timer_start(agent->progress, PROGRESS_MS);
}

/* ---- running -------------------------------------------------------------------------------- */

/* Refused since it was accepted: by a later order, or a newer generation. What must undo something
 * outside, and may have done it before a restart, begins all the same, and ends at once. */
static bool is_refused(struct agent *agent, struct task *task)
{
    struct error error;
    if (precedence_admits(agent, &task->instruction, &error))
        return false;
    task->is_fenced = error.code == ERROR_FENCED;
    if (task->resumed && task->kind->runs_to_the_end) {
        atomic_store(&task->abort, true);
        return false;
    }
    task_refuse(task, &error);
    return true;
}

static void start_queued(struct agent *agent)
{
    struct agent_parts *parts = &agent->parts;
    list_for_each(task, &parts->tasks, struct task, node) {
        if (parts->stopping || task->running || task_is_over(task))
            continue;
        if (task->kind->is_long && parts->long_jobs >= agent->options.long_jobs_max)
            continue;
        if (precedence_must_wait(task) || is_refused(agent, task))
            continue;
        task->has_slot = task->kind->is_long;
        parts->long_jobs += task->has_slot;
        task_start(task);
        tick(agent);
    }
}

void agent_queue(struct agent *agent, struct task *task)
{
    list_append(&agent->parts.tasks, &task->node);
    agent_limit(agent, task);
    start_queued(agent);
}

static void forget_durably(struct agent *agent, const char *key)
{
    struct journal_append record = {.type = JOURNAL_INSTRUCTION, .key = key};
    struct error error = ERROR_NONE;
    /* A refused removal costs only room: the next start prunes again. */
    if (!journal_append_all(agent->options.journal, &record, 1, NULL, NULL, &error))
        log_warning(LOG_AGENT, "journal.refused", "cluster=%s key=%s error=\"%s\"",
                    agent->options.cluster, key, error.text);
}

void agent_drop(struct agent *agent, struct task *task)
{
    forget_durably(agent, task->instruction.key);
    list_remove(&task->node);
    task_free(task);
}

static void check_stopped(struct agent *agent)
{
    if (!agent->parts.stopping || agent->stopped == NULL)
        return;
    list_for_each(task, &agent->parts.tasks, struct task, node)
        if (task_is_busy(task))
            return;
    loop_fn *stopped = agent->stopped;
    agent->stopped = NULL;
    stopped(agent->stopped_context);
}

void agent_task_over(struct agent *agent, struct task *task)
{
    agent->parts.long_jobs -= task->has_slot;
    task->has_slot = false;
    if (task->forgotten) {
        agent_tell_all(task);
        agent_drop(agent, task);
    }
    list_for_each(other, &agent->parts.tasks, struct task, node)
        if (other->running && other->kind->other_over != NULL)
            other->kind->other_over(other);
    start_queued(agent);
    check_stopped(agent);
}

/* ---- start and stop ------------------------------------------------------------------------- */

static bool resume_over(struct task *task, const json_t *document)
{
    struct status status;
    struct error error;
    if (document == NULL || !status_parse(document, &status, &error))
        return false;
    task->revision = status.revision;
    snprintf(task->phase, sizeof task->phase, "%s", status.phase);
    if (status.state == STATUS_RUNNING)
        return false;
    task->state = status.state;
    task->updated_us = status.updated_us;
    task->error = status.error;
    if (status.question != NULL)
        snprintf(task->question, sizeof task->question, "%s", status.question);
    if (json_is_array(status.asked))
        json_array_extend(task->asked, status.asked);
    if (status.result != NULL)
        json_object_update(task->result, status.result);
    return true;
}

static bool resume_one(void *context, const char *key, const char *payload, size_t size,
                       struct error *error)
{
    struct agent *agent = context;
    json_t *object;
    struct instruction instruction;
    if (!json_parse(payload, size, &object, error))
        return error_wrap(error, "instruction %s", key);
    json_t *document = json_deep_copy(json_object_get(object, "instruction"));
    if (document == NULL || !instruction_parse(document, &instruction, error)) {
        json_decref(document);
        json_decref(object);
        return error_wrap(error, "instruction %s in the journal", key);
    }
    const struct task_kind *kind = task_kind_find(instruction.kind);
    if (kind == NULL) {
        json_decref(document);
        json_decref(object);
        return error_set(error, ERROR_CORRUPT, "instruction %s: unknown kind", key);
    }
    struct task *task = task_new(agent, kind, &instruction);
    agent_weigh(task, payload, size);
    task->resumed = !resume_over(task, json_object_get(object, "status"));
    task_is_durable(task);
    agent_limit(agent, task);
    list_append(&agent->parts.tasks, &task->node);
    json_decref(object);
    return true;
}

json_t *agent_fences(struct agent *agent)
{
    return agent->fences;
}

static bool load_fence(void *context, const char *key, const char *payload, size_t size,
                       struct error *error)
{
    struct agent *agent = context;
    json_t *object;
    if (!json_parse(payload, size, &object, error))
        return error_wrap(error, "fence of pair %s", key);
    json_set_take(agent->fences, key, object);
    return true;
}

static void begin(void *context)
{
    start_queued(context);
}

bool agent_new(struct loop *loop, const struct agent_options *options, struct agent **ret_agent,
               struct error *error)
{
    if (!file_make_directories(options->work_directory, 0700, error))
        return false;
    struct agent *agent = memory_new(sizeof *agent);
    agent->options = *options;
    if (agent->options.long_jobs_max == 0)
        agent->options.long_jobs_max = 4;
    agent->parts = (struct agent_parts){.loop = loop, .options = &agent->options};
    list_init(&agent->parts.tasks);
    list_init(&agent->parts.moments);
    list_init(&agent->parts.limiters);
    list_init(&agent->arrivals);
    agent->fences = json_object();
    agent->progress = timer_new(loop, tell_progress, agent);
    struct journal *journal = options->journal;
    if (!journal->operations->objects(journal, JOURNAL_FENCE, load_fence, agent, error) ||
        !journal->operations->objects(journal, JOURNAL_INSTRUCTION, resume_one, agent, error)) {
        agent_free(agent);
        return error_wrap(error, "agent of cluster %s", options->cluster);
    }
    loop_post(loop, begin, agent);
    *ret_agent = agent;
    return true;
}

static void report_stopped(void *context)
{
    check_stopped(context);
}

void agent_stop(struct agent *agent, loop_fn *stopped, void *context)
{
    agent->parts.stopping = true;
    agent->stopped = stopped;
    agent->stopped_context = context;
    list_for_each(task, &agent->parts.tasks, struct task, node)
        if (task->running)
            task_stop(task);
    loop_post(agent->parts.loop, report_stopped, agent);
}

void agent_free(struct agent *agent)
{
    if (agent == NULL)
        return;
    agent_end_waiters(agent);
    agent_forget_arrivals(agent);
    list_for_each(task, &agent->parts.tasks, struct task, node) {
        list_remove(&task->node);
        task_free(task);
    }
    agent_free_limiters(agent);
    CHECK(list_is_empty(&agent->parts.moments));
    json_decref(agent->fences);
    timer_free(agent->progress);
    free(agent);
}
