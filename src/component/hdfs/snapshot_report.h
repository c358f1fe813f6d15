/* snapshot_report.h: the two forms in which NameNodes tell what changed between two snapshots, as
 * struct difference: GETSNAPSHOTDIFF (one answer) and GETSNAPSHOTDIFFLISTING (raw lists in pages,
 * to be merged by the client, Hadoop 3.4 and newer). Pure. */
#ifndef COEVAL_COMPONENT_HDFS_SNAPSHOT_REPORT_H
#define COEVAL_COMPONENT_HDFS_SNAPSHOT_REPORT_H

#include <stdint.h>

#include "base/arena.h"
#include "plan/difference.h"

#define REPORT_BYTES_MAX ((size_t)64 << 20)
#define REPORT_HELD_BYTES_MAX ((size_t)256 << 20)

/* A whole report. An answer about other snapshots than from and to ("": the live tree) is PROTOCOL:
 * a NameNode that misses a parameter answers "nothing changed". fn runs only when the whole answer
 * is sound. */
bool report_read(const char *data, size_t size, const char *what, const char *from, const char *to,
                 difference_fn *fn, void *context, struct error *error);

/* Checks the paths and calls fn. */
bool report_emit(difference_fn *fn, void *context, enum difference_kind kind, const char *path,
                 const char *target, struct error *error);

/* What is created, deleted, changed goes to fn at once;
 * only what came by a rename has to wait for the last page: it may be the other end of one. */
struct report_merge {
    difference_fn *fn;
    void *context;
    struct arena arena;
    struct report_arrival *arrivals; /* created entries that are references */
    struct report_source *sources;   /* file ids that were renamed within the tree */
    size_t arrival_count, arrival_capacity, source_count, source_capacity;
    const char *last_path; /* the cursor for the next page; "" and -1: the first, and the end */
    int64_t last_index;
    struct arena cursor; /* holds last_path */
    bool backwards;      /* the first snapshot is the newer one */
};
void report_merge_init(struct report_merge *merge, difference_fn *fn, void *context);
void report_merge_fini(struct report_merge *merge);
/* *ret_last: no more pages. A cursor that does not move is PROTOCOL. */
bool report_merge_page(struct report_merge *merge, const char *data, size_t size, const char *what,
                       bool *ret_last, struct error *error);
/* After the last page: what came from outside the tree. */
bool report_merge_end(struct report_merge *merge, struct error *error);

/* Wraps fn: leaves staging (STAGING_NAME directly below the root) out; what moved into it counts as
 * deleted, what moved out of it as created. */
struct report_filter {
    difference_fn *fn;
    void *context;
};
bool report_filter_staging(void *filter, const struct difference *difference, struct error *error);

#endif
