/* plan_world.c: from two states of a source to a plan and a target with everything staged: what the
 * agent's tasks do around the pure functions, in its shortest form. */
#include "plan_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

#define MEMORY_LIMIT (1 << 20)

bool fail(struct world *world, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (world->why[0] == '\0')
        vsnprintf(world->why, sizeof world->why, format, args);
    va_end(args);
    return false;
}

void world_fini(struct world *world)
{
    changes_fini(&world->changes);
    arena_fini(&world->arena);
}

static bool is_excluded(const struct world *world, const char *path)
{
    return exclusions_match(&world->exclusions, path);
}

/* Copies what is below `from`, not what is excluded, nor what a MOVE brings. */
static void copy_below(struct world *world, struct tree *to, int to_node, const struct tree *tree,
                       int from, bool heed_moves)
{
    int children[TREE_NODES], count = tree_list(tree, from, children);
    for (int i = 0; i < count; i++) {
        char path[TREE_PATH];
        tree_path(tree, children[i], path);
        if (is_excluded(world, path) || (heed_moves && changes_covers(&world->changes, path)))
            continue;
        const struct node *child = &tree->nodes[children[i]];
        int made = tree_copy_node(to, to_node, child->name, child);
        copy_below(world, to, made, tree, children[i], heed_moves);
        to->nodes[made].mtime = child->mtime;
    }
}

static void make_old_target(struct world *world)
{
    tree_init(&world->old_target, 100000);
    copy_below(world, &world->old_target, 0, &world->old_source, 0, false);
    const struct node *top = &world->old_source.nodes[0];
    world->old_target.nodes[0].mode = top->mode;
    world->old_target.nodes[0].xattr = top->xattr;
    world->old_target.clock = 1000000; /* its own clock, far from the source's */
}

/* Counts the differences, and plants the defects that lie in them. */
static bool hear(void *context, const struct difference *difference, struct error *error)
{
    struct world *world = context;
    world->difference_count++;
    if (difference->kind == DIFFERENCE_RENAME) {
        world->source_moves++;
        if (world->defect == DEFECT_SELF_RENAMES &&
            strcmp(difference->path, difference->target) == 0)
            return true;
    }
    return changes_add(&world->changes, difference, error);
}

/* What HDFS did not tell: everything that a comparison of listings finds changed. */
static bool sweep(void *context, const struct difference *difference, struct error *error)
{
    struct world *world = context;
    return difference->kind != DIFFERENCE_MODIFY ||
           changes_add_candidate(&world->changes, difference->path, true, false, error);
}

static bool collect(struct world *world, struct error *error)
{
    const struct tree *old = &world->old_source, *new = &world->new_source;
    switch (world->maker) {
    case MAKER_LISTING:
        return trees_difference(old, new, LISTING_BY_BIRTH, world->crc_known, hear, world, error);
    case MAKER_HDFS:
        return oracle_difference(old, new, hear, world, error) &&
               trees_difference(old, new, LISTING_BY_ID, world->crc_known, sweep, world, error);
    case MAKER_PATHS:
    case MAKER_COUNT:
        break;
    }
    return trees_difference(old, new, LISTING_BY_PATH, world->crc_known, hear, world, error);
}

static bool add_suspect(struct world *world, struct error *error)
{
    int node = tree_by_id(&world->old_source, world->suspect_id);
    char path[TREE_PATH];
    if (node < 0)
        return true;
    tree_path(&world->old_source, node, path);
    return changes_add_candidate(&world->changes, path, true, true, error);
}

static bool judge_all(struct world *world, struct error *error)
{
    for (size_t i = 0; i < world->changes.count; i++) {
        struct change *change = world->changes.items[i];
        if (change->kind != CHANGE_TOUCHED)
            continue;
        int old = tree_find(&world->old_source, change->old_path);
        int new = tree_find(&world->new_source, change->new_path);
        if (old < 0 || new < 0)
            return error_set(error, ERROR_NOT_FOUND, "touched '%s' -> '%s' is not there",
                             change->old_path, change->new_path);
        struct entry base = tree_entry(&world->old_source, old, "", world->crc_known);
        struct entry now = tree_entry(&world->new_source, new, "", world->crc_known);
        if (!change_judge(&world->changes, change, &base, &now, ENTRY_ATTRIBUTES, error))
            return false;
    }
    return true;
}

static void look_up_directories(struct world *world)
{
    for (size_t i = 0; i < world->changes.directory_count; i++) {
        struct change_directory *directory = &world->changes.directories[i];
        if (directory->known)
            continue;
        directory->known = true;
        if (directory->old_path != NULL) {
            int node = tree_find(&world->old_source, directory->old_path);
            CHECK(node >= 0);
            directory->base_mtime_ns = world->old_source.nodes[node].mtime;
        }
        if (directory->new_path != NULL) {
            int node = tree_find(&world->new_source, directory->new_path);
            CHECK(node >= 0);
            directory->now_mtime_ns = world->new_source.nodes[node].mtime;
        }
    }
}

/* Plan defects swap the order of the steps that they are about. */
static void plant_in_plan(struct world *world, struct plan *plan)
{
    size_t begin = world->defect == DEFECT_PARK_ORDER ? 0 : plan->park_count;
    size_t end = world->defect == DEFECT_PARK_ORDER ? plan->park_count : plan->step_count;
    if (world->defect == DEFECT_TIMES)
        plan->time_count = 0;
    if (world->defect != DEFECT_PARK_ORDER && world->defect != DEFECT_PLACE_ORDER)
        return;
    for (; begin + 1 < end; begin++, end--) {
        struct plan_step step = plan->steps[begin];
        plan->steps[begin] = plan->steps[end - 1];
        plan->steps[end - 1] = step;
    }
}

/* What commits is always a plan that went through its file. */
static bool plan_all(struct world *world, struct error *error)
{
    struct plan built;
    struct buffer file;
    if (!plan_build(&world->changes, "pair/service/g1.e2/member", &world->arena, &built, error))
        return false;
    buffer_init(&file, 0);
    plan_encode(&built, &file);
    bool ok = plan_decode(file.data, file.size, &world->arena, &world->plan, error);
    buffer_fini(&file);
    if (!ok)
        return false;
    plant_in_plan(world, &world->plan);
    world->inverse = plan_inverse(&world->plan, &world->arena);
    return true;
}

static bool stage_all(struct world *world)
{
    struct tree *tree = &world->staged;
    *tree = world->old_target;
    int staging = tree_make(tree, 0, ".coeval", ENTRY_DIRECTORY);
    tree_make(tree, staging, "park", ENTRY_DIRECTORY);
    int new = tree_make(tree, staging, "new", ENTRY_DIRECTORY);
    for (size_t i = 0; i < world->plan.step_count; i++) {
        const struct plan_step *step = &world->plan.steps[i];
        char name[PLAN_NAME_SIZE];
        if (step->kind != PLAN_PLACE || step->area != PLAN_AREA_NEW)
            continue;
        int from = tree_find(&world->new_source, step->place);
        if (from < 0)
            return fail(world, "created '%s' is not there", step->place);
        plan_step_name(step, name);
        int made = tree_copy_node(tree, new, path_name(name), &world->new_source.nodes[from]);
        copy_below(world, tree, made, &world->new_source, from, world->defect != DEFECT_COVERS);
        tree->nodes[made].mtime = world->new_source.nodes[from].mtime;
    }
    tree->operations = 0;
    return true;
}

bool world_prepare(struct world *world)
{
    struct error error = ERROR_NONE;
    struct exclusions none = {0};
    struct change_options options = {
        .exclusions = world->defect == DEFECT_EXCLUSIONS ? &none : &world->exclusions,
        .limit_bytes = MEMORY_LIMIT};
    make_old_target(world);
    changes_init(&world->changes, &options);
    if (!collect(world, &error) || !add_suspect(world, &error) ||
        !changes_normalise(&world->changes, &error) || !judge_all(world, &error) ||
        !changes_settle(&world->changes, &error))
        return fail(world, "changes: %s", error.text);
    look_up_directories(world);
    if (!plan_all(world, &error))
        return fail(world, "plan: %s", error.text);
    return stage_all(world);
}
