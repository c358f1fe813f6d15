/* plan_commit.c: the commit of a plan on the tree model, one store operation at a time. It
 * remembers nothing: the plan, the markers on the tree and looking decide each step, as after every
 * crash. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan_world.h"

struct commit {
    struct world *world;
    struct tree *tree;
    const struct plan *plan;
    int budget; /* operations before the crash; -1: none comes */
};

/* False: the machine dies before this operation. */
static bool spend(struct commit *commit)
{
    if (commit->budget == 0)
        return false;
    commit->budget -= commit->budget > 0;
    return true;
}

static int staging_area(struct tree *tree, enum plan_area area)
{
    int staging = tree_child(tree, 0, ".coeval");
    return staging < 0 ? -1 : tree_child(tree, staging, area == PLAN_AREA_PARK ? "park" : "new");
}

/* What is parked was dropped after the commit: stage it again from the base seal. */
static void restage_below(struct commit *commit, int to, int from)
{
    const struct tree *seal = &commit->world->old_target;
    int children[TREE_NODES], count = tree_list(seal, from, children);
    for (int i = 0; i < count; i++) {
        char path[TREE_PATH];
        tree_path(seal, children[i], path);
        if (plan_has_park(&commit->world->plan, path))
            continue;
        const struct node *child = &seal->nodes[children[i]];
        int made = tree_copy_node(commit->tree, to, child->name, child);
        restage_below(commit, made, children[i]);
        commit->tree->nodes[made].mtime = child->mtime;
    }
}

static bool restage(struct commit *commit, const struct plan_step *step, const char *name)
{
    int from = tree_find(&commit->world->old_target, step->place);
    int area = staging_area(commit->tree, step->area);
    if (!commit->plan->inverse || step->kind != PLAN_PLACE || step->other != NULL || from < 0 ||
        area < 0)
        return fail(commit->world, "step %u is impossible: neither %s nor '%s'", step->number, name,
                    step->place);
    const struct node *node = &commit->world->old_target.nodes[from];
    int made = tree_copy_node(commit->tree, area, path_name(name), node);
    restage_below(commit, made, from);
    commit->tree->nodes[made].mtime = node->mtime;
    return true;
}

static bool rename_node(struct commit *commit, const struct plan_step *step, int node,
                        const char *path)
{
    char parent[TREE_PATH];
    size_t length = strlen(path) - strlen(path_name(path));
    memcpy(parent, path, length);
    parent[length > 0 ? length - 1 : 0] = '\0';
    int to = tree_find(commit->tree, parent);
    if (to < 0)
        return fail(commit->world, "step %u: no directory for '%s'", step->number, path);
    if (tree_is_under(commit->tree, to, node))
        return fail(commit->world, "step %u: '%s' into itself", step->number, path);
    tree_rename(commit->tree, node, to, path_name(path));
    return true;
}

static bool run_step(struct commit *commit, const struct plan_step *step)
{
    char name[PLAN_NAME_SIZE], staged_path[64];
    plan_step_name(step, name);
    snprintf(staged_path, sizeof staged_path, ".coeval/%s", name);
    int staged = tree_find(commit->tree, staged_path), place = tree_find(commit->tree, step->place);
    switch (plan_step_decide(step, staged >= 0, place >= 0)) {
    case PLAN_DONE:
        return true;
    case PLAN_IMPOSSIBLE:
        if (staged >= 0)
            return fail(commit->world, "step %u: '%s' is taken", step->number, step->place);
        if (!restage(commit, step, name))
            return false;
        staged = tree_find(commit->tree, staged_path);
        break;
    case PLAN_DO:
        break;
    }
    if (!spend(commit))
        return false;
    return step->kind == PLAN_PARK ? rename_node(commit, step, place, staged_path)
                                   : rename_node(commit, step, staged, step->place);
}

static bool run_steps(struct commit *commit, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (!run_step(commit, &commit->plan->steps[i]))
            return false;
    return true;
}

static bool set_path(struct commit *commit, const char *path, const struct entry *entry,
                     unsigned fields)
{
    int node = tree_find(commit->tree, path);
    if (node < 0)
        return fail(commit->world, "attributes of '%s', which is not there", path);
    if (!spend(commit))
        return false;
    tree_set(commit->tree, node, entry, fields);
    return true;
}

static bool run_attributes(struct commit *commit)
{
    for (size_t i = 0; i < commit->plan->attribute_count; i++) {
        const struct plan_attributes *attributes = &commit->plan->attributes[i];
        if (!set_path(commit, attributes->new_path, &attributes->now, attributes->fields))
            return false;
    }
    return true;
}

static bool run_times(struct commit *commit)
{
    for (size_t i = 0; i < commit->plan->time_count; i++) {
        const struct plan_times *times = &commit->plan->times[i];
        struct entry entry = {.mtime_ns = times->now_mtime_ns};
        if (times->new_path != NULL && !set_path(commit, times->new_path, &entry, ENTRY_TIMES))
            return false;
    }
    return true;
}

static bool run_phase(struct commit *commit, enum plan_phase phase)
{
    const struct plan *plan = commit->plan;
    switch (phase) {
    case PLAN_PHASE_PARK:
        return run_steps(commit, 0, plan->park_count);
    case PLAN_PHASE_PLACE:
        return run_steps(commit, plan->park_count, plan->step_count);
    case PLAN_PHASE_ATTRIBUTES:
        return run_attributes(commit);
    case PLAN_PHASE_TIMES:
        return run_times(commit);
    case PLAN_PHASE_END:
        break;
    }
    CHECK_UNREACHABLE();
}

static bool set_mark(struct commit *commit, enum plan_mark mark)
{
    if (!spend(commit))
        return false;
    commit->tree->marks |= mark;
    commit->tree->operations++;
    return true;
}

static bool run(struct commit *commit)
{
    for (;;) {
        unsigned marks = commit->tree->marks;
        if (commit->world->defect == DEFECT_MARKERS && (marks & PLAN_MARK_BACK) != 0)
            marks |= PLAN_MARK_PARKED;
        enum plan_phase phase = plan_phase_next(marks);
        if (phase == PLAN_PHASE_END)
            break;
        if (!run_phase(commit, phase) ||
            !set_mark(commit, plan_phase_mark(phase, commit->plan->inverse)))
            return false;
    }
    int staging = tree_child(commit->tree, 0, ".coeval");
    if (staging >= 0) {
        if (!spend(commit))
            return false;
        tree_remove(commit->tree, staging);
    }
    return true;
}

bool commit_forward(struct world *world, struct tree *tree, int budget)
{
    struct commit commit = {world, tree, &world->plan, budget};
    return run(&commit);
}

bool commit_back(struct world *world, struct tree *tree, int budget)
{
    struct commit commit = {world, tree, &world->inverse, budget};
    if ((tree->marks & PLAN_MARK_BACK) == 0 && !set_mark(&commit, PLAN_MARK_BACK))
        return false;
    if (tree_child(tree, 0, ".coeval") < 0) { /* only after the end of the commit */
        int staging = tree_make(tree, 0, ".coeval", ENTRY_DIRECTORY);
        tree_make(tree, staging, "park", ENTRY_DIRECTORY);
        tree_make(tree, staging, "new", ENTRY_DIRECTORY);
    }
    return run(&commit);
}

/* The objects in order, without staging and what is excluded. */
static int visible(const struct world *world, const struct tree *tree, int ret_nodes[TREE_NODES])
{
    int nodes[TREE_NODES], count = tree_walk(tree, 0, nodes), kept = 0;
    for (int i = 0; i < count; i++) {
        char path[TREE_PATH];
        tree_path(tree, nodes[i], path);
        if (!exclusions_match(&world->exclusions, path))
            ret_nodes[kept++] = nodes[i];
    }
    return kept;
}

bool same_tree(struct world *world, const char *when, const struct tree *actual,
               const struct tree *expected, bool same_ids)
{
    int a[TREE_NODES], b[TREE_NODES];
    int count_a = tree_walk(actual, 0, a), count_b = visible(world, expected, b);
    for (int i = 0; i < count_a && i < count_b; i++) {
        char path_a[TREE_PATH], path_b[TREE_PATH];
        tree_path(actual, a[i], path_a);
        tree_path(expected, b[i], path_b);
        if (strcmp(path_a, path_b) != 0)
            return fail(world, "%s: '%s' where '%s' should be", when, path_a, path_b);
        struct entry x = tree_entry(actual, a[i], "", true);
        struct entry y = tree_entry(expected, b[i], "", true);
        if (i == 0)
            x.mtime_ns = y.mtime_ns;
        if (entry_compare(&x, &y, ENTRY_ALL) != 0 || x.mtime_ns != y.mtime_ns) {
            struct buffer text = {0};
            entry_explain(&x, &y, ENTRY_ALL, &text);
            fail(world, "%s: '%s': %s (%lld, %lld)", when, path_a, buffer_text(&text),
                 (long long)x.mtime_ns, (long long)y.mtime_ns);
            buffer_fini(&text);
            return false;
        }
        if (same_ids && x.file_id != y.file_id)
            return fail(world, "%s: '%s' is another object", when, path_a);
    }
    if (count_a != count_b)
        return fail(world, "%s: %d objects instead of %d", when, count_a, count_b);
    return true;
}
