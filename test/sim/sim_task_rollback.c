/* sim_task_rollback.c: agent B's way back to the base, without A; and the tasks that remove what
 * an epoch made: discard, retire. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_agent.h"

static struct op *member_op(const struct task *task, struct decision *decision, enum op_kind kind,
                            int member, const char *path)
{
    struct op *op = decide_op(task, decision, kind, AGENT_B);
    op->member = member;
    CHECK(snprintf(op->path, sizeof op->path, "%s", path) < (int)sizeof op->path);
    return op;
}

static void mark(const struct task *task, struct decision *decision, enum mark bit)
{
    decide_op(task, decision, OP_AREA_MARK, AGENT_B)->mark = bit;
}

static const struct tree *base_of(const struct task *task, int member)
{
    static const struct tree nothing;
    const struct snapshot *base = snapshot_find(task->b, member, task->area_b->base_name);
    return base == NULL ? &nothing : &base->tree;
}

/* The deepest of ours that the base does not have, or has otherwise. */
static const struct node *find_surplus(const struct tree *live, const struct tree *base)
{
    const struct node *deepest = NULL;
    for (size_t i = 0; i < live->count; i++) {
        const struct node *node = &live->nodes[i], *there = tree_find(base, node->path);
        bool same = there != NULL && there->version == node->version &&
                    there->is_directory == node->is_directory;
        if (same || node->is_foreign || tree_is_staging(node->path))
            continue;
        if (deepest == NULL || strcmp(node->path, deepest->path) > 0)
            deepest = node;
    }
    return deepest;
}

static const struct node *find_lacking(const struct tree *live, const struct tree *base)
{
    const struct node *highest = NULL;
    for (size_t i = 0; i < base->count; i++)
        if (tree_find(live, base->nodes[i].path) == NULL &&
            (highest == NULL || strcmp(base->nodes[i].path, highest->path) < 0))
            highest = &base->nodes[i];
    return highest;
}

/* A foreign object in the way is moved aside: it was asked for by the rollback itself. */
static bool save_obstacle(const struct task *task, struct decision *decision, int member,
                          const char *path)
{
    const struct tree *live = &task->b->live[member];
    for (size_t i = 0; i < live->count; i++)
        if (live->nodes[i].is_foreign && tree_is_below(live->nodes[i].path, path)) {
            member_op(task, decision, OP_SAVE, member, live->nodes[i].path);
            return true;
        }
    return false;
}

/* Nothing is written or removed at its place: objects come out of staging and go into staging, by
 * renames, so that a late act finds no source or no parent. True: an act was needed for that. */
static bool needs_staging(const struct task *task, struct decision *decision, int member)
{
    const struct tree *live = &task->b->live[member];
    char staging[PATH_SIZE];
    const char *path = NULL;
    path_in_staging(task, "", staging);
    if (tree_find(live, STAGING) == NULL)
        path = STAGING;
    else if (tree_find(live, staging) == NULL)
        path = staging;
    if (path != NULL)
        member_op(task, decision, OP_MAKE_DIRECTORY, member, path);
    return path != NULL;
}

static void put_aside(const struct task *task, struct decision *decision, int member,
                      const struct node *node)
{
    const struct tree *live = &task->b->live[member];
    char staged[PATH_SIZE], name[24];
    unsigned count = 0;
    do
        snprintf(name, sizeof name, "surplus%u", count++);
    while (tree_find(live, path_in_staging(task, name, staged)) != NULL);
    if (!save_obstacle(task, decision, member, node->path))
        memcpy(member_op(task, decision, OP_RENAME, member, node->path)->to, staged, sizeof staged);
}

/* A copy out of the base's seal. */
static void copy_back(const struct task *task, struct decision *decision, int member,
                      const struct node *node)
{
    const struct tree *live = &task->b->live[member];
    char staged[PATH_SIZE], name[24];
    unsigned index = (unsigned)(node - base_of(task, member)->nodes);
    snprintf(name, sizeof name, "back%u", index);
    path_in_staging(task, name, staged);
    if (tree_find(live, staged) != NULL) {
        memcpy(member_op(task, decision, OP_RENAME, member, staged)->to, node->path, PATH_SIZE);
        return;
    }
    struct op *op = member_op(task, decision, node->is_directory ? OP_MAKE_DIRECTORY : OP_WRITE,
                              member, staged);
    op->id = node->id;
    op->version = node->version;
}

static bool restore_next(const struct task *task, struct decision *decision)
{
    for (int member = 0; member < task->b->member_count; member++) {
        const struct tree *live = &task->b->live[member], *base = base_of(task, member);
        const struct node *surplus = find_surplus(live, base), *lacking = find_lacking(live, base);
        if (surplus == NULL && lacking == NULL)
            continue;
        if (needs_staging(task, decision, member))
            return true;
        if (surplus != NULL)
            put_aside(task, decision, member, surplus);
        else
            copy_back(task, decision, member, lacking);
        return true;
    }
    return false;
}

/* Never all of staging at once: a removal that arrives late must not meet a later epoch's. */
bool unstage_next(const struct task *task, struct decision *decision, bool own_only)
{
    for (int member = 0; member < task->b->member_count; member++) {
        const struct tree *live = &task->b->live[member];
        char parent[PATH_SIZE];
        for (size_t i = 0; i < live->count; i++) {
            tree_parent(live->nodes[i].path, parent);
            if (strcmp(parent, STAGING) != 0 ||
                (own_only && !is_own_staging(task, live->nodes[i].path)))
                continue;
            if (!save_obstacle(task, decision, member, live->nodes[i].path))
                member_op(task, decision, OP_REMOVE, member, live->nodes[i].path);
            return true;
        }
        if (!own_only && tree_find(live, STAGING) != NULL) {
            member_op(task, decision, OP_REMOVE_EMPTY, member, STAGING);
            return true;
        }
    }
    return false;
}

/* A renaming of the seal that is still on its way must find nothing to rename: the temporary file
 * goes first, then the seal is looked for again, then the way forward is closed. */
static bool close_the_way(const struct task *task, struct decision *decision)
{
    if (task->area_b->seal_written)
        decide_op(task, decision, OP_AREA_SEAL_FORGET, AGENT_B);
    else if (!(task->area_b->marks & MARK_BACK))
        mark(task, decision, MARK_BACK);
    else
        return false;
    return true;
}

static bool unfreeze_next(const struct task *task, struct decision *decision)
{
    for (int member = 0; member < task->b->member_count; member++)
        if (snapshot_find(task->b, member, task->order->snapshot) != NULL) {
            struct op *op = member_op(task, decision, OP_UNSNAPSHOT, member, "");
            memcpy(op->name, task->order->snapshot, sizeof op->name);
            return true;
        }
    return false;
}

/* A renaming out of staging that is still on its way must find nothing there, before the target is
 * looked at for the last time. */
static bool unstage_new(const struct task *task, struct decision *decision)
{
    static const char *const parts[] = {"new", "park"};
    for (int member = 0; member < task->b->member_count; member++)
        for (size_t i = 0; i < 2; i++) {
            char path[PATH_SIZE];
            path_in_staging(task, parts[i], path);
            if (tree_find(&task->b->live[member], path) == NULL)
                continue;
            if (!save_obstacle(task, decision, member, path))
                member_op(task, decision, OP_REMOVE, member, path);
            return true;
        }
    return false;
}

static void go_back(const struct task *task, struct decision *decision)
{
    unsigned marks = task->area_b->marks;
    bool untouched = !(marks & MARK_CHECKED);
    bool dropped = marks & MARK_CLEAN;
    if (!untouched && close_door(task, decision))
        return;
    if (!untouched && !dropped && phase_next(task, decision))
        return;
    if (untouched || (!unstage_new(task, decision) && !restore_next(task, decision)))
        decide_op(task, decision, OP_AREA_UNRECEIVED, AGENT_B);
}

void task_rollback(const struct task *task, struct decision *decision)
{
    const struct area *area = task->area_b;
    bool blind = task->world->defect == DEFECT_ROLLBACK_BLIND;
    if (area != NULL && area->sealed && !blind) {
        decide_fail(decision, ERROR_CONFLICT);
        decision->result = seal_of(area);
    } else if (area == NULL || !area->received) {
        decide_done(decision, NULL); /* nothing was begun, or all is undone */
    } else if (!close_the_way(task, decision) && !unfreeze_next(task, decision)) {
        go_back(task, decision);
    }
}

static bool unsnapshot_next(const struct task *task, struct decision *decision,
                            const struct cluster *cluster, const char *name)
{
    for (int member = 0; member < cluster->member_count; member++)
        if (snapshot_find(cluster, member, name) != NULL) {
            struct op *op = decide_op(task, decision, OP_UNSNAPSHOT, cluster->agent);
            op->member = member;
            memcpy(op->name, name, sizeof op->name);
            return true;
        }
    return false;
}

void task_discard(const struct task *task, struct decision *decision)
{
    bool on_b = task->order->side == EPOCH_SIDE_B;
    const struct cluster *cluster = on_b ? task->b : task->a;
    const struct area *area = on_b ? task->area_b : task->area_a;
    bool begun = on_b && area != NULL && area->received && area->marks & MARK_CHECKED;
    if (area != NULL && (area->sealed || area->settled || begun))
        decide_fail(decision, ERROR_CONFLICT);
    else if (area == NULL || !area->discarded)
        decide_op(task, decision, OP_AREA_DISCARDED, cluster->agent);
    else if (!unsnapshot_next(task, decision, cluster, task->order->snapshot) &&
             !(on_b && unstage_next(task, decision, true)))
        decide_done(decision, NULL);
}

/* First it is no seal any more, then its snapshots go: what is half removed is never believed. */
void task_retire(const struct task *task, struct decision *decision)
{
    bool on_b = task->order->side == EPOCH_SIDE_B;
    const struct cluster *cluster = on_b ? task->b : task->a;
    const struct area *area = on_b ? task->area_b : task->area_a, *newest = newest_seal(task->b);
    bool held = on_b ? newest != NULL && newest->number == task->order->number
                     : task->a->hold == task->order->number;
    if (held)
        decide_fail(decision, ERROR_CONFLICT);
    else if (area != NULL && !area->retired)
        decide_op(task, decision, OP_AREA_RETIRED, cluster->agent);
    else if (!unsnapshot_next(task, decision, cluster, task->order->snapshot))
        decide_done(decision, NULL);
}
