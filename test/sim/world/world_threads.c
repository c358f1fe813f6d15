/* world_threads.c: what agent/ asks of the kernel beside loop/: threads and conditions (lanes.c,
 * moment_thread.c), a timerfd on the realtime clock, an eventfd, poll. The linker puts these in the
 * place of the real ones (--wrap), so that the code above is the daemon's own object code. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "world_private.h"

#define FAKE_FD 1000000
#define FAKE_FDS_MAX 4096

/* ---- threads -------------------------------------------------------------------------------- */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_join(pthread_t thread, void **ret);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

struct thread {
    void *(*run)(void *);
    void *argument;
};

static void run_thread(void *context)
{
    struct thread *thread = context;
    thread->run(thread->argument);
    free(thread);
}

int __wrap_pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *argument)
{
    CHECK(attributes == NULL && world.loop != NULL);
    struct thread *thread = memory_new(sizeof *thread);
    *thread = (struct thread){run, argument};
    struct fiber *fiber = fiber_new(world.loop, run_thread, NULL, thread, chance_ns(0, MS));
    *ret_thread = (pthread_t)(uintptr_t)fiber;
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **ret)
{
    struct fiber *fiber = (struct fiber *)(uintptr_t)thread;
    CHECK(ret == NULL);
    while (!fiber_is_over(fiber))
        fiber_wait(fiber);
    return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    while (pthread_mutex_trylock(mutex) != 0)
        fiber_sleep(MS / 10);
    return 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
    fiber_wait(condition);
    return __wrap_pthread_mutex_lock(mutex);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    fiber_wake(condition);
    return 0;
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    fiber_sleep((int64_t)wanted->tv_sec * SECOND + wanted->tv_nsec);
    return 0;
}

/* ---- descriptors that are no files ---------------------------------------------------------- */

struct descriptor {
    bool used, is_timer;
    struct loop *loop;
    int64_t due_us; /* timer: instant on the realtime clock; 0: none */
    struct event *event;
    bool clock_was_set;
    uint64_t count;
};
static struct descriptor descriptors[FAKE_FDS_MAX];
static char poll_key; /* of all who poll: few, and they look for themselves */

int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __real_write(int fd, const void *data, size_t size);
int __real_close(int fd);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __wrap_close(int fd);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *wanted,
                           struct itimerspec *before);
int __wrap_eventfd(unsigned count, int flags);

static struct descriptor *descriptor_of(int fd)
{
    if (fd < FAKE_FD)
        return NULL;
    CHECK(fd < FAKE_FD + FAKE_FDS_MAX && descriptors[fd - FAKE_FD].used);
    return &descriptors[fd - FAKE_FD];
}

static int new_descriptor(bool is_timer)
{
    for (int i = 0; i < FAKE_FDS_MAX; i++)
        if (!descriptors[i].used || !descriptors[i].loop->alive) {
            descriptors[i] =
                (struct descriptor){.used = true, .is_timer = is_timer, .loop = world.loop};
            return FAKE_FD + i;
        }
    CHECK_UNREACHABLE();
}

int __wrap_timerfd_create(int clock, int flags)
{
    CHECK(clock == CLOCK_REALTIME && (flags & TFD_NONBLOCK) != 0);
    return new_descriptor(true);
}

int __wrap_eventfd(unsigned count, int flags)
{
    CHECK(count == 0 && (flags & EFD_NONBLOCK) != 0);
    return new_descriptor(false);
}

static void timer_is_due(void *context)
{
    struct descriptor *descriptor = context;
    descriptor->event = NULL;
    descriptor->count = 1;
    fiber_wake(&poll_key);
}

static void arm(struct descriptor *descriptor)
{
    event_cancel(descriptor->event);
    descriptor->event = event_new(
        descriptor->loop, (descriptor->due_us - clock_realtime_us()) * 1000 + chance_ns(0, MS / 20),
        timer_is_due, descriptor);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *wanted,
                           struct itimerspec *before)
{
    struct descriptor *descriptor = descriptor_of(fd);
    CHECK((flags & TFD_TIMER_ABSTIME) != 0 && before == NULL);
    descriptor->due_us =
        (int64_t)wanted->it_value.tv_sec * 1000000 + wanted->it_value.tv_nsec / 1000;
    descriptor->count = 0;
    descriptor->clock_was_set = false;
    arm(descriptor);
    return 0;
}

void world_set_clock(int64_t by_us)
{
    world.clock_us += by_us;
    for (int i = 0; i < FAKE_FDS_MAX; i++)
        if (descriptors[i].used && descriptors[i].is_timer && descriptors[i].event != NULL &&
            descriptors[i].loop->alive) {
            descriptors[i].clock_was_set = true; /* TFD_TIMER_CANCEL_ON_SET */
            arm(&descriptors[i]);
        }
    fiber_wake(&poll_key);
    world_clock_was_set();
}

static int look_at_all(struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        const struct descriptor *descriptor = descriptor_of(fds[i].fd);
        CHECK(descriptor != NULL && fds[i].events == POLLIN);
        fds[i].revents = descriptor->count > 0 || descriptor->clock_was_set ? POLLIN : 0;
        ready += fds[i].revents != 0;
    }
    return ready;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    if (fds[0].fd < FAKE_FD)
        return __real_poll(fds, count, timeout_ms);
    CHECK(timeout_ms == -1);
    int ready;
    while ((ready = look_at_all(fds, count)) == 0)
        fiber_wait(&poll_key);
    return ready;
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
    struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor == NULL)
        return __real_read(fd, data, size);
    CHECK(size == sizeof descriptor->count);
    if (descriptor->clock_was_set) {
        descriptor->clock_was_set = false;
        errno = ECANCELED;
        return -1;
    }
    if (descriptor->count == 0) {
        errno = EAGAIN;
        return -1;
    }
    memcpy(data, &descriptor->count, size);
    descriptor->count = 0;
    return (ssize_t)size;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    struct descriptor *descriptor = descriptor_of(fd);
    uint64_t added;
    if (descriptor == NULL)
        return __real_write(fd, data, size);
    CHECK(size == sizeof added);
    memcpy(&added, data, size);
    descriptor->count += added;
    fiber_wake(&poll_key);
    return (ssize_t)size;
}

int __wrap_close(int fd)
{
    struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor == NULL)
        return __real_close(fd);
    event_cancel(descriptor->event);
    descriptor->used = false;
    return 0;
}

/* ---- what is logged: part of the trace ------------------------------------------------------- */

void __wrap_log_write(enum log_level level, enum log_group group, const char *event,
                      const char *format, ...);

void __wrap_log_write(enum log_level level, enum log_group group, const char *event,
                      const char *format, ...)
{
    char text[1024];
    va_list args;
    (void)level, (void)group;
    if (!world.trace)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    world_trace("  %s %s", event, text);
}

/* ---- chance and death ----------------------------------------------------------------------- */

ssize_t __wrap_getrandom(void *data, size_t size, unsigned flags);
void __wrap_crash_point(const char *name, const char *scope);

ssize_t __wrap_getrandom(void *data, size_t size, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)data)[i] = (unsigned char)chance_below(256);
    return (ssize_t)size;
}

void __wrap_crash_point(const char *name, const char *scope)
{
    (void)scope;
    if (fiber_current() != NULL)
        fiber_sleep(chance_ns(0, MS / 10)); /* others come in between */
    process_may_die(name);
}
