/* epoch_delivery.c: from the transfer to the retirement: what the reports on them decide, and what
 * B's area says when somebody looked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "epoch/edge.h"

#define A EPOCH_SIDE_A
#define B EPOCH_SIDE_B
#define TRANSFER EPOCH_INSTRUCTION_TRANSFER
#define COMMIT EPOCH_INSTRUCTION_COMMIT
#define ROLLBACK EPOCH_INSTRUCTION_ROLLBACK
#define SETTLE EPOCH_INSTRUCTION_SETTLE
#define RETIRE EPOCH_INSTRUCTION_RETIRE

/* The next try says that the base is not to be relied on. */
static void compare_instead(struct step *step, enum epoch_side side)
{
    step->epoch->base_lost = true;
    instruction_of(step->epoch, TRANSFER, side)->status = EPOCH_INSTRUCTION_FAILED;
    step_tell(step, "epoch.lost_base", EPOCH_WARNING,
              "its base is lost: everything is compared by checksum, as the policy says");
    step_instruct(step, TRANSFER, side);
}

static void ask(struct step *step, const struct epoch_report *report, enum epoch_question question)
{
    struct epoch *epoch = step->epoch;
    struct epoch_tell *tell;
    step_ask_no_more(step);
    epoch->question = question;
    epoch->asked = json_deep_copy(report->asked);
    epoch->cause = report->error;
    instruction_of(epoch, report->kind, report->side)->status = EPOCH_INSTRUCTION_WAITING;
    step->changed = true;
    tell = step_tell(step, "epoch.question", EPOCH_ALARM, "waits for an answer (%s): %s",
                     epoch_question_name(question), report->error.text);
    step_command(step, tell, "approve");
    bool before = epoch->state == EPOCH_SNAPPED || epoch->state == EPOCH_RECEIVING ||
                  epoch->state == EPOCH_RECEIVED;
    step_command(step, tell, before ? "abandon" : "rollback");
}

static void transfer_asks(struct step *step, const struct epoch_report *report,
                          enum epoch_question question)
{
    const struct epoch *epoch = step->epoch;
    if (question == EPOCH_QUESTION_LOST_BASE && epoch->limits.adopt_compare && !epoch->base_lost)
        compare_instead(step, report->side);
    else
        ask(step, report, question);
}

void step_received(struct step *step)
{
    step_enter(step, EPOCH_RECEIVED);
    step_instruct(step, COMMIT, B);
}

static void transfer_done(struct step *step, const struct epoch_report *report)
{
    struct epoch *epoch = step->epoch;
    instruction_of(epoch, TRANSFER, report->side)->status = EPOCH_INSTRUCTION_DONE;
    json_decref(epoch->transfer);
    epoch->transfer = json_deep_copy(report->result);
    step_received(step);
}

static void transfer_failed(struct step *step, const struct epoch_report *report)
{
    const char *conflict = json_string_or(report->result, "conflict", "");
    if (strcmp(conflict, "lost_base") == 0) {
        transfer_asks(step, report, EPOCH_QUESTION_LOST_BASE);
    } else if (may_retry(step, TRANSFER, report->side, report->error.code)) {
        step_retry(step, TRANSFER, report->side, &report->error);
    } else {
        instruction_of(step->epoch, TRANSFER, report->side)->status = EPOCH_INSTRUCTION_FAILED;
        step_abandon(step, &report->error);
    }
}

void report_transfer(struct step *step, const struct epoch_report *report)
{
    enum epoch_question question = EPOCH_QUESTION_NONE;
    if (report->status == EPOCH_REPORT_DONE) {
        transfer_done(step, report);
    } else if (report->status == EPOCH_REPORT_FAILED) {
        transfer_failed(step, report);
    } else if (report->status == EPOCH_REPORT_WAITING) {
        CHECK(epoch_question_from_name(report->question, &question));
        transfer_asks(step, report, question);
    } else if (step->epoch->state == EPOCH_SNAPPED) {
        step_enter(step, EPOCH_RECEIVING);
    }
}

static void get_stuck(struct step *step, const struct error *cause, bool forward)
{
    struct epoch *epoch = step->epoch;
    struct epoch_tell *tell;
    epoch->cause = *cause;
    step_ask_no_more(step);
    epoch->forward = forward;
    step_enter(step, EPOCH_STUCK);
    tell = step_tell(step, "epoch.stuck", EPOCH_ALARM, "is stuck: %s. %s", cause->text,
                     forward ? "Mend the cause and resume, or go back to the base"
                             : "It is on its way back: mend the cause and try again");
    if (forward)
        step_command(step, tell, "resume");
    step_command(step, tell, "rollback");
}

/* A seal of another epoch is no proof for this one. */
static bool is_own_seal(const struct epoch *epoch, const json_t *seal)
{
    int64_t number = (int64_t)epoch->number, generation = (int64_t)epoch->generation;
    return json_is_object(seal) && json_integer_or(seal, "number", 0) == number &&
           json_integer_or(seal, "generation", generation) == generation &&
           json_integer_or(seal, "attempt", epoch->attempt) == epoch->attempt;
}

#define EXAMPLE_LENGTH_MAX 100

/* What the target had and the epoch took away: kept, and listed where it is kept. It may be the
 * reader's own work: he must learn what, why, where, and how to get rid of it. */
static void tell_saved(struct step *step, const json_t *seal)
{
    size_t index, of_member, lists = 0;
    json_t *member, *saved;
    const json_t *first = NULL;
    int64_t objects = 0;
    json_array_foreach(json_object_get(seal, "members"), index, member)
        json_array_foreach(json_object_get(member, "saved"), of_member, saved) {
            first = lists++ == 0 ? saved : first;
            objects += json_integer_or(saved, "objects", 0);
        }
    if (lists == 0)
        return;
    char more[64] = "", example[EXAMPLE_LENGTH_MAX + 64] = "";
    const char *path = json_string_or(first, "example", "");
    if (path[0] != '\0' && strlen(path) <= EXAMPLE_LENGTH_MAX)
        snprintf(example, sizeof example, " (for one %s: %.20s)", path,
                 json_string_or(first, "why", ""));
    if (lists > 1)
        snprintf(more, sizeof more, " and %zu more (they are in the seal)", lists - 1);
    step_tell(step, "epoch.saved", EPOCH_WARNING,
              "somebody else had changed or put %" PRId64 " objects on the target which this "
              "epoch had to replace or remove%s; they are kept, and listed in %s:%.200s%s. Bring "
              "back on the primary what is needed, then remove the list's directory on the "
              "secondary: Coeval never does",
              objects, example, json_string_or(first, "instance", "?"),
              json_string_or(first, "list", "?"), more);
}

bool step_seal(struct step *step, const json_t *seal)
{
    struct epoch *epoch = step->epoch;
    if (!is_own_seal(epoch, seal))
        return false;
    json_decref(epoch->commit);
    epoch->commit = json_object();
    json_set_take(epoch->commit, "seal", json_deep_copy(seal));
    step_ask_no_more(step);
    epoch->cause = ERROR_NONE;
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
            step_forget(step, (enum epoch_instruction_kind)kind, (enum epoch_side)side);
    step_enter(step, EPOCH_SEALED);
    step_tell(step, "epoch.sealed", EPOCH_NOTICE, "is sealed");
    tell_saved(step, seal);
    if (!epoch->side_a_lost)
        step_instruct(step, SETTLE, A);
    return true;
}

static void commit_goes_on(struct step *step, const char *phase)
{
    enum epoch_state state = step->epoch->state;
    if (phase == NULL)
        return;
    if (strcmp(phase, "candidate") == 0 && state != EPOCH_CANDIDATE)
        step_enter(step, EPOCH_CANDIDATE);
    else if (strcmp(phase, "committing") == 0 && state == EPOCH_RECEIVED)
        step_enter(step, EPOCH_COMMITTING);
}

static void commit_failed(struct step *step, const struct error *error)
{
    if (may_retry(step, COMMIT, B, error->code)) {
        step_retry(step, COMMIT, B, error);
        return;
    }
    instruction_of(step->epoch, COMMIT, B)->status = EPOCH_INSTRUCTION_FAILED;
    get_stuck(step, error, true);
}

void report_commit(struct step *step, const struct epoch_report *report)
{
    enum epoch_question question = EPOCH_QUESTION_NONE;
    struct error broken = ERROR_NONE;
    instruction_of(step->epoch, COMMIT, B)->status = EPOCH_INSTRUCTION_DONE;
    if (step_seal(step, json_object_get(report->result, "seal")))
        return;
    instruction_of(step->epoch, COMMIT, B)->status = EPOCH_INSTRUCTION_SENT;
    if (report->status == EPOCH_REPORT_RUNNING) {
        commit_goes_on(step, report->phase);
    } else if (report->status == EPOCH_REPORT_WAITING) {
        CHECK(epoch_question_from_name(report->question, &question));
        ask(step, report, question);
    } else if (report->status == EPOCH_REPORT_FAILED) {
        commit_failed(step, &report->error);
    } else {
        error_set(&broken, ERROR_PROTOCOL, "agent B says sealed and shows no seal of this epoch");
        commit_failed(step, &broken);
    }
}

/* Only B knows whether the seal was faster; asking it to go back decides the race. */
void step_roll_back(struct step *step, const struct error *cause)
{
    struct epoch *epoch = step->epoch;
    epoch->cause = *cause;
    step_ask_no_more(step);
    epoch->forward = false;
    step_forget_all(step);
    step_enter(step, EPOCH_ROLLING_BACK);
    step_tell(step, "epoch.rolling_back", EPOCH_WARNING, "goes back to its base: %s", cause->text);
    step_instruct(step, ROLLBACK, B);
}

void report_rollback(struct step *step, const struct epoch_report *report)
{
    struct epoch_instruction *rollback = instruction_of(step->epoch, ROLLBACK, B);
    if (report->status == EPOCH_REPORT_RUNNING)
        return;
    if (report->status == EPOCH_REPORT_DONE) {
        struct error cause = step->epoch->cause;
        rollback->status = EPOCH_INSTRUCTION_DONE;
        step_abandon(step, &cause);
    } else if (step_seal(step, json_object_get(report->result, "seal"))) {
        return;
    } else if (may_retry(step, ROLLBACK, B, report->error.code)) {
        step_retry(step, ROLLBACK, B, &report->error);
    } else {
        rollback->status = EPOCH_INSTRUCTION_FAILED;
        get_stuck(step, &report->error, false);
    }
}

void report_settle(struct step *step, const struct epoch_report *report)
{
    struct epoch *epoch = step->epoch;
    if (report->status == EPOCH_REPORT_DONE) {
        instruction_of(epoch, SETTLE, A)->status = EPOCH_INSTRUCTION_DONE;
        epoch->settled = true;
        step->changed = true;
        step_add(step, EPOCH_EFFECT_BASE_MOVED);
    } else if (report->status != EPOCH_REPORT_RUNNING) {
        if (error_is_retriable(report->error.code)) {
            step_retry(step, SETTLE, A, &report->error);
            return;
        }
        instruction_of(epoch, SETTLE, A)->status = EPOCH_INSTRUCTION_FAILED;
        step->changed = true;
        step_tell(step, "epoch.unsettled", EPOCH_ALARM,
                  "is sealed on B, but A cannot keep it as the base (%s); the next epoch compares "
                  "by checksum",
                  report->error.text);
    }
}

static bool is_retired(const struct epoch *epoch, enum epoch_side side)
{
    return epoch->instructions[RETIRE][side].status == EPOCH_INSTRUCTION_DONE ||
           (side == A && epoch->side_a_lost);
}

static void retired(struct step *step)
{
    struct epoch *epoch = step->epoch;
    if (is_retired(epoch, A) && is_retired(epoch, B))
        step_enter(step, EPOCH_RETIRED);
    else if (!is_open(epoch, RETIRE, A) && !is_open(epoch, RETIRE, B))
        epoch->retiring = false;
}

void step_retire(struct step *step)
{
    struct epoch *epoch = step->epoch;
    if (epoch->state != EPOCH_SEALED || epoch->retiring || is_open(epoch, SETTLE, A))
        return;
    epoch->retiring = true;
    step->changed = true;
    for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
        if (!is_retired(epoch, (enum epoch_side)side))
            step_instruct(step, RETIRE, (enum epoch_side)side);
}

void report_retire(struct step *step, const struct epoch_report *report)
{
    struct epoch_instruction *retire = instruction_of(step->epoch, RETIRE, report->side);
    if (report->status == EPOCH_REPORT_RUNNING)
        return;
    if (report->status == EPOCH_REPORT_DONE) {
        retire->status = EPOCH_INSTRUCTION_DONE;
    } else if (error_is_retriable(report->error.code)) {
        step_retry(step, RETIRE, report->side, &report->error);
        return;
    } else {
        retire->status = EPOCH_INSTRUCTION_FAILED;
        step_tell(step, "epoch.unretired", EPOCH_WARNING, "its snapshots on %s stay for now: %s",
                  report->side == A ? "A" : "B", report->error.text);
    }
    step->changed = true;
    retired(step);
}

/* A try that an agent knows from before the journal was lost must not be used again: the same key
 * would carry another body. */
static void skip_tries(struct epoch *epoch, unsigned tries)
{
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++)
            if (epoch->instructions[kind][side].try < tries &&
                epoch->instructions[kind][side].status == EPOCH_INSTRUCTION_NONE)
                epoch->instructions[kind][side].try = tries;
}

/* Rebuilt from the body of an instruction, and not received: A may be armed, B may have parts. */
static void abandon_rebuilt(struct step *step)
{
    struct epoch *epoch = step->epoch;
    struct epoch_instruction *snapshot = instruction_of(epoch, EPOCH_INSTRUCTION_SNAPSHOT, A);
    struct epoch_instruction *transfer = instruction_of(epoch, TRANSFER, transfer_side(epoch));
    struct error cause = ERROR_NONE;
    error_set(&cause, ERROR_CANCELED, "the control journal was lost, and B does not wait for it");
    snapshot->status = transfer->status = EPOCH_INSTRUCTION_FORGOTTEN;
    snapshot->try = snapshot->try == 0 ? 1 : snapshot->try;
    transfer->try = transfer->try == 0 ? 1 : transfer->try;
    step_abandon(step, &cause);
}

static void found_received(struct step *step, bool committing)
{
    struct epoch *epoch = step->epoch;
    if (epoch->state >= EPOCH_RECEIVED) /* of the states in order; the others know more already */
        return;
    step_forget_all(step);
    step_ask_no_more(step);
    step_received(step);
    if (committing)
        step_enter(step, EPOCH_COMMITTING);
}

void step_inspected(struct step *step, const struct epoch_event *event)
{
    struct epoch *epoch = step->epoch;
    struct error cause = ERROR_NONE;
    bool unstarted = epoch->state == EPOCH_PLANNED && !is_open(epoch, EPOCH_INSTRUCTION_RESOLVE, A);
    if (epoch_is_final(epoch) || epoch->state == EPOCH_SEALED || epoch->state == EPOCH_ABANDONING)
        return;
    skip_tries(epoch, event->tries_above);
    if (event->found == EPOCH_FOUND_SEALED)
        step_seal(step, event->seal);
    else if (event->found == EPOCH_FOUND_NOTHING && unstarted && epoch->t_us != 0)
        abandon_rebuilt(step);
    else if (event->found == EPOCH_FOUND_RECEIVED || event->found == EPOCH_FOUND_COMMITTING)
        found_received(step, event->found == EPOCH_FOUND_COMMITTING);
    else if (event->found == EPOCH_FOUND_ROLLING_BACK && epoch->state < EPOCH_SEALED) {
        error_set(&cause, ERROR_CANCELED, "a rollback had begun on B");
        step_roll_back(step, &cause);
    }
}
