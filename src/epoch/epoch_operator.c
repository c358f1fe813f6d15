/* epoch_operator.c: the operator's verbs in every state. A verb that is not possible is refused
 * with what to do instead; one that is already under way is not an error. */
#include <string.h>

#include "base/json.h"
#include "epoch/edge.h"

#define A EPOCH_SIDE_A
#define B EPOCH_SIDE_B

static struct error operators_cause(const char *verb, const char *reason)
{
    struct error cause = ERROR_NONE;
    bool given = reason != NULL && reason[0] != '\0';
    error_set(&cause, ERROR_CANCELED, "%s by the operator%s%s", verb, given ? ": " : "",
              given ? reason : "");
    return cause;
}

/* Nothing was made anywhere yet: no agent need be asked. */
static void abandon_planned(struct step *step, const struct error *cause)
{
    step_forget(step, EPOCH_INSTRUCTION_RESOLVE, A);
    step->epoch->cause = *cause;
    step_enter(step, EPOCH_ABANDONED);
    step_tell(step, "epoch.abandoned", EPOCH_NOTICE, "is abandoned: %s", cause->text);
}

void operator_abandon(struct step *step, const char *reason)
{
    struct error cause = operators_cause("abandoned", reason);
    switch (step->epoch->state) {
    case EPOCH_PLANNED:
        abandon_planned(step, &cause);
        return;
    case EPOCH_PREPARING:
    case EPOCH_ARMED:
    case EPOCH_SNAPPED:
    case EPOCH_RECEIVING:
        step_abandon(step, &cause);
        return;
    case EPOCH_RECEIVED:
        /* The commit may have begun on B without our knowing. */
        step_roll_back(step, &cause);
        return;
    case EPOCH_COMMITTING:
        step_refuse(step, "is committing: let it finish, or go back with 'coeval epoch rollback'");
        return;
    case EPOCH_CANDIDATE:
        step_refuse(step, "is being verified: wait until it is sealed or stuck");
        return;
    case EPOCH_STUCK:
        step_refuse(step, "is stuck in its commit: 'coeval epoch resume' or 'coeval epoch "
                          "rollback'");
        return;
    case EPOCH_SEALED:
    case EPOCH_RETIRED:
        step_refuse(step, "is sealed: retention removes it; an older seal can be restored");
        return;
    case EPOCH_ABANDONING:
    case EPOCH_ABANDONED:
    case EPOCH_ROLLING_BACK:
    case EPOCH_STATE_COUNT:
        return;
    }
}

void operator_rollback(struct step *step, const char *reason)
{
    const struct epoch *epoch = step->epoch;
    struct error cause = operators_cause("rolled back", reason);
    bool waits = epoch->question != EPOCH_QUESTION_NONE;
    if (epoch->state == EPOCH_COMMITTING || epoch->state == EPOCH_STUCK ||
        (epoch->state == EPOCH_CANDIDATE && waits))
        step_roll_back(step, &cause);
    else if (epoch->state == EPOCH_CANDIDATE)
        step_refuse(step, "is being verified: wait until it is sealed or stuck");
    else if (epoch->state == EPOCH_SEALED || epoch->state == EPOCH_RETIRED)
        step_refuse(step,
                    "is sealed: there is nothing to roll back; an older seal can be restored");
    else if (epoch->state <= EPOCH_RECEIVED)
        step_refuse(step, "has not begun to commit: use 'coeval epoch abandon'");
}

void operator_resume(struct step *step)
{
    struct epoch *epoch = step->epoch;
    struct error cause = epoch->cause;
    if (epoch->state != EPOCH_STUCK) {
        step_refuse(step, "is not stuck but %s: there is nothing to resume",
                    epoch_state_name(epoch->state));
        return;
    }
    if (!epoch->forward) {
        instruction_of(epoch, EPOCH_INSTRUCTION_ROLLBACK, B)->failures = 0;
        step_roll_back(step, &cause);
        return;
    }
    epoch->cause = ERROR_NONE;
    instruction_of(epoch, EPOCH_INSTRUCTION_COMMIT, B)->failures = 0;
    step_enter(step, EPOCH_COMMITTING);
    step_instruct(step, EPOCH_INSTRUCTION_COMMIT, B);
}

static void send_again_approved(struct step *step, enum epoch_instruction_kind kind,
                                enum epoch_side side)
{
    struct epoch_instruction *instruction = instruction_of(step->epoch, kind, side);
    if (instruction->status != EPOCH_INSTRUCTION_WAITING)
        return;
    instruction->failures = 0;
    step_instruct(step, kind, side);
}

/* The members that asked, and no others: nobody has seen what those would do. */
static void approve_asked(struct epoch *epoch)
{
    size_t index;
    json_t *item, *approval = json_object(), *members = json_array();
    json_array_foreach(epoch->asked, index, item)
        json_append_take(members, json_string(json_string_or(item, "id", "")));
    json_set_string(approval, "question", epoch_question_name(epoch->question));
    json_set_take(approval, "members", members);
    if (epoch->approvals == NULL)
        epoch->approvals = json_array();
    json_append_take(epoch->approvals, approval);
}

static void approve_all(struct epoch *epoch)
{
    epoch->approved |= 1u << epoch->question;
    epoch->base_lost = epoch->base_lost || epoch->question == EPOCH_QUESTION_LOST_BASE;
}

void operator_approve(struct step *step)
{
    struct epoch *epoch = step->epoch;
    if (epoch->question == EPOCH_QUESTION_NONE) {
        step_refuse(step, "asks nothing now: there is nothing to approve");
        return;
    }
    if (json_array_size(epoch->asked) > 0)
        approve_asked(epoch);
    else
        approve_all(epoch);
    step_ask_no_more(step);
    epoch->cause = ERROR_NONE;
    send_again_approved(step, EPOCH_INSTRUCTION_TRANSFER, transfer_side(epoch));
    send_again_approved(step, EPOCH_INSTRUCTION_COMMIT, B);
}

static void forget_side_a(struct step *step)
{
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        step_forget(step, (enum epoch_instruction_kind)kind, A);
}

void operator_lost(struct step *step)
{
    struct epoch *epoch = step->epoch;
    struct error cause = ERROR_NONE;
    if (epoch->side_a_lost)
        return;
    if (epoch_is_final(epoch)) {
        step_refuse(step, "has ended: nothing is awaited from the primary");
        return;
    }
    error_set(&cause, ERROR_UNAVAILABLE, "cluster A was lost before all was on B");
    epoch->side_a_lost = true;
    step->changed = true;
    if (epoch->state == EPOCH_PLANNED) {
        abandon_planned(step, &cause);
        return;
    }
    forget_side_a(step);
    if (epoch->state < EPOCH_RECEIVED) {
        step_abandon(step, &cause);
    } else if (epoch->state == EPOCH_ABANDONING) {
        step_clean_up(step);
    } else if (epoch->state == EPOCH_SEALED && epoch->retiring) {
        /* B's answer, if it came already, was the last one. */
        if (epoch->instructions[EPOCH_INSTRUCTION_RETIRE][B].status == EPOCH_INSTRUCTION_DONE)
            step_enter(step, EPOCH_RETIRED);
    }
}
