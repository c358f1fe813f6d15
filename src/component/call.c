/* call.c: see call.h. The only waits here are for the limiter, in slices, so that an abort or a
 * deadline is seen within SLICE_NS. */
#include "component/call.h"

#include <time.h>

#include "base/check.h"
#include "base/clock.h"

#define SLICE_NS ((int64_t)50 * 1000 * 1000)
#define WAIT_MS_DEFAULT 30000

bool call_may_go_on(const struct call *call, struct error *error)
{
    if (call->abort != NULL && atomic_load(call->abort))
        return error_set(error, ERROR_CANCELED, "the task was told to stop");
    if (call->deadline_ns != 0 && clock_monotonic_ns() >= call->deadline_ns)
        return error_set(error, ERROR_TIMEOUT, "the task's deadline has passed");
    return true;
}

/* A limiter opens by time alone, so there is no event to wait for: this is the wait. */
static void sleep_at_most(int64_t wait_ns)
{
    CHECK(wait_ns > 0);
    if (wait_ns > SLICE_NS)
        wait_ns = SLICE_NS;
    nanosleep(&(struct timespec){.tv_sec = 0, .tv_nsec = (long)wait_ns}, NULL);
}

static bool take(const struct call *call, uint64_t bytes, uint64_t operations, struct error *error)
{
    for (;;) {
        if (!call_may_go_on(call, error))
            return false;
        if (call->limiter == NULL)
            return true;
        int64_t wait_ns = limiter_take(call->limiter, bytes, operations, clock_monotonic_ns());
        if (wait_ns == 0)
            return true;
        sleep_at_most(wait_ns);
    }
}

bool call_take_operation(const struct call *call, struct error *error)
{
    if (!take(call, 0, 1, error))
        return false;
    if (call->counters != NULL)
        atomic_fetch_add(&call->counters->operations, 1);
    return true;
}

bool call_take_bytes(const struct call *call, uint64_t bytes, struct error *error)
{
    return take(call, bytes, 0, error);
}

int64_t call_wait_ms(const struct call *call)
{
    int64_t wait_ms = call->wait_ms > 0 ? call->wait_ms : WAIT_MS_DEFAULT;
    if (call->deadline_ns == 0)
        return wait_ms;
    int64_t left_ms = (call->deadline_ns - clock_monotonic_ns()) / 1000000;
    if (left_ms < 1)
        return 1; /* never 0: libraries take that for "without end" */
    return left_ms < wait_ms ? left_ms : wait_ms;
}
