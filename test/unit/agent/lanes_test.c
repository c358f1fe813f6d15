/* lanes_test.c: every order is freed once, failures stop what waits, and the queue is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "agent/lanes.h"

#define ORDERS 2000

struct order {
    atomic_int done, skipped;
};

static struct order orders[ORDERS];
static atomic_int put_count, begun, fail_at, beyond, others;

/* A gate that lanes pass one by one, while it is closed. */
static struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int may_pass, waiting; /* may_pass -1: open */
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void pass_gate(void)
{
    pthread_mutex_lock(&gate.mutex);
    gate.waiting++;
    pthread_cond_broadcast(&gate.changed);
    while (gate.may_pass == 0)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    gate.may_pass -= gate.may_pass > 0;
    gate.waiting--;
    pthread_mutex_unlock(&gate.mutex);
}

static void set_gate(int may_pass)
{
    pthread_mutex_lock(&gate.mutex);
    gate.may_pass = may_pass;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

static void wait_for_lanes(int count)
{
    pthread_mutex_lock(&gate.mutex);
    while (gate.waiting < count)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
}

static bool carry_out(void *context, void *order, struct error *error)
{
    struct order *its = order;
    assert_ptr_equal(context, orders);
    int started = atomic_fetch_add(&begun, 1) + 1;
    /* Another lane may have taken one, and not have come to count it. */
    if (atomic_load(&put_count) - started > LANES_QUEUE_MAX + atomic_load(&others))
        atomic_fetch_add(&beyond, 1);
    pass_gate();
    atomic_fetch_add(&its->done, 1);
    if (atomic_load(&fail_at) >= 0 && its == &orders[atomic_load(&fail_at)])
        return error_set(error, ERROR_DENIED, "order %d", atomic_load(&fail_at));
    return true;
}

static void pass_over(void *order)
{
    atomic_fetch_add(&((struct order *)order)->skipped, 1);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < ORDERS; i++) {
        atomic_store(&orders[i].done, 0);
        atomic_store(&orders[i].skipped, 0);
    }
    atomic_store(&put_count, 0);
    atomic_store(&begun, 0);
    atomic_store(&beyond, 0);
    atomic_store(&fail_at, -1);
    atomic_store(&others, 0);
    gate.waiting = 0;
    set_gate(-1);
    return 0;
}

/* How many were taken. */
static int put_all(struct lanes *lanes, int first, int count, struct error *error)
{
    for (int i = 0; i < count; i++) {
        if (!lanes_put(lanes, &orders[first + i], error))
            return i;
        atomic_fetch_add(&put_count, 1);
    }
    return count;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_all_are_done_once(void **state)
{
    static const unsigned counts[] = {1, 3, LANES_MAX};
    (void)state;
    for (size_t c = 0; c < 3; c++) {
        struct error error = ERROR_NONE;
        set_up(NULL);
        atomic_store(&others, (int)counts[c] - 1);
        struct lanes *lanes = lanes_new(counts[c], carry_out, orders);
        assert_int_equal(put_all(lanes, 0, ORDERS, &error), ORDERS);
        assert_true(lanes_finish(lanes, &error));
        lanes_free(lanes, pass_over);
        for (size_t i = 0; i < ORDERS; i++)
            assert_int_equal(orders[i].done, 1);
        assert_int_equal(beyond, 0);
    }
}

static void test_several_at_once(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    set_gate(0);
    struct lanes *lanes = lanes_new(4, carry_out, orders);
    put_all(lanes, 0, 4, &error);
    wait_for_lanes(4); /* hangs if they came one by one */
    set_gate(-1);
    assert_true(lanes_finish(lanes, &error));
    assert_int_equal(put_all(lanes, 4, 4, &error), 4); /* it goes on after a finish */
    assert_true(lanes_finish(lanes, &error));
    lanes_free(lanes, pass_over);
    assert_int_equal(begun, 8);
}

static void *put_the_rest(void *argument)
{
    struct error error = ERROR_NONE;
    assert_int_equal(put_all(argument, 0, ORDERS, &error), ORDERS);
    return NULL;
}

/* One lane, which holds its first order: whoever puts comes no further than the queue. */
static void test_a_full_queue_keeps_waiting(void **state)
{
    struct error error = ERROR_NONE;
    pthread_t thread;
    (void)state;
    set_gate(0);
    struct lanes *lanes = lanes_new(1, carry_out, orders);
    assert_int_equal(pthread_create(&thread, NULL, put_the_rest, lanes), 0);
    wait_for_lanes(1);
    for (int i = 0; i < 100; i++) {
        set_gate(1);
        wait_for_lanes(1);
    }
    set_gate(-1);
    pthread_join(thread, NULL);
    assert_true(lanes_finish(lanes, &error));
    lanes_free(lanes, pass_over);
    assert_int_equal(beyond, 0);
    assert_int_equal(begun, ORDERS);
}

static void test_a_failure_stops_what_waits(void **state)
{
    struct error error = ERROR_NONE, put_error = ERROR_NONE;
    (void)state;
    set_gate(0);
    atomic_store(&fail_at, 0);
    struct lanes *lanes = lanes_new(1, carry_out, orders);
    assert_int_equal(put_all(lanes, 0, 100, &put_error), 100);
    wait_for_lanes(1);
    set_gate(-1);
    assert_false(lanes_finish(lanes, &error));
    assert_int_equal(error.code, ERROR_DENIED);
    assert_false(lanes_put(lanes, &orders[100], &put_error));
    assert_int_equal(put_error.code, ERROR_DENIED);
    lanes_free(lanes, pass_over);
    assert_int_equal(orders[0].done, 1);
    for (size_t i = 1; i < 100; i++)
        assert_int_equal(orders[i].done + orders[i].skipped, 1);
    assert_int_equal(orders[99].skipped, 1);
    assert_int_equal(orders[100].done + orders[100].skipped, 0); /* it was not taken */
}

static void *put_until_refused(void *argument)
{
    struct error error = ERROR_NONE;
    intptr_t taken = put_all(argument, 0, ORDERS, &error);
    return (void *)taken; /* NOLINT: a number through a pointer */
}

/* Who waits for room must hear of the failure: nothing makes room any more. */
static void test_a_failure_ends_the_wait_for_room(void **state)
{
    struct error error = ERROR_NONE;
    pthread_t thread;
    void *taken;
    (void)state;
    set_gate(0);
    atomic_store(&fail_at, 0);
    struct lanes *lanes = lanes_new(1, carry_out, orders);
    assert_int_equal(pthread_create(&thread, NULL, put_until_refused, lanes), 0);
    wait_for_lanes(1);
    while (atomic_load(&put_count) < LANES_QUEUE_MAX)
        sched_yield();
    set_gate(-1);
    pthread_join(thread, &taken);
    assert_true((intptr_t)taken < ORDERS);
    assert_false(lanes_finish(lanes, &error));
    lanes_free(lanes, pass_over);
    for (intptr_t i = 0; i < (intptr_t)taken; i++)
        assert_int_equal(orders[i].done + orders[i].skipped, 1);
}

static void test_nothing_to_do(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    lanes_free(NULL, pass_over);
    struct lanes *lanes = lanes_new(2, carry_out, orders);
    assert_true(lanes_finish(lanes, &error));
    lanes_free(lanes, pass_over);
    lanes_free(lanes_new(2, carry_out, orders), pass_over);
}

/* What was put is done, although nobody asked for the end. */
static void test_freed_without_an_end(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    struct lanes *lanes = lanes_new(2, carry_out, orders);
    put_all(lanes, 0, 300, &error);
    lanes_free(lanes, pass_over);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(orders[i].done + orders[i].skipped, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, set_up)
        T(test_all_are_done_once),
        T(test_several_at_once),
        T(test_a_full_queue_keeps_waiting),
        T(test_a_failure_stops_what_waits),
        T(test_a_failure_ends_the_wait_for_room),
        T(test_nothing_to_do),
        T(test_freed_without_an_end),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
