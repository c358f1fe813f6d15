/* loop_turns.h: whole turns of a loop, for tests that look at what was posted, closed or due. They
 * are counted, not timed: each comes, however long the machine had other things to do. */
#ifndef COEVAL_FAKE_LOOP_TURNS_H
#define COEVAL_FAKE_LOOP_TURNS_H

#include "base/check.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct loop_turns {
    struct loop *loop;
    unsigned left;
};

static inline bool loop_turns_are_over(void *context)
{
    return ((struct loop_turns *)context)->left == 0;
}

static inline void loop_turns_count(void *context)
{
    struct loop_turns *turns = context;
    if (--turns->left > 0)
        loop_post(turns->loop, loop_turns_count, turns);
}

/* Ten: more than any row of posts, each of which brings the next one, that a test looks at. Nothing
 * is waited for: what a thread or a peer does may still come. */
static inline void loop_take_turns(struct loop *loop)
{
    struct loop_turns turns = {loop, 10};
    loop_post(loop, loop_turns_count, &turns);
    CHECK(loop_run_until(loop, loop_turns_are_over, &turns, 120000));
}

static inline void loop_turns_ring(void *context)
{
    *(bool *)context = true;
}

static inline bool loop_turns_rang(void *context)
{
    return *(bool *)context;
}

/* So much of the loop's own time: what was set to an earlier instant has fired, and what is ready
 * was looked at. */
static inline void loop_let_pass(struct loop *loop, int64_t ms)
{
    bool rang = false;
    struct timer *timer = timer_new(loop, loop_turns_ring, &rang);
    timer_start(timer, ms);
    CHECK(loop_run_until(loop, loop_turns_rang, &rang, 120000));
    timer_free(timer);
    loop_take_turns(loop);
}

#endif
