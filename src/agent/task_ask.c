/* task_ask.c: instructions outside an epoch that only look: check (preflight), identify (what the
 * stores are), catalogue (data sets for a policy page and for selectors). */
#include <string.h>

#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/path.h"

#define CATALOGUE_MAX 50000

/* ---- check ---------------------------------------------------------------------------------- */

static const char *const level_names[] = {"ok", "warning", "error"};

static void add_finding(void *context, const struct finding *finding)
{
    json_t *item = json_object();
    json_set_string(item, "level", level_names[finding->level]);
    json_set_string(item, "what", finding->what);
    if (finding->remedy != NULL)
        json_set_string(item, "remedy", finding->remedy);
    json_append_take(context, item);
}

static void add_failure(json_t *findings, const char *what, const struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct finding finding = {FINDING_ERROR, arena_format(&arena, "%s: %s", what, error->text),
                              "make the store reachable for this agent and run the check again"};
    add_finding(findings, &finding);
    arena_fini(&arena);
}

static void check_clock(struct task *task, struct store_ref ref, const struct call *call,
                        json_t *findings)
{
    struct arena arena;
    struct error error = ERROR_NONE;
    int64_t offset, uncertainty;
    int64_t limit = json_integer_or(task->instruction.body, "max_offset_us", CLOCK_OFFSET_MAX_US);
    if (!ref.component->clock_offset(ref.store, call, &offset, &uncertainty, &error)) {
        add_failure(findings, "clock", &error);
        return;
    }
    arena_init(&arena);
    int64_t distance = offset < 0 ? -offset : offset;
    bool good = distance - uncertainty <= limit;
    struct finding finding = {
        good ? FINDING_OK : FINDING_ERROR,
        arena_format(&arena, "its clock is %lld ms (± %lld ms) from this agent's",
                     (long long)offset / 1000, (long long)uncertainty / 1000),
        good ? NULL : "run a time service on both hosts: T is fired by the agent's clock"};
    add_finding(findings, &finding);
    arena_fini(&arena);
}

static enum store_use use_of(const json_t *item)
{
    static const struct {
        const char *name;
        enum store_use use;
    } uses[] = {{"target", STORE_TARGET}, {"both", STORE_BOTH}, {"none", STORE_UNUSED}};
    const char *name = json_string_or(item, "use", "source");
    for (size_t i = 0; i < ARRAY_LENGTH(uses); i++)
        if (strcmp(uses[i].name, name) == 0)
            return uses[i].use;
    return STORE_SOURCE;
}

static bool check_one(struct task *task, const json_t *item, const struct call *call,
                      json_t *results, struct error *error)
{
    const char *cluster, *instance, *roots[256];
    struct store_ref ref;
    struct error failure = ERROR_NONE;
    size_t count = 0, index;
    json_t *root;
    if (!json_get_string(item, "cluster", &cluster, error) ||
        !json_get_string(item, "instance", &instance, error))
        return error_wrap(error, "check");
    json_t *result = json_object(), *findings = json_array();
    json_append_take(results, result);
    json_set_string(result, "cluster", cluster);
    json_set_string(result, "instance", instance);
    json_set_take(result, "findings", findings);
    json_array_foreach(json_object_get(item, "roots"), index, root)
        if (json_is_string(root) && count < ARRAY_LENGTH(roots))
            roots[count++] = json_string_value(root);
    if (!task_store(task, cluster, instance, &ref, &failure)) {
        add_failure(findings, "configuration", &failure);
        return true;
    }
    if (!ref.component->check(ref.store, call, use_of(item), roots, count, add_finding, findings,
                              &failure)) {
        add_failure(findings, "reach", &failure);
        return true;
    }
    check_clock(task, ref, call, findings);
    return true;
}

static bool check(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    json_t *stores, *item, *results = json_array();
    size_t index;
    int64_t began_us = clock_realtime_us();
    bool done = json_get_array(task->instruction.body, "stores", &stores, error);
    if (done)
        json_array_foreach(stores, index, item)
            done = done && check_one(task, item, &call, results, error);
    bool synchronised;
    task_result_take(task, "clock_error_us", json_integer(clock_error_us(&synchronised)));
    task_result_take(task, "clock_synchronised", json_boolean(synchronised));
    task_result_take(task, "stores", results);
    task_result_take(task, "began_us", json_sprintf("%lld", (long long)began_us));
    task_result_take(task, "ended_us", json_sprintf("%lld", (long long)clock_realtime_us()));
    return done;
}

static const struct task_stage check_stages[] = {{.phase = "check", .run = check}};
const struct task_kind task_kind_check = {
    .name = "check", .stages = check_stages, .stage_count = ARRAY_LENGTH(check_stages)};

/* ---- identify ------------------------------------------------------------------------------- */

static bool identify(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    const struct agent_options *options = agent_parts(task->agent)->options;
    json_t *results = json_array();
    for (size_t i = 0; i < options->store_count; i++) {
        const struct agent_store *store = &options->stores[i];
        char identity[STORE_IDENTITY_SIZE];
        struct error failure = ERROR_NONE;
        if (strcmp(store->cluster, options->cluster) != 0)
            continue;
        json_t *item = json_object();
        json_append_take(results, item);
        json_set_string(item, "cluster", store->cluster);
        json_set_string(item, "instance", store->instance);
        json_set_string(item, "kind", store->ref.component->kind);
        json_set_integer(item, "features", store->ref.component->features);
        if (store->ref.component->identify(store->ref.store, &call, identity, &failure))
            json_set_string(item, "identity", identity);
        else if (error_is_retriable(failure.code)) {
            *error = failure;
            json_decref(results);
            return error_wrap(error, "%s:%s", store->cluster, store->instance);
        } else
            json_set_take(item, "error", json_from_error(&failure));
    }
    task_result_take(task, "stores", results);
    return true;
}

static const struct task_stage identify_stages[] = {{.phase = "identify", .run = identify}};
const struct task_kind task_kind_identify = {
    .name = "identify", .stages = identify_stages, .stage_count = ARRAY_LENGTH(identify_stages)};

/* ---- catalogue ------------------------------------------------------------------------------ */

static bool add_data_set(void *context, const struct entry *entry, struct error *error)
{
    json_t *list = context;
    if (entry->type != ENTRY_DIRECTORY || strcmp(entry->path, STAGING_NAME) == 0)
        return true;
    if (json_array_size(list) >= CATALOGUE_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d directories here: name a deeper one",
                         CATALOGUE_MAX);
    json_t *item = json_object();
    json_set_string(item, "name", entry->path);
    json_set_string(item, "owner", entry->owner);
    json_set_string(item, "group", entry->group);
    json_set_integer(item, "mode", entry->mode);
    json_set_integer(item, "mtime_us", entry->mtime_ns / 1000);
    json_append_take(list, item);
    return true;
}

static bool catalogue(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    struct store_ref ref;
    const char *instance, *path;
    if (!json_get_string(task->instruction.body, "instance", &instance, error) ||
        !json_get_string(task->instruction.body, "path", &path, error) ||
        !task_store(task, task_scope(task), instance, &ref, error))
        return false;
    if (!path_is_clean(path))
        return error_set(error, ERROR_INVALID, "path '%.100s' is not a clean absolute path", path);
    json_t *list = json_array();
    if (!ref.component->list(ref.store, &call, path, add_data_set, list, error)) {
        json_decref(list);
        return error_wrap(error, "%s:%s", instance, path);
    }
    task_result_take(task, "data_sets", list);
    task_result_take(task, "instance", json_string(instance));
    task_result_take(task, "path", json_string(path));
    task_result_take(task, "area", json_string(ref.area));
    return true;
}

static const struct task_stage catalogue_stages[] = {{.phase = "catalogue", .run = catalogue}};
const struct task_kind task_kind_catalogue = {
    .name = "catalogue", .stages = catalogue_stages, .stage_count = ARRAY_LENGTH(catalogue_stages)};
