/* clock.h: the only place that reads clocks. The pure folders get the time as an argument. */
#ifndef COEVAL_BASE_CLOCK_H
#define COEVAL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_realtime_us(void);      /* UTC, microseconds since 1970 */
int64_t clock_monotonic_ns(void);     /* CLOCK_MONOTONIC: deadlines */
int64_t clock_monotonic_raw_ns(void); /* CLOCK_MONOTONIC_RAW: intervals of the moment */
int64_t clock_boottime_ns(void);      /* counts suspend: leases, clock-jump detection */
/* The kernel's own estimate of the error of CLOCK_REALTIME (adjtimex maxerror, microseconds);
 * *ret_synchronised is false when no time service disciplines the clock (STA_UNSYNC). */
int64_t clock_error_us(bool *ret_synchronised);

#endif
