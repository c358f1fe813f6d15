/* epoch_step.c: opens a step, hands the event to whom it concerns, closes the step: the record in
 * front, then the timer and the end. */
#include "epoch/epoch_step.h"

#include <string.h>

#include "base/check.h"
#include "epoch/edge.h"

static const char *const event_names[] = {
#define X(name, text) text,
    EPOCH_EVENTS(X)
#undef X
};

static const char *const effect_names[] = {
#define X(name, text) text,
    EPOCH_EFFECTS(X)
#undef X
};

const char *epoch_event_name(enum epoch_event_kind kind)
{
    CHECK(kind < EPOCH_EVENT_COUNT);
    return event_names[kind];
}

const char *epoch_effect_name(enum epoch_effect_kind kind)
{
    CHECK(kind < EPOCH_EFFECT_COUNT);
    return effect_names[kind];
}

typedef void report_fn(struct step *step, const struct epoch_report *report);

static report_fn *const report_handlers[EPOCH_INSTRUCTION_COUNT] = {
    [EPOCH_INSTRUCTION_RESOLVE] = report_resolve, [EPOCH_INSTRUCTION_SNAPSHOT] = report_snapshot,
    [EPOCH_INSTRUCTION_DISARM] = report_disarm,   [EPOCH_INSTRUCTION_TRANSFER] = report_transfer,
    [EPOCH_INSTRUCTION_COMMIT] = report_commit,   [EPOCH_INSTRUCTION_ROLLBACK] = report_rollback,
    [EPOCH_INSTRUCTION_DISCARD] = report_discard, [EPOCH_INSTRUCTION_SETTLE] = report_settle,
    [EPOCH_INSTRUCTION_RETIRE] = report_retire,
};

/* May this instruction ask that? Everything else that waits has broken the protocol. */
static bool may_ask(enum epoch_instruction_kind kind, const char *name)
{
    enum epoch_question question;
    if (!epoch_question_from_name(name, &question) || question == EPOCH_QUESTION_NONE)
        return false;
    return kind == EPOCH_INSTRUCTION_TRANSFER ||
           (kind == EPOCH_INSTRUCTION_COMMIT && question == EPOCH_QUESTION_TOUCHED);
}

static void take_report(struct step *step, const struct epoch_report *report)
{
    struct epoch_report understood = *report;
    const struct epoch_instruction *instruction;
    CHECK(report->kind < EPOCH_INSTRUCTION_COUNT && report->side < EPOCH_SIDE_COUNT);
    instruction = instruction_of(step->epoch, report->kind, report->side);
    if (instruction->status != EPOCH_INSTRUCTION_SENT || report->attempt != step->epoch->attempt ||
        report->try != instruction->try)
        return;
    /* Another device is active: nothing of ours is decided by that. */
    if (report->status == EPOCH_REPORT_FAILED && report->error.code == ERROR_FENCED)
        return;
    if (report->status == EPOCH_REPORT_WAITING && !may_ask(report->kind, report->question)) {
        understood.status = EPOCH_REPORT_FAILED;
        error_set(&understood.error, ERROR_PROTOCOL, "%s may not ask '%.40s'",
                  epoch_instruction_name(report->kind),
                  report->question == NULL ? "" : report->question);
    }
    report_handlers[report->kind](step, &understood);
}

/* A pause is never longer than backoff_max: one that seems to be is of a clock that was set back.
 */
static int64_t retry_time(const struct epoch *epoch, const struct epoch_instruction *instruction,
                          int64_t now_us)
{
    int64_t at_us = instruction->retry_at_us;
    return at_us != 0 && at_us - now_us > epoch->limits.backoff_max_us ? now_us : at_us;
}

static void send_due_tries(struct step *step)
{
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++) {
            const struct epoch_instruction *i = &step->epoch->instructions[kind][side];
            if (i->status == EPOCH_INSTRUCTION_RETRY &&
                retry_time(step->epoch, i, step->now_us) <= step->now_us)
                step_instruct(step, (enum epoch_instruction_kind)kind, (enum epoch_side)side);
        }
}

static void time_passed(struct step *step)
{
    int64_t deadline = moment_deadline(step->epoch);
    if (deadline != 0 && deadline <= step->now_us)
        moment_overdue(step);
    send_due_tries(step);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t next_timer(const struct epoch *epoch, int64_t now_us)
{
    int64_t at = moment_deadline(epoch);
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
            at = earlier(at, retry_time(epoch, &epoch->instructions[kind][side], now_us));
    return at;
}

/* Nothing of it is awaited any more; a sealed epoch may still be retired later. */
static bool is_finished(const struct epoch *epoch)
{
    return epoch_is_final(epoch) || (epoch->state == EPOCH_SEALED && !epoch->retiring &&
                                     !is_open(epoch, EPOCH_INSTRUCTION_SETTLE, EPOCH_SIDE_A));
}

static void dispatch(struct step *step, const struct epoch_event *event)
{
    CHECK(event->kind < EPOCH_EVENT_COUNT);
    switch (event->kind) {
    case EPOCH_EVENT_START:
        step_start(step);
        return;
    case EPOCH_EVENT_REPORT:
        take_report(step, &event->report);
        return;
    case EPOCH_EVENT_TIMER:
        time_passed(step);
        return;
    case EPOCH_EVENT_INSPECTED:
        step_inspected(step, event);
        return;
    case EPOCH_EVENT_RETIRE:
        step_retire(step);
        return;
    case EPOCH_EVENT_ABANDON:
        operator_abandon(step, event->reason);
        return;
    case EPOCH_EVENT_ROLLBACK:
        operator_rollback(step, event->reason);
        return;
    case EPOCH_EVENT_RESUME:
        operator_resume(step);
        return;
    case EPOCH_EVENT_APPROVE:
        operator_approve(step);
        return;
    case EPOCH_EVENT_LOST:
    case EPOCH_EVENT_COUNT: /* is none: checked above */
        operator_lost(step);
        return;
    }
}

/* The record was added first; without a change there is nothing to record. */
static void drop_record(struct epoch_effects *effects)
{
    effects->count--;
    memmove(effects->effects, effects->effects + 1, effects->count * sizeof effects->effects[0]);
}

void epoch_step(struct epoch *epoch, const struct epoch_event *event, int64_t now_us,
                struct epoch_effects *ret_effects)
{
    struct step step = {.epoch = epoch, .now_us = now_us, .effects = ret_effects};
    ret_effects->count = 0;
    ret_effects->refused = ERROR_NONE;
    step_add(&step, EPOCH_EFFECT_RECORD);
    dispatch(&step, event);
    if (!step.changed)
        drop_record(ret_effects);
    if (step.changed || event->kind == EPOCH_EVENT_TIMER)
        step_add(&step, EPOCH_EFFECT_TIMER)->at_us = next_timer(epoch, now_us);
    if (step.changed && is_finished(epoch))
        step_add(&step, EPOCH_EFFECT_FINISHED);
}

static void send_again(struct step *step, enum epoch_instruction_kind kind, enum epoch_side side)
{
    const struct epoch_instruction *instruction = instruction_of(step->epoch, kind, side);
    if (instruction->status != EPOCH_INSTRUCTION_SENT)
        return;
    struct epoch_effect *effect = step_add(step, EPOCH_EFFECT_INSTRUCT);
    effect->instruction = kind;
    effect->side = side;
    effect->attempt = step->epoch->attempt;
    effect->try = instruction->try;
}

void epoch_resume(const struct epoch *epoch, int64_t now_us, struct epoch_effects *ret_effects)
{
    /* The helpers of a step take an epoch that may change; none is called here that does it. */
    struct epoch same = *epoch;
    struct step step = {.epoch = &same, .now_us = now_us, .effects = ret_effects};
    ret_effects->count = 0;
    ret_effects->refused = ERROR_NONE;
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
            send_again(&step, (enum epoch_instruction_kind)kind, (enum epoch_side)side);
    step_add(&step, EPOCH_EFFECT_TIMER)->at_us = next_timer(epoch, now_us);
    if (epoch->settled && epoch->state == EPOCH_SEALED)
        step_add(&step, EPOCH_EFFECT_BASE_MOVED);
    if (is_finished(epoch))
        step_add(&step, EPOCH_EFFECT_FINISHED);
}
