/* hold_test.c: half and all of a hold, by its age and by what it pins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/hold.h"

#define DAY ((int64_t)86400 * 1000000)

static const struct {
    struct policy_hold limits;
    int64_t age_us;
    uint64_t bytes;
    struct hold_verdict verdict;
} cases[] = {
    /* by age alone */
    {{14 * DAY, 0, 0}, 0, 5, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, 7 * DAY}},
    {{14 * DAY, 0, 0}, 7 * DAY - 1, 5, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, 7 * DAY}},
    {{14 * DAY, 0, 0}, 7 * DAY, 5, {HOLD_TELL_HALF, HOLD_HALF, HOLD_YOUNG, 14 * DAY}},
    {{14 * DAY, 0, 0}, 14 * DAY - 1, 5, {HOLD_TELL_HALF, HOLD_HALF, HOLD_YOUNG, 14 * DAY}},
    {{14 * DAY, 0, 0}, 14 * DAY, 5, {HOLD_LET_GO, HOLD_OVER, HOLD_YOUNG, HOLD_NEVER}},
    {{14 * DAY, 0, 0}, 400 * DAY, 0, {HOLD_LET_GO, HOLD_OVER, HOLD_YOUNG, HOLD_NEVER}},
    /* by bytes alone */
    {{0, 100, 0}, 400 * DAY, 49, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, HOLD_NEVER}},
    {{0, 100, 0}, 400 * DAY, 50, {HOLD_TELL_HALF, HOLD_YOUNG, HOLD_HALF, HOLD_NEVER}},
    {{0, 100, 0}, 0, 99, {HOLD_TELL_HALF, HOLD_YOUNG, HOLD_HALF, HOLD_NEVER}},
    {{0, 100, 0}, 0, 100, {HOLD_LET_GO, HOLD_YOUNG, HOLD_OVER, HOLD_NEVER}},
    {{0, 101, 0}, 0, 50, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, HOLD_NEVER}},
    {{0, 101, 0}, 0, 51, {HOLD_TELL_HALF, HOLD_YOUNG, HOLD_HALF, HOLD_NEVER}},
    {{0, 1, 0}, 0, 0, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, HOLD_NEVER}},
    {{0, UINT64_MAX - 1, 0},
     0,
     UINT64_MAX - 2,
     {HOLD_TELL_HALF, HOLD_YOUNG, HOLD_HALF, HOLD_NEVER}},
    /* whichever is worse */
    {{14 * DAY, 100, 0}, 8 * DAY, 10, {HOLD_TELL_HALF, HOLD_HALF, HOLD_YOUNG, 14 * DAY}},
    {{14 * DAY, 100, 0}, 8 * DAY, 100, {HOLD_LET_GO, HOLD_HALF, HOLD_OVER, 14 * DAY}},
    {{14 * DAY, 100, 0}, 14 * DAY, 60, {HOLD_LET_GO, HOLD_OVER, HOLD_HALF, HOLD_NEVER}},
    {{14 * DAY, 100, 0}, DAY, 60, {HOLD_TELL_HALF, HOLD_YOUNG, HOLD_HALF, 7 * DAY}},
    /* not measured: the age counts alone; no limits: nothing ever */
    {{14 * DAY, 100, 0}, DAY, HOLD_BYTES_UNKNOWN, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, 7 * DAY}},
    {{0, 100, 0}, 400 * DAY, HOLD_BYTES_UNKNOWN, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, HOLD_NEVER}},
    {{0, 0, 0}, 400 * DAY, 1000, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, HOLD_NEVER}},
    /* the clock was set back behind the base */
    {{14 * DAY, 0, 0}, -DAY, 0, {HOLD_SILENT, HOLD_YOUNG, HOLD_YOUNG, 7 * DAY}},
};

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hold_verdict verdict =
            hold_judge(&cases[i].limits, cases[i].age_us, cases[i].bytes, false);
        if (verdict.step != cases[i].verdict.step || verdict.by_age != cases[i].verdict.by_age ||
            verdict.by_bytes != cases[i].verdict.by_bytes ||
            verdict.next_age_us != cases[i].verdict.next_age_us)
            fail_msg("case %zu: %d %d %d %lld", i, (int)verdict.step, (int)verdict.by_age,
                     (int)verdict.by_bytes, (long long)verdict.next_age_us);
    }
}

static enum hold_step step_at(enum policy_hold_action action, int64_t age_us, bool needed)
{
    struct policy_hold limits = {14 * DAY, 0, action};
    return hold_judge(&limits, age_us, HOLD_BYTES_UNKNOWN, needed).step;
}

static void test_what_follows(void **state)
{
    (void)state;
    for (int needed = 0; needed < 2; needed++) {
        assert_int_equal(step_at(POLICY_HOLD_KEEP, 6 * DAY, needed), HOLD_SILENT);
        assert_int_equal(step_at(POLICY_HOLD_KEEP, 7 * DAY, needed), HOLD_TELL_HALF);
        assert_int_equal(step_at(POLICY_HOLD_KEEP, 14 * DAY, needed), HOLD_TELL_EXPIRED);
        assert_int_equal(step_at(POLICY_HOLD_RELEASE, 7 * DAY, needed), HOLD_TELL_HALF);
    }
    assert_int_equal(step_at(POLICY_HOLD_RELEASE, 14 * DAY, false), HOLD_LET_GO);
    assert_int_equal(step_at(POLICY_HOLD_RELEASE, 14 * DAY, true), HOLD_TELL_WAITING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_verdicts),
                                       cmocka_unit_test(test_what_follows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
