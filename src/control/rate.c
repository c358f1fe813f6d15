/* rate.c: see rate.h. */
#include "control/rate.h"

#include <stdio.h>
#include <string.h>

#define MEASURE_US 200000 /* less says nothing */

void rate_measure(struct rate *rate, const struct status *status, int64_t now_us)
{
    uint64_t bytes = status->progress.bytes_done;
    bool begins = rate->at_us == 0 || now_us < rate->at_us || bytes < rate->bytes ||
                  strcmp(rate->phase, status->phase) != 0;
    if (begins)
        rate->bytes_per_second = 0;
    else if (now_us - rate->at_us < MEASURE_US)
        return;
    else {
        double seconds = (double)(now_us - rate->at_us) / 1e6;
        double now = (double)(bytes - rate->bytes) / seconds;
        rate->bytes_per_second =
            rate->bytes_per_second > 0 ? 0.7 * rate->bytes_per_second + 0.3 * now : now;
    }
    rate->at_us = now_us;
    rate->bytes = bytes;
    snprintf(rate->phase, sizeof rate->phase, "%s", status->phase);
}

int64_t rate_seconds_left(const struct rate *rate, const struct progress *progress)
{
    if (progress->bytes_total == 0 || rate->bytes_per_second <= 1)
        return -1;
    uint64_t left = progress->bytes_total > progress->bytes_done
                        ? progress->bytes_total - progress->bytes_done
                        : 0;
    return (int64_t)((double)left / rate->bytes_per_second);
}
