/* sim_steps.c: see sim_steps.h. */
#include "sim_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/change.h"
#include "plan/listing_difference.h"

#define LIMIT_BYTES ((size_t)1 << 20)

static struct entry entry_of(const struct node *node)
{
    return (struct entry){.path = node->path,
                          .type = node->is_directory ? ENTRY_DIRECTORY : ENTRY_FILE,
                          .length = node->version,
                          .owner = "coeval",
                          .group = "coeval",
                          .crc_known = !node->is_directory,
                          .crc32c = node->version,
                          .file_id = node->id};
}

/* A listing: the top, then all nodes in the order of paths. */
struct walk {
    const struct node **nodes;
    size_t count, next;
    struct entry entry;
};

static int by_path_order(const void *a, const void *b)
{
    const struct node *const *left = a, *const *right = b;
    return path_compare((*left)->path, (*right)->path);
}

static const struct node top_node = {.path = "", .id = UINT32_MAX, .is_directory = true};

static struct walk walk_init(const struct tree *tree)
{
    struct walk walk = {.nodes = memory_new((tree->count + 1) * sizeof(struct node *))};
    for (size_t i = 0; i < tree->count; i++)
        walk.nodes[walk.count++] = &tree->nodes[i];
    walk.nodes[walk.count++] = &top_node;
    qsort(walk.nodes, walk.count, sizeof walk.nodes[0], by_path_order);
    return walk;
}

static bool next_entry(void *context, const struct entry **ret_entry, struct error *error)
{
    struct walk *walk = context;
    (void)error;
    *ret_entry = NULL;
    if (walk->next < walk->count) {
        walk->entry = entry_of(walk->nodes[walk->next++]);
        *ret_entry = &walk->entry;
    }
    return true;
}

static bool add_differences(struct changes *changes, const struct tree *base,
                            const struct tree *now, bool by_path, struct error *error)
{
    struct walk old = walk_init(base), new = walk_init(now);
    struct listing old_listing = {next_entry, &old}, new_listing = {next_entry, &new};
    struct listing_options options = {.identity = by_path ? LISTING_BY_PATH : LISTING_BY_ID,
                                      .limit_bytes = LIMIT_BYTES};
    bool ok = listing_difference(&old_listing, &new_listing, &options, changes_add, changes, error);
    free(old.nodes);
    free(new.nodes);
    return ok;
}

static struct entry look_up(const struct tree *tree, const char *path)
{
    const struct node *node = path[0] == '\0' ? &top_node : tree_find(tree, path);
    CHECK(node != NULL);
    return entry_of(node);
}

static bool judge_all(struct changes *changes, const struct tree *base, const struct tree *now,
                      struct error *error)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct change *change = changes->items[i];
        if (change->kind != CHANGE_TOUCHED)
            continue;
        struct entry before = look_up(base, change->old_path);
        struct entry after = look_up(now, change->new_path);
        if (!change_judge(changes, change, &before, &after, 0, error))
            return false;
    }
    return true;
}

static size_t count_below(const struct tree *tree, const char *path)
{
    size_t count = 0;
    for (size_t i = 0; i < tree->count; i++)
        count += tree_is_below(tree->nodes[i].path, path);
    return count;
}

static void fill_in(struct changes *changes, const struct tree *base, const struct tree *now)
{
    for (size_t i = 0; i < changes->directory_count; i++)
        changes->directories[i].known = true;
    for (size_t i = 0; i < changes->count; i++) {
        struct change *change = changes->items[i];
        if (change->kind == CHANGE_REMOVE)
            change->entries = count_below(base, change->old_path);
        else if (change->kind == CHANGE_CREATE)
            change->entries = count_below(now, change->new_path);
    }
}

/* With what is below, unless a move brings it. */
static void stage(struct steps *steps, const struct changes *changes, const struct tree *now,
                  const char *path, const char *staged)
{
    const struct node *node = tree_find(now, path);
    CHECK(node != NULL &&
          tree_add(&steps->content, staged, node->id, node->version, node->is_directory));
    for (size_t i = 0; node->is_directory && i < now->count; i++) {
        const struct node *child = &now->nodes[i];
        char parent[PATH_SIZE], place[2 * PATH_SIZE];
        tree_parent(child->path, parent);
        if (strcmp(parent, path) != 0 || changes_covers(changes, child->path))
            continue;
        snprintf(place, sizeof place, "%s%s", staged, child->path + strlen(path));
        stage(steps, changes, now, child->path, place);
    }
}

static void stage_all(struct steps *steps, const struct changes *changes, const struct tree *now)
{
    CHECK(tree_add(&steps->content, "park", 0, 0, true) &&
          tree_add(&steps->content, "new", 0, 0, true));
    for (size_t i = 0; i < steps->plan.step_count; i++) {
        const struct plan_step *step = &steps->plan.steps[i];
        char name[PLAN_NAME_SIZE];
        plan_step_name(step, name);
        if (step->kind == PLAN_PLACE && step->area == PLAN_AREA_NEW)
            stage(steps, changes, now, step->place, name);
    }
}

/* As it comes out of its file, so that it borrows nothing from the changes. */
static bool build(struct steps *steps, struct changes *changes, struct error *error)
{
    struct plan plan;
    struct buffer file;
    buffer_init(&file, 0);
    bool ok = plan_build(changes, "simulation", &steps->arena, &plan, error);
    if (ok) {
        plan_encode(&plan, &file);
        ok = plan_decode(file.data, file.size, &steps->arena, &steps->plan, error);
    }
    buffer_fini(&file);
    return ok;
}

/* A mistake that the checkers must find. */
static void reverse_parks(struct plan *plan)
{
    for (size_t i = 0; i < plan->park_count / 2; i++) {
        struct plan_step *other = &plan->steps[plan->park_count - 1 - i], step = plan->steps[i];
        plan->steps[i] = *other;
        *other = step;
    }
}

struct steps steps_make(const struct tree *base, const struct tree *now, bool by_path,
                        bool ascending_parks)
{
    struct steps steps = {.existing = base->count};
    struct changes changes;
    struct error error = ERROR_NONE;
    struct change_options options = {.limit_bytes = LIMIT_BYTES};
    arena_init(&steps.arena);
    changes_init(&changes, &options);
    bool ok = add_differences(&changes, base, now, by_path, &error) &&
              changes_normalise(&changes, &error) && judge_all(&changes, base, now, &error) &&
              changes_settle(&changes, &error);
    if (ok) {
        fill_in(&changes, base, now);
        ok = build(&steps, &changes, &error);
    }
    if (!ok)
        fprintf(stderr, "sim: plan: %s\n", error.text);
    CHECK(ok);
    stage_all(&steps, &changes, now);
    changes_fini(&changes);
    if (ascending_parks)
        reverse_parks(&steps.plan);
    steps.inverse = plan_inverse(&steps.plan, &steps.arena);
    return steps;
}

void steps_fini(struct steps *steps)
{
    arena_fini(&steps->arena);
    tree_fini(&steps->content);
}
