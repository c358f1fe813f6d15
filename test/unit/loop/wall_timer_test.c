/* wall_timer_test.c: instants on the wall clock. Jumps of the clock are played by interposing
 * clock_gettime() in this program: the offset is added to CLOCK_REALTIME only, as faketime does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fake/loop_turns.h"
#include "loop/loop.h"
#include "loop/timer.h"

static int64_t realtime_offset_s;

int clock_gettime(clockid_t id, struct timespec *ret_now)
{
    long result = syscall(SYS_clock_gettime, id, ret_now);
    if (id == CLOCK_REALTIME)
        ret_now->tv_sec += realtime_offset_s;
    return (int)result;
}

static bool clock_was_set;

/* What the kernel answers after settimeofday() to a timer with CANCEL_ON_SET. */
ssize_t read(int fd, void *data, size_t size)
{
    if (clock_was_set) {
        clock_was_set = false;
        errno = ECANCELED;
        return -1;
    }
    return syscall(SYS_read, fd, data, size);
}

struct shot {
    struct wall_timer *timer;
    int64_t fired_us;
    int count;
    bool clock_changed;
};

static void fire(void *context, bool clock_changed)
{
    struct shot *shot = context;
    shot->fired_us = clock_realtime_us();
    shot->clock_changed = clock_changed;
    shot->count++;
}

static bool fired(void *context)
{
    struct shot *shot = context;
    return shot->count > 0;
}

static int setup(void **state)
{
    static struct shot shot;
    shot = (struct shot){0};
    realtime_offset_s = 0;
    struct loop *loop = loop_new();
    shot.timer = wall_timer_new(loop, fire, &shot);
    static struct {
        struct loop *loop;
        struct shot *shot;
    } pair;
    pair.loop = loop;
    pair.shot = &shot;
    *state = &pair;
    return 0;
}

struct fixture {
    struct loop *loop;
    struct shot *shot;
};

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    wall_timer_free(fixture->shot->timer);
    loop_free(fixture->loop);
    return 0;
}

static void test_never_early(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 20; i++) {
        fixture->shot->count = 0;
        int64_t at_us = clock_realtime_us() + 1500 + i * 137;
        wall_timer_start(fixture->shot->timer, at_us);
        assert_true(loop_run_until(fixture->loop, fired, fixture->shot, 10000));
        assert_false(fixture->shot->clock_changed);
        assert_true(fixture->shot->fired_us >= at_us);
    }
}

static void test_a_past_instant_fires_at_once_but_not_inside(void **state)
{
    struct fixture *fixture = *state;
    static const int64_t past_us[] = {-1000000, 0, 1, 1000000};
    for (size_t i = 0; i < sizeof past_us / sizeof past_us[0]; i++) {
        fixture->shot->count = 0;
        wall_timer_start(fixture->shot->timer, past_us[i]);
        assert_int_equal(fixture->shot->count, 0);
        for (int turns = 0; turns < 100 && !fired(fixture->shot); turns++)
            loop_take_turns(fixture->loop); /* without the tick of a second */
        assert_false(fixture->shot->clock_changed);
        assert_int_equal(fixture->shot->count, 1);
    }
}

static void test_stopped_and_restarted(void **state)
{
    struct fixture *fixture = *state;
    wall_timer_start(fixture->shot->timer, 0);
    wall_timer_stop(fixture->shot->timer);
    loop_let_pass(fixture->loop, 20);
    assert_false(fired(fixture->shot));
    wall_timer_start(fixture->shot->timer, INT64_MAX);
    loop_let_pass(fixture->loop, 20);
    assert_false(fired(fixture->shot));
    wall_timer_start(fixture->shot->timer, clock_realtime_us() + 1000);
    assert_true(loop_run_until(fixture->loop, fired, fixture->shot, 10000));
    loop_take_turns(fixture->loop);
    assert_int_equal(fixture->shot->count, 1);
}

static void test_a_jump_is_told(void **state)
{
    struct fixture *fixture = *state;
    static const int64_t jumps_s[] = {3600, -3600};
    for (size_t i = 0; i < 2; i++) {
        fixture->shot->count = 0;
        wall_timer_start(fixture->shot->timer, clock_realtime_us() + INT64_C(86400000000));
        realtime_offset_s += jumps_s[i];
        assert_true(loop_run_until(fixture->loop, fired, fixture->shot, 10000));
        assert_true(fixture->shot->clock_changed);
    }
}

static void test_the_kernel_is_behind_our_clock(void **state)
{
    struct fixture *fixture = *state;
    realtime_offset_s = 3600; /* the timerfd would fire an hour late */
    int64_t at_us = clock_realtime_us() + 10000;
    wall_timer_start(fixture->shot->timer, at_us);
    assert_true(loop_run_until(fixture->loop, fired, fixture->shot, 10000));
    assert_false(fixture->shot->clock_changed);
    assert_true(fixture->shot->fired_us >= at_us);
}

static void test_the_kernel_is_ahead_of_our_clock(void **state)
{
    struct fixture *fixture = *state;
    realtime_offset_s = -3600; /* the timerfd fires an hour early */
    int64_t at_us = clock_realtime_us() + 1200000;
    wall_timer_start(fixture->shot->timer, at_us);
    assert_true(loop_run_until(fixture->loop, fired, fixture->shot, 10000));
    assert_false(fixture->shot->clock_changed);
    assert_true(fixture->shot->fired_us >= at_us);
}

static void test_a_set_clock_is_told(void **state)
{
    struct fixture *fixture = *state;
    clock_was_set = true;
    wall_timer_start(fixture->shot->timer, 0); /* readable at once, as a cancelled one is */
    assert_true(loop_run_until(fixture->loop, fired, fixture->shot, 10000));
    assert_true(fixture->shot->clock_changed);
    loop_take_turns(fixture->loop);
    assert_int_equal(fixture->shot->count, 1);
    wall_timer_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_never_early),
        TEST(test_a_past_instant_fires_at_once_but_not_inside),
        TEST(test_stopped_and_restarted),
        TEST(test_a_jump_is_told),
        TEST(test_a_set_clock_is_told),
        TEST(test_the_kernel_is_behind_our_clock),
        TEST(test_the_kernel_is_ahead_of_our_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
