/* world_people.c: users who change the source, others who write on the target, and chance that kills.
 * The operator is in world_operator.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/path.h"
#include "world_private.h"
#include "world_scene.h"

#define THINGS_MAX 200

/* ---- places in a tree ----------------------------------------------------------------------- */

struct pick {
    struct thing *found[THINGS_MAX];
    size_t count;
};

static void collect(struct thing *node, unsigned depth, struct pick *pick)
{
    for (size_t i = 0; i < node->child_count; i++) {
        struct thing *child = node->children[i];
        if (strcmp(child->name, STAGING_NAME) == 0 || pick->count == THINGS_MAX)
            continue;
        if (depth > 0) /* never a data set itself */
            pick->found[pick->count++] = child;
        collect(child, depth + 1, pick);
    }
}

static struct thing *any_node(struct store *store, bool directory)
{
    struct pick pick = {.count = 0};
    struct thing *data = tree_find(&store->tree, "/data");
    collect(data, 0, &pick);
    for (size_t i = 0; i < data->child_count && directory; i++)
        if (strcmp(data->children[i]->name, STAGING_NAME) != 0)
            pick.found[pick.count++] = data->children[i];
    for (size_t left = pick.count; left > 0;) {
        size_t at = (size_t)chance_below(left);
        struct thing *node = pick.found[at];
        if ((node->type == ENTRY_DIRECTORY) == directory)
            return node;
        pick.found[at] = pick.found[--left];
    }
    return NULL;
}

static char *path_of(struct arena *arena, const struct thing *node)
{
    if (node->parent == NULL)
        return arena_string(arena, "");
    return arena_format(arena, "%s/%s", path_of(arena, node->parent), node->name);
}

static unsigned depth_of(const struct thing *node)
{
    return node->parent == NULL ? 0 : 1 + depth_of(node->parent);
}

/* ---- what people do ------------------------------------------------------------------------- */

static unsigned contents; /* every one is new */

static void give_content(struct thing *node, const char *who)
{
    char text[64];
    snprintf(text, sizeof text, "%s%u", who, ++contents);
    if (chance(10))
        text[0] = '\0';
    thing_set_content(node, text, strlen(text));
    node->mtime_ms = clock_realtime_us() / 1000;
    node->open = false;
}

static void make_something(struct store *store, struct arena *arena, const char *who, bool foreign)
{
    struct thing *directory = any_node(store, true), *node;
    struct error error;
    if (directory == NULL || directory->child_count > 6)
        return;
    const char *path = arena_format(arena, "%s/%s%c", path_of(arena, directory), foreign ? "x" : "",
                                    (char)('a' + chance_below(8)));
    bool make_directory = chance(30) && depth_of(directory) < 5;
    if (!tree_make(&store->tree, path, make_directory ? ENTRY_DIRECTORY : ENTRY_FILE,
                   make_directory ? 0755 : 0644, clock_realtime_us() / 1000, &node, &error))
        return;
    if (!make_directory)
        give_content(node, who);
    node->foreign = foreign;
    world_trace("%s makes %s %s", who, path, node->content);
}

static void change_something(struct store *store, struct arena *arena, const char *who,
                             bool foreign)
{
    struct thing *node = any_node(store, chance(20));
    if (node == NULL || node->open)
        return;
    if (node->type == ENTRY_FILE && chance(70))
        give_content(node, who);
    else
        node->mode ^= 0020;
    node->foreign = node->foreign || foreign;
    world_trace("%s changes %s %s %o", who, path_of(arena, node), node->content, node->mode);
}

static void move_something(struct store *store, struct arena *arena)
{
    struct thing *node = any_node(store, chance(50)), *directory = any_node(store, true), *replaced;
    struct error error;
    if (node == NULL || directory == NULL || depth_of(node) < 3)
        return;
    const char *from = path_of(arena, node);
    const char *to = arena_format(arena, "%s/%c", path_of(arena, directory),
                                  (char)('a' + chance_below(8)));
    if (tree_rename(&store->tree, from, to, chance(30), clock_realtime_us() / 1000, &replaced,
                    &error))
        world_trace("user moves %s to %s", from, to);
}

static void remove_something(struct store *store, struct arena *arena, const char *who)
{
    struct thing *node = any_node(store, chance(30)), *removed;
    struct error error;
    if (node == NULL || depth_of(node) < 3)
        return;
    const char *path = path_of(arena, node);
    if (tree_remove(&store->tree, path, true, clock_realtime_us() / 1000, &removed, &error))
        world_trace("%s removes %s", who, path);
}

static void use_source(void)
{
    struct store *store = &scene.stores[EAST];
    struct arena arena;
    arena_init(&arena);
    for (uint64_t left = 1 + chance_below(5); left > 0; left--) {
        uint64_t what = chance_below(10);
        if (what < 4)
            make_something(store, &arena, "user", false);
        else if (what < 6)
            change_something(store, &arena, "user", false);
        else if (what < 8)
            move_something(store, &arena);
        else
            remove_something(store, &arena, "user");
    }
    arena_fini(&arena);
}

static void users_work(void *context)
{
    (void)context;
    use_source();
    event_new(NULL, chance_ns(SECOND, 60 * SECOND), users_work, NULL);
}

static void others_write(void *context)
{
    (void)context;
    struct arena arena;
    arena_init(&arena);
    if (world.faults && any_node(&scene.stores[WEST], true) != NULL) {
        if (chance(50))
            make_something(&scene.stores[WEST], &arena, "other", true);
        else if (chance(70))
            change_something(&scene.stores[WEST], &arena, "other", true);
        else
            remove_something(&scene.stores[WEST], &arena, "other");
    }
    arena_fini(&arena);
    event_new(NULL, chance_ns(MINUTE, 20 * MINUTE), others_write, NULL);
}

/* ---- chance --------------------------------------------------------------------------------- */

static void something_happens(void *context)
{
    (void)context;
    if (world.faults) {
        uint64_t what = chance_below(10);
        if (what < 7)
            computer_crash_soon(&scene.computers[chance_below(PLACE_COUNT)]);
        else if (what < 9)
            network_old_letter();
        else
            world_set_clock((int64_t)chance_below(6000000) - 3000000);
    }
    event_new(NULL, chance_ns(0, chance(30) ? 10 * SECOND : 3 * MINUTE), something_happens, NULL);
}

void people_begin(void)
{
    event_new(NULL, 0, users_work, NULL);
    if (chance(50))
        event_new(NULL, chance_ns(MINUTE, 20 * MINUTE), others_write, NULL);
    event_new(NULL, 30 * SECOND, something_happens, NULL);
    operator_begin();
}
