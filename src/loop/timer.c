/* timer.c: deadlines on the monotonic clock. libuv counts in whole milliseconds from the time of
 * its turn and so fires up to one early; the callback looks at the clock and waits for the rest. */
#include "loop/timer.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "loop/loop_uv.h"

#define MS_NS ((int64_t)1000000)
#define DELAY_MS_MAX                                                            \
    (INT64_C(100) * 366 * 86400 * 1000) /* a century: "never", without overflow \
                                         */

struct timer {
    uv_timer_t uv;
    struct loop *loop;
    loop_fn *fn;
    void *context;
    int64_t deadline_ns;
};

static void arm(struct timer *timer);

struct timer *timer_new(struct loop *loop, loop_fn *fn, void *context)
{
    struct timer *timer = memory_new(sizeof *timer);
    CHECK(uv_timer_init(&loop->uv, &timer->uv) == 0);
    timer->uv.data = timer;
    timer->loop = loop;
    timer->fn = fn;
    timer->context = context;
    return timer;
}

static void free_timer(uv_handle_t *handle)
{
    free(handle->data);
}

void timer_free(struct timer *timer)
{
    if (timer == NULL)
        return;
    loop_check_thread(timer->loop);
    uv_close((uv_handle_t *)&timer->uv, free_timer);
}

void timer_start(struct timer *timer, int64_t delay_ms)
{
    loop_check_thread(timer->loop);
    if (delay_ms < 0)
        delay_ms = 0;
    if (delay_ms > DELAY_MS_MAX)
        delay_ms = DELAY_MS_MAX;
    timer->deadline_ns = clock_monotonic_ns() + delay_ms * MS_NS;
    arm(timer);
}

void timer_stop(struct timer *timer)
{
    uv_timer_stop(&timer->uv);
}

static void fire(uv_timer_t *uv)
{
    struct timer *timer = uv->data;
    if (clock_monotonic_ns() < timer->deadline_ns)
        arm(timer);
    else
        timer->fn(timer->context);
}

static void arm(struct timer *timer)
{
    int64_t left_ns = timer->deadline_ns - clock_monotonic_ns();
    uint64_t left_ms = left_ns <= 0 ? 0 : (uint64_t)((left_ns + MS_NS - 1) / MS_NS);
    uv_update_time(timer->uv.loop); /* after long work the time of the turn lies in the past */
    CHECK(uv_timer_start(&timer->uv, fire, left_ms, 0) == 0);
}
