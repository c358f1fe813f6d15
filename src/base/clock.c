/* clock.c: clock_gettime and adjtimex. */
#include "base/clock.h"

#include <sys/timex.h>
#include <time.h>

#include "base/check.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    CHECK(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_realtime_us(void)
{
    return read_ns(CLOCK_REALTIME) / 1000;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_raw_ns(void)
{
    return read_ns(CLOCK_MONOTONIC_RAW);
}

int64_t clock_boottime_ns(void)
{
    return read_ns(CLOCK_BOOTTIME);
}

int64_t clock_error_us(bool *ret_synchronised)
{
    struct timex state = {0};
    int result = adjtimex(&state);
    *ret_synchronised = result >= 0 && (state.status & STA_UNSYNC) == 0;
    return result < 0 ? -1 : (int64_t)state.maxerror;
}
