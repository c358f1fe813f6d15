/* limiter_test.c: the arithmetic of the token buckets, on a clock of the test's own. */
#include "component/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define SECOND ((int64_t)1000000000)

/* Takes pieces as fast as it is let and returns when the last one got through. */
static int64_t take_all(struct limiter *limiter, uint64_t piece, uint64_t operations, int count,
                        int64_t now_ns)
{
    for (int i = 0; i < count; i++) {
        int64_t wait_ns;
        while ((wait_ns = limiter_take(limiter, piece, operations, now_ns)) != 0) {
            assert_true(wait_ns > 0);
            now_ns += wait_ns;
        }
    }
    return now_ns;
}

static void assert_near(int64_t actual_ns, int64_t expected_ns)
{
    assert_true(actual_ns > expected_ns - SECOND / 100 && actual_ns < expected_ns + SECOND / 100);
}

static void unlimited_never_waits(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    assert_int_equal(take_all(limiter, UINT64_MAX / 2, 1000, 100, SECOND), SECOND);
    limiter_set(limiter, 10, 0);
    limiter_set(limiter, 0, 0);
    assert_int_equal(take_all(limiter, 1000000, 1000, 100, SECOND), SECOND);
    limiter_free(limiter);
}

static void rate_is_kept_over_time(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 1000, 0);
    /* 100 bytes at once (a tenth of a second's worth), the other 4900 at 1000 a second. */
    assert_near(take_all(limiter, 10, 5, 500, SECOND) - SECOND, 49 * SECOND / 10);
    limiter_free(limiter);
}

static void operations_have_a_bucket_of_their_own(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 0, 50);
    assert_near(take_all(limiter, 1 << 30, 1, 105, SECOND) - SECOND, 2 * SECOND);
    limiter_free(limiter);
}

static void less_than_one_a_second_still_moves(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 0, 1);
    assert_near(take_all(limiter, 0, 1, 4, SECOND) - SECOND, 3 * SECOND);
    limiter_free(limiter);
}

static void large_piece_is_paid_for_by_the_next(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 1000, 0);
    assert_int_equal(limiter_take(limiter, 5100, 0, SECOND), 0);
    int64_t wait_ns = limiter_take(limiter, 100, 0, SECOND);
    assert_near(wait_ns, 51 * SECOND / 10);
    assert_int_equal(limiter_take(limiter, 100, 0, SECOND + wait_ns), 0);
    limiter_free(limiter);
}

static void idle_time_saves_no_more_than_a_burst(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 1000, 0);
    int64_t now_ns = take_all(limiter, 100, 0, 1, SECOND) + 3600 * SECOND;
    assert_int_equal(limiter_take(limiter, 100, 0, now_ns), 0);
    assert_near(limiter_take(limiter, 100, 0, now_ns), SECOND / 10);
    limiter_free(limiter);
}

static void change_while_running_counts_at_once(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 10, 0);
    assert_int_equal(limiter_take(limiter, 1000, 0, SECOND), 0);
    assert_near(limiter_take(limiter, 1, 0, SECOND), 100 * SECOND);
    limiter_set(limiter, 10000, 0);
    assert_near(limiter_take(limiter, 1000, 0, SECOND), 2 * SECOND / 10);
    limiter_set(limiter, 0, 0);
    assert_int_equal(limiter_take(limiter, 1000, 0, SECOND), 0);
    limiter_free(limiter);
}

static void parent_is_asked_and_nothing_is_lost(void **state)
{
    (void)state;
    struct limiter *parent = limiter_new(NULL);
    struct limiter *child = limiter_new(parent), *other = limiter_new(parent);
    limiter_set(parent, 1000, 0);
    limiter_set(child, 100000, 0);
    /* Refused by the parent: the child's bucket stays full. */
    assert_int_equal(limiter_take(other, 100, 0, SECOND), 0);
    for (int i = 0; i < 1000; i++)
        assert_near(limiter_take(child, 100, 0, SECOND), SECOND / 10);
    assert_int_equal(limiter_take(child, 100, 0, SECOND + SECOND / 10 + 1), 0);
    assert_near(take_all(other, 100, 0, 20, 2 * SECOND) - 2 * SECOND, 19 * SECOND / 10);
    limiter_free(child);
    limiter_free(other);
    limiter_free(parent);
    limiter_free(NULL);
}

static void clock_that_stands_still_gives_nothing(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(NULL);
    limiter_set(limiter, 1000, 0);
    assert_int_equal(limiter_take(limiter, 100, 0, 5 * SECOND), 0);
    assert_near(limiter_take(limiter, 100, 0, 5 * SECOND), SECOND / 10);
    assert_near(limiter_take(limiter, 100, 0, 4 * SECOND), SECOND / 10);
    limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlimited_never_waits),
        cmocka_unit_test(rate_is_kept_over_time),
        cmocka_unit_test(operations_have_a_bucket_of_their_own),
        cmocka_unit_test(less_than_one_a_second_still_moves),
        cmocka_unit_test(large_piece_is_paid_for_by_the_next),
        cmocka_unit_test(idle_time_saves_no_more_than_a_burst),
        cmocka_unit_test(change_while_running_counts_at_once),
        cmocka_unit_test(parent_is_asked_and_nothing_is_lost),
        cmocka_unit_test(clock_that_stands_still_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
