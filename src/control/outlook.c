/* outlook.c: what an operator asks before he acts: preflight checks, the plan of a root, what would
 * happen until a time. */
#include "base/clock.h"
#include "base/json.h"
#include "base/path.h"
#include "base/timestamp.h"
#include "control/control_private.h"
#include "policy/simulate.h"

#include <stdlib.h>
#include <string.h>

#define CHECK_LIMIT_MS 120000

/* ---- check ---------------------------------------------------------------------------------- */

struct checking {
    struct control *control;
    size_t cluster;
    char *service; /* NULL: all */
    json_t *findings;
    control_done_fn *done;
    void *context;
};

static void add(struct checking *checking, const char *hop, const char *level, const char *what,
                const char *remedy)
{
    json_t *item = json_object();
    json_set_string(item, "hop", hop);
    json_set_string(item, "level", level);
    json_set_string(item, "what", what);
    json_set_string(item, "remedy", remedy);
    json_append_take(checking->findings, item);
}

static void check_device(struct checking *checking)
{
    bool synchronised;
    clock_error_us(&synchronised);
    if (synchronised)
        add(checking, "device", "ok", "its clock is disciplined by a time service", NULL);
    else
        add(checking, "device", "warning", "its clock is not disciplined by a time service",
            "run chrony or ntpd: T is an instant of UTC");
    list_for_each(service, &checking->control->services, struct service, node) {
        if (service->deleted || service->policy.group.data_set_count < 2 ||
            (checking->service != NULL && strcmp(service->name, checking->service) != 0))
            continue;
        if (service->policy.consistency == GRADE_ATOMIC)
            add(checking, service->name, "warning",
                "it wants grade atomic and has several data sets: only one common root gives it",
                "coeval root plan for their common directory");
    }
}

static void check_next(struct checking *checking);

static void findings_came(void *context, const json_t *result, const struct error *error)
{
    struct checking *checking = context;
    const char *cluster = checking->control->options.clusters[checking->cluster].name;
    size_t i, j;
    json_t *store, *finding;
    if (error->code != ERROR_OK)
        add(checking, cluster, "error", error->text,
            "start its agent, or correct the agent's URL and token in the configuration");
    else
        add(checking, cluster, "ok", "its agent answers", NULL);
    json_array_foreach(json_object_get(result, "stores"), i, store)
        json_array_foreach(json_object_get(store, "findings"), j, finding) {
            json_t *copy = json_deep_copy(finding);
            json_t *hop =
                json_sprintf("agent %s -> %s:%s", cluster, json_string_or(store, "cluster", ""),
                             json_string_or(store, "instance", ""));
            json_set_take(copy, "hop", hop);
            if (json_object_get(copy, "remedy") == NULL)
                json_set_string(copy, "remedy", NULL);
            json_append_take(checking->findings, copy);
        }
    checking->cluster++;
    check_next(checking);
}

static void add_instance(json_t *stores, struct control *control,
                         const struct control_cluster *cluster, const char *instance,
                         const char *use)
{
    json_t *item = json_object(), *roots = json_array(), *root;
    size_t index;
    json_array_foreach(control->roots, index, root)
        if (strcmp(json_string_or(root, "cluster", ""), cluster->name) == 0 &&
            strcmp(json_string_or(root, "instance", ""), instance) == 0)
            json_append_take(roots, json_string(json_string_or(root, "root", "")));
    json_set_string(item, "cluster", cluster->name);
    json_set_string(item, "instance", instance);
    json_set_string(item, "use", use);
    json_set_take(item, "roots", roots);
    json_append_take(stores, item);
}

/* Each agent looks at its own stores and at those of the pairs' other side, which it must reach to
 * pull or push. */
static json_t *stores_for(struct control *control, const struct control_cluster *own)
{
    json_t *stores = json_array();
    bool is_secondary = false;
    list_for_each(pair, &control->pairs, struct pair, node)
        is_secondary = is_secondary || strcmp(pair->secondary, own->name) == 0;
    for (size_t i = 0; i < own->instance_count; i++)
        add_instance(stores, control, own, own->instances[i].name,
                     is_secondary ? "target" : "source");
    list_for_each(pair, &control->pairs, struct pair, node) {
        const char *other = strcmp(pair->primary, own->name) == 0     ? pair->secondary
                            : strcmp(pair->secondary, own->name) == 0 ? pair->primary
                                                                      : NULL;
        const struct control_cluster *cluster =
            other == NULL ? NULL : control_find_cluster(control, other);
        for (size_t i = 0; cluster != NULL && i < cluster->instance_count; i++)
            add_instance(stores, control, cluster, cluster->instances[i].name,
                         strcmp(pair->secondary, other) == 0 ? "target" : "source");
    }
    return stores;
}

static void check_next(struct checking *checking)
{
    struct control *control = checking->control;
    if (checking->cluster < control->options.cluster_count) {
        const struct control_cluster *cluster = &control->options.clusters[checking->cluster];
        json_t *body = json_object();
        json_set_take(body, "stores", stores_for(control, cluster));
        ask_new(control, cluster->name, "check", NULL, NULL, 0, body, CHECK_LIMIT_MS, findings_came,
                checking);
        return;
    }
    json_t *result = json_object();
    json_set_take(result, "findings", checking->findings);
    control_answer(control, checking->done, checking->context, result, &ERROR_NONE);
    free(checking->service);
    free(checking);
}

void control_check(struct control *control, const char *service, control_done_fn *done,
                   void *context)
{
    struct checking *checking = memory_new(sizeof *checking);
    checking->control = control;
    checking->service = memory_copy_string(service);
    checking->findings = json_array();
    checking->done = done;
    checking->context = context;
    check_device(checking);
    check_next(checking);
}

/* ---- roots ---------------------------------------------------------------------------------- */

static bool lies_on(const json_t *item, const char *cluster, const char *instance)
{
    return strcmp(json_string_or(item, "cluster", ""), cluster) == 0 &&
           strcmp(json_string_or(item, "instance", ""), instance) == 0;
}

/* Services with a data set under the root lose their base when it changes. */
static json_t *services_under(struct control *control, const char *cluster, const char *instance,
                              const char *root)
{
    json_t *list = json_array();
    struct arena arena;
    arena_init(&arena);
    list_for_each(service, &control->services, struct service, node) {
        bool under = false;
        bool is_primary = !service->deleted && strcmp(service->pair->primary, cluster) == 0;
        bool is_secondary = !service->deleted && strcmp(service->pair->secondary, cluster) == 0;
        for (size_t i = 0; i < service->policy.group.data_set_count; i++) {
            const struct data_set *set = &service->policy.group.data_sets[i];
            struct target_place place =
                target_map_apply(&service->policy.target_map, set->instance, set->path, &arena);
            under = under ||
                    (is_primary && strcmp(set->instance, instance) == 0 &&
                     path_is_under(set->path, root)) ||
                    (is_secondary && strcmp(place.instance, instance) == 0 &&
                     path_is_under(place.path, root));
        }
        if (under)
            json_append_take(list, json_string(service->name));
    }
    arena_fini(&arena);
    return list;
}

bool control_root_plan(struct control *control, const char *cluster, const char *instance,
                       const char *root, json_t **ret, struct error *error)
{
    size_t index;
    json_t *item;
    if (control_find_cluster(control, cluster) == NULL)
        return error_set(error, ERROR_NOT_FOUND, "no cluster '%.60s'", cluster);
    if (!path_is_clean(root) || strcmp(root, "/") == 0)
        return error_set(error, ERROR_INVALID, "'%.100s' cannot be a snapshot root", root);
    json_t *plan = json_object(), *replaced = json_array();
    json_array_foreach(control->roots, index, item) {
        const char *other = json_string_or(item, "root", "");
        if (lies_on(item, cluster, instance) && strcmp(other, root) != 0 &&
            (path_is_under(other, root) || path_is_under(root, other)))
            json_append_take(replaced, json_string(other));
    }
    json_set_string(plan, "cluster", cluster);
    json_set_string(plan, "instance", instance);
    json_set_string(plan, "root", root);
    json_set_take(plan, "replaces", replaced);
    json_set_take(plan, "lose_base", services_under(control, cluster, instance, root));
    json_set_string(plan, "consequence",
                    "the snapshots of the replaced roots are removed, seals among them; the next "
                    "epoch of each named service compares by checksum and moves only what differs; "
                    "the directory can then be neither deleted nor renamed while it has snapshots");
    *ret = plan;
    return true;
}

struct moving {
    struct control *control;
    char *cluster, *instance, *root;
    json_t *plan;
    control_done_fn *done;
    void *context;
};

static bool is_listed(const json_t *list, const char *text)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

static void finish_move(struct moving *moving, const struct error *error)
{
    control_answer(moving->control, moving->done, moving->context,
                   error->code == ERROR_OK ? json_incref(moving->plan) : NULL, error);
    json_decref(moving->plan);
    free(moving->cluster);
    free(moving->instance);
    free(moving->root);
    free(moving);
}

static void snapshots_gone(void *context, const json_t *result, const struct error *error)
{
    struct moving *moving = context;
    struct control *control = moving->control;
    const json_t *replaced = json_object_get(moving->plan, "replaces");
    const json_t *services = json_object_get(moving->plan, "lose_base");
    (void)result;
    if (error->code != ERROR_OK) {
        finish_move(moving, error);
        return;
    }
    for (size_t i = json_array_size(control->roots); i-- > 0;) {
        json_t *item = json_array_get(control->roots, i);
        if (lies_on(item, moving->cluster, moving->instance) &&
            is_listed(replaced, json_string_or(item, "root", "")))
            registry_remove_root(control, i);
    }
    registry_add_root(control, moving->cluster, moving->instance, moving->root);
    list_for_each(service, &control->services, struct service, node)
        if (is_listed(services, service->name)) {
            service->base_distrusted = true;
            service_save(service);
        }
    finish_move(moving, error);
}

void control_root_move(struct control *control, const char *cluster, const char *instance,
                       const char *root, const char *reason, control_done_fn *done, void *context)
{
    struct error error = ERROR_NONE;
    json_t *plan = NULL;
    if (!control_root_plan(control, cluster, instance, root, &plan, &error)) {
        control_answer(control, done, context, NULL, &error);
        return;
    }
    list_for_each(service, &control->services, struct service, node)
        if (is_listed(json_object_get(plan, "lose_base"), service->name) &&
            (service_running(service) != NULL || service->planning != NULL)) {
            error_set(&error, ERROR_CONFLICT, "an epoch of '%s' is running: pause it and wait",
                      service->name);
            control_answer(control, done, context, NULL, &error);
            json_decref(plan);
            return;
        }
    event_tell(control, NULL, 0, "warning", "root.moved", reason == NULL ? "" : reason, NULL);
    struct moving *moving = memory_new(sizeof *moving);
    *moving = (struct moving){control,
                              memory_copy_string(cluster),
                              memory_copy_string(instance),
                              memory_copy_string(root),
                              plan,
                              done,
                              context};
    json_t *body = json_object();
    json_set_string(body, "instance", instance);
    json_set_string(body, "root", root);
    json_set_take(body, "replaces", json_incref(json_object_get(plan, "replaces")));
    ask_new(control, cluster, "move-root", NULL, NULL, 0, body, CHECK_LIMIT_MS, snapshots_gone,
            moving);
}

/* ---- simulate ------------------------------------------------------------------------------- */

static json_t *step_object(const struct simulate_policy *policies, const struct simulate_step *step)
{
    char text[TIMESTAMP_TEXT_SIZE];
    json_t *object = json_object();
    json_set_string(object, "service", policies[step->policy].name);
    timestamp_format(step->at_us, text);
    json_set_string(object, "decided_at", text);
    bool fires = step->decision.action == SCHEDULE_FIRE;
    json_set_string(object, "action", fires ? "epoch" : "passed-over");
    timestamp_format(fires ? step->decision.moment_us : step->decision.passed.first_us, text);
    json_set_string(object, "t", text);
    json_set_integer(object, "missed", (int64_t)step->decision.passed.missed);
    json_set_integer(object, "overrun", (int64_t)step->decision.passed.overrun);
    json_set_integer(object, "coalesced", (int64_t)step->decision.passed.coalesced);
    return object;
}

/* How long the last epoch took is the best guess for the next. */
static int64_t usual_duration(struct service *service)
{
    for (struct list *at = service->runs.previous; at != &service->runs; at = at->previous) {
        const struct epoch *epoch = &list_entry(at, struct run, node)->epoch;
        if (epoch->entered_us[EPOCH_SEALED] > epoch->t_us && epoch->t_us > 0)
            return epoch->entered_us[EPOCH_SEALED] - epoch->t_us;
    }
    return 0;
}

bool control_simulate(struct control *control, int64_t until_us, json_t **ret, struct error *error)
{
    int64_t now_us = clock_realtime_us();
    struct arena arena;
    size_t count = 0, steps_count = 0;
    struct simulate_step *steps;
    bool more = false;
    if (until_us <= now_us)
        return error_set(error, ERROR_INVALID, "the time to simulate until lies in the past");
    list_for_each(service, &control->services, struct service, node)
        count++;
    arena_init(&arena);
    struct simulate_policy *policies = arena_new(&arena, (count + 1) * sizeof *policies);
    count = 0;
    list_for_each(service, &control->services, struct service, node)
        if (!service->deleted)
            policies[count++] =
                (struct simulate_policy){service->name, &service->policy.schedule,
                                         service->schedule, usual_duration(service)};
    simulate(policies, count, now_us, until_us, &arena, &steps, &steps_count, &more);
    json_t *result = json_object(), *list = json_array();
    for (size_t i = 0; i < steps_count; i++)
        json_append_take(list, step_object(policies, &steps[i]));
    json_set_take(result, "steps", list);
    json_set_boolean(result, "more", more);
    arena_fini(&arena);
    *ret = result;
    return true;
}
