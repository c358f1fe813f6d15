/* limiter_spy.h: a limiter that never makes anybody wait and knows what was taken from it. Linked
 * instead of component/limiter.c. */
#ifndef COEVAL_TEST_LIMITER_SPY_H
#define COEVAL_TEST_LIMITER_SPY_H

#include "component/limiter.h"

struct limiter {
    uint64_t bytes, operations;
};

#endif
