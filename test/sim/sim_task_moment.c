/* sim_task_moment.c: the tasks of agent A around the moment, and what all tasks share. Each looks
 * from the top and names its next act. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_agent.h"

void decide_fail(struct decision *decision, enum error_code code)
{
    decision->kind = DECIDE_FAIL;
    decision->code = code;
}

void decide_done(struct decision *decision, json_t *result)
{
    decision->kind = DECIDE_DONE;
    decision->result = result;
}

struct op *decide_op(const struct task *task, struct decision *decision, enum op_kind kind,
                     enum process cluster)
{
    decision->kind = DECIDE_OP;
    decision->op = (struct op){.kind = kind,
                               .cluster = cluster,
                               .number = task->order->number,
                               .attempt = task->order->attempt};
    return &decision->op;
}

json_t *seal_of(const struct area *area)
{
    json_error_t problem;
    json_t *seal = json_loads(area->seal, 0, &problem), *result = json_object();
    CHECK(seal != NULL);
    json_set_take(result, "seal", seal);
    return result;
}

void task_resolve(const struct task *task, struct decision *decision)
{
    json_t *result = json_object(), *members = json_array();
    for (int i = 0; i < task->a->member_count; i++)
        json_append_take(members, json_pack("{s:i}", "id", i));
    json_set_take(result, "members", members);
    decide_done(decision, result);
}

static int count_snapshots(const struct cluster *cluster, const char *name)
{
    int count = 0;
    for (int i = 0; i < cluster->member_count; i++)
        count += snapshot_find(cluster, i, name) != NULL;
    return count;
}

static void moment_result(const struct task *task, struct decision *decision)
{
    int64_t first = INT64_MAX, last = 0;
    json_t *result = json_object(), *instants = json_array();
    for (int i = 0; i < task->a->member_count; i++) {
        int64_t instant = task->area_a->instants_us[i];
        first = instant < first ? instant : first;
        last = instant > last ? instant : last;
        json_append_take(instants, json_integer(instant));
    }
    json_set_string(result, "outcome", "fired");
    json_set_boolean(result, "fired", true);
    json_set_string(result, "grade", task->a->member_count == 1 ? "atomic" : "bounded");
    json_set_integer(result, "skew_us", last - first);
    json_set_take(result, "instants", instants);
    decide_done(decision, result);
}

static void outcome(struct decision *decision, const char *text)
{
    decide_done(decision, json_pack("{s:s, s:b}", "outcome", text, "fired", 0));
}

static void fire(const struct task *task, struct decision *decision)
{
    for (int i = 0; i < task->a->member_count; i++) {
        if (snapshot_find(task->a, i, task->order->snapshot) != NULL)
            continue;
        struct op *op = decide_op(task, decision, OP_SNAPSHOT, AGENT_A);
        op->member = i;
        memcpy(op->name, task->order->snapshot, sizeof op->name);
        return;
    }
    struct op *op = decide_op(task, decision, OP_AREA_MOMENT, AGENT_A);
    memcpy(op->name, task->order->snapshot, sizeof op->name);
}

static void wait_until(struct decision *decision, int64_t until_us)
{
    decision->kind = DECIDE_WAIT;
    decision->until_us = until_us;
}

void task_snapshot(const struct task *task, struct decision *decision)
{
    const struct order *order = task->order;
    const struct area *area = task->area_a;
    int64_t now_us = task->world->now_us;
    int fired = count_snapshots(task->a, order->snapshot);
    bool over = now_us > order->t_us + order->grace_us;
    if (area != NULL && (area->disarmed || area->discarded)) {
        outcome(decision, "disarmed");
    } else if (area != NULL && area->has_moment) {
        moment_result(task, decision);
    } else if (area == NULL || area->body == NULL) {
        decide_op(task, decision, OP_AREA_BODY, AGENT_A)->text =
            memory_copy_string(task->held->body);
    } else if (fired == task->a->member_count) {
        fire(task, decision);
    } else if (over && fired == 0) {
        /* From here on nobody may find it not yet fired: late is never. */
        outcome(decision, "missed");
    } else if (over) {
        decide_fail(decision, ERROR_UNAVAILABLE);
    } else if (now_us >= order->t_us) {
        fire(task, decision);
    } else if (task->held->phase[0] == '\0') {
        decision->kind = DECIDE_PHASE;
        decision->phase = "armed";
    } else {
        wait_until(decision, order->t_us);
    }
}

void task_disarm(const struct task *task, struct decision *decision)
{
    const struct area *area = task->area_a;
    bool fired =
        count_snapshots(task->a, task->order->snapshot) > 0 || (area != NULL && area->has_moment);
    bool marked = (area != NULL && area->disarmed) || task->world->defect == DEFECT_NO_MARK;
    if (!fired && !marked)
        decide_op(task, decision, OP_AREA_DISARMED, AGENT_A);
    else
        decide_done(decision, json_pack("{s:b}", "fired", fired));
}

/* The seal on A, then the hold: from then on this epoch is the base. */
void task_settle(const struct task *task, struct decision *decision)
{
    if (!snapshots_complete(task->a, task->order->snapshot))
        decide_fail(decision, ERROR_NOT_FOUND);
    else if (task->area_a == NULL || !task->area_a->settled)
        decide_op(task, decision, OP_AREA_SETTLED, AGENT_A);
    else if (task->a->hold < task->order->number)
        decide_op(task, decision, OP_AREA_HOLD, AGENT_A);
    else
        decide_done(decision, NULL);
}
