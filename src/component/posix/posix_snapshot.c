/* posix_snapshot.c: finding, listing and removing snapshots; posix_making.c makes them. */
#include "component/posix/posix_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/path.h"
#include "base/random.h"
#include "component/posix/posix_calls.h"
#include "component/posix/posix_index.h"
#include "component/posix/posix_making.h"
#include "component/posix/posix_scan.h"

#define ROOT_DIGITS 32

const char *posix_snapshots_path(struct store *store, const char *root, struct arena *arena)
{
    char text[DIGEST_TEXT_SIZE];
    struct digest digest = digest_of(root, strlen(root));
    digest_format(&digest, text);
    text[ROOT_DIGITS] = '\0';
    return path_join(arena, store->snapshots, text);
}

bool posix_snapshot_name_is_valid(const char *name, struct error *error)
{
    size_t length = strlen(name);
    if (length > 0 && length <= NAME_MAX && name[0] != '.' && strchr(name, '/') == NULL &&
        strcmp(name, "root") != 0)
        return true;
    return error_set(error, ERROR_INVALID,
                     "'%.100s' is no name of a snapshot: 1 to 255 bytes without '/', not starting "
                     "with '.', not 'root'",
                     name);
}

int posix_snapshots_open(struct store *store, const char *root, struct error *error)
{
    CHECK(path_is_clean(root));
    struct arena arena;
    arena_init(&arena);
    int directory = posix_open_directory(store, posix_snapshots_path(store, root, &arena), error);
    if (directory >= 0 && faccessat(directory, "root", F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        posix_close_fd(&directory);
        error_set(error, ERROR_NOT_FOUND, "no root");
    }
    if (directory < 0 && error->code == ERROR_NOT_FOUND)
        posix_refuse(error, ERROR_CONFLICT, root, "snapshots are not allowed here yet: allow them");
    arena_fini(&arena);
    return directory;
}

int posix_snapshot_open(struct store *store, const char *root, const char *name,
                        struct error *error)
{
    if (!posix_snapshot_name_is_valid(name, error))
        return -1;
    int snapshots = posix_snapshots_open(store, root, error);
    if (snapshots < 0)
        return -1;
    int directory = posix_open_below(snapshots, name, strlen(name));
    if (directory < 0 && errno == ENOENT)
        error_set(error, ERROR_NOT_FOUND, "%.120s has no snapshot %.100s", root, name);
    else if (directory < 0)
        posix_fail(error, errno, "open snapshot", name);
    posix_close_fd(&snapshots);
    return directory;
}

int posix_hidden_make(int snapshots, char ret_name[POSIX_HIDDEN_SIZE], struct error *error)
{
    uint8_t random[8];
    char text[2 * sizeof random + 1];
    random_system_bytes(random, sizeof random);
    hex_format(random, sizeof random, text);
    snprintf(ret_name, POSIX_HIDDEN_SIZE, ".making-%s", text);
    int fd = -1;
    if (mkdirat(snapshots, ret_name, 0700) == 0)
        fd = openat(snapshots, ret_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* Not granted: a sweep found it between two of our calls. */
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        posix_fail(error, errno, "make directory", ret_name);
        posix_close_fd(&fd);
    }
    return fd;
}

static void sweep_one(int snapshots, const char *name, const struct call *call)
{
    struct error ignored = ERROR_NONE;
    struct posix_place place = {snapshots, name};
    int fd = openat(snapshots, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        posix_remove_place(&place, true, call, &ignored);
    posix_close_fd(&fd);
}

void posix_hidden_sweep(int snapshots, const struct call *call)
{
    struct arena arena;
    arena_init(&arena);
    struct posix_listing listing = {0};
    if (posix_read_names(snapshots, &arena, &listing))
        for (size_t i = 0; i < listing.count; i++)
            if (listing.names[i][0] == '.')
                sweep_one(snapshots, listing.names[i], call);
    arena_fini(&arena);
}

static bool give_snapshot(int snapshots, const char *name, bool lenient, snapshot_fn *fn,
                          void *context, struct error *error)
{
    struct posix_index_reader index;
    int directory = posix_open_below(snapshots, name, strlen(name));
    if (directory < 0) /* removed meanwhile */
        return errno == ENOENT || posix_fail(error, errno, "open snapshot", name);
    struct error failure = ERROR_NONE;
    bool opened = posix_index_open(&index, directory, &failure);
    if (opened && strcmp(index.info.snapshot.name, name) != 0)
        opened =
            error_set(&failure, ERROR_CORRUPT, "its index says %.80s", index.info.snapshot.name);
    bool going_on = opened ? fn(context, &index.info.snapshot, error) : lenient;
    if (!opened && !lenient) {
        *error = failure;
        error_wrap(error, "snapshot %.100s (remove it)", name);
    }
    posix_index_close(&index);
    posix_close_fd(&directory);
    return going_on;
}

bool posix_snapshots_each(int snapshots, bool lenient, snapshot_fn *fn, void *context,
                          struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct posix_listing listing = {0};
    bool going_on = posix_read_names(snapshots, &arena, &listing) ||
                    posix_fail(error, errno, "list", "snapshots");
    for (size_t i = 0; going_on && i < listing.count; i++)
        if (listing.names[i][0] != '.' && strcmp(listing.names[i], "root") != 0)
            going_on = give_snapshot(snapshots, listing.names[i], lenient, fn, context, error);
    arena_fini(&arena);
    return going_on;
}

struct snapshots {
    struct arena arena;
    struct snapshot *items;
    size_t count;
};

static bool keep_snapshot(void *context, const struct snapshot *snapshot, struct error *error)
{
    struct snapshots *all = context;
    (void)error;
    all->items = memory_resize(all->items, (all->count + 1) * sizeof *all->items);
    all->items[all->count] = *snapshot;
    all->items[all->count++].name = arena_string(&all->arena, snapshot->name);
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = ((const struct snapshot *)a)->id, y = ((const struct snapshot *)b)->id;
    return x < y ? -1 : x > y;
}

bool posix_snapshot_list(struct store *store, const struct call *call, const char *root,
                         snapshot_fn *fn, void *context, struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    int snapshots = posix_snapshots_open(store, root, error);
    if (snapshots < 0)
        return false;
    struct snapshots all = {.count = 0};
    arena_init(&all.arena);
    bool going_on = posix_snapshots_each(snapshots, false, keep_snapshot, &all, error);
    if (all.count > 0)
        qsort(all.items, all.count, sizeof *all.items, compare_ids);
    for (size_t i = 0; going_on && i < all.count; i++)
        going_on = fn(context, &all.items[i], error);
    free(all.items);
    arena_fini(&all.arena);
    posix_close_fd(&snapshots);
    return going_on;
}

bool posix_snapshot_get(struct store *store, const struct call *call, const char *root,
                        const char *name, struct snapshot *ret_snapshot, struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    int directory = posix_snapshot_open(store, root, name, error);
    if (directory < 0)
        return false;
    struct posix_index_reader index;
    bool got = posix_index_open(&index, directory, error);
    if (got) {
        *ret_snapshot = index.info.snapshot;
        ret_snapshot->name = name;
    }
    posix_index_close(&index);
    posix_close_fd(&directory);
    return got || error_wrap(error, "snapshot %.100s of %.80s", name, root);
}

bool posix_snapshot_remove(struct store *store, const struct call *call, const char *root,
                           const char *name, struct error *error)
{
    if (!call_take_operation(call, error) || !posix_snapshot_name_is_valid(name, error))
        return false;
    int snapshots = posix_snapshots_open(store, root, error);
    if (snapshots < 0)
        return false;
    char hidden[POSIX_HIDDEN_SIZE];
    int work = posix_hidden_make(snapshots, hidden, error);
    bool removed = work >= 0;
    if (removed && renameat(snapshots, name, work, "removed") != 0)
        removed = errno == ENOENT ? error_set(error, ERROR_NOT_FOUND,
                                              "%.120s has no snapshot %.100s", root, name)
                                  : posix_fail(error, errno, "remove snapshot", name);
    if (work >= 0) {
        struct error failure = ERROR_NONE;
        struct posix_place place = {snapshots, hidden};
        /* It is gone for everybody; what is left of it the next sweep takes away. */
        if (!posix_remove_place(&place, true, call, &failure) && removed) {
            *error = failure;
            removed = false;
        }
    }
    posix_close_fd(&work);
    posix_close_fd(&snapshots);
    return removed;
}

const char *posix_snapshot_path(struct store *store, const char *root, const char *snapshot,
                                const char *relative, struct arena *arena)
{
    const char *directory = path_join(arena, posix_snapshots_path(store, root, arena), snapshot);
    return path_join(arena, path_join(arena, directory, "tree"), relative);
}

/* A snapshot is a copy: it pins all of itself, whatever the live tree does. Files that did not
 * change are links shared with the snapshots before and after, so this says too much, never too
 * little; the index has the lengths, and no file is looked at. */
bool posix_pinned(struct store *store, const struct call *call, const char *root,
                  const char *relative, const char *snapshot, uint64_t *ret_bytes,
                  struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    int directory = posix_snapshot_open(store, root, snapshot, error);
    if (directory < 0)
        return false;
    struct posix_index_reader index;
    const struct posix_record *record = NULL;
    uint64_t bytes = 0;
    bool done = posix_index_open(&index, directory, error);
    while (done && (done = posix_index_next(&index, &record, error)) && record != NULL)
        if (record->entry.type == ENTRY_FILE && path_is_under(record->entry.path, relative))
            bytes += record->entry.length;
    posix_index_close(&index);
    posix_close_fd(&directory);
    if (!done)
        return error_wrap(error, "snapshot %.100s of %.80s", snapshot, root);
    *ret_bytes = bytes;
    return true;
}

bool posix_snapshot_create(struct store *store, const struct call *call, const char *root,
                           const char *name, struct snapshot *ret_snapshot, struct error *error)
{
    struct posix_making making;
    if (!call_take_operation(call, error))
        return false;
    bool created = posix_making_begin(&making, store, call, root, name, 0, error) &&
                   posix_making_copy(&making, call, error) && posix_making_publish(&making, error);
    if (created) {
        *ret_snapshot = making.snapshot;
        ret_snapshot->name = name;
        posix_hidden_sweep(making.snapshots, call);
    }
    posix_making_end(&making, call);
    return created || error_wrap(error, "snapshot of %.80s", root);
}
