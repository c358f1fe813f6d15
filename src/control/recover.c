/* recover.c: a lost control journal, rebuilt from the areas: policies and pairs from policy.json,
 * sealed epochs from seal.json, an epoch that was received or being committed is gone on with. What
 * this device knows already is left as it is. */
#include "base/clock.h"
#include "base/json.h"
#include "control/control_private.h"
#include "control/rebuild.h"
#include "control/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSPECT_LIMIT_MS 300000

struct recovery {
    struct work work; /* clusters */
    struct control *control;
    size_t cluster; /* which is asked next */
    json_t *fences; /* highest of each pair: {pair: {generation, mine}} */
    json_t *raised; /* pairs that have a new generation, by id: the second look is under it */
    size_t pair;    /* which of them the cluster is asked about next */
    json_t *found;  /* services of all areas: [{cluster, ...}] */
    json_t *orders; /* that agents hold, of all clusters */
    json_t *silent; /* clusters that did not answer */
    char *reason;
    control_done_fn *done;
    void *context;
};

/* ---- one service ---------------------------------------------------------------------------- */

static struct pair *recover_pair(struct control *control, const json_t *item, const json_t *kept)
{
    const char *id = json_string_or(item, "pair", "");
    struct pair *pair = control_find_pair(control, id);
    const json_t *wanted = json_object_get(json_object_get(kept, "policy"), "pair");
    if (pair != NULL)
        return pair;
    pair = memory_new(sizeof *pair);
    snprintf(pair->id, sizeof pair->id, "%s", id);
    pair->name = memory_copy_string(json_string_or(wanted, "name", id));
    pair->primary = memory_copy_string(json_string_or(wanted, "primary", ""));
    pair->secondary = memory_copy_string(json_string_or(wanted, "secondary", ""));
    pair->generation = 1;
    list_append(&control->pairs, &pair->node);
    return pair;
}

static void recover_registry(struct control *control, const json_t *kept, const json_t *members)
{
    const json_t *clusters = json_object_get(kept, "clusters");
    const char *a = json_string_or(clusters, "a", NULL), *b = json_string_or(clusters, "b", NULL);
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(kept, "stores"), index, item) {
        const char *cluster = json_string_or(item, "cluster", "");
        const char *instance = json_string_or(item, "instance", "");
        if (registry_store(control, cluster, instance) == NULL)
            registry_set_store(control, cluster, instance, json_string_or(item, "identity", ""));
    }
    json_array_foreach((json_t *)(uintptr_t)members, index, item) {
        const char *source = json_string_or(item, "source_root", NULL);
        const char *target = json_string_or(item, "target_root", NULL);
        const char *target_instance =
            json_string_or(item, "target_instance", json_string_or(item, "instance", ""));
        if (a != NULL && source != NULL)
            registry_add_root(control, a, json_string_or(item, "instance", ""), source);
        if (b != NULL && target != NULL)
            registry_add_root(control, b, target_instance, target);
    }
}

/* A service of that name was deleted before it had an epoch, or was recovered as deleted. */
static bool gives_way(const struct service *service)
{
    return service->deleted && list_is_empty(&service->runs) && service->planning == NULL &&
           !service->firing && !service->moving;
}

static void forget_service(struct service *service)
{
    struct journal_append record = {.type = JOURNAL_SERVICE, .key = service->id};
    control_record(service->control, &record, 1, NULL, NULL);
    service_free(service);
}

/* What another one protects by now, or would be protected twice. */
static bool may_recover(struct service *service, struct error *error)
{
    struct control *control = service->control;
    struct wanted wanted = {.control = control};
    struct arena arena;
    list_for_each(other, &control->services, struct service, node) {
        if (other == service || strcmp(other->name, service->name) != 0)
            continue;
        if (!gives_way(other))
            return error_set(error, ERROR_CONFLICT,
                             "a policy '%s' is here already, as service %s%s: delete it if it has "
                             "no epochs of its own, then recover again",
                             service->name, other->id, other->deleted ? " (deleted)" : "");
        forget_service(other);
    }
    if (service->deleted)
        return true;
    arena_init(&arena);
    wanted_collect(&service->policy, &arena, &wanted);
    bool fits = wanted_check_others(control, &service->policy, &wanted, &arena, error);
    arena_fini(&arena);
    return fits;
}

static struct service *recover_service(struct control *control, const json_t *item,
                                       struct error *error)
{
    const json_t *kept = json_object_get(item, "policy");
    json_t *policy = json_object_get(kept, "policy");
    const char *id = json_string_or(item, "service", "");
    struct service *service = control_find_service(control, id);
    if (service != NULL)
        return service;
    if (policy == NULL) {
        error_set(error, ERROR_NOT_FOUND, "no policy.json beside service %.36s", id);
        return NULL;
    }
    service = service_new(control, id, json_string_or(kept, "service_name", id));
    json_t *copy = json_deep_copy(policy);
    if (!service_set_policy(service, copy, json_integer_or(kept, "revision", 1), error)) {
        json_decref(copy);
        service_free(service);
        return NULL;
    }
    service->deleted = json_boolean_or(kept, "deleted", false);
    if (!may_recover(service, error)) {
        service_free(service);
        return NULL;
    }
    service->schedule = schedule_begin(&service->policy.schedule, clock_realtime_us());
    service->pair = recover_pair(control, item, kept);
    schedule_pause(&service->schedule); /* the operator looks first, then resumes */
    return service;
}

/* ---- its epochs ----------------------------------------------------------------------------- */

/* t0 "now" was long ago: the newest epoch stands for it, or the first slot would come once more. */
static void continue_schedule(struct service *service)
{
    if (service->policy.schedule.first != SCHEDULE_FIRST_NOW)
        return;
    list_for_each(run, &service->runs, struct run, node)
        if (run->epoch.t_us != 0)
            service->schedule.anchor_us = run->epoch.t_us;
}

/* What an area holds and nobody can read: the operator looks at it. */
static void tell_unreadable(const json_t *item, json_t *line)
{
    size_t index;
    json_t *epoch, *unreadable = json_array();
    json_array_foreach(json_object_get(item, "epochs"), index, epoch) {
        const json_t *error = json_object_get(epoch, "error");
        if (error == NULL)
            continue;
        json_t *told = json_object();
        json_set_integer(told, "number", json_integer_or(epoch, "number", 0));
        json_set_take(told, "error", json_deep_copy(error));
        json_append_take(unreadable, told);
    }
    json_set_take(line, "unreadable", unreadable);
}

static void recover_one(struct recovery *recovery, const json_t *item, json_t *report)
{
    struct error error = ERROR_NONE;
    size_t index;
    json_t *epoch_item;
    bool known =
        control_find_service(recovery->control, json_string_or(item, "service", "")) != NULL;
    struct service *service = recover_service(recovery->control, item, &error);
    json_t *line = json_object();
    json_append_take(report, line);
    json_set_string(line, "service", json_string_or(item, "service", ""));
    json_set_string(line, "cluster", json_string_or(item, "cluster", ""));
    if (service == NULL) {
        const char *name = json_string_or(json_object_get(item, "policy"), "service_name", NULL);
        if (name != NULL)
            json_set_string(line, "name", name);
        json_set_take(line, "error", json_from_error(&error));
        return;
    }
    json_set_string(line, "name", service->name);
    if (service->deleted)
        json_set_boolean(line, "deleted", true);
    int64_t recovered = 0;
    tell_unreadable(item, line);
    const json_t *epochs = json_object_get(item, "epochs");
    const json_t *members = NULL; /* of the newest: they name the roots */
    /* Nothing goes on of a deleted one: its places may be another's by now. */
    uint64_t newest = service->deleted ? UINT64_MAX : rebuild_newest(service, epochs);
    uint64_t passed = (uint64_t)json_integer_or(item, "passed", 0);
    if (passed >= service->next_number) /* given up, and nothing is left of it */
        service->next_number = passed + 1;
    json_array_foreach((json_t *)(uintptr_t)epochs, index, epoch_item) {
        uint64_t number = (uint64_t)json_integer_or(epoch_item, "number", 0);
        if (number >= service->next_number)
            service->next_number = number + 1;
        struct run *run = rebuild_epoch(service, epoch_item, newest, recovery->orders, &error);
        if (run == NULL)
            continue;
        recovered++;
        members = run->epoch.members;
        if ((int64_t)run->epoch.generation > service->pair->generation)
            service->pair->generation = (int64_t)run->epoch.generation;
    }
    if (!known) /* else its own slots are told already: another anchor would bring one again */
        continue_schedule(service);
    recovered += rebuild_begun(service, epochs, recovery->orders, &error);
    list_for_each(run, &service->runs, struct run, node)
        run_use_up(run);
    service->schedule.running = service->schedule.running || service_running(service) != NULL;
    recover_registry(recovery->control, json_object_get(item, "policy"), members);
    control_save_pair(recovery->control, service->pair);
    service_save(service);
    json_set_integer(line, "epochs", recovered);
    if (error.code != ERROR_OK)
        json_set_take(line, "error", json_from_error(&error));
    event_tell(recovery->control, service, 0, "warning", "service.recovered", recovery->reason,
               (const char *const[]){"coeval status", "coeval policy resume <service>", NULL});
}

/* ---- all clusters --------------------------------------------------------------------------- */

static void free_recovery(struct recovery *recovery)
{
    work_end(&recovery->work);
    json_decref(recovery->fences);
    json_decref(recovery->raised);
    json_decref(recovery->found);
    json_decref(recovery->orders);
    json_decref(recovery->silent);
    free(recovery->reason);
    free(recovery);
}

/* When its newest epoch had its moment. */
static int64_t newest_moment(const json_t *item)
{
    int64_t newest_us = 0;
    size_t index;
    json_t *epoch;
    json_array_foreach(json_object_get(item, "epochs"), index, epoch) {
        const json_t *order = json_object_get(json_object_get(epoch, "received"), "order");
        int64_t t_us = json_time_or(json_object_get(order, "body"), "t_us",
                                    json_time_or(json_object_get(epoch, "seal"), "t_us", 0));
        newest_us = t_us > newest_us ? t_us : newest_us;
    }
    return newest_us;
}

/* Of several that exclude each other the one that was at work last is recovered. */
static json_t *take_newest(json_t *found)
{
    size_t index, newest = 0;
    json_t *item;
    json_array_foreach(found, index, item)
        if (newest_moment(item) > newest_moment(json_array_get(found, newest)))
            newest = index;
    item = json_incref(json_array_get(found, newest));
    json_array_remove(found, newest);
    return item;
}

static void conclude(struct recovery *recovery)
{
    json_t *result = json_object(), *report = json_array();
    while (json_array_size(recovery->found) > 0) {
        json_t *item = take_newest(recovery->found);
        const json_t *kept = json_object_get(item, "policy");
        /* Only the area of the secondary tells how far an epoch is. */
        if (strcmp(json_string_or(json_object_get(kept, "clusters"), "b", ""),
                   json_string_or(item, "cluster", "?")) == 0)
            recover_one(recovery, item, report);
        json_decref(item);
    }
    json_set_take(result, "services", report);
    json_set_take(result, "silent_clusters", json_incref(recovery->silent));
    control_answer(recovery->control, recovery->done, recovery->context, result, &ERROR_NONE);
    free_recovery(recovery);
}

/* ---- a generation that nobody used ---------------------------------------------------------- */

static void note_generation(struct recovery *recovery, const char *pair, int64_t generation,
                            bool mine)
{
    json_t *known = json_object_get(recovery->fences, pair);
    if (known == NULL) {
        known = json_object();
        json_set_boolean(known, "mine", true);
        json_set_take(recovery->fences, pair, known);
    }
    if (generation > json_integer_or(known, "generation", 0))
        json_set_integer(known, "generation", generation);
    if (!mine)
        json_set_boolean(known, "mine", false);
}

static void note_fences(struct recovery *recovery, const json_t *result)
{
    const char *pair;
    size_t index, i;
    json_t *fence, *item, *epoch;
    json_object_foreach(json_object_get(result, "fences"), pair, fence) {
        const char *device = json_string_or(fence, "device", "");
        note_generation(recovery, pair, json_integer_or(fence, "generation", 0),
                        strcmp(device, recovery->control->options.device) == 0);
    }
    json_array_foreach(json_object_get(result, "services"), index, item)
        json_array_foreach(json_object_get(item, "epochs"), i, epoch)
            note_generation(recovery, json_string_or(item, "pair", ""),
                            json_integer_or(epoch, "generation", 0), true);
}

/* Of a pair that this device works with already, and nobody else, its generation is its own. */
static void raise_pair(struct recovery *recovery, const json_t *item)
{
    struct control *control = recovery->control;
    const char *id = json_string_or(item, "pair", "");
    const json_t *fence = json_object_get(recovery->fences, id);
    size_t index;
    json_t *raised;
    json_array_foreach(recovery->raised, index, raised)
        if (strcmp(json_string_value(raised), id) == 0)
            return;
    bool known = control_find_pair(control, id) != NULL;
    if (known && json_boolean_or(fence, "mine", true))
        return;
    struct pair *pair = recover_pair(control, item, json_object_get(item, "policy"));
    int64_t highest = json_integer_or(fence, "generation", 0);
    pair->generation = (highest > pair->generation || !known ? highest : pair->generation) + 1;
    control_save_pair(control, pair);
    json_append_take(recovery->raised, json_string(id));
}

static void look_again(void *context, const struct error *error);

/* Records become durable in order: with this one the generations are. */
static void raise_generations(struct recovery *recovery)
{
    size_t index;
    json_t *item;
    json_array_foreach(recovery->found, index, item)
        raise_pair(recovery, item);
    if (json_array_size(recovery->raised) == 0) {
        conclude(recovery);
        return;
    }
    json_t *object = json_object();
    json_set_string(object, "verb", "recover");
    json_set_string(object, "reason", recovery->reason);
    json_set_time(object, "time_us", clock_realtime_us());
    char *payload = control_text(object);
    struct journal_append record = {.type = JOURNAL_OPERATOR, .payload = payload};
    control_record(recovery->control, &record, 1, look_again, recovery);
    free(payload);
}

/* ---- looking -------------------------------------------------------------------------------- */

static void ask_next(struct recovery *recovery);

static void end_with(struct recovery *recovery, const struct error *error)
{
    control_answer(recovery->control, recovery->done, recovery->context, NULL, error);
    free_recovery(recovery);
}

static const char *cluster_name(const struct recovery *recovery)
{
    return recovery->control->options.clusters[recovery->cluster].name;
}

static bool is_silent(const struct recovery *recovery)
{
    size_t index;
    json_t *silent;
    json_array_foreach(recovery->silent, index, silent)
        if (strcmp(json_string_or(silent, "cluster", ""), cluster_name(recovery)) == 0)
            return true;
    return false;
}

static void take_inspection(struct recovery *recovery, const json_t *result,
                            const struct error *error)
{
    size_t index;
    json_t *item;
    if (error->code != ERROR_OK) {
        json_t *silent = json_object();
        json_set_string(silent, "cluster", cluster_name(recovery));
        json_set_take(silent, "error", json_from_error(error));
        json_append_take(recovery->silent, silent);
    }
    json_array_foreach(json_object_get(result, "services"), index, item) {
        json_t *copy = json_deep_copy(item);
        json_set_string(copy, "cluster", cluster_name(recovery));
        json_append_take(recovery->found, copy);
    }
    if (json_is_array(json_object_get(result, "orders")))
        json_array_extend(recovery->orders, json_object_get(result, "orders"));
}

static void inspection_came(void *context, const json_t *result, const struct error *error)
{
    struct recovery *recovery = context;
    bool again = json_array_size(recovery->raised) > 0;
    if (recovery->control->stopping) { /* half of what is known is not recovered */
        end_with(recovery, error);
        return;
    }
    /* Only what is seen under all of the new generations cannot change any more. */
    if (again && error->code == ERROR_OK &&
        recovery->pair + 1 < json_array_size(recovery->raised)) {
        recovery->pair++;
        ask_next(recovery);
        return;
    }
    take_inspection(recovery, result, error);
    if (!again)
        note_fences(recovery, result);
    recovery->pair = 0;
    recovery->cluster++;
    recovery->work.progress.done++;
    ask_next(recovery);
}

static void ask_next(struct recovery *recovery)
{
    struct control *control = recovery->control;
    bool again = json_array_size(recovery->raised) > 0;
    while (again && recovery->cluster < control->options.cluster_count && is_silent(recovery)) {
        recovery->cluster++;
        recovery->work.progress.done++;
    }
    if (recovery->cluster == control->options.cluster_count) {
        if (again)
            conclude(recovery);
        else
            raise_generations(recovery);
        return;
    }
    const struct pair *pair =
        again ? control_find_pair(
                    control, json_string_value(json_array_get(recovery->raised, recovery->pair)))
              : NULL;
    work_says(&recovery->work, "asking cluster %s", cluster_name(recovery));
    ask_new(control, cluster_name(recovery), "inspect", pair, NULL, 0, json_object(),
            INSPECT_LIMIT_MS, inspection_came, recovery);
}

/* What was ordered under an older generation ends, and none of it begins behind this look. */
static void look_again(void *context, const struct error *error)
{
    struct recovery *recovery = context;
    if (error->code != ERROR_OK || recovery->control->stopping) {
        end_with(recovery, error);
        return;
    }
    json_array_clear(recovery->found);
    json_array_clear(recovery->orders);
    recovery->cluster = 0;
    recovery->work.progress.total *= 2;
    ask_next(recovery);
}

void control_recover(struct control *control, const char *reason, control_done_fn *done,
                     void *context)
{
    struct recovery *recovery = memory_new(sizeof *recovery);
    recovery->control = control;
    recovery->fences = json_object();
    recovery->raised = json_array();
    recovery->found = json_array();
    recovery->orders = json_array();
    recovery->silent = json_array();
    recovery->reason = memory_copy_string(reason == NULL ? "" : reason);
    recovery->done = done;
    recovery->context = context;
    work_begin(&recovery->work, control, context, "clusters", control->options.cluster_count);
    ask_next(recovery);
}
