/* service.c: one service: when its next epoch begins, and which of its seals retire. */
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "base/zoneinfo.h"
#include "control/control_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEALS_MAX 70000
#define LIMITS_LIMIT_MS 600000

static void slot_comes(void *context, bool clock_changed)
{
    struct service *service = context;
    if (clock_changed)
        event_tell(service->control, service, 0, "warning", "clock.changed",
                   "the wall clock was set: the next moment was computed again", NULL);
    service_tick(service);
}

struct service *service_new(struct control *control, const char *id, const char *name)
{
    struct service *service = memory_new(sizeof *service);
    service->control = control;
    snprintf(service->id, sizeof service->id, "%s", id);
    service->name = memory_copy_string(name);
    service->next_number = 1;
    service->passed = json_object();
    service->left = json_array();
    list_init(&service->runs);
    service->timer = wall_timer_new(control->loop, slot_comes, service);
    holds_init(service);
    scrub_init(service);
    list_append(&control->services, &service->node);
    return service;
}

static void drop_policy(struct service *service);

void service_free(struct service *service)
{
    list_for_each(run, &service->runs, struct run, node)
        run_free(run);
    planning_free(service->planning);
    wall_timer_free(service->timer);
    holds_fini(service);
    scrub_fini(service);
    list_remove(&service->node);
    drop_policy(service);
    json_decref(service->suspects);
    json_decref(service->passed);
    json_decref(service->left);
    free(service->name);
    free(service);
}

static bool load_zone(const char *name, struct zone *ret_zone, struct error *error)
{
    struct buffer content;
    buffer_init(&content, ZONEINFO_BYTES_MAX);
    bool loaded = zoneinfo_read(name, &content, error) &&
                  zone_parse(content.data, content.size, ret_zone, error);
    buffer_fini(&content);
    return loaded || error_wrap(error, "time zone %.60s", name);
}

static void drop_policy(struct service *service)
{
    free(service->broken);
    service->broken = NULL;
    if (service->policy_document == NULL)
        return;
    policy_fini(&service->policy);
    json_decref(service->policy_document);
    if (service->has_zone)
        zone_fini(&service->zone);
    service->policy_document = NULL;
    service->has_zone = false;
}

bool service_set_policy(struct service *service, json_t *object, int64_t revision,
                        struct error *error)
{
    struct document document;
    struct policy policy;
    struct zone zone;
    document_init(&document, NULL, json_incref(object));
    bool parsed = policy_parse(&document, &policy, error);
    document_fini(&document);
    if (!parsed)
        return false;
    const char *name = policy.schedule.zone_name;
    bool has_zone = name != NULL && strcmp(name, "UTC") != 0;
    if (has_zone && !load_zone(name, &zone, error)) {
        policy_fini(&policy);
        return false;
    }
    drop_policy(service);
    service->policy = policy;
    service->has_zone = has_zone;
    if (has_zone)
        service->zone = zone;
    service->policy.schedule.zone = has_zone ? &service->zone : NULL;
    service->policy_document = object;
    service->revision = revision;
    return true;
}

/* What was in force must not keep the other services from theirs: this one stands still, and what
 * it says is kept as far as it can be read. */
static void break_policy(struct service *service, json_t *object, int64_t revision,
                         const struct error *why)
{
    struct document document;
    struct error ignored;
    document_init(&document, NULL, json_incref(object));
    if (!policy_parse(&document, &service->policy, &ignored))
        service->policy = (struct policy){.name = NULL};
    document_fini(&document);
    service->policy_document = object;
    service->revision = revision;
    service->broken = memory_copy_string(why->text);
}

/* ---- its journal object --------------------------------------------------------------------- */

static json_t *schedule_object(const struct schedule_state *schedule)
{
    json_t *object = json_object();
    json_set_time(object, "anchor_us", schedule->anchor_us);
    json_set_time(object, "floor_us", schedule->floor_us);
    json_set_time(object, "pending_us", schedule->pending_us);
    json_set_time(object, "begun_us", schedule->begun_us);
    json_set_boolean(object, "running", schedule->running);
    json_set_boolean(object, "lost", schedule->lost);
    json_set_boolean(object, "paused", schedule->paused);
    return object;
}

char *service_object(struct service *service)
{
    json_t *object = json_object();
    json_set_string(object, "name", service->name);
    json_set_string(object, "pair", service->pair->id);
    json_set_integer(object, "revision", service->revision);
    json_set_take(object, "policy", json_incref(service->policy_document));
    json_set_boolean(object, "deleted", service->deleted);
    json_set_integer(object, "next_number", (int64_t)service->next_number);
    json_set_integer(object, "begun_number", (int64_t)service->begun_number);
    json_set_integer(object, "since_sweep", (int64_t)service->since_sweep);
    json_set_boolean(object, "base_distrusted", service->base_distrusted);
    json_set_time(object, "scrubbed_us", service->scrub.last_us);
    json_set_take(object, "schedule", schedule_object(&service->schedule));
    json_set_take(object, "passed", json_incref(service->passed));
    json_set_take(object, "left", json_incref(service->left));
    if (service->suspects != NULL)
        json_set_take(object, "suspects", json_incref(service->suspects));
    return control_text(object);
}

void service_save(struct service *service)
{
    service_save_then(service, NULL, NULL);
}

void service_save_then(struct service *service, journal_done_fn *done, void *context)
{
    char *payload = service_object(service);
    struct journal_append record = {.type = JOURNAL_SERVICE,
                                    .key = service->id,
                                    .payload = payload,
                                    .generation = (uint64_t)service->pair->generation};
    control_record(service->control, &record, 1, done, context);
    free(payload);
}

bool service_load(struct control *control, const char *id, const json_t *object,
                  struct error *error)
{
    const char *name, *pair;
    json_t *policy, *schedule;
    if (!json_get_string(object, "name", &name, error) ||
        !json_get_string(object, "pair", &pair, error) ||
        !json_get_object(object, "policy", &policy, error) ||
        !json_get_object(object, "schedule", &schedule, error))
        return false;
    struct service *service = service_new(control, id, name);
    service->pair = control_find_pair(control, pair);
    if (service->pair == NULL)
        return error_set(error, ERROR_CORRUPT, "unknown pair %.40s", pair);
    int64_t revision = json_integer_or(object, "revision", 1);
    struct error why = ERROR_NONE;
    json_incref(policy);
    if (!service_set_policy(service, policy, revision, &why))
        break_policy(service, policy, revision, &why);
    service->deleted = json_boolean_or(object, "deleted", false);
    service->next_number = (uint64_t)json_integer_or(object, "next_number", 1);
    service->begun_number = (uint64_t)json_integer_or(object, "begun_number", 0);
    service->since_sweep = (uint64_t)json_integer_or(object, "since_sweep", 0);
    service->base_distrusted = json_boolean_or(object, "base_distrusted", false);
    service->scrub.last_us = json_time_or(object, "scrubbed_us", 0);
    service->schedule =
        (struct schedule_state){.anchor_us = json_time_or(schedule, "anchor_us", 0),
                                .floor_us = json_time_or(schedule, "floor_us", SCHEDULE_NEVER),
                                .pending_us = json_time_or(schedule, "pending_us", SCHEDULE_NEVER),
                                .begun_us = json_time_or(schedule, "begun_us", 0),
                                .running = json_boolean_or(schedule, "running", false),
                                .lost = json_boolean_or(schedule, "lost", false),
                                .paused = json_boolean_or(schedule, "paused", false)};
    json_t *suspects = json_object_get(object, "suspects");
    service->suspects = suspects == NULL ? NULL : json_incref(suspects);
    json_t *passed = json_object_get(object, "passed");
    if (json_is_array(json_object_get(object, "left")))
        json_array_extend(service->left, json_object_get(object, "left"));
    if (json_is_object(passed))
        json_object_update(service->passed, passed);
    return true;
}

/* ---- the next slot -------------------------------------------------------------------------- */

struct run *service_find_run(struct service *service, uint64_t number)
{
    list_for_each(run, &service->runs, struct run, node)
        if (run->epoch.number == number)
            return run;
    return NULL;
}

struct run *service_running(struct service *service)
{
    list_for_each(run, &service->runs, struct run, node)
        if (run_is_busy(run))
            return run;
    return NULL;
}

static bool count_passed(struct service *service, const struct schedule_decision *decision)
{
    static const char *const names[] = {"missed", "overrun", "coalesced"};
    uint64_t counts[] = {decision->passed.missed, decision->passed.overrun,
                         decision->passed.coalesced};
    char text[256];
    if (counts[0] + counts[1] + counts[2] == 0)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        json_set_integer(service->passed, names[i],
                         json_integer_or(service->passed, names[i], 0) + (int64_t)counts[i]);
    snprintf(text, sizeof text,
             "moments passed over: %" PRIu64 " missed (nobody was there), %" PRIu64
             " while an epoch ran, %" PRIu64 " coalesced",
             counts[0], counts[1], counts[2]);
    event_tell(service->control, service, 0, "warning", "moment.passed", text, NULL);
    return true;
}

struct firing {
    struct service *service;
    int64_t slot_us;
    int64_t moment_us;
};

static void slot_is_durable(void *context, const struct error *error)
{
    struct firing firing = *(struct firing *)context;
    free(context);
    firing.service->firing = false;
    if (error->code != ERROR_OK || firing.service->control->stopping)
        return;
    plan_epoch(firing.service, firing.slot_us, firing.moment_us);
    service_tick(firing.service); /* slots that come meanwhile are overrun, not missed */
}

/* The slot is used up durably before anything of it begins: it never runs twice. */
static void fire(struct service *service, const struct schedule_decision *decision)
{
    struct firing *firing = memory_new(sizeof *firing);
    service->firing = true;
    service->begun_number = service->next_number;
    *firing = (struct firing){service, decision->slot_us, decision->moment_us};
    char *payload = service_object(service);
    struct journal_append record = {
        .type = JOURNAL_SERVICE, .key = service->id, .payload = payload};
    control_record(service->control, &record, 1, slot_is_durable, firing);
    free(payload);
}

/* A restart: either the epoch has ended and that was not noted, or there never was one. */
static void end_what_began(struct service *service)
{
    char moment[TIMESTAMP_TEXT_SIZE], text[256];
    struct list *last = service->runs.previous;
    if (service->begun_number == 0 ||
        (last != &service->runs &&
         list_entry(last, struct run, node)->epoch.number >= service->begun_number)) {
        schedule_end(&service->schedule);
        return;
    }
    schedule_lose(&service->schedule);
    timestamp_format(service->schedule.begun_us, moment);
    snprintf(text, sizeof text,
             "the device ended while the epoch of %s was being planned: it counts as missed",
             moment);
    event_tell(service->control, service, 0, "warning", "moment.interrupted", text, NULL);
}

void service_tick(struct service *service)
{
    if (service->deleted || service->broken != NULL || service->firing || service->moving ||
        service->control->stopping)
        return;
    if (service->schedule.running && !service_is_busy(service))
        end_what_began(service);
    holds_check(service);
    scrub_check(service);
    struct schedule_decision decision =
        schedule_decide(&service->policy.schedule, &service->schedule, clock_realtime_us());
    if (decision.clock_is_behind && !service->told_behind)
        event_tell(service->control, service, 0, "alarm", "clock.behind",
                   "the wall clock is behind the last moment of this service: no epoch begins "
                   "before it has caught up, because no moment is used twice",
                   (const char *const[]){"coeval status", NULL});
    service->told_behind = decision.clock_is_behind;
    bool passed = count_passed(service, &decision);
    service->schedule = decision.next;
    if (decision.action == SCHEDULE_FIRE) {
        fire(service, &decision);
        return; /* slot_is_durable() comes back here */
    }
    if (passed)
        service_save(service); /* told once */
    if (decision.until_us != SCHEDULE_WAIT_FOR_EVENT)
        wall_timer_start(service->timer, decision.until_us);
}

bool service_base_is_behind(const struct service *service)
{
    list_for_each(run, &service->runs, struct run, node)
        if ((run->epoch.state == EPOCH_SEALED || run->epoch.state == EPOCH_RETIRED) &&
            run->epoch.number > service->base.number)
            return true;
    return false;
}

bool service_is_busy(struct service *service)
{
    return service->firing || service->moving || service->planning != NULL ||
           service_running(service) != NULL;
}

/* Retirements and late settles end as well, beside the slot that has begun meanwhile. */
void service_epoch_ended(struct service *service)
{
    if (service_is_busy(service))
        return;
    /* Not a slot that is being recorded or planned: its epoch is still to come. */
    if (service->schedule.running && !service->firing && service->planning == NULL)
        schedule_end(&service->schedule);
    service_save(service);
    service_retain(service);
    service_tick(service);
}

/* ---- limits of what runs --------------------------------------------------------------------- */

json_t *service_limits(const struct service *service)
{
    json_t *limits = json_object();
    json_set_integer(limits, "bytes_per_second", (int64_t)service->policy.limits.bytes_per_second);
    json_set_integer(limits, "operations_per_second",
                     (int64_t)service->policy.limits.operations_per_second);
    return limits;
}

static void limits_taken(void *context, const json_t *result, const struct error *error)
{
    struct service *service = context;
    (void)result;
    if (error->code != ERROR_OK && error->code != ERROR_CANCELED)
        log_warning(LOG_CONTROL, "limits.send",
                    "service=%s error=\"%s\": the running epoch keeps its limits there",
                    service->name, error->text);
}

void service_send_limits(struct service *service)
{
    struct run *running = service_running(service);
    const char *clusters[] = {service->pair->primary, service->pair->secondary};
    if (running == NULL || (int64_t)running->epoch.group_revision == service->revision)
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(clusters); i++) {
        json_t *body = json_object();
        json_set_take(body, "limits", service_limits(service));
        json_set_integer(body, "revision", service->revision);
        ask_new(service->control, clusters[i], "limits", service->pair, service, 0, body,
                LIMITS_LIMIT_MS, limits_taken, service);
    }
}

/* ---- retention ------------------------------------------------------------------------------ */

static size_t collect_seals(struct service *service, struct retention_seal *seals, size_t limit)
{
    size_t count = 0;
    list_for_each(run, &service->runs, struct run, node)
        if (run->epoch.state == EPOCH_SEALED && !run->epoch.retiring && count < limit)
            seals[count++] = (struct retention_seal){
                .number = run->epoch.number,
                .moment_us = run->epoch.t_us,
                .is_base = run->epoch.number == service->base.number,
            };
    return count;
}

struct retiring {
    struct run *run;
};

static void side_a_retired(void *context, const json_t *result, const struct error *error)
{
    struct run *run = context;
    (void)result;
    run->retiring_a = false;
    if (error->code != ERROR_OK) {
        log_warning(LOG_CONTROL, "retire.source",
                    "service=%s epoch=%d error=\"%s\": tried again "
                    "after the next epoch",
                    run->service->name, (int)run->epoch.number, error->text);
        return;
    }
    run->retired_a = true;
    run_save(run);
}

/* The source keeps fewer seals than the target: its snapshots pin space on the production cluster.
 */
static void retire_source(struct service *service, struct run *run)
{
    json_t *body = epoch_instruction_body(&run->epoch, EPOCH_INSTRUCTION_RETIRE, EPOCH_SIDE_A);
    run->retiring_a = true;
    ask_new(service->control, service->pair->primary, "retire", service->pair, service,
            (int64_t)run->epoch.number, body, 600000, side_a_retired, run);
}

void service_retain(struct service *service)
{
    size_t limit = 0;
    if (service->broken != NULL)
        return; /* how long seals are kept is not known */
    list_for_each(run, &service->runs, struct run, node)
        limit++;
    if (limit > SEALS_MAX)
        limit = SEALS_MAX;
    struct retention_seal *seals = memory_new((limit + 1) * sizeof *seals);
    uint64_t *numbers = memory_new((limit + 1) * sizeof *numbers);
    size_t count = collect_seals(service, seals, limit);
    int64_t now_us = clock_realtime_us();
    size_t chosen =
        retention_choose(&service->policy.retention.target, seals, count, now_us, numbers);
    for (size_t i = 0; i < chosen; i++) {
        struct epoch_event event = {.kind = EPOCH_EVENT_RETIRE};
        run_event(service_find_run(service, numbers[i]), &event, NULL);
    }
    count = collect_seals(service, seals, limit);
    chosen = retention_choose(&service->policy.retention.source, seals, count, now_us, numbers);
    for (size_t i = 0; i < chosen; i++) {
        struct run *run = service_find_run(service, numbers[i]);
        if (!run->retired_a && !run->retiring_a)
            retire_source(service, run);
    }
    free(seals);
    free(numbers);
}
