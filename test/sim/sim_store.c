/* sim_store.c: see sim_store.h. */
#include "sim_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim_chaos.h"
#include "sim_checker.h"

struct cluster *cluster_new(enum process agent, int member_count)
{
    struct cluster *cluster = memory_new(sizeof *cluster);
    CHECK(member_count <= MEMBERS_MAX);
    cluster->agent = agent;
    cluster->member_count = member_count;
    return cluster;
}

static void area_free(struct area *area)
{
    for (int i = 0; i < MEMBERS_MAX; i++) {
        steps_fini(&area->steps[i]);
        tree_fini(&area->manifest[i]);
    }
    free(area->body);
    free(area->seal);
    free(area);
}

void cluster_free(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->area_count; i++)
        area_free(cluster->areas[i]);
    for (size_t i = 0; i < cluster->snapshot_count; i++)
        tree_fini(&cluster->snapshots[i].tree);
    for (int i = 0; i < MEMBERS_MAX; i++)
        tree_fini(&cluster->live[i]);
    tree_fini(&cluster->saved);
    free(cluster->snapshots);
    free(cluster);
}

struct area *area_find(const struct cluster *cluster, uint64_t number, unsigned attempt)
{
    for (size_t i = 0; i < cluster->area_count; i++)
        if (cluster->areas[i]->number == number && cluster->areas[i]->attempt == attempt)
            return cluster->areas[i];
    return NULL;
}

struct area *area_get(struct cluster *cluster, uint64_t number, unsigned attempt)
{
    struct area *area = area_find(cluster, number, attempt);
    if (area != NULL)
        return area;
    CHECK(cluster->area_count < ARRAY_LENGTH(cluster->areas));
    area = memory_new(sizeof *area);
    area->number = number;
    area->attempt = attempt;
    cluster->areas[cluster->area_count++] = area;
    return area;
}

struct area *newest_seal(const struct cluster *cluster)
{
    struct area *newest = NULL;
    for (size_t i = 0; i < cluster->area_count; i++) {
        struct area *area = cluster->areas[i];
        if (area->sealed && !area->retired && (newest == NULL || area->number > newest->number))
            newest = area;
    }
    return newest;
}

const char *newest_name(const struct cluster *cluster)
{
    const struct area *newest = newest_seal(cluster);
    return newest == NULL ? "" : newest->name;
}

struct snapshot *snapshot_find(const struct cluster *cluster, int member, const char *name)
{
    for (size_t i = 0; i < cluster->snapshot_count; i++)
        if (cluster->snapshots[i].member == member && strcmp(cluster->snapshots[i].name, name) == 0)
            return &cluster->snapshots[i];
    return NULL;
}

bool snapshots_complete(const struct cluster *cluster, const char *name)
{
    for (int i = 0; i < cluster->member_count; i++)
        if (snapshot_find(cluster, i, name) == NULL)
            return false;
    return true;
}

static bool take_snapshot(struct world *world, struct cluster *cluster, const struct op *op)
{
    if (snapshot_find(cluster, op->member, op->name) != NULL)
        return false;
    cluster->snapshots =
        memory_resize(cluster->snapshots, (cluster->snapshot_count + 1) * sizeof(struct snapshot));
    struct snapshot *snapshot = &cluster->snapshots[cluster->snapshot_count++];
    *snapshot = (struct snapshot){.member = op->member, .instant_us = world->now_us};
    snprintf(snapshot->name, sizeof snapshot->name, "%s", op->name);
    snapshot->tree = tree_copy(&cluster->live[op->member]);
    return true;
}

static bool remove_snapshot(struct world *world, struct cluster *cluster, const struct op *op)
{
    (void)world;
    struct snapshot *snapshot = snapshot_find(cluster, op->member, op->name);
    if (snapshot == NULL)
        return false;
    tree_fini(&snapshot->tree);
    *snapshot = cluster->snapshots[--cluster->snapshot_count];
    return true;
}

static bool save_node(struct world *world, struct cluster *cluster, const struct op *op)
{
    (void)world;
    const struct node *node = tree_find(&cluster->live[op->member], op->path);
    if (node == NULL)
        return false;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%zu", cluster->saved.count);
    CHECK(tree_add(&cluster->saved, path, node->id, node->version, false));
    return tree_remove(&cluster->live[op->member], op->path);
}

/* Reads both clusters, as the intake of an agent does. */
static bool make_plan(struct world *world, struct cluster *cluster, const struct op *op)
{
    struct area *area = area_get(cluster, op->number, op->attempt);
    const struct cluster *source = world->clusters[AGENT_A];
    if (source->is_lost || area->has_plan)
        return false;
    for (int i = 0; i < cluster->member_count; i++) {
        static const struct tree nothing;
        const struct snapshot *now = snapshot_find(source, i, op->name);
        const struct snapshot *base_a = snapshot_find(source, i, op->base_a);
        const struct snapshot *base_b = snapshot_find(cluster, i, op->base_b);
        const struct tree *base = base_b == NULL ? &nothing : &base_b->tree;
        if (now == NULL || (base_a == NULL && !op->by_path))
            return false;
        area->steps[i] = steps_make(op->by_path ? base : &base_a->tree, &now->tree, op->by_path,
                                    world->defect == DEFECT_PARK_ASCENDING);
        area->manifest[i] = tree_copy(&now->tree);
    }
    memcpy(area->name, op->name, sizeof area->name);
    memcpy(area->base_name, op->base_b, sizeof area->base_name);
    area->has_plan = true;
    return true;
}

static void set_text(char **slot, const struct op *op)
{
    free(*slot);
    *slot = memory_copy_string(op->text);
}

static bool set_moment(struct world *world, struct cluster *cluster, const struct op *op)
{
    struct area *area = area_get(cluster, op->number, op->attempt);
    (void)world;
    for (int i = 0; i < cluster->member_count; i++) {
        const struct snapshot *snapshot = snapshot_find(cluster, i, op->name);
        if (snapshot == NULL)
            return false;
        area->instants_us[i] = snapshot->instant_us;
    }
    return area->has_moment = true;
}

/* The one atomic step of an epoch. */
static bool rename_seal(struct world *world, struct cluster *cluster, const struct op *op)
{
    struct area *area = area_get(cluster, op->number, op->attempt);
    if (!area->seal_written || area->sealed || area->retired)
        return false;
    area->seal_written = false;
    area->sealed = true;
    chaos_race(world, area->number);
    check_seal(world, cluster, area);
    return true;
}

#define AREA_OP(name, statement)                                                        \
    static bool name(struct world *world, struct cluster *cluster, const struct op *op) \
    {                                                                                   \
        struct area *area = area_get(cluster, op->number, op->attempt);                 \
        (void)world;                                                                    \
        statement;                                                                      \
        return true;                                                                    \
    }
AREA_OP(set_body, set_text(&area->body, op))
AREA_OP(set_disarmed, area->disarmed = true)
AREA_OP(set_discarded, area->discarded = true)
AREA_OP(set_received, area->received = true)
AREA_OP(set_unreceived, area->received = false)
AREA_OP(set_mark, area->marks |= op->mark)
AREA_OP(forget_seal, area->seal_written = false)
AREA_OP(set_settled, area->settled = true)
AREA_OP(set_retired, (area->settled = false, area->retired = true))
AREA_OP(write_seal, (set_text(&area->seal, op), area->seal_written = true))

static bool set_hold(struct world *world, struct cluster *cluster, const struct op *op)
{
    (void)world;
    cluster->hold = op->number > cluster->hold ? op->number : cluster->hold;
    return true;
}

#define LIVE_OP(name, result)                                                           \
    static bool name(struct world *world, struct cluster *cluster, const struct op *op) \
    {                                                                                   \
        struct tree *live = &cluster->live[op->member];                                 \
        (void)world;                                                                    \
        return result;                                                                  \
    }
LIVE_OP(make_directory, tree_add(live, op->path, op->id, 0, true))
LIVE_OP(write_file, tree_add(live, op->path, op->id, op->version, false))
LIVE_OP(rename_node, tree_rename(live, op->path, op->to))
LIVE_OP(remove_empty, tree_remove_empty(live, op->path))
LIVE_OP(remove_node, tree_remove(live, op->path))

static const struct {
    const char *name;
    bool (*apply)(struct world *world, struct cluster *cluster, const struct op *op);
} ops[] = {
    [OP_MAKE_DIRECTORY] = {"make-directory", make_directory},
    [OP_WRITE] = {"write", write_file},
    [OP_RENAME] = {"rename", rename_node},
    [OP_REMOVE_EMPTY] = {"remove-empty", remove_empty},
    [OP_REMOVE] = {"remove", remove_node},
    [OP_SAVE] = {"save", save_node},
    [OP_SNAPSHOT] = {"snapshot", take_snapshot},
    [OP_UNSNAPSHOT] = {"unsnapshot", remove_snapshot},
    [OP_AREA_BODY] = {"body", set_body},
    [OP_AREA_DISARMED] = {"disarmed", set_disarmed},
    [OP_AREA_DISCARDED] = {"discarded", set_discarded},
    [OP_AREA_MOMENT] = {"moment", set_moment},
    [OP_AREA_PLAN] = {"plan", make_plan},
    [OP_AREA_RECEIVED] = {"received", set_received},
    [OP_AREA_MARK] = {"mark", set_mark},
    [OP_AREA_SEAL_WRITE] = {"seal-write", write_seal},
    [OP_AREA_SEAL_FORGET] = {"seal-forget", forget_seal},
    [OP_AREA_SEAL_RENAME] = {"seal-rename", rename_seal},
    [OP_AREA_UNRECEIVED] = {"unreceived", set_unreceived},
    [OP_AREA_SETTLED] = {"settled", set_settled},
    [OP_AREA_HOLD] = {"hold", set_hold},
    [OP_AREA_RETIRED] = {"retired", set_retired},
};

bool op_apply(struct world *world, const struct op *op)
{
    struct cluster *cluster = world->clusters[op->cluster];
    if (cluster->is_lost)
        return false;
    check_before_op(world, op);
    bool changed = ops[op->kind].apply(world, cluster, op);
    if (changed)
        check_after_op(world, op);
    return changed;
}

const char *op_name(enum op_kind kind)
{
    CHECK(kind < ARRAY_LENGTH(ops));
    return ops[kind].name;
}

struct op *op_copy(const struct op *op)
{
    struct op *copy = memory_new(sizeof *copy);
    *copy = *op;
    copy->text = memory_copy_string(op->text);
    return copy;
}

void op_free(void *data)
{
    struct op *op = data;
    free(op->text);
    free(op);
}
