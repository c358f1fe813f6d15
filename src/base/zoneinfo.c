/* zoneinfo.c: see zoneinfo.h. */
#include "base/zoneinfo.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

bool zoneinfo_read(const char *name, struct buffer *ret_content, struct error *error)
{
    char path[PATH_MAX];
    const char *directory = getenv("TZDIR");
    if (name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL || strlen(name) > 255)
        return error_set(error, ERROR_INVALID, "'%.60s' is not the name of a time zone", name);
    if (directory == NULL || directory[0] == '\0')
        directory = "/usr/share/zoneinfo";
    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (file_read(path, ZONEINFO_BYTES_MAX, ret_content, error))
        return true;
    if (error->code != ERROR_NOT_FOUND)
        return false;
    return error_set(error, ERROR_NOT_FOUND,
                     "no time zone '%.60s' in %.100s: correct the name or install package tzdata",
                     name, directory);
}
