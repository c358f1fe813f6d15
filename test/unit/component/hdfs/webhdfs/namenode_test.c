/* namenode_test.c: what threads that come and go leave behind in a store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "component/hdfs/webhdfs/namenode.h"

static void start_store(struct namenodes *namenodes)
{
    struct error error = ERROR_NONE;
    json_t *options = json_pack("{s:[s], s:s}", "namenodes", "http://127.0.0.1:1", "user", "me");
    assert_true(namenodes_init(namenodes, options, &error));
    json_decref(options);
}

static void *look(void *context)
{
    namenodes_forget_looks(context);
    return NULL;
}

static void test_a_look_goes_with_its_thread(void **state)
{
    (void)state;
    struct namenodes stores[2];
    for (int i = 0; i < 2; i++)
        start_store(&stores[i]);
    for (int i = 0; i < 6; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, look, &stores[i % 2]), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_true(list_is_empty(&stores[0].looks));
    look(&stores[0]);
    look(&stores[0]);
    assert_false(list_is_empty(&stores[0].looks));
    assert_ptr_equal(stores[0].looks.next, stores[0].looks.previous);
    for (int i = 0; i < 2; i++)
        namenodes_fini(&stores[i]);
}

struct visit {
    struct namenodes *namenodes;
    pthread_barrier_t *barrier;
};

static void *stay(void *context)
{
    struct visit *visit = context;
    look(visit->namenodes);
    pthread_barrier_wait(visit->barrier); /* looked */
    pthread_barrier_wait(visit->barrier); /* the store is closed, perhaps open again */
    return NULL;
}

static void test_a_store_may_go_before_the_thread(void **state)
{
    (void)state;
    struct namenodes namenodes;
    pthread_barrier_t barrier;
    pthread_t thread;
    struct visit visit = {&namenodes, &barrier};
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    start_store(&namenodes);
    assert_int_equal(pthread_create(&thread, NULL, stay, &visit), 0);
    pthread_barrier_wait(&barrier);
    namenodes_fini(&namenodes);
    start_store(&namenodes);
    look(&namenodes);
    pthread_barrier_wait(&barrier);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(list_is_empty(&namenodes.looks)); /* ours */
    namenodes_fini(&namenodes);
    pthread_barrier_destroy(&barrier);
}

static void answer(struct namenodes *namenodes, uint64_t scope, unsigned node)
{
    struct call call = {.scope = scope};
    namenodes_note_answer(namenodes, &call, node);
}

static bool same(struct namenodes *namenodes, uint64_t scope, unsigned wanted)
{
    struct call call = {.scope = scope};
    unsigned node;
    bool one = namenodes_looked_at(namenodes, &call, &node);
    assert_int_equal(node, wanted);
    return one;
}

/* One thread of the pool, one task after another. */
static void test_what_another_task_read_before_a_failover(void **state)
{
    (void)state;
    struct namenodes namenodes;
    start_store(&namenodes);
    answer(&namenodes, 1, 0);
    answer(&namenodes, 2, 1); /* the other took over */
    assert_true(same(&namenodes, 2, 1));
    answer(&namenodes, 2, 0);
    assert_false(same(&namenodes, 2, 0)); /* between its own reads */
    assert_true(same(&namenodes, 3, HDFS_NODE_ANY));
    answer(&namenodes, 3, 0);
    assert_true(same(&namenodes, 3, 0));
    namenodes_fini(&namenodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_look_goes_with_its_thread),
        cmocka_unit_test(test_what_another_task_read_before_a_failover),
        cmocka_unit_test(test_a_store_may_go_before_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
