/* webhdfs_snapshots.c: lists of snapshots, and both forms of what changed between two. */
#include <inttypes.h>
#include <stdlib.h>

#include "component/hdfs/webhdfs/snapshot_report.h"
#include "component/hdfs/webhdfs/webhdfs_session.h"
#include "component/hdfs/webhdfs/webhdfs_status.h"

bool webhdfs_snapshots(HDFS_ASK, const char *root, struct arena *arena,
                       struct hdfs_snapshots *ret_list, HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done =
        webhdfs_get(session, call, "GETSNAPSHOTLIST", root, NULL, &answer, problem, error) &&
        webhdfs_snapshots_read(buffer_text(&answer.body), answer.body.size, root, arena, ret_list,
                               error);
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_snapshottables(HDFS_ASK, struct arena *arena, struct hdfs_snapshottables *ret_list,
                            HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done = webhdfs_get(session, call, "GETSNAPSHOTTABLEDIRECTORYLIST", "/", NULL, &answer,
                            problem, error) &&
                webhdfs_snapshottables_read(buffer_text(&answer.body), answer.body.size,
                                            "snapshottable directories", arena, ret_list, error);
    namenode_answer_fini(&answer);
    return done;
}

/* Both names always: without them a NameNode says that nothing changed. */
bool webhdfs_difference(HDFS_ASK, const char *path, const char *from, const char *to,
                        difference_fn *fn, void *context, HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    answer.body.limit = REPORT_BYTES_MAX;
    char *query = webhdfs_query("oldsnapshotname", from, "snapshotname", to, NULL);
    bool done =
        webhdfs_get(session, call, "GETSNAPSHOTDIFF", path, query, &answer, problem, error) &&
        report_read(buffer_text(&answer.body), answer.body.size, path, from, to, fn, context,
                    error);
    free(query);
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_difference_page(HDFS_ASK, const char *path, const char *from, const char *to,
                             const char *last_path, int64_t last_index, struct arena *arena,
                             struct hdfs_row_page *ret_page, HDFS_TOLD)
{
    struct namenode_answer answer;
    char index[32];
    namenode_answer_init(&answer);
    snprintf(index, sizeof index, "%" PRId64, last_index);
    char *query =
        webhdfs_query("oldsnapshotname", from, "snapshotname", to, "snapshotdiffstartpath",
                      last_path, "snapshotdiffindex", index, NULL);
    bool done =
        webhdfs_get(session, call, "GETSNAPSHOTDIFFLISTING", path, query, &answer, problem,
                    error) &&
        report_page_read(buffer_text(&answer.body), answer.body.size, path, arena, ret_page, error);
    free(query);
    namenode_answer_fini(&answer);
    return done;
}
