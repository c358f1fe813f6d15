/* posix_look.c: stat, describe, list, space, and what a directory has no need of. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/path.h"
#include "component/posix/posix_calls.h"
#include "component/posix/posix_making.h"
#include "component/posix/posix_scan.h"

static bool refuse_special(const char *path, struct error *error)
{
    return posix_refuse(error, ERROR_INVALID, path,
                        "a FIFO, socket or device, which Coeval does not carry");
}

bool posix_stat(struct store *store, const struct call *call, const char *path, struct arena *arena,
                struct entry *ret_entry, struct error *error)
{
    struct posix_place place;
    struct posix_status status;
    if (!call_take_operation(call, error) || !posix_place_open(store, path, &place, error))
        return false;
    bool found = posix_read_status(place.directory, place.name, &status);
    if (!found) {
        posix_fail(error, errno, "look at", path);
    } else if (!posix_is_carried(&status)) {
        found = refuse_special(path, error);
    } else {
        posix_entry_of_status(store, &status, arena, ret_entry);
        ret_entry->path = "";
        ret_entry->has_acl =
            !S_ISLNK(status.type) && posix_acl_is_there(place.directory, place.name);
    }
    posix_place_close(&place);
    return found;
}

bool posix_describe(struct store *store, const struct call *call, const char *path,
                    struct arena *arena, struct entry *ret_entry, struct error *error)
{
    struct posix_place place;
    struct posix_status status;
    if (!call_take_operation(call, error) || !posix_place_open(store, path, &place, error))
        return false;
    int object = posix_place_object(&place);
    struct entry entry;
    bool described = false;
    if (object < 0 || !posix_read_status(object, "", &status)) {
        posix_fail(error, errno, "look at", path);
    } else if (!posix_is_carried(&status)) {
        refuse_special(path, error);
    } else {
        posix_entry_of_status(store, &status, arena, &entry);
        described = posix_describe_object(store, object, arena, &entry) ||
                    posix_fail(error, errno, "read attributes of", path);
    }
    posix_close_fd(&object);
    posix_place_close(&place);
    if (!described)
        return false;
    entry.path = "";
    entry.has_acl = entry.acl != NULL;
    *ret_entry = entry;
    return true;
}

/* One name of a listing; one that vanished meanwhile is left out. */
static bool list_one(struct store *store, int directory, const char *name, entry_fn *fn,
                     void *context, struct error *error)
{
    struct posix_status status;
    if (!posix_read_status(directory, name, &status))
        return errno == ENOENT || posix_fail(error, errno, "look at", name);
    if (!posix_is_carried(&status))
        return true;
    struct arena arena;
    arena_init(&arena);
    struct entry entry;
    posix_entry_of_status(store, &status, &arena, &entry);
    entry.path = name;
    entry.has_acl = !S_ISLNK(status.type) && posix_acl_is_there(directory, name);
    bool going_on = fn(context, &entry, error);
    arena_fini(&arena);
    return going_on;
}

bool posix_list(struct store *store, const struct call *call, const char *path, entry_fn *fn,
                void *context, struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    int directory = posix_open_directory(store, path, error);
    if (directory < 0)
        return false;
    struct arena arena;
    arena_init(&arena);
    struct posix_listing listing;
    bool going_on =
        posix_read_names(directory, &arena, &listing) || posix_fail(error, errno, "list", path);
    for (size_t i = 0; going_on && i < listing.count; i++)
        going_on = (i % 256 != 0 || call_may_go_on(call, error)) &&
                   list_one(store, directory, listing.names[i], fn, context, error);
    arena_fini(&arena);
    posix_close_fd(&directory);
    return going_on;
}

bool posix_space(struct store *store, const struct call *call, const char *path,
                 struct store_space *ret_space, struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    int base = posix_open_base(store, error);
    if (base < 0)
        return false;
    /* The nearest directory that exists: the path may be one that is still to be made. */
    size_t length = strlen(path) - 1;
    int directory = posix_open_below(base, path + 1, length);
    while (directory < 0 && errno == ENOENT && length > 0) {
        do
            length--;
        while (length > 0 && path[1 + length] != '/');
        directory = posix_open_below(base, path + 1, length);
    }
    struct statvfs status;
    struct stat device;
    int area = posix_open_below(base, store->area + 1, strlen(store->area) - 1);
    bool known =
        directory >= 0 && fstatvfs(directory, &status) == 0 && fstat(directory, &device) == 0;
    if (!known)
        posix_fail(error, errno, "ask for the space at", path);
    else {
        *ret_space = (struct store_space){
            .free_bytes = (uint64_t)status.f_bavail * status.f_frsize,
            .free_objects = status.f_files == 0 ? UINT64_MAX : (uint64_t)status.f_favail,
            .shares_blocks = area >= 0 && posix_shares_blocks(directory, area)};
        snprintf(ret_space->place, sizeof ret_space->place, "device %llx",
                 (unsigned long long)device.st_dev);
    }
    posix_close_fd(&area);
    posix_close_fd(&directory);
    posix_close_fd(&base);
    return known;
}

/* Our own clock: what is left is its resolution as the store's instants carry it. */
bool posix_clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                        int64_t *ret_uncertainty_us, struct error *error)
{
    (void)store;
    if (!call_may_go_on(call, error))
        return false;
    *ret_offset_us = 0;
    *ret_uncertainty_us = 1;
    return true;
}

bool posix_checksum(struct store *store, const struct call *call, const char *path,
                    char ret_checksum[96], struct error *error)
{
    (void)store;
    (void)path;
    if (!call_may_go_on(call, error))
        return false;
    ret_checksum[0] = '\0'; /* none: the caller reads and compares CRCs */
    return true;
}

/* One kernel answers reads and takes writes: there is no other server that could contradict. */
bool posix_confirm(struct store *store, const struct call *call, struct error *error)
{
    (void)store;
    return call_may_go_on(call, error);
}
