/* posix_making_room.c: what a snapshot would take of its file system, before it is made; and the
 * rest that is left to the users of that file system, while it is made. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "component/posix/posix_making.h"

#define RESERVE_BYTES_MAX ((uint64_t)1 << 30)
#define RESERVE_PART 100
#define ASKED_AGAIN_BYTES ((uint64_t)4 << 20)

bool posix_shares_blocks(int live, int copies)
{
    char block[4096] = {1};
    int from = openat(live, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int to = openat(copies, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    bool shared = from >= 0 && to >= 0 && write(from, block, sizeof block) == sizeof block &&
                  ioctl(to, FICLONE, from) == 0;
    posix_close_fd(&from);
    posix_close_fd(&to);
    return shared;
}

static uint64_t size_on_disk(const struct posix_scan_item *item)
{
    struct stat status;
    if (!item->status.is_sparse ||
        fstatat(item->place.directory, item->place.name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return item->status.stamp.size;
    return (uint64_t)status.st_blocks * 512;
}

bool posix_making_estimate(struct posix_making *making, const struct call *call,
                           uint64_t *ret_bytes, struct error *error)
{
    uint64_t bytes = 0;
    const struct posix_scan_item *item = NULL;
    while (!making->shares_blocks) {
        if (!posix_scan_next(&making->scan, call, &item, error))
            return false;
        if (item == NULL)
            break;
        bool linked = posix_making_is_unchanged(making, item);
        bytes += linked || !S_ISREG(item->status.type) ? 0 : size_on_disk(item);
    }
    *ret_bytes = bytes;
    return true;
}

bool posix_making_free(const struct posix_making *making, uint64_t *ret_bytes, struct error *error)
{
    struct statvfs status;
    if (fstatvfs(making->work, &status) != 0)
        return posix_fail(error, errno, "ask for the space of a snapshot of", making->root);
    uint64_t left = (uint64_t)status.f_bavail * status.f_frsize;
    uint64_t reserve = (uint64_t)status.f_blocks * status.f_frsize / RESERVE_PART;
    reserve = reserve < RESERVE_BYTES_MAX ? reserve : RESERVE_BYTES_MAX;
    *ret_bytes = left > reserve ? left - reserve : 0;
    return true;
}

/* Users write on this file system too: it is never filled by us. Asked now and then. */
bool posix_making_has_room(struct posix_making *making, const struct posix_scan_item *item,
                           struct error *error)
{
    uint64_t bytes = size_on_disk(item), left;
    if (making->shares_blocks)
        return true;
    if (bytes >= making->room) {
        if (!posix_making_free(making, &left, error))
            return false;
        if (bytes > left)
            return error_set(error, ERROR_NO_SPACE,
                             "the snapshot of %.80s would fill the file system of the area: free "
                             "some, or keep fewer snapshots",
                             making->root);
        making->room = left < ASKED_AGAIN_BYTES ? left : ASKED_AGAIN_BYTES;
        making->room = making->room > bytes ? making->room : bytes;
    }
    making->room -= bytes;
    return true;
}
