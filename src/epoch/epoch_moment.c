/* epoch_moment.c: from PLANNED to SNAPPED on cluster A, and the clean way out of it. The rule of
 * both: nothing counts as "not taken" before the agent that might take it has said so. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "epoch/edge.h"

#define A EPOCH_SIDE_A
#define B EPOCH_SIDE_B
#define RESOLVE EPOCH_INSTRUCTION_RESOLVE
#define SNAPSHOT EPOCH_INSTRUCTION_SNAPSHOT
#define DISARM EPOCH_INSTRUCTION_DISARM
#define TRANSFER EPOCH_INSTRUCTION_TRANSFER
#define COMMIT EPOCH_INSTRUCTION_COMMIT
#define DISCARD EPOCH_INSTRUCTION_DISCARD

static void take_document(json_t **slot, const json_t *document)
{
    json_t *copy = json_deep_copy(document);
    json_decref(*slot);
    *slot = copy;
}

/* Before anything was made there is nothing to remove. */
static void end_unmade(struct step *step, const struct error *cause)
{
    step_forget(step, RESOLVE, A);
    step->epoch->cause = *cause;
    step_enter(step, EPOCH_ABANDONED);
    step_tell(step, step->epoch->missed ? "epoch.missed" : "epoch.abandoned", EPOCH_WARNING,
              "abandoned before its moment: %s", cause->text);
}

static void try_another_moment(struct step *step, const struct error *cause);

/* A slot is missed for good; a moment that nobody fixed ("now", or a slot that began late) can as
 * well be the next one. */
static void miss(struct step *step, const char *why)
{
    struct epoch *epoch = step->epoch;
    struct error cause = ERROR_NONE;
    error_set(&cause, ERROR_TIMEOUT, "the moment was missed: %s", why);
    bool again = epoch->slot_us == 0 && epoch->attempt < epoch->limits.attempts_max;
    if (epoch->state == EPOCH_PLANNED) {
        epoch->missed = true;
        end_unmade(step, &cause);
    } else if (again && (epoch->state == EPOCH_PREPARING || epoch->state == EPOCH_ARMED)) {
        step_forget(step, SNAPSHOT, A);
        try_another_moment(step, &cause);
    } else {
        epoch->missed = true;
        step_abandon(step, &cause);
    }
}

void step_start(struct step *step)
{
    struct epoch *epoch = step->epoch;
    if (epoch->state != EPOCH_PLANNED || instruction_of(epoch, RESOLVE, A)->try != 0)
        return;
    epoch->entered_us[EPOCH_PLANNED] = step->now_us;
    epoch->t_us = epoch->slot_us;
    step->changed = true;
    if (epoch->slot_us != 0 && step->now_us > epoch->slot_us - epoch->limits.margin_us)
        miss(step, "it was started too late to be prepared");
    else
        step_instruct(step, RESOLVE, A);
}

static void order_moment(struct step *step)
{
    step_enter(step, EPOCH_PREPARING);
    step_instruct(step, SNAPSHOT, A);
}

/* Said before it happens: a directory that was moved away by mistake looks like this. */
static void tell_gone(struct step *step)
{
    size_t index;
    json_t *member;
    const json_t *gone = NULL;
    int count = 0;
    json_array_foreach(step->epoch->members, index, member)
        if (json_boolean_or(member, "tombstone", false)) {
            gone = gone == NULL ? member : gone;
            count++;
        }
    if (count > 0)
        step_tell(step, "epoch.gone", EPOCH_WARNING,
                  "%d of its data sets are not on A any more (e.g. %.100s:%.200s): this epoch "
                  "empties them on B; the seals before keep what they had",
                  count, json_string_or(gone, "instance", "?"),
                  json_string_or(gone, "source_path", "?"));
}

static void resolved(struct step *step, const json_t *result)
{
    struct epoch *epoch = step->epoch;
    json_t *members = json_object_get(result, "members");
    struct error cause = ERROR_NONE;
    instruction_of(epoch, RESOLVE, A)->status = EPOCH_INSTRUCTION_DONE;
    step->changed = true;
    if (json_array_size(members) == 0) {
        error_set(&cause, ERROR_NOT_FOUND,
                  "the protection group has no member on A now; look at its patterns with "
                  "'coeval policy show %.80s'",
                  epoch->service_name);
        end_unmade(step, &cause);
        return;
    }
    take_document(&epoch->members, members);
    if (epoch->slot_us == 0)
        epoch->t_us = step->now_us + epoch->limits.lead_us;
    if (step->now_us > epoch->t_us - epoch->limits.margin_us)
        miss(step, "the members were known too late");
    else
        order_moment(step);
    tell_gone(step);
}

void report_resolve(struct step *step, const struct epoch_report *report)
{
    if (report->status == EPOCH_REPORT_DONE) {
        resolved(step, report->result);
    } else if (report->status == EPOCH_REPORT_FAILED) {
        if (may_retry(step, RESOLVE, A, report->error.code)) {
            step_retry(step, RESOLVE, A, &report->error);
        } else {
            instruction_of(step->epoch, RESOLVE, A)->status = EPOCH_INSTRUCTION_FAILED;
            end_unmade(step, &report->error);
        }
    }
}

static void remember_attempt(struct epoch *epoch, const struct error *cause)
{
    json_t *attempt = json_object();
    json_set_integer(attempt, "attempt", epoch->attempt);
    json_set_time(attempt, "t_us", epoch->t_us);
    if (epoch->moment != NULL) {
        json_set_string(attempt, "grade", grade_name(epoch->grade));
        json_set_integer(attempt, "skew_us", epoch->skew_us);
    }
    json_set_take(attempt, "cause", json_from_error(cause));
    if (epoch->history == NULL)
        epoch->history = json_array();
    json_append_take(epoch->history, attempt);
}

/* One after the other: the snapshots of the failed attempt go first, then a new T is chosen. */
static void try_another_moment(struct step *step, const struct error *cause)
{
    struct epoch *epoch = step->epoch;
    if (epoch->attempt >= epoch->limits.attempts_max) {
        step_abandon(step, cause);
        return;
    }
    remember_attempt(epoch, cause);
    step_forget(step, DISARM, A);
    step_enter(step, EPOCH_PREPARING);
    step_tell(step, "epoch.retry", EPOCH_NOTICE, "moment %u is taken again: %s", epoch->attempt,
              cause->text);
    step_instruct(step, DISCARD, A);
}

static void next_moment(struct step *step)
{
    struct epoch *epoch = step->epoch;
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
            if (kind != RESOLVE)
                epoch->instructions[kind][side] = (struct epoch_instruction){0};
    json_decref(epoch->moment);
    epoch->moment = NULL;
    epoch->skew_us = 0;
    epoch->grade = GRADE_ATOMIC;
    epoch->attempt++;
    epoch->t_us = step->now_us + epoch->limits.lead_us;
    order_moment(step);
}

static void snapped(struct step *step)
{
    step_forget(step, DISARM, A);
    step_enter(step, EPOCH_SNAPPED);
    step_instruct(step, TRANSFER, transfer_side(step->epoch));
}

/* What the moment proves against what the policy asks for. */
static void judge_moment(struct step *step)
{
    struct epoch *epoch = step->epoch;
    const struct epoch_limits *limits = &epoch->limits;
    struct error cause = ERROR_NONE;
    if (epoch->grade > limits->consistency) {
        error_set(&cause, ERROR_CONFLICT,
                  "its grade is %s, the policy asks for %s: %s, or lower 'consistency'",
                  grade_name(epoch->grade), grade_name(limits->consistency),
                  epoch->grade == GRADE_FUZZY
                      ? "hold the writers (barrier, hooks), and have HDFS freeze open files "
                        "(dfs.namenode.snapshot.capture.openfiles)"
                      : "hold the writers (barrier, hooks), give the members one snapshot root");
        step_abandon(step, &cause);
        return;
    }
    if (limits->max_skew_us == 0 || epoch->skew_us <= limits->max_skew_us) {
        snapped(step);
        return;
    }
    error_set(&cause, ERROR_CONFLICT, "its skew is %" PRId64 " us, max_skew is %" PRId64 " us",
              epoch->skew_us, limits->max_skew_us);
    if (limits->on_skew == EPOCH_SKEW_RETRY) {
        try_another_moment(step, &cause);
    } else if (limits->on_skew == EPOCH_SKEW_FAIL) {
        step_abandon(step, &cause);
    } else {
        snapped(step);
        step_tell(step, "epoch.skew", EPOCH_WARNING, "%s: accepted, as the policy says",
                  cause.text);
    }
}

static void snapshot_done(struct step *step, const json_t *result)
{
    struct epoch *epoch = step->epoch;
    const char *outcome = json_string_or(result, "outcome", "fired");
    struct error cause = ERROR_NONE;
    instruction_of(epoch, SNAPSHOT, A)->status = EPOCH_INSTRUCTION_DONE;
    step->changed = true;
    if (strcmp(outcome, "missed") == 0) {
        miss(step, "agent A was not there between T and the end of its grace");
    } else if (strcmp(outcome, "disarmed") == 0) {
        miss(step, "agent A was disarmed");
    } else if (strcmp(outcome, "lost") == 0) {
        error_set(&cause, ERROR_UNAVAILABLE, "the moment was lost: %s",
                  json_string_or(result, "why", "agent A does not say why"));
        try_another_moment(step, &cause);
    } else if (!grade_from_name(json_string_or(result, "grade", ""), &epoch->grade) ||
               !json_get_integer(result, "skew_us", &epoch->skew_us, &cause) ||
               epoch->skew_us < 0) {
        error_set(&cause, ERROR_PROTOCOL, "agent A reports a moment without grade or skew");
        epoch->skew_us = 0;
        step_abandon(step, &cause);
    } else {
        take_document(&epoch->moment, result);
        judge_moment(step);
    }
}

static void snapshot_failed(struct step *step, const struct epoch_report *report)
{
    instruction_of(step->epoch, SNAPSHOT, A)->status = EPOCH_INSTRUCTION_FAILED;
    step->changed = true;
    if (json_boolean_or(report->result, "missed", false))
        miss(step, report->error.text);
    else if (error_is_retriable(report->error.code))
        try_another_moment(step, &report->error);
    else
        step_abandon(step, &report->error);
}

void report_snapshot(struct step *step, const struct epoch_report *report)
{
    bool armed = report->phase != NULL && strcmp(report->phase, "armed") == 0;
    if (report->status == EPOCH_REPORT_DONE)
        snapshot_done(step, report->result);
    else if (report->status == EPOCH_REPORT_FAILED)
        snapshot_failed(step, report);
    else if (armed && step->epoch->state == EPOCH_PREPARING)
        step_enter(step, EPOCH_ARMED);
}

int64_t moment_deadline(const struct epoch *epoch)
{
    const struct epoch_limits *limits = &epoch->limits;
    if (epoch->state == EPOCH_PLANNED && is_open(epoch, RESOLVE, A))
        return epoch->slot_us != 0
                   ? epoch->slot_us - limits->margin_us
                   : epoch->entered_us[EPOCH_PLANNED] + limits->lead_us + limits->answer_us;
    if (epoch->instructions[SNAPSHOT][A].status != EPOCH_INSTRUCTION_SENT ||
        epoch->instructions[DISARM][A].try != 0)
        return 0;
    if (epoch->state == EPOCH_PREPARING)
        return epoch->t_us - limits->margin_us;
    if (epoch->state == EPOCH_ARMED)
        return epoch->t_us + limits->grace_us + limits->answer_us;
    return 0;
}

/* Silence proves nothing: before T the agent may still fire, after T it may have fired. Ask. */
void moment_overdue(struct step *step)
{
    if (step->epoch->state == EPOCH_PLANNED)
        miss(step, "agent A did not name the members in time");
    else
        step_instruct(step, DISARM, A);
}

static void disarmed(struct step *step, bool fired)
{
    struct epoch *epoch = step->epoch;
    instruction_of(epoch, DISARM, A)->status = EPOCH_INSTRUCTION_DONE;
    step->changed = true;
    if (epoch->state == EPOCH_ABANDONING) {
        step_clean_up(step);
    } else if (fired) {
        if (epoch->state == EPOCH_PREPARING)
            step_enter(step, EPOCH_ARMED);
        step_tell(step, "epoch.late", EPOCH_WARNING,
                  "agent A has taken the snapshots; its result is awaited");
    } else {
        miss(step, "agent A was not armed in time, or did not fire");
    }
}

void report_disarm(struct step *step, const struct epoch_report *report)
{
    json_t *fired = json_object_get(report->result, "fired");
    if (report->status == EPOCH_REPORT_DONE && json_is_boolean(fired)) {
        disarmed(step, json_is_true(fired));
    } else if (report->status == EPOCH_REPORT_FAILED && error_is_retriable(report->error.code)) {
        step_retry(step, DISARM, A, &report->error);
    } else if (report->status != EPOCH_REPORT_RUNNING) {
        /* It cannot tell: what it may have taken is discarded by name. */
        instruction_of(step->epoch, DISARM, A)->status = EPOCH_INSTRUCTION_FAILED;
        step->changed = true;
        if (step->epoch->state == EPOCH_ABANDONING)
            step_clean_up(step);
        else
            miss(step, "agent A cannot tell whether it fired");
    }
}

/* Ordered, and no word whether it fired. */
static bool is_in_doubt(const struct epoch *epoch)
{
    return epoch->instructions[SNAPSHOT][A].status == EPOCH_INSTRUCTION_FORGOTTEN &&
           !has_ended(epoch, DISARM, A) && !epoch->side_a_lost;
}

void step_abandon(struct step *step, const struct error *cause)
{
    struct epoch *epoch = step->epoch;
    epoch->cause = *cause;
    step_ask_no_more(step);
    step_enter(step, EPOCH_ABANDONING);
    step_forget(step, SNAPSHOT, A);
    step_forget(step, TRANSFER, transfer_side(epoch));
    if (!is_in_doubt(epoch))
        step_forget(step, DISARM, A);
    step_tell(step, epoch->missed ? "epoch.missed" : "epoch.abandoning", EPOCH_WARNING,
              "is being abandoned: %s", cause->text);
    step_clean_up(step);
}

/* True when nothing is to be awaited from DISCARD on that side. */
static bool discarded(struct step *step, enum epoch_side side)
{
    struct epoch *epoch = step->epoch;
    bool made = side == A ? instruction_of(epoch, SNAPSHOT, A)->try > 0
                          : instruction_of(epoch, TRANSFER, transfer_side(epoch))->try > 0 ||
                                instruction_of(epoch, COMMIT, B)->try > 0;
    if (!made || has_ended(epoch, DISCARD, side) || (side == A && epoch->side_a_lost))
        return true;
    if (!is_open(epoch, DISCARD, side))
        step_instruct(step, DISCARD, side);
    return false;
}

/* First what might still fire, then the side that writes (its task would make again what the other
 * side has removed), then the other. */
void step_clean_up(struct step *step)
{
    struct epoch *epoch = step->epoch;
    bool in_doubt = instruction_of(epoch, SNAPSHOT, A)->status == EPOCH_INSTRUCTION_FORGOTTEN &&
                    !has_ended(epoch, DISARM, A) && !epoch->side_a_lost;
    if (in_doubt) {
        if (!is_open(epoch, DISARM, A))
            step_instruct(step, DISARM, A);
        return;
    }
    enum epoch_side first = transfer_side(epoch);
    if (!discarded(step, first) || !discarded(step, first == A ? B : A))
        return;
    step_enter(step, EPOCH_ABANDONED);
    step_tell(step, "epoch.abandoned", EPOCH_NOTICE, "is abandoned: %s", epoch->cause.text);
}

void report_discard(struct step *step, const struct epoch_report *report)
{
    struct epoch *epoch = step->epoch;
    struct epoch_instruction *discard = instruction_of(epoch, DISCARD, report->side);
    if (report->status == EPOCH_REPORT_RUNNING)
        return;
    if (report->status == EPOCH_REPORT_FAILED &&
        may_retry(step, DISCARD, report->side, report->error.code)) {
        step_retry(step, DISCARD, report->side, &report->error);
        return;
    }
    bool done = report->status == EPOCH_REPORT_DONE;
    discard->status = done ? EPOCH_INSTRUCTION_DONE : EPOCH_INSTRUCTION_FAILED;
    step->changed = true;
    if (!done)
        step_tell(step, "epoch.leftover", EPOCH_WARNING,
                  "what attempt %u made on %s could not be removed (%s); 'coeval check' shows it",
                  epoch->attempt, report->side == A ? "A" : "B", report->error.text);
    if (epoch->state == EPOCH_PREPARING)
        next_moment(step);
    else
        step_clean_up(step);
}
