/* posix_check.c: preflight. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/check.h"
#include "component/posix/posix_calls.h"
#include "component/posix/posix_hold.h"
#include "component/posix/posix_scan.h"

#define SPECIAL_TOLD_MAX 20

struct check {
    struct store *store;
    const struct call *call;
    finding_fn *report;
    void *context;
    uint64_t area_device;
    unsigned long long special_count;
};

static void tell(const struct check *check, enum finding_level level, const char *remedy,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

static void tell(const struct check *check, enum finding_level level, const char *remedy,
                 const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    struct finding finding = {.level = level, .what = what, .remedy = remedy};
    check->report(check->context, &finding);
}

static void tell_error(const struct check *check, const struct error *error, const char *remedy)
{
    tell(check, FINDING_ERROR, remedy, "%s", error->text);
}

static bool has_capability(unsigned capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0)
        return geteuid() == 0;
    return (data[capability / 32].effective >> capability % 32 & 1) != 0;
}

static void check_rights(const struct check *check, enum store_use use)
{
    if (use != STORE_SOURCE && !has_capability(CAP_CHOWN))
        tell(check, FINDING_WARNING,
             "run as root or with CAP_CHOWN, CAP_FOWNER, CAP_DAC_OVERRIDE, CAP_FSETID",
             "only files of user %u can be written here with their owner", (unsigned)geteuid());
    else if (use != STORE_TARGET && !has_capability(CAP_DAC_READ_SEARCH) &&
             !has_capability(CAP_DAC_OVERRIDE))
        tell(check, FINDING_WARNING, "run as root or with CAP_DAC_READ_SEARCH and CAP_CHOWN",
             "only what user %u may read can be copied", (unsigned)geteuid());
    else
        tell(check, FINDING_OK, NULL, "rights suffice (user %u)", (unsigned)geteuid());
    if (access("/proc/self/fd", X_OK) != 0)
        tell(check, FINDING_ERROR, "mount /proc", "/proc is not mounted: attributes need it");
}

/* Two nameless files in the area: is one a reflink of the other, does the other take attributes? */
static void check_area_features(const struct check *check, int area)
{
    int from = openat(area, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int to = openat(area, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char block[4096] = {1};
    bool tried = from >= 0 && to >= 0 && write(from, block, sizeof block) == sizeof block;
    if (!tried)
        tell(check, FINDING_WARNING, "use a file system with O_TMPFILE (ext4, XFS, Btrfs, tmpfs)",
             "the area makes no nameless files: a crash can leave .coeval-new-* files behind");
    else if (ioctl(to, FICLONE, from) == 0)
        tell(check, FINDING_OK, NULL, "snapshots share blocks with the live files (reflink)");
    else
        tell(check, FINDING_WARNING,
             "XFS with reflink or Btrfs would share blocks; else plan for the space of a copy of "
             "what changes, and for writers that wait while it is made",
             "snapshots are copies: this file system has no reflinks");
    if (tried && fsetxattr(to, "user.coeval", "1", 1, 0) != 0)
        tell(check, FINDING_WARNING, "use a file system with extended attributes",
             "extended attributes cannot be kept here: %s", strerror(errno));
    posix_close_fd(&from);
    posix_close_fd(&to);
}

static bool check_area(struct check *check)
{
    struct error error = ERROR_NONE;
    struct posix_status status;
    int area = -1;
    if (posix_make_directories(check->store, check->store->area, &error))
        area = posix_open_directory(check->store, check->store->area, &error);
    if (area >= 0 && !posix_read_status(area, "", &status))
        posix_fail(&error, errno, "look at", check->store->area);
    if (error.code != ERROR_OK) {
        tell_error(check, &error, "the area must be ours to write");
    } else {
        check->area_device = status.stamp.device;
        check_area_features(check, area);
    }
    posix_close_fd(&area);
    return error.code == ERROR_OK;
}

/* Only a moment takes it, and moments are the source's. Hooks are a policy's, and not known here.
 */
static void check_barrier(const struct check *check, enum store_use use)
{
    struct error error = ERROR_NONE;
    if (check->store->barrier == NULL) {
        if ((use & STORE_SOURCE) != 0)
            tell(check, FINDING_WARNING,
                 "let writers hold flock(LOCK_SH) on one file and name it as barrier, or give "
                 "policies hooks",
                 "no barrier: without hooks in its policy an epoch is fuzzy");
        return;
    }
    if (use == STORE_TARGET)
        return;
    int barrier = posix_barrier_open(check->store, &error);
    if (barrier < 0) {
        tell_error(check, &error, "without it a moment cannot be armed");
        return;
    }
    /* Shared: a check must hold nobody up. Not granted means that somebody holds it exclusively,
     * so locks work here. */
    if (flock(barrier, LOCK_SH | LOCK_NB) == 0 || errno == EWOULDBLOCK)
        tell(check, FINDING_OK, NULL, "barrier %.200s can be locked", check->store->barrier);
    else
        tell(check, FINDING_ERROR, "use a file system with flock()",
             "barrier %.200s cannot be locked: %s", check->store->barrier, strerror(errno));
    posix_close_fd(&barrier);
}

static const char *special_name(uint32_t type)
{
    if (S_ISFIFO(type))
        return "FIFO";
    return S_ISSOCK(type) ? "socket" : "device";
}

static void look_at_item(struct check *check, const char *root, const struct posix_scan_item *item)
{
    if (item->status.is_mount)
        tell(check, FINDING_ERROR, "make it a root of its own, or unmount it",
             "%.150s/%.200s: another file system is mounted below the root", root, item->path);
    if (posix_is_carried(&item->status))
        return;
    check->special_count++;
    if (check->special_count <= SPECIAL_TOLD_MAX)
        tell(check, FINDING_WARNING, "exclude it, or know that it will be missing",
             "%.150s/%.200s is a %s, which is not carried", root, item->path,
             special_name(item->status.type));
}

/* False: stopped by abort or deadline. */
static bool scan_root(struct check *check, const char *root, struct error *error)
{
    struct posix_scan scan;
    struct error failure = ERROR_NONE;
    if (!posix_scan_open(&scan, check->store, root, "", &failure)) {
        tell_error(check, &failure, "the root must be there and readable");
        return true;
    }
    const struct posix_scan_item *item = NULL;
    bool going_on = true;
    scan.with_special = true;
    do {
        going_on = call_may_go_on(check->call, error) &&
                   posix_scan_next(&scan, check->call, &item, &failure);
        if (going_on && item != NULL)
            look_at_item(check, root, item);
    } while (going_on && item != NULL);
    posix_scan_close(&scan);
    if (error->code == ERROR_OK && failure.code != ERROR_OK)
        tell_error(check, &failure, "everything below the root must be readable");
    return error->code == ERROR_OK;
}

static bool check_root(struct check *check, enum store_use use, const char *root,
                       struct error *error)
{
    struct error failure = ERROR_NONE;
    struct posix_status status;
    int directory = posix_open_directory(check->store, root, &failure);
    bool found = directory >= 0 && posix_read_status(directory, "", &status);
    posix_close_fd(&directory);
    if (!found && use != STORE_SOURCE && failure.code == ERROR_NOT_FOUND) {
        tell(check, FINDING_OK, NULL, "%.200s is not there yet and will be made", root);
        return true;
    }
    if (!found) {
        tell_error(check, &failure, "the root must be there and readable");
        return true;
    }
    if (status.stamp.device != check->area_device)
        tell(check, FINDING_WARNING, "put the area and the roots on one file system",
             "%.200s is on another file system than the area: its snapshots cannot share blocks",
             root);
    return (use & STORE_SOURCE) == 0 || scan_root(check, root, error);
}

bool posix_check(struct store *store, const struct call *call, enum store_use use,
                 const char *const *roots, size_t root_count, finding_fn *report, void *context,
                 struct error *error)
{
    struct check check = {.store = store, .call = call, .report = report, .context = context};
    if (!call_take_operation(call, error))
        return false;
    int base = posix_open_base(store, error);
    if (base < 0)
        return false;
    posix_close_fd(&base);
    tell(&check, FINDING_OK, NULL, "base %.300s is there", store->base);
    check_rights(&check, use);
    if (!check_area(&check))
        return true;
    check_barrier(&check, use);
    for (size_t i = 0; i < root_count; i++)
        if (!check_root(&check, use, roots[i], error))
            return false;
    if (check.special_count > SPECIAL_TOLD_MAX)
        tell(&check, FINDING_WARNING, "exclude them, or know that they will be missing",
             "%llu more FIFOs, sockets and devices are not carried",
             check.special_count - SPECIAL_TOLD_MAX);
    return true;
}
