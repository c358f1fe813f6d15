/* webhdfs_status.h: FileStatus objects, alone and in the lists that NameNodes send, as entries.
 * Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_STATUS_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_STATUS_H

#include "component/hdfs/json_pull.h"
#include "plan/entry.h"

struct webhdfs_status {
    struct entry entry; /* path: the name within its directory, "" when asked for itself */
    int64_t mtime_ms;
    uint64_t children;
    unsigned policy_id; /* storage policy in effect; 0: the default */
    bool snapshottable;
};

/* {"FileStatus": {...}}; strings in the arena. */
bool webhdfs_status_read(const char *data, size_t size, const char *what, struct arena *arena,
                         struct webhdfs_status *ret_status, struct error *error);
/* The members of an object that pull_object() or pull_element() entered. */
void webhdfs_status_members(struct json_pull *pull, struct arena *arena,
                            struct webhdfs_status *ret_status);

/* One page of LISTSTATUS_BATCH; a page that is cut gives nothing. All memory is the arena's. */
struct webhdfs_page {
    struct webhdfs_status *statuses;
    size_t count;
    uint64_t remaining; /* entries behind this page */
};
bool webhdfs_page_read(const char *data, size_t size, const char *what, struct arena *arena,
                       struct webhdfs_page *ret_page, struct error *error);

/* GETSNAPSHOTLIST: the snapshots that are there (not those marked deleted). */
struct webhdfs_snapshot {
    const char *name;
    uint64_t id;
    int64_t mtime_ms;
};
struct webhdfs_snapshots {
    struct webhdfs_snapshot *snapshots;
    size_t count;
};
bool webhdfs_snapshots_read(const char *data, size_t size, const char *what, struct arena *arena,
                            struct webhdfs_snapshots *ret_list, struct error *error);

/* GETSNAPSHOTTABLEDIRECTORYLIST. */
struct webhdfs_snapshottable {
    const char *path;
    uint64_t snapshots, quota;
};
struct webhdfs_snapshottables {
    struct webhdfs_snapshottable *directories;
    size_t count;
};
bool webhdfs_snapshottables_read(const char *data, size_t size, const char *what,
                                 struct arena *arena, struct webhdfs_snapshottables *ret_list,
                                 struct error *error);

#endif
