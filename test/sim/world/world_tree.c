/* world_tree.c: see world_tree.h; comparing is in world_difference.c. */
#include "world_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "component/component.h"

static struct thing *new_node(struct tree *tree, enum entry_type type, uint32_t mode,
                              int64_t now_ms)
{
    struct thing *node = memory_new(sizeof *node);
    *node = (struct thing){.id = ++tree->next_id, .type = type, .mode = mode, .mtime_ms = now_ms};
    memcpy(node->owner, "hdfs", 5);
    memcpy(node->group, "users", 6);
    list_init(&node->snapshots);
    node->content = memory_new(1);
    return node;
}

void tree_init(struct tree *tree, int64_t now_ms)
{
    *tree = (struct tree){.next_id = 1000};
    tree->top = new_node(tree, ENTRY_DIRECTORY, 0755, now_ms);
}

/* ---- looking -------------------------------------------------------------------------------- */

static size_t place_of(const struct thing *directory, const char *name, bool *ret_found)
{
    size_t low = 0, high = directory->child_count;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(directory->children[middle]->name, name);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct thing *thing_child(const struct thing *directory, const char *name)
{
    bool found;
    size_t place = place_of(directory, name, &found);
    return found ? directory->children[place] : NULL;
}

const struct frozen *root_frozen(const struct thing *root, const char *name)
{
    list_for_each(frozen, &root->snapshots, struct frozen, node)
        if (strcmp(frozen->name, name) == 0)
            return frozen;
    return NULL;
}

struct thing *tree_find(const struct tree *tree, const char *path)
{
    struct thing *node = tree->top;
    bool in_snapshots = false;
    while (node != NULL && *path != '\0') {
        char name[512];
        path += *path == '/';
        size_t length = strcspn(path, "/");
        if (length == 0)
            break;
        if (length >= sizeof name)
            return NULL;
        memcpy(name, path, length);
        name[length] = '\0';
        path += length;
        if (in_snapshots) {
            const struct frozen *frozen = root_frozen(node, name);
            node = frozen == NULL ? NULL : frozen->top;
            in_snapshots = false;
        } else if (node->is_root && strcmp(name, SNAPSHOTS_NAME) == 0) {
            in_snapshots = true;
        } else {
            node = thing_child(node, name);
        }
    }
    return in_snapshots ? NULL : node;
}

bool thing_is_below(const struct thing *node, const struct thing *top)
{
    for (; node != NULL; node = node->parent)
        if (node == top)
            return true;
    return false;
}

struct thing *thing_root(struct thing *node)
{
    for (; node != NULL; node = node->parent)
        if (node->is_root)
            return node;
    return NULL;
}

/* ---- one change ----------------------------------------------------------------------------- */

static void attach(struct thing *directory, struct thing *node, const char *name, int64_t now_ms)
{
    bool found;
    size_t place = place_of(directory, name, &found);
    char *own = memory_copy_string(name); /* name may be the node's */
    CHECK(!found);
    free(node->name);
    node->name = own;
    node->parent = directory;
    directory->children =
        memory_resize(directory->children, (directory->child_count + 1) * sizeof(struct thing *));
    memmove(&directory->children[place + 1], &directory->children[place],
            (directory->child_count - place) * sizeof(struct thing *));
    directory->children[place] = node;
    directory->child_count++;
    directory->mtime_ms = now_ms;
}

static void detach(struct thing *node, int64_t now_ms)
{
    bool found;
    struct thing *directory = node->parent;
    size_t place = place_of(directory, node->name, &found);
    CHECK(found);
    directory->child_count--;
    memmove(&directory->children[place], &directory->children[place + 1],
            (directory->child_count - place) * sizeof(struct thing *));
    directory->mtime_ms = now_ms;
    node->parent = NULL;
}

static bool has_roots(const struct thing *node)
{
    if (node->is_root && !list_is_empty(&node->snapshots))
        return true;
    for (size_t i = 0; i < node->child_count; i++)
        if (has_roots(node->children[i]))
            return true;
    return false;
}

/* A name that no store of this kind takes, or a place that nothing can be written to. */
static bool find_parent(struct tree *tree, const char *path, struct thing **ret_parent,
                        struct error *error)
{
    char *copy = memory_copy_string(path);
    const char *name = path_name(path);
    char *slash = strrchr(copy, '/');
    *slash = '\0';
    struct thing *parent = tree_find(tree, copy);
    free(copy);
    if (strlen(name) > 255 || !path_is_utf8(name) || strchr(name, ':') != NULL ||
        strcmp(name, SNAPSHOTS_NAME) == 0)
        return error_set(error, ERROR_INVALID, "%.80s: no name for this store", path);
    if (strstr(path, "/" SNAPSHOTS_NAME "/") != NULL)
        return error_set(error, ERROR_DENIED, "%.80s: snapshots are read-only", path);
    if (parent == NULL || parent->type != ENTRY_DIRECTORY)
        return error_set(error, ERROR_NOT_FOUND, "%.80s: no parent", path);
    *ret_parent = parent;
    return true;
}

bool tree_make(struct tree *tree, const char *path, enum entry_type type, uint32_t mode,
               int64_t now_ms, struct thing **ret_node, struct error *error)
{
    struct thing *parent;
    if (!find_parent(tree, path, &parent, error))
        return false;
    if (thing_child(parent, path_name(path)) != NULL)
        return error_set(error, ERROR_EXISTS, "%.80s is there", path);
    struct thing *node = new_node(tree, type, mode, now_ms);
    attach(parent, node, path_name(path), now_ms);
    *ret_node = node;
    return true;
}

static bool find_own(struct tree *tree, const char *path, struct thing **ret_node,
                     struct error *error)
{
    struct thing *node = tree_find(tree, path);
    if (strstr(path, "/" SNAPSHOTS_NAME "/") != NULL)
        return error_set(error, ERROR_DENIED, "%.80s: snapshots are read-only", path);
    if (node == NULL || node->parent == NULL)
        return error_set(error, ERROR_NOT_FOUND, "%.80s is not there", path);
    *ret_node = node;
    return true;
}

bool tree_rename(struct tree *tree, const char *from, const char *to, bool replace, int64_t now_ms,
                 struct thing **ret_replaced, struct error *error)
{
    struct thing *node, *parent;
    *ret_replaced = NULL;
    if (!find_own(tree, from, &node, error) || !find_parent(tree, to, &parent, error))
        return false;
    if (thing_is_below(parent, node))
        return error_set(error, ERROR_INVALID, "%.80s into itself", from);
    struct thing *there = thing_child(parent, path_name(to));
    if (there == node)
        return true;
    bool fits = there != NULL && replace && there->type == node->type && there->child_count == 0;
    if (there != NULL && !fits)
        return error_set(error, ERROR_EXISTS, "%.80s is there", to);
    if (has_roots(node) || (there != NULL && has_roots(there)))
        return error_set(error, ERROR_CONFLICT, "%.80s has snapshots", from);
    if (there != NULL)
        detach(there, now_ms);
    *ret_replaced = there;
    detach(node, now_ms);
    attach(parent, node, path_name(to), now_ms);
    return true;
}

bool tree_remove(struct tree *tree, const char *path, bool recursive, int64_t now_ms,
                 struct thing **ret_removed, struct error *error)
{
    struct thing *node;
    if (!find_own(tree, path, &node, error))
        return false;
    if (node->child_count > 0 && !recursive)
        return error_set(error, ERROR_EXISTS, "%.80s is not empty", path);
    if (has_roots(node))
        return error_set(error, ERROR_CONFLICT, "%.80s has snapshots", path);
    detach(node, now_ms);
    *ret_removed = node;
    return true;
}

void thing_set_content(struct thing *node, const void *data, size_t size)
{
    node->content = memory_resize(node->content, size + 1);
    if (size > 0)
        memcpy(node->content, data, size);
    node->content[size] = '\0';
    node->size = size;
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static bool has_root_below(const struct thing *node)
{
    for (size_t i = 0; i < node->child_count; i++)
        if (node->children[i]->is_root || has_root_below(node->children[i]))
            return true;
    return false;
}

bool tree_allow(struct tree *tree, const char *path, struct error *error)
{
    struct thing *node = tree_find(tree, path);
    if (node == NULL || node->type != ENTRY_DIRECTORY || node->frozen)
        return error_set(error, ERROR_NOT_FOUND, "%.80s is no directory", path);
    if (!node->is_root && (thing_root(node) != NULL || has_root_below(node)))
        return error_set(error, ERROR_CONFLICT, "%.80s: roots do not nest", path);
    node->is_root = true;
    return true;
}

bool tree_disallow(struct tree *tree, const char *path, struct error *error)
{
    struct thing *node = tree_find(tree, path);
    if (node == NULL)
        return error_set(error, ERROR_NOT_FOUND, "%.80s is not there", path);
    if (node->is_root && !list_is_empty(&node->snapshots))
        return error_set(error, ERROR_CONFLICT, "%.80s has snapshots", path);
    node->is_root = false;
    return true;
}

static struct thing *copy_frozen(const struct thing *node, struct thing *parent)
{
    struct thing *copy = memory_new(sizeof *copy);
    *copy = *node;
    list_init(&copy->snapshots);
    copy->parent = parent;
    copy->name = memory_copy_string(node->name);
    copy->is_root = false;
    copy->frozen = true;
    copy->content = NULL;
    thing_set_content(copy, node->content, node->size);
    copy->children = memory_new((node->child_count + 1) * sizeof(struct thing *));
    for (size_t i = 0; i < node->child_count; i++)
        copy->children[i] = copy_frozen(node->children[i], copy);
    return copy;
}

static struct thing *find_root(struct tree *tree, const char *path, struct error *error)
{
    struct thing *root = tree_find(tree, path);
    if (root != NULL && root->is_root)
        return root;
    error_set(error, root == NULL ? ERROR_NOT_FOUND : ERROR_CONFLICT,
              "%.80s: no snapshots are allowed here", path);
    return NULL;
}

bool tree_freeze(struct tree *tree, const char *path, const char *name, int64_t now_us,
                 const struct frozen **ret_frozen, struct error *error)
{
    struct thing *root = find_root(tree, path, error);
    if (root == NULL)
        return false;
    if (name[0] == '\0' || strchr(name, '/') != NULL)
        return error_set(error, ERROR_INVALID, "%.80s: no name for a snapshot", name);
    if (root_frozen(root, name) != NULL)
        return error_set(error, ERROR_EXISTS, "snapshot %.80s is there", name);
    struct frozen *frozen = memory_new(sizeof *frozen);
    *frozen = (struct frozen){.name = memory_copy_string(name),
                              .id = ++tree->next_id,
                              .instant_us = now_us / 1000 * 1000,
                              .top = copy_frozen(root, NULL)};
    list_append(&root->snapshots, &frozen->node);
    *ret_frozen = frozen;
    return true;
}

bool tree_thaw(struct tree *tree, const char *path, const char *name, const struct frozen **ret,
               struct error *error)
{
    struct thing *root = find_root(tree, path, error);
    if (root == NULL)
        return false;
    list_for_each(frozen, &root->snapshots, struct frozen, node)
        if (strcmp(frozen->name, name) == 0) {
            list_remove(&frozen->node);
            *ret = frozen;
            return true;
        }
    return error_set(error, ERROR_NOT_FOUND, "no snapshot %.80s of %.80s", name, path);
}
