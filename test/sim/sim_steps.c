/* sim_steps.c: see sim_steps.h. */
#include "sim_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void join(char ret_path[PATH_SIZE], const char *directory, const char *name)
{
    char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s%s%s", directory, directory[0] == '\0' ? "" : "/", name);
    CHECK(strlen(path) < PATH_SIZE);
    memcpy(ret_path, path, PATH_SIZE);
}

/* The same object in the other tree, of the same type. */
static const struct node *counterpart(const struct tree *other, const struct node *node)
{
    const struct node *found = tree_find_id(other, node->id);
    return found != NULL && found->is_directory == node->is_directory ? found : NULL;
}

static const struct node *parent_node(const struct tree *tree, const struct node *node)
{
    char parent[PATH_SIZE];
    tree_parent(node->path, parent);
    return parent[0] == '\0' ? NULL : tree_find(tree, parent);
}

/* Where the node comes to lie when only the directories above it move; false: its directory goes.
 */
static bool carried_path(const struct tree *base, const struct tree *now, const struct node *node,
                         char ret_path[PATH_SIZE])
{
    const struct node *parent = parent_node(base, node), *parent_now = NULL;
    if (parent != NULL) {
        parent_now = counterpart(now, parent);
        if (parent_now == NULL)
            return false;
    }
    join(ret_path, parent == NULL ? "" : parent_now->path, last_name(node->path));
    return true;
}

static void append(struct step **steps, size_t *count, const char *place, const char *staged)
{
    *steps = memory_resize(*steps, (*count + 1) * sizeof(struct step));
    struct step *step = &(*steps)[(*count)++];
    snprintf(step->place, sizeof step->place, "%s", place);
    snprintf(step->staged, sizeof step->staged, "%s", staged);
}

/* With what is below it and new too. */
static void stage_created(struct steps *steps, const struct tree *base, const struct tree *now,
                          const struct node *node, const char *staged)
{
    CHECK(tree_add(&steps->content, staged, node->id, node->version, node->is_directory));
    for (size_t i = 0; node->is_directory && i < now->count; i++) {
        const struct node *child = &now->nodes[i];
        char path[PATH_SIZE];
        if (parent_node(now, child) != node || counterpart(base, child) != NULL)
            continue;
        join(path, staged, last_name(child->path));
        stage_created(steps, base, now, child, path);
    }
}

static void park(struct steps *steps, const struct tree *base, const struct tree *now,
                 const struct node *node)
{
    const struct node *there = counterpart(now, node);
    char path[PATH_SIZE], staged[PATH_SIZE];
    bool carried = carried_path(base, now, node, path);
    bool moved = there != NULL && (!carried || strcmp(path, there->path) != 0);
    bool replaced = there != NULL && there->version != node->version;
    bool removed = there == NULL && carried;
    if (there == NULL)
        steps->removed++;
    if (!moved && !replaced && !removed)
        return;
    snprintf(staged, sizeof staged, "park/%zu", steps->park_count);
    append(&steps->parks, &steps->park_count, node->path, staged);
    if (moved && !replaced)
        append(&steps->places, &steps->place_count, there->path, staged);
}

static void create(struct steps *steps, const struct tree *base, const struct tree *now,
                   const struct node *node)
{
    const struct node *before = counterpart(base, node);
    const struct node *parent = parent_node(now, node);
    bool replaced = before != NULL && before->version != node->version;
    bool top = before == NULL && (parent == NULL || counterpart(base, parent) != NULL);
    char staged[PATH_SIZE];
    if (!replaced && !top)
        return;
    snprintf(staged, sizeof staged, "new/%zu", steps->place_count);
    if (replaced)
        CHECK(tree_add(&steps->content, staged, node->id, node->version, false));
    else
        stage_created(steps, base, now, node, staged);
    append(&steps->places, &steps->place_count, node->path, staged);
}

static int ascending(const void *a, const void *b)
{
    const struct step *left = a, *right = b;
    return strcmp(left->place, right->place);
}

static int descending(const void *a, const void *b)
{
    return ascending(b, a);
}

/* Objects are the same when they have the same path and type. */
static void number_by_path(struct tree *base, struct tree *now)
{
    for (size_t i = 0; i < base->count; i++)
        base->nodes[i].id = (uint32_t)i + 1;
    for (size_t i = 0; i < now->count; i++) {
        const struct node *there = tree_find(base, now->nodes[i].path);
        bool same = there != NULL && there->is_directory == now->nodes[i].is_directory;
        now->nodes[i].id = same ? there->id : (uint32_t)(base->count + i + 1);
    }
}

struct steps steps_make(const struct tree *before, const struct tree *after, bool by_path,
                        bool ascending_parks)
{
    struct steps steps = {0};
    struct tree base = tree_copy(before), now = tree_copy(after);
    if (by_path)
        number_by_path(&base, &now);
    CHECK(tree_add(&steps.content, "park", 0, 0, true) &&
          tree_add(&steps.content, "new", 0, 0, true));
    steps.existing = base.count;
    for (size_t i = 0; i < base.count; i++)
        park(&steps, &base, &now, &base.nodes[i]);
    for (size_t i = 0; i < now.count; i++)
        create(&steps, &base, &now, &now.nodes[i]);
    if (steps.park_count > 0)
        qsort(steps.parks, steps.park_count, sizeof(struct step),
              ascending_parks ? ascending : descending);
    if (steps.place_count > 0)
        qsort(steps.places, steps.place_count, sizeof(struct step), ascending);
    tree_fini(&base);
    tree_fini(&now);
    return steps;
}

void steps_fini(struct steps *steps)
{
    free(steps->parks);
    free(steps->places);
    tree_fini(&steps->content);
    *steps = (struct steps){0};
}
