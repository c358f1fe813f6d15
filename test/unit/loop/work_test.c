/* work_test.c: run() on another thread, done() once on the loop thread, never inside the start. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "loop/work.h"

#define POOL 8

struct job {
    pthread_t ran_on;
    pthread_t done_on;
    pthread_barrier_t *meeting;
    bool inside_start;
    int runs;
    int dones;
};

static void run(void *context)
{
    struct job *job = context;
    job->ran_on = pthread_self();
    job->runs++;
    if (job->meeting != NULL)
        pthread_barrier_wait(job->meeting);
}

static void done(void *context)
{
    struct job *job = context;
    assert_false(job->inside_start);
    job->done_on = pthread_self();
    job->dones++;
}

static void start(struct loop *loop, struct job *job)
{
    job->inside_start = true;
    work_start(loop, run, done, job);
    job->inside_start = false;
}

static bool nothing_pending(void *context)
{
    return work_pending(context) == 0;
}

static void test_where_it_runs(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct job job = {0};
    start(loop, &job);
    assert_int_equal(work_pending(loop), 1);
    assert_true(loop_run_until(loop, nothing_pending, loop, 10000));
    assert_int_equal(job.runs, 1);
    assert_int_equal(job.dones, 1);
    assert_false(pthread_equal(job.ran_on, pthread_self()));
    assert_true(pthread_equal(job.done_on, pthread_self()));
    loop_free(loop);
}

/* All jobs meet at a barrier: it opens only when the pool really has as many threads. */
static void test_the_pool_has_the_size_that_was_set(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    pthread_barrier_t meeting;
    pthread_barrier_init(&meeting, NULL, POOL);
    struct job jobs[POOL] = {0};
    for (int i = 0; i < POOL; i++) {
        jobs[i].meeting = &meeting;
        start(loop, &jobs[i]);
    }
    assert_int_equal(work_pending(loop), POOL);
    assert_true(loop_run_until(loop, nothing_pending, loop, 10000));
    for (int i = 0; i < POOL; i++)
        assert_int_equal(jobs[i].dones, 1);
    loop_free(loop);
    pthread_barrier_destroy(&meeting);
}

int main(void)
{
    loop_set_pool_size(POOL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_it_runs),
        cmocka_unit_test(test_the_pool_has_the_size_that_was_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
