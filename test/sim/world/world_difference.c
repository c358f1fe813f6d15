/* world_difference.c: what changed between two trees, and where two trees are not equal. Small
 * trees: everything is looked up by walking. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "component/component.h"
#include "world.h"
#include "world_tree.h"

#define DIFFERENCES_MAX 1000

struct comparing {
    const struct thing *from, *to; /* tops */
    struct arena arena;
    struct difference *found; /* all of one moment: who is told may wait, and the tree goes on */
    size_t count;
};

/* A live root has a parent, a frozen one has none. */
static bool is_left_out(const struct thing *node, const struct thing *root)
{
    return node != root && node->parent == root && strcmp(node->name, STAGING_NAME) == 0;
}

static const struct thing *find_id(const struct thing *node, const struct thing *root, uint64_t id)
{
    if (node->id == id)
        return node;
    for (size_t i = 0; i < node->child_count; i++) {
        const struct thing *child = node->children[i];
        const struct thing *found = is_left_out(child, root) ? NULL : find_id(child, root, id);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static const char *path_in(struct comparing *comparing, const struct thing *node,
                           const struct thing *top)
{
    if (node == top)
        return "";
    return path_join(&comparing->arena, path_in(comparing, node->parent, top), node->name);
}

static void note(struct comparing *comparing, enum difference_kind kind, const char *path,
                 const char *target)
{
    CHECK(comparing->count < DIFFERENCES_MAX);
    comparing->found[comparing->count++] = (struct difference){kind, path, target};
}

static bool is_modified(const struct thing *a, const struct thing *b)
{
    if (a->mode != b->mode || a->mtime_ms != b->mtime_ms || strcmp(a->owner, b->owner) != 0 ||
        strcmp(a->group, b->group) != 0)
        return true;
    return a->size != b->size || memcmp(a->content, b->content, a->size) != 0;
}

struct sides {
    const struct thing *from_root, *to_root; /* whose staging is left out */
};

/* The path of the parent as it was, the name as it is. */
static const char *pre_image(struct comparing *comparing, const struct sides *sides,
                             const struct thing *node)
{
    const struct thing *before = find_id(comparing->from, sides->from_root, node->parent->id);
    CHECK(before != NULL);
    return path_join(&comparing->arena, path_in(comparing, before, comparing->from), node->name);
}

static void walk_new(struct comparing *comparing, const struct sides *sides,
                     const struct thing *node, bool in_created)
{
    bool is_created = false;
    if (node != comparing->to) {
        is_created = find_id(comparing->from, sides->from_root, node->id) == NULL;
        if (is_created && !in_created)
            note(comparing, DIFFERENCE_CREATE, pre_image(comparing, sides, node), NULL);
    }
    for (size_t i = 0; i < node->child_count; i++)
        if (!is_left_out(node->children[i], sides->to_root))
            walk_new(comparing, sides, node->children[i], is_created);
}

static void walk_old(struct comparing *comparing, const struct sides *sides,
                     const struct thing *node, bool in_deleted)
{
    const char *path = path_in(comparing, node, comparing->from);
    const struct thing *now =
        node == comparing->from ? comparing->to : find_id(comparing->to, sides->to_root, node->id);
    if (now == NULL && !in_deleted)
        note(comparing, DIFFERENCE_DELETE, path, NULL);
    if (now != NULL && node != comparing->from &&
        (in_deleted || now->parent->id != node->parent->id || strcmp(now->name, node->name) != 0))
        note(comparing, DIFFERENCE_RENAME, path, path_in(comparing, now, comparing->to));
    if (now != NULL && is_modified(node, now))
        note(comparing, DIFFERENCE_MODIFY, path, NULL);
    for (size_t i = 0; i < node->child_count; i++)
        if (!is_left_out(node->children[i], sides->from_root))
            walk_old(comparing, sides, node->children[i], now == NULL);
}

static const struct thing *descend(const struct thing *node, const char *relative)
{
    while (node != NULL && *relative != '\0') {
        char name[512];
        size_t length = strcspn(relative, "/");
        CHECK(length < sizeof name);
        memcpy(name, relative, length);
        name[length] = '\0';
        node = thing_child(node, name);
        relative += length + (relative[length] == '/');
    }
    return node;
}

bool tree_difference(const struct thing *from, const struct thing *to, const char *relative,
                     difference_fn *fn, void *context, struct error *error)
{
    struct sides sides = {from, to};
    struct comparing comparing = {.from = descend(from, relative), .to = descend(to, relative)};
    if (comparing.from == NULL || comparing.to == NULL)
        return error_set(error, ERROR_NOT_FOUND, "%.80s is not there on both sides", relative);
    arena_init(&comparing.arena);
    comparing.found = arena_new(&comparing.arena, DIFFERENCES_MAX * sizeof comparing.found[0]);
    walk_new(&comparing, &sides, comparing.to, false);
    walk_old(&comparing, &sides, comparing.from, false);
    bool done = true;
    for (size_t i = 0; world.trace && i < comparing.count; i++)
        world_trace("  differs: %c %s %s", comparing.found[i].kind, comparing.found[i].path,
                    comparing.found[i].target == NULL ? "" : comparing.found[i].target);
    for (size_t i = 0; done && i < comparing.count; i++)
        done = fn(context, &comparing.found[i], error);
    arena_fini(&comparing.arena);
    return done;
}

/* ---- equal? --------------------------------------------------------------------------------- */

/* Directly below the root it is no part of the tree. */
static bool is_staging(const struct thing *node, const char *directory)
{
    return directory[0] == '\0' && strcmp(node->name, STAGING_NAME) == 0;
}

static const char *compare_nodes(const struct thing *a, const struct thing *b, const char *path,
                                 struct arena *arena)
{
    const char *shown = path[0] == '\0' ? "the top" : path;
    if (a->type != b->type)
        return arena_format(arena, "%s: another type", shown);
    if (a->size != b->size || memcmp(a->content, b->content, a->size) != 0)
        return arena_format(arena, "%s: '%s' and '%s'", shown, a->content, b->content);
    if (a->mode != b->mode || strcmp(a->owner, b->owner) != 0 || strcmp(a->group, b->group) != 0)
        return arena_format(arena, "%s: mode %o %s:%s and %o %s:%s", shown, a->mode, a->owner,
                            a->group, b->mode, b->owner, b->group);
    /* Of a top the times are not kept: it may be a root, which snapshots change. */
    if (path[0] != '\0' && a->mtime_ms != b->mtime_ms)
        return arena_format(arena, "%s: times %" PRId64 " and %" PRId64, shown, a->mtime_ms,
                            b->mtime_ms);
    size_t i = 0, j = 0;
    while (i < a->child_count || j < b->child_count) {
        const struct thing *left = i < a->child_count ? a->children[i] : NULL;
        const struct thing *right = j < b->child_count ? b->children[j] : NULL;
        if (left != NULL && is_staging(left, path) && ++i > 0)
            continue;
        if (right != NULL && is_staging(right, path) && ++j > 0)
            continue;
        int order = left == NULL ? 1 : right == NULL ? -1 : strcmp(left->name, right->name);
        if (order != 0)
            return arena_format(arena, "%s is on one side only (%s)",
                                path_join(arena, path, order < 0 ? left->name : right->name),
                                order < 0 ? "the first" : "the second");
        const char *wrong = compare_nodes(left, right, path_join(arena, path, left->name), arena);
        if (wrong != NULL)
            return wrong;
        i++;
        j++;
    }
    return NULL;
}

const char *tree_compare(const struct thing *a, const struct thing *b, struct arena *arena)
{
    return compare_nodes(a, b, "", arena);
}
