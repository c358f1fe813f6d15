/* snapshot_report.c: the report in one answer, and the pages as rows. */
#include "component/hdfs/webhdfs/snapshot_report.h"

#include <string.h>

#include "base/check.h"
#include "component/hdfs/report_merge.h"
#include "component/hdfs/webhdfs/json_pull.h"

static bool kind_of(const char *text, enum difference_kind *ret_kind)
{
    static const struct {
        const char *text;
        enum difference_kind kind;
    } kinds[] = {{"CREATE", DIFFERENCE_CREATE},
                 {"DELETE", DIFFERENCE_DELETE},
                 {"RENAME", DIFFERENCE_RENAME},
                 {"MODIFY", DIFFERENCE_MODIFY}};
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (text != NULL && strcmp(text, kinds[i].text) == 0) {
            *ret_kind = kinds[i].kind;
            return true;
        }
    return false;
}

/* The members of one entry of diffList; fn NULL: only looked at. */
static bool report_entry(struct json_pull *pull, struct arena *arena, difference_fn *fn,
                         void *context, struct error *error)
{
    const char *type = NULL, *source = NULL, *target = NULL;
    enum difference_kind kind = DIFFERENCE_MODIFY;
    while (pull_member(pull)) {
        if (pull_is(pull, "type"))
            type = pull_text(pull, arena);
        else if (pull_is(pull, "sourcePath"))
            source = pull_text(pull, arena);
        else if (pull_is(pull, "targetPath"))
            target = pull_text(pull, arena);
        else
            pull_skip(pull);
    }
    if (!kind_of(type, &kind) || source == NULL || (kind == DIFFERENCE_RENAME) != (target != NULL))
        pull->failed = true;
    if (fn == NULL || pull->failed)
        return true;
    return report_emit(fn, context, kind, source, target, error);
}

static bool report_entries(struct json_pull *pull, difference_fn *fn, void *context,
                           struct error *error)
{
    bool going_on = true;
    if (!pull_array(pull))
        return true;
    while (going_on && pull_element(pull)) {
        struct arena arena;
        arena_init(&arena);
        going_on = report_entry(pull, &arena, fn, context, error);
        arena_fini(&arena);
    }
    return going_on;
}

/* One reading of the whole answer; the names stand behind the list in it. */
struct report_names {
    const char *from, *to;
    bool list;
};
static bool report_scan(const char *data, size_t size, const char *what, struct arena *arena,
                        difference_fn *fn, void *context, struct report_names *ret_names,
                        struct error *error)
{
    struct json_pull pull;
    struct report_names names = {.from = NULL};
    bool going_on = true;
    pull_open(&pull, data, size);
    pull_object(&pull);
    while (going_on && pull_member(&pull)) {
        if (!pull_is(&pull, "SnapshotDiffReport")) {
            pull_skip(&pull);
            continue;
        }
        pull_object(&pull);
        while (going_on && pull_member(&pull)) {
            if (pull_is(&pull, "diffList")) {
                names.list = true;
                going_on = report_entries(&pull, fn, context, error);
            } else if (pull_is(&pull, "fromSnapshot")) {
                names.from = pull_text(&pull, arena);
            } else if (pull_is(&pull, "toSnapshot")) {
                names.to = pull_text(&pull, arena);
            } else {
                pull_skip(&pull);
            }
        }
    }
    if (!going_on) {
        scanner_fini(&pull.scanner);
        return false;
    }
    *ret_names = names;
    return pull_close(&pull, what, error);
}

static bool same_name(const char *answered, const char *asked)
{
    return answered != NULL && strcmp(answered, asked) == 0;
}

bool report_read(const char *data, size_t size, const char *what, const char *from, const char *to,
                 difference_fn *fn, void *context, struct error *error)
{
    struct arena arena;
    struct report_names names;
    arena_init(&arena);
    bool done = report_scan(data, size, what, &arena, NULL, NULL, &names, error);
    if (done && (!names.list || !same_name(names.from, from) || !same_name(names.to, to)))
        done = error_set(error, ERROR_PROTOCOL, "%s: the NameNode answered about other snapshots",
                         what);
    done = done && report_scan(data, size, what, &arena, fn, context, &names, error);
    arena_fini(&arena);
    return done;
}

/* --- pages -------------------------------------------------------------------------------------
 */

static void row_members(struct json_pull *pull, struct arena *arena, struct hdfs_row *row)
{
    while (pull_member(pull)) {
        if (pull_is(pull, "fileId"))
            row->file_id = (uint64_t)pull_number(pull);
        else if (pull_is(pull, "sourcePath"))
            row->source = pull_text(pull, arena);
        else if (pull_is(pull, "targetPath"))
            row->target = pull_text(pull, arena);
        else if (pull_is(pull, "isReference") || pull_is(pull, "isRereference"))
            row->is_reference = pull_boolean(pull);
        else
            pull_skip(pull);
    }
    pull->failed = pull->failed || row->source == NULL;
}

static void page_list(struct json_pull *pull, struct arena *arena, enum hdfs_row_list list,
                      struct hdfs_row_page *page)
{
    if (!pull_array(pull))
        return;
    while (pull_element(pull)) {
        page->rows = pull_grow(arena, page->rows, page->count, sizeof *page->rows);
        struct hdfs_row *row = &page->rows[page->count++];
        *row = (struct hdfs_row){.list = list};
        row_members(pull, arena, row);
    }
}

static bool page_members(struct json_pull *pull, struct arena *arena, struct hdfs_row_page *page)
{
    bool has_index = false;
    pull_object(pull);
    while (pull_member(pull)) {
        if (pull_is(pull, "modifyList")) {
            page_list(pull, arena, HDFS_ROW_MODIFIED, page);
        } else if (pull_is(pull, "createList")) {
            page_list(pull, arena, HDFS_ROW_CREATED, page);
        } else if (pull_is(pull, "deleteList")) {
            page_list(pull, arena, HDFS_ROW_DELETED, page);
        } else if (pull_is(pull, "lastPath")) {
            page->last_path = pull_text(pull, arena);
        } else if (pull_is(pull, "lastIndex")) {
            page->last_index = pull_number(pull);
            has_index = true;
        } else if (pull_is(pull, "isFromEarlier")) {
            page->from_earlier = pull_boolean(pull);
        } else {
            pull_skip(pull);
        }
    }
    return has_index;
}

bool report_page_read(const char *data, size_t size, const char *what, struct arena *arena,
                      struct hdfs_row_page *ret_page, struct error *error)
{
    struct json_pull pull;
    struct hdfs_row_page page = {.rows = NULL};
    bool has_index = false;
    pull_open(&pull, data, size);
    pull_object(&pull);
    while (pull_member(&pull)) {
        if (pull_is(&pull, "SnapshotDiffReportListing"))
            has_index = page_members(&pull, arena, &page);
        else
            pull_skip(&pull);
    }
    pull.failed = pull.failed || page.last_path == NULL || !has_index;
    if (!pull_close(&pull, what, error))
        return false;
    *ret_page = page;
    return true;
}
