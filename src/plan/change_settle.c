/* change_settle.c: judging what was touched, turning replaced content into a removal and a
 * creation, and listing the directories whose times the commit disturbs. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/change.h"
#include "plan/change_private.h"

static bool content_differs(const struct change *change, const struct entry *base,
                            const struct entry *now)
{
    if (base->type == ENTRY_DIRECTORY)
        return false;
    if (base->type == ENTRY_SYMLINK)
        return entry_compare(base, now, ENTRY_CONTENT) != 0;
    if (change->forced || base->length != now->length)
        return true;
    if (base->crc_known && now->crc_known)
        return base->crc32c != now->crc32c;
    return base->mtime_ns != now->mtime_ns;
}

static const struct entry *keep(struct changes *changes, const struct entry *entry,
                                const char *path)
{
    struct entry *copy = arena_new(&changes->arena, sizeof *copy);
    *copy = entry_copy(&changes->arena, entry);
    copy->path = path;
    return copy;
}

bool change_judge(struct changes *changes, struct change *change, const struct entry *base,
                  const struct entry *now, unsigned fields, struct error *error)
{
    CHECK(change->kind == CHANGE_TOUCHED);
    if (base->type != now->type)
        return error_set(error, ERROR_CONFLICT,
                         "'%.150s' became something else unsaid: compare the listings",
                         change->old_path);
    change->is_directory = base->type == ENTRY_DIRECTORY;
    change->base_mtime_ns = base->mtime_ns;
    change->now_mtime_ns = now->mtime_ns;
    if (content_differs(change, base, now)) {
        change->verdict = CHANGE_CONTENT;
        change->entries = 1;
        change->bytes = now->length;
        return true;
    }
    unsigned attributes = ENTRY_ATTRIBUTES & ~(change->is_directory ? (unsigned)ENTRY_TIMES : 0);
    change->fields = entry_compare(base, now, fields & attributes);
    if (base->mtime_ns != now->mtime_ns) /* of one store: to the nanosecond */
        change->fields |= fields & attributes & ENTRY_TIMES;
    change->verdict = change->fields == 0 ? CHANGE_NOTHING : CHANGE_ATTRIBUTES;
    if (change->fields != 0) {
        change->base = keep(changes, base, change->old_path);
        change->now = keep(changes, now, change->new_path);
    }
    return changes_fit(changes, error);
}

/* The old file goes, the new one comes; a move of the file itself is undone by that. */
static void replace(struct changes *changes, struct change *touched)
{
    struct path_slot *slot = path_map_get(&changes->sources, touched->old_path);
    struct change *removal = slot == NULL ? NULL : slot->value;
    if (removal == NULL) {
        removal = changes_append(changes, CHANGE_REMOVE, touched->old_path, NULL);
        path_map_put(&changes->sources, touched->old_path)->value = removal;
    }
    removal->kind = CHANGE_REMOVE;
    removal->new_path = NULL;
    removal->replaced = touched->replaced = true;
    removal->entries = 1;
    touched->kind = CHANGE_CREATE;
    touched->old_path = NULL;
    path_map_put(&changes->targets, touched->new_path)->value = touched;
}

/* What is known of a directory that was looked at is taken from there. */
static void fill_in(const struct changes *changes, struct change_directory *directory)
{
    const struct path_slot *slot =
        directory->old_path == NULL ? NULL : path_map_get(&changes->touched, directory->old_path);
    if (slot == NULL || directory->new_path == NULL)
        return;
    const struct change *touched = slot->value;
    directory->known = true;
    directory->base_mtime_ns = touched->base_mtime_ns;
    directory->now_mtime_ns = touched->now_mtime_ns;
}

/* One record for each directory object, whichever of its paths brings us here. */
static void add_directory(struct changes *changes, const char *old_path, const char *new_path)
{
    /* A directory that is gone and a new one may have the same path: keep their keys apart. */
    const char *key = new_path != NULL ? new_path : arena_format(&changes->arena, "%s//", old_path);
    struct path_slot *slot = path_map_put(&changes->directory_places, key);
    if (slot->value != NULL)
        return;
    slot->value = changes;
    if (changes->directory_count == changes->directory_capacity) {
        changes->directory_capacity =
            changes->directory_capacity == 0 ? 16 : changes->directory_capacity * 2;
        changes->directories = memory_resize(
            changes->directories, changes->directory_capacity * sizeof *changes->directories);
    }
    struct change_directory *directory = &changes->directories[changes->directory_count++];
    *directory = (struct change_directory){.old_path = old_path, .new_path = new_path};
    fill_in(changes, directory);
}

static void add_by_old_path(struct changes *changes, const char *old_path)
{
    if (old_path != NULL)
        add_directory(changes, old_path, changes_new_path(changes, old_path, &changes->arena));
}

static void add_by_new_path(struct changes *changes, const char *new_path)
{
    if (new_path != NULL)
        add_directory(changes, changes_old_path(changes, new_path, &changes->arena), new_path);
}

static void add_directories_of(struct changes *changes, const struct change *change)
{
    if (change->kind == CHANGE_TOUCHED) {
        if (change->is_directory && change->base_mtime_ns != change->now_mtime_ns)
            add_by_old_path(changes, change->old_path);
        return;
    }
    if (change->old_path != NULL)
        add_by_old_path(changes, path_parent(&changes->arena, change->old_path));
    if (change->new_path != NULL)
        add_by_new_path(changes, path_parent(&changes->arena, change->new_path));
}

static void drop_what_says_nothing(struct changes *changes)
{
    size_t kept = 0;
    for (size_t i = 0; i < changes->count; i++)
        if (changes->items[i]->verdict != CHANGE_NOTHING)
            changes->items[kept++] = changes->items[i];
    changes->count = kept;
}

bool changes_settle(struct changes *changes, struct error *error)
{
    for (size_t i = 0, count = changes->count; i < count; i++) {
        struct change *change = changes->items[i];
        CHECK(change->kind != CHANGE_TOUCHED || change->verdict != CHANGE_UNDECIDED);
        if (change->verdict == CHANGE_CONTENT)
            replace(changes, change);
    }
    changes_reduce(changes);
    for (size_t i = 0; i < changes->count; i++)
        add_directories_of(changes, changes->items[i]);
    drop_what_says_nothing(changes);
    return changes_fit(changes, error);
}
