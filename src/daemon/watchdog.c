/* watchdog.c: see watchdog.h. */
#include "daemon/watchdog.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"

struct watchdog {
    pthread_t thread;
    bool watches;          /* the thread is there */
    pthread_mutex_t mutex; /* guards is_over */
    pthread_cond_t over;
    bool is_over;
    struct timespec end;
    int64_t limit_ms;
    int status;
};

/* What is not durable by now is as after a loss of power: the next start begins with the journal.
 */
static void end_process(const struct watchdog *watchdog)
{
    log_warning(LOG_DAEMON, "daemon.hurry",
                "something did not stop in %" PRId64 " ms: it goes on after the next start",
                watchdog->limit_ms);
    _Exit(watchdog->status);
}

static void *watch(void *context)
{
    struct watchdog *watchdog = context;
    int waited = 0;
    pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->is_over && waited == 0)
        waited = pthread_cond_timedwait(&watchdog->over, &watchdog->mutex, &watchdog->end);
    if (!watchdog->is_over)
        end_process(watchdog);
    pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

struct watchdog *watchdog_new(int64_t limit_ms, int status)
{
    struct watchdog *watchdog = memory_new(sizeof *watchdog);
    pthread_condattr_t monotonic;
    watchdog->limit_ms = limit_ms;
    watchdog->status = status;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &watchdog->end) == 0);
    watchdog->end.tv_sec += limit_ms / 1000;
    watchdog->end.tv_nsec += limit_ms % 1000 * 1000000;
    watchdog->end.tv_sec += watchdog->end.tv_nsec / 1000000000;
    watchdog->end.tv_nsec %= 1000000000;
    CHECK(pthread_condattr_init(&monotonic) == 0);
    CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&watchdog->over, &monotonic) == 0);
    pthread_condattr_destroy(&monotonic);
    CHECK(pthread_mutex_init(&watchdog->mutex, NULL) == 0);
    /* Without a thread nobody hurries the end: still an end. */
    watchdog->watches = pthread_create(&watchdog->thread, NULL, watch, watchdog) == 0;
    return watchdog;
}

void watchdog_free(struct watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->is_over = true;
    pthread_cond_signal(&watchdog->over);
    pthread_mutex_unlock(&watchdog->mutex);
    if (watchdog->watches)
        pthread_join(watchdog->thread, NULL);
    pthread_cond_destroy(&watchdog->over);
    pthread_mutex_destroy(&watchdog->mutex);
    free(watchdog);
}
