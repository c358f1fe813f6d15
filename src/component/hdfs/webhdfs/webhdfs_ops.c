/* webhdfs_ops.c: HDFS over WebHDFS: options, the open session, and the table. */
#include <stdlib.h>

#include "base/check.h"
#include "component/hdfs/webhdfs/datanode_map.h"
#include "component/hdfs/webhdfs/webhdfs_session.h"

#define TIME_MS_MIN 10
#define TIME_MS_MAX 3600000

/* 0: not given. */
static bool read_time(const json_t *options, const char *key, int64_t *ret_ms, struct error *error)
{
    json_t *value = json_object_get(options, key);
    *ret_ms = 0;
    if (value == NULL)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < TIME_MS_MIN ||
        json_integer_value(value) > TIME_MS_MAX)
        return error_set(error, ERROR_INVALID, "%s: %d to %d milliseconds", key, TIME_MS_MIN,
                         TIME_MS_MAX);
    *ret_ms = json_integer_value(value);
    return true;
}

static bool read_times(const json_t *options, int64_t *ret_connect_ms, int64_t *ret_silence_ms,
                       struct error *error)
{
    return read_time(options, "datanode_connect_ms", ret_connect_ms, error) &&
           read_time(options, "datanode_silence_ms", ret_silence_ms, error);
}

static bool check_options(const json_t *options, struct error *error)
{
    int64_t ignored[2];
    return namenodes_check_options(options, error) &&
           read_times(options, &ignored[0], &ignored[1], error);
}

static bool open_session(const json_t *options, struct hdfs_session **ret_session,
                         struct error *error)
{
    struct hdfs_session *session = memory_new(sizeof *session);
    if (!read_times(options, &session->datanode_connect_ms, &session->datanode_silence_ms, error) ||
        !namenodes_init(&session->namenodes, options, error)) {
        free(session);
        return false;
    }
    session->datanodes = datanode_map_new();
    *ret_session = session;
    return true;
}

static void close_session(struct hdfs_session *session)
{
    if (session == NULL)
        return;
    namenodes_fini(&session->namenodes);
    datanode_map_free(session->datanodes);
    free(session);
}

/* --- servers -----------------------------------------------------------------------------------
 */

static const char *user(const struct hdfs_session *session)
{
    return session->namenodes.user;
}

static unsigned node_count(const struct hdfs_session *session)
{
    return session->namenodes.count;
}

static const char *node_name(const struct hdfs_session *session, unsigned node)
{
    CHECK(node < session->namenodes.count);
    return session->namenodes.urls[node];
}

static bool looked_at(HDFS_ASK, unsigned *ret_node)
{
    return namenodes_looked_at(&session->namenodes, call, ret_node);
}

static void forget_looks(struct hdfs_session *session)
{
    namenodes_forget_looks(&session->namenodes);
}

/* --- the table ---------------------------------------------------------------------------------
 */

const struct hdfs_ops webhdfs_ops = {
    .name = "webhdfs",
    .check_options = check_options,
    .open = open_session,
    .close = close_session,
    .user = user,
    .node_count = node_count,
    .node_name = node_name,
    .looked_at = looked_at,
    .forget_looks = forget_looks,
    .find_active = webhdfs_find_active,
    .probe = webhdfs_probe,
    .version = webhdfs_version,
    .identity = webhdfs_identity,
    .capacity = webhdfs_capacity,
    .clock = webhdfs_clock,
    .freezes_open_files = webhdfs_freezes_open_files,
    .status = webhdfs_status,
    .list_page = webhdfs_list_page,
    .acl = webhdfs_acl,
    .xattrs = webhdfs_xattrs,
    .policy = webhdfs_policy,
    .summary = webhdfs_summary,
    .is_open = webhdfs_is_open,
    .checksum = webhdfs_checksum,
    .mkdirs = webhdfs_mkdirs,
    .rename = webhdfs_rename,
    .remove = webhdfs_remove,
    .set_attribute = webhdfs_set_attribute,
    .copy_file = webhdfs_copy_file,
    .read_open = webhdfs_read_open,
    .read = webhdfs_read,
    .read_close = webhdfs_read_close,
    .write_open = webhdfs_write_open,
    .write = webhdfs_write,
    .write_close = webhdfs_write_close,
    .allow_snapshots = webhdfs_allow_snapshots,
    .disallow_snapshots = webhdfs_disallow_snapshots,
    .snapshot_create = webhdfs_snapshot_create,
    .snapshot_remove = webhdfs_snapshot_remove,
    .snapshots = webhdfs_snapshots,
    .snapshottables = webhdfs_snapshottables,
    .difference = webhdfs_difference,
    .difference_page = webhdfs_difference_page,
    .snapshot_many_prepare = webhdfs_volley_prepare,
    .snapshot_many_fire = webhdfs_volley_fire,
    .snapshot_many_outcome = webhdfs_volley_outcome,
    .snapshot_many_free = webhdfs_volley_free,
};
