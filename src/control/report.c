/* report.c: what the API and the command line show, made from the state in memory. Names of members
 * are part of doc/openapi.yaml. */
#include "base/clock.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "control/control_private.h"

#include <string.h>

static void set_instant(json_t *object, const char *key, int64_t time_us)
{
    char text[TIMESTAMP_TEXT_SIZE];
    if (time_us <= 0) {
        json_set_string(object, key, NULL);
        return;
    }
    timestamp_format(time_us, text);
    json_set_string(object, key, text);
}

/* ---- epochs --------------------------------------------------------------------------------- */

static json_t *progress_object(const struct run *run)
{
    json_t *object = json_object();
    int64_t left = rate_seconds_left(&run->rate, &run->progress);
    json_set_string(object, "phase", run->rate.phase);
    json_set_integer(object, "files_done", (int64_t)run->progress.files_done);
    json_set_integer(object, "files_total", (int64_t)run->progress.files_total);
    json_set_integer(object, "bytes_done", (int64_t)run->progress.bytes_done);
    json_set_integer(object, "bytes_total", (int64_t)run->progress.bytes_total);
    json_set_integer(object, "bytes_per_second", (int64_t)run->rate.bytes_per_second);
    json_set_take(object, "seconds_left", left < 0 ? json_null() : json_integer(left));
    return object;
}

static void add_sums(json_t *object, const struct epoch *epoch)
{
    static const char *const names[] = {"files", "bytes", "entries_removed", "moved", "operations"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        json_set_integer(object, names[i], json_integer_or(epoch->transfer, names[i], 0));
}

static void add_outcome(json_t *object, const struct run *run)
{
    const struct epoch *epoch = &run->epoch;
    int64_t sealed_us = epoch->entered_us[EPOCH_SEALED];
    set_instant(object, "sealed_at", sealed_us);
    if (sealed_us > 0 && epoch->t_us > 0)
        json_set_take(object, "seconds", json_real((double)(sealed_us - epoch->t_us) / 1e6));
    if (epoch->cause.code != ERROR_OK)
        json_set_take(object, "cause", json_from_error(&epoch->cause));
    if (epoch->question != EPOCH_QUESTION_NONE)
        json_set_string(object, "question", epoch_question_name(epoch->question));
    if (epoch->asked != NULL)
        json_set_take(object, "asked", json_incref(epoch->asked));
}

json_t *report_epoch(const struct run *run)
{
    const struct epoch *epoch = &run->epoch;
    json_t *object = json_object();
    json_set_string(object, "service", epoch->service_name);
    json_set_integer(object, "number", (int64_t)epoch->number);
    json_set_integer(object, "generation", (int64_t)epoch->generation);
    json_set_integer(object, "attempt", epoch->attempt);
    json_set_string(object, "state", epoch_state_name(epoch->state));
    set_instant(object, "t", epoch->t_us);
    json_set_time(object, "t_us", epoch->t_us);
    json_set_string(object, "mode", epoch->mode == EPOCH_MODE_FULL ? "full" : "incremental");
    json_set_string(object, "direction", epoch->direction == EPOCH_PUSH ? "push" : "pull");
    json_set_take(object, "base",
                  epoch->base.number == 0 ? json_null()
                                          : json_integer((json_int_t)epoch->base.number));
    json_set_string(object, "grade", epoch->moment == NULL ? NULL : grade_name(epoch->grade));
    json_set_take(object, "skew_us",
                  epoch->moment == NULL ? json_null() : json_integer(epoch->skew_us));
    add_sums(object, epoch);
    add_outcome(object, run);
    if (epoch->side_a_lost)
        json_set_boolean(object, "primary_lost", true);
    if (run->lost_b)
        json_set_boolean(object, "snapshots_lost", true);
    if (run_is_busy(run))
        json_set_take(object, "progress", progress_object(run));
    return object;
}

static void add_documents(json_t *object, const struct epoch *epoch)
{
    static const char *const parts[] = {"members", "moment", "transfer", "commit", "history"};
    json_t *documents[] = {epoch->members, epoch->moment, epoch->transfer, epoch->commit,
                           epoch->history};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
        json_set_take(object, parts[i],
                      documents[i] == NULL ? json_null() : json_incref(documents[i]));
}

json_t *control_epochs(struct control *control, const char *service_name, size_t limit)
{
    json_t *list = json_array();
    list_for_each(service, &control->services, struct service, node) {
        if (service_name != NULL && strcmp(service->name, service_name) != 0 &&
            strcmp(service->id, service_name) != 0)
            continue;
        size_t count = 0;
        for (struct list *at = service->runs.previous; at != &service->runs && count < limit;
             at = at->previous, count++)
            json_append_take(list, report_epoch(list_entry(at, struct run, node)));
    }
    return list;
}

bool control_epoch(struct control *control, const char *service_name, uint64_t number, json_t **ret,
                   struct error *error)
{
    struct service *service = control_find_service(control, service_name);
    struct run *run = service == NULL ? NULL : service_find_run(service, number);
    if (run == NULL)
        return error_set(error, ERROR_NOT_FOUND,
                         "no epoch %llu of '%.80s': see `coeval epoch list`",
                         (unsigned long long)number, service_name);
    struct epoch recorded;
    epoch_init(&recorded);
    if (run->is_slim && !history_read(run, &recorded, error))
        return false;
    *ret = report_epoch(run);
    add_documents(*ret, run->is_slim ? &recorded : &run->epoch);
    epoch_fini(&recorded);
    return true;
}

/* ---- services and policies ------------------------------------------------------------------ */

static const struct run *newest_seal(const struct service *service)
{
    for (struct list *at = service->runs.previous; at != &service->runs; at = at->previous) {
        const struct run *run = list_entry(at, struct run, node);
        if (run->epoch.state == EPOCH_SEALED && !run->lost_b)
            return run;
    }
    return NULL;
}

static const char *service_state(struct service *service)
{
    struct run *running = service_running(service);
    if (service->deleted)
        return "deleted";
    if (service->broken != NULL)
        return "broken";
    if (service->pair->fenced == service->pair->generation)
        return "fenced";
    if (running != NULL && running->epoch.state == EPOCH_STUCK)
        return "stuck";
    if (running != NULL && running->epoch.question != EPOCH_QUESTION_NONE)
        return "waiting";
    if (running != NULL || service->planning != NULL || service->firing)
        return "running";
    return service->schedule.paused ? "paused" : "idle";
}

json_t *report_service(struct service *service)
{
    json_t *object = json_object();
    const struct run *seal = newest_seal(service);
    struct run *running = service_running(service);
    int64_t next_us = 0, now_us = clock_realtime_us();
    json_set_string(object, "id", service->id);
    json_set_string(object, "name", service->name);
    json_set_integer(object, "revision", service->revision);
    json_set_string(object, "pair", service->pair->name);
    json_set_string(object, "primary", service->pair->primary);
    json_set_string(object, "secondary", service->pair->secondary);
    json_set_string(object, "state", service_state(service));
    json_set_take(object, "last_sealed", seal == NULL ? json_null() : report_epoch(seal));
    json_set_take(object, "age_seconds",
                  seal == NULL ? json_null() : json_integer((now_us - seal->epoch.t_us) / 1000000));
    json_set_take(object, "base_pinned_bytes",
                  service->hold.of == 0 || service->hold.bytes == HOLD_BYTES_UNKNOWN
                      ? json_null()
                      : json_integer((json_int_t)service->hold.bytes));
    json_set_take(object, "running", running == NULL ? json_null() : report_epoch(running));
    if (!service->deleted && !service->schedule.paused && service->broken == NULL)
        schedule_next_slot(
            &service->policy.schedule, service->schedule.anchor_us,
            now_us > service->schedule.floor_us ? now_us : service->schedule.floor_us, &next_us);
    set_instant(object, "next", next_us);
    json_set_take(object, "left_behind", left_report(service));
    json_set_take(object, "passed", json_incref(service->passed));
    return object;
}

json_t *control_policies(struct control *control)
{
    json_t *list = json_array();
    list_for_each(service, &control->services, struct service, node)
        if (!service->deleted)
            json_append_take(list, report_service(service));
    return list;
}

bool control_policy(struct control *control, const char *name, json_t **ret, struct error *error)
{
    struct service *service = control_find_service(control, name);
    if (service == NULL)
        return error_set(error, ERROR_NOT_FOUND, "no policy '%.80s': see `coeval policy list`",
                         name);
    json_t *object = report_service(service);
    json_set_take(object, "policy", json_incref(service->policy_document));
    *ret = object;
    return true;
}

/* ---- clusters and the whole ----------------------------------------------------------------- */

json_t *control_clusters(struct control *control)
{
    json_t *list = json_array();
    for (size_t i = 0; i < control->options.cluster_count; i++) {
        const struct control_cluster *cluster = &control->options.clusters[i];
        struct link_state link = link_state(cluster->link);
        json_t *object = json_object(), *instances = json_array();
        json_set_string(object, "name", cluster->name);
        json_set_string(object, "location", cluster->location);
        json_set_take(object, "resources",
                      cluster->resources == NULL ? json_null()
                                                 : json_deep_copy(cluster->resources));
        json_set_boolean(object, "agent_reachable", link.reachable);
        set_instant(object, "since", link.changed_us);
        if (!link.reachable && link.error.code != ERROR_OK)
            json_set_take(object, "error", json_from_error(&link.error));
        for (size_t j = 0; j < cluster->instance_count; j++) {
            json_t *instance = json_object();
            json_set_string(instance, "name", cluster->instances[j].name);
            json_set_string(instance, "kind", cluster->instances[j].kind);
            json_set_string(instance, "identity",
                            registry_store(control, cluster->name, cluster->instances[j].name));
            json_append_take(instances, instance);
        }
        json_set_take(object, "instances", instances);
        json_append_take(list, object);
    }
    return list;
}

json_t *control_status(struct control *control)
{
    json_t *object = json_object();
    bool synchronised;
    json_set_string(object, "device", control->options.device);
    set_instant(object, "now", clock_realtime_us());
    json_set_integer(object, "clock_error_us", clock_error_us(&synchronised));
    json_set_boolean(object, "clock_synchronised", synchronised);
    json_set_take(object, "services", control_policies(control));
    json_set_take(object, "clusters", control_clusters(control));
    json_set_integer(object, "last_event", (int64_t)control->event_sequence);
    return object;
}
