/* hdfs_change.c: directories, renames, removals. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "component/hdfs/hdfs_store.h"
#include "component/hdfs/webhdfs_url.h"

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
    struct webhdfs_status status;
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

bool hdfs_make_directory(struct store *store, const struct call *call, const char *path,
                         uint32_t mode, struct error *error)
{
    char query[32];
    bool made = false;
    snprintf(query, sizeof query, "&permission=%o", mode & MODE_BITS);
    return webhdfs_path_check(path, error) && hdfs_check_place(store, call, path, error) &&
           hdfs_change(store, call, HTTP_PUT, "MKDIRS", path, query, &made, error) &&
           (made || error_set(error, ERROR_IO, "MKDIRS %s: refused", path));
}

/* Never without renameoptions: the old rename moves *into* a directory that is there. */
bool hdfs_rename(struct store *store, const struct call *call, const char *from, const char *to,
                 bool replace, struct error *error)
{
    if (!webhdfs_path_check(to, error))
        return false;
    char *query =
        hdfs_query("destination", to, "renameoptions", replace ? "OVERWRITE" : "NONE", NULL);
    bool done = hdfs_change(store, call, HTTP_PUT, "RENAME", from, query, NULL, error);
    free(query);
    return done;
}

bool hdfs_remove(struct store *store, const struct call *call, const char *path, bool recursive,
                 struct error *error)
{
    bool removed = false;
    if (!hdfs_change(store, call, HTTP_DELETE, "DELETE", path,
                     recursive ? "&recursive=true" : "&recursive=false", &removed, error))
        return false;
    return removed || error_set(error, ERROR_NOT_FOUND, "DELETE %s: nothing there", path);
}
