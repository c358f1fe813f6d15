/* sim_world.h: the simulated world: virtual time, one seeded generator, what will happen next. All
 * of a run follows from its seed. The real epoch/ decides; clusters, agents, network, journals and
 * the control shell around it are simulated, so that a crash can fall between any two of their
 * acts. */
#ifndef COEVAL_TEST_SIM_SIM_WORLD_H
#define COEVAL_TEST_SIM_SIM_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

#define MS ((int64_t)1000)
#define SECOND (1000 * MS)

/* Processes that can crash. A and B are also the numbers of their clusters. */
enum process { AGENT_A, AGENT_B, CONTROL, PROCESS_COUNT, NOBODY = PROCESS_COUNT };

/* Planted defects, each a mistake that somebody could make: the checkers must find it. */
#define DEFECTS(X)                                                                                \
    X(NONE, "none")                                                                               \
    X(EFFECTS_EARLY, "effects-before-record")  /* orders leave before their record is durable */  \
    X(SEAL_EARLY, "seal-before-verify")        /* the candidate is believed */                    \
    X(PARK_ASCENDING, "park-ascending")        /* parents are parked before children */           \
    X(RETIRE_EARLY, "retire-before-settle")    /* the old base goes when the new one is sealed */ \
    X(DUPLICATE, "duplicate-executed")         /* the same order again is done again */           \
    X(LOST_REPLY, "lost-reply-is-failure")     /* no answer of a store counts as "not done" */    \
    X(FENCE, "fence-ignored")                  /* orders of an older generation are taken */      \
    X(NO_MARK, "disarm-without-mark")          /* "not fired" is answered and forgotten */        \
    X(ROLLBACK_BLIND, "rollback-ignores-seal") /* going back from a sealed epoch */

enum defect {
#define X(name, text) DEFECT_##name,
    DEFECTS(X)
#undef X
        DEFECT_COUNT
};
const char *defect_name(enum defect defect);

struct cluster;
struct agent;
struct control;
struct network;
struct chaos;
struct history;

struct world;
typedef void event_fn(struct world *world, void *data);
typedef void release_fn(void *data);

struct event {
    int64_t at_us;
    uint64_t order; /* of equal times: first come */
    enum process owner;
    unsigned incarnation; /* events of a crashed process do not happen */
    event_fn *fn;
    release_fn *release;
    void *data;
};

struct world {
    struct random random;
    uint64_t seed;
    int64_t now_us;
    bool trace;
    bool faults; /* while false nothing goes wrong any more */
    enum defect defect;
    struct event *events; /* a heap */
    size_t event_count, event_capacity;
    uint64_t next_order;
    unsigned incarnations[PROCESS_COUNT];
    bool is_up[PROCESS_COUNT];
    struct cluster *clusters[2];
    struct agent *agents[2];
    struct control *control;
    struct network *network;
    struct chaos *chaos;
    struct history *history; /* what the checkers remember */
    char violation[512];     /* the first; "" while all is well */
};

/* data is released after fn, or instead of it when the owner crashed meanwhile. release may be
 * NULL. */
void later(struct world *world, int64_t delay_us, enum process owner, event_fn *fn, void *data,
           release_fn *release);
bool world_next(struct world *world); /* one event; false: nothing left */
void world_drop_events(struct world *world);

int64_t chance_us(struct world *world, int64_t least_us, int64_t most_us);
/* True in so many of 1000 cases; never while faults are off. */
bool mishap(struct world *world, unsigned per_mille);
bool coin(struct world *world, unsigned per_mille); /* the same, faults or not */

void trace(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void violate(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
