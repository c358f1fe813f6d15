/* tree_model.c: see tree_model.h. */
#include "tree_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

void tree_init(struct tree *tree, uint32_t first_id)
{
    memset(tree, 0, sizeof *tree);
    tree->clock = 1000;
    tree->next_id = first_id + 1;
    tree->nodes[0] =
        (struct node){.type = ENTRY_DIRECTORY, .id = first_id, .mode = 0755, .mtime = 1000};
}

static int find_child(const struct tree *tree, int parent, const char *name, size_t length)
{
    for (int i = 1; i < TREE_NODES; i++) {
        const struct node *node = &tree->nodes[i];
        if (node->type != 0 && node->parent == parent && strncmp(node->name, name, length) == 0 &&
            node->name[length] == '\0')
            return i;
    }
    return -1;
}

int tree_child(const struct tree *tree, int parent, const char *name)
{
    return find_child(tree, parent, name, strlen(name));
}

int tree_find(const struct tree *tree, const char *path)
{
    int node = 0;
    while (*path != '\0' && node >= 0) {
        size_t length = strcspn(path, "/");
        node = find_child(tree, node, path, length);
        path += length + (path[length] == '/');
    }
    return node;
}

int tree_by_id(const struct tree *tree, uint32_t id)
{
    for (int i = 0; i < TREE_NODES; i++)
        if (tree->nodes[i].type != 0 && tree->nodes[i].id == id)
            return i;
    return -1;
}

void tree_path(const struct tree *tree, int node, char ret_path[TREE_PATH])
{
    char *at = ret_path + TREE_PATH - 1;
    *at = '\0';
    while (node != 0) {
        const struct node *self = &tree->nodes[node];
        size_t length = strlen(self->name);
        if (*at != '\0')
            *--at = '/';
        CHECK((size_t)(at - ret_path) > length);
        at -= length;
        memcpy(at, self->name, length);
        node = self->parent;
    }
    memmove(ret_path, at, strlen(at) + 1);
}

bool tree_is_under(const struct tree *tree, int node, int ancestor)
{
    while (node != ancestor && node != 0)
        node = tree->nodes[node].parent;
    return node == ancestor;
}

int tree_count(const struct tree *tree)
{
    int count = 0;
    for (int i = 0; i < TREE_NODES; i++)
        count += tree->nodes[i].type != 0;
    return count;
}

static int take_slot(struct tree *tree, int parent, const char *name)
{
    int slot = 1;
    while (slot < TREE_NODES && tree->nodes[slot].type != 0)
        slot++;
    CHECK(slot < TREE_NODES);
    CHECK(tree->nodes[parent].type == ENTRY_DIRECTORY);
    CHECK(tree_child(tree, parent, name) < 0);
    CHECK(strlen(name) < TREE_NAME);
    memset(&tree->nodes[slot], 0, sizeof tree->nodes[slot]);
    strcpy(tree->nodes[slot].name, name);
    tree->nodes[slot].parent = parent;
    tree->nodes[slot].id = tree->next_id++;
    tree->nodes[parent].mtime = ++tree->clock;
    tree->operations++;
    return slot;
}

int tree_make(struct tree *tree, int parent, const char *name, enum entry_type type)
{
    int slot = take_slot(tree, parent, name);
    struct node *node = &tree->nodes[slot];
    node->type = type;
    node->mode = type == ENTRY_DIRECTORY ? 0755 : 0644;
    node->mtime = tree->clock;
    return slot;
}

int tree_copy_node(struct tree *tree, int parent, const char *name, const struct node *from)
{
    int slot = take_slot(tree, parent, name);
    struct node *node = &tree->nodes[slot];
    node->type = from->type;
    node->mode = from->mode;
    node->xattr = from->xattr;
    node->length = from->length;
    node->content = from->content;
    node->mtime = from->mtime;
    return slot;
}

void tree_rename(struct tree *tree, int node, int parent, const char *name)
{
    CHECK(node != 0 && tree->nodes[node].type != 0);
    CHECK(tree->nodes[parent].type == ENTRY_DIRECTORY);
    CHECK(!tree_is_under(tree, parent, node));
    CHECK(tree_child(tree, parent, name) < 0);
    CHECK(strlen(name) < TREE_NAME);
    tree->nodes[tree->nodes[node].parent].mtime = ++tree->clock;
    tree->nodes[parent].mtime = tree->clock;
    tree->nodes[node].parent = parent;
    memmove(tree->nodes[node].name, name, strlen(name) + 1);
    tree->operations++;
}

void tree_remove(struct tree *tree, int node)
{
    CHECK(node != 0 && tree->nodes[node].type != 0);
    tree->nodes[tree->nodes[node].parent].mtime = ++tree->clock;
    tree->operations++;
    bool gone[TREE_NODES] = {false};
    for (int i = 1; i < TREE_NODES; i++)
        gone[i] = tree->nodes[i].type != 0 && tree_is_under(tree, i, node);
    for (int i = 1; i < TREE_NODES; i++)
        if (gone[i])
            tree->nodes[i].type = 0;
}

void tree_write(struct tree *tree, int node, uint32_t length, uint32_t content)
{
    CHECK(tree->nodes[node].type == ENTRY_FILE);
    tree->nodes[node].length = length;
    tree->nodes[node].content = content;
    tree->nodes[node].mtime = ++tree->clock;
    tree->operations++;
}

int tree_list(const struct tree *tree, int node, int ret_children[TREE_NODES])
{
    int count = 0;
    for (int i = 1; i < TREE_NODES; i++) {
        if (tree->nodes[i].type == 0 || tree->nodes[i].parent != node)
            continue;
        int at = count++;
        while (at > 0 && strcmp(tree->nodes[ret_children[at - 1]].name, tree->nodes[i].name) > 0) {
            ret_children[at] = ret_children[at - 1];
            at--;
        }
        ret_children[at] = i;
    }
    return count;
}

static void walk(const struct tree *tree, int node, int *nodes, int *count)
{
    int children[TREE_NODES];
    nodes[(*count)++] = node;
    if (tree->nodes[node].type != ENTRY_DIRECTORY)
        return;
    int child_count = tree_list(tree, node, children);
    for (int i = 0; i < child_count; i++)
        walk(tree, children[i], nodes, count);
}

int tree_walk(const struct tree *tree, int top, int ret_nodes[TREE_NODES])
{
    int count = 0;
    walk(tree, top, ret_nodes, &count);
    return count;
}

struct entry tree_entry(const struct tree *tree, int node, const char *path, bool crc)
{
    static const struct entry_xattr xattrs[] = {
        {"user.a", "0", 1}, {"user.a", "1", 1}, {"user.a", "2", 1}, {"user.a", "3", 1}};
    const struct node *self = &tree->nodes[node];
    struct entry entry = {.path = path,
                          .type = self->type,
                          .length = self->type == ENTRY_FILE ? self->length : 0,
                          .mode = self->mode,
                          .owner = "alice",
                          .group = "staff",
                          .mtime_ns = self->mtime,
                          .crc_known = crc && self->type == ENTRY_FILE,
                          .crc32c = crc && self->type == ENTRY_FILE ? self->content : 0,
                          .file_id = self->id,
                          .birth_ns = self->id};
    if (self->xattr != 0) {
        entry.xattrs = &xattrs[self->xattr & 3];
        entry.xattr_count = 1;
    }
    if (self->type == ENTRY_SYMLINK) {
        entry.length = 1;
        entry.link_target = (self->content & 1) != 0 ? "x" : "y";
    }
    return entry;
}

void tree_set(struct tree *tree, int node, const struct entry *entry, unsigned fields)
{
    struct node *self = &tree->nodes[node];
    if ((fields & ENTRY_MODE) != 0)
        self->mode = entry->mode;
    if ((fields & ENTRY_TIMES) != 0)
        self->mtime = entry->mtime_ns;
    if ((fields & ENTRY_XATTRS) != 0)
        self->xattr =
            entry->xattr_count == 0 ? 0 : 4u + (*(const char *)entry->xattrs[0].value & 3u);
    tree->operations++;
}

void tree_print(const struct tree *tree, const char *title)
{
    int nodes[TREE_NODES], count = tree_walk(tree, 0, nodes);
    printf("# %s (marks %x)\n", title, tree->marks);
    for (int i = 0; i < count; i++) {
        const struct node *node = &tree->nodes[nodes[i]];
        char path[TREE_PATH];
        tree_path(tree, nodes[i], path);
        printf("#   %c #%-4u mode %o x%u mtime %lld length %u content %u /%s\n", "?fdl"[node->type],
               node -> id, node -> mode, node -> xattr, (long long)node -> mtime, node -> length,
               node -> content, path);
    }
}
