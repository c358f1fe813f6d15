/* tree_mutate.c: random changes, with a liking for the nasty ones. Names are few, so that they meet
 * again; "_t" is what the exclusions of the property test leave out. */
#include <string.h>

#include "tree_model.h"

#include "base/check.h"

#define NODES_MAX 40 /* of a source; the rest is room for staging and copies */

static const char *const names[] = {"a", "b", "c", "d", "k", "f.x", "a b", "_t"};

static const char *any_name(struct random *random)
{
    return names[random_below(random, ARRAY_LENGTH(names))];
}

/* A random object; -1 when chance gives none. */
static int any_node(const struct tree *tree, struct random *random, enum entry_type type)
{
    int found = -1;
    uint64_t seen = 0;
    for (int i = type == ENTRY_DIRECTORY ? 0 : 1; i < TREE_NODES; i++)
        if (tree->nodes[i].type != 0 && (type == 0 || tree->nodes[i].type == type) &&
            random_below(random, ++seen) == 0)
            found = i;
    return found;
}

/* A directory and a name that is free in it. */
static bool free_place(const struct tree *tree, struct random *random, int *ret_parent,
                       const char **ret_name)
{
    *ret_parent = any_node(tree, random, ENTRY_DIRECTORY);
    *ret_name = any_name(random);
    return tree_child(tree, *ret_parent, *ret_name) < 0;
}

static uint32_t any_content(struct random *random)
{
    return (uint32_t)random_next(random);
}

void tree_grow(struct tree *tree, struct random *random)
{
    int parent;
    const char *name;
    if (tree_count(tree) >= NODES_MAX || !free_place(tree, random, &parent, &name))
        return;
    uint64_t kind = random_below(random, 10);
    int node = tree_make(tree, parent, name,
                         kind < 5   ? ENTRY_FILE
                         : kind < 9 ? ENTRY_DIRECTORY
                                    : ENTRY_SYMLINK);
    if (kind < 5)
        tree_write(tree, node, (uint32_t)random_below(random, 50), any_content(random));
}

static void rewrite(struct tree *tree, struct random *random)
{
    int node = any_node(tree, random, ENTRY_FILE);
    if (node < 0)
        return;
    uint32_t length = tree->nodes[node].length;
    switch (random_below(random, 3)) {
    case 0:
        length += 1 + (uint32_t)random_below(random, 20);
        break;
    case 1:
        length /= 2;
        break;
    default: /* the same length: no difference tells */
        break;
    }
    tree_write(tree, node, length, any_content(random));
}

static void move(struct tree *tree, struct random *random)
{
    int node = any_node(tree, random, 0), parent;
    const char *name;
    if (node > 0 && free_place(tree, random, &parent, &name) && !tree_is_under(tree, parent, node))
        tree_rename(tree, node, parent, name);
}

static void move_over(struct tree *tree, struct random *random)
{
    int node = any_node(tree, random, 0), victim = any_node(tree, random, 0);
    if (node <= 0 || victim <= 0 || tree_is_under(tree, victim, node) ||
        tree_is_under(tree, node, victim))
        return;
    int parent = tree->nodes[victim].parent;
    char name[TREE_NAME];
    strcpy(name, tree->nodes[victim].name);
    tree_remove(tree, victim);
    tree_rename(tree, node, parent, name);
}

static void delete_one(struct tree *tree, struct random *random)
{
    int node = any_node(tree, random, 0);
    if (node > 0)
        tree_remove(tree, node);
}

static void rescue(struct tree *tree, struct random *random)
{
    int node = any_node(tree, random, 0), parent;
    const char *name;
    if (node <= 0 || tree->nodes[node].parent == 0)
        return;
    int doomed = tree->nodes[node].parent;
    if (!free_place(tree, random, &parent, &name) || tree_is_under(tree, parent, node))
        return;
    tree_rename(tree, node, parent, name);
    if (!tree_is_under(tree, node, doomed))
        tree_remove(tree, doomed);
}

/* Under an old name, of the same or another type. */
static void recreate(struct tree *tree, struct random *random)
{
    int node = any_node(tree, random, 0);
    if (node <= 0)
        return;
    int parent = tree->nodes[node].parent;
    char name[TREE_NAME];
    strcpy(name, tree->nodes[node].name);
    tree_remove(tree, node);
    int made =
        tree_make(tree, parent, name, random_below(random, 2) == 0 ? ENTRY_FILE : ENTRY_DIRECTORY);
    if (tree->nodes[made].type == ENTRY_DIRECTORY && random_below(random, 2) == 0)
        tree_make(tree, made, any_name(random), ENTRY_FILE);
}

static void swap(struct tree *tree, struct random *random)
{
    int a = any_node(tree, random, 0), b = any_node(tree, random, 0);
    if (a <= 0 || b <= 0 || tree_is_under(tree, a, b) || tree_is_under(tree, b, a))
        return;
    int parent_a = tree->nodes[a].parent, parent_b = tree->nodes[b].parent;
    char name_a[TREE_NAME], name_b[TREE_NAME];
    strcpy(name_a, tree->nodes[a].name);
    strcpy(name_b, tree->nodes[b].name);
    tree_rename(tree, a, parent_a, "~swap");
    tree_rename(tree, b, parent_a, name_a);
    tree_rename(tree, a, parent_b, name_b);
}

static void into_new(struct tree *tree, struct random *random)
{
    int node = any_node(tree, random, 0), parent;
    const char *name;
    if (node <= 0 || tree_count(tree) >= NODES_MAX || !free_place(tree, random, &parent, &name) ||
        tree_is_under(tree, parent, node))
        return;
    int made = tree_make(tree, parent, name, ENTRY_DIRECTORY);
    tree_rename(tree, node, made, any_name(random));
    if (random_below(random, 2) == 0 && tree_child(tree, made, "sub") < 0)
        tree_make(tree, made, "sub", ENTRY_DIRECTORY);
}

/* k/s becomes s, k becomes s/k. */
static void turn_over(struct tree *tree, struct random *random)
{
    int child = any_node(tree, random, ENTRY_DIRECTORY);
    if (child <= 0 || tree->nodes[child].parent == 0)
        return;
    int parent = tree->nodes[child].parent, grand = tree->nodes[parent].parent;
    const char *name = any_name(random), *below = any_name(random);
    if (tree_child(tree, grand, name) >= 0 || tree_child(tree, child, below) >= 0)
        return;
    tree_rename(tree, child, grand, name);
    tree_rename(tree, parent, child, below);
}

/* A directory becomes another one of the same name; some of its children change over and so stay at
 * their paths, the rest goes or stays with the old one. */
static void shed_skin(struct tree *tree, struct random *random)
{
    int old = any_node(tree, random, ENTRY_DIRECTORY), parent, children[TREE_NODES];
    const char *name;
    if (old <= 0 || tree_count(tree) >= NODES_MAX)
        return;
    char skin[TREE_NAME];
    strcpy(skin, tree->nodes[old].name);
    parent = tree->nodes[old].parent;
    tree_rename(tree, old, parent, "~skin");
    int made = tree_make(tree, parent, skin, ENTRY_DIRECTORY);
    int count = tree_list(tree, old, children);
    for (int i = 0; i < count; i++)
        if (random_below(random, 2) == 0)
            tree_rename(tree, children[i], made, tree->nodes[children[i]].name);
    if (free_place(tree, random, &parent, &name) && !tree_is_under(tree, parent, old))
        tree_rename(tree, old, parent, name);
    else
        tree_remove(tree, old);
}

static void set_attributes(struct tree *tree, struct random *random)
{
    int node = any_node(tree, random, random_below(random, 2) == 0 ? ENTRY_DIRECTORY : 0);
    if (node < 0)
        return;
    switch (random_below(random, 3)) {
    case 0:
        if (tree->nodes[node].type != ENTRY_SYMLINK)
            tree->nodes[node].mode ^= 1u << random_below(random, 9);
        break;
    case 1:
        tree->nodes[node].xattr = (uint32_t)(4 + random_below(random, 4));
        break;
    default:
        tree->nodes[node].mtime = (int64_t)random_below(random, 1000);
    }
}

void tree_mutate(struct tree *tree, struct random *random)
{
    typedef void mutation(struct tree *, struct random *);
    static mutation *const mutations[] = {
        tree_grow, tree_grow, tree_grow, rewrite,    rewrite,       move,
        move,      move,      move_over, delete_one, rescue,        swap,
        recreate,  into_new,  turn_over, shed_skin,  set_attributes};
    mutations[random_below(random, ARRAY_LENGTH(mutations))](tree, random);
}
