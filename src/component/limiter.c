/* limiter.c: token buckets that may go into debt: a request larger than a burst is let through when
 * the bucket is full, and the next one waits for it. So a slow limit delays, and never blocks, a
 * large piece. */
#include "component/limiter.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"

#define BURST_SECONDS 0.1
#define NS_PER_SECOND 1e9

struct bucket {
    double rate;   /* a second; 0: unlimited */
    double tokens; /* below zero: debt */
};

struct limiter {
    struct limiter *parent;
    pthread_mutex_t mutex; /* always taken before the parent's */
    struct bucket bytes;
    struct bucket operations;
    int64_t filled_ns; /* when tokens were last added; 0: never */
};

struct limiter *limiter_new(struct limiter *parent)
{
    struct limiter *limiter = memory_new(sizeof *limiter);
    limiter->parent = parent;
    CHECK(pthread_mutex_init(&limiter->mutex, NULL) == 0);
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    if (limiter == NULL)
        return;
    CHECK(pthread_mutex_destroy(&limiter->mutex) == 0);
    free(limiter);
}

/* At least one whole token, or a rate below ten a second would never let anything through. */
static double burst_of(const struct bucket *bucket)
{
    double burst = bucket->rate * BURST_SECONDS;
    return burst < 1 ? 1 : burst;
}

static void set_rate(struct bucket *bucket, uint64_t rate)
{
    bool was_limited = bucket->rate > 0;
    bucket->rate = (double)rate;
    if (!was_limited || bucket->tokens > burst_of(bucket))
        bucket->tokens = burst_of(bucket);
}

void limiter_set(struct limiter *limiter, uint64_t bytes_per_second, uint64_t operations_per_second)
{
    pthread_mutex_lock(&limiter->mutex);
    set_rate(&limiter->bytes, bytes_per_second);
    set_rate(&limiter->operations, operations_per_second);
    pthread_mutex_unlock(&limiter->mutex);
}

static void fill(struct bucket *bucket, int64_t elapsed_ns)
{
    bucket->tokens += bucket->rate * ((double)elapsed_ns / NS_PER_SECOND);
    if (bucket->tokens > burst_of(bucket))
        bucket->tokens = burst_of(bucket);
}

/* Nanoseconds until `wanted` may be taken; 0: now. */
static int64_t wait_for(const struct bucket *bucket, uint64_t wanted)
{
    if (bucket->rate == 0 || wanted == 0)
        return 0;
    double need = (double)wanted;
    if (need > burst_of(bucket))
        need = burst_of(bucket);
    double missing = need - bucket->tokens;
    /* What rounding leaves of a token is not worth another wait. */
    return missing <= 1e-6 ? 0 : (int64_t)(missing / bucket->rate * NS_PER_SECOND) + 1;
}

static int64_t wait_of_one(struct limiter *limiter, uint64_t bytes, uint64_t operations,
                           int64_t now_ns)
{
    if (limiter->filled_ns != 0 && now_ns > limiter->filled_ns) {
        fill(&limiter->bytes, now_ns - limiter->filled_ns);
        fill(&limiter->operations, now_ns - limiter->filled_ns);
    }
    if (now_ns > limiter->filled_ns)
        limiter->filled_ns = now_ns;
    int64_t bytes_ns = wait_for(&limiter->bytes, bytes);
    int64_t operations_ns = wait_for(&limiter->operations, operations);
    return bytes_ns > operations_ns ? bytes_ns : operations_ns;
}

int64_t limiter_take(struct limiter *limiter, uint64_t bytes, uint64_t operations, int64_t now_ns)
{
    CHECK(limiter != NULL);
    pthread_mutex_lock(&limiter->mutex);
    int64_t wait_ns = wait_of_one(limiter, bytes, operations, now_ns);
    if (wait_ns == 0 && limiter->parent != NULL)
        wait_ns = limiter_take(limiter->parent, bytes, operations, now_ns);
    if (wait_ns == 0) {
        if (limiter->bytes.rate > 0)
            limiter->bytes.tokens -= (double)bytes;
        if (limiter->operations.rate > 0)
            limiter->operations.tokens -= (double)operations;
    }
    pthread_mutex_unlock(&limiter->mutex);
    return wait_ns;
}
