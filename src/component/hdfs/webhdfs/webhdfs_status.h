/* webhdfs_status.h: FileStatus objects, alone and in the lists that NameNodes send, as entries.
 * Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_STATUS_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_STATUS_H

#include "component/hdfs/hdfs_facts.h"
#include "component/hdfs/webhdfs/json_pull.h"

/* {"FileStatus": {...}}; strings in the arena. */
bool webhdfs_status_read(const char *data, size_t size, const char *what, struct arena *arena,
                         struct hdfs_status *ret_status, struct error *error);
/* The members of an object that pull_object() or pull_element() entered. */
void webhdfs_status_members(struct json_pull *pull, struct arena *arena,
                            struct hdfs_status *ret_status);

/* One page of LISTSTATUS_BATCH; a page that is cut gives nothing. All memory is the arena's. */
bool webhdfs_page_read(const char *data, size_t size, const char *what, struct arena *arena,
                       struct hdfs_page *ret_page, struct error *error);

/* GETSNAPSHOTLIST: the snapshots that are there (not those marked deleted). */
bool webhdfs_snapshots_read(const char *data, size_t size, const char *what, struct arena *arena,
                            struct hdfs_snapshots *ret_list, struct error *error);

/* GETSNAPSHOTTABLEDIRECTORYLIST. */
bool webhdfs_snapshottables_read(const char *data, size_t size, const char *what,
                                 struct arena *arena, struct hdfs_snapshottables *ret_list,
                                 struct error *error);

#endif
