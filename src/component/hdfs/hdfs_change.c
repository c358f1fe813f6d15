/* hdfs_change.c: directories, renames, removals. */
#include <string.h>

#include "base/path.h"
#include "component/hdfs/hdfs_path.h"
#include "component/hdfs/hdfs_store.h"

#define MODE_BITS 01777 /* what HDFS keeps; it has no setuid and setgid */

static bool in_snapshot(const char *path)
{
    static const char name[] = "/.snapshot";
    for (const char *p = path; (p = strstr(p, name)) != NULL; p++)
        if (p[sizeof name - 1] == '/' || p[sizeof name - 1] == '\0')
            return true;
    return false;
}

/* MKDIRS makes parents and is content with what is there; CREATE tells its refusals only after some
 * of the body: so look first. */
bool hdfs_check_place(struct store *store, const struct call *call, const char *path,
                      struct error *error)
{
    struct arena arena;
    struct hdfs_status status;
    struct error missing = ERROR_NONE;
    if (in_snapshot(path))
        return error_set(error, ERROR_DENIED, "%s: snapshots are read-only", path);
    arena_init(&arena);
    bool exists = hdfs_status(store, call, path, &arena, &status, &missing);
    const char *parent = path_parent(&arena, path);
    bool done;
    if (exists)
        done = error_set(error, ERROR_EXISTS, "%s: exists already", path);
    else if (missing.code != ERROR_NOT_FOUND)
        done = (*error = missing, false);
    else
        done = parent != NULL && hdfs_status(store, call, parent, &arena, &status, error);
    if (done && status.entry.type != ENTRY_DIRECTORY)
        done = error_set(error, ERROR_NOT_FOUND, "%s: its parent is no directory", path);
    arena_fini(&arena);
    return done;
}

bool hdfs_make(struct store *store, const struct call *call, const char *path, uint32_t mode,
               struct error *error)
{
    bool made = false;
    struct hdfs_mutation mutation = hdfs_mutation(store);
    bool done =
        hdfs_path_check(path, error) && store->ops->mkdirs(store->session, call, &mutation, path,
                                                           mode & MODE_BITS, &made, NULL, error);
    return hdfs_settle(store, &mutation, "mkdirs", path, done, error) &&
           (made || error_set(error, ERROR_IO, "MKDIRS %s: refused", path));
}

bool hdfs_make_directory(struct store *store, const struct call *call, const char *path,
                         uint32_t mode, struct error *error)
{
    return hdfs_path_check(path, error) && hdfs_check_place(store, call, path, error) &&
           hdfs_make(store, call, path, mode, error);
}

bool hdfs_rename(struct store *store, const struct call *call, const char *from, const char *to,
                 bool replace, struct error *error)
{
    struct hdfs_mutation mutation = hdfs_mutation(store);
    bool done = hdfs_path_check(to, error) && hdfs_path_check(from, error) &&
                store->ops->rename(store->session, call, &mutation, from, to, replace, NULL, error);
    return hdfs_settle(store, &mutation, "rename", from, done, error);
}

bool hdfs_remove(struct store *store, const struct call *call, const char *path, bool recursive,
                 struct error *error)
{
    bool removed = false;
    struct hdfs_mutation mutation = hdfs_mutation(store);
    bool done =
        hdfs_path_check(path, error) &&
        store->ops->remove(store->session, call, &mutation, path, recursive, &removed, NULL, error);
    return hdfs_settle(store, &mutation, "remove", path, done, error) &&
           (removed || error_set(error, ERROR_NOT_FOUND, "DELETE %s: nothing there", path));
}
