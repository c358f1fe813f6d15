/* timer.h: deadlines on the monotonic clock, and instants on the wall clock. */
#ifndef COEVAL_LOOP_TIMER_H
#define COEVAL_LOOP_TIMER_H

#include <stdint.h>

#include "loop/loop.h"

/* One shot, on CLOCK_MONOTONIC. Never early: the callback is only run once the time has passed. */
struct timer;
struct timer *timer_new(struct loop *loop, loop_fn *fn, void *context);
void timer_free(struct timer *timer); /* NULL is fine; the callback does not run afterwards */
void timer_start(struct timer *timer, int64_t delay_ms); /* restarts when running */
void timer_stop(struct timer *timer);

/* One shot, at a UTC instant: a timerfd with TFD_TIMER_ABSTIME, never early on CLOCK_REALTIME.
 * When the clock is set (settimeofday, or a jump of REALTIME against BOOTTIME seen by the second)
 * the callback runs with clock_changed and the timer is stopped: compute the next instant again. */
struct wall_timer;
typedef void wall_timer_fn(void *context, bool clock_changed);
struct wall_timer *wall_timer_new(struct loop *loop, wall_timer_fn *fn, void *context);
void wall_timer_free(struct wall_timer *timer);
void wall_timer_start(struct wall_timer *timer, int64_t at_us);
void wall_timer_stop(struct wall_timer *timer);

#endif
