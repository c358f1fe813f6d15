/* task_area.c: settle (A keeps a copy of the seal and of the policy), unprotect, and inspect (what
 * an area holds: `recover` and the operator's doubt). */
#include <string.h>

#include "agent/area.h"
#include "agent/area_epochs.h"
#include "agent/passed.h"
#include "agent/seal_file.h"
#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/path.h"

/* The policy lies beside the epochs, so that a lost control journal is rebuilt from the areas. */
bool area_keep_policy(struct task *task, const struct call *call, struct store_ref home,
                      struct error *error)
{
    const json_t *settings = json_object_get(task->instruction.body, "settings");
    const json_t *policy = json_object_get(settings, "policy");
    struct arena arena;
    if (policy == NULL)
        return true;
    arena_init(&arena);
    const char *directory =
        area_service(&arena, home.area, task->instruction.pair, task->instruction.service);
    json_t *document = json_object();
    json_set_take(document, "policy", json_deep_copy(policy));
    json_set_string(document, "service", task->instruction.service);
    json_set_string(document, "service_name", task->instruction.service_name);
    json_set_string(document, "pair", task->instruction.pair);
    json_set_integer(document, "revision",
                     json_integer_or(settings, "group_revision",
                                     json_integer_or(task->instruction.body, "group_revision", 0)));
    static const char *const kept[] = {"clusters", "stores", "roots"};
    for (size_t i = 0; i < ARRAY_LENGTH(kept); i++) {
        json_t *value = json_object_get(settings, kept[i]);
        if (value != NULL)
            json_set_take(document, kept[i], json_deep_copy(value));
    }
    bool done =
        area_make(home, call, directory, error) &&
        area_write_json(home, call, path_join(&arena, directory, "policy.json"), document, error);
    json_decref(document);
    arena_fini(&arena);
    return done;
}

static bool settle(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    struct store_ref home;
    struct arena arena;
    json_t *seal;
    if (!json_get_object(task->instruction.body, "seal", &seal, error) ||
        !task_area_store(task, task_scope(task), &home, error))
        return false;
    arena_init(&arena);
    const char *directory = area_of(&arena, home, &task->instruction);
    bool done =
        area_make(home, &call, directory, error) && area_keep_policy(task, &call, home, error) &&
        area_write_json(home, &call, path_join(&arena, directory, "seal.json"), seal, error);
    crash_point("agent.settle.written", task_scope(task));
    arena_fini(&arena);
    return done;
}

static const struct task_stage settle_stages[] = {{.phase = "settle", .run = settle}};

const struct task_kind task_kind_settle = {
    .name = "settle",
    .stages = settle_stages,
    .stage_count = ARRAY_LENGTH(settle_stages),
    .is_alone = true, /* each writes policy.json */
};

/* ---- unprotect ------------------------------------------------------------------------------ */

/* The policy stays for its seals, and says that it is in force no more; the next epoch of a service
 * that comes again writes it anew. */
static bool unprotect(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    struct store_ref home;
    struct arena arena;
    struct error absent = ERROR_NONE;
    json_t *policy = NULL;
    if (!task_area_store(task, task_scope(task), &home, error))
        return false;
    arena_init(&arena);
    const char *directory =
        area_service(&arena, home.area, task->instruction.pair, task->instruction.service);
    const char *path = path_join(&arena, directory, "policy.json");
    bool done = area_read_json(home, &call, path, &policy, &absent);
    if (done) {
        json_set_boolean(policy, "deleted", true);
        done = area_write_json(home, &call, path, policy, error);
        json_decref(policy);
    } else if (absent.code == ERROR_NOT_FOUND) {
        done = true; /* no epoch of it came so far */
    } else {
        *error = absent;
    }
    arena_fini(&arena);
    return done;
}

static const struct task_stage unprotect_stages[] = {{.phase = "unprotect", .run = unprotect}};

const struct task_kind task_kind_unprotect = {
    .name = "unprotect",
    .stages = unprotect_stages,
    .stage_count = ARRAY_LENGTH(unprotect_stages),
    .is_alone = true, /* it writes policy.json */
};

/* ---- inspect -------------------------------------------------------------------------------- */

#define EPOCHS_SHOWN_MAX 2000

/* What this agent was told to do for epochs, by whichever device: on A it may be armed, or hold a
 * moment that no area tells of. The bodies of the two orders that begin something come along. */
static void show_orders(struct task *task)
{
    json_t *orders = json_array();
    list_for_each(other, &agent_parts(task->agent)->tasks, struct task, node) {
        const struct instruction *order = &other->instruction;
        bool begins = strcmp(order->kind, "snapshot") == 0 || strcmp(order->kind, "transfer") == 0;
        if (order->number == 0 || other == task)
            continue;
        json_t *item = json_object();
        json_set_string(item, "pair", order->pair);
        json_set_string(item, "service", order->service);
        json_set_string(item, "service_name", order->service_name);
        json_set_string(item, "kind", order->kind);
        json_set_integer(item, "number", order->number);
        json_set_integer(item, "attempt", order->attempt);
        json_set_integer(item, "try", order->try_number);
        if (begins)
            json_set_take(item, "body", json_deep_copy(order->body));
        json_append_take(orders, item);
    }
    task_result_take(task, "orders", orders);
    task_result_take(task, "fences", json_deep_copy(agent_fences(task->agent)));
    task_stage_done(task, &ERROR_NONE);
}

static const char *how_far(const struct area_epoch *epoch)
{
    return epoch->retired    ? "retired"
           : epoch->sealed   ? "sealed"
           : epoch->back     ? "rolling_back"
           : epoch->begun    ? "committing"
           : epoch->received ? "received"
                             : "nothing";
}

/* One that is damaged is said, and the others are shown. */
static bool show(json_t *item, const char *what, bool read, json_t *document, struct error *error)
{
    if (read) {
        json_set_take(item, what, document);
        return true;
    }
    if (error->code != ERROR_CORRUPT && error->code != ERROR_NOT_FOUND)
        return false;
    /* What a seal stands for, received.json need not tell. */
    if (json_object_get(item, "seal") == NULL)
        json_set_take(item, "error", json_from_error(error));
    *error = ERROR_NONE;
    return true;
}

static bool describe_epoch(struct task *task, const struct call *call, struct store_ref home,
                           const char *pair, const char *service, const struct area_epoch *epoch,
                           json_t *epochs, struct error *error)
{
    (void)task;
    struct arena arena;
    json_t *item = json_object(), *document = NULL;
    json_append_take(epochs, item);
    json_set_integer(item, "generation", epoch->generation);
    json_set_integer(item, "number", epoch->number);
    json_set_string(item, "found", how_far(epoch));
    if (epoch->released)
        json_set_boolean(item, "released", true);
    if (!epoch->sealed && !epoch->received)
        return true;
    arena_init(&arena);
    const char *directory =
        area_epoch(&arena, home.area, pair, service, epoch->generation, epoch->number);
    bool done = true;
    if (epoch->sealed) {
        bool read = seal_read(home, call, directory, &document, error);
        done = show(item, "seal", read, document, error);
    }
    if (done && epoch->received) {
        const char *path = path_join(&arena, directory, "received.json");
        bool read = area_read_json(home, call, path, &document, error);
        done = show(item, "received", read, document, error);
    }
    arena_fini(&arena);
    return done;
}

static bool describe_service(struct task *task, const struct call *call, struct store_ref home,
                             const char *pair, const char *service, json_t *services,
                             struct error *error)
{
    struct arena arena;
    struct area_epochs epochs;
    struct error absent = ERROR_NONE;
    struct passed passed = {0};
    json_t *item = json_object(), *list = json_array(), *policy = NULL;
    json_append_take(services, item);
    json_set_string(item, "pair", pair);
    json_set_string(item, "service", service);
    json_set_take(item, "epochs", list);
    arena_init(&arena);
    const char *directory = area_service(&arena, home.area, pair, service);
    if (area_read_json(home, call, path_join(&arena, directory, "policy.json"), &policy, &absent))
        json_set_take(item, "policy", policy);
    bool damaged = absent.code == ERROR_CORRUPT;
    if (damaged)
        json_set_take(item, "error", json_from_error(&absent));
    bool done = absent.code == ERROR_OK || absent.code == ERROR_NOT_FOUND || damaged;
    if (!done)
        *error = absent;
    done = done && passed_read(home, call, pair, service, &passed, error) &&
           area_list_epochs(home, call, pair, service, &arena, &epochs, error);
    json_set_integer(item, "passed", passed.number);
    size_t first = done && epochs.count > EPOCHS_SHOWN_MAX ? epochs.count - EPOCHS_SHOWN_MAX : 0;
    for (size_t i = first; done && i < epochs.count; i++)
        done = describe_epoch(task, call, home, pair, service, &epochs.list[i], list, error);
    arena_fini(&arena);
    return done;
}

struct directories {
    struct arena *arena;
    const char **names;
    size_t count;
};

#define DIRECTORIES_MAX 10000

static bool take_directory(void *context, const struct entry *entry, struct error *error)
{
    struct directories *directories = context;
    if (entry->type != ENTRY_DIRECTORY)
        return true;
    if (directories->count == DIRECTORIES_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d directories in the area",
                         DIRECTORIES_MAX);
    directories->names[directories->count++] = arena_string(directories->arena, entry->path);
    return true;
}

static bool list_directories(struct store_ref home, const struct call *call, const char *path,
                             struct directories *directories, struct error *error)
{
    struct error failure = ERROR_NONE;
    directories->names = arena_new(directories->arena, DIRECTORIES_MAX * sizeof(char *));
    directories->count = 0;
    if (home.component->list(home.store, call, path, take_directory, directories, &failure) ||
        failure.code == ERROR_NOT_FOUND)
        return true;
    *error = failure;
    return false;
}

/* <area>/<pair>/<service>; other directories of the area (posix keeps its snapshots there) have no
 * services in them: a pair's name is a UUID. */
static bool is_uuid(const char *name)
{
    return strlen(name) == 36 && strspn(name, "0123456789abcdef-") == 36;
}

static bool inspect(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    struct store_ref home;
    struct arena arena;
    arena_init(&arena);
    struct directories pairs = {.arena = &arena}, services = {.arena = &arena};
    const char *only = json_string_or(task->instruction.body, "service", NULL);
    json_t *found = json_array();
    bool done = task_area_store(task, task_scope(task), &home, error) &&
                list_directories(home, &call, home.area, &pairs, error);
    for (size_t i = 0; done && i < pairs.count; i++) {
        if (!is_uuid(pairs.names[i]))
            continue;
        const char *directory = path_join(&arena, home.area, pairs.names[i]);
        done = list_directories(home, &call, directory, &services, error);
        for (size_t j = 0; done && j < services.count; j++)
            if (is_uuid(services.names[j]) &&
                (only == NULL || strcmp(only, services.names[j]) == 0))
                done = describe_service(task, &call, home, pairs.names[i], services.names[j], found,
                                        error);
    }
    if (done)
        task_result_take(task, "services", json_incref(found));
    json_decref(found);
    arena_fini(&arena);
    return done;
}

static const struct task_stage inspect_stages[] = {
    {.phase = "orders", .start = show_orders},
    {.phase = "inspect", .run = inspect},
};

const struct task_kind task_kind_inspect = {
    .name = "inspect",
    .stages = inspect_stages,
    .stage_count = ARRAY_LENGTH(inspect_stages),
};
