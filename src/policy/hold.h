/* hold.h: how near a hold is to the end that the policy gives it, and what follows. Pure.
 * A base has a hold on the primary, and pins there what is deleted since. Two limits, either ends
 * it: its age, and the bytes that it pins, as last measured. */
#ifndef COEVAL_POLICY_HOLD_H
#define COEVAL_POLICY_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#define HOLD_BYTES_UNKNOWN UINT64_MAX
#define HOLD_NEVER INT64_MAX

enum policy_hold_action { POLICY_HOLD_RELEASE, POLICY_HOLD_KEEP };

struct policy_hold {
    int64_t age_us; /* 0: no limit */
    uint64_t bytes; /* 0: no limit */
    enum policy_hold_action action;
};

enum hold_level { HOLD_YOUNG, HOLD_HALF, HOLD_OVER };

enum hold_step {
    HOLD_SILENT,
    HOLD_TELL_HALF,
    HOLD_TELL_EXPIRED, /* it is kept, as the policy says */
    HOLD_TELL_WAITING, /* to be released, once nothing builds on it */
    HOLD_LET_GO
};

struct hold_verdict {
    enum hold_step step; /* by the worse of the two limits */
    enum hold_level by_age, by_bytes;
    int64_t next_age_us; /* at this age the verdict by age changes; HOLD_NEVER */
};

/* bytes HOLD_BYTES_UNKNOWN: not measured yet, or the store does not tell: only the age counts.
 * needed: an epoch is under way whose transfer builds on the base. */
struct hold_verdict hold_judge(const struct policy_hold *limits, int64_t age_us, uint64_t bytes,
                               bool needed);

#endif
