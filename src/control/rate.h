/* rate.h: how fast bytes move in one phase of an instruction, and how long the rest will take. For
 * people: smoothed, for lanes finish in bursts. */
#ifndef COEVAL_CONTROL_RATE_H
#define COEVAL_CONTROL_RATE_H

#include "agent/protocol.h"

struct rate {
    int64_t at_us; /* 0: nothing was measured */
    uint64_t bytes;
    double bytes_per_second;
    char phase[32]; /* what one moves says nothing of the next */
};
void rate_measure(struct rate *rate, const struct status *status, int64_t now_us);
/* -1: nobody knows. */
int64_t rate_seconds_left(const struct rate *rate, const struct progress *progress);

#endif
