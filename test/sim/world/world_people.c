/* world_people.c: users who change the source, others who write on the target, and chance that
 * kills. The operator is in world_operator.c. */
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

/* ---- what others did on the target, until it is mended --------------------------------------- */

enum deed_kind { DEED_MADE, DEED_CHANGED, DEED_REMOVED };

struct deed {
    struct list node;
    enum deed_kind kind;
    struct thing *thing;
    char *path; /* removed: whence */
    char *content;
    uint32_t mode;
    int64_t mtime_ms;
    unsigned plans; /* that were written before */
};
static unsigned plans;
static struct list deeds = {&deeds, &deeds};

static void note_deed(enum deed_kind kind, struct thing *thing, const char *path)
{
    struct deed *deed = memory_new(sizeof *deed);
    *deed = (struct deed){.kind = kind,
                          .thing = thing,
                          .path = memory_copy_string(path),
                          .content = memory_copy_string(thing->content),
                          .mode = thing->mode,
                          .mtime_ms = thing->mtime_ms,
                          .plans = plans};
    list_append(&deeds, &deed->node);
}

static bool is_in_place(const struct thing *thing)
{
    const struct tree *tree = &scene.stores[WEST].tree;
    for (const struct thing *at = thing; at != NULL; at = at->parent) {
        if (at == tree_find(tree, "/data"))
            return true;
        if (at->parent == NULL || strcmp(at->name, STAGING_NAME) == 0)
            return false;
    }
    return false;
}

/* False: it cannot be taken back now, perhaps later. */
static bool undo(const struct deed *deed)
{
    struct tree *tree = &scene.stores[WEST].tree;
    struct arena arena;
    struct error error;
    struct thing *ignored;
    int64_t now_ms = clock_realtime_us() / 1000;
    arena_init(&arena);
    bool done = deed->kind == DEED_REMOVED
                    ? tree_rename(tree, path_of(&arena, deed->thing), deed->path, false, now_ms,
                                  &ignored, &error)
                    : is_in_place(deed->thing);
    if (done && deed->kind == DEED_MADE) {
        tree_remove(tree, path_of(&arena, deed->thing), true, now_ms, &ignored, &error);
    } else if (done && deed->kind == DEED_CHANGED) {
        thing_set_content(deed->thing, deed->content, strlen(deed->content));
        deed->thing->mode = deed->mode;
        deed->thing->mtime_ms = deed->mtime_ms;
        deed->thing->foreign = false;
    }
    arena_fini(&arena);
    return done;
}

/* The newest first, as the operator asked them to; what the last plans knew of is settled. */
void people_mend(void)
{
    world_trace("others take back what they did on the target");
    struct list left;
    list_init(&left);
    while (!list_is_empty(&deeds)) {
        struct deed *deed = list_entry(deeds.previous, struct deed, node);
        list_remove(&deed->node);
        if (deed->plans + 1 < plans)
            continue;
        if (!undo(deed))
            list_append(&left, &deed->node);
    }
    while (!list_is_empty(&left)) {
        struct list *node = left.previous;
        list_remove(node);
        list_append(&deeds, node);
    }
}

/* The path behind a mark: "depot:/data/one is not back: C d/x" gives "/data/one/d/x"; or NULL. */
static const char *path_behind(struct arena *arena, const char *cause, const char *words)
{
    const char *mark = strstr(cause, words), *member = strchr(cause, '/');
    if (mark == NULL || member == NULL || member > mark)
        return NULL;
    return path_join(arena, arena_copy(arena, member, (size_t)(mark - member)),
                     mark + strlen(words));
}

static void put_away(struct arena *arena, const char *path)
{
    static unsigned count;
    struct thing *ignored;
    struct error error;
    if (path != NULL &&
        tree_rename(&scene.stores[WEST].tree, path, arena_format(arena, "/bin/o%u", ++count), false,
                    clock_realtime_us() / 1000, &ignored, &error))
        world_trace("people put %s away", path);
}

static void bring_back(struct arena *arena, const char *path)
{
    struct thing *ignored;
    struct error error;
    list_for_each(deed, &deeds, struct deed, node)
        if (path != NULL && deed->kind == DEED_REMOVED &&
            strcmp(path_name(deed->path), path_name(path)) == 0 &&
            tree_rename(&scene.stores[WEST].tree, path_of(arena, deed->thing), path, false,
                        clock_realtime_us() / 1000, &ignored, &error))
            world_trace("people bring %s back", path);
}

/* "depot:/data/two/h: mode 664 instead of 644" */
static void set_mode_back(struct arena *arena, const char *cause)
{
    const char *words = strstr(cause, ": mode "), *path = strchr(cause, '/');
    char *end;
    if (words == NULL || path == NULL || path > words)
        return;
    const char *wanted = strstr(words, " instead of ");
    struct thing *thing =
        tree_find(&scene.stores[WEST].tree, arena_copy(arena, path, (size_t)(words - path)));
    if (thing != NULL && wanted != NULL)
        thing->mode = (uint32_t)strtoul(wanted + strlen(" instead of "), &end, 8);
}

/* On the way back the device names what is not as in the base. */
void people_help_back(const char *cause)
{
    struct arena arena;
    arena_init(&arena);
    put_away(&arena, path_behind(&arena, cause, " is not back: C "));
    put_away(&arena, path_behind(&arena, cause, " differs from its manifest: C "));
    bring_back(&arena, path_behind(&arena, cause, " is not back: D "));
    bring_back(&arena, path_behind(&arena, cause, " differs from its manifest: D "));
    set_mode_back(&arena, cause);
    arena_fini(&arena);
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
    if (foreign)
        note_deed(DEED_MADE, node, path);
    world_trace("%s makes %s %s", who, path, node->content);
}

static void change_something(struct store *store, struct arena *arena, const char *who,
                             bool foreign)
{
    struct thing *node = any_node(store, chance(20));
    if (node == NULL || node->open)
        return;
    if (foreign)
        note_deed(DEED_CHANGED, node, "");
    bool anew = node->type == ENTRY_FILE && chance(70);
    if (anew)
        give_content(node, who);
    else
        node->mode ^= 0020;
    node->foreign = node->foreign || (foreign && anew); /* what counts is what would be lost */
    world_trace("%s changes %s %s %o", who, path_of(arena, node), node->content, node->mode);
}

static void move_something(struct store *store, struct arena *arena)
{
    struct thing *node = any_node(store, chance(50)), *directory = any_node(store, true), *replaced;
    struct error error;
    if (node == NULL || directory == NULL || depth_of(node) < 3)
        return;
    const char *from = path_of(arena, node);
    const char *to =
        arena_format(arena, "%s/%c", path_of(arena, directory), (char)('a' + chance_below(8)));
    if (tree_rename(&store->tree, from, to, chance(30), clock_realtime_us() / 1000, &replaced,
                    &error))
        world_trace("user moves %s to %s", from, to);
}

static void remove_something(struct store *store, struct arena *arena)
{
    struct thing *node = any_node(store, chance(30)), *removed;
    struct error error;
    if (node == NULL || depth_of(node) < 3)
        return;
    const char *path = path_of(arena, node);
    if (tree_remove(&store->tree, path, true, clock_realtime_us() / 1000, &removed, &error))
        world_trace("user removes %s", path);
}

/* Into the bin, from which it can come back. */
static void bin_something(struct arena *arena)
{
    struct tree *tree = &scene.stores[WEST].tree;
    struct thing *thing = any_node(&scene.stores[WEST], chance(30)), *ignored;
    struct error error;
    static unsigned binned;
    if (thing == NULL || depth_of(thing) < 3)
        return;
    const char *path = path_of(arena, thing);
    if (tree_rename(tree, path, arena_format(arena, "/bin/%u", ++binned), false,
                    clock_realtime_us() / 1000, &ignored, &error)) {
        note_deed(DEED_REMOVED, thing, path);
        world_trace("other removes %s", path);
    }
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
            remove_something(store, &arena);
    }
    arena_fini(&arena);
}

static void users_work(void *context)
{
    (void)context;
    use_source();
    event_new(NULL, chance_ns(SECOND, 60 * SECOND), users_work, NULL);
}

static void write_once(void *context)
{
    (void)context;
    struct arena arena;
    arena_init(&arena);
    if (world.faults && any_node(&scene.stores[WEST], true) != NULL) {
        if (chance(60))
            make_something(&scene.stores[WEST], &arena, "other", true);
        else if (chance(70))
            change_something(&scene.stores[WEST], &arena, "other", true);
        else
            bin_something(&arena);
    }
    arena_fini(&arena);
}

static bool others_are_here;

bool people_write_on_target(void)
{
    return others_are_here;
}

void people_see_plan(void)
{
    plans++;
}

void people_see_commit(const char *mark)
{
    bool begins = strstr(mark, "phase.begun") != NULL; /* just before things are renamed */
    for (unsigned left = !others_are_here       ? 0
                         : begins && fault(300) ? 4
                                                : fault(100);
         left > 0; left--)
        event_new(NULL, chance_ns(0, begins ? 6 * MS : 50 * MS), write_once, NULL);
    if (fault(20))
        computer_crash_soon(&scene.computers[chance_below(PLACE_COUNT)]);
}

static void others_write(void *context)
{
    write_once(context);
    event_new(NULL, chance_ns(MINUTE, 20 * MINUTE), others_write, NULL);
}

/* ---- chance --------------------------------------------------------------------------------- */

/* Somebody on A takes a snapshot of Coeval's away: a base may be lost. */
static void delete_snapshot(void)
{
    struct tree *tree = &scene.stores[EAST].tree;
    struct pick pick = {.count = 0};
    struct thing *data = tree_find(tree, "/data");
    const struct frozen *gone;
    struct error error;
    struct arena arena;
    pick.found[pick.count++] = data;
    for (size_t i = 0; i < data->child_count; i++)
        pick.found[pick.count++] = data->children[i];
    struct thing *root = pick.found[chance_below(pick.count)];
    if (list_is_empty(&root->snapshots))
        return;
    arena_init(&arena);
    const char *path = path_of(&arena, root);
    const char *name = list_entry(root->snapshots.previous, struct frozen, node)->name;
    if (tree_thaw(tree, path, name, &gone, &error))
        world_trace("somebody deletes snapshot %s of %s", name, path);
    arena_fini(&arena);
}

static void something_happens(void *context)
{
    (void)context;
    if (world.faults) {
        uint64_t what = chance_below(10);
        if (what < 6)
            computer_crash_soon(&scene.computers[chance_below(PLACE_COUNT)]);
        else if (what < 9)
            network_old_letter();
        else if (chance(20))
            delete_snapshot();
        else
            world_set_clock((int64_t)chance_below(6000000) - 3000000);
    }
    event_new(NULL, chance_ns(0, chance(30) ? 10 * SECOND : 3 * MINUTE), something_happens, NULL);
}

void people_begin(void)
{
    event_new(NULL, 0, users_work, NULL);
    others_are_here = chance(50);
    if (others_are_here)
        event_new(NULL, chance_ns(MINUTE, 20 * MINUTE), others_write, NULL);
    event_new(NULL, 30 * SECOND, something_happens, NULL);
    operator_begin();
}
