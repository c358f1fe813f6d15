/* report_merge.c: the raw lists of GETSNAPSHOTDIFFLISTING, merged as the Hadoop client does: an
 * entry of the delete list that is a reference with a target is a rename; the entry of the create
 * list with the same file id is its other end, and no creation. */
#include "component/hdfs/snapshot_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "component/hdfs/json_pull.h"

struct report_arrival {
    uint64_t file_id;
    const char *path;
};

struct report_source {
    uint64_t file_id;
};

void report_merge_init(struct report_merge *merge, difference_fn *fn, void *context)
{
    *merge = (struct report_merge){.fn = fn, .context = context, .last_path = "", .last_index = -1};
    arena_init(&merge->arena);
    arena_init(&merge->cursor);
}

void report_merge_fini(struct report_merge *merge)
{
    arena_fini(&merge->arena);
    arena_fini(&merge->cursor);
    free(merge->arrivals);
    free(merge->sources);
    merge->arrivals = NULL;
    merge->sources = NULL;
}

struct listed {
    uint64_t file_id;
    const char *source, *target;
    bool is_reference;
};

enum report_list { LIST_MODIFY, LIST_CREATE, LIST_DELETE };

static bool hold_arrival(struct report_merge *merge, const struct listed *listed,
                         struct error *error)
{
    if (merge->arrival_count == merge->arrival_capacity) {
        merge->arrival_capacity = merge->arrival_capacity == 0 ? 64 : 2 * merge->arrival_capacity;
        merge->arrivals =
            memory_resize(merge->arrivals, merge->arrival_capacity * sizeof *merge->arrivals);
    }
    merge->arrivals[merge->arrival_count++] = (struct report_arrival){
        .file_id = listed->file_id, .path = arena_string(&merge->arena, listed->source)};
    if (merge->arena.used_bytes > REPORT_HELD_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, "the difference has too many renames to be merged");
    return true;
}

static void hold_source(struct report_merge *merge, uint64_t file_id)
{
    if (merge->source_count == merge->source_capacity) {
        merge->source_capacity = merge->source_capacity == 0 ? 64 : 2 * merge->source_capacity;
        merge->sources =
            memory_resize(merge->sources, merge->source_capacity * sizeof *merge->sources);
    }
    merge->sources[merge->source_count++] = (struct report_source){.file_id = file_id};
}

static bool merge_entry(struct report_merge *merge, enum report_list list,
                        const struct listed *listed, struct error *error)
{
    if (list == LIST_CREATE && listed->is_reference)
        return hold_arrival(merge, listed, error);
    if (list == LIST_DELETE && listed->is_reference && listed->target != NULL) {
        hold_source(merge, listed->file_id);
        const char *from = merge->backwards ? listed->target : listed->source;
        const char *to = merge->backwards ? listed->source : listed->target;
        return report_emit(merge->fn, merge->context, DIFFERENCE_RENAME, from, to, error);
    }
    enum difference_kind kind = list == LIST_MODIFY                         ? DIFFERENCE_MODIFY
                                : (list == LIST_CREATE) != merge->backwards ? DIFFERENCE_CREATE
                                                                            : DIFFERENCE_DELETE;
    return report_emit(merge->fn, merge->context, kind, listed->source, NULL, error);
}

static void listed_members(struct json_pull *pull, struct arena *arena, struct listed *listed)
{
    while (pull_member(pull)) {
        if (pull_is(pull, "fileId"))
            listed->file_id = (uint64_t)pull_number(pull);
        else if (pull_is(pull, "sourcePath"))
            listed->source = pull_text(pull, arena);
        else if (pull_is(pull, "targetPath"))
            listed->target = pull_text(pull, arena);
        else if (pull_is(pull, "isReference") || pull_is(pull, "isRereference"))
            listed->is_reference = pull_boolean(pull);
        else
            pull_skip(pull);
    }
    pull->failed = pull->failed || listed->source == NULL;
}

/* merge NULL: only looked at. */
static bool page_list(struct json_pull *pull, struct report_merge *merge, enum report_list list,
                      struct error *error)
{
    bool going_on = true;
    if (!pull_array(pull))
        return true;
    while (going_on && pull_element(pull)) {
        struct arena arena;
        struct listed listed = {.source = NULL};
        arena_init(&arena);
        listed_members(pull, &arena, &listed);
        if (!pull->failed && merge != NULL)
            going_on = merge_entry(merge, list, &listed, error);
        arena_fini(&arena);
    }
    return going_on;
}

struct page_cursor {
    const char *path;
    int64_t index;
    bool from_earlier, has_index;
};

static bool page_members(struct json_pull *pull, struct report_merge *merge, struct arena *arena,
                         struct page_cursor *cursor, struct error *error)
{
    bool going_on = true;
    pull_object(pull);
    while (going_on && pull_member(pull)) {
        if (pull_is(pull, "modifyList")) {
            going_on = page_list(pull, merge, LIST_MODIFY, error);
        } else if (pull_is(pull, "createList")) {
            going_on = page_list(pull, merge, LIST_CREATE, error);
        } else if (pull_is(pull, "deleteList")) {
            going_on = page_list(pull, merge, LIST_DELETE, error);
        } else if (pull_is(pull, "lastPath")) {
            cursor->path = pull_text(pull, arena);
        } else if (pull_is(pull, "lastIndex")) {
            cursor->index = pull_number(pull);
            cursor->has_index = true;
        } else if (pull_is(pull, "isFromEarlier")) {
            cursor->from_earlier = pull_boolean(pull);
        } else {
            pull_skip(pull);
        }
    }
    return going_on;
}

static bool page_scan(struct report_merge *merge, const char *data, size_t size, const char *what,
                      struct arena *arena, struct page_cursor *ret_cursor, struct error *error)
{
    struct json_pull pull;
    struct page_cursor cursor = {.path = NULL};
    bool going_on = true;
    pull_open(&pull, data, size);
    pull_object(&pull);
    while (going_on && pull_member(&pull)) {
        if (pull_is(&pull, "SnapshotDiffReportListing"))
            going_on = page_members(&pull, merge, arena, &cursor, error);
        else
            pull_skip(&pull);
    }
    if (!going_on) {
        scanner_fini(&pull.scanner);
        return false;
    }
    pull.failed = pull.failed || cursor.path == NULL || !cursor.has_index;
    *ret_cursor = cursor;
    return pull_close(&pull, what, error);
}

/* Takes the page's cursor over; false when it does not move. */
static bool move_cursor(struct report_merge *merge, const struct page_cursor *cursor, bool last,
                        const char *what, struct error *error)
{
    if (!last && merge->last_index == cursor->index && strcmp(merge->last_path, cursor->path) == 0)
        return error_set(error, ERROR_PROTOCOL, "%s: the NameNode sends the same page for ever",
                         what);
    struct arena kept;
    arena_init(&kept);
    merge->last_path = arena_string(&kept, cursor->path);
    merge->last_index = cursor->index;
    arena_fini(&merge->cursor);
    merge->cursor = kept;
    return true;
}

bool report_merge_page(struct report_merge *merge, const char *data, size_t size, const char *what,
                       bool *ret_last, struct error *error)
{
    struct arena arena;
    struct page_cursor cursor;
    arena_init(&arena);
    bool done = page_scan(NULL, data, size, what, &arena, &cursor, error);
    merge->backwards = done && !cursor.from_earlier;
    bool last = done && cursor.path[0] == '\0' && cursor.index == -1;
    done = done && move_cursor(merge, &cursor, last, what, error) &&
           page_scan(merge, data, size, what, &arena, &cursor, error);
    arena_fini(&arena);
    if (done)
        *ret_last = last;
    return done;
}

static int compare_sources(const void *a, const void *b)
{
    uint64_t left = ((const struct report_source *)a)->file_id;
    uint64_t right = ((const struct report_source *)b)->file_id;
    return (left > right) - (left < right);
}

bool report_merge_end(struct report_merge *merge, struct error *error)
{
    if (merge->source_count > 0)
        qsort(merge->sources, merge->source_count, sizeof *merge->sources, compare_sources);
    for (size_t i = 0; i < merge->arrival_count; i++) {
        struct report_source key = {.file_id = merge->arrivals[i].file_id};
        bool renamed = merge->source_count > 0 && bsearch(&key, merge->sources, merge->source_count,
                                                          sizeof key, compare_sources) != NULL;
        if (!renamed && !report_emit(merge->fn, merge->context,
                                     merge->backwards ? DIFFERENCE_DELETE : DIFFERENCE_CREATE,
                                     merge->arrivals[i].path, NULL, error))
            return false;
    }
    return true;
}
