/* snapshot_report.c: the report in one answer, and the filter for staging. The pages are
 * report_merge.c's. */
#include "component/hdfs/snapshot_report.h"

#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "component/component.h"
#include "component/hdfs/json_pull.h"

bool report_emit(difference_fn *fn, void *context, enum difference_kind kind, const char *path,
                 const char *target, struct error *error)
{
    if (!path_is_clean_relative(path) || (target != NULL && !path_is_clean_relative(target)))
        return error_set(error, ERROR_PROTOCOL,
                         "the NameNode reports a change of a path that is "
                         "not clean");
    struct difference difference = {.kind = kind, .path = path, .target = target};
    return fn(context, &difference, error);
}

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

bool report_filter_staging(void *filter, const struct difference *difference, struct error *error)
{
    const struct report_filter *next = filter;
    struct difference kept = *difference;
    bool from_staging = path_is_under(difference->path, STAGING_NAME);
    bool to_staging = difference->target != NULL && path_is_under(difference->target, STAGING_NAME);
    if (from_staging && (difference->target == NULL || to_staging))
        return true;
    if (to_staging)
        kept = (struct difference){.kind = DIFFERENCE_DELETE, .path = difference->path};
    else if (from_staging)
        kept = (struct difference){.kind = DIFFERENCE_CREATE, .path = difference->target};
    return next->fn(next->context, &kept, error);
}
