/* posix_making_guard.c: the proof behind "quiesced": the whole live tree once more, merged with the
 * index that was just written. Times can miss a change that fell into the same tick as the one
 * before the copy, so what is racy is read again and compared by value. Not seen: stores through a
 * shared writable mapping whose page was dirty all the time (they leave no time behind). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "component/posix/posix_file.h"
#include "component/posix/posix_making.h"

/* The object itself again: attributes and, of a file, content. */
static bool is_same_by_value(struct store *store, const struct posix_scan_item *item,
                             const struct posix_record *record, const struct call *call,
                             bool *ret_same, struct error *error)
{
    struct arena arena;
    struct entry entry;
    struct posix_content content = {0};
    int flags = S_ISREG(item->status.type) ? O_RDONLY | O_NONBLOCK : O_PATH;
    int object = openat(item->place.directory, item->place.name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (object < 0) {
        *ret_same = false;
        return errno == ENOENT || errno == ELOOP || posix_fail(error, errno, "open", item->path);
    }
    arena_init(&arena);
    posix_entry_of_status(store, &item->status, &arena, &entry);
    bool read = posix_describe_object(store, object, &arena, &entry) ||
                posix_fail(error, errno, "look at", item->path);
    if (read && S_ISREG(item->status.type)) {
        read =
            posix_read_content(object, item->status.stamp.size, call, item->path, &content, error);
        entry.crc_known = read;
        entry.crc32c = content.crc32c;
    }
    *ret_same = read && entry_compare(&entry, &record->entry, ENTRY_ALL) == 0;
    arena_fini(&arena);
    posix_close_fd(&object);
    return read;
}

static bool compare_item(struct posix_making *making, const struct posix_scan_item *item,
                         const struct posix_record *record, const struct call *call, bool *ret_same,
                         struct error *error)
{
    *ret_same = record != NULL && strcmp(record->entry.path, item->path) == 0 &&
                posix_stamp_equal(&record->stamp, &item->status.stamp) && !record->is_torn;
    if (!*ret_same || !record->is_racy)
        return true;
    return is_same_by_value(making->store, item, record, call, ret_same, error);
}

static bool compare_all(struct posix_making *making, struct posix_scan *scan,
                        struct posix_index_reader *index, const struct call *call, bool *ret_quiet,
                        struct error *error)
{
    const struct posix_scan_item *item;
    const struct posix_record *record;
    bool same = true;
    do {
        if (!call_may_go_on(call, error) || !posix_scan_next(scan, call, &item, error) ||
            !posix_index_next(index, &record, error))
            return false;
        if (item != NULL && !compare_item(making, item, record, call, &same, error))
            return false;
    } while (same && item != NULL);
    *ret_quiet = same && record == NULL;
    return true;
}

bool posix_making_guard(struct posix_making *making, const struct call *call, bool *ret_quiet,
                        struct error *error)
{
    struct posix_scan scan;
    struct posix_index_reader index;
    if (!posix_scan_open(&scan, making->store, making->root, "", error))
        return false;
    bool looked = posix_index_open(&index, making->work, error) &&
                  compare_all(making, &scan, &index, call, ret_quiet, error);
    posix_index_close(&index);
    posix_scan_close(&scan);
    return looked;
}
