/* limiter.h: token buckets for bytes and operations a second, shared by all executors of a service
 * or of a device, changeable while they run. */
#ifndef COEVAL_COMPONENT_LIMITER_H
#define COEVAL_COMPONENT_LIMITER_H

#include <stdint.h>

struct limiter;
/* A parent (the device's) is asked as well; NULL: none. The parent must live longer. */
struct limiter *limiter_new(struct limiter *parent);
void limiter_free(struct limiter *limiter);
void limiter_set(struct limiter *limiter, uint64_t bytes_per_second,
                 uint64_t operations_per_second);
/* 0: taken, go on. Otherwise nothing was taken: ask again after so many nanoseconds. Bursts are one
 * tenth of a second's worth; 0 per second means unlimited. One request may be larger than a burst:
 * it is let through when the bucket is full and paid for by whoever comes next. */
int64_t limiter_take(struct limiter *limiter, uint64_t bytes, uint64_t operations, int64_t now_ns);

#endif
