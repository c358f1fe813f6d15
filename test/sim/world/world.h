/* world.h: one virtual clock, one queue of events, one generator; processes that die, fibers that
 * wait. All of a run follows from its seed. A struct loop is one life of one process: its events
 * and fibers are dropped when it dies, its memory is abandoned (each seed has a process of its
 * own). */
#ifndef COEVAL_SIM_WORLD_H
#define COEVAL_SIM_WORLD_H

#include "base/list.h"
#include "base/random.h"
#include "loop/loop.h"

#define MS ((int64_t)1000000) /* of the world's clock, which counts nanoseconds */
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)

/* One life of one process. */
struct loop {
    const char *name;
    unsigned life;
    bool alive;
    uint64_t crash_in; /* dies instead of its n-th event or crash point from now; 0: never */
    int64_t ended_ns;
};

/* Defects that can be planted (world_defects.c): a simulation that finds none proves nothing. */
#define DEFECTS(X)                                                                                 \
    X(NONE, "none")                                                                                \
    X(EFFECTS_BEFORE_RECORD, "effects-before-record") /* control acts before its journal has it */ \
    X(SEAL_BEFORE_VERIFY, "seal-before-verify")       /* neither tree is compared with the plan */ \
    X(PARK_ASCENDING, "park-ascending")               /* parents before their children */          \
    X(DISARM_FORGOTTEN, "disarm-forgotten")           /* late orders are taken like others */      \
    X(PLACED_UNSEEN, "placed-unseen")                 /* nobody looks below what came */           \
    X(PARKED_UNSEEN, "parked-unseen")                 /* nobody looks below what is removed */     \
    X(OTHERS_UNSAVED, "others-unsaved")               /* ... nor below what is rolled back */      \
    X(RETIRE_BASE, "retire-base")                     /* retention does not know holds */

enum defect {
#define X(name, text) DEFECT_##name,
    DEFECTS(X)
#undef X
        DEFECT_COUNT
};

struct world {
    uint64_t seed;
    struct random random;
    int64_t now_ns;
    int64_t clock_us; /* what CLOCK_REALTIME shows at now_ns 0; moves when the clock is set */
    uint64_t events;  /* so far */
    bool trace;
    bool faults; /* off: nothing fails any more, all must come to rest */
    enum defect defect;
    struct loop *loop; /* whose event runs; NULL: the world's own */
};
extern struct world world;

void world_begin(uint64_t seed);
bool world_step(void); /* one event; false: there is none */
void world_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The run is over: says what is wrong and how to see it again. */
_Noreturn void world_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Chance: from the seed, nothing else. */
uint64_t chance_below(uint64_t bound);
bool chance(unsigned percent);     /* also when faults are off */
bool fault(unsigned per_thousand); /* never when faults are off */
int64_t chance_ns(int64_t least, int64_t most);
unsigned char chance_byte(void);

/* An event of a process (dropped when that life has ended) or, with NULL, of the world. */
struct event;
struct event *event_new(struct loop *loop, int64_t delay_ns, loop_fn *fn, void *context);
void event_cancel(struct event *event); /* NULL is fine; not after it has run */

/* Runs fn as if the process were at it: a call from outside (a request that arrives). */
void world_enter(struct loop *loop, loop_fn *fn, void *context);
struct loop *process_begin(const char *name, unsigned life);
void process_die(struct loop *loop);
/* A place where a process may die: an event, a crash point. Does not return when it does. */
void process_may_die(const char *where);

/* Fibers: straight-line code of a process, which waits. */
struct fiber;
struct fiber *fiber_new(struct loop *loop, loop_fn *run, loop_fn *done, void *context,
                        int64_t delay_ns);
struct fiber *fiber_current(void); /* NULL: an event runs */
bool fiber_is_over(const struct fiber *fiber);
void fiber_sleep(int64_t ns);     /* outside of a fiber: the clock moves on, nothing else happens */
void fiber_wait(const void *key); /* until somebody says wake(key) */
void fiber_wake(const void *key);

#endif
