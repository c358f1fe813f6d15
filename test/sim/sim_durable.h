/* sim_durable.h: a journal that is durable some time after it was written to: a crash loses the
 * tail that was not. Objects by key, the last one counts. */
#ifndef COEVAL_TEST_SIM_SIM_DURABLE_H
#define COEVAL_TEST_SIM_SIM_DURABLE_H

#include "sim_world.h"

struct durable_record {
    char *key, *text;
};

struct durable_waiter {
    size_t upto; /* records */
    event_fn *fn;
    release_fn *release;
    void *data;
};

struct durable {
    enum process owner;
    struct durable_record *records;
    size_t count, synced, capacity, syncing_upto;
    bool syncing;
    struct durable_waiter *waiters; /* in the order of their coming */
    size_t waiter_count, waiter_capacity;
};

void durable_init(struct durable *journal, enum process owner);
void durable_fini(struct durable *journal);
void durable_append(struct world *world, struct durable *journal, const char *key,
                    const char *text);
/* fn runs when all that is appended now is durable; at once when it is. */
void durable_then(struct world *world, struct durable *journal, event_fn *fn, void *data,
                  release_fn *release);
void durable_crash(struct world *world, struct durable *journal);
void durable_wipe(struct durable *journal); /* the disk is gone */
/* The newest text of each key, in the order of first writing. */
typedef void durable_object_fn(struct world *world, const char *key, const char *text);
void durable_replay(struct world *world, const struct durable *journal, durable_object_fn *fn);

#endif
