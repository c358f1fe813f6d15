/* moment_thread_test.c: T is never early, nobody waits for another one with the same T, and who is
 * disarmed hears so at once. Nothing here waits longer than to its own T, a few milliseconds off.
 */
#include "agent_bed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "agent/agent_private.h"
#include "agent/moment_thread.h"
#include "base/clock.h"

#define FAR_AWAY_US INT64_C(4102444800000000)

/* A moment that only tells when it fired. */
struct moment {
    atomic_int fired;
    int64_t fired_us;
};

static struct hold {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const struct moment *closed; /* it waits in fire() */
    bool reached;
} hold = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void fire(struct moment *moment)
{
    moment->fired_us = clock_realtime_us();
    atomic_fetch_add(&moment->fired, 1);
    pthread_mutex_lock(&hold.mutex);
    hold.reached = true;
    pthread_cond_broadcast(&hold.changed);
    while (hold.closed == moment)
        pthread_cond_wait(&hold.changed, &hold.mutex);
    pthread_mutex_unlock(&hold.mutex);
}

static const struct component component = {.kind = "unit", .moment_fire = fire};

struct part {
    struct armed armed;
    struct moment moments[2];
    bool is_over;
};

static void part_is_over(void *context)
{
    struct part *part = context;
    assert_false(part->is_over);
    part->is_over = true;
}

static bool is_over(void *context)
{
    return ((struct part *)context)->is_over;
}

static void arm(struct part *part, int64_t t_us, int64_t grace_us)
{
    struct error error = ERROR_NONE;
    *part = (struct part){.armed = {.t_us = t_us,
                                    .grace_us = grace_us,
                                    .components = {&component, &component},
                                    .moments = {&part->moments[0], &part->moments[1]},
                                    .moment_count = 2,
                                    .done = part_is_over,
                                    .context = part}};
    assert_true(moment_thread_arm(bed.agents[LYON], &part->armed, &error));
}

static size_t threads(void)
{
    return list_is_empty(&agent_parts(bed.agents[LYON])->moments)
               ? 0
               : 1 + (agent_parts(bed.agents[LYON])->moments.next->next !=
                      &agent_parts(bed.agents[LYON])->moments);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_not_before_t(void **state)
{
    struct part part;
    (void)state;
    for (int i = 0; i < 20; i++) {
        int64_t t_us = clock_realtime_us() + 3000 + i * 137;
        arm(&part, t_us, 60000000);
        bed_wait(is_over, &part);
        assert_int_equal(part.armed.outcome, MOMENT_FIRED);
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(part.moments[j].fired, 1);
            assert_true(part.moments[j].fired_us >= t_us);
        }
        assert_true(part.armed.fired_us >= t_us);
        assert_true(part.armed.fired_us <= part.moments[0].fired_us);
        assert_null(part.armed.thread);
        assert_int_equal(threads(), 0);
    }
}

static void test_t_is_past(void **state)
{
    struct part part;
    (void)state;
    arm(&part, clock_realtime_us() - 1000, 60000000);
    bed_wait(is_over, &part);
    assert_int_equal(part.armed.outcome, MOMENT_FIRED);
    arm(&part, 0, INT64_C(4102444800000000)); /* long past, within a grace without end */
    bed_wait(is_over, &part);
    assert_int_equal(part.armed.outcome, MOMENT_FIRED);
}

static void test_past_its_grace(void **state)
{
    struct part part;
    (void)state;
    arm(&part, clock_realtime_us() - 1000000, 999);
    bed_wait(is_over, &part);
    assert_int_equal(part.armed.outcome, MOMENT_MISSED);
    assert_int_equal(part.moments[0].fired, 0);
    assert_false(moment_thread_disarm(&part.armed)); /* it is over: missed, not disarmed */
}

static void test_a_thread_for_each(void **state)
{
    struct part first, second;
    (void)state;
    arm(&first, FAR_AWAY_US, 60000000);
    arm(&second, FAR_AWAY_US, 60000000);
    assert_ptr_not_equal(first.armed.thread, second.armed.thread);
    assert_int_equal(threads(), 2);
    assert_true(moment_thread_disarm(&first.armed));
    bed_wait(is_over, &first);
    assert_false(second.is_over);
    assert_true(moment_thread_disarm(&second.armed));
    bed_wait(is_over, &second);
}

/* A barrier that is not granted, or a server that does not answer, is that service's own. */
static void test_none_waits_for_another(void **state)
{
    struct part first, second;
    (void)state;
    int64_t t_us = clock_realtime_us() + 10000;
    hold.closed = &first.moments[0];
    arm(&first, t_us, 60000000);
    arm(&second, t_us, 60000000);
    bed_wait(is_over, &second);
    assert_int_equal(second.armed.outcome, MOMENT_FIRED);
    assert_false(first.is_over);
    pthread_mutex_lock(&hold.mutex);
    hold.closed = NULL;
    pthread_cond_broadcast(&hold.changed);
    pthread_mutex_unlock(&hold.mutex);
    bed_wait(is_over, &first);
    assert_int_equal(first.armed.outcome, MOMENT_FIRED);
}

static void test_all_of_one_t_fire(void **state)
{
    struct part first, second;
    (void)state;
    int64_t t_us = clock_realtime_us() + 100000;
    arm(&first, t_us, 60000000);
    arm(&second, t_us, 60000000);
    bed_wait(is_over, &first);
    bed_wait(is_over, &second);
    assert_int_equal(first.armed.outcome, MOMENT_FIRED);
    assert_int_equal(second.armed.outcome, MOMENT_FIRED);
}

static void test_disarmed_long_before(void **state)
{
    struct part part;
    (void)state;
    arm(&part, FAR_AWAY_US, 60000000);
    assert_true(moment_thread_disarm(&part.armed));
    assert_true(moment_thread_disarm(&part.armed)); /* asked twice */
    bed_wait(is_over, &part);
    assert_int_equal(part.armed.outcome, MOMENT_DISARMED);
    assert_int_equal(part.moments[0].fired, 0);
    assert_true(moment_thread_disarm(&part.armed)); /* and after its end */
    assert_int_equal(threads(), 0);
}

static void test_the_others_fire_all_the_same(void **state)
{
    struct part first, second;
    (void)state;
    int64_t t_us = clock_realtime_us() + 100000;
    arm(&first, t_us, 60000000);
    arm(&second, t_us, 60000000);
    bool disarmed = moment_thread_disarm(&first.armed); /* unless this was slow */
    bed_wait(is_over, &second);
    bed_wait(is_over, &first);
    assert_int_equal(first.armed.outcome, disarmed ? MOMENT_DISARMED : MOMENT_FIRED);
    assert_int_equal(second.armed.outcome, MOMENT_FIRED);
    assert_int_equal(first.moments[0].fired, disarmed ? 0 : 1);
}

static void test_armed_behind_a_disarm(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct part first, second;
        arm(&first, FAR_AWAY_US, 60000000);
        assert_true(moment_thread_disarm(&first.armed));
        arm(&second, FAR_AWAY_US, 60000000);
        bed_turn();
        assert_false(second.is_over);
        assert_true(moment_thread_disarm(&second.armed));
        bed_wait(is_over, &second);
        bed_wait(is_over, &first);
    }
}

static void test_no_way_back(void **state)
{
    struct part part;
    (void)state;
    hold.closed = &part.moments[0];
    hold.reached = false;
    arm(&part, clock_realtime_us(), 60000000);
    pthread_mutex_lock(&hold.mutex);
    while (!hold.reached)
        pthread_cond_wait(&hold.changed, &hold.mutex);
    pthread_mutex_unlock(&hold.mutex);
    assert_false(moment_thread_disarm(&part.armed)); /* it is firing */
    struct part late;
    arm(&late, part.armed.t_us, 60000000);
    assert_ptr_not_equal(late.armed.thread, part.armed.thread);
    pthread_mutex_lock(&hold.mutex);
    hold.closed = NULL;
    pthread_cond_broadcast(&hold.changed);
    pthread_mutex_unlock(&hold.mutex);
    bed_wait(is_over, &part);
    bed_wait(is_over, &late);
    assert_int_equal(part.armed.outcome, MOMENT_FIRED);
    assert_false(moment_thread_disarm(&part.armed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_not_before_t),           T(test_t_is_past),
        T(test_past_its_grace),         T(test_a_thread_for_each),
        T(test_none_waits_for_another), T(test_all_of_one_t_fire),
        T(test_disarmed_long_before),   T(test_the_others_fire_all_the_same),
        T(test_armed_behind_a_disarm),  T(test_no_way_back),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
