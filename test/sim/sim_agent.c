/* sim_agent.c: an agent's intake, journal, and the one loop that makes tasks act; see sim_agent.h.
 */
#include "sim_agent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_chaos.h"
#include "sim_checker.h"

static task_fn *const tasks[EPOCH_INSTRUCTION_COUNT] = {
    [EPOCH_INSTRUCTION_RESOLVE] = task_resolve, [EPOCH_INSTRUCTION_SNAPSHOT] = task_snapshot,
    [EPOCH_INSTRUCTION_DISARM] = task_disarm,   [EPOCH_INSTRUCTION_TRANSFER] = task_transfer,
    [EPOCH_INSTRUCTION_COMMIT] = task_commit,   [EPOCH_INSTRUCTION_ROLLBACK] = task_rollback,
    [EPOCH_INSTRUCTION_DISCARD] = task_discard, [EPOCH_INSTRUCTION_SETTLE] = task_settle,
    [EPOCH_INSTRUCTION_RETIRE] = task_retire,
};

struct agent *agent_new(enum process process)
{
    struct agent *agent = memory_new(sizeof *agent);
    agent->process = process;
    durable_init(&agent->journal, process);
    return agent;
}

static void forget_memory(struct agent *agent)
{
    for (size_t i = 0; i < agent->held_count; i++)
        held_free(agent->held[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(agent->flying); i++)
        if (agent->flying[i] != NULL)
            op_free(agent->flying[i]);
    agent->held_count = 0;
    memset(agent->flying, 0, sizeof agent->flying);
    memset(agent->flyers, 0, sizeof agent->flyers);
}

void agent_free(struct agent *agent)
{
    forget_memory(agent);
    durable_fini(&agent->journal);
    free(agent);
}

static void tick(struct world *world, void *held);

static struct agent *agent_of(struct world *world, const struct held *held)
{
    return world->agents[held->order.side == EPOCH_SIDE_A ? AGENT_A : AGENT_B];
}

static void schedule(struct world *world, struct held *held, int64_t delay_us)
{
    later(world, delay_us, agent_of(world, held)->process, tick, held, NULL);
}

static void tell(struct world *world, const struct agent *agent, const struct held *held)
{
    struct message message = {.kind = MESSAGE_STATUS, .from = agent->process, .to = CONTROL};
    memcpy(message.key, held->key, sizeof message.key);
    message.text = memory_copy_string(held->visible);
    network_send(world, &message);
}

/* The status as it was written; a later one may be on its way already. */
struct written {
    struct held *held;
    char *text;
};

static void written_free(void *data)
{
    struct written *written = data;
    free(written->text);
    free(written);
}

static void status_durable(struct world *world, void *data)
{
    struct written *written = data;
    struct held *held = written->held;
    if (held->visible == NULL)
        check_taken(world, agent_of(world, held)->process, held->key, held->body);
    free(held->visible);
    held->visible = memory_copy_string(written->text);
    tell(world, agent_of(world, held), held);
    if (held->status == HELD_RUNNING)
        schedule(world, held, chance_us(world, 0, 2 * MS));
}

static void write_status(struct world *world, struct held *held)
{
    struct agent *agent = agent_of(world, held);
    struct written *written = memory_new(sizeof *written);
    written->held = held;
    written->text = held_print(held);
    durable_append(world, &agent->journal, held->key, written->text);
    durable_then(world, &agent->journal, status_durable, written, written_free);
}

static struct op **flight_of(struct agent *agent, const struct held *held)
{
    for (size_t i = 0; i < ARRAY_LENGTH(agent->flying); i++)
        if (agent->flyers[i] == held)
            return &agent->flying[i];
    return NULL;
}

/* Another task of the epoch has an act on its way. */
static bool is_blocked(const struct agent *agent, const struct held *held)
{
    for (size_t i = 0; i < ARRAY_LENGTH(agent->flying); i++)
        if (agent->flyers[i] != NULL && agent->flyers[i]->order.number == held->order.number)
            return true;
    return false;
}

/* The order in which an epoch's instructions follow one another, however they arrive. */
static uint64_t rank(const struct order *order)
{
    static const unsigned ranks[EPOCH_INSTRUCTION_COUNT] = {
        [EPOCH_INSTRUCTION_RESOLVE] = 0, [EPOCH_INSTRUCTION_SNAPSHOT] = 1,
        [EPOCH_INSTRUCTION_DISARM] = 1,  [EPOCH_INSTRUCTION_TRANSFER] = 2,
        [EPOCH_INSTRUCTION_COMMIT] = 3,  [EPOCH_INSTRUCTION_ROLLBACK] = 4,
        [EPOCH_INSTRUCTION_SETTLE] = 5,  [EPOCH_INSTRUCTION_DISCARD] = 6,
        [EPOCH_INSTRUCTION_RETIRE] = 7};
    return ((uint64_t)order->attempt * 8 + ranks[order->kind]) * 100000 + order->try;
}

static bool is_superseded(const struct agent *agent, const struct held *held)
{
    for (size_t i = 0; i < agent->held_count; i++) {
        const struct order *other = &agent->held[i]->order;
        bool moment = held->order.kind == EPOCH_INSTRUCTION_SNAPSHOT &&
                      other->kind == EPOCH_INSTRUCTION_DISARM;
        if (other->number == held->order.number && !moment && rank(other) > rank(&held->order))
            return true;
    }
    return false;
}

static void finish(struct world *world, struct held *held, enum held_status status,
                   enum error_code code, json_t *result)
{
    bool disarmed = held->order.kind == EPOCH_INSTRUCTION_DISARM && status == HELD_DONE &&
                    !json_is_true(json_object_get(result, "fired"));
    if (disarmed)
        check_disarmed(world, held->order.number, held->order.attempt);
    held->status = status;
    held->code = code;
    held->blind = false;
    if (result != NULL) {
        struct buffer text;
        buffer_init(&text, 0);
        json_print(result, true, &text);
        free(held->result);
        held->result = buffer_take(&text);
        json_decref(result);
    }
    trace(world, "%s %s e%" PRIu64 ".a%u try %u: %s %s",
          held->order.side == EPOCH_SIDE_A ? "A" : "B", epoch_instruction_name(held->order.kind),
          held->order.number, held->order.attempt, held->order.try,
          status == HELD_DONE     ? "done"
          : status == HELD_FAILED ? "failed"
                                  : held->question,
          code == ERROR_OK ? "" : error_name(code));
    write_status(world, held);
}

/* A mistake that the checkers must find: what was done is undone because nobody said that it was.
 */
static void undo_unanswered(struct world *world, struct held *held, const struct op *op)
{
    struct op undo = *op;
    undo.kind = OP_UNSNAPSHOT;
    undo.text = NULL;
    memcpy(undo.name, held->order.snapshot, sizeof undo.name);
    for (undo.member = 0; undo.member < world->clusters[AGENT_B]->member_count; undo.member++)
        op_apply(world, &undo);
    finish(world, held, HELD_FAILED, ERROR_IO, NULL);
}

static void op_lands(struct world *world, void *data)
{
    struct held *held = data;
    struct agent *agent = agent_of(world, held);
    struct op **flight = flight_of(agent, held), *op;
    CHECK(flight != NULL);
    op = *flight;
    agent->flyers[flight - agent->flying] = NULL;
    *flight = NULL;
    bool arrives = !mishap(world, 15), answered = !mishap(world, 20);
    bool changed = arrives && op_apply(world, op);
    trace(world, "%s %s e%" PRIu64 ".a%u: %s %s%d %s%s%s%s", agent->process == AGENT_A ? "A" : "B",
          epoch_instruction_name(held->order.kind), held->order.number, held->order.attempt,
          op_name(op->kind), op->cluster == AGENT_A ? "a" : "b", op->member, op->path,
          op->to[0] == '\0' ? "" : " to ", op->to,
          !arrives  ? " (lost)"
          : changed ? ""
                    : " (nothing)");
    if (arrives && !answered && world->defect == DEFECT_LOST_REPLY &&
        held->order.kind == EPOCH_INSTRUCTION_COMMIT)
        undo_unanswered(world, held, op);
    else if (chaos_refuses(world, held))
        finish(world, held, HELD_FAILED, ERROR_NO_SPACE, NULL);
    else if (mishap(world, 5))
        finish(world, held, HELD_FAILED, arrives ? ERROR_UNCERTAIN : ERROR_UNAVAILABLE, NULL);
    else
        schedule(world, held, answered ? 0 : 500 * MS);
    op_free(op);
}

static void let_fly(struct world *world, struct held *held, const struct op *op)
{
    struct agent *agent = agent_of(world, held);
    for (size_t i = 0; i < ARRAY_LENGTH(agent->flying); i++) {
        if (agent->flyers[i] != NULL)
            continue;
        agent->flyers[i] = held;
        agent->flying[i] = op_copy(op);
        chaos_crash_soon(world, agent->process, 4);
        later(world, chance_us(world, 500, mishap(world, 20) ? SECOND : 12 * MS), agent->process,
              op_lands, held, NULL);
        return;
    }
    schedule(world, held, 5 * MS); /* as many as there are executors */
}

static void act(struct world *world, struct held *held, struct decision *decision)
{
    switch (decision->kind) {
    case DECIDE_OP:
        let_fly(world, held, &decision->op);
        break;
    case DECIDE_PHASE:
        snprintf(held->phase, sizeof held->phase, "%s", decision->phase);
        write_status(world, held);
        break;
    case DECIDE_WAIT:
        schedule(world, held, decision->until_us - world->now_us);
        break;
    case DECIDE_DONE:
        finish(world, held, HELD_DONE, ERROR_OK, decision->result);
        break;
    case DECIDE_FAIL:
        finish(world, held, HELD_FAILED, decision->code, decision->result);
        break;
    case DECIDE_ASK:
        snprintf(held->question, sizeof held->question, "%s", decision->question);
        finish(world, held, HELD_WAITING, ERROR_CONFLICT, NULL);
        break;
    }
    free(decision->op.text);
}

static void tick(struct world *world, void *data)
{
    struct held *held = data;
    struct agent *agent = agent_of(world, held);
    struct decision decision = {.kind = DECIDE_FAIL, .code = ERROR_INVALID};
    if (held->status != HELD_RUNNING || flight_of(agent, held) != NULL)
        return;
    if (is_blocked(agent, held)) {
        schedule(world, held, 2 * MS);
        return;
    }
    if (is_superseded(agent, held)) {
        finish(world, held, HELD_FAILED, ERROR_CANCELED, NULL);
        return;
    }
    struct task task = {.world = world,
                        .agent = agent,
                        .held = held,
                        .order = &held->order,
                        .a = world->clusters[AGENT_A],
                        .b = world->clusters[AGENT_B]};
    task.area_a = area_find(task.a, held->order.number, held->order.attempt);
    task.area_b = area_find(task.b, held->order.number, held->order.attempt);
    tasks[held->order.kind](&task, &decision);
    act(world, held, &decision);
}

static struct held *find_held(const struct agent *agent, const char *key)
{
    for (size_t i = 0; i < agent->held_count; i++)
        if (strcmp(agent->held[i]->key, key) == 0)
            return agent->held[i];
    return NULL;
}

static void reply(struct world *world, const struct agent *agent, const struct message *to,
                  enum message_kind kind)
{
    struct message message = {.kind = kind, .from = agent->process, .to = to->from};
    message.generation = world->clusters[agent->process]->fence;
    memcpy(message.key, to->key, sizeof message.key);
    network_send(world, &message);
}

static void take_in(struct world *world, struct agent *agent, const struct message *message)
{
    struct held *held = memory_new(sizeof *held);
    CHECK(agent->held_count < HELD_MAX);
    memcpy(held->key, message->key, sizeof held->key);
    held->body = memory_copy_string(message->text);
    CHECK(order_read(held->body, &held->order));
    agent->held[agent->held_count++] = held;
    check_accepted(world, agent->process, message->generation);
    write_status(world, held);
}

static void put_again(struct world *world, struct agent *agent, struct held *held,
                      const struct message *message)
{
    if (strcmp(held->body, message->text) != 0) {
        check_taken(world, agent->process, message->key, message->text);
        reply(world, agent, message, MESSAGE_CONFLICT);
    } else if (world->defect == DEFECT_DUPLICATE && held->status == HELD_DONE) {
        held->status = HELD_RUNNING;
        held->blind = true;
        schedule(world, held, 0);
    } else if (held->visible != NULL) {
        tell(world, agent, held);
    }
}

/* The fence lies in the area: it outlives the agent's journal. */
static bool is_fenced(struct world *world, struct agent *agent, const struct message *message)
{
    struct cluster *cluster = world->clusters[agent->process];
    if (message->generation > cluster->fence)
        cluster->fence = message->generation;
    bool asks = message->generation == 0;
    if ((message->generation == cluster->fence && !asks) ||
        (!asks && world->defect == DEFECT_FENCE))
        return false;
    reply(world, agent, message, MESSAGE_FENCED);
    return true;
}

void agent_receive(struct world *world, struct agent *agent, const struct message *message)
{
    struct held *held = find_held(agent, message->key);
    if (is_fenced(world, agent, message))
        return;
    if (message->kind == MESSAGE_INSPECT)
        agent_inspect(world, agent, message);
    else if (message->kind == MESSAGE_PUT && held == NULL)
        take_in(world, agent, message);
    else if (message->kind == MESSAGE_PUT)
        put_again(world, agent, held, message);
    else if (held == NULL)
        reply(world, agent, message, MESSAGE_UNKNOWN);
    else if (held->visible != NULL)
        tell(world, agent, held);
}

static void late_op(struct world *world, void *data)
{
    const struct op *op = data;
    bool changed = op_apply(world, op);
    trace(world, "late %s %s %s: %s", op_name(op->kind), op->path, op->to,
          changed ? "done" : "nothing");
}

/* What had left may have arrived, may be lost, or arrives much later. Files of the area are written
 * under temporary names of one life: only the renaming of the seal can come late. */
static void release_flight(struct world *world, const struct op *op)
{
    struct op *late = op_copy(op);
    bool may_be_late = op->kind < OP_AREA_BODY || op->kind == OP_AREA_SEAL_RENAME;
    late->is_late = true;
    if (coin(world, 500))
        op_apply(world, op);
    else if (may_be_late && coin(world, 500))
        later(world, chance_us(world, MS, 8 * SECOND), NOBODY, late_op, op_copy(late), op_free);
    op_free(late);
}

void agent_crash(struct world *world, struct agent *agent, bool journal_too)
{
    for (size_t i = 0; i < ARRAY_LENGTH(agent->flying); i++)
        if (agent->flyers[i] != NULL)
            release_flight(world, agent->flying[i]);
    world->is_up[agent->process] = false;
    world->incarnations[agent->process]++;
    forget_memory(agent);
    if (journal_too) {
        durable_wipe(&agent->journal);
        check_forget_taken(world, agent->process);
    } else {
        durable_crash(world, &agent->journal);
    }
}

static struct agent *replaying;

static void take_back(struct world *world, const char *key, const char *text)
{
    struct held *held = held_read(key, text);
    CHECK(replaying->held_count < HELD_MAX);
    replaying->held[replaying->held_count++] = held;
    if (held->status == HELD_RUNNING)
        schedule(world, held, chance_us(world, 0, 10 * MS));
}

void agent_start(struct world *world, struct agent *agent)
{
    world->is_up[agent->process] = true;
    replaying = agent;
    durable_replay(world, &agent->journal, take_back);
}
