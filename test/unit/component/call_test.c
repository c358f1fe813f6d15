/* call_test.c: deadline, abort, limiter and counters of a call. */
#include "component/call.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"

#define SECOND ((int64_t)1000000000)

static void empty_call_goes_on(void **state)
{
    (void)state;
    struct call call = {0};
    struct error error = ERROR_NONE;
    assert_true(call_may_go_on(&call, &error));
    assert_true(call_take_operation(&call, &error));
    assert_true(call_take_bytes(&call, UINT64_MAX, &error));
    assert_int_equal(error.code, ERROR_OK);
}

static void abort_wins_over_deadline(void **state)
{
    (void)state;
    atomic_bool abort = true;
    struct call call = {.abort = &abort, .deadline_ns = 1};
    struct error error = ERROR_NONE;
    assert_false(call_may_go_on(&call, &error));
    assert_int_equal(error.code, ERROR_CANCELED);
    atomic_store(&abort, false);
    assert_false(call_take_operation(&call, &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
    call.deadline_ns = clock_monotonic_ns() + 60 * SECOND;
    assert_true(call_may_go_on(&call, &error));
}

static void operations_are_counted_once_let_through(void **state)
{
    (void)state;
    struct call_counters counters = {0};
    struct call call = {.counters = &counters};
    struct error error = ERROR_NONE;
    assert_true(call_take_operation(&call, &error));
    assert_true(call_take_operation(&call, &error));
    call.deadline_ns = 1;
    assert_false(call_take_operation(&call, &error));
    assert_int_equal(atomic_load(&counters.operations), 2);
}

static void limiter_delays_and_deadline_ends_the_wait(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 1000, 0);
    struct call call = {.limiter = limiter};
    struct error error = ERROR_NONE;
    int64_t start_ns = clock_monotonic_ns();
    assert_true(call_take_bytes(&call, 150, &error)); /* 50 into debt: 0.05 s until positive */
    assert_true(call_take_bytes(&call, 10, &error));
    assert_true(clock_monotonic_ns() - start_ns >= SECOND / 20);
    assert_true(call_take_bytes(&call, 1000000, &error));
    start_ns = clock_monotonic_ns();
    call.deadline_ns = start_ns + SECOND / 20;
    assert_false(call_take_bytes(&call, 1, &error)); /* would be a quarter of an hour */
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_true(clock_monotonic_ns() - start_ns < 10 * SECOND);
    limiter_free(limiter);
}

static void *set_true(void *flag)
{
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static void abort_ends_the_wait(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 1, 0);
    atomic_bool abort = false;
    struct call call = {.limiter = limiter, .abort = &abort};
    struct error error = ERROR_NONE;
    assert_true(call_take_bytes(&call, 1000000, &error));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set_true, &abort), 0);
    assert_false(call_take_bytes(&call, 1, &error));
    assert_int_equal(error.code, ERROR_CANCELED);
    pthread_join(thread, NULL);
    limiter_free(limiter);
}

static void wait_is_the_shorter_one_and_never_zero(void **state)
{
    (void)state;
    struct call call = {0};
    assert_int_equal(call_wait_ms(&call), 30000);
    call.wait_ms = 250;
    assert_int_equal(call_wait_ms(&call), 250);
    call.deadline_ns = clock_monotonic_ns() + SECOND / 10;
    assert_in_range(call_wait_ms(&call), 1, 100);
    call.deadline_ns = 1;
    assert_int_equal(call_wait_ms(&call), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_call_goes_on),
        cmocka_unit_test(abort_wins_over_deadline),
        cmocka_unit_test(operations_are_counted_once_let_through),
        cmocka_unit_test(limiter_delays_and_deadline_ends_the_wait),
        cmocka_unit_test(abort_ends_the_wait),
        cmocka_unit_test(wait_is_the_shorter_one_and_never_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
