/* lanes.c: see lanes.h. */
#include "agent/lanes.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"

struct lanes {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* room, orders, or the end */
    pthread_t threads[LANES_MAX];
    unsigned count;
    void *queue[LANES_QUEUE_MAX];
    size_t first, waiting, busy;
    bool ending, failed;
    struct error error;
    lanes_fn *fn;
    void *context;
};

static void *run_lane(void *argument)
{
    struct lanes *lanes = argument;
    pthread_mutex_lock(&lanes->mutex);
    for (;;) {
        while (!lanes->ending && (lanes->waiting == 0 || lanes->failed))
            pthread_cond_wait(&lanes->changed, &lanes->mutex);
        if (lanes->waiting == 0 || lanes->failed)
            break;
        void *order = lanes->queue[lanes->first];
        lanes->first = (lanes->first + 1) % LANES_QUEUE_MAX;
        lanes->waiting--;
        lanes->busy++;
        pthread_cond_broadcast(&lanes->changed);
        pthread_mutex_unlock(&lanes->mutex);
        struct error error = ERROR_NONE;
        bool done = lanes->fn(lanes->context, order, &error);
        pthread_mutex_lock(&lanes->mutex);
        lanes->busy--;
        if (!done && !lanes->failed) {
            lanes->failed = true;
            lanes->error = error;
        }
        pthread_cond_broadcast(&lanes->changed);
    }
    pthread_mutex_unlock(&lanes->mutex);
    return NULL;
}

struct lanes *lanes_new(unsigned count, lanes_fn *fn, void *context)
{
    struct lanes *lanes = memory_new(sizeof *lanes);
    CHECK(count > 0 && count <= LANES_MAX);
    lanes->fn = fn;
    lanes->context = context;
    CHECK(pthread_mutex_init(&lanes->mutex, NULL) == 0);
    CHECK(pthread_cond_init(&lanes->changed, NULL) == 0);
    /* Fewer threads than asked for is slower, not wrong; none at all is out of memory. */
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&lanes->threads[lanes->count], NULL, run_lane, lanes) == 0)
            lanes->count++;
    CHECK(lanes->count > 0);
    return lanes;
}

bool lanes_put(struct lanes *lanes, void *order, struct error *error)
{
    pthread_mutex_lock(&lanes->mutex);
    while (lanes->waiting == LANES_QUEUE_MAX && !lanes->failed)
        pthread_cond_wait(&lanes->changed, &lanes->mutex);
    bool taken = !lanes->failed;
    if (taken) {
        lanes->queue[(lanes->first + lanes->waiting++) % LANES_QUEUE_MAX] = order;
        pthread_cond_broadcast(&lanes->changed);
    } else {
        *error = lanes->error;
    }
    pthread_mutex_unlock(&lanes->mutex);
    return taken;
}

bool lanes_finish(struct lanes *lanes, struct error *error)
{
    pthread_mutex_lock(&lanes->mutex);
    while (lanes->busy > 0 || (lanes->waiting > 0 && !lanes->failed))
        pthread_cond_wait(&lanes->changed, &lanes->mutex);
    bool good = !lanes->failed;
    if (!good)
        *error = lanes->error;
    pthread_mutex_unlock(&lanes->mutex);
    return good;
}

void lanes_free(struct lanes *lanes, void (*skip)(void *order))
{
    if (lanes == NULL)
        return;
    pthread_mutex_lock(&lanes->mutex);
    lanes->ending = true;
    pthread_cond_broadcast(&lanes->changed);
    pthread_mutex_unlock(&lanes->mutex);
    for (unsigned i = 0; i < lanes->count; i++)
        pthread_join(lanes->threads[i], NULL);
    for (; lanes->waiting > 0; lanes->waiting--) {
        skip(lanes->queue[lanes->first]);
        lanes->first = (lanes->first + 1) % LANES_QUEUE_MAX;
    }
    pthread_cond_destroy(&lanes->changed);
    pthread_mutex_destroy(&lanes->mutex);
    free(lanes);
}
