/* wall_timer.c: instants of CLOCK_REALTIME by a timerfd, which is never early and tells when the
 * clock is set. A tick each second compares REALTIME with BOOTTIME as well: it notices jumps that
 * the kernel does not report (a container's faked clock) and instants that became past by one. */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "loop/loop_uv.h"
#include "loop/timer.h"

#define TICK_MS 1000
#define JUMP_US 500000 /* more than slewing and a preempted thread explain */

struct wall_timer {
    uv_poll_t poll;
    uv_timer_t tick;
    struct loop *loop;
    wall_timer_fn *fn;
    void *context;
    int64_t at_us;
    int64_t offset_us; /* REALTIME - BOOTTIME at the last tick */
    int fd;
    int open_handles;
};

static void on_descriptor(uv_poll_t *poll, int status, int events);
static void on_tick(uv_timer_t *tick);

struct wall_timer *wall_timer_new(struct loop *loop, wall_timer_fn *fn, void *context)
{
    struct wall_timer *timer = memory_new(sizeof *timer);
    timer->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    CHECK(timer->fd >= 0);
    CHECK(uv_poll_init(&loop->uv, &timer->poll, timer->fd) == 0);
    CHECK(uv_timer_init(&loop->uv, &timer->tick) == 0);
    timer->poll.data = timer;
    timer->tick.data = timer;
    timer->open_handles = 2;
    timer->loop = loop;
    timer->fn = fn;
    timer->context = context;
    return timer;
}

static void free_wall_timer(uv_handle_t *handle)
{
    struct wall_timer *timer = handle->data;
    if (--timer->open_handles == 0)
        free(timer);
}

void wall_timer_free(struct wall_timer *timer)
{
    if (timer == NULL)
        return;
    loop_check_thread(timer->loop);
    uv_close((uv_handle_t *)&timer->poll, free_wall_timer);
    uv_close((uv_handle_t *)&timer->tick, free_wall_timer);
    close(timer->fd);
}

static int64_t clock_offset_us(void)
{
    return clock_realtime_us() - clock_boottime_ns() / 1000;
}

void wall_timer_start(struct wall_timer *timer, int64_t at_us)
{
    loop_check_thread(timer->loop);
    timer->at_us = at_us;
    timer->offset_us = clock_offset_us();
    int64_t armed_us = at_us < 1 ? 1 : at_us; /* zero would disarm it; the past fires at once */
    struct itimerspec when = {
        .it_value = {.tv_sec = armed_us / 1000000, .tv_nsec = armed_us % 1000000 * 1000}};
    CHECK(timerfd_settime(timer->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) ==
          0);
    CHECK(uv_poll_start(&timer->poll, UV_READABLE, on_descriptor) == 0);
    uv_update_time(timer->tick.loop);
    CHECK(uv_timer_start(&timer->tick, on_tick, TICK_MS, 0) == 0);
}

void wall_timer_stop(struct wall_timer *timer)
{
    struct itimerspec never = {0};
    timerfd_settime(timer->fd, 0, &never, NULL);
    uv_poll_stop(&timer->poll);
    uv_timer_stop(&timer->tick);
}

static void end(struct wall_timer *timer, bool clock_changed)
{
    wall_timer_stop(timer);
    timer->fn(timer->context, clock_changed);
}

static void on_descriptor(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct wall_timer *timer = poll->data;
    uint64_t expirations;
    ssize_t got = read(timer->fd, &expirations, sizeof expirations);
    if (got < 0 && errno == ECANCELED)
        end(timer, true);
    else if (clock_realtime_us() >= timer->at_us)
        end(timer, false);
    /* Otherwise the kernel's clock and ours differ (a faked one): the tick finds the instant. */
}

static void on_tick(uv_timer_t *tick)
{
    struct wall_timer *timer = tick->data;
    int64_t offset_us = clock_offset_us();
    int64_t moved_us = offset_us - timer->offset_us;
    timer->offset_us = offset_us;
    int64_t left_us = timer->at_us - clock_realtime_us();
    if (moved_us > JUMP_US || moved_us < -JUMP_US) {
        end(timer, true);
    } else if (left_us <= 0) {
        end(timer, false);
    } else {
        uint64_t left_ms = left_us < TICK_MS * 1000 ? (uint64_t)left_us / 1000 + 1 : TICK_MS;
        CHECK(uv_timer_start(&timer->tick, on_tick, left_ms, 0) == 0);
    }
}
