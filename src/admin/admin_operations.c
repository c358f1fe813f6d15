/* admin_operations.c: long work as objects that can be asked for and waited for. They live in
 * memory: after a restart the work is gone or (recover) has had its effect; asking again does no
 * harm, so nothing is kept in the journal. */
#include <stdlib.h>
#include <string.h>

#include "admin/admin_private.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/timestamp.h"

#define OPERATIONS_KEPT 200
#define OPERATIONS_RUNNING_MAX 16
#define WAIT_SECONDS_MAX 60

struct operation {
    struct list node;
    struct admin *admin;
    char id[UUID_TEXT_SIZE];
    const char *kind;
    char *service; /* NULL: all */
    uint64_t number;
    int64_t started_us, ended_us;     /* ended 0: running */
    struct control_progress progress; /* as last heard of; unit NULL: never */
    json_t *result;
    struct error error;
    struct list waiters;
};

/* A long poll. */
struct waiter {
    struct list node;
    struct operation *operation;
    struct http_exchange *exchange;
    struct timer *timer;
};

/* ---- what is shown ---- */

static void set_instant(json_t *object, const char *key, int64_t time_us)
{
    char text[TIMESTAMP_TEXT_SIZE];
    if (time_us != 0)
        timestamp_format(time_us, text);
    json_set_string(object, key, time_us == 0 ? NULL : text);
}

static json_t *next_commands(const struct operation *operation)
{
    json_t *commands = json_array();
    struct arena arena;
    arena_init(&arena);
    if (operation->ended_us == 0)
        json_append_take(
            commands, json_string(arena_format(&arena, "coeval operation show %s", operation->id)));
    else if (operation->error.code != ERROR_OK)
        json_append_take(commands,
                         json_string(strcmp(operation->kind, "move-root") == 0 ? "coeval root list"
                                                                               : "coeval check"));
    arena_fini(&arena);
    return commands;
}

static json_t *describe(struct operation *operation)
{
    json_t *object = json_object();
    const struct control_progress *progress = &operation->progress;
    bool runs = operation->ended_us == 0, failed = operation->error.code != ERROR_OK;
    json_set_string(object, "id", operation->id);
    json_set_string(object, "kind", operation->kind);
    json_set_string(object, "service", operation->service);
    json_set_take(object, "number",
                  operation->number == 0 ? json_null()
                                         : json_integer((json_int_t)operation->number));
    json_set_string(object, "phase", runs ? "running" : failed ? "failed" : "done");
    if (runs)
        control_progress(operation->admin->control, operation, &operation->progress);
    json_set_string(object, "doing", runs && progress->doing[0] != '\0' ? progress->doing : NULL);
    json_set_integer(object, "done", (int64_t)progress->done);
    json_set_integer(object, "total", (int64_t)progress->total);
    json_set_string(object, "unit", progress->unit);
    json_set_integer(object, "bytes_done", (int64_t)progress->bytes_done);
    json_set_integer(object, "bytes_total", (int64_t)progress->bytes_total);
    json_set_integer(object, "bytes_per_second", runs ? (int64_t)progress->bytes_per_second : 0);
    json_set_take(object, "seconds_left",
                  runs && progress->unit != NULL && progress->seconds_left >= 0
                      ? json_integer(progress->seconds_left)
                      : json_null());
    set_instant(object, "started_at", operation->started_us);
    set_instant(object, "ended_at", operation->ended_us);
    json_set_take(object, "error", failed ? json_from_error(&operation->error) : json_null());
    json_set_take(object, "result",
                  operation->result == NULL ? json_null() : json_incref(operation->result));
    json_set_take(object, "commands", next_commands(operation));
    return object;
}

/* ---- who waits ---- */

static void free_waiter(struct waiter *waiter)
{
    list_remove(&waiter->node);
    timer_free(waiter->timer);
    free(waiter);
}

static void waiter_left(void *context)
{
    free_waiter(context);
}

static void answer_waiter(void *context)
{
    struct waiter *waiter = context;
    http_exchange_on_gone(waiter->exchange, NULL, NULL);
    admin_answer(waiter->exchange, 200, describe(waiter->operation));
    free_waiter(waiter);
}

static void wait_for(struct admin *admin, struct operation *operation,
                     struct http_exchange *exchange, uint64_t seconds)
{
    struct waiter *waiter = memory_new(sizeof *waiter);
    waiter->operation = operation;
    waiter->exchange = exchange;
    waiter->timer = timer_new(admin->loop, answer_waiter, waiter);
    list_append(&operation->waiters, &waiter->node);
    timer_start(waiter->timer, (int64_t)seconds * 1000);
    http_exchange_on_gone(exchange, waiter_left, waiter);
}

/* ---- begin and end ---- */

static void free_operation(struct operation *operation)
{
    list_for_each(waiter, &operation->waiters, struct waiter, node)
        free_waiter(waiter);
    list_remove(&operation->node);
    json_decref(operation->result);
    free(operation->service);
    free(operation);
}

static void drop_old(struct admin *admin)
{
    size_t count = 0;
    list_for_each(operation, &admin->operations, struct operation, node)
        count++;
    list_for_each(operation, &admin->operations, struct operation, node) {
        if (count < OPERATIONS_KEPT)
            break;
        if (operation->ended_us == 0 || !list_is_empty(&operation->waiters))
            continue;
        free_operation(operation);
        count--;
    }
}

size_t operations_running(const struct admin *admin)
{
    size_t count = 0;
    list_for_each(operation, &admin->operations, struct operation, node)
        count += operation->ended_us == 0;
    return count;
}

struct operation *operation_begin(struct admin *admin, struct http_exchange *exchange,
                                  const char *kind, const char *service, uint64_t number)
{
    struct error error;
    if (operations_running(admin) >= OPERATIONS_RUNNING_MAX) {
        error_set(&error, ERROR_CONFLICT,
                  "%d operations are running: wait for one of them (GET "
                  "/v1/operations)",
                  OPERATIONS_RUNNING_MAX);
        http_answer_error(exchange, &error);
        return NULL;
    }
    drop_old(admin);
    struct operation *operation = memory_new(sizeof *operation);
    operation->admin = admin;
    uuid_new(operation->id);
    operation->kind = kind;
    operation->service = memory_copy_string(service);
    operation->number = number;
    operation->started_us = clock_realtime_us();
    list_init(&operation->waiters);
    list_append(&admin->operations, &operation->node);
    return operation;
}

void operation_answer(struct operation *operation, struct http_exchange *exchange)
{
    struct arena arena;
    arena_init(&arena);
    http_answer_header(exchange, "Location",
                       arena_format(&arena, "/v1/operations/%s", operation->id));
    admin_answer(exchange, 202, describe(operation));
    arena_fini(&arena);
}

void operation_refuse(struct operation *operation, struct http_exchange *exchange,
                      const struct error *error)
{
    http_answer_error(exchange, error);
    free_operation(operation);
}

/* What is done is all of it; what the agent did not count meanwhile the result may tell. */
static void complete(struct control_progress *progress, const json_t *result)
{
    if (progress->total == 0)
        progress->total = (uint64_t)json_integer_or(result, "entries", 0);
    if (progress->total < progress->done)
        progress->total = progress->done;
    progress->done = progress->total;
    progress->bytes_done = progress->bytes_total;
}

void operation_done(void *context, const json_t *result, const struct error *error)
{
    struct operation *operation = context;
    operation->ended_us = clock_realtime_us();
    operation->error = *error;
    if (error->code == ERROR_OK)
        complete(&operation->progress, result);
    operation->result = result == NULL ? NULL : json_deep_copy(result);
    list_for_each(waiter, &operation->waiters, struct waiter, node)
        answer_waiter(waiter);
}

void admin_forget_operations(struct admin *admin)
{
    list_for_each(operation, &admin->operations, struct operation, node) {
        control_forget(admin->control, operation);
        free_operation(operation);
    }
}

/* ---- handlers ---- */

void get_operations(void *context, struct http_exchange *exchange,
                    const struct http_request *request, const struct route_match *match)
{
    struct admin *admin = context;
    json_t *list = json_array();
    (void)request;
    (void)match;
    list_for_each(operation, &admin->operations, struct operation, node)
        json_array_insert_new(list, 0, describe(operation));
    admin_answer_list(exchange, "operations", list);
}

static struct operation *find(struct admin *admin, const char *id)
{
    list_for_each(operation, &admin->operations, struct operation, node)
        if (strcmp(operation->id, id) == 0)
            return operation;
    return NULL;
}

static void answer_operation(struct admin *admin, struct http_exchange *exchange, const char *id,
                             uint64_t wait_seconds)
{
    struct operation *operation = find(admin, id);
    struct error error;
    if (operation == NULL) {
        error_set(&error, ERROR_NOT_FOUND,
                  "no operation '%.40s': it is long over, or the device was started anew since",
                  id);
        http_answer_error(exchange, &error);
    } else if (operation->ended_us == 0 && wait_seconds > 0) {
        wait_for(admin, operation, exchange, wait_seconds);
    } else {
        admin_answer(exchange, 200, describe(operation));
    }
}

void get_operation(void *context, struct http_exchange *exchange,
                   const struct http_request *request, const struct route_match *match)
{
    static const char *const names[] = {"wait"};
    struct query query;
    uint64_t seconds = 0;
    if (query_read(&query, exchange, request, names, 1) &&
        (query.values[0] == NULL ||
         request_number(query.values[0], "wait", WAIT_SECONDS_MAX, exchange, &seconds)))
        answer_operation(context, exchange, match->arguments[0], seconds);
    query_fini(&query);
}
