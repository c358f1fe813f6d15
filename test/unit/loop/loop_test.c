/* loop_test.c: posts keep their order, come from threads, and the loop ends only when it is empty.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "child.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct record {
    struct loop *loop;
    char order[16];
    bool inside;
    int count;
};

static void note(struct record *record, char letter)
{
    size_t length = strlen(record->order);
    assert_true(length + 1 < sizeof record->order);
    record->order[length] = letter;
}

static void post_a(void *context)
{
    struct record *record = context;
    assert_false(record->inside);
    note(record, 'a');
}

static void post_b(void *context)
{
    struct record *record = context;
    note(record, 'b');
    record->inside = true;
    loop_post(record->loop, post_a, record);
    record->inside = false;
}

static void post_stop(void *context)
{
    struct record *record = context;
    note(record, 's');
    loop_stop(record->loop);
}

static void test_posts_in_order_and_never_inside(void **state)
{
    (void)state;
    struct record record = {.loop = loop_new()};
    loop_post(record.loop, post_b, &record);
    loop_post(record.loop, post_a, &record);
    loop_post(record.loop, post_stop, &record);
    assert_string_equal(record.order, "");
    loop_run(record.loop);
    assert_string_equal(record.order, "basa"); /* b's post runs although the loop was stopped */
    loop_free(record.loop);
}

static void test_runs_again_after_stop(void **state)
{
    (void)state;
    struct record record = {.loop = loop_new()};
    for (int i = 0; i < 2; i++) {
        loop_post(record.loop, post_stop, &record);
        loop_run(record.loop);
    }
    assert_string_equal(record.order, "ss");
    loop_stop(record.loop); /* before the run: it ends at once */
    loop_run(record.loop);
    loop_free(record.loop);
}

#define POSTS_PER_THREAD 500

static void count(void *context)
{
    struct record *record = context;
    record->count++;
}

static void *post_many(void *context)
{
    struct record *record = context;
    for (int i = 0; i < POSTS_PER_THREAD; i++)
        loop_post_from_thread(record->loop, count, record);
    return NULL;
}

static bool all_counted(void *context)
{
    struct record *record = context;
    return record->count == 3 * POSTS_PER_THREAD;
}

static void test_posts_from_threads(void **state)
{
    (void)state;
    struct record record = {.loop = loop_new()};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &record), 0);
    assert_true(loop_run_until(record.loop, all_counted, &record, 10000));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    loop_free(record.loop);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void test_run_until_keeps_its_deadline(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    int64_t before_ns = clock_monotonic_ns();
    assert_false(loop_run_until(loop, never, NULL, 30));
    assert_true(clock_monotonic_ns() - before_ns >= 30 * INT64_C(1000000));
    assert_false(loop_run_until(loop, NULL, NULL, 0));
    loop_free(loop);
}

static void repost(void *context)
{
    struct record *record = context;
    record->count++;
    loop_post(record->loop, repost, record);
}

static void test_a_post_that_reposts_does_not_keep_the_loop(void **state)
{
    (void)state;
    struct record record = {.loop = loop_new()};
    loop_post(record.loop, repost, &record);
    loop_post(record.loop, post_stop, &record);
    loop_run(record.loop);
    loop_free(record.loop);
    assert_true(record.count > 1);
}

static void do_nothing(void *context)
{
    (void)context;
}

static int exit_signal_of(void (*body)(void))
{
    char output[2048];
    return child_run(body, output, sizeof output);
}

static void forget_timer(void)
{
    struct loop *loop = loop_new();
    timer_new(loop, do_nothing, NULL);
    loop_free(loop);
}

void loop_turn(struct loop *loop, int64_t deadline_ns); /* loop_uv.h, which needs libuv itself */

static void turn_past_its_deadline(void)
{
    alarm(10);
    loop_turn(loop_new(), 0);
}

/* With libuv 1.44 an alarm that was due when the turn began was used up before the wait. */
static void test_a_turn_past_its_deadline_ends(void **state)
{
    (void)state;
    assert_int_equal(exit_signal_of(turn_past_its_deadline), 0);
}

static void *post_as_if_here(void *context)
{
    loop_post(context, do_nothing, NULL);
    return NULL;
}

static void post_from_wrong_thread(void)
{
    struct loop *loop = loop_new();
    pthread_t thread;
    if (pthread_create(&thread, NULL, post_as_if_here, loop) == 0)
        pthread_join(thread, NULL);
}

static void set_pool_too_late(void)
{
    loop_free(loop_new());
    loop_set_pool_size(8);
}

static void test_broken_invariants_abort(void **state)
{
    (void)state;
    assert_int_equal(exit_signal_of(forget_timer), SIGABRT);
    assert_int_equal(exit_signal_of(post_from_wrong_thread), SIGABRT);
    assert_int_equal(exit_signal_of(set_pool_too_late), SIGABRT);
}

static void test_free_of_nothing(void **state)
{
    (void)state;
    loop_free(NULL);
    struct loop *loop = loop_new();
    loop_post(loop, do_nothing, NULL);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posts_in_order_and_never_inside),
        cmocka_unit_test(test_runs_again_after_stop),
        cmocka_unit_test(test_posts_from_threads),
        cmocka_unit_test(test_run_until_keeps_its_deadline),
        cmocka_unit_test(test_a_post_that_reposts_does_not_keep_the_loop),
        cmocka_unit_test(test_a_turn_past_its_deadline_ends),
        cmocka_unit_test(test_broken_invariants_abort),
        cmocka_unit_test(test_free_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
