/* plan_oracle.c: the difference of two trees as HDFS reports it, written from its rules and not
 * from ours: by inodes, directory by directory, with its blind spots (times, rewrites of the same
 * length) and its forgetting of renames out of a deleted directory. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "plan_world.h"

struct oracle {
    const struct tree *old, *new;
    difference_fn *emit;
    void *context;
    struct error *error;
};

/* HDFS still knows the object: it is in both states, and so is every directory that it was in. */
static bool is_known(const struct oracle *oracle, int old_node)
{
    for (int node = old_node;; node = oracle->old->nodes[node].parent) {
        if (tree_by_id(oracle->new, oracle->old->nodes[node].id) < 0)
            return false;
        if (node == 0)
            return true;
    }
}

static bool say(struct oracle *oracle, enum difference_kind kind, const char *path,
                const char *target)
{
    struct difference difference = {.kind = kind, .path = path, .target = target};
    return oracle->emit(oracle->context, &difference, oracle->error);
}

static bool is_child(const struct tree *tree, int parent, const struct node *like)
{
    int child = tree_child(tree, parent, like->name);
    return child >= 0 && tree->nodes[child].id == like->id;
}

static bool gone_children(struct oracle *oracle, int old_dir, int new_dir, bool *ret_changed)
{
    for (int i = 1; i < TREE_NODES; i++) {
        const struct node *child = &oracle->old->nodes[i];
        char path[TREE_PATH], target[TREE_PATH];
        if (child->type == 0 || child->parent != old_dir || is_child(oracle->new, new_dir, child))
            continue;
        *ret_changed = true;
        tree_path(oracle->old, i, path);
        int moved = tree_by_id(oracle->new, child->id);
        if (moved >= 0)
            tree_path(oracle->new, moved, target);
        if (!say(oracle, moved >= 0 ? DIFFERENCE_RENAME : DIFFERENCE_DELETE, path,
                 moved >= 0 ? target : NULL))
            return false;
    }
    return true;
}

static bool come_children(struct oracle *oracle, int old_dir, int new_dir, bool *ret_changed)
{
    for (int i = 1; i < TREE_NODES; i++) {
        const struct node *child = &oracle->new->nodes[i];
        char parent[TREE_PATH], path[TREE_PATH + TREE_NAME];
        if (child->type == 0 || child->parent != new_dir || is_child(oracle->old, old_dir, child))
            continue;
        *ret_changed = true;
        int before = tree_by_id(oracle->old, child->id);
        if (before >= 0 && is_known(oracle, before))
            continue; /* said as a rename where it came from */
        tree_path(oracle->old, old_dir, parent);
        snprintf(path, sizeof path, "%s%s%s", parent, parent[0] != '\0' ? "/" : "", child->name);
        if (!say(oracle, DIFFERENCE_CREATE, path, NULL))
            return false;
    }
    return true;
}

bool oracle_difference(const struct tree *old, const struct tree *new, difference_fn *emit,
                       void *context, struct error *error)
{
    struct oracle oracle = {old, new, emit, context, error};
    for (int i = 0; i < TREE_NODES; i++) {
        if (old->nodes[i].type == 0 || !is_known(&oracle, i))
            continue;
        int now = tree_by_id(new, old->nodes[i].id);
        const struct node *a = &old->nodes[i], *b = &new->nodes[now];
        bool changed = a->mode != b->mode || a->xattr != b->xattr || a->length != b->length;
        if (a->type == ENTRY_DIRECTORY && (!gone_children(&oracle, i, now, &changed) ||
                                           !come_children(&oracle, i, now, &changed)))
            return false;
        char path[TREE_PATH];
        tree_path(old, i, path);
        if (changed && !say(&oracle, DIFFERENCE_MODIFY, path, NULL))
            return false;
    }
    return true;
}

struct tree_stream {
    const struct tree *tree;
    bool crc;
    int nodes[TREE_NODES];
    int count, next;
    char path[TREE_PATH];
    struct entry entry;
};

static bool next_entry(void *context, const struct entry **ret_entry, struct error *error)
{
    struct tree_stream *stream = context;
    (void)error;
    *ret_entry = NULL;
    if (stream->next == stream->count)
        return true;
    int node = stream->nodes[stream->next++];
    tree_path(stream->tree, node, stream->path);
    stream->entry = tree_entry(stream->tree, node, stream->path, stream->crc);
    *ret_entry = &stream->entry;
    return true;
}

bool trees_difference(const struct tree *old, const struct tree *new,
                      enum listing_identity identity, bool crc, difference_fn *emit, void *context,
                      struct error *error)
{
    struct tree_stream a = {.tree = old, .crc = crc}, b = {.tree = new, .crc = crc};
    a.count = tree_walk(old, 0, a.nodes);
    b.count = tree_walk(new, 0, b.nodes);
    struct listing listings[2] = {{next_entry, &a}, {next_entry, &b}};
    struct listing_options options = {identity, ENTRY_ATTRIBUTES, 1 << 20, false};
    return listing_difference(&listings[0], &listings[1], &options, emit, context, error);
}
