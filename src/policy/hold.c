/* hold.c: see hold.h. */
#include "policy/hold.h"

/* Half is rounded up: at a limit of 1 byte, nothing pinned is not half of it. */
static enum hold_level level_of(uint64_t value, uint64_t limit)
{
    if (limit == 0)
        return HOLD_YOUNG;
    return value >= limit ? HOLD_OVER : value >= limit - limit / 2 ? HOLD_HALF : HOLD_YOUNG;
}

static enum hold_step step_of(enum hold_level level, enum policy_hold_action action, bool needed)
{
    if (level != HOLD_OVER)
        return level == HOLD_HALF ? HOLD_TELL_HALF : HOLD_SILENT;
    if (action == POLICY_HOLD_KEEP)
        return HOLD_TELL_EXPIRED;
    return needed ? HOLD_TELL_WAITING : HOLD_LET_GO;
}

struct hold_verdict hold_judge(const struct policy_hold *limits, int64_t age_us, uint64_t bytes,
                               bool needed)
{
    struct hold_verdict verdict = {.next_age_us = HOLD_NEVER};
    uint64_t limit = (uint64_t)limits->age_us;
    /* A clock that was set back makes a base of the future: it is young. */
    verdict.by_age = level_of(age_us < 0 ? 0 : (uint64_t)age_us, limit);
    if (bytes != HOLD_BYTES_UNKNOWN)
        verdict.by_bytes = level_of(bytes, limits->bytes);
    verdict.step = step_of(verdict.by_age > verdict.by_bytes ? verdict.by_age : verdict.by_bytes,
                           limits->action, needed);
    if (limit != 0 && verdict.by_age != HOLD_OVER)
        verdict.next_age_us = (int64_t)(verdict.by_age == HOLD_HALF ? limit : limit - limit / 2);
    return verdict;
}
