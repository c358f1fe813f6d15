/* posix_change.c: making, renaming, removing, and attributes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/path.h"
#include "component/posix/posix_calls.h"
#include "component/posix/posix_scan.h"

static bool enter(struct store *store, const struct call *call, const char *path,
                  struct posix_place *ret_place, struct error *error)
{
    return call_take_operation(call, error) && posix_may_change(store, path, error) &&
           posix_place_open(store, path, ret_place, error);
}

bool posix_make_directory(struct store *store, const struct call *call, const char *path,
                          uint32_t mode, struct error *error)
{
    struct posix_place place;
    if (!enter(store, call, path, &place, error))
        return false;
    char proc_path[POSIX_PROC_SIZE];
    int made = -1;
    bool done = mkdirat(place.directory, place.name, 0700) == 0;
    if (done) { /* the umask has no say */
        made = posix_place_object(&place);
        if (made >= 0)
            posix_proc_path(made, proc_path);
        done = made >= 0 && chmod(proc_path, mode & 07777) == 0;
    }
    if (!done)
        posix_fail(error, errno, "make directory", path);
    posix_close_fd(&made);
    posix_place_close(&place);
    return done;
}

bool posix_make_symlink(struct store *store, const struct call *call, const char *path,
                        const char *link_target, struct error *error)
{
    struct posix_place place;
    if (!enter(store, call, path, &place, error))
        return false;
    bool done = symlinkat(link_target, place.directory, place.name) == 0 ||
                posix_fail(error, errno, "make symbolic link", path);
    posix_place_close(&place);
    return done;
}

static bool is_there(const struct posix_place *place, struct stat *ret_status)
{
    return fstatat(place->directory, place->name, ret_status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Replacing rename between two names of one file does nothing and reports success: take the old
 * name away ourselves. */
static bool finish_replacing(const struct posix_place *from, const struct posix_place *to)
{
    struct stat old, new;
    if (!is_there(from, &old) || !is_there(to, &new) || old.st_ino != new.st_ino ||
        old.st_dev != new.st_dev)
        return true;
    return unlinkat(from->directory, from->name, 0) == 0;
}

static bool rename_place(const struct posix_place *from, const struct posix_place *to, bool replace)
{
    struct stat status;
    if (replace)
        return renameat(from->directory, from->name, to->directory, to->name) == 0 &&
               finish_replacing(from, to);
    if (renameat2(from->directory, from->name, to->directory, to->name, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL)
        return false;
    /* A file system without NOREPLACE (NFS): look first. Only Coeval writes where it renames. */
    if (is_there(to, &status))
        errno = EEXIST;
    return errno == ENOENT && renameat(from->directory, from->name, to->directory, to->name) == 0;
}

/* A rename below the area is what makes a marker count: it is on disk before we say so. */
static bool make_durable(struct store *store, const char *to_path, const struct posix_place *to)
{
    if (!path_is_under(to_path, store->area))
        return true;
    int directory = openat(to->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = directory >= 0 && fsync(directory) == 0;
    posix_close_fd(&directory);
    return synced;
}

bool posix_rename(struct store *store, const struct call *call, const char *from, const char *to,
                  bool replace, struct error *error)
{
    struct posix_place source, target;
    if (!posix_may_change(store, to, error) || !enter(store, call, from, &source, error))
        return false;
    if (!posix_place_open(store, to, &target, error)) {
        posix_place_close(&source);
        return false;
    }
    bool done = false;
    if (path_is_under(to, from) && strcmp(to, from) != 0)
        posix_refuse(error, ERROR_INVALID, from, "cannot be moved below itself");
    else if (strcmp(to, from) == 0 && replace)
        done = true;
    else if (rename_place(&source, &target, replace) && make_durable(store, to, &target))
        done = true;
    else if (errno == ENOTDIR || errno == EISDIR || errno == ENOTEMPTY)
        posix_refuse(error, ERROR_EXISTS, to, "is there and cannot be replaced by what comes");
    else
        posix_fail(error, errno, "rename to", to);
    posix_place_close(&target);
    posix_place_close(&source);
    return done;
}

static bool remove_below(int top, const char *path, const struct call *call, struct error *error);

/* A directory that its owner made read-only still goes when its parent is told to go. */
static int open_writable(int top, const char *path)
{
    int directory = posix_open_below(top, path, strlen(path));
    if (directory < 0 || faccessat(directory, ".", R_OK | W_OK | X_OK, AT_EACCESS) == 0)
        return directory;
    char proc_path[POSIX_PROC_SIZE];
    posix_proc_path(directory, proc_path);
    if (errno == EACCES && chmod(proc_path, 0700) != 0)
        posix_close_fd(&directory);
    return directory;
}

/* One name in an open directory, which is closed meanwhile if the name is a directory. */
static bool remove_one(int top, int *directory, const char *path, const char *name,
                       const struct call *call, struct error *error)
{
    if (unlinkat(*directory, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return posix_fail(error, errno, "remove", path);
    if (unlinkat(*directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return true;
    if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES)
        return posix_fail(error, errno, "remove", path);
    posix_close_fd(directory); /* one descriptor, however deep */
    if (!remove_below(top, path, call, error))
        return false;
    struct arena arena;
    arena_init(&arena);
    const char *parent = path_parent(&arena, path);
    *directory = posix_open_below(top, parent, strlen(parent));
    arena_fini(&arena);
    return (*directory >= 0 &&
            (unlinkat(*directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT)) ||
           posix_fail(error, errno, "remove", path);
}

static bool remove_below(int top, const char *path, const struct call *call, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct posix_listing listing;
    int directory = open_writable(top, path);
    bool going_on = (directory >= 0 && posix_read_names(directory, &arena, &listing)) ||
                    posix_fail(error, errno, "list", path);
    for (size_t i = 0; going_on && i < listing.count; i++) {
        const char *below = path_join(&arena, path, listing.names[i]);
        going_on = (i % 64 != 0 || call_may_go_on(call, error)) &&
                   remove_one(top, &directory, below, listing.names[i], call, error);
    }
    posix_close_fd(&directory);
    arena_fini(&arena);
    return going_on;
}

bool posix_remove_place(const struct posix_place *place, bool recursive, const struct call *call,
                        struct error *error)
{
    if (unlinkat(place->directory, place->name, 0) == 0 ||
        ((errno == EISDIR || errno == EPERM) &&
         unlinkat(place->directory, place->name, AT_REMOVEDIR) == 0))
        return true;
    if (!recursive || (errno != ENOTEMPTY && errno != EEXIST))
        return posix_fail(error, errno, "remove", place->name);
    int top = posix_open_below(place->directory, place->name, strlen(place->name));
    if (top < 0)
        return posix_fail(error, errno, "remove", place->name);
    bool removed = remove_below(top, "", call, error) &&
                   (unlinkat(place->directory, place->name, AT_REMOVEDIR) == 0 ||
                    posix_fail(error, errno, "remove", place->name));
    posix_close_fd(&top);
    return removed;
}

bool posix_remove(struct store *store, const struct call *call, const char *path, bool recursive,
                  struct error *error)
{
    struct posix_place place;
    if (!enter(store, call, path, &place, error))
        return false;
    bool removed = false;
    if (recursive && path_is_under(store->snapshots, path))
        posix_refuse(error, ERROR_DENIED, path, "the snapshots lie below it");
    else
        removed = posix_remove_place(&place, recursive, call, error);
    posix_place_close(&place);
    return removed;
}

bool posix_set_attributes(struct store *store, const struct call *call, const char *path,
                          const struct entry *entry, unsigned fields, struct error *error)
{
    struct posix_place place;
    if (!call_take_operation(call, error))
        return false;
    if (path_is_under(path, store->snapshots))
        return posix_refuse(error, ERROR_DENIED, path, "snapshots are read-only");
    if (!posix_place_open(store, path, &place, error))
        return false;
    int object = posix_place_object(&place);
    bool done = object >= 0 ? posix_set_object(store, object, entry, fields, path, error)
                            : posix_fail(error, errno, "open", path);
    posix_close_fd(&object);
    posix_place_close(&place);
    return done;
}
