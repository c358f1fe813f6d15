/* sim_task_commit.c: agent B's commit, from the area and from looking alone: check, park, place,
 * compare, clean, freeze, verify, seal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_agent.h"

static bool may_save(const struct task *task)
{
    return task->order->approved & 1u << EPOCH_QUESTION_TOUCHED;
}

static void phase(const struct task *task, struct decision *decision, const char *name,
                  bool *ret_told)
{
    *ret_told = strcmp(task->held->phase, name) == 0;
    if (*ret_told)
        return;
    decision->kind = DECIDE_PHASE;
    decision->phase = name;
}

static void mark(const struct task *task, struct decision *decision, enum mark bit)
{
    decide_op(task, decision, OP_AREA_MARK, AGENT_B)->mark = bit;
}

static struct op *member_op(const struct task *task, struct decision *decision, enum op_kind kind,
                            int member, const char *path)
{
    struct op *op = decide_op(task, decision, kind, AGENT_B);
    op->member = member;
    CHECK(snprintf(op->path, sizeof op->path, "%s", path) < (int)sizeof op->path);
    return op;
}

static void rename_op(const struct task *task, struct decision *decision, int member,
                      const char *from, const char *to)
{
    struct op *op = member_op(task, decision, OP_RENAME, member, from);
    CHECK(snprintf(op->to, sizeof op->to, "%s", to) < (int)sizeof op->to);
}

/* What others made where it does not belong: asked about, or moved out of the way. */
static bool touched_next(const struct task *task, struct decision *decision, bool in_staging)
{
    for (int member = 0; member < task->b->member_count; member++) {
        const struct tree *live = &task->b->live[member];
        for (size_t i = 0; i < live->count; i++) {
            if (!live->nodes[i].is_foreign || tree_is_staging(live->nodes[i].path) != in_staging)
                continue;
            if (may_save(task)) {
                member_op(task, decision, OP_SAVE, member, live->nodes[i].path);
            } else {
                decision->kind = DECIDE_ASK;
                decision->question = "touched";
            }
            return true;
        }
    }
    return false;
}

static bool equals_base(const struct task *task)
{
    for (int member = 0; member < task->b->member_count; member++) {
        static const struct tree nothing;
        const struct snapshot *base = snapshot_find(task->b, member, task->area_b->base_name);
        if (tree_difference(&task->b->live[member], base == NULL ? &nothing : &base->tree, true))
            return false;
    }
    return true;
}

static bool equals_manifest(const struct task *task)
{
    for (int member = 0; member < task->b->member_count; member++)
        if (tree_difference(&task->b->live[member], &task->area_b->manifest[member], true))
            return false;
    return true;
}

/* Nothing is changed before it is known that the target is what the plan was made for. */
static void check_target(const struct task *task, struct decision *decision)
{
    if (touched_next(task, decision, false))
        return;
    if (!equals_base(task))
        decide_fail(decision, ERROR_CORRUPT);
    else
        mark(task, decision, MARK_CHECKED);
}

static bool place_exists(const struct task *task, int member, const char *path)
{
    return tree_find(&task->b->live[member], path) != NULL;
}

/* The first step that is still to be done; false: none. */
static bool step_next(const struct task *task, struct decision *decision, bool back,
                      enum plan_step_kind kind)
{
    for (int member = 0; member < task->b->member_count; member++) {
        const struct steps *steps = &task->area_b->steps[member];
        const struct plan *plan = back ? &steps->inverse : &steps->plan;
        for (size_t i = 0; i < plan->step_count; i++) {
            const struct plan_step *step = &plan->steps[i];
            char staged[PATH_SIZE], name[PLAN_NAME_SIZE];
            plan_step_name(step, name);
            path_in_staging(task, name, staged);
            enum plan_decision what =
                step->kind != kind ? PLAN_DONE
                                   : plan_step_decide(step, place_exists(task, member, staged),
                                                      place_exists(task, member, step->place));
            if (what == PLAN_IMPOSSIBLE)
                decide_fail(decision, ERROR_CORRUPT);
            else if (what == PLAN_DO)
                rename_op(task, decision, member, kind == PLAN_PARK ? step->place : staged,
                          kind == PLAN_PARK ? staged : step->place);
            if (what != PLAN_DONE)
                return true;
        }
    }
    return false;
}

bool phase_next(const struct task *task, struct decision *decision)
{
    bool back = (task->area_b->marks & MARK_BACK) != 0;
    enum plan_phase next = plan_phase_next(task->area_b->marks);
    if (next == PLAN_PHASE_END)
        return false;
    bool renames = next == PLAN_PHASE_PARK || next == PLAN_PHASE_PLACE;
    if (!renames ||
        !step_next(task, decision, back, next == PLAN_PHASE_PARK ? PLAN_PARK : PLAN_PLACE))
        decide_op(task, decision, OP_AREA_MARK, AGENT_B)->mark = plan_phase_mark(next, back);
    return true;
}

/* What is parked may hold what others made meanwhile: it is not ours to destroy. */
static void compare(const struct task *task, struct decision *decision)
{
    if (task->world->defect == DEFECT_SEAL_EARLY) {
        mark(task, decision, MARK_CLEAN);
        return;
    }
    if (touched_next(task, decision, false) || touched_next(task, decision, true))
        return;
    if (!equals_manifest(task))
        decide_fail(decision, ERROR_CORRUPT);
    else
        mark(task, decision, MARK_CLEAN);
}

static bool freeze_next(const struct task *task, struct decision *decision)
{
    for (int member = 0; member < task->b->member_count; member++) {
        const struct snapshot *candidate = snapshot_find(task->b, member, task->order->snapshot);
        bool good = candidate != NULL &&
                    (task->world->defect == DEFECT_SEAL_EARLY ||
                     (tree_find(&candidate->tree, STAGING) == NULL &&
                      !tree_difference(&candidate->tree, &task->area_b->manifest[member], true)));
        if (good)
            continue;
        struct op *op =
            member_op(task, decision, candidate == NULL ? OP_SNAPSHOT : OP_UNSNAPSHOT, member, "");
        memcpy(op->name, task->order->snapshot, sizeof op->name);
        return true;
    }
    return false;
}

static void seal(const struct task *task, struct decision *decision)
{
    const struct order *order = task->order;
    json_error_t problem;
    json_t *body = json_loads(task->held->body, 0, &problem), *document = json_object();
    struct buffer text;
    CHECK(body != NULL);
    json_set_integer(document, "number", (int64_t)order->number);
    json_set_integer(document, "generation", (int64_t)order->generation);
    json_set_integer(document, "attempt", order->attempt);
    json_set_string(document, "snapshot", order->snapshot);
    json_set_time(document, "t_us", order->t_us);
    json_set_string(document, "grade", json_string_or(body, "grade", ""));
    json_set_integer(document, "skew_us", json_integer_or(body, "skew_us", -1));
    json_set_take(document, "instants",
                  json_incref(json_object_get(json_object_get(body, "moment"), "instants")));
    buffer_init(&text, 0);
    json_print(document, true, &text);
    decide_op(task, decision, OP_AREA_SEAL_WRITE, AGENT_B)->text = buffer_take(&text);
    json_decref(document);
    json_decref(body);
}

static void freeze(const struct task *task, struct decision *decision)
{
    bool told;
    phase(task, decision, "candidate", &told);
    if (!told || unstage_next(task, decision, false))
        return;
    if (task->world->defect != DEFECT_SEAL_EARLY && !equals_manifest(task)) {
        if (!touched_next(task, decision, false))
            decide_fail(decision, ERROR_CORRUPT);
    } else if (freeze_next(task, decision)) {
        return;
    } else if (!task->area_b->seal_written) {
        seal(task, decision);
    } else {
        decide_op(task, decision, OP_AREA_SEAL_RENAME, AGENT_B);
    }
}

/* A mistake that the checkers must find: the steps of a finished commit, done once more. */
static bool commit_blindly(const struct task *task, struct decision *decision)
{
    if (!task->held->blind)
        return false;
    task->held->blind = false;
    for (int member = 0; member < task->b->member_count; member++) {
        const struct steps *steps = &task->area_b->steps[member];
        for (size_t i = 0; i < steps->plan.park_count; i++)
            if (place_exists(task, member, steps->plan.steps[i].place)) {
                member_op(task, decision, OP_REMOVE, member, steps->plan.steps[i].place);
                return true;
            }
    }
    return false;
}

void task_commit(const struct task *task, struct decision *decision)
{
    const struct area *area = task->area_b, *newest = newest_seal(task->b);
    bool told;
    if (area != NULL && commit_blindly(task, decision))
        return;
    if (area != NULL && area->sealed) {
        decide_done(decision, seal_of(area));
        return;
    }
    bool refused = area == NULL || area->discarded || area->marks & MARK_BACK ||
                   (newest != NULL && newest->number > task->order->number);
    if (refused || !area->received) {
        decide_fail(decision, refused ? ERROR_CONFLICT : ERROR_NOT_FOUND);
        return;
    }
    if (!(area->marks & MARK_CHECKED)) {
        check_target(task, decision);
        return;
    }
    if (!(area->marks & MARK_CLEAN)) {
        phase(task, decision, "committing", &told);
        if (!told || close_door(task, decision))
            return;
        if (!phase_next(task, decision))
            compare(task, decision);
        return;
    }
    freeze(task, decision);
}
