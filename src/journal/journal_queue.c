/* journal_queue.c: group commit: while one transaction is on its way to the disk, the next one
 * gathers; see journal_queue.h. */
#include "journal/journal_queue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"

#define GROUP_RECORDS_MAX ((size_t)1000)
#define GROUP_BYTES_MAX ((size_t)1 << 20)
#define IDLE_SECONDS 60

struct journal_queue {
    struct journal_queue_options options;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* the thread waits here */

    /* under the mutex */
    struct list waiting, finished;
    size_t records, bytes; /* added, and done has not run */
    struct error error;    /* why the journal is suspended or failed */
    bool suspended;        /* the loop has to hear of a failure before anything else is written */
    bool failed;
    bool closing;
    bool posted; /* deliver() is on its way to the loop */

    /* the loop's own */
    struct list delivering;
    unsigned users; /* deliver() calls that are running: done may close the journal */
    bool told;      /* failed callback */
    bool closed;
};

static void *run_thread(void *context);
static void deliver(void *context);

static void init_clockwork(struct journal_queue *queue)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&queue->mutex, NULL);
}

static void free_queue(struct journal_queue *queue)
{
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

bool journal_queue_new(const struct journal_queue_options *options,
                       struct journal_queue **ret_queue, struct error *error)
{
    struct journal_queue *queue = memory_new(sizeof *queue);
    sigset_t all, before;
    queue->options = *options;
    list_init(&queue->waiting);
    list_init(&queue->finished);
    list_init(&queue->delivering);
    init_clockwork(queue);
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&queue->thread, NULL, run_thread, queue);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0) {
        free_queue(queue);
        return error_set_errno(error, number, "start the journal's thread");
    }
    *ret_queue = queue;
    return true;
}

/* Adding */

static char *copy_text(char **place, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*place, text, size);
    *place += size;
    return copy;
}

static struct journal_batch *new_batch(const struct journal_append *records, size_t count,
                                       size_t bytes)
{
    size_t head = sizeof(struct journal_batch) + count * sizeof records[0];
    struct journal_batch *batch = memory_new(head + bytes);
    char *place = (char *)batch + head;
    list_init(&batch->node);
    batch->count = count;
    batch->bytes = bytes;
    batch->realtime_us = clock_realtime_us();
    batch->boottime_ns = clock_boottime_ns();
    for (size_t i = 0; i < count; i++) {
        batch->records[i] = records[i];
        batch->records[i].key = copy_text(&place, records[i].key);
        batch->records[i].payload = copy_text(&place, records[i].payload);
    }
    CHECK(place == (char *)batch + head + bytes);
    return batch;
}

/* With the mutex held. */
static bool may_add(const struct journal_queue *queue, size_t count, size_t bytes,
                    struct error *error)
{
    if (queue->failed) {
        *error = queue->error;
        return error_wrap(error, "the journal is lost");
    }
    if (queue->closing)
        return error_set(error, ERROR_CANCELED, "the journal is being closed");
    if (count > JOURNAL_QUEUE_RECORDS_MAX - queue->records ||
        bytes > JOURNAL_QUEUE_BYTES_MAX - queue->bytes)
        return error_set(error, ERROR_LIMIT,
                         "the journal's queue is full (%zu records, %zu bytes): the disk is slower "
                         "than the work; try again later",
                         queue->records, queue->bytes);
    return true;
}

bool journal_queue_add(struct journal_queue *queue, const struct journal_append *records,
                       size_t count, journal_done_fn *done, void *context, struct error *error)
{
    size_t bytes;
    if (!journal_append_check(records, count, &bytes, error))
        return false;
    pthread_mutex_lock(&queue->mutex);
    bool added = may_add(queue, count, bytes, error);
    if (added) {
        struct journal_batch *batch = new_batch(records, count, bytes);
        batch->done = done;
        batch->context = context;
        queue->records += count;
        queue->bytes += bytes;
        list_append(&queue->waiting, &batch->node);
        pthread_cond_signal(&queue->wake);
    }
    pthread_mutex_unlock(&queue->mutex);
    return added;
}

/* The thread */

/* With the mutex held. False: there is nothing more to do. */
static bool wait_for_work(struct journal_queue *queue)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += IDLE_SECONDS;
    while (queue->suspended || list_is_empty(&queue->waiting)) {
        if (queue->closing)
            return false;
        if (pthread_cond_timedwait(&queue->wake, &queue->mutex, &deadline) != ETIMEDOUT)
            continue;
        pthread_mutex_unlock(&queue->mutex);
        queue->options.idle(queue->options.context);
        pthread_mutex_lock(&queue->mutex);
        deadline.tv_sec += IDLE_SECONDS;
    }
    return true;
}

/* At least one batch, and more while they are small: a batch is never split. */
static void take_group(struct journal_queue *queue, struct list *group)
{
    size_t records = 0, bytes = 0;
    list_for_each(batch, &queue->waiting, struct journal_batch, node) {
        records += batch->count;
        bytes += batch->bytes;
        if (!list_is_empty(group) && (records > GROUP_RECORDS_MAX || bytes > GROUP_BYTES_MAX))
            return;
        list_remove(&batch->node);
        list_append(group, &batch->node);
    }
}

/* With the mutex held. */
static void finish_group(struct journal_queue *queue, struct list *group, bool durable,
                         const struct error *error)
{
    list_for_each(batch, group, struct journal_batch, node) {
        batch->durable = durable;
        list_remove(&batch->node);
        list_append(&queue->finished, &batch->node);
    }
    if (!durable) {
        CHECK(error->code != ERROR_OK);
        queue->error = *error;
        queue->suspended = true;
        queue->failed = error->code != ERROR_NO_SPACE;
    }
    if (!queue->posted) {
        queue->posted = true;
        loop_post_from_thread(queue->options.loop, deliver, queue);
    }
}

static void *run_thread(void *context)
{
    struct journal_queue *queue = context;
    pthread_mutex_lock(&queue->mutex);
    while (wait_for_work(queue)) {
        struct list group;
        struct error error = ERROR_NONE;
        list_init(&group);
        take_group(queue, &group);
        pthread_mutex_unlock(&queue->mutex);
        bool durable = queue->options.write(queue->options.context, &group, &error);
        pthread_mutex_lock(&queue->mutex);
        finish_group(queue, &group, durable, &error);
    }
    pthread_mutex_unlock(&queue->mutex);
    return NULL;
}

/* Back on the loop */

static void move_all(struct list *from, struct list *to)
{
    list_for_each(batch, from, struct journal_batch, node) {
        list_remove(&batch->node);
        list_append(to, &batch->node);
    }
}

/* What waits behind a failure fails with it; after that, the journal may try again. */
static struct error collect(struct journal_queue *queue, bool *ret_failed)
{
    pthread_mutex_lock(&queue->mutex);
    move_all(&queue->finished, &queue->delivering);
    if (queue->suspended)
        move_all(&queue->waiting, &queue->delivering);
    queue->suspended = queue->failed;
    struct error error = queue->error;
    *ret_failed = queue->failed;
    pthread_cond_signal(&queue->wake);
    pthread_mutex_unlock(&queue->mutex);
    return error;
}

static void finish_batch(struct journal_queue *queue, struct journal_batch *batch,
                         const struct error *error)
{
    struct error outcome = batch->durable ? ERROR_NONE : *error;
    journal_done_fn *done = batch->done;
    void *context = batch->context;
    pthread_mutex_lock(&queue->mutex);
    queue->records -= batch->count;
    queue->bytes -= batch->bytes;
    pthread_mutex_unlock(&queue->mutex);
    list_remove(&batch->node);
    free(batch);
    if (done != NULL)
        done(context, &outcome);
}

/* A done callback may close the journal: the inner call then delivers the rest, in order, and the
 * outer one finds nothing left. */
static void deliver_all(struct journal_queue *queue)
{
    bool failed;
    struct error error = collect(queue, &failed);
    queue->users++;
    while (!list_is_empty(&queue->delivering))
        finish_batch(queue, list_entry(queue->delivering.next, struct journal_batch, node), &error);
    if (failed && !queue->told) {
        queue->told = true;
        if (queue->options.failed != NULL)
            queue->options.failed(queue->options.failed_context, &error);
    }
    queue->users--;
    if (queue->closed && queue->users == 0 && !queue->posted)
        free_queue(queue);
}

static void deliver(void *context)
{
    struct journal_queue *queue = context;
    pthread_mutex_lock(&queue->mutex);
    queue->posted = false;
    pthread_mutex_unlock(&queue->mutex);
    deliver_all(queue);
}

void journal_queue_close(struct journal_queue *queue)
{
    CHECK(!queue->closed);
    pthread_mutex_lock(&queue->mutex);
    queue->closing = true;
    pthread_cond_signal(&queue->wake);
    pthread_mutex_unlock(&queue->mutex);
    pthread_join(queue->thread, NULL);
    queue->closed = true;
    deliver_all(queue);
}
