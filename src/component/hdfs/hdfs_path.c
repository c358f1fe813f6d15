/* hdfs_path.c: see hdfs_path.h. */
#include "component/hdfs/hdfs_path.h"

#include <string.h>

#include "base/buffer.h"
#include "base/path.h"

static bool refuse_path(const char *path, const char *why, struct error *error)
{
    struct buffer text;
    buffer_init(&text, 0);
    path_print(&text, path);
    error_set(error, ERROR_INVALID, "HDFS cannot carry the name %s: %s", buffer_text(&text), why);
    buffer_fini(&text);
    return false;
}

bool hdfs_path_check(const char *path, struct error *error)
{
    if (!path_is_clean(path))
        return refuse_path(path, "it is not a clean absolute path", error);
    if (strlen(path) > PATH_LENGTH_MAX)
        return refuse_path(path, "it is too long", error);
    if (!path_is_utf8(path))
        return refuse_path(path, "it is not UTF-8", error);
    if (strchr(path, ':') != NULL)
        return refuse_path(path, "it holds a ':'", error);
    return true;
}
