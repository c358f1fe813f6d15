/* hdfs_snapshot.c: allowing, making, finding and removing snapshots. A snapshot's modification time
 * is the instant of its creation on the NameNode's clock, to the millisecond; it is never renamed,
 * which would move that time. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "component/hdfs/hdfs_path.h"
#include "component/hdfs/hdfs_store.h"

const char *hdfs_snapshot_path(struct store *store, const char *root, const char *snapshot,
                               const char *relative, struct arena *arena)
{
    (void)store;
    char *top = path_join(arena, root, arena_format(arena, ".snapshot/%s", snapshot));
    return path_join(arena, top, relative);
}

/* --- allow -------------------------------------------------------------------------------------
 */

/* ALLOWSNAPSHOT needs a superuser; where the site allows roots itself, it has to be done already.
 */
static bool is_allowed_already(struct store *store, const struct call *call, const char *root,
                               struct error *error)
{
    struct arena arena;
    struct hdfs_status status;
    struct error why = *error;
    arena_init(&arena);
    bool allowed = hdfs_status(store, call, root, &arena, &status, &why) && status.snapshottable;
    arena_fini(&arena);
    if (allowed)
        *error = ERROR_NONE;
    return allowed || error_wrap(error,
                                 "%s is not snapshottable; have a superuser run \"hdfs dfsadmin "
                                 "-allowSnapshot\" on it",
                                 root);
}

bool hdfs_allow_snapshots(struct store *store, const struct call *call, const char *root,
                          struct error *error)
{
    struct hdfs_mutation mutation = hdfs_mutation(store);
    bool done = hdfs_path_check(root, error) &&
                store->ops->allow_snapshots(store->session, call, &mutation, root, NULL, error);
    if (hdfs_settle(store, &mutation, "allow_snapshots", root, done, error))
        return true;
    if (error->code == ERROR_DENIED)
        return is_allowed_already(store, call, root, error);
    if (error->code == ERROR_CONFLICT)
        return error_wrap(error, "choose that directory as the root, or disallow its snapshots");
    return false;
}

bool hdfs_disallow_snapshots(struct store *store, const struct call *call, const char *root,
                             struct error *error)
{
    struct arena arena;
    struct hdfs_status status;
    struct error why = ERROR_NONE;
    struct hdfs_mutation mutation = hdfs_mutation(store);
    bool done = hdfs_path_check(root, error) &&
                store->ops->disallow_snapshots(store->session, call, &mutation, root, NULL, error);
    if (hdfs_settle(store, &mutation, "disallow_snapshots", root, done, error) ||
        error->code == ERROR_NOT_FOUND) {
        *error = ERROR_NONE;
        return true;
    }
    if (error->code != ERROR_DENIED)
        return false;
    arena_init(&arena);
    bool allowed = !hdfs_status(store, call, root, &arena, &status, &why) || status.snapshottable;
    arena_fini(&arena);
    if (!allowed)
        *error = ERROR_NONE;
    return !allowed ||
           error_wrap(error, "have a superuser run \"hdfs dfsadmin -disallowSnapshot\" on %s",
                      root);
}

/* --- finding -----------------------------------------------------------------------------------
 */

static int compare_snapshots(const void *a, const void *b)
{
    const struct hdfs_snapshot *left = a, *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->mtime_ms > right->mtime_ms) - (left->mtime_ms < right->mtime_ms);
}

static bool add_listed(void *context, const struct entry *entry, struct error *error)
{
    struct buffer *listed = context;
    (void)error;
    struct hdfs_snapshot snapshot = {.name = memory_copy_string(entry->path),
                                     .mtime_ms = entry->mtime_ns / 1000000};
    buffer_append(listed, &snapshot, sizeof snapshot);
    return true;
}

/* GETSNAPSHOTLIST is of 3.4; before it, the listing of .snapshot tells all but the ids. */
static bool find_by_listing(struct store *store, const struct call *call, const char *root,
                            struct arena *arena, struct hdfs_snapshots *ret_list,
                            struct error *error)
{
    struct buffer listed;
    buffer_init(&listed, 0);
    bool done =
        hdfs_list(store, call, path_join(arena, root, ".snapshot"), add_listed, &listed, error);
    ret_list->count = listed.size / sizeof *ret_list->snapshots;
    ret_list->snapshots = arena_new(arena, listed.size + 1);
    if (listed.size > 0)
        memcpy(ret_list->snapshots, listed.data, listed.size);
    for (size_t i = 0; i < ret_list->count; i++) {
        char *name = (char *)(uintptr_t)ret_list->snapshots[i].name;
        ret_list->snapshots[i].name = arena_string(arena, name);
        free(name);
    }
    buffer_fini(&listed);
    return done;
}

static bool find_snapshots(struct store *store, const struct call *call, const char *root,
                           struct arena *arena, struct hdfs_snapshots *ret_list,
                           struct error *error)
{
    struct hdfs_problem problem;
    if (!hdfs_path_check(root, error))
        return false;
    if (store->ops->snapshots(store->session, call, root, arena, ret_list, &problem, error)) {
        for (size_t i = 0; i < ret_list->count; i++)
            ret_list->snapshots[i].id++; /* theirs begin at 0, which means none to us */
        return true;
    }
    bool done = false;
    if (problem.unknown_operation) {
        *error = ERROR_NONE;
        done = find_by_listing(store, call, root, arena, ret_list, error);
    }
    if (!done && error->code == ERROR_CONFLICT) { /* not snapshottable: it has none */
        *error = ERROR_NONE;
        ret_list->count = 0;
        done = true;
    }
    return done;
}

bool hdfs_snapshot_list(struct store *store, const struct call *call, const char *root,
                        snapshot_fn *fn, void *context, struct error *error)
{
    struct arena arena;
    struct hdfs_snapshots list = {.count = 0};
    arena_init(&arena);
    bool done = find_snapshots(store, call, root, &arena, &list, error);
    if (done && list.count > 0)
        qsort(list.snapshots, list.count, sizeof *list.snapshots, compare_snapshots);
    for (size_t i = 0; done && i < list.count; i++) {
        struct snapshot snapshot = {.name = list.snapshots[i].name,
                                    .id = list.snapshots[i].id,
                                    .instant_us = list.snapshots[i].mtime_ms * 1000};
        done = fn(context, &snapshot, error);
    }
    arena_fini(&arena);
    return done;
}

struct wanted_snapshot {
    const char *name;
    struct snapshot found;
    bool any;
};

static bool match_snapshot(void *context, const struct snapshot *snapshot, struct error *error)
{
    struct wanted_snapshot *wanted = context;
    (void)error;
    if (strcmp(snapshot->name, wanted->name) == 0) {
        wanted->found = *snapshot;
        wanted->any = true;
    }
    return true;
}

bool hdfs_snapshot_get(struct store *store, const struct call *call, const char *root,
                       const char *name, struct snapshot *ret_snapshot, struct error *error)
{
    struct wanted_snapshot wanted = {.name = name};
    if (!hdfs_snapshot_list(store, call, root, match_snapshot, &wanted, error))
        return false;
    if (!wanted.any)
        return error_set(error, ERROR_NOT_FOUND, "%s has no snapshot %s", root, name);
    wanted.found.name = name;
    *ret_snapshot = wanted.found;
    return true;
}

/* --- making and removing -----------------------------------------------------------------------
 */

bool hdfs_snapshot_create(struct store *store, const struct call *call, const char *root,
                          const char *name, struct snapshot *ret_snapshot, struct error *error)
{
    struct snapshot snapshot;
    struct hdfs_mutation mutation = hdfs_mutation(store);
    bool done =
        hdfs_path_check(root, error) &&
        store->ops->snapshot_create(store->session, call, &mutation, root, name, NULL, error);
    if (!hdfs_settle(store, &mutation, "snapshot_create", root, done, error) &&
        error->code != ERROR_UNCERTAIN)
        return false;
    struct error why = ERROR_NONE; /* a lost answer: names are never used twice, so look */
    if (!hdfs_snapshot_get(store, call, root, name, &snapshot, &why)) {
        if (done)
            *error = why;
        return false;
    }
    *error = ERROR_NONE;
    *ret_snapshot = snapshot;
    return true;
}

bool hdfs_snapshot_remove(struct store *store, const struct call *call, const char *root,
                          const char *name, struct error *error)
{
    struct hdfs_mutation mutation = hdfs_mutation(store);
    bool done =
        hdfs_path_check(root, error) &&
        store->ops->snapshot_remove(store->session, call, &mutation, root, name, NULL, error);
    (void)hdfs_settle(store, &mutation, "snapshot_remove", root, done, error);
    if (!done && error->code == ERROR_CONFLICT) /* a root without snapshots has not this one */
        error->code = ERROR_NOT_FOUND;
    if (done || error->code != ERROR_UNCERTAIN)
        return done;
    struct snapshot snapshot;
    struct error why = ERROR_NONE;
    if (hdfs_snapshot_get(store, call, root, name, &snapshot, &why) || why.code != ERROR_NOT_FOUND)
        return false;
    *error = ERROR_NONE;
    return true;
}
