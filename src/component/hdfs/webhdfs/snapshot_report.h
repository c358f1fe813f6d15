/* snapshot_report.h: the two forms in which NameNodes tell in JSON what changed between two
 * snapshots: GETSNAPSHOTDIFF (one answer) and GETSNAPSHOTDIFFLISTING (raw lists in pages,
 * Hadoop 3.4 and newer; report_merge.h merges them). Pure. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_SNAPSHOT_REPORT_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_SNAPSHOT_REPORT_H

#include "base/arena.h"
#include "component/hdfs/hdfs_facts.h"
#include "plan/difference.h"

#define REPORT_BYTES_MAX ((size_t)64 << 20)

/* A whole report. An answer about other snapshots than from and to ("": the live tree) is PROTOCOL:
 * a NameNode that misses a parameter answers "nothing changed". fn runs only when the whole answer
 * is sound. */
bool report_read(const char *data, size_t size, const char *what, const char *from, const char *to,
                 difference_fn *fn, void *context, struct error *error);

/* One page; one that is cut gives nothing. All memory is the arena's. */
bool report_page_read(const char *data, size_t size, const char *what, struct arena *arena,
                      struct hdfs_row_page *ret_page, struct error *error);

#endif
