/* posix_scan.c: see posix_scan.h. */
#include "component/posix/posix_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/path.h"

struct posix_scan_level {
    struct posix_scan_level *parent;
    struct arena arena;
    const char *path; /* of the directory */
    struct posix_listing listing;
    size_t next;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct names {
    const char **names;
    size_t count;
    size_t capacity;
};

static void add_name(struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 64 : names->capacity * 2;
        names->names = memory_resize(names->names, names->capacity * sizeof *names->names);
    }
    names->names[names->count++] = name;
}

bool posix_read_names(int directory, struct arena *arena, struct posix_listing *ret_listing)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL) {
        posix_close_fd(&fd);
        return false;
    }
    struct names names = {0};
    struct dirent *item;
    errno = 0;
    while ((item = readdir(stream)) != NULL) {
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            add_name(&names, arena_string(arena, item->d_name));
        errno = 0;
    }
    int number = errno;
    closedir(stream);
    if (number == 0 && names.count > 0) {
        qsort(names.names, names.count, sizeof *names.names, compare_names);
        const char **kept = arena_new(arena, names.count * sizeof *kept);
        memcpy(kept, names.names, names.count * sizeof *kept);
        *ret_listing = (struct posix_listing){kept, names.count};
    } else {
        *ret_listing = (struct posix_listing){0};
    }
    free(names.names);
    errno = number;
    return number == 0;
}

bool posix_scan_open(struct posix_scan *scan, struct store *store, const char *root,
                     const char *relative, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    const char *top = path_join(&arena, root, relative);
    *scan = (struct posix_scan){.top = posix_open_directory(store, top, error), .directory = -1};
    if (relative[0] == '\0')
        scan->skipped[0] = STAGING_NAME;
    if (path_is_under(store->area, top))
        scan->skipped[1] = path_below(store->area, top);
    arena_fini(&arena);
    return scan->top >= 0;
}

static void leave_level(struct posix_scan *scan)
{
    struct posix_scan_level *level = scan->level;
    scan->level = level->parent;
    arena_fini(&level->arena);
    free(level);
    posix_close_fd(&scan->directory);
}

void posix_scan_close(struct posix_scan *scan)
{
    while (scan->level != NULL)
        leave_level(scan);
    posix_close_fd(&scan->directory);
    posix_close_fd(&scan->top);
}

static bool is_vanished(int number)
{
    return number == ENOENT || number == ENOTDIR || number == ELOOP;
}

/* Makes the directory of the item that was given last the deepest level. */
static bool enter_level(struct posix_scan *scan, struct error *error)
{
    struct posix_scan_level *level = memory_new(sizeof *level);
    arena_init(&level->arena);
    level->path = arena_string(&level->arena, scan->item.path);
    level->parent = scan->level;
    scan->level = level;
    posix_close_fd(&scan->directory);
    scan->directory = posix_open_below(scan->top, level->path, strlen(level->path));
    if (scan->directory >= 0 && posix_read_names(scan->directory, &level->arena, &level->listing))
        return true;
    return is_vanished(errno) ? true : posix_fail(error, errno, "list", level->path);
}

static bool is_skipped(const struct posix_scan *scan, const char *path)
{
    for (size_t i = 0; i < ARRAY_LENGTH(scan->skipped); i++)
        if (scan->skipped[i] != NULL && strcmp(path, scan->skipped[i]) == 0)
            return true;
    return false;
}

/* Looks at the next name of the deepest level; false: not one to give. */
static bool look_at_next(struct posix_scan *scan, bool *ret_failed, struct error *error)
{
    struct posix_scan_level *level = scan->level;
    const char *name = level->listing.names[level->next++];
    const char *path = path_join(&level->arena, level->path, name);
    if (is_skipped(scan, path))
        return false;
    if (scan->directory < 0)
        scan->directory = posix_open_below(scan->top, level->path, strlen(level->path));
    scan->item.path = path;
    scan->item.place = (struct posix_place){scan->directory, name};
    if (scan->directory < 0 || !posix_read_status(scan->directory, name, &scan->item.status)) {
        *ret_failed = !is_vanished(errno) && !posix_fail(error, errno, "look at", path);
        return false;
    }
    struct posix_status *status = &scan->item.status;
    /* A file's device may differ without a mount (overlayfs); a directory's never does. */
    status->is_mount =
        S_ISDIR(status->type) && (status->is_mount || status->stamp.device != scan->device);
    return scan->with_special || posix_is_carried(status);
}

static bool give_top(struct posix_scan *scan, struct error *error)
{
    scan->started = true;
    scan->item.path = "";
    scan->item.place = (struct posix_place){scan->top, "."};
    if (!posix_read_status(scan->top, ".", &scan->item.status))
        return posix_fail(error, errno, "look at", "top");
    scan->item.status.is_mount = false; /* the top itself may be one */
    scan->device = scan->item.status.stamp.device;
    return true;
}

bool posix_scan_next(struct posix_scan *scan, const struct call *call,
                     const struct posix_scan_item **ret_item, struct error *error)
{
    *ret_item = &scan->item;
    if (!scan->started)
        return give_top(scan, error);
    if (S_ISDIR(scan->item.status.type) && !scan->item.status.is_mount) {
        if (!call_may_go_on(call, error) || !enter_level(scan, error))
            return false;
    }
    while (scan->level != NULL) {
        if (scan->level->next == scan->level->listing.count) {
            leave_level(scan);
            continue;
        }
        bool failed = false;
        if (look_at_next(scan, &failed, error))
            return true;
        if (failed)
            return false;
    }
    scan->item.status.type = 0; /* nothing to enter when asked again */
    *ret_item = NULL;
    return true;
}
