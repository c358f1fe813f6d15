/* report_merge.c: the raw lists of a difference, merged as the Hadoop client does: an entry of the
 * delete list that is a reference with a target is a rename; the entry of the create list with the
 * same file id is its other end, and no creation. */
#include "component/hdfs/report_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "component/component.h"

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

static bool hold_arrival(struct report_merge *merge, const struct hdfs_row *row,
                         struct error *error)
{
    if (merge->arrival_count == merge->arrival_capacity) {
        merge->arrival_capacity = merge->arrival_capacity == 0 ? 64 : 2 * merge->arrival_capacity;
        merge->arrivals =
            memory_resize(merge->arrivals, merge->arrival_capacity * sizeof *merge->arrivals);
    }
    merge->arrivals[merge->arrival_count++] = (struct report_arrival){
        .file_id = row->file_id, .path = arena_string(&merge->arena, row->source)};
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

static bool merge_row(struct report_merge *merge, const struct hdfs_row *row, struct error *error)
{
    if (row->list == HDFS_ROW_CREATED && row->is_reference)
        return hold_arrival(merge, row, error);
    if (row->list == HDFS_ROW_DELETED && row->is_reference && row->target != NULL) {
        hold_source(merge, row->file_id);
        const char *from = merge->backwards ? row->target : row->source;
        const char *to = merge->backwards ? row->source : row->target;
        return report_emit(merge->fn, merge->context, DIFFERENCE_RENAME, from, to, error);
    }
    enum difference_kind kind = row->list == HDFS_ROW_MODIFIED ? DIFFERENCE_MODIFY
                                : (row->list == HDFS_ROW_CREATED) != merge->backwards
                                    ? DIFFERENCE_CREATE
                                    : DIFFERENCE_DELETE;
    return report_emit(merge->fn, merge->context, kind, row->source, NULL, error);
}

/* Takes the page's cursor over; false when it does not move. */
static bool move_cursor(struct report_merge *merge, const struct hdfs_row_page *page, bool last,
                        const char *what, struct error *error)
{
    if (!last && merge->last_index == page->last_index &&
        strcmp(merge->last_path, page->last_path) == 0)
        return error_set(error, ERROR_PROTOCOL, "%s: the NameNode sends the same page for ever",
                         what);
    struct arena kept;
    arena_init(&kept);
    merge->last_path = arena_string(&kept, page->last_path);
    merge->last_index = page->last_index;
    arena_fini(&merge->cursor);
    merge->cursor = kept;
    return true;
}

bool report_merge_page(struct report_merge *merge, const struct hdfs_row_page *page,
                       const char *what, bool *ret_last, struct error *error)
{
    bool last = page->last_path[0] == '\0' && page->last_index == -1;
    merge->backwards = !page->from_earlier;
    if (!move_cursor(merge, page, last, what, error))
        return false;
    for (size_t i = 0; i < page->count; i++)
        if (!merge_row(merge, &page->rows[i], error))
            return false;
    *ret_last = last;
    return true;
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
