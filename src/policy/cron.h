/* cron.h: five fields "minute hour day-of-month month day-of-week" in a time zone. Pure.
 * A field: '*', a number, a name (JAN, MON; case does not matter), a range a-b, a step behind '*'
 * or a range, or a list of these. Sunday is 0 and 7. When both day fields are restricted (neither
 * begins with '*'), a day that fits either is meant, as cron has always done. Local times that a
 * zone skips fire once, at the first instant after the gap; local times that come twice fire the
 * first time only. */
#ifndef COEVAL_POLICY_CRON_H
#define COEVAL_POLICY_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/zone.h"

struct cron {
    uint64_t minutes; /* bit 0 to 59 */
    uint32_t hours;   /* bit 0 to 23 */
    uint32_t days;    /* bit 1 to 31 */
    uint16_t months;  /* bit 1 to 12 */
    uint8_t weekdays; /* bit 0 (Sunday) to 6 */
    bool days_or_weekdays;
};

/* An expression that no date ever fits (30 February) is refused. */
bool cron_parse(const char *text, struct cron *ret_cron, struct error *error);
/* The first instant after after_us; there always is one, within 41 years. zone NULL: UTC. */
int64_t cron_next(const struct cron *cron, const struct zone *zone, int64_t after_us);
/* The last instant at or before until_us that is after after_us; false: none. */
bool cron_last(const struct cron *cron, const struct zone *zone, int64_t after_us, int64_t until_us,
               int64_t *ret_us);

#endif
