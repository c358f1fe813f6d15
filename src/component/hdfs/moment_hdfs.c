/* moment_hdfs.c: all snapshots of one cluster at one moment: made ready together, fired together,
 * and looked for where a reply was lost. How they leave is the table's business (snapshot_many). */
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "component/hdfs/hdfs_path.h"
#include "component/hdfs/hdfs_store.h"

struct moment {
    struct store *store;
    struct moment_root *roots;
    struct hdfs_mutation *mutations; /* one for each */
    size_t count;
    struct hdfs_volley *volley;
    enum open_files open_files;
};

/* --- before T ----------------------------------------------------------------------------------
 */

static bool prepare(struct moment *moment, const struct call *call, struct error *error)
{
    unsigned node;
    struct error ignored = ERROR_NONE;
    struct store *store = moment->store;
    for (size_t i = 0; i < moment->count; i++) {
        if (!hdfs_path_check(moment->roots[i].root, error))
            return false;
        moment->mutations[i] = hdfs_mutation(store);
    }
    if (!store->ops->snapshot_many_prepare(store->session, call, moment->roots, moment->mutations,
                                           moment->count, &moment->volley, &node, NULL, error))
        return false;
    if (!hdfs_open_files_at(store, call, node, &moment->open_files, &ignored))
        moment->open_files = OPEN_FILES_UNKNOWN; /* then no more than "fuzzy" is claimed */
    return true;
}

bool hdfs_moment_prepare(struct store *store, const struct call *call, struct moment_root *roots,
                         size_t root_count, const struct moment_options *options,
                         struct moment **ret_moment, struct error *error)
{
    (void)options; /* HDFS has no barrier to wait for */
    CHECK(root_count > 0);
    struct moment *moment = memory_new(sizeof *moment);
    moment->store = store;
    moment->roots = roots;
    moment->count = root_count;
    moment->mutations = memory_new(root_count * sizeof *moment->mutations);
    if (!prepare(moment, call, error)) {
        hdfs_moment_free(moment);
        return error_wrap(error, "prepare the moment");
    }
    *ret_moment = moment;
    return true;
}

void hdfs_moment_fire(struct moment *moment)
{
    moment->store->ops->snapshot_many_fire(moment->volley);
}

/* --- after T -----------------------------------------------------------------------------------
 */

/* No answer, or one that we could not read: its name is used once, so it is ours if it is there. */
static bool finish_root(struct moment *moment, const struct call *call, size_t index)
{
    struct moment_root *root = &moment->roots[index];
    struct store *store = moment->store;
    struct snapshot snapshot;
    if (!root->fired)
        return false;
    enum hdfs_shot shot =
        store->ops->snapshot_many_outcome(moment->volley, index, NULL, &root->error);
    if (shot == HDFS_SHOT_REFUSED)
        return false;
    root->error = ERROR_NONE;
    if (!hdfs_snapshot_get(store, call, root->root, root->snapshot, &snapshot, &root->error)) {
        if (root->error.code == ERROR_NOT_FOUND && shot == HDFS_SHOT_SILENT)
            root->error.code = ERROR_UNCERTAIN; /* the request may still be on its way */
        return hdfs_settle(store, &moment->mutations[index], "snapshot_many", root->root, false,
                           &root->error);
    }
    if (shot == HDFS_SHOT_SILENT)
        root->answered_ns = clock_monotonic_raw_ns(); /* it was there at the latest now */
    root->instant_us = snapshot.instant_us;
    root->id = snapshot.id;
    root->quiesced = false;
    root->open_files_exact = moment->open_files == OPEN_FILES_FROZEN;
    return true;
}

bool hdfs_moment_finish(struct moment *moment, const struct call *call, struct error *error)
{
    bool all = true;
    for (size_t i = 0; i < moment->count; i++) {
        if (finish_root(moment, call, i))
            continue;
        if (moment->roots[i].error.code == ERROR_OK)
            error_set(&moment->roots[i].error, ERROR_UNAVAILABLE, "%s: the moment was not fired",
                      moment->roots[i].root);
        if (all)
            *error = moment->roots[i].error;
        all = false;
    }
    return all || error_wrap(error, "snapshot");
}

void hdfs_moment_free(struct moment *moment)
{
    if (moment == NULL)
        return;
    moment->store->ops->snapshot_many_free(moment->volley);
    free(moment->mutations);
    free(moment);
}
