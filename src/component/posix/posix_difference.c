/* posix_difference.c: what changed between two snapshots, or between one and the live tree: a merge
 * of two sorted streams (plan/listing_difference.h). A live object whose stamp is the one in the
 * index counts as unchanged without being read; every other is described and its CRC read now. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/path.h"
#include "component/posix/posix_file.h"
#include "component/posix/posix_index.h"
#include "component/posix/posix_scan.h"
#include "component/posix/posix_snapshot.h"
#include "plan/listing_difference.h"

#define MEMORY_MAX ((size_t)512 << 20)
#define FIELDS (ENTRY_OWNER | ENTRY_MODE | ENTRY_TIMES | ENTRY_ACL | ENTRY_XATTRS)

/* The part of an index below relative. */
struct indexed {
    struct posix_index_reader reader;
    const char *relative;
    const struct call *call;
    struct entry entry;
    const struct posix_record *record; /* of entry; NULL: at the end */
};

struct live {
    struct store *store;
    const struct call *call;
    struct posix_scan scan;
    struct indexed known; /* the older snapshot once more, for what is unchanged */
    struct arena arena;   /* of entry */
    struct entry entry;
};

static bool indexed_open(struct indexed *indexed, struct store *store, const struct call *call,
                         const char *root, const char *relative, const char *name,
                         struct error *error)
{
    *indexed = (struct indexed){.reader = {.fd = -1}, .relative = relative, .call = call};
    int directory = posix_snapshot_open(store, root, name, error);
    if (directory < 0)
        return false;
    bool opened = posix_index_open(&indexed->reader, directory, error);
    posix_close_fd(&directory);
    return opened || error_wrap(error, "snapshot %.100s of %.80s", name, root);
}

/* What lies below one path is one run of the index. */
static bool indexed_next(void *context, const struct entry **ret_entry, struct error *error)
{
    struct indexed *indexed = context;
    bool is_first = indexed->record == NULL;
    *ret_entry = NULL;
    do {
        if (!call_may_go_on(indexed->call, error) ||
            !posix_index_next(&indexed->reader, &indexed->record, error))
            return false;
    } while (is_first && indexed->record != NULL &&
             !path_is_under(indexed->record->entry.path, indexed->relative));
    if (indexed->record == NULL)
        return true;
    if (!path_is_under(indexed->record->entry.path, indexed->relative)) {
        indexed->record = NULL;
        indexed->reader.at_end = true; /* nothing more is wanted */
        return true;
    }
    indexed->entry = indexed->record->entry;
    indexed->entry.path = path_below(indexed->record->entry.path, indexed->relative);
    *ret_entry = &indexed->entry;
    return true;
}

/* The known record at path, or NULL. */
static bool find_known(struct live *live, const char *path, const struct posix_record **ret_record,
                       struct error *error)
{
    struct indexed *known = &live->known;
    const struct entry *entry = known->record == NULL ? NULL : &known->entry;
    if (known->record == NULL && !known->reader.at_end && !indexed_next(known, &entry, error))
        return false;
    while (known->record != NULL && path_compare(known->entry.path, path) < 0)
        if (!indexed_next(known, &entry, error))
            return false;
    bool found = known->record != NULL && strcmp(known->entry.path, path) == 0;
    *ret_record = found ? known->record : NULL;
    return true;
}

/* *ret_there false: it vanished since it was seen. */
static bool describe_live(struct live *live, const struct posix_scan_item *item, bool *ret_there,
                          struct error *error)
{
    struct posix_status status;
    struct posix_content content = {0};
    bool is_file = S_ISREG(item->status.type);
    int flags = is_file ? O_RDONLY | O_NONBLOCK : O_PATH;
    int object = openat(item->place.directory, item->place.name, flags | O_NOFOLLOW | O_CLOEXEC);
    *ret_there = object >= 0;
    if (object < 0)
        return errno == ENOENT || errno == ELOOP || posix_fail(error, errno, "open", item->path);
    bool read = posix_read_status(object, "", &status);
    *ret_there = read && status.type == item->status.type;
    if (*ret_there) {
        posix_entry_of_status(live->store, &status, &live->arena, &live->entry);
        read = posix_describe_object(live->store, object, &live->arena, &live->entry);
    }
    if (!read)
        posix_fail(error, errno, "look at", item->path);
    if (read && *ret_there && is_file) {
        read =
            posix_read_content(object, status.stamp.size, live->call, item->path, &content, error);
        live->entry.crc_known = read;
        live->entry.crc32c = content.crc32c;
        live->entry.length = content.length;
    }
    posix_close_fd(&object);
    return read;
}

static bool live_next(void *context, const struct entry **ret_entry, struct error *error)
{
    struct live *live = context;
    const struct posix_scan_item *item;
    const struct posix_record *known;
    *ret_entry = NULL;
    for (bool there = false; !there;) {
        if (!call_may_go_on(live->call, error) ||
            !posix_scan_next(&live->scan, live->call, &item, error))
            return false;
        if (item == NULL)
            return true;
        if (!find_known(live, item->path, &known, error))
            return false;
        arena_fini(&live->arena);
        there = known != NULL && !known->is_racy && !known->is_torn &&
                posix_stamp_equal(&known->stamp, &item->status.stamp);
        if (there)
            live->entry = known->entry; /* valid until this one is asked for again */
        else if (!describe_live(live, item, &there, error))
            return false;
        live->entry.path = item->path;
    }
    *ret_entry = &live->entry;
    return true;
}

/* The streams have been opened; both must have relative itself. */
static bool compare(const struct listing *old, const struct listing *new, difference_fn *fn,
                    void *context, struct error *error)
{
    /* Inode numbers are used again, hence by birth too. */
    static const struct listing_options options = {
        .identity = LISTING_BY_BIRTH, .fields = FIELDS, .limit_bytes = MEMORY_MAX};
    return listing_difference(old, new, &options, fn, context, error);
}

static bool has_object(struct store *store, const struct call *call, const char *root,
                       const char *relative, const char *snapshot, struct error *error)
{
    struct arena arena;
    struct posix_place place;
    struct posix_status status;
    if (relative[0] == '\0')
        return true;
    if (!call_may_go_on(call, error))
        return false;
    arena_init(&arena);
    const char *path = posix_snapshot_path(store, root, snapshot, relative, &arena);
    bool found = posix_place_open(store, path, &place, error);
    if (found) {
        found = posix_read_status(place.directory, place.name, &status) ||
                posix_fail(error, errno, "look at", relative);
        posix_place_close(&place);
    }
    arena_fini(&arena);
    return found || error_wrap(error, "snapshot %.100s of %.60s", snapshot, root);
}

static bool between_snapshots(struct store *store, const struct call *call, const char *root,
                              const char *relative, const char *from, const char *to,
                              difference_fn *fn, void *context, struct error *error)
{
    struct indexed old, new;
    bool compared = indexed_open(&old, store, call, root, relative, from, error);
    if (compared) {
        compared = indexed_open(&new, store, call, root, relative, to, error) &&
                   has_object(store, call, root, relative, to, error) &&
                   compare(&(struct listing){indexed_next, &old},
                           &(struct listing){indexed_next, &new}, fn, context, error);
        posix_index_close(&new.reader);
    }
    posix_index_close(&old.reader);
    return compared;
}

static bool with_live(struct store *store, const struct call *call, const char *root,
                      const char *relative, const char *from, difference_fn *fn, void *context,
                      struct error *error)
{
    struct indexed old;
    struct live live = {.store = store, .call = call, .scan = {.top = -1, .directory = -1}};
    arena_init(&live.arena);
    bool compared = indexed_open(&old, store, call, root, relative, from, error);
    if (compared) {
        compared = indexed_open(&live.known, store, call, root, relative, from, error) &&
                   posix_scan_open(&live.scan, store, root, relative, error) &&
                   compare(&(struct listing){indexed_next, &old},
                           &(struct listing){live_next, &live}, fn, context, error);
        posix_index_close(&live.known.reader);
    }
    posix_index_close(&old.reader);
    posix_scan_close(&live.scan);
    arena_fini(&live.arena);
    return compared;
}

bool posix_difference(struct store *store, const struct call *call, const char *root,
                      const char *relative, const char *from, const char *to, difference_fn *fn,
                      void *context, struct error *error)
{
    CHECK(path_is_clean_relative(relative));
    if (!call_take_operation(call, error) || !has_object(store, call, root, relative, from, error))
        return false;
    return to == NULL
               ? with_live(store, call, root, relative, from, fn, context, error)
               : between_snapshots(store, call, root, relative, from, to, fn, context, error);
}
