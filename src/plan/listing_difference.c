/* listing_difference.c: one merge of both streams, which settles what stayed at its place; then the
 * rest is paired by identity and said. By path alone nothing can be paired: all is said at once. */
#include "plan/listing_difference.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/path_map.h"

/* Something that did not stay at its place. */
struct unmatched {
    struct entry entry;
    struct unmatched *partner; /* the same object on the other side */
    struct unmatched *next;    /* ascending by path */
    struct unmatched *same_id; /* next of the old ones in a bucket of the identity table */
};

struct side {
    const struct listing *listing;
    const struct entry *current; /* NULL: at the end */
    struct buffer last_path;     /* to see that the order is kept */
    bool started;
    struct unmatched *first, *last;
    size_t count;
    struct path_map by_path;
};

/* A directory that both sides have, on the way to where the merge is. */
struct ancestor {
    size_t length; /* of its path, which the deepest one's begins with */
    bool said;     /* MODIFY */
};

struct comparison {
    const struct listing_options *options;
    struct side old, new;
    struct buffer apart; /* nearest directory at whose path two different objects are: what
                            lies below it on both sides has different parents. By path: or only
                            one is, and nothing below it is said */
    bool is_apart;
    struct ancestor *ancestors; /* by path: the top first */
    size_t ancestor_count, ancestor_capacity;
    struct buffer deepest;    /* path of the last ancestor */
    struct path_map modified; /* directories for which MODIFY was said */
    struct arena arena;
    difference_fn *emit;
    void *context;
};

static bool advance(struct side *side, struct error *error)
{
    if (!side->listing->next(side->listing->context, &side->current, error))
        return false;
    if (side->current == NULL)
        return true;
    const char *path = side->current->path;
    if (side->started && path_compare(buffer_text(&side->last_path), path) >= 0)
        return error_set(error, ERROR_INVALID, "listing out of order at '%.150s'", path);
    side->started = true;
    buffer_clear(&side->last_path);
    buffer_append_text(&side->last_path, path);
    return true;
}

static bool fits(const struct comparison *comparison, struct error *error)
{
    size_t used = comparison->arena.used_bytes + path_map_bytes(&comparison->old.by_path) +
                  path_map_bytes(&comparison->new.by_path) + path_map_bytes(&comparison->modified);
    if (used > comparison->options->limit_bytes)
        return error_set(error, ERROR_LIMIT,
                         "over %zu objects appeared, vanished or moved: more than %zu bytes of "
                         "memory hold",
                         comparison->old.count + comparison->new.count,
                         comparison->options->limit_bytes);
    return true;
}

static bool remember(struct comparison *comparison, struct side *side, struct error *error)
{
    struct unmatched *item = arena_new(&comparison->arena, sizeof *item);
    item->entry = entry_copy(&comparison->arena, side->current);
    if (side->last != NULL)
        side->last->next = item;
    else
        side->first = item;
    side->last = item;
    side->count++;
    path_map_put(&side->by_path, item->entry.path)->value = item;
    return fits(comparison, error);
}

/* Two entries at one path. The top is always itself: nothing can take its place. */
static bool is_same_object(const struct comparison *comparison, const struct entry *old,
                           const struct entry *new)
{
    if (old->type != new->type)
        return false;
    if (comparison->options->identity == LISTING_BY_PATH || old->file_id == 0 ||
        new->file_id == 0 || old->path[0] == '\0')
        return true;
    return old->file_id == new->file_id &&
           (old->birth_ns == new->birth_ns || old->birth_ns == 0 || new->birth_ns == 0);
}

static bool acl_present(const struct entry *entry)
{
    return entry->has_acl || (entry->acl != NULL && entry->acl[0] != '\0');
}

static bool is_modified(const struct comparison *comparison, const struct entry *old,
                        const struct entry *new)
{
    unsigned fields = comparison->options->fields & ENTRY_ATTRIBUTES & ~(unsigned)ENTRY_TIMES;
    bool times = (comparison->options->fields & ENTRY_TIMES) != 0 && new->path[0] != '\0';
    if (comparison->options->drifting && new->type == ENTRY_DIRECTORY)
        times = false;
    if (old->acl == NULL || new->acl == NULL) {
        if ((fields & ENTRY_ACL) != 0 && acl_present(old) != acl_present(new))
            return true;
        fields &= ~(unsigned)ENTRY_ACL;
    }
    if (old->type == ENTRY_FILE && (!old->crc_known || !new->crc_known))
        times = true;
    return entry_compare(old, new, fields | ENTRY_CONTENT) != 0 ||
           (times && old->mtime_ns != new->mtime_ns);
}

static bool say(struct comparison *comparison, enum difference_kind kind, const char *path,
                const char *target, struct error *error)
{
    struct difference difference = {.kind = kind, .path = path, .target = target};
    return comparison->emit(comparison->context, &difference, error);
}

/* Once for each directory: for its own sake, or because of what happened in it. */
static bool say_directory(struct comparison *comparison, const char *old_path, struct error *error)
{
    if (path_map_get(&comparison->modified, old_path) != NULL)
        return true;
    path_map_put(&comparison->modified, arena_string(&comparison->arena, old_path));
    return say(comparison, DIFFERENCE_MODIFY, old_path, NULL, error) && fits(comparison, error);
}

static bool say_if_modified(struct comparison *comparison, const struct entry *old,
                            const struct entry *new, struct error *error)
{
    if (!is_modified(comparison, old, new))
        return true;
    if (old->type == ENTRY_DIRECTORY)
        return say_directory(comparison, old->path, error);
    return say(comparison, DIFFERENCE_MODIFY, old->path, NULL, error);
}

static bool is_below_apart(const struct comparison *comparison, const char *path)
{
    return comparison->is_apart && path_is_under(path, buffer_text(&comparison->apart));
}

static void set_apart(struct comparison *comparison, const char *path)
{
    buffer_clear(&comparison->apart);
    buffer_append_text(&comparison->apart, path);
    comparison->is_apart = true;
}

/* ---- by path: nothing is remembered but where the merge is ----------------------------------- */

/* The directory that path lies in: the deepest ancestor, once those that are left are dropped.
 * NULL: path is the top. */
static struct ancestor *parent_of(struct comparison *comparison, const char *path)
{
    size_t *count = &comparison->ancestor_count;
    while (*count > 0 && !path_is_under(path, buffer_text(&comparison->deepest))) {
        --*count;
        size_t length = *count > 0 ? comparison->ancestors[*count - 1].length : 0;
        buffer_truncate(&comparison->deepest, length);
    }
    return *count > 0 ? &comparison->ancestors[*count - 1] : NULL;
}

static void enter(struct comparison *comparison, const char *path, bool said)
{
    parent_of(comparison, path);
    if (comparison->ancestor_count == comparison->ancestor_capacity) {
        comparison->ancestor_capacity =
            comparison->ancestor_capacity == 0 ? 16 : comparison->ancestor_capacity * 2;
        comparison->ancestors = memory_resize(
            comparison->ancestors, comparison->ancestor_capacity * sizeof *comparison->ancestors);
    }
    comparison->ancestors[comparison->ancestor_count++] =
        (struct ancestor){.length = strlen(path), .said = said};
    buffer_clear(&comparison->deepest);
    buffer_append_text(&comparison->deepest, path);
}

static bool say_parent(struct comparison *comparison, const char *path, struct error *error)
{
    struct ancestor *parent = parent_of(comparison, path);
    if (parent == NULL || parent->said)
        return true;
    parent->said = true;
    return say(comparison, DIFFERENCE_MODIFY, buffer_text(&comparison->deepest), NULL, error);
}

static bool judge_pair(struct comparison *comparison, struct error *error)
{
    const struct entry *old = comparison->old.current, *new = comparison->new.current;
    if (!is_same_object(comparison, old, new)) {
        set_apart(comparison, new->path);
        return say(comparison, DIFFERENCE_DELETE, old->path, NULL, error) &&
               say(comparison, DIFFERENCE_CREATE, new->path, NULL, error) &&
               say_parent(comparison, new->path, error);
    }
    bool modified = is_modified(comparison, old, new);
    if (new->type == ENTRY_DIRECTORY)
        enter(comparison, new->path, modified);
    return !modified || say(comparison, DIFFERENCE_MODIFY, new->path, NULL, error);
}

/* order as of path_compare(): negative when only the old side has it. */
static bool judge_by_path(struct comparison *comparison, int order, struct error *error)
{
    const struct entry *entry = order < 0 ? comparison->old.current : comparison->new.current;
    if (is_below_apart(comparison, entry->path))
        return true;
    if (order == 0)
        return judge_pair(comparison, error);
    set_apart(comparison, entry->path);
    return say(comparison, order < 0 ? DIFFERENCE_DELETE : DIFFERENCE_CREATE, entry->path, NULL,
               error) &&
           say_parent(comparison, entry->path, error);
}

/* ---- by identity ---------------------------------------------------------------------------- */

static bool merge_equal_paths(struct comparison *comparison, struct error *error)
{
    const struct entry *old = comparison->old.current, *new = comparison->new.current;
    bool below = is_below_apart(comparison, new->path);
    if (below || !is_same_object(comparison, old, new)) {
        if (!below)
            set_apart(comparison, new->path);
        return remember(comparison, &comparison->old, error) &&
               remember(comparison, &comparison->new, error);
    }
    return say_if_modified(comparison, old, new, error);
}

static bool judge_by_identity(struct comparison *comparison, int order, struct error *error)
{
    return order == 0
               ? merge_equal_paths(comparison, error)
               : remember(comparison, order < 0 ? &comparison->old : &comparison->new, error);
}

static bool merge(struct comparison *comparison, struct error *error)
{
    struct side *old = &comparison->old, *new = &comparison->new;
    bool by_path = comparison->options->identity == LISTING_BY_PATH;
    if (!advance(old, error) || !advance(new, error))
        return false;
    while (old->current != NULL || new->current != NULL) {
        int order = old->current == NULL   ? 1
                    : new->current == NULL ? -1
                                           : path_compare(old->current->path, new->current->path);
        bool ok = by_path ? judge_by_path(comparison, order, error)
                          : judge_by_identity(comparison, order, error);
        if (!ok || (order <= 0 && !advance(old, error)) || (order >= 0 && !advance(new, error)))
            return false;
    }
    return true;
}

static bool has_identity(const struct comparison *comparison, const struct entry *entry)
{
    return entry->path[0] != '\0' && entry->file_id != 0 &&
           (comparison->options->identity == LISTING_BY_ID ||
            (comparison->options->identity == LISTING_BY_BIRTH && entry->birth_ns != 0));
}

/* Hard links give several objects one identity; the one at the same path is preferred, then the
 * first that is free. */
static struct unmatched *find_partner(struct unmatched *candidates, const struct unmatched *item)
{
    struct unmatched *found = NULL;
    for (struct unmatched *old = candidates; old != NULL; old = old->same_id) {
        if (old->partner != NULL || old->entry.file_id != item->entry.file_id ||
            old->entry.birth_ns != item->entry.birth_ns || old->entry.type != item->entry.type)
            continue;
        if (strcmp(old->entry.path, item->entry.path) == 0)
            return old;
        found = found == NULL ? old : found;
    }
    return found;
}

static void pair_by_identity(struct comparison *comparison)
{
    size_t buckets = 16;
    while (buckets < comparison->old.count)
        buckets *= 2;
    struct unmatched **table = memory_new(buckets * sizeof(struct unmatched *));
    struct unmatched **tails = memory_new(buckets * sizeof(struct unmatched *));
    for (struct unmatched *old = comparison->old.first; old != NULL; old = old->next) {
        if (!has_identity(comparison, &old->entry))
            continue;
        size_t bucket = (old->entry.file_id * 0x9e3779b97f4a7c15u >> 20) & (buckets - 1);
        if (tails[bucket] == NULL)
            table[bucket] = old;
        else
            tails[bucket]->same_id = old;
        tails[bucket] = old;
    }
    for (struct unmatched *new = comparison->new.first; new != NULL; new = new->next) {
        if (!has_identity(comparison, &new->entry))
            continue;
        size_t bucket = (new->entry.file_id * 0x9e3779b97f4a7c15u >> 20) & (buckets - 1);
        new->partner = find_partner(table[bucket], new);
        if (new->partner != NULL)
            new->partner->partner = new;
    }
    free(table);
    free(tails);
}

/* Where the directory of a path was before; NULL: it is new. For the old side: where it is now;
 * NULL: it is gone. The same question, asked of either map. */
static const char *counterpart_of_parent(struct comparison *comparison, struct side *side,
                                         const char *path)
{
    const char *parent = path_parent(&comparison->arena, path);
    struct path_slot *slot = path_map_get(&side->by_path, parent);
    if (slot == NULL)
        return parent;
    const struct unmatched *item = slot->value;
    return item->partner == NULL ? NULL : item->partner->entry.path;
}

/* The directory that an old object was in has changed, if it still exists. */
static bool say_left(struct comparison *comparison, const char *old_path, struct error *error)
{
    if (old_path[0] == '\0' ||
        counterpart_of_parent(comparison, &comparison->old, old_path) == NULL)
        return true;
    return say_directory(comparison, path_parent(&comparison->arena, old_path), error);
}

static bool say_created(struct comparison *comparison, const struct unmatched *item,
                        struct error *error)
{
    const char *path = item->entry.path;
    if (path[0] == '\0')
        return say(comparison, DIFFERENCE_CREATE, path, NULL, error);
    const char *old_parent = counterpart_of_parent(comparison, &comparison->new, path);
    if (old_parent == NULL)
        return true; /* whoever takes the directory takes all that is below it */
    const char *spelled = path_join(&comparison->arena, old_parent, path_name(path));
    return say(comparison, DIFFERENCE_CREATE, spelled, NULL, error) &&
           say_directory(comparison, old_parent, error);
}

static bool say_moved(struct comparison *comparison, const struct unmatched *item,
                      struct error *error)
{
    const char *path = item->entry.path, *old_path = item->partner->entry.path;
    const char *old_parent = counterpart_of_parent(comparison, &comparison->new, path);
    bool carried = old_parent != NULL && strcmp(path_name(path), path_name(old_path)) == 0 &&
                   strcmp(old_parent, path_parent(&comparison->arena, old_path)) == 0;
    if (!carried && (!say(comparison, DIFFERENCE_RENAME, old_path, path, error) ||
                     !say_left(comparison, old_path, error) ||
                     (old_parent != NULL && !say_directory(comparison, old_parent, error))))
        return false;
    return say_if_modified(comparison, &item->partner->entry, &item->entry, error);
}

static bool say_deleted(struct comparison *comparison, const struct unmatched *item,
                        struct error *error)
{
    const char *path = item->entry.path;
    if (path[0] != '\0' && counterpart_of_parent(comparison, &comparison->old, path) == NULL)
        return true;
    return say(comparison, DIFFERENCE_DELETE, path, NULL, error) &&
           say_left(comparison, path, error);
}

static bool say_all(struct comparison *comparison, struct error *error)
{
    for (const struct unmatched *new = comparison->new.first; new != NULL; new = new->next)
        if (new->partner == NULL ? !say_created(comparison, new, error)
                                 : !say_moved(comparison, new, error))
            return false;
    for (const struct unmatched *old = comparison->old.first; old != NULL; old = old->next)
        if (old->partner == NULL && !say_deleted(comparison, old, error))
            return false;
    return true;
}

bool listing_difference(const struct listing *old, const struct listing *new,
                        const struct listing_options *options, difference_fn *emit, void *context,
                        struct error *error)
{
    struct comparison comparison = {.options = options,
                                    .old = {.listing = old},
                                    .new = {.listing = new},
                                    .emit = emit,
                                    .context = context};
    bool ok = merge(&comparison, error);
    if (ok) {
        pair_by_identity(&comparison);
        ok = say_all(&comparison, error);
    }
    buffer_fini(&comparison.old.last_path);
    buffer_fini(&comparison.new.last_path);
    buffer_fini(&comparison.apart);
    buffer_fini(&comparison.deepest);
    free(comparison.ancestors);
    path_map_fini(&comparison.old.by_path);
    path_map_fini(&comparison.new.by_path);
    path_map_fini(&comparison.modified);
    arena_fini(&comparison.arena);
    return ok;
}
