/* posix_xattr.c: extended attributes: user.*, trusted.*, security.*. Left out are what belongs to
 * the machine (security.selinux) and what the ACL says already (system.*). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/check.h"
#include "component/posix/posix_attributes.h"

#define LIST_BYTES 65536 /* the kernel's own limits */
#define VALUE_BYTES 65536

static bool is_carried(const char *name)
{
    return strncmp(name, "user.", 5) == 0 || strncmp(name, "trusted.", 8) == 0 ||
           (strncmp(name, "security.", 9) == 0 && strcmp(name, "security.selinux") != 0);
}

static int compare_xattrs(const void *a, const void *b)
{
    return strcmp(((const struct entry_xattr *)a)->name, ((const struct entry_xattr *)b)->name);
}

/* Most objects have none: one call that returns 0. */
static ssize_t read_list(const char *proc_path, char **ret_list)
{
    ssize_t size = listxattr(proc_path, NULL, 0);
    if (size < 0)
        return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -1;
    if (size == 0)
        return 0;
    char *list = memory_new(LIST_BYTES);
    size = listxattr(proc_path, list, LIST_BYTES);
    if (size <= 0) {
        int number = errno;
        free(list);
        errno = number;
        return size;
    }
    *ret_list = list;
    return size;
}

/* 1: read; 0: gone in the meantime; -1: errno. */
static int read_value(const char *proc_path, const char *name, struct arena *arena, char *memory,
                      struct entry_xattr *ret_xattr)
{
    ssize_t size = getxattr(proc_path, name, memory, VALUE_BYTES);
    if (size < 0)
        return errno == ENODATA ? 0 : -1;
    *ret_xattr = (struct entry_xattr){.name = arena_string(arena, name),
                                      .value = arena_copy(arena, memory, (size_t)size),
                                      .size = (size_t)size};
    return 1;
}

static bool read_values(const char *proc_path, const char *list, ssize_t size, struct arena *arena,
                        struct entry *entry)
{
    size_t count = 0, taken = 0;
    for (const char *name = list; name < list + size; name += strlen(name) + 1)
        count += is_carried(name);
    if (count == 0)
        return true;
    struct entry_xattr *xattrs = arena_new(arena, count * sizeof *xattrs);
    char *memory = memory_new(VALUE_BYTES);
    int got = 1;
    for (const char *name = list; got >= 0 && name < list + size; name += strlen(name) + 1) {
        if (!is_carried(name))
            continue;
        got = read_value(proc_path, name, arena, memory, &xattrs[taken]);
        taken += got == 1;
    }
    int number = errno;
    free(memory);
    errno = number;
    if (got < 0)
        return false;
    qsort(xattrs, taken, sizeof *xattrs, compare_xattrs);
    entry->xattrs = taken == 0 ? NULL : xattrs;
    entry->xattr_count = taken;
    return true;
}

bool posix_xattrs_read(const char *proc_path, struct arena *arena, struct entry *entry)
{
    char *list = NULL;
    ssize_t size = read_list(proc_path, &list);
    bool read = size == 0 || (size > 0 && read_values(proc_path, list, size, arena, entry));
    int number = errno;
    free(list);
    errno = number;
    return read;
}

static const struct entry_xattr *find_xattr(const struct entry *entry, const char *name)
{
    struct entry_xattr key = {.name = name};
    if (entry->xattr_count == 0)
        return NULL;
    return bsearch(&key, entry->xattrs, entry->xattr_count, sizeof key, compare_xattrs);
}

static bool is_same_xattr(const struct entry_xattr *a, const struct entry_xattr *b)
{
    return b != NULL && a->size == b->size &&
           (a->size == 0 || memcmp(a->value, b->value, a->size) == 0);
}

/* What is right already is left alone: security.* may be refused to those who need not set it. */
bool posix_xattrs_write(const char *proc_path, const struct entry *entry, const char *path,
                        struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct entry now = {0};
    bool written = posix_xattrs_read(proc_path, &arena, &now);
    for (size_t i = 0; written && i < now.xattr_count; i++)
        if (find_xattr(entry, now.xattrs[i].name) == NULL)
            written = removexattr(proc_path, now.xattrs[i].name) == 0 || errno == ENODATA;
    for (size_t i = 0; written && i < entry->xattr_count; i++) {
        const struct entry_xattr *xattr = &entry->xattrs[i];
        if (!is_same_xattr(xattr, find_xattr(&now, xattr->name)))
            written = setxattr(proc_path, xattr->name, xattr->value, xattr->size, 0) == 0;
    }
    if (!written)
        posix_fail(error, errno, "set extended attributes of", path);
    arena_fini(&arena);
    return written;
}
