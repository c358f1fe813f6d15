/* hdfs_store.c: opening, the choice of an implementation, ids of mutations, and the table. */
#include "component/hdfs/hdfs_store.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "component/hdfs/hdfs_path.h"

/* There is one implementation so far. */
static const struct hdfs_ops *choose_ops(const json_t *options)
{
    (void)options;
    return &webhdfs_ops;
}

static bool check_options(const json_t *options, struct error *error)
{
    return choose_ops(options)->check_options(options, error);
}

static bool open_store(const struct store_config *config, struct store **ret_store,
                       struct error *error)
{
    uint64_t first;
    if (!hdfs_path_check(config->area, error))
        return error_wrap(error, "area");
    struct store *store = memory_new(sizeof *store);
    store->ops = choose_ops(config->options);
    if (!store->ops->open(config->options, &store->session, error)) {
        free(store);
        return false;
    }
    random_system_bytes(&first, sizeof first); /* so that no id comes again after a restart */
    atomic_init(&store->mutations, first);
    store->cluster = memory_copy_string(config->cluster);
    store->instance = memory_copy_string(config->instance);
    store->area = memory_copy_string(config->area);
    *ret_store = store;
    return true;
}

static void close_store(struct store *store)
{
    if (store == NULL)
        return;
    store->ops->close(store->session);
    free(store->cluster);
    free(store->instance);
    free(store->area);
    free(store);
}

/* --- calls -------------------------------------------------------------------------------------
 */

struct hdfs_mutation hdfs_mutation(struct store *store)
{
    return (struct hdfs_mutation){.id = atomic_fetch_add(&store->mutations, 1) + 1,
                                  .node = HDFS_NODE_ANY};
}

bool hdfs_settle(const struct store *store, const struct hdfs_mutation *mutation, const char *what,
                 const char *path, bool done, const struct error *error)
{
    if (!done && error->code == ERROR_UNCERTAIN)
        log_warning(LOG_COMPONENT, "hdfs.uncertain",
                    "cluster=%s instance=%s operation=%s path=\"%s\" id=%016" PRIx64
                    " error=\"%s\"",
                    store->cluster, store->instance, what, path, mutation->id, error->text);
    return done;
}

bool hdfs_status(struct store *store, const struct call *call, const char *path,
                 struct arena *arena, struct hdfs_status *ret_status, struct error *error)
{
    return hdfs_path_check(path, error) &&
           store->ops->status(store->session, call, path, arena, ret_status, NULL, error);
}

/* --- the table ---------------------------------------------------------------------------------
 */

const struct component hdfs_component = {
    .kind = "hdfs",
    .features = COMPONENT_SNAPSHOT_CHEAP | COMPONENT_SNAPSHOT_ATOMIC | COMPONENT_DIFFERENCE_CHEAP |
                COMPONENT_BLIND_SPOTS | COMPONENT_MODE | COMPONENT_ACL | COMPONENT_XATTRS |
                COMPONENT_REPLICATION | COMPONENT_DRIFTING,
    .check_options = check_options,
    .open = open_store,
    .close = close_store,
    .identify = hdfs_identify,
    .check = hdfs_check,
    .space = hdfs_space,
    .clock_offset = hdfs_clock_offset,
    .stat = hdfs_stat,
    .describe = hdfs_describe,
    .list = hdfs_list,
    .checksum = hdfs_checksum,
    .confirm = hdfs_confirm,
    .make_directory = hdfs_make_directory,
    .rename = hdfs_rename,
    .remove = hdfs_remove,
    .set_attributes = hdfs_set_attributes,
    .copy_file = hdfs_copy_file,
    .read_open = hdfs_read_open,
    .read = hdfs_read,
    .read_close = hdfs_read_close,
    .write_open = hdfs_write_open,
    .write = hdfs_write,
    .write_close = hdfs_write_close,
    .allow_snapshots = hdfs_allow_snapshots,
    .disallow_snapshots = hdfs_disallow_snapshots,
    .moment_prepare = hdfs_moment_prepare,
    .moment_fire = hdfs_moment_fire,
    .moment_finish = hdfs_moment_finish,
    .moment_free = hdfs_moment_free,
    .snapshot_create = hdfs_snapshot_create,
    .snapshot_get = hdfs_snapshot_get,
    .snapshot_list = hdfs_snapshot_list,
    .snapshot_remove = hdfs_snapshot_remove,
    .snapshot_path = hdfs_snapshot_path,
    .pinned = hdfs_pinned,
    .difference = hdfs_difference,
    .is_suspect = hdfs_is_suspect,
};
