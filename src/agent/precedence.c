/* precedence.c: see precedence.h. */
#include "agent/precedence.h"

#include <string.h>

#include "agent/agent_private.h"
#include "base/check.h"
#include "base/json.h"

/* In the order in which an epoch comes to them; settle and retire lie behind every attempt. */
static const char *const rows[] = {"resolve",  "snapshot", "disarm", "transfer", "commit",
                                   "rollback", "discard",  "settle", "retire"};
#define ROW_SETTLE 7

/* -1: not of an epoch (check, inspect, verify, ...): in no order with anything. */
static int row_of(const struct instruction *instruction)
{
    for (size_t i = 0; instruction->number != 0 && i < ARRAY_LENGTH(rows); i++)
        if (strcmp(rows[i], instruction->kind) == 0)
            return (int)i;
    return -1;
}

static bool same_epoch(const struct instruction *a, const struct instruction *b)
{
    return row_of(a) >= 0 && row_of(b) >= 0 && a->number == b->number &&
           a->generation == b->generation && strcmp(a->service, b->service) == 0 &&
           strcmp(json_string_or(a->body, "side", ""), json_string_or(b->body, "side", "")) == 0;
}

static int compare_integers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* Of two orders of one epoch: negative when a comes first. */
static int compare(const struct instruction *a, const struct instruction *b)
{
    int row_a = row_of(a), row_b = row_of(b);
    int64_t attempt_a = row_a >= ROW_SETTLE ? INT64_MAX : a->attempt;
    int64_t attempt_b = row_b >= ROW_SETTLE ? INT64_MAX : b->attempt;
    int by_attempt = compare_integers(attempt_a, attempt_b);
    int by_row = compare_integers(row_a, row_b);
    return by_attempt != 0 ? by_attempt
           : by_row != 0   ? by_row
                           : compare_integers(a->try_number, b->try_number);
}

static bool is_kind(const struct instruction *instruction, const char *kind)
{
    return strcmp(instruction->kind, kind) == 0;
}

/* ---- a moment that must not be -------------------------------------------------------------- */

static struct task *find_disarm(struct agent *agent, const struct instruction *instruction)
{
    list_for_each(task, &agent_parts(agent)->tasks, struct task, node)
        if (is_kind(&task->instruction, "disarm") && same_epoch(&task->instruction, instruction) &&
            task->instruction.attempt == instruction->attempt && task->state != STATUS_FAILED)
            return task;
    return NULL;
}

bool agent_is_disarmed(struct agent *agent, const struct instruction *instruction)
{
    struct task *disarm = find_disarm(agent, instruction);
    return disarm != NULL && disarm->state == STATUS_DONE &&
           json_is_false(json_object_get(disarm->result, "fired"));
}

static bool admits_moment(struct agent *agent, const struct instruction *instruction,
                          struct error *error)
{
    const struct task *disarm = find_disarm(agent, instruction);
    if (agent_is_disarmed(agent, instruction))
        return error_set(error, ERROR_CANCELED, "this attempt was disarmed: it is never taken");
    /* It may be looking already, and would say "not fired" of what fires later. */
    if (disarm != NULL && disarm->state == STATUS_RUNNING &&
        agent_find(agent, instruction->key) == NULL)
        return error_set(error, ERROR_UNAVAILABLE, "this attempt is being disarmed");
    return true;
}

/* ---- what is refused ------------------------------------------------------------------------ */

bool precedence_admits_generation(struct agent *agent, const struct instruction *instruction,
                                  struct error *error)
{
    const json_t *fence = json_object_get(agent->fences, instruction->pair);
    int64_t highest = json_integer_or(fence, "generation", -1);
    return instruction->fence >= highest ||
           error_set(error, ERROR_FENCED,
                     "order of generation %d refused: this agent has seen generation %d, of device "
                     "%.40s",
                     (int)instruction->fence, (int)highest, json_string_or(fence, "device", "?"));
}

/* A moment and its disarm go on together: each may be what the other waits for. */
static bool are_beside(const struct instruction *moment, const struct instruction *disarm)
{
    return is_kind(moment, "snapshot") && is_kind(disarm, "disarm") &&
           moment->attempt == disarm->attempt;
}

/* A later order that failed has decided nothing: the earlier one may be what is wanted after all. A
 * disarm has its own rule above. */
static bool admits_row(struct agent *agent, const struct instruction *instruction,
                       struct error *error)
{
    list_for_each(task, &agent_parts(agent)->tasks, struct task, node) {
        const struct instruction *later = &task->instruction;
        if (task->state != STATUS_FAILED && !are_beside(instruction, later) &&
            same_epoch(later, instruction) && compare(later, instruction) > 0)
            return error_set(error, ERROR_CONFLICT,
                             "%s of epoch %d, attempt %d, try %d comes late: %s was accepted",
                             instruction->kind, (int)instruction->number, (int)instruction->attempt,
                             (int)instruction->try_number, later->kind);
    }
    return true;
}

bool precedence_admits(struct agent *agent, const struct instruction *instruction,
                       struct error *error)
{
    return precedence_admits_generation(agent, instruction, error) &&
           admits_row(agent, instruction, error) &&
           (!is_kind(instruction, "snapshot") || admits_moment(agent, instruction, error));
}

/* ---- what waits ----------------------------------------------------------------------------- */

static bool is_older(const struct instruction *instruction, const char *pair, int64_t generation)
{
    return instruction->fence < generation && strcmp(instruction->pair, pair) == 0;
}

/* A device that lost its journal orders a transfer or a commit anew, under another key, while the
 * first one still runs: the second waits, and then finds everything done. What stops others must
 * run to do so. */
static bool waits_for(const struct task *task, const struct task *other)
{
    const struct instruction *ours = &task->instruction, *its = &other->instruction;
    bool same_kind = task->kind == other->kind;
    if (is_older(its, ours->pair, ours->fence))
        return true;
    if (same_kind && task->kind->is_alone && strcmp(its->service, ours->service) == 0)
        return true;
    return same_epoch(its, ours) && !are_beside(ours, its) &&
           (same_kind || !task->kind->stops_others);
}

bool precedence_must_wait(const struct task *task)
{
    list_for_each(other, &agent_parts(task->agent)->tasks, struct task, node)
        if (other != task && other->running && waits_for(task, other))
            return true;
    return false;
}

/* ---- what is stopped ------------------------------------------------------------------------ */

void precedence_fence(struct agent *agent, const char *pair, int64_t generation)
{
    list_for_each(task, &agent_parts(agent)->tasks, struct task, node)
        if (!task_is_over(task) && is_older(&task->instruction, pair, generation)) {
            task->is_fenced = true;
            task_stop(task);
        }
}

bool precedence_stop_earlier(struct task *task)
{
    bool any = false;
    list_for_each(other, &agent_parts(task->agent)->tasks, struct task, node)
        if (other != task && !task_is_over(other) && !is_kind(&other->instruction, "disarm") &&
            same_epoch(&other->instruction, &task->instruction) &&
            compare(&other->instruction, &task->instruction) < 0) {
            any = true;
            task_stop(other);
        }
    return any;
}
