/* call.h: what every store call of one task carries: how long it may take, how fast it may go, what
 * it has cost, and whether it shall stop. Thread-safe where executors share it. */
#ifndef COEVAL_COMPONENT_CALL_H
#define COEVAL_COMPONENT_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "component/limiter.h"

struct call {
    int64_t deadline_ns;     /* CLOCK_MONOTONIC; 0: none, each wait still has its own limit */
    int64_t wait_ms;         /* longest silence of a peer, connect and read; 0: 30000 */
    atomic_bool *abort;      /* set by the loop thread; NULL: never */
    struct limiter *limiter; /* NULL: as fast as it goes */
    struct call_counters *counters; /* NULL: not counted */
    /* Whose reads are meant together (confirm): one try of a task; 0 is one too. A call made on
     * behalf of another one has the same: a thread forgets what it read in the scope before. */
    uint64_t scope;
};

struct call_counters {
    atomic_uint_fast64_t operations; /* calls to the store that a server would count */
    atomic_uint_fast64_t bytes_read;
    atomic_uint_fast64_t bytes_written;
    atomic_uint_fast64_t files_done;
};

/* Between steps of a task and before each wait: CANCELED when aborted, TIMEOUT past the deadline.
 */
bool call_may_go_on(const struct call *call, struct error *error);
/* Before an operation, and before bytes move: waits in slices until the limiter allows it. An
 * operation is counted here; bytes are counted by whoever moves them. */
bool call_take_operation(const struct call *call, struct error *error);
bool call_take_bytes(const struct call *call, uint64_t bytes, struct error *error);
/* The shorter of wait_ms and what is left until the deadline; at least 1. */
int64_t call_wait_ms(const struct call *call);

#endif
