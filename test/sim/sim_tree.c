/* sim_tree.c: see sim_tree.h. Trees are small: everything is a scan. */
#include "sim_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void tree_fini(struct tree *tree)
{
    free(tree->nodes);
    *tree = (struct tree){0};
}

struct tree tree_copy(const struct tree *tree)
{
    struct tree copy = {.count = tree->count, .capacity = tree->count};
    copy.nodes = memory_resize(NULL, (tree->count + 1) * sizeof(struct node));
    copy.capacity = tree->count + 1;
    if (tree->count > 0)
        memcpy(copy.nodes, tree->nodes, tree->count * sizeof(struct node));
    return copy;
}

struct node *tree_find(const struct tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++)
        if (strcmp(tree->nodes[i].path, path) == 0)
            return &tree->nodes[i];
    return NULL;
}

struct node *tree_find_id(const struct tree *tree, uint32_t id)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->nodes[i].id == id)
            return &tree->nodes[i];
    return NULL;
}

void tree_parent(const char *path, char ret_parent[PATH_SIZE])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    memcpy(ret_parent, path, length);
    ret_parent[length] = '\0';
}

bool tree_is_below(const char *path, const char *top)
{
    size_t length = strlen(top);
    return strncmp(path, top, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

bool tree_is_staging(const char *path)
{
    return tree_is_below(path, STAGING);
}

static bool parent_exists(const struct tree *tree, const char *path)
{
    char parent[PATH_SIZE];
    tree_parent(path, parent);
    if (parent[0] == '\0')
        return true;
    const struct node *node = tree_find(tree, parent);
    return node != NULL && node->is_directory;
}

bool tree_add(struct tree *tree, const char *path, uint32_t id, uint32_t version, bool is_directory)
{
    if (tree_find(tree, path) != NULL || !parent_exists(tree, path))
        return false;
    if (tree->count == tree->capacity) {
        tree->capacity = tree->capacity == 0 ? 16 : 2 * tree->capacity;
        tree->nodes = memory_resize(tree->nodes, tree->capacity * sizeof(struct node));
    }
    struct node *node = &tree->nodes[tree->count++];
    *node = (struct node){.id = id, .version = version, .is_directory = is_directory};
    CHECK(snprintf(node->path, sizeof node->path, "%s", path) < (int)sizeof node->path);
    return true;
}

bool tree_remove(struct tree *tree, const char *path)
{
    size_t kept = 0, before = tree->count;
    for (size_t i = 0; i < tree->count; i++)
        if (!tree_is_below(tree->nodes[i].path, path))
            tree->nodes[kept++] = tree->nodes[i];
    tree->count = kept;
    return kept < before;
}

bool tree_remove_empty(struct tree *tree, const char *path)
{
    size_t below = 0;
    for (size_t i = 0; i < tree->count; i++)
        below += tree_is_below(tree->nodes[i].path, path);
    return below == 1 && tree_remove(tree, path);
}

bool tree_rename(struct tree *tree, const char *from, const char *to)
{
    size_t length = strlen(from);
    if (tree_find(tree, from) == NULL || tree_find(tree, to) != NULL || !parent_exists(tree, to) ||
        tree_is_below(to, from))
        return false;
    for (size_t i = 0; i < tree->count; i++) {
        char path[2 * PATH_SIZE];
        if (!tree_is_below(tree->nodes[i].path, from))
            continue;
        CHECK(snprintf(path, sizeof path, "%s%s", to, tree->nodes[i].path + length) < PATH_SIZE);
        memcpy(tree->nodes[i].path, path, PATH_SIZE);
    }
    return true;
}

/* What of a has no equal in b. */
static const char *first_unmatched(const struct tree *a, const struct tree *b, bool count_foreign)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct node *node = &a->nodes[i];
        if (tree_is_staging(node->path) || (node->is_foreign && !count_foreign))
            continue;
        const struct node *other = tree_find(b, node->path);
        if (other == NULL || other->is_directory != node->is_directory ||
            other->version != node->version)
            return node->path;
    }
    return NULL;
}

const char *tree_difference(const struct tree *actual, const struct tree *expected,
                            bool count_foreign)
{
    const char *path = first_unmatched(actual, expected, count_foreign);
    return path != NULL ? path : first_unmatched(expected, actual, count_foreign);
}
