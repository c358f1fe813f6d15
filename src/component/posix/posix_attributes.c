/* posix_attributes.c: see posix_attributes.h; ACLs and extended attributes have their own files. */
#include "component/posix/posix_attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "component/posix/posix_names.h"

#define NS_PER_SECOND ((int64_t)1000000000)
/* File times come from a clock that ticks every 10 ms at the coarsest (CONFIG_HZ=100); network file
 * systems add the server's offset, so the margin is wide. A false alarm only costs a read. */
#define RACY_NS ((int64_t)100 * 1000 * 1000)

bool posix_stamp_equal(const struct posix_stamp *a, const struct posix_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->birth_ns == b->birth_ns &&
           a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

bool posix_status_is_racy(const struct posix_status *status)
{
    return status->stamp.ctime_ns + RACY_NS > status->seen_ns;
}

static int64_t time_of(const struct statx_timestamp *time)
{
    return time->tv_sec * NS_PER_SECOND + time->tv_nsec;
}

bool posix_read_status(int directory, const char *name, struct posix_status *ret_status)
{
    struct statx status;
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    if (statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
              STATX_BASIC_STATS | STATX_BTIME, &status) != 0)
        return false;
    *ret_status = (struct posix_status){
        .stamp = {.device = makedev(status.stx_dev_major, status.stx_dev_minor),
                  .inode = status.stx_ino,
                  .birth_ns = (status.stx_mask & STATX_BTIME) != 0 ? time_of(&status.stx_btime) : 0,
                  .size = status.stx_size,
                  .mtime_ns = time_of(&status.stx_mtime),
                  .ctime_ns = time_of(&status.stx_ctime)},
        .user = status.stx_uid,
        .group = status.stx_gid,
        .type = status.stx_mode & S_IFMT,
        .mode = status.stx_mode & 07777,
        .seen_ns = now.tv_sec * NS_PER_SECOND + now.tv_nsec,
        .is_sparse = status.stx_blocks * 512 < status.stx_size,
        .is_mount = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0};
    return true;
}

bool posix_is_carried(const struct posix_status *status)
{
    return S_ISREG(status->type) || S_ISDIR(status->type) || S_ISLNK(status->type);
}

static enum entry_type type_of(const struct posix_status *status)
{
    if (S_ISDIR(status->type))
        return ENTRY_DIRECTORY;
    return S_ISLNK(status->type) ? ENTRY_SYMLINK : ENTRY_FILE;
}

void posix_entry_of_status(struct store *store, const struct posix_status *status,
                           struct arena *arena, struct entry *ret_entry)
{
    CHECK(posix_is_carried(status));
    *ret_entry =
        (struct entry){.type = type_of(status),
                       .length = S_ISDIR(status->type) ? 0 : status->stamp.size,
                       .mode = status->mode,
                       .owner = posix_name_of(store->names, POSIX_USER, status->user, arena),
                       .group = posix_name_of(store->names, POSIX_GROUP, status->group, arena),
                       .mtime_ns = status->stamp.mtime_ns,
                       .file_id = status->stamp.inode,
                       .birth_ns = status->stamp.birth_ns};
}

static bool read_link(int object, struct arena *arena, struct entry *entry)
{
    char target[PATH_MAX];
    ssize_t size = readlinkat(object, "", target, sizeof target);
    if (size < 0)
        return false;
    entry->link_target = arena_copy(arena, target, (size_t)size);
    entry->length = (uint64_t)size;
    return true;
}

bool posix_describe_object(struct store *store, int object, struct arena *arena,
                           struct entry *entry)
{
    char proc_path[POSIX_PROC_SIZE];
    posix_proc_path(object, proc_path);
    if (entry->type == ENTRY_SYMLINK && !read_link(object, arena, entry))
        return false;
    if (!posix_xattrs_read(proc_path, arena, entry))
        return false;
    if (entry->type == ENTRY_SYMLINK)
        return true;
    return posix_acl_read(store, proc_path, entry->type == ENTRY_DIRECTORY, arena, &entry->acl);
}

static bool set_owner(struct store *store, int object, const struct posix_status *status,
                      const struct entry *entry, const char *path, struct error *error)
{
    uint32_t user, group;
    CHECK(entry->owner != NULL);
    CHECK(entry->group != NULL);
    if (!posix_id_of(store->names, POSIX_USER, entry->owner, &user, error) ||
        !posix_id_of(store->names, POSIX_GROUP, entry->group, &group, error))
        return error_wrap(error, "owner of %.60s", path);
    /* An unneeded chown would clear setuid bits and be refused to those who may not. */
    if (user == status->user && group == status->group)
        return true;
    if (fchownat(object, "", user, group, AT_EMPTY_PATH) == 0)
        return true;
    return posix_fail(error, errno, "change owner of", path);
}

static bool set_times(const char *proc_path, const struct entry *entry, const char *path,
                      struct error *error)
{
    int64_t seconds = entry->mtime_ns / NS_PER_SECOND, rest = entry->mtime_ns % NS_PER_SECOND;
    if (rest < 0) {
        rest += NS_PER_SECOND;
        seconds--;
    }
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds, .tv_nsec = rest}};
    if (utimensat(AT_FDCWD, proc_path, times, 0) == 0)
        return true;
    return posix_fail(error, errno, "set times of", path);
}

/* Owner first, because chown clears setuid bits and capabilities; times last, because all else
 * changes them. */
bool posix_set_object(struct store *store, int object, const struct entry *entry, unsigned fields,
                      const char *path, struct error *error)
{
    struct posix_status status;
    char proc_path[POSIX_PROC_SIZE];
    posix_proc_path(object, proc_path);
    if (!posix_read_status(object, "", &status))
        return posix_fail(error, errno, "look at", path);
    bool is_link = S_ISLNK(status.type);
    if ((fields & ENTRY_OWNER) != 0 && !set_owner(store, object, &status, entry, path, error))
        return false;
    if ((fields & ENTRY_MODE) != 0 && !is_link && chmod(proc_path, entry->mode & 07777) != 0)
        return posix_fail(error, errno, "change mode of", path);
    if ((fields & ENTRY_MODE) != 0)
        status.mode = entry->mode & 07777;
    if ((fields & ENTRY_ACL) != 0 && !is_link &&
        !posix_acl_write(store, proc_path, &status, entry->acl, path, error))
        return false;
    if ((fields & ENTRY_XATTRS) != 0 && !posix_xattrs_write(proc_path, entry, path, error))
        return false;
    return (fields & ENTRY_TIMES) == 0 || set_times(proc_path, entry, path, error);
}
