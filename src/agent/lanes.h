/* lanes.h: many small files in flight at once within one executor: threads of its own that take
 * orders from a bounded queue, straight-line code each. Memory: lanes_count times one copy buffer
 * (1 MiB) and the queue (LANES_QUEUE_MAX orders). */
#ifndef COEVAL_AGENT_LANES_H
#define COEVAL_AGENT_LANES_H

#include "base/error.h"

#define LANES_MAX 64
#define LANES_QUEUE_MAX 512

struct lanes;
/* Carries out one order in a lane; frees it in any case. */
typedef bool lanes_fn(void *context, void *order, struct error *error);

struct lanes *lanes_new(unsigned count, lanes_fn *fn, void *context);
/* Waits while the queue is full. False: a lane has failed; the order was not taken. */
bool lanes_put(struct lanes *lanes, void *order, struct error *error);
/* Waits until everything is done; false with the first failure. Orders behind a failure are handed
 * to fn with nothing done by `skip` (they must be freed). */
bool lanes_finish(struct lanes *lanes, struct error *error);
void lanes_free(struct lanes *lanes, void (*skip)(void *order));

#endif
