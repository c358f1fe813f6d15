/* posix_moment.c: prepare, fire, finish. Without a barrier the moment is the time at which copying
 * begins, and proves nothing: the grade is then fuzzy, which is what `quiesced` false says. */
#include "component/posix/posix_moment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "component/posix/posix_making.h"

#define BARRIER_WAIT_MS_DEFAULT 10000
#define POLL_NS 500000

struct moment {
    struct store *store;
    struct moment_root *roots;
    size_t root_count;
    int64_t wait_ns;
    int barrier; /* -1: none */
    bool held;
    bool finished;
    struct posix_making *makings; /* one for each root */
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

static bool check_root(struct store *store, const struct call *call, const struct moment_root *root,
                       struct error *error)
{
    if (!posix_snapshot_name_is_valid(root->snapshot, error))
        return false;
    int snapshots = posix_snapshots_open(store, root->root, error);
    int live = snapshots < 0 ? -1 : posix_open_directory(store, root->root, error);
    bool ready = live >= 0;
    if (ready && faccessat(snapshots, root->snapshot, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        ready = error_set(error, ERROR_EXISTS, "%.100s has a snapshot %.100s already", root->root,
                          root->snapshot);
    if (ready) /* now, not while writers wait */
        posix_hidden_sweep(snapshots, call);
    posix_close_fd(&live);
    posix_close_fd(&snapshots);
    return ready;
}

bool posix_moment_prepare(struct store *store, const struct call *call, struct moment_root *roots,
                          size_t root_count, const struct moment_options *options,
                          struct moment **ret_moment, struct error *error)
{
    CHECK(root_count > 0);
    if (!call_take_operation(call, error))
        return false;
    for (size_t i = 0; i < root_count; i++)
        if (!check_root(store, call, &roots[i], error))
            return false;
    int barrier = store->barrier == NULL ? -1 : posix_barrier_open(store, error);
    if (store->barrier != NULL && barrier < 0)
        return false;
    int64_t wait_ms =
        options->barrier_wait_ms > 0 ? options->barrier_wait_ms : BARRIER_WAIT_MS_DEFAULT;
    struct moment *moment = memory_new(sizeof *moment);
    *moment = (struct moment){.store = store,
                              .roots = roots,
                              .root_count = root_count,
                              .wait_ns = wait_ms * 1000000,
                              .barrier = barrier,
                              .makings = memory_new(root_count * sizeof *moment->makings)};
    *ret_moment = moment;
    return true;
}

/* The lock, or 0 and errno. flock() itself waits without end, and a signal to end it would be the
 * whole process's: so it is tried again and again, with the one sleep of this component between. */
static bool take_barrier(const struct moment *moment)
{
    int64_t until_ns = clock_monotonic_ns() + moment->wait_ns;
    while (flock(moment->barrier, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        if (clock_monotonic_ns() >= until_ns) {
            errno = ETIMEDOUT;
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
    return true;
}

static void set_barrier_error(const struct moment *moment, int number, struct error *error)
{
    if (number == ETIMEDOUT)
        error_set(error, ERROR_TIMEOUT,
                  "barrier %.80s was not granted within %lld ms: writers hold it; see who: "
                  "lslocks, or fuser -v on it",
                  moment->store->barrier, (long long)(moment->wait_ns / 1000000));
    else
        posix_fail(error, number, "lock barrier", moment->store->barrier);
}

void posix_moment_fire(struct moment *moment)
{
    int64_t sent_ns = clock_monotonic_raw_ns();
    moment->held = moment->barrier >= 0 && take_barrier(moment);
    int number = errno;
    int64_t answered_ns = clock_monotonic_raw_ns(), instant_us = clock_realtime_us();
    for (size_t i = 0; i < moment->root_count; i++) {
        struct moment_root *root = &moment->roots[i];
        root->sent_ns = sent_ns;
        root->answered_ns = answered_ns;
        root->instant_us = instant_us;
        root->fired = true;
        root->error = ERROR_NONE;
        if (moment->barrier >= 0 && !moment->held) {
            set_barrier_error(moment, number, &root->error);
            root->fired = false;
        }
    }
}

static void release(struct moment *moment)
{
    if (moment->held)
        flock(moment->barrier, LOCK_UN);
    moment->held = false;
}

static void copy_roots(struct moment *moment, const struct call *call)
{
    for (size_t i = 0; i < moment->root_count; i++) {
        struct moment_root *root = &moment->roots[i];
        struct posix_making *making = &moment->makings[i];
        if (posix_making_begin(making, moment->store, call, root->root, root->snapshot,
                               root->instant_us, &root->error) &&
            posix_making_copy(making, call, &root->error))
            root->id = making->snapshot.id;
        else
            error_wrap(&root->error, "snapshot of %.80s", root->root);
    }
}

/* After the last root was copied, so that the proof of each covers the whole window. */
static void guard_roots(struct moment *moment, const struct call *call)
{
    for (size_t i = 0; i < moment->root_count && moment->held; i++) {
        struct moment_root *root = &moment->roots[i];
        bool quiet = false;
        if (root->error.code != ERROR_OK)
            continue;
        if (!posix_making_guard(&moment->makings[i], call, &quiet, &root->error))
            error_wrap(&root->error, "guard of %.80s", root->root);
        root->quiesced = quiet;
        root->open_files_exact = quiet;
    }
}

bool posix_moment_finish(struct moment *moment, const struct call *call, struct error *error)
{
    CHECK(!moment->finished);
    moment->finished = true;
    bool fired = true;
    for (size_t i = 0; i < moment->root_count; i++)
        fired = fired && moment->roots[i].fired;
    if (fired) {
        copy_roots(moment, call);
        guard_roots(moment, call);
    }
    release(moment); /* writers go on; bringing the copies to disk needs no lock */
    const struct error *first = NULL;
    for (size_t i = 0; i < moment->root_count; i++) {
        struct moment_root *root = &moment->roots[i];
        if (fired && root->error.code == ERROR_OK)
            posix_making_publish(&moment->makings[i], &root->error);
        if (fired)
            posix_making_end(&moment->makings[i], call);
        if (root->error.code != ERROR_OK && first == NULL)
            first = &root->error;
    }
    if (first != NULL)
        *error = *first;
    else if (!fired)
        error_set(error, ERROR_CONFLICT, "the moment was not fired");
    return first == NULL && fired;
}

void posix_moment_free(struct moment *moment)
{
    if (moment == NULL)
        return;
    release(moment);
    posix_close_fd(&moment->barrier);
    free(moment->makings);
    free(moment);
}
