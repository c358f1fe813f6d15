/* sim_task_transfer.c: everything of the epoch comes to B's staging and area, in either direction;
 * the receipt is the last act. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sim_agent.h"

static char *path_behind(const struct order *order, unsigned door, const char *staged,
                         char ret_path[PATH_SIZE])
{
    CHECK(snprintf(ret_path, PATH_SIZE, "%s/e%u.a%u.%u%s%s", STAGING, (unsigned)order->number,
                   order->attempt, door, staged[0] == '\0' ? "" : "/", staged) < PATH_SIZE);
    return ret_path;
}

static unsigned door_of(const struct area *area)
{
    unsigned marks = area == NULL ? 0 : area->marks;
    if (marks & MARK_BACK)
        return marks & MARK_BACK_PARKED ? 4 : 3;
    if (marks & MARK_PARKED)
        return 2;
    return marks & MARK_CHECKED ? 1 : 0;
}

char *path_in_staging(const struct task *task, const char *staged, char ret_path[PATH_SIZE])
{
    return path_behind(task->order, door_of(task->area_b), staged, ret_path);
}

bool is_own_staging(const struct task *task, const char *path)
{
    char own[PATH_SIZE];
    for (unsigned door = 0; door <= 4; door++)
        if (strcmp(path_behind(task->order, door, "", own), path) == 0)
            return true;
    return false;
}

bool close_door(const struct task *task, struct decision *decision)
{
    unsigned now = door_of(task->area_b);
    for (int member = 0; member < task->b->member_count; member++) {
        const struct tree *live = &task->b->live[member];
        char path[PATH_SIZE], before[PATH_SIZE];
        if (tree_find(live, path_behind(task->order, now, "", path)) != NULL)
            continue;
        for (unsigned door = now; door-- > 0;) {
            if (tree_find(live, path_behind(task->order, door, "", before)) == NULL)
                continue;
            struct op *op = decide_op(task, decision, OP_RENAME, AGENT_B);
            op->member = member;
            memcpy(op->path, before, sizeof op->path);
            memcpy(op->to, path, sizeof op->to);
            return true;
        }
    }
    return false;
}

static void ask(struct decision *decision, const char *question)
{
    decision->kind = DECIDE_ASK;
    decision->question = question;
}

static bool is_approved(const struct task *task, enum epoch_question question)
{
    return task->order->approved & 1u << question;
}

/* By name and instant: a snapshot of that name may have been deleted by others and made again by a
 * request that was long on its way. */
static bool is_unchanged(const struct task *task, const struct area *base)
{
    const struct area *moment = area_find(task->a, base->number, base->attempt);
    for (int member = 0; member < task->a->member_count; member++) {
        const struct snapshot *snapshot = snapshot_find(task->a, member, base->name);
        if (moment == NULL || snapshot == NULL ||
            snapshot->instant_us != moment->instants_us[member])
            return false;
    }
    return true;
}

static bool has_base(const struct task *task)
{
    /* A base that B has gone beyond (sealed, but never settled on A) is no base. */
    const struct area *newest = newest_seal(task->b);
    return newest != NULL && strcmp(newest->name, task->order->base_b) == 0 &&
           is_unchanged(task, newest);
}

static bool compares(const struct task *task)
{
    return !task->order->has_base || task->order->base_lost;
}

static bool removes_too_much(const struct task *task)
{
    size_t removed = 0, existing = 0;
    for (int i = 0; i < task->b->member_count; i++) {
        removed += task->area_b->steps[i].plan.counts.removed_entries;
        existing += task->area_b->steps[i].existing;
    }
    return removed > 4 && removed * 10 > existing * 6 && !is_approved(task, EPOCH_QUESTION_SHRINK);
}

static void make_plan(const struct task *task, struct decision *decision)
{
    const struct order *order = task->order;
    if (!snapshots_complete(task->a, order->snapshot)) {
        decide_fail(decision, ERROR_NOT_FOUND);
    } else if (!compares(task) && !has_base(task)) {
        ask(decision, "lost_base");
    } else if (!order->has_base && newest_seal(task->b) != NULL &&
               !is_approved(task, EPOCH_QUESTION_ADOPT)) {
        ask(decision, "adopt");
    } else {
        struct op *op = decide_op(task, decision, OP_AREA_PLAN, AGENT_B);
        memcpy(op->name, order->snapshot, sizeof op->name);
        memcpy(op->base_a, order->base_a, sizeof op->base_a);
        snprintf(op->base_b, sizeof op->base_b, "%s", newest_name(task->b));
        op->by_path = compares(task);
    }
}

/* One directory or file that is not in staging yet; false: all is there. */
static bool stage_next(const struct task *task, struct decision *decision)
{
    static const char *const tops[] = {STAGING, ""};
    for (int member = 0; member < task->b->member_count; member++) {
        const struct tree *live = &task->b->live[member];
        const struct tree *content = &task->area_b->steps[member].content;
        char path[PATH_SIZE];
        for (size_t i = 0; i < 2; i++) {
            const char *top = i == 0 ? tops[0] : path_in_staging(task, "", path);
            if (tree_find(live, top) != NULL)
                continue;
            struct op *op = decide_op(task, decision, OP_MAKE_DIRECTORY, AGENT_B);
            op->member = member;
            snprintf(op->path, sizeof op->path, "%s", top);
            return true;
        }
        for (size_t i = 0; i < content->count; i++) {
            const struct node *node = &content->nodes[i];
            path_in_staging(task, node->path, path);
            if (tree_find(live, path) != NULL)
                continue;
            struct op *op = decide_op(task, decision,
                                      node->is_directory ? OP_MAKE_DIRECTORY : OP_WRITE, AGENT_B);
            op->member = member;
            op->id = node->id;
            op->version = node->version;
            memcpy(op->path, path, sizeof op->path);
            return true;
        }
    }
    return false;
}

void task_transfer(const struct task *task, struct decision *decision)
{
    const struct area *area = task->area_b, *newest = newest_seal(task->b);
    if (task->a->is_lost) {
        decide_fail(decision, ERROR_UNAVAILABLE);
    } else if (area != NULL && (area->discarded || area->sealed || area->marks & MARK_BACK)) {
        decide_fail(decision, ERROR_CONFLICT);
    } else if (newest != NULL && newest->number >= task->order->number) {
        decide_fail(decision, ERROR_CONFLICT);
    } else if (area != NULL && area->received) {
        decide_done(decision, NULL);
    } else if (area == NULL || area->body == NULL) {
        decide_op(task, decision, OP_AREA_BODY, AGENT_B)->text =
            memory_copy_string(task->held->body);
    } else if (task->held->phase[0] == '\0') {
        decision->kind = DECIDE_PHASE;
        decision->phase = "receiving";
    } else if (!area->has_plan) {
        make_plan(task, decision);
    } else if (removes_too_much(task)) {
        ask(decision, "shrink");
    } else if (!stage_next(task, decision)) {
        decide_op(task, decision, OP_AREA_RECEIVED, AGENT_B);
    }
}
