/* posix_making.c: begin, publish and end of a snapshot; the tree is copied in posix_making_copy.c,
 * looked at again in posix_making_guard.c. */
#include "component/posix/posix_making.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/path.h"
#include "component/posix/posix_calls.h"

struct newest {
    struct arena arena;
    uint64_t id;
    const char *name; /* NULL: there is none */
};

static bool take_newer(void *context, const struct snapshot *snapshot, struct error *error)
{
    struct newest *newest = context;
    (void)error;
    if (newest->name == NULL || snapshot->id > newest->id) {
        newest->id = snapshot->id;
        newest->name = arena_string(&newest->arena, snapshot->name);
    }
    return true;
}

/* A previous snapshot that cannot be read costs a full copy and nothing else: whoever needs it as a
 * base is told so by difference(). */
static void open_previous(struct posix_making *making, const char *name)
{
    struct error ignored = ERROR_NONE;
    int directory = posix_open_below(making->snapshots, name, strlen(name));
    if (directory < 0)
        return;
    making->previous_tree = posix_open_below(directory, "tree", 4);
    if (!posix_index_open(&making->previous, directory, &ignored) ||
        !posix_index_next(&making->previous, &making->previous_record, &ignored))
        making->previous_record = NULL;
    posix_close_fd(&directory);
}

static bool choose_id(struct posix_making *making, int64_t instant_us, struct error *error)
{
    struct newest newest = {.name = NULL};
    arena_init(&newest.arena);
    bool chosen = posix_snapshots_each(making->snapshots, true, take_newer, &newest, error);
    if (chosen) {
        making->snapshot.instant_us = instant_us != 0 ? instant_us : clock_realtime_us();
        /* Ascending also when the clock was set back. */
        making->snapshot.id = (uint64_t)making->snapshot.instant_us;
        if (newest.name != NULL && making->snapshot.id <= newest.id)
            making->snapshot.id = newest.id + 1;
        if (newest.name != NULL)
            open_previous(making, newest.name);
    }
    arena_fini(&newest.arena);
    return chosen;
}

static bool make_work(struct posix_making *making, struct error *error)
{
    making->work = posix_hidden_make(making->snapshots, making->hidden, error);
    if (making->work < 0)
        return false;
    if (mkdirat(making->work, "tree", 0700) == 0)
        making->tree = posix_open_below(making->work, "tree", 4);
    making->shares_blocks = posix_shares_blocks(making->scan.top, making->work);
    return making->tree >= 0 || posix_fail(error, errno, "make directory", "tree");
}

bool posix_making_begin(struct posix_making *making, struct store *store, const struct call *call,
                        const char *root, const char *name, int64_t instant_us, struct error *error)
{
    *making = (struct posix_making){.store = store,
                                    .root = root,
                                    .snapshot = {.name = name},
                                    .snapshots = -1,
                                    .work = -1,
                                    .tree = -1,
                                    .scan = {.top = -1, .directory = -1},
                                    .index = {.fd = -1},
                                    .parent_tree = -1,
                                    .parent_previous = -1,
                                    .previous = {.fd = -1},
                                    .previous_tree = -1};
    posix_torn_init(&making->torn);
    buffer_init(&making->parent, 0);
    if (!call_may_go_on(call, error) || !posix_snapshot_name_is_valid(name, error))
        return false;
    making->snapshots = posix_snapshots_open(store, root, error);
    if (making->snapshots < 0)
        return false;
    if (faccessat(making->snapshots, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return error_set(error, ERROR_EXISTS, "%.100s has a snapshot %.100s already", root, name);
    return posix_scan_open(&making->scan, store, root, "", error) &&
           choose_id(making, instant_us, error) && make_work(making, error) &&
           posix_index_create(&making->index, making->work,
                              &(struct posix_index_info){root, making->snapshot}, error);
}

/* One syncfs() instead of an fsync() for each file, of which there may be millions; it reports
 * write errors since Linux 5.8. */
bool posix_making_publish(struct posix_making *making, struct error *error)
{
    CHECK(making->index.fd < 0); /* copied to the end */
    const char *name = making->snapshot.name;
    if (!posix_torn_write(&making->torn, making->work, error))
        return false;
    if (syncfs(making->work) != 0)
        return posix_fail(error, errno, "bring to disk", name);
    crash_point("posix.snapshot.copied", NULL);
    if (renameat2(making->snapshots, making->hidden, making->snapshots, name, RENAME_NOREPLACE) !=
        0)
        return posix_fail(error, errno, "publish snapshot", name);
    making->published = true;
    crash_point("posix.snapshot.published", NULL);
    int directory = openat(making->snapshots, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = directory >= 0 && fsync(directory) == 0;
    if (!synced)
        posix_fail(error, errno, "publish snapshot", name);
    posix_close_fd(&directory);
    return synced;
}

void posix_making_close_copying(struct posix_making *making)
{
    posix_scan_close(&making->scan);
    posix_index_abandon(&making->index);
    posix_index_close(&making->previous);
    buffer_fini(&making->parent);
    posix_close_fd(&making->parent_tree);
    posix_close_fd(&making->parent_previous);
    posix_close_fd(&making->previous_tree);
    posix_close_fd(&making->tree);
    posix_making_drop_pending(making);
}

void posix_making_end(struct posix_making *making, const struct call *call)
{
    posix_making_close_copying(making);
    posix_torn_fini(&making->torn);
    if (making->work >= 0 && !making->published) {
        struct error ignored = ERROR_NONE; /* the next sweep tries again */
        struct posix_place place = {making->snapshots, making->hidden};
        posix_remove_place(&place, true, call, &ignored);
    }
    posix_close_fd(&making->work);
    posix_close_fd(&making->snapshots);
}
