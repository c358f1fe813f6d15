/* simulate_test.c: merged steps of several schedules. Times are seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "policy/simulate.h"

#define S ((int64_t)1000000)

static struct schedule_rule every(int64_t first, int64_t period)
{
    return (struct schedule_rule){.first = SCHEDULE_FIRST_AT,
                                  .first_us = first * S,
                                  .period = SCHEDULE_EVERY,
                                  .every_us = period * S,
                                  .lead_us = 10 * S,
                                  .grace_us = 20 * S};
}

static void test_merged_in_time(void **state)
{
    (void)state;
    struct schedule_rule a = every(100, 100), b = every(250, 100);
    struct simulate_policy policies[] = {
        {"a", &a, schedule_begin(&a, 0), 0},
        {"b", &b, schedule_begin(&b, 0), 30 * S},
    };
    static const struct {
        size_t policy;
        int64_t slot;
    } expected[] = {{0, 100}, {0, 200}, {1, 250}, {0, 300}, {1, 350}, {0, 400}};
    struct simulate_step *steps;
    size_t count;
    bool more;
    struct arena arena;
    arena_init(&arena);
    simulate(policies, 2, 0, 400 * S, &arena, &steps, &count, &more);
    assert_false(more);
    assert_int_equal(count, ARRAY_LENGTH(expected));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(steps[i].policy, expected[i].policy);
        assert_int_equal(steps[i].decision.action, SCHEDULE_FIRE);
        assert_int_equal(steps[i].decision.moment_us, expected[i].slot * S);
        assert_int_equal(steps[i].at_us, (expected[i].slot - 10) * S);
    }
    arena_fini(&arena);
}

static void test_long_epochs_overrun(void **state)
{
    (void)state;
    struct schedule_rule rule = every(100, 100);
    struct simulate_policy policy = {"a", &rule, schedule_begin(&rule, 0), 150 * S};
    struct simulate_step *steps;
    size_t count;
    bool more;
    struct arena arena;
    arena_init(&arena);
    simulate(&policy, 1, 0, 399 * S, &arena, &steps, &count, &more);
    assert_int_equal(count, 3); /* 100 runs until 250, 200 is skipped, 300 runs */
    assert_int_equal(steps[0].decision.slot_us, 100 * S);
    assert_int_equal(steps[1].at_us, 200 * S);
    assert_int_equal(steps[1].decision.passed.overrun, 1);
    assert_int_equal(steps[2].decision.slot_us, 300 * S);
    arena_fini(&arena);
}

static void test_running_now_and_paused(void **state)
{
    (void)state;
    struct schedule_rule rule = every(100, 100);
    struct simulate_policy policies[] = {
        {"running", &rule, schedule_begin(&rule, 0), 0},
        {"paused", &rule, schedule_begin(&rule, 0), 0},
    };
    policies[0].state.running = true;
    schedule_pause(&policies[1].state);
    struct simulate_step *steps;
    size_t count;
    bool more;
    struct arena arena;
    arena_init(&arena);
    simulate(policies, 2, 0, 150 * S, &arena, &steps, &count, &more);
    assert_int_equal(count, 1);
    assert_int_equal(steps[0].policy, 0);
    simulate(NULL, 0, 0, 150 * S, &arena, &steps, &count, &more);
    assert_int_equal(count, 0);
    arena_fini(&arena);
}

static void test_limit(void **state)
{
    (void)state;
    struct schedule_rule rule = every(100, 20);
    struct simulate_policy policy = {"a", &rule, schedule_begin(&rule, 0), S};
    struct simulate_step *steps;
    size_t count;
    bool more;
    struct arena arena;
    arena_init(&arena);
    int64_t last = 100 + (SIMULATE_STEPS_MAX - 1) * 20;
    simulate(&policy, 1, 0, last * S, &arena, &steps, &count, &more);
    assert_int_equal(count, SIMULATE_STEPS_MAX);
    assert_false(more);
    simulate(&policy, 1, 0, (last + 20) * S, &arena, &steps, &count, &more);
    assert_int_equal(count, SIMULATE_STEPS_MAX);
    assert_true(more);
    assert_int_equal(steps[count - 1].decision.slot_us, last * S);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merged_in_time),
        cmocka_unit_test(test_long_epochs_overrun),
        cmocka_unit_test(test_running_now_and_paused),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
