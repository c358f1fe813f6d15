/* posix_hold.c: see posix_hold.h. */
#include "component/posix/posix_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"

#define POLL_NS 500000

struct posix_hold {
    struct list node; /* in the store's holds; all of this under hold_mutex */
    struct store *store;
    dev_t device; /* a barrier that was made anew is another lock */
    ino_t inode;
    int fd;
    unsigned users;
    unsigned takers; /* who have it now */
};

int posix_barrier_open(struct store *store, struct error *error)
{
    struct posix_place place;
    struct stat status;
    CHECK(store->barrier != NULL);
    bool found = posix_place_open(store, store->barrier, &place, error);
    int fd = -1;
    if (found) { /* for writing first: NFS locks exclusively only what is open so */
        fd = openat(place.directory, place.name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 && (errno == EACCES || errno == EROFS))
            fd =
                openat(place.directory, place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            posix_fail(error, errno, "open", store->barrier);
        posix_place_close(&place);
    }
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        posix_refuse(error, ERROR_INVALID, store->barrier, "this is no regular file");
        posix_close_fd(&fd);
    }
    /* Made here it would be granted at once and hold nobody. */
    if (fd < 0 && error->code == ERROR_NOT_FOUND)
        error_set(error, ERROR_NOT_FOUND,
                  "barrier %.100s is not there: writers make it and hold flock(LOCK_SH) on it "
                  "while they write; or take the option out (grade fuzzy)",
                  store->barrier);
    return fd;
}

static struct posix_hold *find_hold(struct store *store, const struct stat *status)
{
    list_for_each(hold, &store->holds, struct posix_hold, node)
        if (hold->device == status->st_dev && hold->inode == status->st_ino)
            return hold;
    return NULL;
}

struct posix_hold *posix_hold_open(struct store *store, struct error *error)
{
    struct stat status;
    int fd = posix_barrier_open(store, error);
    if (fd < 0)
        return NULL;
    CHECK(fstat(fd, &status) == 0);
    pthread_mutex_lock(&store->hold_mutex);
    struct posix_hold *hold = find_hold(store, &status);
    if (hold == NULL) {
        hold = memory_new(sizeof *hold);
        *hold = (struct posix_hold){
            .store = store, .device = status.st_dev, .inode = status.st_ino, .fd = fd};
        list_append(&store->holds, &hold->node);
    } else {
        posix_close_fd(&fd); /* the lock is the other descriptor's */
    }
    hold->users++;
    pthread_mutex_unlock(&store->hold_mutex);
    return hold;
}

void posix_hold_close(struct posix_hold *hold)
{
    if (hold == NULL)
        return;
    struct store *store = hold->store;
    pthread_mutex_lock(&store->hold_mutex);
    if (--hold->users == 0) {
        CHECK(hold->takers == 0);
        list_remove(&hold->node);
        posix_close_fd(&hold->fd);
        free(hold);
    }
    pthread_mutex_unlock(&store->hold_mutex);
}

/* 0, or why not. */
static int try_take(struct posix_hold *hold)
{
    pthread_mutex_lock(&hold->store->hold_mutex);
    bool taken = hold->takers > 0 || flock(hold->fd, LOCK_EX | LOCK_NB) == 0;
    int number = taken ? 0 : errno;
    hold->takers += taken;
    pthread_mutex_unlock(&hold->store->hold_mutex);
    return number;
}

/* flock() itself waits without end, and a signal to end it would be the whole process's: so it is
 * tried again and again, with the one sleep of this component between. */
bool posix_hold_take(struct posix_hold *hold, int64_t wait_ns)
{
    int64_t until_ns = clock_monotonic_ns() + wait_ns;
    int number;
    while ((number = try_take(hold)) != 0) {
        bool late = clock_monotonic_ns() >= until_ns;
        bool waits = number == EWOULDBLOCK || number == EINTR;
        if (late || !waits) {
            errno = waits ? ETIMEDOUT : number;
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
    return true;
}

void posix_hold_release(struct posix_hold *hold)
{
    pthread_mutex_lock(&hold->store->hold_mutex);
    CHECK(hold->takers > 0);
    if (--hold->takers == 0)
        flock(hold->fd, LOCK_UN);
    pthread_mutex_unlock(&hold->store->hold_mutex);
}
