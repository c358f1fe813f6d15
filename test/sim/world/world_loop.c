/* world_loop.c: loop.h, timer.h, work.h, process.h and clock.h over the world: what the daemon has
 * of libuv and of the kernel, one virtual clock for all processes. */
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "loop/process.h"
#include "loop/timer.h"
#include "loop/work.h"
#include "world_private.h"

#define POOL_DELAY_MAX (2 * MS)

/* ---- clocks --------------------------------------------------------------------------------- */

int64_t clock_realtime_us(void)
{
    return world.clock_us + world.now_ns / 1000;
}

int64_t clock_monotonic_ns(void)
{
    return world.now_ns + 1000 * SECOND; /* a computer that was on for a while: 0 means "none" */
}

int64_t clock_monotonic_raw_ns(void)
{
    return clock_monotonic_ns();
}

int64_t clock_boottime_ns(void)
{
    return clock_monotonic_ns();
}

int64_t clock_error_us(bool *ret_synchronised)
{
    *ret_synchronised = true;
    return 100;
}

/* ---- loop.h --------------------------------------------------------------------------------- */

int64_t loop_now_ms(struct loop *loop)
{
    (void)loop;
    return clock_monotonic_ns() / MS;
}

void loop_post(struct loop *loop, loop_fn *fn, void *context)
{
    event_new(loop, 0, fn, context);
}

void loop_post_from_thread(struct loop *loop, loop_fn *fn, void *context)
{
    event_new(loop, 0, fn, context);
}

/* ---- work.h --------------------------------------------------------------------------------- */

void work_start(struct loop *loop, loop_fn *run, loop_fn *done, void *context)
{
    fiber_new(loop, run, done, context, chance_ns(0, POOL_DELAY_MAX));
}

/* ---- timer.h -------------------------------------------------------------------------------- */

struct timer {
    struct loop *loop;
    loop_fn *fn;
    void *context;
    struct event *event;
};

struct timer *timer_new(struct loop *loop, loop_fn *fn, void *context)
{
    struct timer *timer = memory_new(sizeof *timer);
    *timer = (struct timer){.loop = loop, .fn = fn, .context = context};
    return timer;
}

void timer_stop(struct timer *timer)
{
    event_cancel(timer->event);
    timer->event = NULL;
}

void timer_free(struct timer *timer)
{
    if (timer == NULL)
        return;
    timer_stop(timer);
    free(timer);
}

static void timer_ends(void *context)
{
    struct timer *timer = context;
    timer->event = NULL;
    timer->fn(timer->context);
}

void timer_start(struct timer *timer, int64_t delay_ms)
{
    timer_stop(timer);
    timer->event = event_new(timer->loop, delay_ms * MS, timer_ends, timer);
}

struct wall_timer {
    struct list node;
    struct loop *loop;
    wall_timer_fn *fn;
    void *context;
    struct event *event;
};

static struct list wall_timers = {&wall_timers, &wall_timers};

struct wall_timer *wall_timer_new(struct loop *loop, wall_timer_fn *fn, void *context)
{
    struct wall_timer *timer = memory_new(sizeof *timer);
    *timer = (struct wall_timer){.loop = loop, .fn = fn, .context = context};
    list_append(&wall_timers, &timer->node);
    return timer;
}

void wall_timer_stop(struct wall_timer *timer)
{
    event_cancel(timer->event);
    timer->event = NULL;
}

void wall_timer_free(struct wall_timer *timer)
{
    if (timer == NULL)
        return;
    wall_timer_stop(timer);
    list_remove(&timer->node);
    free(timer);
}

static void wall_timer_ends(void *context)
{
    struct wall_timer *timer = context;
    timer->event = NULL;
    timer->fn(timer->context, false);
}

static void wall_timer_jumps(void *context)
{
    struct wall_timer *timer = context;
    timer->event = NULL;
    timer->fn(timer->context, true);
}

void wall_timer_start(struct wall_timer *timer, int64_t at_us)
{
    wall_timer_stop(timer);
    timer->event =
        event_new(timer->loop, (at_us - clock_realtime_us()) * 1000, wall_timer_ends, timer);
}

void world_clock_was_set(void)
{
    list_for_each(timer, &wall_timers, struct wall_timer, node)
        if (timer->event != NULL && timer->loop->alive) {
            wall_timer_stop(timer);
            timer->event = event_new(timer->loop, 0, wall_timer_jumps, timer);
        }
}

/* ---- process.h: no hooks here --------------------------------------------------------------- */

struct process *process_new(struct loop *loop, const char *const *arguments,
                            const char *const *environment, int64_t timeout_ms, process_fn *done,
                            void *context)
{
    (void)loop, (void)arguments, (void)environment, (void)timeout_ms, (void)done, (void)context;
    CHECK_UNREACHABLE();
}

void process_free(struct process *process)
{
    CHECK(process == NULL);
}
