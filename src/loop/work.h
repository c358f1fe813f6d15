/* work.h: jobs for the work queue: straight-line, blocking code (an executor) that shares nothing
 * but its own context. */
#ifndef COEVAL_LOOP_WORK_H
#define COEVAL_LOOP_WORK_H

#include "loop/loop.h"

/* run() on a thread of the pool, then done() once on the loop thread, never inside work_start().
 * The context is kept until done(). A job cannot be taken back: it looks at its own abort flag. */
void work_start(struct loop *loop, loop_fn *run, loop_fn *done, void *context);
/* Jobs started and not done: a daemon ends only at zero. */
unsigned work_pending(struct loop *loop);

#endif
