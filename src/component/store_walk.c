/* store_walk.c: store_walk() of store_util.h: a tree in the order of path_compare(), one listing of
 * memory for each level. */
#include "component/store_util.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/path.h"

struct walk {
    struct store_ref ref;
    const struct call *call;
    const char *top;
    bool described;
    walk_skip_fn *skip;
    entry_fn *fn;
    void *context;
};

/* The entries of one directory, copied: recursion must not happen inside list(), which may hold a
 * connection. */
struct level {
    struct arena arena;
    struct entry *entries;
    size_t count;
    size_t capacity;
};

static bool keep_entry(void *context, const struct entry *entry, struct error *error)
{
    struct level *level = context;
    (void)error;
    if (level->count == level->capacity) {
        level->capacity = level->capacity == 0 ? 16 : level->capacity * 2;
        level->entries = memory_resize(level->entries, level->capacity * sizeof *level->entries);
    }
    level->entries[level->count++] = entry_copy(&level->arena, entry);
    return true;
}

static void level_fini(struct level *level)
{
    free(level->entries);
    arena_fini(&level->arena);
}

static bool walk_directory(const struct walk *walk, const char *path, struct error *error);

/* One object, then what is below it. Something that vanished since it was listed is left out. */
static bool walk_object(const struct walk *walk, const struct entry *listed, const char *path,
                        struct error *error)
{
    if (walk->skip != NULL && walk->skip(walk->context, path))
        return true;
    struct arena arena;
    arena_init(&arena);
    struct entry entry = *listed;
    bool going_on = true, there = true;
    if (walk->described) {
        const char *absolute = path_join(&arena, walk->top, path);
        going_on = walk->ref.component->describe(walk->ref.store, walk->call, absolute, &arena,
                                                 &entry, error);
        there = going_on || error->code != ERROR_NOT_FOUND || path[0] == '\0';
    }
    entry.path = path;
    if (!there) {
        *error = ERROR_NONE;
        going_on = true;
    } else if (going_on) {
        going_on = walk->fn(walk->context, &entry, error);
    }
    bool descend = there && going_on && entry.type == ENTRY_DIRECTORY;
    arena_fini(&arena);
    return descend ? walk_directory(walk, path, error) : going_on;
}

static bool walk_directory(const struct walk *walk, const char *path, struct error *error)
{
    if (!call_may_go_on(walk->call, error))
        return false;
    struct level level = {0};
    arena_init(&level.arena);
    const char *absolute = path_join(&level.arena, walk->top, path);
    bool listed =
        walk->ref.component->list(walk->ref.store, walk->call, absolute, keep_entry, &level, error);
    bool going_on = listed;
    for (size_t i = 0; going_on && i < level.count; i++) {
        const char *below = path_join(&level.arena, path, level.entries[i].path);
        going_on = walk_object(walk, &level.entries[i], below, error);
    }
    level_fini(&level);
    if (!listed && error->code == ERROR_NOT_FOUND && path[0] != '\0') {
        *error = ERROR_NONE; /* vanished since its parent was listed */
        return true;
    }
    return going_on;
}

bool store_walk(struct store_ref ref, const struct call *call, const char *top, bool described,
                walk_skip_fn *skip, entry_fn *fn, void *context, struct error *error)
{
    CHECK(path_is_clean(top));
    struct walk walk = {.ref = ref,
                        .call = call,
                        .top = top,
                        .described = described,
                        .skip = skip,
                        .fn = fn,
                        .context = context};
    struct arena arena;
    arena_init(&arena);
    struct entry entry = {0};
    bool walked = ref.component->stat(ref.store, call, top, &arena, &entry, error) &&
                  walk_object(&walk, &entry, "", error);
    arena_fini(&arena);
    return walked;
}
