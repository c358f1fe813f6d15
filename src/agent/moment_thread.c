/* moment_thread.c: see moment_thread.h. A thread ends when nothing is left to fire; the loop joins
 * it. */
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
    pthread_t thread;
    pthread_mutex_t mutex;
    struct list armed; /* under the mutex until closed */
    int64_t t_us;
    int timer;
    int wake;      /* eventfd: somebody disarmed */
    bool closed;   /* under the mutex: nobody joins any more */
    unsigned left; /* loop: reports still to come */
};

static void arm_timer(struct moment_thread *thread)
{
    struct itimerspec at = {
        .it_value = {.tv_sec = thread->t_us / 1000000, .tv_nsec = thread->t_us % 1000000 * 1000}};
    if (at.it_value.tv_sec <= 0)
        at.it_value = (struct timespec){.tv_nsec = 1};
    CHECK(timerfd_settime(thread->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) ==
          0);
}

static bool all_disarmed(struct moment_thread *thread)
{
    bool all = true;
    pthread_mutex_lock(&thread->mutex);
    list_for_each(armed, &thread->armed, struct armed, node)
        all = all && armed->disarmed;
    thread->closed = all || thread->closed;
    pthread_mutex_unlock(&thread->mutex);
    return all;
}

/* Returns at T on the realtime clock, never before it, or when all were disarmed. */
static void sleep_until_t(struct moment_thread *thread)
{
    struct pollfd fds[] = {{.fd = thread->timer, .events = POLLIN},
                           {.fd = thread->wake, .events = POLLIN}};
    arm_timer(thread);
    for (;;) {
        uint64_t count;
        poll(fds, 2, -1);
        if (fds[1].revents != 0 && read(thread->wake, &count, sizeof count) > 0 &&
            all_disarmed(thread))
            return;
        if (fds[0].revents == 0)
            continue;
        if (read(thread->timer, &count, sizeof count) < 0 && errno == ECANCELED) {
            arm_timer(thread); /* the clock was set: the instant is the same, the distance is not */
            continue;
        }
        if (clock_realtime_us() >= thread->t_us)
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
    struct loop *loop = agent_parts(thread->agent)->loop;
    sleep_until_t(thread);
    pthread_mutex_lock(&thread->mutex);
    thread->closed = true;
    list_for_each(armed, &thread->armed, struct armed, node)
        armed->started = !armed->disarmed;
    pthread_mutex_unlock(&thread->mutex);
    list_for_each(armed, &thread->armed, struct armed, node)
        if (armed->started)
            fire(armed);
        else
            armed->outcome = MOMENT_DISARMED;
    loop_post_from_thread(loop, report, thread);
    return NULL;
}

static void report(void *context)
{
    struct moment_thread *thread = context;
    pthread_join(thread->thread, NULL);
    list_remove(&thread->node);
    list_for_each(armed, &thread->armed, struct armed, node) {
        list_remove(&armed->node);
        armed->thread = NULL;
        armed->done(armed->context);
    }
    close(thread->timer);
    close(thread->wake);
    pthread_mutex_destroy(&thread->mutex);
    free(thread);
}

static bool try_join(struct moment_thread *thread, struct armed *armed)
{
    pthread_mutex_lock(&thread->mutex);
    bool open = !thread->closed;
    if (open)
        list_append(&thread->armed, &armed->node);
    pthread_mutex_unlock(&thread->mutex);
    return open;
}

bool moment_thread_arm(struct agent *agent, struct armed *armed, struct error *error)
{
    struct agent_parts *parts = agent_parts(agent);
    list_for_each(known, &parts->moments, struct moment_thread, node)
        if (known->t_us == armed->t_us && try_join(known, armed)) {
            armed->thread = known;
            return true;
        }
    struct moment_thread *thread = memory_new(sizeof *thread);
    *thread = (struct moment_thread){.agent = agent, .t_us = armed->t_us};
    list_init(&thread->armed);
    list_append(&thread->armed, &armed->node);
    thread->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    thread->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(pthread_mutex_init(&thread->mutex, NULL) == 0);
    int failed = thread->timer < 0 || thread->wake < 0
                     ? errno
                     : pthread_create(&thread->thread, NULL, run_thread, thread);
    if (failed != 0) {
        list_remove(&armed->node);
        if (thread->timer >= 0)
            close(thread->timer);
        if (thread->wake >= 0)
            close(thread->wake);
        pthread_mutex_destroy(&thread->mutex);
        free(thread);
        return error_set_errno(error, failed, "start the moment thread");
    }
    armed->thread = thread;
    list_append(&parts->moments, &thread->node);
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
