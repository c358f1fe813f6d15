/* world_moment.c: the moment of a depot: its snapshots, one request after the other, some answers
 * lost.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "world_depot.h"

struct moment {
    struct store *store;
    struct call call;
    struct moment_root *roots;
    size_t root_count;
};

bool world_moment_prepare(struct store *store, const struct call *call, struct moment_root *roots,
                          size_t root_count, const struct moment_options *options,
                          struct moment **ret_moment, struct error *error)
{
    (void)options;
    if (!depot_ask(store, call, error))
        return false;
    struct moment *moment = memory_new(sizeof *moment);
    *moment = (struct moment){store, {.wait_ms = 1000}, roots, root_count};
    *ret_moment = moment;
    return true;
}

void world_moment_fire(struct moment *moment)
{
    for (size_t i = 0; i < moment->root_count; i++) {
        struct moment_root *root = &moment->roots[i];
        struct snapshot snapshot;
        root->fired = true;
        root->sent_ns = clock_monotonic_raw_ns();
        root->error = ERROR_NONE;
        if (world_component.snapshot_create(moment->store, &moment->call, root->root,
                                            root->snapshot, &snapshot, &root->error)) {
            root->id = snapshot.id;
            root->instant_us = snapshot.instant_us;
        }
        root->answered_ns = clock_monotonic_raw_ns();
    }
}

bool world_moment_finish(struct moment *moment, const struct call *call, struct error *error)
{
    for (size_t i = 0; i < moment->root_count; i++) {
        struct moment_root *root = &moment->roots[i];
        struct snapshot snapshot;
        root->open_files_exact = true;
        if (!world_component.snapshot_get(moment->store, call, root->root, root->snapshot,
                                          &snapshot, error)) {
            if (error->code == ERROR_NOT_FOUND && root->error.code != ERROR_OK)
                *error = root->error; /* it was refused: why says more */
            return error_wrap(error, "snapshot of %s", root->root);
        }
        root->id = snapshot.id;
        root->instant_us = snapshot.instant_us;
    }
    return true;
}

void world_moment_free(struct moment *moment)
{
    free(moment);
}
