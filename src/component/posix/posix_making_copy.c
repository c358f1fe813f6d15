/* posix_making_copy.c: the tree of a snapshot, object by object in the order of the index.
 *
 * A file that is unchanged since the newest earlier snapshot is a hard link to the copy there.
 * Links are made between snapshots only, never with the live tree: a writer that changes a file in
 * place would change the snapshot with it. Within snapshots nobody writes, so sharing is safe, and
 * the attributes that the links share are equal too, because a changed ctime makes a new copy. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/path.h"
#include "component/posix/posix_file.h"
#include "component/posix/posix_making.h"

#define COPIED_FIELDS (ENTRY_OWNER | ENTRY_MODE | ENTRY_ACL | ENTRY_XATTRS | ENTRY_TIMES)

/* A directory of our tree: writable until everything below it is there. */
struct posix_pending {
    struct posix_pending *parent;
    struct arena arena;
    struct entry entry;
};

static void drop_one(struct posix_making *making)
{
    struct posix_pending *pending = making->pending;
    making->pending = pending->parent;
    arena_fini(&pending->arena);
    free(pending);
}

void posix_making_drop_pending(struct posix_making *making)
{
    while (making->pending != NULL)
        drop_one(making);
}

static void add_pending(struct posix_making *making, const struct entry *entry)
{
    struct posix_pending *pending = memory_new(sizeof *pending);
    arena_init(&pending->arena);
    pending->entry = entry_copy(&pending->arena, entry);
    pending->parent = making->pending;
    making->pending = pending;
}

/* Directories that path (NULL: nothing more) does not lie below are full. */
static bool finish_directories(struct posix_making *making, const char *path, struct error *error)
{
    while (making->pending != NULL) {
        const struct entry *entry = &making->pending->entry;
        if (path != NULL && path_is_under(path, entry->path))
            return true;
        int object = posix_open_below(making->tree, entry->path, strlen(entry->path));
        bool finished = object >= 0 ? posix_set_object(making->store, object, entry, COPIED_FIELDS,
                                                       entry->path, error)
                                    : posix_fail(error, errno, "open", entry->path);
        posix_close_fd(&object);
        if (!finished)
            return false;
        drop_one(making);
    }
    return true;
}

/* Opens the directory of path in our tree and in the previous one, unless they are open. */
static bool enter_parent(struct posix_making *making, const char *path, struct error *error)
{
    size_t length = (size_t)(path_name(path) - path);
    length -= length > 0;
    if (making->parent_tree >= 0 && making->parent.size == length &&
        memcmp(buffer_text(&making->parent), path, length) == 0)
        return true;
    posix_close_fd(&making->parent_tree);
    posix_close_fd(&making->parent_previous);
    buffer_clear(&making->parent);
    buffer_append(&making->parent, path, length);
    if (making->previous_record != NULL)
        making->parent_previous = posix_open_below(making->previous_tree, path, length);
    making->parent_tree = posix_open_below(making->tree, path, length);
    return making->parent_tree >= 0 || posix_fail(error, errno, "open", path);
}

/* The previous snapshot's record of path; NULL: none. Both go the same way, once. */
static const struct posix_record *find_previous(struct posix_making *making, const char *path)
{
    struct error ignored = ERROR_NONE;
    while (making->previous_record != NULL &&
           path_compare(making->previous_record->entry.path, path) < 0)
        if (!posix_index_next(&making->previous, &making->previous_record, &ignored))
            making->previous_record = NULL;
    if (making->previous_record == NULL || strcmp(making->previous_record->entry.path, path) != 0)
        return NULL;
    return making->previous_record;
}

static bool is_unchanged(const struct posix_record *previous, const struct posix_scan_item *item)
{
    return previous != NULL && previous->entry.type == ENTRY_FILE && !previous->is_torn &&
           !previous->is_racy && S_ISREG(item->status.type) &&
           posix_stamp_equal(&previous->stamp, &item->status.stamp);
}

/* What somebody wrote into the earlier copy must not be handed on from snapshot to snapshot. */
static bool is_as_recorded(int directory, const char *name, const struct posix_record *previous)
{
    struct stat status;
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           (uint64_t)status.st_size == previous->entry.length &&
           (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec ==
               previous->entry.mtime_ns;
}

/* False: copy it (too many links, the earlier snapshot is just being removed, or is damaged). */
static bool link_unchanged(struct posix_making *making, const struct posix_scan_item *item,
                           const struct posix_record *previous)
{
    return making->parent_previous >= 0 &&
           is_as_recorded(making->parent_previous, item->place.name, previous) &&
           linkat(making->parent_previous, item->place.name, making->parent_tree, item->place.name,
                  0) == 0;
}

static void start_record(struct posix_making *making, const struct posix_scan_item *item,
                         const struct posix_status *status, struct arena *arena,
                         struct posix_record *record)
{
    *record =
        (struct posix_record){.stamp = status->stamp, .is_racy = posix_status_is_racy(status)};
    posix_entry_of_status(making->store, status, arena, &record->entry);
    record->entry.path = item->path;
}

static bool copy_content(struct posix_making *making, const struct posix_scan_item *item, int from,
                         const struct posix_status *status, struct posix_record *record,
                         const struct call *call, struct error *error)
{
    struct posix_content content;
    struct posix_status after;
    int to = openat(making->parent_tree, item->place.name,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return posix_fail(error, errno, "create copy of", item->path);
    struct posix_copying copying = {.from = from,
                                    .to = to,
                                    .length = status->stamp.size,
                                    .is_sparse = status->is_sparse,
                                    .path = item->path};
    bool copied =
        posix_copy_content(&copying, call, &content, error) &&
        posix_set_object(making->store, to, &record->entry, COPIED_FIELDS, item->path, error);
    posix_close_fd(&to);
    if (!copied)
        return false;
    if (!posix_read_status(from, "", &after))
        return posix_fail(error, errno, "look at", item->path);
    record->is_torn = !posix_stamp_equal(&status->stamp, &after.stamp);
    record->entry.length = content.length;
    record->entry.crc_known = true;
    record->entry.crc32c = content.crc32c;
    if (record->is_torn)
        posix_torn_add(&making->torn, item->path);
    return true;
}

/* A file that vanished since it was seen is left out; what takes its place later is seen by the
 * guard, or by the next snapshot. */
static bool copy_file(struct posix_making *making, const struct posix_scan_item *item,
                      const struct call *call, struct error *error)
{
    struct posix_status status;
    struct posix_record record;
    struct arena arena;
    int from = openat(item->place.directory, item->place.name,
                      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return errno == ENOENT || errno == ELOOP || posix_fail(error, errno, "open", item->path);
    arena_init(&arena);
    bool copied =
        posix_read_status(from, "", &status) || posix_fail(error, errno, "look at", item->path);
    if (copied && S_ISREG(status.type)) {
        start_record(making, item, &status, &arena, &record);
        copied = posix_describe_object(making->store, from, &arena, &record.entry) ||
                 posix_fail(error, errno, "read attributes of", item->path);
        copied = copied && copy_content(making, item, from, &status, &record, call, error) &&
                 posix_index_add(&making->index, &record, error);
    }
    arena_fini(&arena);
    posix_close_fd(&from);
    return copied;
}

static bool make_object(struct posix_making *making, const struct posix_scan_item *item,
                        const struct posix_record *record, struct error *error)
{
    int directory = making->parent_tree;
    const char *name = item->place.name;
    if (record->entry.type == ENTRY_DIRECTORY) {
        if (item->path[0] != '\0' && mkdirat(directory, name, 0700) != 0)
            return posix_fail(error, errno, "create copy of", item->path);
        add_pending(making, &record->entry);
        return true;
    }
    if (symlinkat(record->entry.link_target, directory, name) != 0)
        return posix_fail(error, errno, "create copy of", item->path);
    int object = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool made = object >= 0 ? posix_set_object(making->store, object, &record->entry, COPIED_FIELDS,
                                               item->path, error)
                            : posix_fail(error, errno, "open copy of", item->path);
    posix_close_fd(&object);
    return made;
}

/* A directory or a symbolic link. */
static bool copy_object(struct posix_making *making, const struct posix_scan_item *item,
                        struct error *error)
{
    struct posix_status status;
    struct posix_record record;
    struct arena arena;
    int object = posix_place_object(&item->place);
    if (object < 0 || !posix_read_status(object, "", &status)) {
        bool vanished = object < 0 && errno == ENOENT;
        posix_close_fd(&object);
        return vanished || posix_fail(error, errno, "look at", item->path);
    }
    arena_init(&arena);
    bool copied = true;
    if (status.type == item->status.type) {
        start_record(making, item, &item->status, &arena, &record);
        copied = posix_describe_object(making->store, object, &arena, &record.entry) ||
                 posix_fail(error, errno, "read attributes of", item->path);
        copied = copied && make_object(making, item, &record, error) &&
                 posix_index_add(&making->index, &record, error);
    }
    arena_fini(&arena);
    posix_close_fd(&object);
    return copied;
}

bool posix_making_is_unchanged(struct posix_making *making, const struct posix_scan_item *item)
{
    return is_unchanged(find_previous(making, item->path), item);
}

static bool copy_item(struct posix_making *making, const struct posix_scan_item *item,
                      const struct call *call, struct error *error)
{
    if (item->status.is_mount)
        return posix_refuse(error, ERROR_INVALID, item->path,
                            "another file system is mounted here, into which nothing can be "
                            "renamed: make it a root of its own, or unmount it");
    if (!finish_directories(making, item->path, error) ||
        (item->path[0] != '\0' && !enter_parent(making, item->path, error)))
        return false;
    const struct posix_record *previous = find_previous(making, item->path);
    if (is_unchanged(previous, item) && link_unchanged(making, item, previous))
        return posix_index_add(&making->index, previous, error);
    return S_ISREG(item->status.type)
               ? posix_making_has_room(making, item, error) && copy_file(making, item, call, error)
               : copy_object(making, item, error);
}

bool posix_making_copy(struct posix_making *making, const struct call *call, struct error *error)
{
    const struct posix_scan_item *item;
    for (;;) {
        if (!call_may_go_on(call, error) || !posix_scan_next(&making->scan, call, &item, error))
            return false;
        if (item == NULL)
            break;
        if (!copy_item(making, item, call, error))
            return false;
    }
    if (!finish_directories(making, NULL, error) || !posix_index_finish(&making->index, error))
        return false;
    posix_making_close_copying(making);
    return true;
}
