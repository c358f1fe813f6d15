/* world_defects.c: what is planted, by the linker, in the place of the real function (--wrap): each
 * calls it as long as its defect was not asked for. */
#include <string.h>

#include "agent/area_epochs.h"
#include "agent/commit.h"
#include "agent/precedence.h"
#include "base/check.h"
#include "control/control.h"
#include "policy/retention.h"
#include "world.h"

#define WRAPPED(result, name, ...)     \
    result __real_##name(__VA_ARGS__); \
    result __wrap_##name(__VA_ARGS__); \
    result __wrap_##name(__VA_ARGS__)

static bool planted(enum defect defect)
{
    return world.defect == defect;
}

WRAPPED(void, control_record, struct control *control, const struct journal_append *records,
        size_t count, journal_done_fn *done, void *context)
{
    bool early = planted(DEFECT_EFFECTS_BEFORE_RECORD) && records[0].type == JOURNAL_EPOCH;
    if (early && done != NULL)
        done(context, &ERROR_NONE);
    __real_control_record(control, records, count, early ? NULL : done, context);
}

WRAPPED(bool, commit_compare, struct commit *commit, struct commit_member *item, const char *to,
        struct error *error)
{
    return planted(DEFECT_SEAL_BEFORE_VERIFY) || __real_commit_compare(commit, item, to, error);
}

WRAPPED(bool, commit_verify, struct commit *commit, struct commit_member *item, struct error *error)
{
    return planted(DEFECT_SEAL_BEFORE_VERIFY) || __real_commit_verify(commit, item, error);
}

WRAPPED(bool, commit_check_placed, struct commit *commit, struct commit_member *item,
        struct error *error)
{
    return planted(DEFECT_PLACED_UNSEEN) || __real_commit_check_placed(commit, item, error);
}

WRAPPED(bool, commit_save_foreign, struct commit *commit, struct commit_member *item,
        struct error *error)
{
    return planted(DEFECT_PARKED_UNSEEN) || __real_commit_save_foreign(commit, item, error);
}

WRAPPED(bool, commit_save_returning, struct commit *commit, struct commit_member *item,
        struct error *error)
{
    return planted(DEFECT_OTHERS_UNSAVED) || __real_commit_save_returning(commit, item, error);
}

WRAPPED(bool, plan_build, struct changes *changes, const char *subject, struct arena *arena,
        struct plan *ret_plan, struct error *error)
{
    if (!__real_plan_build(changes, subject, arena, ret_plan, error))
        return false;
    size_t count = planted(DEFECT_PARK_ASCENDING) ? ret_plan->park_count : 0;
    for (size_t i = 0; i < count / 2; i++) {
        struct plan_step step = ret_plan->steps[i];
        ret_plan->steps[i] = ret_plan->steps[count - 1 - i];
        ret_plan->steps[count - 1 - i] = step;
    }
    return true;
}

WRAPPED(bool, precedence_admits, struct agent *agent, const struct instruction *instruction,
        struct error *error)
{
    return planted(DEFECT_DISARM_FORGOTTEN) || __real_precedence_admits(agent, instruction, error);
}

WRAPPED(size_t, retention_choose, const struct retention_rule *rule,
        const struct retention_seal *seals, size_t count, int64_t now_us, uint64_t *ret_numbers)
{
    if (!planted(DEFECT_RETIRE_BASE))
        return __real_retention_choose(rule, seals, count, now_us, ret_numbers);
    for (size_t i = 0; i < count; i++)
        ret_numbers[i] = seals[i].number;
    return count;
}

WRAPPED(bool, area_newest_seal, struct store_ref ref, const struct call *call, const char *pair,
        const char *service, int64_t below, struct area_epoch *ret_epoch, bool *ret_found,
        struct error *error)
{
    if (!__real_area_newest_seal(ref, call, pair, service, below, ret_epoch, ret_found, error))
        return false;
    if (planted(DEFECT_RETIRE_BASE))
        *ret_found = false;
    return true;
}
