/* sim_checker.c: see sim_checker.h. */
#include "sim_checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_agent.h"
#include "sim_chaos.h"
#include "sim_control.h"

struct version {
    int member;
    int64_t at_us;
    struct tree tree;
};

struct taken {
    enum process agent;
    char key[DIGEST_TEXT_SIZE];
    struct digest body;
};

struct history {
    struct version *versions; /* in the order of time */
    size_t version_count, version_capacity;
    struct taken *taken;
    size_t taken_count, taken_capacity;
    uint64_t fences[2];   /* highest generation that an agent has taken an order of */
    uint64_t sealed[256]; /* numbers */
    size_t sealed_count;
    bool base_forgiven;
    uint64_t recovered_generation;
    uint64_t disarmed[256]; /* number * 256 + attempt */
    size_t disarmed_count;
};

struct history *history_new(void)
{
    return memory_new(sizeof(struct history));
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->version_count; i++)
        tree_fini(&history->versions[i].tree);
    free(history->versions);
    free(history->taken);
    free(history);
}

void check_remember_source(struct world *world, int member)
{
    struct history *history = world->history;
    if (history->version_count == history->version_capacity) {
        history->version_capacity =
            history->version_capacity == 0 ? 64 : 2 * history->version_capacity;
        history->versions =
            memory_resize(history->versions, history->version_capacity * sizeof(struct version));
    }
    history->versions[history->version_count++] =
        (struct version){.member = member,
                         .at_us = world->now_us,
                         .tree = tree_copy(&world->clusters[AGENT_A]->live[member])};
}

void check_accepted(struct world *world, enum process agent, uint64_t generation)
{
    struct history *history = world->history;
    if (generation < history->fences[agent])
        violate(world, "G5: an order of generation %" PRIu64 " is taken after one of %" PRIu64,
                generation, history->fences[agent]);
    history->fences[agent] = generation;
}

void check_taken(struct world *world, enum process agent, const char *key, const char *body)
{
    struct history *history = world->history;
    struct digest digest = digest_of(body, strlen(body));
    for (size_t i = 0; i < history->taken_count; i++) {
        const struct taken *taken = &history->taken[i];
        if (taken->agent != agent || strcmp(taken->key, key) != 0)
            continue;
        if (!digest_equal(&taken->body, &digest))
            violate(world, "G5: two bodies under one key, the second is %.300s", body);
        return;
    }
    if (history->taken_count == history->taken_capacity) {
        history->taken_capacity = history->taken_capacity == 0 ? 64 : 2 * history->taken_capacity;
        history->taken =
            memory_resize(history->taken, history->taken_capacity * sizeof(struct taken));
    }
    struct taken *taken = &history->taken[history->taken_count++];
    *taken = (struct taken){.agent = agent, .body = digest};
    memcpy(taken->key, key, strnlen(key, sizeof taken->key - 1));
}

void check_forget_taken(struct world *world, enum process agent)
{
    struct history *history = world->history;
    size_t kept = 0;
    for (size_t i = 0; i < history->taken_count; i++)
        if (history->taken[i].agent != agent)
            history->taken[kept++] = history->taken[i];
    history->taken_count = kept;
}

void check_forgive_base(struct world *world)
{
    world->history->base_forgiven = true;
}

void check_recovered(struct world *world)
{
    world->history->recovered_generation = world->control->generation;
}

static bool is_recorded(const struct world *world, const struct order *order)
{
    const struct epoch *epoch = control_find(world->control, order->number);
    if (order->generation < world->history->recovered_generation)
        return true;
    return epoch != NULL && (order->attempt < epoch->attempt ||
                             (order->attempt == epoch->attempt &&
                              order->try <= epoch->instructions[order->kind][order->side].try));
}

void check_orders_are_recorded(struct world *world)
{
    for (int agent = AGENT_A; agent <= AGENT_B; agent++)
        for (size_t i = 0; i < world->agents[agent]->held_count; i++) {
            const struct order *order = &world->agents[agent]->held[i]->order;
            if (!is_recorded(world, order))
                violate(world, "G5: %s of e%" PRIu64 ".a%u left before its record was durable",
                        epoch_instruction_name(order->kind), order->number, order->attempt);
        }
}

void check_disarmed(struct world *world, uint64_t number, unsigned attempt)
{
    struct history *history = world->history;
    CHECK(history->disarmed_count < ARRAY_LENGTH(history->disarmed));
    history->disarmed[history->disarmed_count++] = number * 256 + attempt;
}

static void check_not_disarmed(struct world *world, const struct op *op)
{
    const struct history *history = world->history;
    for (size_t i = 0; i < history->disarmed_count; i++)
        if (history->disarmed[i] == op->number * 256 + op->attempt)
            violate(world, "G5: e%" PRIu64 ".a%u is taken after 'not fired' was answered",
                    op->number, op->attempt);
}

static const struct area *find_sealed(const struct cluster *cluster, uint64_t number)
{
    for (size_t i = 0; i < cluster->area_count; i++)
        if (cluster->areas[i]->number == number && cluster->areas[i]->sealed)
            return cluster->areas[i];
    return NULL;
}

/* The base is a pair: while A holds it, B's half must stay too. */
static void check_unsnapshot(struct world *world, const struct op *op)
{
    const struct cluster *a = world->clusters[AGENT_A], *b = world->clusters[AGENT_B];
    const struct area *newest = newest_seal(b), *held = find_sealed(b, a->hold);
    bool forgiven = world->history->base_forgiven || a->is_lost;
    if (strcmp(op->name, OWNER_FOREIGN) == 0)
        violate(world, "G6: a foreign snapshot is deleted");
    if (!forgiven && held != NULL && strcmp(held->name, op->name) == 0)
        violate(world, "G6: %s is deleted on %s, A's hold names it", op->name,
                op->cluster == AGENT_A ? "A" : "B");
    if (op->cluster == AGENT_B && newest != NULL && strcmp(newest->name, op->name) == 0)
        violate(world, "G6: %s is deleted on B, it is the newest seal", op->name);
}

void check_before_op(struct world *world, const struct op *op)
{
    const struct tree *live = &world->clusters[op->cluster]->live[op->member];
    if (op->kind == OP_UNSNAPSHOT && op->number != 0)
        check_unsnapshot(world, op);
    if (op->cluster == AGENT_A && op->kind == OP_SNAPSHOT && !op->is_late)
        check_not_disarmed(world, op);
    if (op->cluster == AGENT_A && op->kind < OP_SNAPSHOT)
        violate(world, "G6: the source is changed: %s %s", op_name(op->kind), op->path);
    if (op->kind == OP_REMOVE)
        for (size_t i = 0; i < live->count; i++)
            if (live->nodes[i].is_foreign && tree_is_below(live->nodes[i].path, op->path))
                violate(world, "G6: %s removes %s, which others made", op->path,
                        live->nodes[i].path);
}

void check_after_op(struct world *world, const struct op *op)
{
    const struct area *newest = newest_seal(world->clusters[AGENT_B]);
    bool inside = tree_is_staging(op->path) && (op->to[0] == '\0' || tree_is_staging(op->to));
    if (op->cluster != AGENT_B || op->kind >= OP_SNAPSHOT || inside || newest == NULL)
        return;
    if (op->number <= newest->number)
        violate(world, "G5: an order of epoch %" PRIu64 " changes %s after seal %" PRIu64,
                op->number, op->path, newest->number);
}

/* The source between two changes: what was there at the instant, or came in the same microsecond.
 */
static bool was_source(const struct history *history, int member, int64_t instant_us,
                       const struct tree *tree)
{
    const struct version *before = NULL, *at = NULL;
    for (size_t i = 0; i < history->version_count; i++) {
        const struct version *version = &history->versions[i];
        if (version->member != member || version->at_us > instant_us)
            continue;
        before = version->at_us < instant_us ? version : before;
        at = version;
    }
    return (at != NULL && tree_difference(tree, &at->tree, true) == NULL) ||
           (before != NULL && tree_difference(tree, &before->tree, true) == NULL);
}

static void check_member(struct world *world, const struct cluster *cluster, int member,
                         const char *name, int64_t instant_us, uint64_t number)
{
    const struct snapshot *snapshot = snapshot_find(cluster, member, name);
    if (snapshot == NULL)
        violate(world, "G3: seal %" PRIu64 " names a snapshot that is not there", number);
    else if (tree_find(&snapshot->tree, STAGING) != NULL)
        violate(world, "G1: seal %" PRIu64 " has staging in it", number);
    else if (!was_source(world->history, member, instant_us, &snapshot->tree))
        violate(world, "G1: seal %" PRIu64 ", member %d is not the source at its moment", number,
                member);
}

static void check_times(struct world *world, const json_t *seal, int64_t first, int64_t last)
{
    int64_t t_us = json_time_or(seal, "t_us", 0), skew_us = json_integer_or(seal, "skew_us", -1);
    enum grade grade;
    if (first < t_us || skew_us < last - first)
        violate(world, "G1: instants %" PRId64 " to %" PRId64 ", T %" PRId64 ", skew %" PRId64,
                first, last, t_us, skew_us);
    if (!grade_from_name(json_string_or(seal, "grade", ""), &grade))
        violate(world, "G1: a seal without its grade");
}

void check_seal(struct world *world, const struct cluster *cluster, const struct area *area)
{
    struct history *history = world->history;
    struct error error = ERROR_NONE;
    json_t *seal = NULL;
    int64_t first = INT64_MAX, last = 0;
    CHECK(json_parse(area->seal, strlen(area->seal), &seal, &error));
    const json_t *instants = json_object_get(seal, "instants");
    for (int i = 0; i < cluster->member_count; i++) {
        int64_t instant = json_integer_value(json_array_get(instants, (size_t)i));
        first = instant < first ? instant : first;
        last = instant > last ? instant : last;
        check_member(world, cluster, i, json_string_or(seal, "snapshot", ""), instant,
                     area->number);
    }
    check_times(world, seal, first, last);
    for (size_t i = 0; i < history->sealed_count; i++)
        if (history->sealed[i] == area->number)
            violate(world, "G5: epoch %" PRIu64 " is sealed twice", area->number);
    CHECK(history->sealed_count < ARRAY_LENGTH(history->sealed));
    history->sealed[history->sealed_count++] = area->number;
    trace(world, "seal e%" PRIu64 ".a%u", area->number, area->attempt);
    json_decref(seal);
}

void check_told_sealed(struct world *world, uint64_t number)
{
    if (find_sealed(world->clusters[AGENT_B], number) == NULL)
        violate(world, "G3: epoch %" PRIu64 " is said to be sealed, B has no seal", number);
}

void check_seals_known(struct world *world)
{
    const struct cluster *b = world->clusters[AGENT_B];
    for (size_t i = 0; i < world->control->epoch_count; i++) {
        const struct epoch *epoch = world->control->epochs[i];
        const struct area *area = find_sealed(b, epoch->number);
        char name[EPOCH_NAME_SIZE];
        if (epoch->state != EPOCH_SEALED || epoch->retiring)
            continue;
        epoch_snapshot_name(epoch, name);
        if (area == NULL || (!area->retired && !snapshots_complete(b, name)))
            violate(world, "G3: epoch %" PRIu64 " is sealed for the device, not on B",
                    epoch->number);
    }
}

void check_state(struct world *world, const struct epoch *epoch)
{
    bool known = epoch->cause.code == ERROR_NO_SPACE || error_is_retriable(epoch->cause.code);
    if (epoch->state == EPOCH_STUCK && !known)
        violate(world, "epoch %" PRIu64 " is stuck without a cause: %s", epoch->number,
                epoch->cause.text);
}

static void check_live_is_newest_seal(struct world *world)
{
    const struct cluster *b = world->clusters[AGENT_B];
    const struct area *newest = newest_seal(b);
    for (int member = 0; member < b->member_count; member++) {
        static const struct tree nothing;
        const struct tree *expected = newest == NULL ? &nothing : &newest->manifest[member];
        const char *path = tree_difference(&b->live[member], expected, false);
        if (path != NULL)
            violate(world, "G2: at rest, member %d of B is not epoch %" PRIu64 ": %s", member,
                    newest == NULL ? 0 : newest->number, path);
    }
}

static void check_nothing_foreign_is_gone(struct world *world)
{
    const struct cluster *b = world->clusters[AGENT_B];
    size_t found = b->saved.count;
    for (int member = 0; member < b->member_count; member++)
        for (size_t i = 0; i < b->live[member].count; i++)
            found += b->live[member].nodes[i].is_foreign;
    if (found != world->chaos->foreign_count)
        violate(world, "G6: others made %u files on B, %zu are left", world->chaos->foreign_count,
                found);
    for (int cluster = AGENT_A; cluster <= AGENT_B; cluster++)
        if (snapshot_find(world->clusters[cluster], 0, OWNER_FOREIGN) == NULL)
            violate(world, "G6: a foreign snapshot is gone");
}

static void check_all_seals_are_known(struct world *world)
{
    const struct cluster *b = world->clusters[AGENT_B];
    for (size_t i = 0; i < b->area_count; i++) {
        const struct area *area = b->areas[i];
        const struct epoch *epoch = control_find(world->control, area->number);
        if (area->sealed && !area->retired && (epoch == NULL || epoch->state != EPOCH_SEALED))
            violate(world, "G3: the device does not know seal %" PRIu64, area->number);
    }
}

void check_end(struct world *world)
{
    check_live_is_newest_seal(world);
    check_nothing_foreign_is_gone(world);
    check_seals_known(world);
    check_all_seals_are_known(world);
}
