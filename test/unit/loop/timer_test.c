/* timer_test.c: a timer is never early, restarts, stops, and may be freed by its own callback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "loop/timer.h"

#define MS_NS INT64_C(1000000)

struct shot {
    struct timer *timer;
    int64_t fired_ns;
    int count;
};

static void fire(void *context)
{
    struct shot *shot = context;
    shot->fired_ns = clock_monotonic_ns();
    shot->count++;
}

static bool fired(void *context)
{
    struct shot *shot = context;
    return shot->count > 0;
}

static void test_never_early(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct shot shot = {0};
    shot.timer = timer_new(loop, fire, &shot);
    for (int i = 0; i < 60; i++) {
        /* Busy for a part of a millisecond, so that the start falls anywhere inside one. */
        int64_t until_ns = clock_monotonic_ns() + i * 37 % 1000 * 1000;
        while (clock_monotonic_ns() < until_ns)
            ;
        shot.count = 0;
        int64_t delay_ms = i % 4;
        int64_t started_ns = clock_monotonic_ns();
        timer_start(shot.timer, delay_ms);
        assert_int_equal(shot.count, 0);
        assert_true(loop_run_until(loop, fired, &shot, 10000));
        assert_true(shot.fired_ns - started_ns >= delay_ms * MS_NS);
    }
    timer_free(shot.timer);
    loop_free(loop);
}

static void work_then_start(void *context)
{
    struct shot *shot = context;
    int64_t until_ns = clock_monotonic_ns() + 60 * MS_NS;
    while (clock_monotonic_ns() < until_ns)
        ;
    shot->fired_ns = 0;
    timer_start(shot->timer, 40);
}

static void test_long_work_before_the_start_is_not_counted(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct shot shot = {0};
    shot.timer = timer_new(loop, fire, &shot);
    int64_t started_ns = clock_monotonic_ns();
    loop_post(loop, work_then_start, &shot);
    assert_true(loop_run_until(loop, fired, &shot, 10000));
    assert_true(shot.fired_ns - started_ns >= 100 * MS_NS);
    timer_free(shot.timer);
    loop_free(loop);
}

static void test_restart_and_stop(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct shot moved = {0}, stopped = {0}, never = {0}, last = {0};
    moved.timer = timer_new(loop, fire, &moved);
    stopped.timer = timer_new(loop, fire, &stopped);
    never.timer = timer_new(loop, fire, &never);
    last.timer = timer_new(loop, fire, &last);
    timer_start(moved.timer, 600000);
    timer_start(moved.timer, 1);
    timer_start(stopped.timer, 1);
    timer_stop(stopped.timer);
    timer_start(never.timer, INT64_MAX);
    assert_true(loop_run_until(loop, fired, &moved, 10000));
    timer_start(last.timer, -5); /* a deadline that has passed already */
    assert_true(loop_run_until(loop, fired, &last, 10000));
    assert_int_equal(moved.count, 1);
    assert_int_equal(stopped.count, 0);
    assert_int_equal(never.count, 0);
    timer_free(moved.timer);
    timer_free(stopped.timer);
    timer_free(never.timer);
    timer_free(last.timer);
    timer_free(NULL);
    loop_free(loop);
}

static void fire_and_free(void *context)
{
    struct shot *shot = context;
    shot->count++;
    timer_free(shot->timer);
}

static void test_freed_by_its_callback(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct shot shot = {0};
    shot.timer = timer_new(loop, fire_and_free, &shot);
    timer_start(shot.timer, 0);
    assert_true(loop_run_until(loop, fired, &shot, 10000));
    loop_free(loop);
    assert_int_equal(shot.count, 1);
}

static void test_freed_while_running(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct shot shot = {0}, later = {0};
    shot.timer = timer_new(loop, fire, &shot);
    later.timer = timer_new(loop, fire, &later);
    timer_start(shot.timer, 1);
    timer_start(later.timer, 3);
    timer_free(shot.timer);
    assert_true(loop_run_until(loop, fired, &later, 10000));
    assert_int_equal(shot.count, 0);
    timer_free(later.timer);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_early),
        cmocka_unit_test(test_long_work_before_the_start_is_not_counted),
        cmocka_unit_test(test_restart_and_stop),
        cmocka_unit_test(test_freed_by_its_callback),
        cmocka_unit_test(test_freed_while_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
