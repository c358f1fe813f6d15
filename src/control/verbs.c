/* verbs.c: what an operator orders: on policies and on epochs. Every order is recorded with its
 * reason before it has an effect. */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "control/control_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNPROTECT_LIMIT_MS (24 * 3600 * 1000)
#define ASK_AGAIN_LIMIT_MS 1000 /* an operator waits */

/* ---- the audit record ----------------------------------------------------------------------- */

struct order {
    struct control *control;
    char service[UUID_TEXT_SIZE];
    uint64_t number;
    char verb[16];
    char *reason;
    control_done_fn *done;
    void *context;
    void (*carry_out)(struct order *order);
    size_t asked;   /* clusters whose agents were asked whether they still refuse this device */
    json_t *result; /* told once what it says is durable */
};

static void finish_order(struct order *order, json_t *result, const struct error *error)
{
    control_answer(order->control, order->done, order->context, result, error);
    free(order->reason);
    free(order);
}

static void outcome_is_durable(void *context, const struct error *error)
{
    struct order *order = context;
    json_t *result = order->result;
    if (error->code != ERROR_OK) {
        json_decref(result);
        result = NULL;
    }
    finish_order(order, result, error);
}

static void record_order(struct order *order, const char *service, const char *stage,
                         journal_done_fn *done)
{
    json_t *object = json_object();
    json_set_string(object, "verb", order->verb);
    json_set_string(object, "service", service);
    json_set_integer(object, "number", (int64_t)order->number);
    json_set_string(object, "reason", order->reason);
    json_set_string(object, "stage", stage);
    json_set_time(object, "time_us", clock_realtime_us());
    char *payload = control_text(object);
    struct journal_append record = {.type = JOURNAL_OPERATOR, .payload = payload};
    control_record(order->control, &record, 1, done, order);
    free(payload);
}

/* Records become durable in order: with this one everything is that carrying it out has recorded.
 * Who was told that it is done may rely on it, whatever happens to this process. */
static void tell_when_durable(struct order *order, const char *service, json_t *result)
{
    order->result = result;
    record_order(order, service, "done", outcome_is_durable);
}

static void order_is_durable(void *context, const struct error *error)
{
    struct order *order = context;
    if (error->code != ERROR_OK)
        finish_order(order, NULL, error);
    else
        order->carry_out(order);
}

static void give_order(struct control *control, const struct service *service, uint64_t number,
                       const char *verb, const char *reason, void (*carry_out)(struct order *),
                       control_done_fn *done, void *context)
{
    struct order *order = memory_new(sizeof *order);
    *order = (struct order){.control = control,
                            .number = number,
                            .carry_out = carry_out,
                            .done = done,
                            .context = context};
    snprintf(order->service, sizeof order->service, "%s", service->id);
    snprintf(order->verb, sizeof order->verb, "%s", verb);
    order->reason = memory_copy_string(reason == NULL ? "" : reason);
    record_order(order, service->name, "given", order_is_durable);
}

static void not_found(struct control *control, const char *service, control_done_fn *done,
                      void *context)
{
    struct error error;
    error_set(&error, ERROR_NOT_FOUND, "no policy or service '%s': see `coeval policy list`",
              service);
    control_answer(control, done, context, NULL, &error);
}

/* ---- policies ------------------------------------------------------------------------------- */

static json_t *run_answer(const struct service *service)
{
    json_t *answer = json_object();
    json_set_string(answer, "service", service->name);
    json_set_integer(answer, "number", (int64_t)service->next_number);
    return answer;
}

/* Told only when it is durable: an answer of "paused" must outlive this process. */
static void policy_is_kept(void *context, const struct error *error)
{
    struct order *order = context;
    struct service *service = control_find_service(order->control, order->service);
    json_t *result = service->deleted ? json_object() : report_service(service);
    if (error->code != ERROR_OK) {
        json_decref(result);
        result = NULL;
    }
    finish_order(order, result, error);
}

static void carry_out_policy(struct order *order);

static void asked_again(void *context, const json_t *result, const struct error *error)
{
    struct order *order = context;
    (void)result;
    if (order->control->stopping) {
        finish_order(order, NULL, error);
        return;
    }
    order->asked++;
    carry_out_policy(order);
}

/* An agent that did not take this device's token when it was asked last may take it by now. True:
 * the order comes back when that is known. */
static bool asks_again(struct order *order, const struct service *service)
{
    const char *clusters[] = {service->pair->primary, service->pair->secondary};
    for (; order->asked < ARRAY_LENGTH(clusters); order->asked++) {
        const char *name = clusters[order->asked];
        const struct control_cluster *cluster = control_find_cluster(order->control, name);
        if (cluster == NULL || link_state(cluster->link).error.code != ERROR_DENIED)
            continue;
        ask_new(order->control, name, "identify", NULL, NULL, 0, json_object(), ASK_AGAIN_LIMIT_MS,
                asked_again, order);
        return true;
    }
    return false;
}

/* An epoch whose orders no agent takes would only wait for its own deadlines, or stand there for
 * good. */
static bool agents_obey(const struct service *service, struct error *error)
{
    const struct pair *pair = service->pair;
    const char *clusters[] = {pair->primary, pair->secondary};
    if (pair->fenced == pair->generation)
        return error_set(error, ERROR_FENCED,
                         "pair %s: its agents obey another device, and no order of this one "
                         "counts: end one of the two; if it is the other one, `coeval recover "
                         "--reason TEXT` here",
                         pair->name);
    for (size_t i = 0; i < ARRAY_LENGTH(clusters); i++) {
        const struct control_cluster *cluster = control_find_cluster(service->control, clusters[i]);
        if (cluster == NULL)
            continue;
        struct link_state link = link_state(cluster->link);
        if (link.error.code == ERROR_DENIED)
            return error_set(error, ERROR_CONFLICT, "cluster %s: %s; then restart coevald",
                             clusters[i], link.error.text);
    }
    return true;
}

static void carry_out_policy(struct order *order)
{
    struct service *service = control_find_service(order->control, order->service);
    struct error error = ERROR_NONE;
    int64_t now_us = clock_realtime_us(), moment_us = 0;
    if (service != NULL && strcmp(order->verb, "run") == 0 && asks_again(order, service))
        return;
    if (service == NULL || service->deleted) {
        error_set(&error, ERROR_NOT_FOUND, "the policy was deleted meanwhile");
    } else if (strcmp(order->verb, "pause") == 0) {
        schedule_pause(&service->schedule);
    } else if (strcmp(order->verb, "resume") == 0) {
        schedule_resume(&service->schedule, now_us);
    } else if (service->broken != NULL) {
        error_set(&error, ERROR_CONFLICT, "the policy does not work here: %s", service->broken);
    } else if (service->moving) {
        error_set(&error, ERROR_CONFLICT,
                  "a root of '%s' is being moved: see `coeval operation list`", service->name);
    } else if (!agents_obey(service, &error)) {
        /* said by it */
    } else if (service_is_busy(service) ||
               !schedule_run_now(&service->policy.schedule, &service->schedule, now_us,
                                 &moment_us)) {
        error_set(&error, ERROR_CONFLICT, "an epoch of '%s' is running: see `coeval epoch list %s`",
                  service->name, service->name);
    } else {
        service->begun_number = service->next_number;
        service_save(service);
        tell_when_durable(order, service->name, run_answer(service));
        plan_epoch(service, 0, moment_us);
        return;
    }
    if (error.code != ERROR_OK) {
        finish_order(order, NULL, &error);
        return;
    }
    char verb[sizeof order->verb]; /* a lost journal ends the order in the call */
    memcpy(verb, order->verb, sizeof verb);
    service_save_then(service, policy_is_kept, order);
    event_tell(service->control, service, 0, "notice", "policy.verb", verb, NULL);
    service_tick(service);
}

void control_policy_verb(struct control *control, const char *name, const char *verb,
                         const char *reason, control_done_fn *done, void *context)
{
    struct service *service = control_find_service(control, name);
    struct error error;
    if (service == NULL || service->deleted) {
        not_found(control, name, done, context);
        return;
    }
    if (strcmp(verb, "run") != 0 && strcmp(verb, "pause") != 0 && strcmp(verb, "resume") != 0) {
        error_set(&error, ERROR_INVALID, "unknown verb '%.20s': run, pause or resume", verb);
        control_answer(control, done, context, NULL, &error);
        return;
    }
    give_order(control, service, 0, verb, reason, carry_out_policy, done, context);
}

/* Told to the areas, so that `recover` does not bring it back; a cluster that does not hear of it
 * in time keeps it as it was. */
static void told_cluster(void *context, const json_t *result, const struct error *error)
{
    struct service *service = context;
    (void)result;
    if (error->code != ERROR_OK && !service->control->stopping)
        log_warning(LOG_CONTROL, "policy.unprotect",
                    "service=%s error=\"%s\": its area still says that it is in force",
                    service->name, error->text);
}

static void tell_clusters(struct service *service)
{
    const char *clusters[] = {service->pair->primary, service->pair->secondary};
    for (size_t i = 0; i < ARRAY_LENGTH(clusters); i++)
        ask_new(service->control, clusters[i], "unprotect", service->pair, service, 0,
                json_object(), UNPROTECT_LIMIT_MS, told_cluster, service);
}

static void carry_out_delete(struct order *order)
{
    struct service *service = control_find_service(order->control, order->service);
    struct error error = ERROR_NONE;
    if (service_is_busy(service)) {
        error_set(&error, ERROR_CONFLICT,
                  "an epoch of '%s' is running: `coeval epoch abandon` it first, or wait",
                  service->name);
        finish_order(order, NULL, &error);
        return;
    }
    service->deleted = true;
    wall_timer_stop(service->timer);
    tell_clusters(service);
    char *reason = memory_copy_string(order->reason);
    service_save_then(service, policy_is_kept, order);
    event_tell(service->control, service, 0, "notice", "policy.deleted", reason, NULL);
    free(reason);
}

void control_delete_policy(struct control *control, const char *name, const char *reason,
                           control_done_fn *done, void *context)
{
    struct service *service = control_find_service(control, name);
    if (service == NULL || service->deleted) {
        not_found(control, name, done, context);
        return;
    }
    give_order(control, service, 0, "delete", reason, carry_out_delete, done, context);
}

/* ---- epochs --------------------------------------------------------------------------------- */

static const struct {
    const char *verb;
    enum epoch_event_kind kind;
} epoch_verbs[] = {
    {"abandon", EPOCH_EVENT_ABANDON}, {"rollback", EPOCH_EVENT_ROLLBACK},
    {"resume", EPOCH_EVENT_RESUME},   {"approve", EPOCH_EVENT_APPROVE},
    {"lost", EPOCH_EVENT_LOST},
};

static void carry_out_epoch(struct order *order)
{
    struct service *service = control_find_service(order->control, order->service);
    struct run *run = service_find_run(service, order->number);
    struct error refused = ERROR_NONE;
    struct epoch_event event = {.kind = EPOCH_EVENT_ABANDON, .reason = order->reason};
    if (run == NULL) {
        error_set(&refused, ERROR_NOT_FOUND,
                  "no epoch %" PRIu64 " of '%s': see `coeval epoch list %s`", order->number,
                  service->name, service->name);
        finish_order(order, NULL, &refused);
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(epoch_verbs); i++)
        if (strcmp(epoch_verbs[i].verb, order->verb) == 0)
            event.kind = epoch_verbs[i].kind;
    run_event(run, &event, &refused);
    if (refused.code == ERROR_OK)
        tell_when_durable(order, service->name, report_epoch(run));
    else
        finish_order(order, NULL, &refused);
}

void control_epoch_verb(struct control *control, const char *service_name, uint64_t number,
                        const char *verb, const char *reason, control_done_fn *done, void *context)
{
    struct service *service = control_find_service(control, service_name);
    struct error error;
    bool known = false;
    if (service == NULL) {
        not_found(control, service_name, done, context);
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(epoch_verbs); i++)
        known = known || strcmp(epoch_verbs[i].verb, verb) == 0;
    if (!known) {
        error_set(&error, ERROR_INVALID, "unknown verb '%.20s'", verb);
        control_answer(control, done, context, NULL, &error);
        return;
    }
    give_order(control, service, number, verb, reason, carry_out_epoch, done, context);
}

/* ---- looking -------------------------------------------------------------------------------- */

struct looking {
    struct work work;
    struct control *control;
    const char *cluster; /* of the configuration */
    control_done_fn *done;
    void *context;
};

static void look_came(void *context, const json_t *result, const struct error *error)
{
    struct looking *looking = context;
    work_end(&looking->work);
    control_answer(looking->control, looking->done, looking->context,
                   result == NULL ? NULL : json_incref((json_t *)(uintptr_t)result), error);
    free(looking);
}

static void catalogue_came(void *context, const json_t *result, const struct error *error)
{
    struct looking *looking = context;
    struct error why = *error;
    if (error->code != ERROR_OK)
        error_wrap(&why, "cluster %s", looking->cluster);
    look_came(context, result, &why);
}

static struct looking *look(struct control *control, control_done_fn *done, void *context)
{
    struct looking *looking = memory_new(sizeof *looking);
    *looking = (struct looking){.control = control, .done = done, .context = context};
    work_begin(&looking->work, control, context, "entries", 0);
    return looking;
}

void control_verify(struct control *control, const char *service_name, uint64_t number,
                    control_done_fn *done, void *context)
{
    struct service *service = control_find_service(control, service_name);
    struct run *run = service == NULL ? NULL : service_find_run(service, number);
    struct error error;
    if (run == NULL || run->epoch.state != EPOCH_SEALED || run->lost_b) {
        error_set(&error, ERROR_NOT_FOUND, "no sealed epoch %" PRIu64 " of '%.80s'", number,
                  service_name);
        control_answer(control, done, context, NULL, &error);
        return;
    }
    json_t *body = json_object();
    json_set_take(body, "settings", json_incref(run->epoch.settings));
    json_set_take(body, "generation", json_integer((json_int_t)run->epoch.generation));
    struct looking *looking = look(control, done, context);
    struct ask *ask =
        ask_new(control, service->pair->secondary, "verify", service->pair, service,
                (int64_t)run->epoch.number, body, 24 * 3600 * 1000, look_came, looking);
    ask_watch(ask, &looking->work);
}

void control_catalogue(struct control *control, const char *cluster, const char *instance,
                       const char *path, control_done_fn *done, void *context)
{
    struct error error;
    if (!control_knows(control, cluster, instance, &error)) {
        control_answer(control, done, context, NULL, &error);
        return;
    }
    struct looking *looking = look(control, done, context);
    looking->cluster = control_find_cluster(control, cluster)->name;
    json_t *body = json_object();
    json_set_string(body, "instance", instance);
    json_set_string(body, "path", path);
    ask_new(control, cluster, "catalogue", NULL, NULL, 0, body, 60000, catalogue_came, looking);
}
