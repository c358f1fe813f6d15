/* duration.h: lengths of time, sizes and rates as people write them. Pure.
 * Durations are ISO 8601 in weeks, days, hours, minutes, seconds (fraction of up to six digits):
 * PT15M, P1DT2H, P2W, PT0.5S. Years and months have no fixed length and are refused. */
#ifndef COEVAL_POLICY_DURATION_H
#define COEVAL_POLICY_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define DURATION_TEXT_SIZE 40
#define DURATION_US_MAX ((int64_t)36525 * 86400 * 1000000) /* a hundred years */
#define SIZE_MAX_BYTES ((uint64_t)INT64_MAX)               /* what JSON carries */

/* Zero and what is over DURATION_US_MAX are refused. */
bool duration_parse(const char *text, int64_t *ret_us, struct error *error);
/* The one canonical form: P[nD][T[nH][nM][nS]]. For 0 < duration_us <= DURATION_US_MAX. */
void duration_format(int64_t duration_us, char ret_text[DURATION_TEXT_SIZE]);

/* "4096", "10MB" (powers of 1000), "10MiB" (powers of 1024), B to EiB, no fraction, not zero. */
bool size_parse(const char *text, uint64_t *ret_bytes, struct error *error);
/* The same with "/s" behind it or not. */
bool rate_parse(const char *text, uint64_t *ret_bytes_per_second, struct error *error);

#endif
