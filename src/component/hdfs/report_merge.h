/* report_merge.h: what changed between two snapshots, from the raw lists that servers send in
 * pages, as struct difference; and what of it is Coeval's own staging. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_REPORT_MERGE_H
#define COEVAL_COMPONENT_HDFS_REPORT_MERGE_H

#include "base/arena.h"
#include "component/hdfs/hdfs_facts.h"
#include "plan/difference.h"

#define REPORT_HELD_BYTES_MAX ((size_t)256 << 20)

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
bool report_merge_page(struct report_merge *merge, const struct hdfs_row_page *page,
                       const char *what, bool *ret_last, struct error *error);
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
