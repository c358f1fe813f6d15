/* runner.c: carries out what epoch_step() decides: the record durable first, then the rest in
 * order. It decides nothing itself. */
#include "agent/protocol.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/size.h"
#include "control/control_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SPARE_BYTES ((size_t)256 << 10) /* for what the steps to the end add */

/* Effects of one step, waiting for their record. */
struct step {
    struct run *run;
    struct epoch_effects effects;
};

static void timer_fired(void *context)
{
    struct epoch_event event = {.kind = EPOCH_EVENT_TIMER};
    run_event(context, &event, NULL);
}

struct run *run_new(struct service *service)
{
    struct run *run = memory_new(sizeof *run);
    run->service = service;
    epoch_init(&run->epoch);
    run->timer = timer_new(service->control->loop, timer_fired, run);
    list_init(&run->node);
    return run;
}

void run_free(struct run *run)
{
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
            link_order_free(run->orders[kind][side]);
    timer_free(run->timer);
    list_remove(&run->node);
    epoch_fini(&run->epoch);
    free(run);
}

/* A sealed one is awaited until A has the seal, or has said that it cannot take it. */
bool run_is_busy(const struct run *run)
{
    const struct epoch *epoch = &run->epoch;
    enum epoch_instruction_status settling =
        epoch->instructions[EPOCH_INSTRUCTION_SETTLE][EPOCH_SIDE_A].status;
    if (epoch->state != EPOCH_SEALED)
        return !epoch_is_final(epoch);
    return !epoch->settled && !epoch->side_a_lost && settling != EPOCH_INSTRUCTION_FAILED;
}

/* ---- instructions --------------------------------------------------------------------------- */

/* Where it began, whatever became of the pair since. */
static const char *cluster_of(const struct run *run, enum epoch_side side)
{
    const struct pair *pair = run->service->pair;
    const json_t *clusters = json_object_get(run->epoch.settings, "clusters");
    return side == EPOCH_SIDE_A ? json_string_or(clusters, "a", pair->primary)
                                : json_string_or(clusters, "b", pair->secondary);
}

static void note_progress(struct run *run, const struct status *status)
{
    rate_measure(&run->rate, status, clock_realtime_us());
    run->progress = status->progress;
}

static enum epoch_report_status report_status(enum status_state state)
{
    switch (state) {
    case STATUS_RUNNING:
        return EPOCH_REPORT_RUNNING;
    case STATUS_WAITING:
        return EPOCH_REPORT_WAITING;
    case STATUS_DONE:
        return EPOCH_REPORT_DONE;
    case STATUS_FAILED:
        return EPOCH_REPORT_FAILED;
    }
    CHECK_UNREACHABLE();
}

/* Another device has the pair: this one may do nothing but say so, once for its generation. Orders
 * of an older one are fenced by our own. */
static void note_fence(struct run *run, enum epoch_side side, const struct epoch_report *report)
{
    struct pair *pair = run->service->pair;
    char text[700];
    if (report->status != EPOCH_REPORT_FAILED || report->error.code != ERROR_FENCED ||
        (int64_t)run->epoch.generation != pair->generation || pair->fenced == pair->generation)
        return;
    pair->fenced = pair->generation;
    snprintf(text, sizeof text,
             "pair %s: the agent of %s obeys another device (%s). This one gives no orders that "
             "count any more: end one of the two, and if it is the other one, `coeval recover "
             "--reason TEXT` here",
             pair->name, cluster_of(run, side), report->error.text);
    event_tell(run->service->control, run->service, run->epoch.number, "alarm", "device.fenced",
               text, (const char *const[]){"coeval status", NULL});
}

/* A result that the epoch's record cannot hold fails by name: without a record nothing follows. */
static void refuse_what_does_not_fit(const struct run *run, struct epoch_report *report)
{
    if (report->status != EPOCH_REPORT_DONE || report->result == NULL)
        return;
    json_t *document = epoch_to_json(&run->epoch);
    size_t size = control_text_size(document) + control_text_size(report->result);
    json_decref(document);
    if (size <= JOURNAL_PAYLOAD_BYTES_MAX - RECORD_SPARE_BYTES)
        return;
    report->status = EPOCH_REPORT_FAILED;
    error_set(&report->error, ERROR_LIMIT,
              "with what %s found the epoch's record has %s; the journal takes %s",
              epoch_instruction_name(report->kind), size_text(size).text,
              size_text(JOURNAL_PAYLOAD_BYTES_MAX).text);
}

static void agent_reported(void *context, const struct status *status, const struct error *error)
{
    struct run_listening *listening = context;
    struct run *run = listening->run;
    struct epoch_event event = {.kind = EPOCH_EVENT_REPORT};
    struct epoch_report *report = &event.report;
    report->kind = listening->kind;
    report->side = listening->side;
    report->attempt = listening->attempt;
    report->try = listening->try;
    if (status == NULL) {
        report->status = EPOCH_REPORT_FAILED;
        report->error = *error;
    } else {
        note_progress(run, status);
        report->status = report_status(status->state);
        report->phase = status->state == STATUS_RUNNING ? status->phase : NULL;
        report->question = status->question;
        report->asked = status->asked;
        report->error = status->error;
        report->result = status->result;
    }
    refuse_what_does_not_fit(run, report);
    behind_check(run, report, status == NULL);
    note_fence(run, listening->side, report);
    crash_point("control.report", NULL);
    run_event(run, &event, NULL);
}

static json_t *envelope(struct run *run, const struct epoch_effect *effect, const char *key)
{
    const struct epoch *epoch = &run->epoch;
    struct control *control = run->service->control;
    int64_t limit_us = control->options.instruction_limit_us;
    struct instruction instruction = {
        .key = key,
        .kind = epoch_instruction_name(effect->instruction),
        .pair = epoch->pair,
        .service = epoch->service,
        .service_name = epoch->service_name,
        .generation = (int64_t)epoch->generation,
        .fence = run->service->pair->generation,
        .number = (int64_t)epoch->number,
        .attempt = effect->attempt,
        .try_number = effect->try,
        .device = control->options.device,
        .deadline_us = clock_realtime_us() + (limit_us == 0 ? (int64_t)86400000000 : limit_us),
    };
    return instruction_format(&instruction,
                              epoch_instruction_body(epoch, effect->instruction, effect->side));
}

/* By the time that the record is durable the epoch may have gone on. */
static bool is_wanted(const struct run *run, const struct epoch_effect *effect)
{
    const struct epoch_instruction *now =
        &run->epoch.instructions[effect->instruction][effect->side];
    return now->status == EPOCH_INSTRUCTION_SENT && now->try == effect->try &&
           run->epoch.attempt == effect->attempt;
}

static void instruct(struct run *run, const struct epoch_effect *effect)
{
    struct link_order **order = &run->orders[effect->instruction][effect->side];
    const struct control_cluster *cluster =
        control_find_cluster(run->service->control, cluster_of(run, effect->side));
    char key[DIGEST_TEXT_SIZE];
    if (!is_wanted(run, effect))
        return;
    if (cluster == NULL) {
        event_tell(run->service->control, run->service, run->epoch.number, "alarm",
                   "cluster.unknown",
                   "the pair's cluster is not in this device's configuration: "
                   "add it under 'clusters' and restart",
                   NULL);
        return;
    }
    struct run_listening *listening = &run->listenings[effect->instruction][effect->side];
    epoch_instruction_key(&run->epoch, effect->instruction, effect->side, effect->attempt,
                          effect->try, key);
    link_order_free(*order);
    *listening = (struct run_listening){run, effect->instruction, effect->side, effect->attempt,
                                        effect->try};
    *order = link_order_new(cluster->link, envelope(run, effect, key), agent_reported, listening);
}

/* ---- effects -------------------------------------------------------------------------------- */

static const char *severity_name(enum epoch_severity severity)
{
    return severity == EPOCH_ALARM ? "alarm" : severity == EPOCH_WARNING ? "warning" : "notice";
}

static void tell(struct run *run, const struct epoch_tell *tell)
{
    const char *commands[EPOCH_COMMANDS_MAX + 1] = {NULL};
    for (size_t i = 0, used = 0; i < EPOCH_COMMANDS_MAX; i++)
        if (tell->commands[i][0] != '\0')
            commands[used++] = tell->commands[i];
    event_tell(run->service->control, run->service, run->epoch.number,
               severity_name(tell->severity), tell->name, tell->text, commands);
}

static void set_timer(struct run *run, int64_t at_us)
{
    if (at_us == 0) {
        timer_stop(run->timer);
        return;
    }
    int64_t delay_ms = (at_us - clock_realtime_us()) / 1000 + 1;
    timer_start(run->timer, delay_ms < 0 ? 0 : delay_ms);
}

static void move_base(struct run *run)
{
    struct service *service = run->service;
    const struct run *before = service_find_run(service, service->base.number);
    if (run->epoch.number <= service->base.number)
        return;
    if (before != NULL)
        left_note(service, before, run);
    service->base = epoch_as_base(&run->epoch);
    service->base_distrusted = false;
    json_decref(service->suspects);
    service->suspects = json_incref(json_object_get(run->epoch.moment, "members"));
    bool swept = json_boolean_or(run->epoch.settings, "sweep", false);
    service->since_sweep = swept ? 0 : service->since_sweep + 1;
    service_save(service);
}

static void carry_out(struct run *run, const struct epoch_effect *effect)
{
    switch (effect->kind) {
    case EPOCH_EFFECT_RECORD:
        break; /* durable already */
    case EPOCH_EFFECT_INSTRUCT:
        instruct(run, effect);
        break;
    case EPOCH_EFFECT_FORGET:
        link_order_free(run->orders[effect->instruction][effect->side]);
        run->orders[effect->instruction][effect->side] = NULL;
        break;
    case EPOCH_EFFECT_TIMER:
        set_timer(run, effect->at_us);
        break;
    case EPOCH_EFFECT_TELL:
        tell(run, &effect->tell);
        break;
    case EPOCH_EFFECT_BASE_MOVED:
        move_base(run);
        break;
    case EPOCH_EFFECT_FINISHED:
        service_epoch_ended(run->service);
        break;
    case EPOCH_EFFECT_COUNT:
        CHECK_UNREACHABLE();
    }
}

/* Nothing may follow what is not recorded, so the epoch stands still: never silently. */
static void tell_unrecorded(struct run *run, const struct error *error)
{
    char text[400];
    snprintf(text, sizeof text,
             "the journal does not take the state '%s' of this epoch (%s): it stands still until "
             "the next start, which goes on from what is recorded",
             epoch_state_name(run->epoch.state), error->text);
    event_tell(run->service->control, run->service, run->epoch.number, "alarm", "epoch.unrecorded",
               text, NULL);
}

static bool records(const struct epoch_effects *effects)
{
    return effects->count > 0 && effects->effects[0].kind == EPOCH_EFFECT_RECORD;
}

static void carry_out_all(void *context, const struct error *error)
{
    struct step *step = context;
    struct run *run = step->run;
    char point[64];
    if (error->code == ERROR_OK && !run->service->control->stopping) {
        snprintf(point, sizeof point, "control.%s", epoch_state_name(run->epoch.state));
        crash_point(point, NULL);
        for (size_t i = 0; i < step->effects.count; i++)
            carry_out(run, &step->effects.effects[i]);
        run->recorded = run->recorded || records(&step->effects);
    } else if (!run->service->control->stopping) {
        tell_unrecorded(run, error);
        run->recorded = false;
    }
    run->steps--;
    free(step);
    history_slim(run);
}

static char *epoch_object(const struct run *run)
{
    json_t *document = epoch_to_json(&run->epoch);
    json_set_boolean(document, "retired_a", run->retired_a);
    json_set_boolean(document, "lost_b", run->lost_b);
    return control_text(document);
}

static void record(struct run *run, journal_done_fn *done, void *context)
{
    struct arena arena;
    arena_init(&arena);
    char *payload = epoch_object(run);
    struct journal_append record = {
        .type = JOURNAL_EPOCH,
        .key = arena_format(&arena, "%s/%012" PRIu64, run->epoch.service, run->epoch.number),
        .payload = payload,
        .generation = run->epoch.generation,
    };
    control_record(run->service->control, &record, 1, done, context);
    free(payload);
    arena_fini(&arena);
}

void run_use_up(const struct run *run)
{
    schedule_use_up(&run->service->schedule, run->epoch.slot_us);
    schedule_use_up(&run->service->schedule, run->epoch.t_us);
}

static void tell_unread(const struct run *run, const struct error *error, struct error *ret_refused)
{
    log_error(LOG_CONTROL, "epoch.unread", "service=%s epoch=%d error=\"%s\"", run->service->name,
              (int)run->epoch.number, error->text);
    if (ret_refused != NULL)
        *ret_refused = *error;
}

void run_save(struct run *run)
{
    struct error error = ERROR_NONE;
    if (history_fill(run, &error))
        record(run, NULL, NULL);
    else
        tell_unread(run, &error, NULL);
}

static void record_then_act(struct run *run, const struct epoch_effects *effects)
{
    struct step *step = memory_new(sizeof *step);
    *step = (struct step){run, *effects};
    run->steps++;
    if (records(effects))
        record(run, carry_out_all, step);
    else
        carry_out_all(step, &ERROR_NONE);
}

void run_event(struct run *run, const struct epoch_event *event, struct error *ret_refused)
{
    struct epoch_effects effects = {0};
    enum epoch_state before = run->epoch.state;
    struct error unread = ERROR_NONE;
    if (run->service->control->stopping)
        return;
    if (!history_fill(run, &unread)) {
        tell_unread(run, &unread, ret_refused);
        return;
    }
    epoch_step(&run->epoch, event, clock_realtime_us(), &effects);
    if (before != run->epoch.state)
        log_info(LOG_CONTROL, "epoch.state", "service=%s epoch=%d attempt=%u event=%s %s -> %s",
                 run->service->name, (int)run->epoch.number, run->epoch.attempt,
                 epoch_event_name(event->kind), epoch_state_name(before),
                 epoch_state_name(run->epoch.state));
    if (ret_refused != NULL)
        *ret_refused = effects.refused;
    record_then_act(run, &effects);
}

void run_resume(struct run *run)
{
    struct epoch_effects effects = {0};
    epoch_resume(&run->epoch, clock_realtime_us(), &effects);
    for (size_t i = 0; i < effects.count; i++)
        carry_out(run, &effects.effects[i]);
}
