/* posix_moment.c: prepare, fire, finish. Without a barrier the moment is the time at which copying
 * begins, and proves nothing: the grade is then fuzzy, which is what `quiesced` false says. */
#include "component/posix/posix_moment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/size.h"
#include "component/posix/posix_hold.h"
#include "component/posix/posix_making.h"

#define BARRIER_WAIT_MS_DEFAULT 10000

struct moment {
    struct store *store;
    struct moment_root *roots;
    size_t root_count;
    int64_t wait_ns;
    struct posix_hold *hold; /* NULL: no barrier */
    bool held;
    bool finished;
    struct posix_making *makings; /* one for each root */
};

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

static bool estimate_root(struct store *store, const struct call *call,
                          const struct moment_root *root, uint64_t *needed, uint64_t *ret_free,
                          struct error *error)
{
    struct posix_making making;
    uint64_t bytes = 0;
    bool looked = posix_making_begin(&making, store, call, root->root, root->snapshot, 0, error) &&
                  posix_making_estimate(&making, call, &bytes, error) &&
                  posix_making_free(&making, ret_free, error);
    posix_making_end(&making, call);
    *needed += bytes;
    return looked || error_wrap(error, "room for a snapshot of %.80s", root->root);
}

/* Now, not while writers wait. What is not known in time is seen when it is copied. */
static bool check_room(struct store *store, const struct call *call,
                       const struct moment_root *roots, size_t root_count, int64_t look_ms,
                       struct error *error)
{
    struct call looking = *call;
    struct error late = ERROR_NONE;
    uint64_t needed = 0, left = 0;
    int64_t until_ns = clock_monotonic_ns() + look_ms * 1000000;
    if (looking.deadline_ns == 0 || looking.deadline_ns > until_ns)
        looking.deadline_ns = until_ns;
    for (size_t i = 0; i < root_count; i++)
        if (!estimate_root(store, &looking, &roots[i], &needed, &left, &late)) {
            if (late.code == ERROR_TIMEOUT)
                return call_may_go_on(call, error);
            *error = late;
            return false;
        }
    return needed <= left ||
           error_set(error, ERROR_NO_SPACE,
                     "snapshots of %.80s%s would take %s, and the file system of the area "
                     "has room for %s: free some, or keep fewer snapshots",
                     roots[0].root, root_count > 1 ? " and others" : "", size_text(needed).text,
                     size_text(left).text);
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
    if (options->look_ms > 0 &&
        !check_room(store, call, roots, root_count, options->look_ms, error))
        return false;
    struct posix_hold *hold = store->barrier == NULL ? NULL : posix_hold_open(store, error);
    if (store->barrier != NULL && hold == NULL)
        return false;
    int64_t wait_ms =
        options->barrier_wait_ms > 0 ? options->barrier_wait_ms : BARRIER_WAIT_MS_DEFAULT;
    struct moment *moment = memory_new(sizeof *moment);
    *moment = (struct moment){.store = store,
                              .roots = roots,
                              .root_count = root_count,
                              .wait_ns = wait_ms * 1000000,
                              .hold = hold,
                              .makings = memory_new(root_count * sizeof *moment->makings)};
    *ret_moment = moment;
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
    moment->held = moment->hold != NULL && posix_hold_take(moment->hold, moment->wait_ns);
    int number = errno;
    int64_t answered_ns = clock_monotonic_raw_ns(), instant_us = clock_realtime_us();
    for (size_t i = 0; i < moment->root_count; i++) {
        struct moment_root *root = &moment->roots[i];
        root->sent_ns = sent_ns;
        root->answered_ns = answered_ns;
        root->instant_us = instant_us;
        root->fired = true;
        root->error = ERROR_NONE;
        if (moment->hold != NULL && !moment->held) {
            set_barrier_error(moment, number, &root->error);
            root->fired = false;
        }
    }
}

static void release(struct moment *moment)
{
    if (moment->held)
        posix_hold_release(moment->hold);
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
    posix_hold_close(moment->hold);
    free(moment->makings);
    free(moment);
}
