/* posix_path.c: from a path of the instance to a descriptor, without ever following a symbolic link
 * or leaving base: users own what lies below, and we may run as root. */
#include "component/posix/posix_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/path.h"

#define DIRECTORY_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* The kernel takes paths of up to 4096 bytes; longer ones are opened in steps. */
#define STEP_BYTES_MAX 4000
#define PATH_SHOWN 110

static const char *reason_of(int number)
{
    if (number == ELOOP)
        return "a symbolic link lies in the way, and none is followed";
    if (number == EXDEV)
        return "it lies on another file system";
    return strerror(number);
}

static enum error_code code_of(int number)
{
    struct error error = ERROR_NONE;
    if (number == ELOOP || number == EXDEV || number == EISDIR)
        return ERROR_INVALID;
    if (number == ESTALE || number == ENODEV || number == ENXIO)
        return ERROR_UNAVAILABLE;
    error_set_errno(&error, number, "x");
    return error.code;
}

static void show_path(struct buffer *shown, const char *path)
{
    size_t length = strlen(path);
    if (length > PATH_SHOWN)
        buffer_append_text(shown, "...");
    path_print(shown, length > PATH_SHOWN ? path + length - PATH_SHOWN : path);
}

bool posix_fail(struct error *error, int number, const char *what, const char *path)
{
    struct buffer shown;
    buffer_init(&shown, 0);
    show_path(&shown, path);
    error_set(error, code_of(number), "%s %s: %s", what, buffer_text(&shown), reason_of(number));
    buffer_fini(&shown);
    return false;
}

bool posix_refuse(struct error *error, enum error_code code, const char *path, const char *why)
{
    struct buffer shown;
    buffer_init(&shown, 0);
    show_path(&shown, path);
    error_set(error, code, "%s: %s", buffer_text(&shown), why);
    buffer_fini(&shown);
    return false;
}

void posix_close_fd(int *fd)
{
    int kept = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = kept;
}

void posix_proc_path(int fd, char ret_path[POSIX_PROC_SIZE])
{
    CHECK(fd >= 0);
    snprintf(ret_path, POSIX_PROC_SIZE, "/proc/self/fd/%d", fd);
}

int posix_open_base(struct store *store, struct error *error)
{
    int base = open(store->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base >= 0)
        return base;
    if (errno == ENOENT || errno == ENOTDIR)
        error_set(error, ERROR_UNAVAILABLE,
                  "base directory %.120s is not there: is its file system mounted?", store->base);
    else
        posix_fail(error, errno, "open base directory", store->base);
    return -1;
}

/* One name after another, for kernels and sandboxes without openat2(). */
int posix_open_below_stepwise(int directory, const char *relative, size_t length)
{
    int at = openat(directory, ".", DIRECTORY_FLAGS);
    while (at >= 0 && length > 0) {
        size_t size = 0;
        char name[NAME_MAX + 1];
        while (size < length && relative[size] != '/')
            size++;
        if (size > NAME_MAX) {
            posix_close_fd(&at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, relative, size);
        name[size] = '\0';
        int next = openat(at, name, DIRECTORY_FLAGS);
        if (next < 0 && errno == ENOTDIR) {
            struct stat status;
            if (fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
                errno = ELOOP;
        }
        posix_close_fd(&at);
        at = next;
        size += size < length;
        relative += size;
        length -= size;
    }
    return at;
}

static int open_step(int directory, const char *step)
{
    /* Without O_NOFOLLOW: a link as the last name is then ELOOP as well, not ENOTDIR. */
    struct open_how how = {.flags = DIRECTORY_FLAGS & ~O_NOFOLLOW,
                           .resolve =
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, directory, step[0] == '\0' ? "." : step, &how, sizeof how);
}

int posix_open_below(int directory, const char *relative, size_t length)
{
    int at = -1;
    do {
        char step[STEP_BYTES_MAX + 1];
        size_t size = length;
        if (size > STEP_BYTES_MAX) {
            size = STEP_BYTES_MAX;
            while (size > 0 && relative[size] != '/')
                size--;
        }
        if (size == 0 && length > 0) { /* a name longer than a step */
            posix_close_fd(&at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(step, relative, size);
        step[size] = '\0';
        int next = open_step(at < 0 ? directory : at, step);
        if (next < 0 && (errno == ENOSYS || errno == EPERM)) {
            next = posix_open_below_stepwise(at < 0 ? directory : at, relative, length);
            size = length;
        }
        posix_close_fd(&at);
        if (next < 0)
            return -1;
        at = next;
        size += size < length;
        relative += size;
        length -= size;
    } while (length > 0);
    return at;
}

static int open_below_base(struct store *store, const char *path, size_t length,
                           struct error *error)
{
    CHECK(path_is_clean(path));
    int base = posix_open_base(store, error);
    if (base < 0)
        return -1;
    int directory = posix_open_below(base, path + 1, length > 0 ? length - 1 : 0);
    if (directory < 0)
        posix_fail(error, errno, "open", path);
    posix_close_fd(&base);
    return directory;
}

int posix_open_directory(struct store *store, const char *path, struct error *error)
{
    return open_below_base(store, path, strlen(path), error);
}

bool posix_place_open(struct store *store, const char *path, struct posix_place *ret_place,
                      struct error *error)
{
    const char *name = path_name(path);
    int directory = open_below_base(store, path, (size_t)(name - path) - (name - path > 1), error);
    if (directory < 0)
        return false;
    *ret_place = (struct posix_place){.directory = directory, .name = name[0] == '\0' ? "." : name};
    return true;
}

void posix_place_close(struct posix_place *place)
{
    posix_close_fd(&place->directory);
}

int posix_place_object(const struct posix_place *place)
{
    return openat(place->directory, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

bool posix_may_change(struct store *store, const char *path, struct error *error)
{
    if (path[1] == '\0')
        return error_set(error, ERROR_INVALID, "/ itself cannot be made, moved or removed");
    if (path_is_under(path, store->snapshots))
        return posix_refuse(error, ERROR_DENIED, path, "snapshots are read-only");
    return true;
}

bool posix_make_directories(struct store *store, const char *path, struct error *error)
{
    int at = posix_open_base(store, error);
    const char *name = path + 1;
    while (at >= 0 && *name != '\0') {
        size_t size = strcspn(name, "/");
        char step[NAME_MAX + 1];
        if (size > NAME_MAX) {
            posix_close_fd(&at);
            return posix_fail(error, ENAMETOOLONG, "make directory", path);
        }
        memcpy(step, name, size);
        step[size] = '\0';
        int next = -1;
        if (mkdirat(at, step, 0700) == 0 || errno == EEXIST)
            next = posix_open_below(at, step, size);
        if (next < 0)
            posix_fail(error, errno, "make directory", path);
        posix_close_fd(&at);
        at = next;
        name += size + (name[size] == '/');
    }
    bool made = at >= 0;
    posix_close_fd(&at);
    return made;
}
