/* change.c: collecting differences and normalising them. Settling is in change_settle.c. */
#include "plan/change.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/change_private.h"

/* What was said of an old path: where it went; NULL: deleted. */
struct change_said {
    const char *target;
};

/* Marks in the candidate maps, which need no more than an address. */
static char looked_at, copied_again;

void changes_init(struct changes *changes, const struct change_options *options)
{
    *changes = (struct changes){.options = *options};
}

void changes_fini(struct changes *changes)
{
    struct path_map *maps[] = {&changes->said_from,      &changes->said_to,
                               &changes->said_new,       &changes->said_modified,
                               &changes->candidates_old, &changes->candidates_new,
                               &changes->sources,        &changes->targets,
                               &changes->touched,        &changes->directory_places};
    for (size_t i = 0; i < ARRAY_LENGTH(maps); i++)
        path_map_fini(maps[i]);
    free(changes->items);
    free(changes->directories);
    arena_fini(&changes->arena);
    *changes = (struct changes){0};
}

bool changes_fit(const struct changes *changes, struct error *error)
{
    size_t used = changes->arena.used_bytes + changes->capacity * sizeof *changes->items +
                  path_map_bytes(&changes->said_from) + path_map_bytes(&changes->said_to) +
                  path_map_bytes(&changes->said_new) + path_map_bytes(&changes->said_modified) +
                  path_map_bytes(&changes->candidates_old) +
                  path_map_bytes(&changes->candidates_new) + path_map_bytes(&changes->sources) +
                  path_map_bytes(&changes->targets) + path_map_bytes(&changes->touched);
    if (used > changes->options.limit_bytes)
        return error_set(error, ERROR_LIMIT,
                         "the changes need more than %zu bytes of memory: raise the limit, or "
                         "protect the member in parts",
                         changes->options.limit_bytes);
    return true;
}

static bool contradiction(const char *path, struct error *error)
{
    return error_set(error, ERROR_CONFLICT,
                     "the difference contradicts itself at '%.150s': compare the listings", path);
}

static bool add_source(struct changes *changes, const char *path, const char *target,
                       struct error *error)
{
    struct path_slot *slot = path_map_get(&changes->said_from, path);
    if (slot != NULL) {
        const struct change_said *said = slot->value;
        bool same = target == NULL || said->target == NULL ? target == said->target
                                                           : strcmp(target, said->target) == 0;
        return same || contradiction(path, error);
    }
    struct change_said *said = arena_new(&changes->arena, sizeof *said);
    said->target = arena_string(&changes->arena, target);
    if (target != NULL) {
        if (path_map_get(&changes->said_to, target) != NULL)
            return contradiction(target, error);
        path_map_put(&changes->said_to, said->target);
    }
    path_map_put(&changes->said_from, arena_string(&changes->arena, path))->value = said;
    return true;
}

static void add_path(struct changes *changes, struct path_map *map, const char *path, void *value)
{
    struct path_slot *slot = path_map_get(map, path);
    if (slot == NULL)
        slot = path_map_put(map, arena_string(&changes->arena, path));
    if (value != NULL)
        slot->value = value;
}

bool changes_add(void *context, const struct difference *difference, struct error *error)
{
    struct changes *changes = context;
    const char *path = difference->path;
    bool ok = true;
    if (!path_is_clean_relative(path) ||
        (difference->kind == DIFFERENCE_RENAME && !path_is_clean_relative(difference->target)))
        return error_set(error, ERROR_INVALID, "difference with a bad path '%.150s'", path);
    switch (difference->kind) {
    case DIFFERENCE_CREATE:
        add_path(changes, &changes->said_new, path, NULL);
        break;
    case DIFFERENCE_DELETE:
        ok = add_source(changes, path, NULL, error);
        break;
    case DIFFERENCE_RENAME:
        ok = add_source(changes, path, difference->target, error);
        break;
    case DIFFERENCE_MODIFY:
        add_path(changes, &changes->said_modified, path, NULL);
        break;
    }
    return ok && changes_fit(changes, error);
}

bool changes_add_candidate(struct changes *changes, const char *path, bool path_is_old, bool forced,
                           struct error *error)
{
    struct path_map *map = path_is_old ? &changes->candidates_old : &changes->candidates_new;
    const struct path_slot *slot = path_map_get(map, path);
    bool again = forced || (slot != NULL && slot->value == &copied_again);
    add_path(changes, map, path, again ? &copied_again : &looked_at);
    return changes_fit(changes, error);
}

/* In the source's world, exclusions unheard: where an old object is now. NULL: deleted. */
static const char *said_new_path(struct changes *changes, const char *old_path)
{
    const struct path_slot *slot = path_map_above(&changes->said_from, old_path, true);
    if (slot == NULL)
        return old_path;
    const struct change_said *said = slot->value;
    return said->target == NULL ? NULL
                                : path_move(&changes->arena, old_path, slot->path, said->target);
}

struct change *changes_append(struct changes *changes, enum change_kind kind, const char *old_path,
                              const char *new_path)
{
    if (changes->count == changes->capacity) {
        changes->capacity = changes->capacity == 0 ? 16 : changes->capacity * 2;
        changes->items = memory_resize(changes->items, changes->capacity * sizeof *changes->items);
    }
    struct change *change = arena_new(&changes->arena, sizeof *change);
    *change = (struct change){.kind = kind, .old_path = old_path, .new_path = new_path};
    return changes->items[changes->count++] = change;
}

static void take_removal(struct changes *changes, const char *old_path)
{
    path_map_put(&changes->sources, old_path)->value =
        changes_append(changes, CHANGE_REMOVE, old_path, NULL);
}

static void take_creation(struct changes *changes, const char *new_path)
{
    struct path_slot *slot = path_map_put(&changes->targets, new_path);
    CHECK(slot->value == NULL);
    slot->value = changes_append(changes, CHANGE_CREATE, NULL, new_path);
}

static void take_move(struct changes *changes, const char *old_path, const char *new_path)
{
    struct path_slot *slot = path_map_put(&changes->targets, new_path);
    CHECK(slot->value == NULL); /* no two renames have one target: add_source() looked */
    struct change *change = changes_append(changes, CHANGE_MOVE, old_path, new_path);
    slot->value = change;
    path_map_put(&changes->sources, old_path)->value = change;
}

/* A rename between worlds: out of what is excluded it creates, into it it removes. */
static void take_rename(struct changes *changes, const char *old_path, const char *new_path)
{
    const struct exclusions *exclusions = changes->options.exclusions;
    bool from = !exclusions_match(exclusions, old_path);
    bool to = !exclusions_match(exclusions, new_path);
    if (from && to && !exclusions_may_part(exclusions, old_path, new_path)) {
        take_move(changes, old_path, new_path);
        return;
    }
    if (from)
        take_removal(changes, old_path);
    if (to)
        take_creation(changes, new_path);
}

static void take_sources(struct changes *changes)
{
    for (size_t i = 0; i < changes->said_from.capacity; i++) {
        const struct path_slot *slot = &changes->said_from.slots[i];
        if (slot->path == NULL)
            continue;
        const struct change_said *said = slot->value;
        if (said->target != NULL)
            take_rename(changes, slot->path, said->target);
        else if (changes->options.remove_excluded ||
                 !exclusions_match(changes->options.exclusions, slot->path))
            take_removal(changes, slot->path);
    }
}

static bool take_created(struct changes *changes, struct error *error)
{
    for (size_t i = 0; i < changes->said_new.capacity; i++) {
        const char *spelled = changes->said_new.slots[i].path, *new_path = spelled;
        if (spelled == NULL)
            continue;
        const char *parent = path_parent(&changes->arena, spelled);
        if (parent != NULL) {
            parent = said_new_path(changes, parent);
            if (parent == NULL)
                return contradiction(spelled, error);
            new_path = path_join(&changes->arena, parent, path_name(spelled));
        }
        if (exclusions_match(changes->options.exclusions, new_path))
            continue;
        if (path_map_get(&changes->targets, new_path) != NULL)
            return contradiction(new_path, error);
        take_creation(changes, new_path);
    }
    return true;
}

static struct change *above(const struct path_map *map, const char *path, bool itself)
{
    const struct path_slot *slot = path_map_above(map, path, itself);
    return slot == NULL ? NULL : slot->value;
}

/* The move's own directory takes it to where it goes. */
static bool is_carried(struct changes *changes, const struct change *move)
{
    const struct change *carrier = above(&changes->sources, move->old_path, false);
    if (carrier == NULL)
        return strcmp(move->old_path, move->new_path) == 0;
    return carrier->kind == CHANGE_MOVE &&
           strcmp(path_move(&changes->arena, move->old_path, carrier->old_path, carrier->new_path),
                  move->new_path) == 0;
}

/* Says nothing that something above it does not say. */
static bool is_redundant(struct changes *changes, const struct change *change)
{
    const struct change *over = NULL;
    switch (change->kind) {
    case CHANGE_CREATE:
        over = above(&changes->targets, change->new_path, false);
        return over != NULL && over->kind == CHANGE_CREATE;
    case CHANGE_REMOVE:
        over = above(&changes->sources, change->old_path, false);
        return over != NULL && over->kind == CHANGE_REMOVE;
    case CHANGE_MOVE:
        return is_carried(changes, change);
    case CHANGE_TOUCHED:
        break;
    }
    return false;
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *x = *(struct change *const *)a, *y = *(struct change *const *)b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->kind == CHANGE_CREATE ? path_compare(x->new_path, y->new_path)
                                    : path_compare(x->old_path, y->old_path);
}

static void remap(struct changes *changes, struct change *change)
{
    switch (change->kind) {
    case CHANGE_CREATE:
        path_map_put(&changes->targets, change->new_path)->value = change;
        break;
    case CHANGE_REMOVE:
        path_map_put(&changes->sources, change->old_path)->value = change;
        break;
    case CHANGE_MOVE:
        path_map_put(&changes->sources, change->old_path)->value = change;
        path_map_put(&changes->targets, change->new_path)->value = change;
        break;
    case CHANGE_TOUCHED:
        break;
    }
}

void changes_reduce(struct changes *changes)
{
    size_t kept = 0;
    for (size_t i = 0; i < changes->count; i++)
        changes->items[i]->dropped = is_redundant(changes, changes->items[i]);
    path_map_fini(&changes->sources);
    path_map_fini(&changes->targets);
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i]->dropped)
            continue;
        changes->items[kept++] = changes->items[i];
        remap(changes, changes->items[i]);
    }
    changes->count = kept;
    if (kept > 0)
        qsort(changes->items, kept, sizeof(struct change *), compare_changes);
}

/* Parents first, so that a rescue out of a rescued directory is forgotten with it. */
static void forget_rescues(struct changes *changes)
{
    size_t count = changes->count;
    qsort(changes->items, count, sizeof(struct change *), compare_changes);
    for (size_t i = 0; i < count; i++) {
        struct change *move = changes->items[i];
        const struct change *over =
            move->kind == CHANGE_MOVE ? above(&changes->sources, move->old_path, false) : NULL;
        if (over == NULL || over->kind != CHANGE_REMOVE)
            continue;
        const char *new_path = move->new_path;
        move->kind = CHANGE_REMOVE;
        move->new_path = NULL;
        path_map_get(&changes->targets, new_path)->value =
            changes_append(changes, CHANGE_CREATE, NULL, new_path);
    }
}

const char *changes_new_path(const struct changes *changes, const char *old_path,
                             struct arena *arena)
{
    const struct change *change = above(&changes->sources, old_path, true);
    if (change == NULL)
        return old_path;
    return change->kind == CHANGE_REMOVE
               ? NULL
               : path_move(arena, old_path, change->old_path, change->new_path);
}

const char *changes_old_path(const struct changes *changes, const char *new_path,
                             struct arena *arena)
{
    const struct change *change = above(&changes->targets, new_path, true);
    if (change == NULL)
        return new_path;
    return change->kind == CHANGE_CREATE
               ? NULL
               : path_move(arena, new_path, change->new_path, change->old_path);
}

/* What is excluded at either end is no business of the target's; what it creates is copied as it is
 * now anyway. */
static void take_touched(struct changes *changes, const char *old_path, const char *mark)
{
    const char *new_path = changes_new_path(changes, old_path, &changes->arena);
    if (new_path == NULL || exclusions_match(changes->options.exclusions, old_path) ||
        exclusions_match(changes->options.exclusions, new_path))
        return;
    struct path_slot *slot = path_map_put(&changes->touched, old_path);
    if (slot->value == NULL)
        slot->value = changes_append(changes, CHANGE_TOUCHED, old_path, new_path);
    struct change *change = slot->value;
    change->candidate = change->candidate || mark != NULL;
    change->forced = change->forced || mark == &copied_again;
}

static void take_all_touched(struct changes *changes)
{
    const struct path_map *maps[] = {&changes->said_modified, &changes->candidates_old};
    for (size_t i = 0; i < ARRAY_LENGTH(maps); i++)
        for (size_t j = 0; j < maps[i]->capacity; j++)
            if (maps[i]->slots[j].path != NULL)
                take_touched(changes, maps[i]->slots[j].path, maps[i]->slots[j].value);
    for (size_t j = 0; j < changes->candidates_new.capacity; j++) {
        const struct path_slot *slot = &changes->candidates_new.slots[j];
        if (slot->path == NULL)
            continue;
        const char *old_path = changes_old_path(changes, slot->path, &changes->arena);
        const char *back =
            old_path == NULL ? NULL : changes_new_path(changes, old_path, &changes->arena);
        if (back != NULL && strcmp(back, slot->path) == 0) /* else it is not there any more */
            take_touched(changes, old_path, slot->value);
    }
}

bool changes_normalise(struct changes *changes, struct error *error)
{
    take_sources(changes);
    if (!take_created(changes, error))
        return false;
    if (changes->options.forget_rescues && changes->count > 0)
        forget_rescues(changes);
    changes_reduce(changes);
    take_all_touched(changes);
    if (changes->count > 0)
        qsort(changes->items, changes->count, sizeof(struct change *), compare_changes);
    return changes_fit(changes, error);
}

bool changes_add_found(struct changes *changes, const char *old_path, struct error *error)
{
    struct path_slot *slot = path_map_get(&changes->touched, old_path);
    take_touched(changes, slot != NULL ? slot->path : arena_string(&changes->arena, old_path),
                 &looked_at);
    return changes_fit(changes, error);
}

bool changes_covers(const struct changes *changes, const char *new_path)
{
    const struct path_slot *slot = path_map_get(&changes->targets, new_path);
    return slot != NULL && ((const struct change *)slot->value)->kind == CHANGE_MOVE;
}
