/* report_page.h: a page of a difference as a NameNode sends it, read and merged. */
#ifndef COEVAL_TEST_REPORT_PAGE_H
#define COEVAL_TEST_REPORT_PAGE_H

#include "component/hdfs/report_merge.h"
#include "component/hdfs/webhdfs/snapshot_report.h"

static inline bool report_page_merge(struct report_merge *merge, const char *text, size_t size,
                                     const char *what, bool *ret_last, struct error *error)
{
    struct arena arena;
    struct hdfs_row_page page;
    arena_init(&arena);
    bool done = report_page_read(text, size, what, &arena, &page, error) &&
                report_merge_page(merge, &page, what, ret_last, error);
    arena_fini(&arena);
    return done;
}

#endif
