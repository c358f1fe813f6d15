/* fuzz_namenode.c: any bytes as an answer of a NameNode; the first one chooses the reader. Damaged
 * answers give nothing at all, sound ones only clean paths. */
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "component/hdfs/webhdfs/clock_hint.h"
#include "component/hdfs/webhdfs/moment_reply.h"
#include "component/hdfs/webhdfs/webhdfs_error.h"
#include "component/hdfs/webhdfs/webhdfs_status.h"
#include "component/hdfs/webhdfs/webhdfs_url.h"
#include "fake/report_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count(void *context, const struct difference *difference, struct error *error)
{
    (void)error;
    CHECK(path_is_clean_relative(difference->path));
    CHECK((difference->kind == DIFFERENCE_RENAME) == (difference->target != NULL));
    CHECK(difference->target == NULL || path_is_clean_relative(difference->target));
    ++*(size_t *)context;
    return true;
}

static void read_report(const char *text, size_t size)
{
    size_t told = 0;
    struct error error = ERROR_NONE;
    if (!report_read(text, size, "f", "s1", "s2", count, &told, &error))
        CHECK(error.code == ERROR_UNAVAILABLE || error.code == ERROR_PROTOCOL);
    CHECK(told == 0 || error.code != ERROR_UNAVAILABLE);
}

static void read_pages(const char *text, size_t size)
{
    size_t told = 0;
    bool last = false;
    struct error error = ERROR_NONE;
    struct report_merge merge;
    report_merge_init(&merge, count, &told);
    if (report_page_merge(&merge, text, size, "f", &last, &error) &&
        (last || !report_page_merge(&merge, text, size, "f", &last, &error)))
        (void)report_merge_end(&merge, &error);
    report_merge_fini(&merge);
}

static void read_statuses(const char *text, size_t size)
{
    struct arena arena;
    struct error error = ERROR_NONE;
    struct hdfs_status status;
    struct hdfs_page page;
    struct hdfs_snapshots snapshots;
    struct hdfs_snapshottables directories;
    arena_init(&arena);
    if (webhdfs_status_read(text, size, "f", &arena, &status, &error))
        CHECK(strchr(status.entry.path, '/') == NULL && status.entry.owner != NULL);
    if (webhdfs_page_read(text, size, "f", &arena, &page, &error))
        for (size_t i = 0; i < page.count; i++)
            CHECK(page.statuses[i].entry.path != NULL && page.statuses[i].entry.group != NULL);
    if (webhdfs_snapshots_read(text, size, "f", &arena, &snapshots, &error))
        for (size_t i = 0; i < snapshots.count; i++)
            CHECK(snapshots.snapshots[i].name != NULL);
    if (webhdfs_snapshottables_read(text, size, "f", &arena, &directories, &error))
        for (size_t i = 0; i < directories.count; i++)
            CHECK(directories.directories[i].path[0] == '/');
    arena_fini(&arena);
}

static void read_reply(const char *text, size_t size)
{
    struct moment_reply reply, again;
    if (moment_reply_look(text, size, &reply) != REPLY_COMPLETE)
        return;
    struct buffer body;
    buffer_init(&body, 0);
    CHECK(reply.status >= 200 && reply.status < 600);
    CHECK(reply.body_at + reply.body_size <= size);
    moment_reply_body(text, &reply, &body);
    CHECK(body.size <= reply.body_size);
    size_t used = reply.body_at + reply.body_size; /* what follows makes no difference */
    CHECK(moment_reply_look(text, used, &again) == REPLY_COMPLETE);
    CHECK(used == 0 || moment_reply_look(text, used - 1, &again) != REPLY_COMPLETE);
    buffer_fini(&body);
}

static void read_header_values(const char *text)
{
    int64_t offset, uncertainty;
    struct buffer url;
    struct error error = ERROR_NONE;
    buffer_init(&url, 0);
    (void)clock_hint(text, text, 0, 1000, &offset, &uncertainty);
    if (webhdfs_redirect(text, "/a", &url, &error))
        CHECK(strncmp(buffer_text(&url), "http", 4) == 0 && strpbrk(url.data, " \r\n") == NULL);
    buffer_fini(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct error error = ERROR_NONE;
    if (size == 0)
        return 0;
    arena_init(&arena);
    const char *text = arena_copy(&arena, data + 1, size - 1);
    if (data[0] == 'r')
        read_report(text, size - 1);
    else if (data[0] == 'p')
        read_pages(text, size - 1);
    else if (data[0] == 's')
        read_statuses(text, size - 1);
    else if (data[0] == 'm')
        read_reply(text, size - 1);
    else if (data[0] == 'h')
        read_header_values(text);
    else if (data[0] == 'e')
        (void)webhdfs_problem(403, text, size - 1, "f", &error);
    arena_fini(&arena);
    return 0;
}
