/* moment_thread.c: see moment_thread.h. The thread ends after its moment; the loop joins it. */
#include "agent/moment_thread.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET (1 << 1)
#endif

struct moment_thread {
    struct list node; /* in the agent's moments */
    struct agent *agent;
    struct armed *armed; /* disarmed and started: under the mutex */
    pthread_t thread;
    pthread_mutex_t mutex;
    int timer;
    int wake; /* eventfd: disarmed */
};

static void arm_timer(struct moment_thread *thread)
{
    int64_t t_us = thread->armed->t_us;
    struct itimerspec at = {
        .it_value = {.tv_sec = t_us / 1000000, .tv_nsec = t_us % 1000000 * 1000}};
    if (at.it_value.tv_sec <= 0)
        at.it_value = (struct timespec){.tv_nsec = 1};
    CHECK(timerfd_settime(thread->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) ==
          0);
}

static bool is_disarmed(struct moment_thread *thread)
{
    pthread_mutex_lock(&thread->mutex);
    bool disarmed = thread->armed->disarmed;
    pthread_mutex_unlock(&thread->mutex);
    return disarmed;
}

/* Returns at T on the realtime clock, never before it, or when it was disarmed. */
static void sleep_until_t(struct moment_thread *thread)
{
    struct pollfd fds[] = {{.fd = thread->timer, .events = POLLIN},
                           {.fd = thread->wake, .events = POLLIN}};
    arm_timer(thread);
    for (;;) {
        uint64_t count;
        poll(fds, 2, -1);
        if (fds[1].revents != 0 && read(thread->wake, &count, sizeof count) > 0 &&
            is_disarmed(thread))
            return;
        if (fds[0].revents == 0)
            continue;
        if (read(thread->timer, &count, sizeof count) < 0 && errno == ECANCELED) {
            arm_timer(thread); /* the clock was set: the instant is the same, the distance is not */
            continue;
        }
        if (clock_realtime_us() >= thread->armed->t_us)
            return;
        arm_timer(thread);
    }
}

static void fire(struct armed *armed)
{
    armed->fired_us = clock_realtime_us();
    if (armed->fired_us > armed->t_us + armed->grace_us) {
        armed->outcome = MOMENT_MISSED;
        return;
    }
    armed->outcome = MOMENT_FIRED;
    for (size_t i = 0; i < armed->moment_count; i++)
        armed->components[i]->moment_fire(armed->moments[i]);
}

static void report(void *context);

static void *run_thread(void *argument)
{
    struct moment_thread *thread = argument;
    struct armed *armed = thread->armed;
    struct loop *loop = agent_parts(thread->agent)->loop;
    sleep_until_t(thread);
    pthread_mutex_lock(&thread->mutex);
    armed->started = !armed->disarmed;
    pthread_mutex_unlock(&thread->mutex);
    if (armed->started)
        fire(armed);
    else
        armed->outcome = MOMENT_DISARMED;
    loop_post_from_thread(loop, report, thread);
    return NULL;
}

static void free_thread(struct moment_thread *thread)
{
    if (thread->timer >= 0)
        close(thread->timer);
    if (thread->wake >= 0)
        close(thread->wake);
    pthread_mutex_destroy(&thread->mutex);
    free(thread);
}

static void report(void *context)
{
    struct moment_thread *thread = context;
    struct armed *armed = thread->armed;
    pthread_join(thread->thread, NULL);
    list_remove(&thread->node);
    free_thread(thread);
    armed->thread = NULL;
    armed->done(armed->context);
}

bool moment_thread_arm(struct agent *agent, struct armed *armed, struct error *error)
{
    struct moment_thread *thread = memory_new(sizeof *thread);
    *thread = (struct moment_thread){.agent = agent, .armed = armed};
    thread->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    thread->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int failed = thread->timer < 0 || thread->wake < 0 ? errno : 0;
    CHECK(pthread_mutex_init(&thread->mutex, NULL) == 0);
    if (failed == 0)
        failed = pthread_create(&thread->thread, NULL, run_thread, thread);
    if (failed != 0) {
        free_thread(thread);
        return error_set_errno(error, failed, "start the moment thread");
    }
    armed->thread = thread;
    list_append(&agent_parts(agent)->moments, &thread->node);
    return true;
}

bool moment_thread_disarm(struct armed *armed)
{
    struct moment_thread *thread = armed->thread;
    if (thread == NULL)
        return armed->outcome == MOMENT_DISARMED;
    pthread_mutex_lock(&thread->mutex);
    armed->disarmed = armed->disarmed || !armed->started;
    bool disarmed = armed->disarmed;
    pthread_mutex_unlock(&thread->mutex);
    uint64_t one = 1;
    if (disarmed)
        CHECK(write(thread->wake, &one, sizeof one) == sizeof one || errno == EAGAIN);
    return disarmed;
}
