/* agent_requests.c: the protocol of protocol.h, for both transports alike. An instruction is
 * durable before 201 is said; a status is durable before a waiter hears of it. */
#include "agent/agent_private.h"

#include <stdlib.h>
#include <string.h>

#include "agent/precedence.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"

struct waiter {
    struct list node;
    struct task *task;
    struct timer *timer;
    uint64_t after;
    agent_reply_fn *reply;
    void *context;
};

static void reply_document(agent_reply_fn *reply, void *context, int status, json_t *document)
{
    struct buffer text;
    buffer_init(&text, 0);
    json_print(document, false, &text);
    json_decref(document);
    reply(context, status, buffer_text(&text), text.size);
    buffer_fini(&text);
}

/* LIMIT: the order is sound, and there is no room for it now. */
static void reply_error(agent_reply_fn *reply, void *context, const struct error *error)
{
    json_t *document = json_object();
    json_set_take(document, "error", json_from_error(error));
    int status = error->code == ERROR_LIMIT ? 429 : error_http_status(error->code);
    reply_document(reply, context, status, document);
}

/* ---- long polls ----------------------------------------------------------------------------- */

static void end_wait(struct waiter *waiter)
{
    list_remove(&waiter->node);
    timer_free(waiter->timer);
    reply_document(waiter->reply, waiter->context, 200, task_status(waiter->task));
    free(waiter);
}

static void wait_is_over(void *context)
{
    end_wait(context);
}

void agent_tell_waiters(struct task *task)
{
    list_for_each(waiter, &task->waiters, struct waiter, node)
        if (task_revision(task) > waiter->after)
            end_wait(waiter);
}

void agent_tell_all(struct task *task)
{
    list_for_each(waiter, &task->waiters, struct waiter, node)
        end_wait(waiter);
}

void agent_end_waiters(struct agent *agent)
{
    list_for_each(task, &agent->parts.tasks, struct task, node)
        agent_tell_all(task);
}

static int64_t query_integer(const char *query, const char *name, int64_t otherwise)
{
    size_t length = strlen(name);
    for (const char *p = query; p != NULL && *p != '\0'; p = strchr(p, '&')) {
        p += *p == '&';
        if (strncmp(p, name, length) == 0 && p[length] == '=')
            return strtoll(p + length + 1, NULL, 10);
    }
    return otherwise;
}

static void get_status(struct agent *agent, const char *key, const struct agent_request *request,
                       agent_reply_fn *reply, void *context)
{
    struct task *task = agent_find(agent, key);
    if (task == NULL) {
        struct error error;
        error_set(&error, ERROR_NOT_FOUND, "no instruction %.64s here: send it again", key);
        reply_error(reply, context, &error);
        return;
    }
    int64_t after = query_integer(request->query, "after", -1);
    int64_t wait_s = query_integer(request->query, "wait", 0);
    if ((int64_t)task_revision(task) > after || wait_s <= 0) {
        reply_document(reply, context, 200, task_status(task));
        return;
    }
    struct waiter *waiter = memory_new(sizeof *waiter);
    *waiter =
        (struct waiter){.task = task, .after = (uint64_t)after, .reply = reply, .context = context};
    waiter->timer = timer_new(agent->parts.loop, wait_is_over, waiter);
    timer_start(waiter->timer,
                (wait_s > PROTOCOL_WAIT_MAX_S ? PROTOCOL_WAIT_MAX_S : wait_s) * 1000);
    list_append(&task->waiters, &waiter->node);
}

/* ---- new instructions ----------------------------------------------------------------------- */

/* An order on its way to the journal. It is known by its key from the moment at which it is handed
 * over: another body must not reach the journal behind it. */
struct arrival {
    struct list node;
    struct agent *agent;
    struct task *task;
    struct list callers;  /* who sent it; the first, then those who sent the same again */
    struct list deleters; /* who took it back meanwhile: then it never begins */
};

struct caller {
    struct list node;
    agent_reply_fn *reply;
    void *context;
};

static struct arrival *find_arrival(struct agent *agent, const char *key)
{
    list_for_each(arrival, &agent->arrivals, struct arrival, node)
        if (strcmp(arrival->task->instruction.key, key) == 0)
            return arrival;
    return NULL;
}

static void add_caller(struct list *callers, agent_reply_fn *reply, void *context)
{
    struct caller *caller = memory_new(sizeof *caller);
    caller->reply = reply;
    caller->context = context;
    list_append(callers, &caller->node);
}

/* 201 to the first, 200 to the others; or the failure to all. The task stays. */
static void answer_callers(struct arrival *arrival, const struct error *error)
{
    int status = 201;
    list_for_each(caller, &arrival->callers, struct caller, node) {
        if (error->code == ERROR_OK)
            reply_document(caller->reply, caller->context, status, task_status(arrival->task));
        else
            reply_error(caller->reply, caller->context, error);
        status = 200;
        list_remove(&caller->node);
        free(caller);
    }
}

/* The record of it is gone, or never came to be; or stays, for which no 204 is said. */
static void answer_deleters(struct arrival *arrival, const struct error *error)
{
    list_for_each(caller, &arrival->deleters, struct caller, node) {
        if (error->code == ERROR_OK)
            caller->reply(caller->context, 204, "", 0);
        else
            reply_error(caller->reply, caller->context, error);
        list_remove(&caller->node);
        free(caller);
    }
}

static void free_arrival(struct arrival *arrival)
{
    list_remove(&arrival->node);
    free(arrival);
}

void agent_forget_arrivals(struct agent *agent)
{
    list_for_each(arrival, &agent->arrivals, struct arrival, node) {
        list_for_each(caller, &arrival->callers, struct caller, node)
            free(caller);
        list_for_each(caller, &arrival->deleters, struct caller, node)
            free(caller);
        task_free(arrival->task);
        free_arrival(arrival);
    }
}

static bool is_same(const struct task *known, const json_t *document, struct error *error)
{
    return instruction_same_order(known->instruction.document, document) ||
           error_set(error, ERROR_CONFLICT, "another instruction was accepted under key %.64s",
                     known->instruction.key);
}

static void end_arrival(struct arrival *arrival, const struct error *error)
{
    struct task *task = arrival->task;
    answer_callers(arrival, error);
    free_arrival(arrival);
    task_free(task);
}

/* Its record stays for now. Whoever takes orders back does not ask again, so the agent itself sees
 * to it that the next start finds it ended. */
static void end_for_the_journal(struct arrival *arrival, const struct error *canceled)
{
    struct agent *agent = arrival->agent;
    struct task *task = arrival->task;
    answer_callers(arrival, canceled);
    free_arrival(arrival);
    task->forgotten = true;
    list_append(&agent->parts.tasks, &task->node);
    task_refuse(task, canceled);
}

static void removal_is_durable(void *context, const struct error *error)
{
    struct arrival *arrival = context;
    struct error canceled;
    answer_deleters(arrival, error);
    error_set(&canceled, ERROR_CANCELED, "deleted before it began");
    if (error->code == ERROR_OK)
        end_arrival(arrival, &canceled);
    else
        end_for_the_journal(arrival, &canceled);
}

/* Known by its key until the record is gone too, which the next start would run. */
static void remove_arrival(struct arrival *arrival)
{
    struct journal_append record = {.type = JOURNAL_INSTRUCTION,
                                    .key = arrival->task->instruction.key};
    struct error error = ERROR_NONE;
    if (!journal_append_all(arrival->agent->options.journal, &record, 1, removal_is_durable,
                            arrival, &error))
        removal_is_durable(arrival, &error);
}

static void instruction_is_durable(void *context, const struct error *error)
{
    struct arrival *arrival = context;
    struct agent *agent = arrival->agent;
    struct task *task = arrival->task;
    if (error->code != ERROR_OK) {
        answer_deleters(arrival, &ERROR_NONE);
        end_arrival(arrival, error);
        return;
    }
    if (!list_is_empty(&arrival->deleters)) {
        remove_arrival(arrival);
        return;
    }
    log_info(LOG_AGENT, "instruction.accepted",
             "cluster=%s service=%s epoch=%d attempt=%d kind=%s "
             "try=%d key=%.12s",
             agent->options.cluster, task->instruction.service_name, (int)task->instruction.number,
             (int)task->instruction.attempt, task->instruction.kind,
             (int)task->instruction.try_number, task->instruction.key);
    agent_prune(agent, &task->instruction);
    answer_callers(arrival, error);
    free_arrival(arrival);
    agent_queue(agent, task);
}

static char *text_of(json_t *document)
{
    struct buffer text;
    buffer_init(&text, 0);
    json_print(document, false, &text);
    json_decref(document);
    return buffer_take(&text);
}

static void accept(struct agent *agent, struct task *task, agent_reply_fn *reply, void *context)
{
    const struct instruction *instruction = &task->instruction;
    json_t *payload = json_object(), *fence = json_object();
    json_set_take(payload, "instruction", json_incref(instruction->document));
    json_set_take(payload, "status", task_status(task));
    json_set_integer(fence, "generation", instruction->fence);
    json_set_string(fence, "device", instruction->device);
    char *payload_text = text_of(payload), *fence_text = text_of(json_incref(fence));
    const json_t *known = json_object_get(agent->fences, instruction->pair);
    bool raises = instruction->fence > json_integer_or(known, "generation", -1);
    struct journal_append records[] = {
        {JOURNAL_INSTRUCTION, instruction->key, payload_text, (uint64_t)instruction->fence},
        {JOURNAL_FENCE, instruction->pair, fence_text, (uint64_t)instruction->fence},
    };
    /* At once, not when durable: an older order that arrives in between must lose. */
    if (raises) {
        json_set_take(agent->fences, instruction->pair, json_incref(fence));
        precedence_fence(agent, instruction->pair, instruction->fence);
    }
    struct arrival *arrival = memory_new(sizeof *arrival);
    *arrival = (struct arrival){.agent = agent, .task = task};
    list_init(&arrival->callers);
    list_init(&arrival->deleters);
    add_caller(&arrival->callers, reply, context);
    list_append(&agent->arrivals, &arrival->node);
    struct error error = ERROR_NONE;
    if (!journal_append_all(agent->options.journal, records, raises ? 2 : 1, instruction_is_durable,
                            arrival, &error))
        instruction_is_durable(arrival, &error);
    free(payload_text);
    free(fence_text);
    json_decref(fence);
}

/* A hook is a program of the sender's choice, run as our user. */
static bool hooks_are_welcome(const struct agent *agent, const struct instruction *instruction,
                              struct error *error)
{
    const json_t *settings = json_object_get(instruction->body, "settings");
    return agent->options.runs_hooks || strcmp(instruction->kind, "snapshot") != 0 ||
           json_object_size(json_object_get(settings, "hooks")) == 0 ||
           error_set(error, ERROR_INVALID,
                     "cluster %s: hooks run as the user of coevald, and every user of this machine "
                     "may ask its agent: set listen.token_file, or listen.hooks: true",
                     agent->options.cluster);
}

static bool may_accept(struct agent *agent, const char *key, const struct instruction *instruction,
                       const struct task_kind **ret_kind, struct error *error)
{
    if (strcmp(instruction->key, key) != 0)
        return error_set(error, ERROR_INVALID, "the key of the path and of the body differ");
    *ret_kind = task_kind_find(instruction->kind);
    if (*ret_kind == NULL)
        return error_set(error, ERROR_PROTOCOL, "unknown kind of instruction '%.40s'",
                         instruction->kind);
    if (!hooks_are_welcome(agent, instruction, error))
        return false;
    bool is_new = agent_find(agent, key) == NULL && find_arrival(agent, key) == NULL;
    bool admitted = is_new ? precedence_admits(agent, instruction, error)
                           : precedence_admits_generation(agent, instruction, error);
    if (!admitted)
        return false;
    if (agent->parts.stopping)
        return error_set(error, ERROR_UNAVAILABLE, "the agent is stopping");
    return true;
}

static void put_instruction(struct agent *agent, const char *key,
                            const struct agent_request *request, agent_reply_fn *reply,
                            void *context)
{
    struct error error = ERROR_NONE;
    json_t *document;
    struct instruction instruction;
    const struct task_kind *kind = NULL;
    size_t memory = json_memory(request->body, request->body_size);
    if (!agent_could_hold(agent, memory, &error) ||
        !json_parse(request->body, request->body_size, &document, &error)) {
        reply_error(reply, context, &error);
        return;
    }
    if (!instruction_parse(document, &instruction, &error) ||
        !may_accept(agent, key, &instruction, &kind, &error)) {
        json_decref(document);
        reply_error(reply, context, &error);
        return;
    }
    struct arrival *arriving = find_arrival(agent, key);
    struct task *known = arriving != NULL ? arriving->task : agent_find(agent, key);
    if (known == NULL && agent_make_room(agent, memory, &error)) {
        struct task *task = task_new(agent, kind, &instruction);
        agent_weigh(task, request->body, request->body_size);
        accept(agent, task, reply, context);
        return;
    }
    if (known == NULL || !is_same(known, document, &error))
        reply_error(reply, context, &error);
    else if (arriving != NULL)
        add_caller(&arriving->callers, reply, context);
    else
        reply_document(reply, context, 200, task_status(known));
    json_decref(document);
}

static void delete_instruction(struct agent *agent, const char *key, agent_reply_fn *reply,
                               void *context)
{
    struct arrival *arriving = find_arrival(agent, key);
    struct task *task = agent_find(agent, key);
    if (arriving != NULL) {
        add_caller(&arriving->deleters, reply, context);
        return;
    }
    if (task != NULL && (task_is_busy(task) || !task_is_over(task))) {
        task->forgotten = true; /* agent_task_over() drops it */
        if (!task_is_over(task))
            task_stop(task);
    } else if (task != NULL) {
        agent_tell_all(task);
        agent_drop(agent, task);
    }
    reply(context, 204, "", 0);
}

/* ---- the agent itself ----------------------------------------------------------------------- */

static void get_agent(struct agent *agent, agent_reply_fn *reply, void *context)
{
    json_t *document = json_object(), *instances = json_array();
    bool synchronised;
    int64_t clock_error = clock_error_us(&synchronised);
    json_set_string(document, "cluster", agent->options.cluster);
    json_set_string(document, "id", agent->options.id);
    json_set_integer(document, "protocol_min", PROTOCOL_MIN);
    json_set_integer(document, "protocol_max", PROTOCOL_MAX);
    json_set_time(document, "now_us", clock_realtime_us());
    json_set_integer(document, "clock_error_us", clock_error);
    json_set_boolean(document, "clock_synchronised", synchronised);
    for (size_t i = 0; i < agent->options.store_count; i++) {
        const struct agent_store *store = &agent->options.stores[i];
        json_t *item = json_object();
        json_set_string(item, "cluster", store->cluster);
        json_set_string(item, "instance", store->instance);
        json_set_string(item, "kind", store->ref.component->kind);
        json_set_integer(item, "features", store->ref.component->features);
        json_append_take(instances, item);
    }
    json_set_take(document, "instances", instances);
    reply_document(reply, context, 200, document);
}

#define INSTRUCTIONS "/v1/instructions/"

void agent_handle(struct agent *agent, const struct agent_request *request, agent_reply_fn *reply,
                  void *context)
{
    struct error error;
    if (strcmp(request->path, "/v1/agent") == 0 && strcmp(request->method, "GET") == 0) {
        get_agent(agent, reply, context);
        return;
    }
    if (strncmp(request->path, INSTRUCTIONS, strlen(INSTRUCTIONS)) != 0) {
        error_set(&error, ERROR_NOT_FOUND, "no such resource on an agent");
        reply_error(reply, context, &error);
        return;
    }
    const char *key = request->path + strlen(INSTRUCTIONS);
    if (strcmp(request->method, "PUT") == 0) {
        put_instruction(agent, key, request, reply, context);
    } else if (strcmp(request->method, "GET") == 0) {
        get_status(agent, key, request, reply, context);
    } else if (strcmp(request->method, "DELETE") == 0) {
        delete_instruction(agent, key, reply, context);
    } else {
        error_set(&error, ERROR_INVALID, "method %.10s is not for instructions", request->method);
        reply_error(reply, context, &error);
    }
}
