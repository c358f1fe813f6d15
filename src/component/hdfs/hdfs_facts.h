/* hdfs_facts.h: what servers of HDFS tell, as types, and how a change is ordered: the words of the
 * table in hdfs_ops.h. Strings and arrays belong to the arena of the call that filled them. */
#ifndef COEVAL_COMPONENT_HDFS_HDFS_FACTS_H
#define COEVAL_COMPONENT_HDFS_HDFS_FACTS_H

#include <limits.h>

#include "base/error.h"
#include "plan/entry.h"

/* --- refusals */

/* What to do about a refusal: nothing was done in any of these cases. */
enum hdfs_refusal {
    HDFS_FINAL,   /* tell the caller */
    HDFS_STANDBY, /* ask another NameNode */
    HDFS_WAIT     /* starting up, or in safe mode: ask again later */
};

#define HDFS_EXCEPTION_SIZE 64

struct hdfs_problem {
    enum hdfs_refusal refusal;
    char exception[HDFS_EXCEPTION_SIZE]; /* the class's simple name; "": no server refused */
    bool unknown_operation;              /* a server too old for it */
};

/* --- changes */

#define HDFS_NODE_ANY UINT_MAX /* the active server, looked for */

/* One intended effect, not one try: all sendings of it carry the same id, unique over restarts. A
 * server that knows ids (RPC's retry cache) does it once; WebHDFS has none: there, after UNCERTAIN,
 * only looking tells. */
struct hdfs_mutation {
    uint64_t id;
    unsigned node; /* the only server to ask, or HDFS_NODE_ANY */
};

/* One attribute; the members that the kind names. */
enum hdfs_attribute_kind {
    HDFS_OWNER,          /* owner, group */
    HDFS_MODE,           /* mode */
    HDFS_ACL,            /* acl, and mode: owner, mask and others are the mode's */
    HDFS_NO_DEFAULT_ACL, /* removes the default entries */
    HDFS_NO_ACL,         /* removes all; the mode's group bits are the owning group's again */
    HDFS_XATTR,          /* xattr; replace: it is there, else it is not */
    HDFS_NO_XATTR,       /* xattr.name */
    HDFS_REPLICATION,    /* replication */
    HDFS_POLICY,         /* policy; NULL: the parent's */
    HDFS_MTIME           /* mtime_ms */
};
struct hdfs_attribute {
    enum hdfs_attribute_kind kind;
    const char *owner, *group, *acl, *policy; /* acl: as in struct entry */
    uint32_t mode, replication;
    struct entry_xattr xattr;
    bool replace;
    int64_t mtime_ms;
};

struct hdfs_create {
    const char *path;
    uint32_t mode;
    uint64_t block_size;  /* 0: the cluster's */
    uint32_t replication; /* 0: the cluster's */
};

/* --- the name space */

struct hdfs_status {
    struct entry entry; /* path: the name within its directory, "" when asked for itself */
    int64_t mtime_ms;
    uint64_t children;
    unsigned policy_id; /* storage policy in effect; 0: the default */
    bool snapshottable;
};

/* One page of a listing, in the server's order: of signed bytes. */
struct hdfs_page {
    struct hdfs_status *statuses;
    size_t count;
    uint64_t remaining; /* entries behind this page */
};

/* Those that are there (not those marked deleted); ids as the server counts, from 0. */
struct hdfs_snapshot {
    const char *name;
    uint64_t id;
    int64_t mtime_ms; /* when it was made */
};
struct hdfs_snapshots {
    struct hdfs_snapshot *snapshots;
    size_t count;
};

struct hdfs_snapshottable {
    const char *path;
    uint64_t snapshots, quota;
};
struct hdfs_snapshottables {
    struct hdfs_snapshottable *directories;
    size_t count;
};

/* One page of a difference: the server's raw lists, which the client merges (report_merge.h). */
enum hdfs_row_list { HDFS_ROW_MODIFIED, HDFS_ROW_CREATED, HDFS_ROW_DELETED };
struct hdfs_row {
    enum hdfs_row_list list;
    uint64_t file_id;
    const char *source, *target; /* target: NULL, or where a deleted reference went */
    bool is_reference;
};
struct hdfs_row_page {
    struct hdfs_row *rows;
    size_t count;
    const char *last_path; /* the cursor of the next page; "" and -1: this is the last one */
    int64_t last_index;
    bool from_earlier; /* false: the first snapshot is the newer one */
};

/* --- the cluster */

struct hdfs_identity {
    const char *cluster_id, *block_pool_id;
};
struct hdfs_capacity {
    uint64_t remaining_bytes; /* raw, all replicas */
    uint64_t replication;     /* the default of new files, 1 or more */
};
/* Of a directory; -1: no such quota, or not told. */
struct hdfs_summary {
    int64_t files, directories, space_consumed;
    int64_t name_quota, space_quota;
    int64_t snapshot_space_consumed; /* not told before Hadoop 3.3 */
};
/* The server's clock minus ours, and how well that is known. */
struct hdfs_clock {
    int64_t offset_us, uncertainty_us;
};

#endif
