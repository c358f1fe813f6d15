/* shim_fsync.c: LD_PRELOAD: counts the calls by which LMDB makes data durable, and lets the n-th
 * one fail. The test finds shim_plan() with dlsym(); without a plan everything passes. */
#undef _FILE_OFFSET_BITS /* or the header gives our pwrite the name pwrite64 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int countdown; /* 0: no plan; the call that brings it to 0 fails */
static atomic_int planned_errno;
static atomic_int failures_left;
static atomic_int only_syncs;

void shim_plan(int nth, int number, int times, int syncs_only);
int shim_failures_left(void);

/* The nth call from now fails with this errno, and `times` - 1 after it. */
void shim_plan(int nth, int number, int times, int syncs_only)
{
    planned_errno = number;
    failures_left = times;
    only_syncs = syncs_only;
    countdown = nth;
}

int shim_failures_left(void)
{
    return failures_left;
}

static int fails(int is_sync)
{
    if (countdown == 0 || (only_syncs && !is_sync))
        return 0;
    if (countdown > 1) {
        countdown--;
        return 0;
    }
    if (failures_left == 0)
        return 0;
    failures_left--;
    errno = planned_errno;
    return 1;
}

#define NEXT(type, name) \
    static type *next;   \
    if (next == NULL)    \
    *(void **)&next = dlsym(RTLD_NEXT, name)

typedef int sync_fn(int fd);
typedef ssize_t pwrite_fn(int fd, const void *data, size_t size, off_t offset);
typedef ssize_t writev_fn(int fd, const struct iovec *parts, int count);

int fdatasync(int fd)
{
    NEXT(sync_fn, "fdatasync");
    return fails(1) ? -1 : next(fd);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    NEXT(pwrite_fn, "pwrite");
    return fails(0) ? -1 : next(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NEXT(writev_fn, "writev");
    return fails(0) ? -1 : next(fd, parts, count);
}
