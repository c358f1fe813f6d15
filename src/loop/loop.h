/* loop.h: the event loop. loop/ is the only folder that knows libuv; one thread, the loop thread,
 * owns all state, and everything here but loop_post_from_thread() is called on it only. */
#ifndef COEVAL_LOOP_LOOP_H
#define COEVAL_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
typedef void loop_fn(void *context);

/* Sizes the work queue of the process; before the first loop_new(), in main(). */
void loop_set_pool_size(unsigned threads);
struct loop *loop_new(void);
/* Every timer, stream, poll and process must have been freed: a handle left open is a broken
 * invariant. */
void loop_free(struct loop *loop);
/* Returns after loop_stop(), once pending closes have been delivered and queued posts have run. */
void loop_run(struct loop *loop);
/* Runs until `until` returns true (then true), or loop_stop(), or timeout_ms have passed (false);
 * until NULL: for timeout_ms. For tests and tools. */
bool loop_run_until(struct loop *loop, bool (*until)(void *context), void *context, int timeout_ms);
void loop_stop(struct loop *loop);

int64_t loop_now_ms(struct loop *loop); /* CLOCK_MONOTONIC, read anew at each turn */
/* Queued, never called at once; in order. */
void loop_post(struct loop *loop, loop_fn *fn, void *context);
void loop_post_from_thread(struct loop *loop, loop_fn *fn, void *context);

#endif
