/* hdfs_cluster.c: the cluster as a whole: who it is, how much fits in, what snapshots
 * pin, what its clock says. */
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "component/hdfs/hdfs_path.h"
#include "component/hdfs/hdfs_store.h"

bool hdfs_identify(struct store *store, const struct call *call,
                   char ret_identity[STORE_IDENTITY_SIZE], struct error *error)
{
    struct arena arena;
    struct hdfs_identity identity;
    arena_init(&arena);
    bool done = store->ops->identity(store->session, call, &arena, &identity, NULL, error);
    const char *text =
        done ? arena_format(&arena, "%s/%s", identity.cluster_id, identity.block_pool_id) : "";
    if (strlen(text) >= STORE_IDENTITY_SIZE)
        done = error_set(error, ERROR_LIMIT, "the cluster's identity is too long");
    if (done)
        snprintf(ret_identity, STORE_IDENTITY_SIZE, "%s", text);
    arena_fini(&arena);
    return done;
}

static bool summarise(struct store *store, const struct call *call, const char *path,
                      struct hdfs_summary *ret_summary, struct error *error)
{
    return hdfs_path_check(path, error) &&
           store->ops->summary(store->session, call, path, ret_summary, NULL, error);
}

/* --- space -------------------------------------------------------------------------------------
 */

static uint64_t left(int64_t quota, int64_t used)
{
    return quota > used ? (uint64_t)(quota - used) : 0;
}

/* The quotas of the directory itself; those of its parents are not looked at. */
static bool apply_quota(struct store *store, const struct call *call, const char *path,
                        uint64_t replication, struct store_space *space, struct error *error)
{
    struct hdfs_summary summary;
    struct error why = ERROR_NONE;
    if (!summarise(store, call, path, &summary, &why)) {
        if (why.code != ERROR_NOT_FOUND) /* a directory that is still to be made has no quota */
            *error = why;
        return why.code == ERROR_NOT_FOUND;
    }
    if (summary.name_quota >= 0 && summary.name_quota < INT64_MAX) /* "/" has that: none */
        space->free_objects = left(summary.name_quota, summary.files + summary.directories);
    if (summary.space_quota >= 0) {
        int64_t used = summary.space_consumed > 0 ? summary.space_consumed : 0;
        uint64_t room = left(summary.space_quota, used) / replication;
        space->free_bytes = room < space->free_bytes ? room : space->free_bytes;
    }
    return true;
}

/* Bytes that can be written, after replication as the cluster does it by default. */
bool hdfs_space(struct store *store, const struct call *call, const char *path,
                struct store_space *ret_space, struct error *error)
{
    struct store_space space = {.free_objects = UINT64_MAX};
    struct hdfs_capacity capacity;
    if (!store->ops->capacity(store->session, call, &capacity, NULL, error))
        return error_wrap(error, "space");
    space.free_bytes = capacity.remaining_bytes / capacity.replication;
    if (!apply_quota(store, call, path, capacity.replication, &space, error))
        return error_wrap(error, "space");
    *ret_space = space;
    return true;
}

/* --- what snapshots pin ------------------------------------------------------------------------
 */

static uint64_t told(int64_t bytes)
{
    return bytes < 0 ? UINT64_MAX : (uint64_t)bytes;
}

/* Of the live directory: the space of what is in its snapshots only, of all of them. The base is
 * the oldest that has a hold, so nearly all of it is the base's; what was renamed out of here
 * counts as well. A directory that is gone lies in the snapshot alone, all of it. */
bool hdfs_pinned(struct store *store, const struct call *call, const char *root,
                 const char *relative, const char *snapshot, uint64_t *ret_bytes,
                 struct error *error)
{
    struct arena arena;
    struct hdfs_summary summary;
    struct error gone = ERROR_NONE;
    arena_init(&arena);
    bool done = summarise(store, call, path_join(&arena, root, relative), &summary, &gone);
    int64_t bytes = done ? summary.snapshot_space_consumed : -1;
    if (!done && gone.code == ERROR_NOT_FOUND) {
        done = summarise(store, call, hdfs_snapshot_path(store, root, snapshot, relative, &arena),
                         &summary, error);
        bytes = done ? summary.space_consumed : -1;
    } else if (!done) {
        *error = gone;
    }
    arena_fini(&arena);
    if (!done)
        return error_wrap(error, "what snapshots of %.100s pin", root);
    *ret_bytes = told(bytes);
    return true;
}

/* --- clock -------------------------------------------------------------------------------------
 */

#define CLOCK_SAMPLES 3

bool hdfs_clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                       int64_t *ret_uncertainty_us, struct error *error)
{
    struct hdfs_clock best = {.uncertainty_us = INT64_MAX}, clock;
    for (int i = 0; i < CLOCK_SAMPLES; i++) { /* the fastest exchange knows most */
        if (!store->ops->clock(store->session, call, &clock, NULL, error))
            return false;
        best = clock.uncertainty_us < best.uncertainty_us ? clock : best;
    }
    *ret_offset_us = best.offset_us;
    *ret_uncertainty_us = best.uncertainty_us;
    return true;
}
