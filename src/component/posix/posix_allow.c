/* posix_allow.c: snapshots of a root become possible, or not any more: its directory in the area,
 * with the root's path in the file "root". Roots must not nest, as on HDFS: what lies in two roots
 * could be renamed out of one within the other. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "component/posix/posix_file.h"
#include "component/posix/posix_scan.h"
#include "component/posix/posix_snapshot.h"

static bool read_root(int snapshots, const char *digits, char ret_root[PATH_LENGTH_MAX + 1])
{
    int directory = posix_open_below(snapshots, digits, strlen(digits));
    if (directory < 0)
        return false;
    int fd = openat(directory, "root", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, ret_root, PATH_LENGTH_MAX);
    ret_root[got < 0 ? 0 : got] = '\0';
    posix_close_fd(&fd);
    posix_close_fd(&directory);
    return got > 0;
}

static bool check_nesting(int snapshots, const char *root, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct posix_listing listing = {0};
    char *other = arena_new(&arena, PATH_LENGTH_MAX + 1);
    bool fits = posix_read_names(snapshots, &arena, &listing) ||
                posix_fail(error, errno, "list", "snapshots");
    for (size_t i = 0; fits && i < listing.count; i++) {
        if (!read_root(snapshots, listing.names[i], other) || strcmp(root, other) == 0)
            continue;
        if (path_is_under(root, other) || path_is_under(other, root))
            fits = error_set(error, ERROR_CONFLICT,
                             "%.70s and %.70s, which has snapshots, lie one in the other: snapshot "
                             "the outer one, or remove the snapshots and %.32s in the area",
                             root, other, listing.names[i]);
    }
    arena_fini(&arena);
    return fits;
}

static bool write_root(int directory, const char *root)
{
    int fd = openat(directory, ".root", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && posix_write_all(fd, root, strlen(root)) && fsync(fd) == 0 &&
                   renameat(directory, ".root", directory, "root") == 0;
    posix_close_fd(&fd);
    return written;
}

static bool note_root(struct store *store, const char *root, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    const char *path = posix_snapshots_path(store, root, &arena);
    bool noted = posix_make_directories(store, path, error);
    int directory = noted ? posix_open_directory(store, path, error) : -1;
    noted = directory >= 0;
    if (noted && faccessat(directory, "root", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        noted = write_root(directory, root) || posix_fail(error, errno, "note root", root);
    posix_close_fd(&directory);
    arena_fini(&arena);
    return noted;
}

bool posix_allow_snapshots(struct store *store, const struct call *call, const char *root,
                           struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    int directory = posix_open_directory(store, root, error);
    if (directory < 0)
        return false;
    posix_close_fd(&directory);
    if (path_is_under(root, store->area))
        return posix_refuse(error, ERROR_CONFLICT, root, "Coeval's own area has no snapshots");
    if (!posix_make_directories(store, store->snapshots, error))
        return false;
    int snapshots = posix_open_directory(store, store->snapshots, error);
    bool allowed =
        snapshots >= 0 && check_nesting(snapshots, root, error) && note_root(store, root, error);
    posix_close_fd(&snapshots);
    return allowed;
}

/* Without the file "root" the directory is none of a root; what a crash left in it may stay. */
static bool forget_root(int directory, const char *path, struct error *error)
{
    struct arena arena;
    struct posix_listing listing = {0};
    arena_init(&arena);
    bool done =
        posix_read_names(directory, &arena, &listing) || posix_fail(error, errno, "list", path);
    for (size_t i = 0; done && i < listing.count; i++)
        if (listing.names[i][0] != '.' && strcmp(listing.names[i], "root") != 0)
            done = error_set(error, ERROR_CONFLICT, "snapshot %.100s is there still",
                             listing.names[i]);
    if (done && unlinkat(directory, "root", 0) != 0 && errno != ENOENT)
        done = posix_fail(error, errno, "remove", path);
    arena_fini(&arena);
    return done;
}

bool posix_disallow_snapshots(struct store *store, const struct call *call, const char *root,
                              struct error *error)
{
    struct arena arena;
    struct error absent = ERROR_NONE;
    if (!call_take_operation(call, error))
        return false;
    arena_init(&arena);
    const char *path = posix_snapshots_path(store, root, &arena);
    int directory = posix_open_directory(store, path, &absent);
    bool done =
        directory >= 0 ? forget_root(directory, path, error) : absent.code == ERROR_NOT_FOUND;
    if (directory < 0 && !done)
        *error = absent;
    posix_close_fd(&directory);
    int snapshots = done ? posix_open_directory(store, store->snapshots, &absent) : -1;
    if (snapshots >= 0)
        (void)unlinkat(snapshots, strrchr(path, '/') + 1, AT_REMOVEDIR); /* when it is empty */
    posix_close_fd(&snapshots);
    arena_fini(&arena);
    return done;
}
