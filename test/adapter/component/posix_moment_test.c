/* posix_moment_test.c: moments of directories: the barrier granted, held, missing; who stays quiet
 * and who does not. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "component/posix/posix.h"
#include "posix_bench.h"

static const struct component *const posix = &posix_component;
static const struct call call = {0};
static struct bench bench;

static int setup(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    bench_init(&bench, "/barrier");
    bench_directory(&bench, "/r1");
    bench_directory(&bench, "/r2");
    bench_write(&bench, "/r1/customers", "0");
    bench_write(&bench, "/r2/bills", "0");
    assert_true(posix->allow_snapshots(bench.store, &call, "/r1", &error));
    assert_true(posix->allow_snapshots(bench.store, &call, "/r2", &error));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_fini(&bench);
    return 0;
}

struct two_roots {
    struct moment_root roots[2];
    struct moment *moment;
};

static void prepare(struct two_roots *two, struct store *store, const char *name, int64_t wait_ms)
{
    struct error error = ERROR_NONE;
    struct moment_options options = {.barrier_wait_ms = wait_ms};
    *two = (struct two_roots){
        .roots = {{.root = "/r1", .snapshot = name}, {.root = "/r2", .snapshot = name}}};
    bench_expect(posix->moment_prepare(store, &call, two->roots, 2, &options, &two->moment, &error),
                 &error, ERROR_OK);
}

static int lock_shared(int more)
{
    int fd = open(bench_path(&bench, "/barrier"), O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    if (flock(fd, LOCK_SH | more) == 0)
        return fd;
    close(fd);
    return -1;
}

static void granted_barrier_makes_quiesced(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct two_roots two;
    prepare(&two, bench.store, "s", 1000);
    posix->moment_fire(two.moment);
    assert_int_equal(lock_shared(LOCK_NB), -1); /* writers wait now */
    bench_expect(posix->moment_finish(two.moment, &call, &error), &error, ERROR_OK);
    int fd = lock_shared(LOCK_NB); /* and no longer */
    assert_true(fd >= 0);
    close(fd);
    posix->moment_free(two.moment);
    for (int i = 0; i < 2; i++) {
        struct snapshot snapshot;
        assert_true(two.roots[i].fired && two.roots[i].quiesced && two.roots[i].open_files_exact);
        assert_int_equal(two.roots[i].sent_ns, two.roots[0].sent_ns);
        assert_int_equal(two.roots[i].instant_us, two.roots[0].instant_us);
        bench_expect(
            posix->snapshot_get(bench.store, &call, two.roots[i].root, "s", &snapshot, &error),
            &error, ERROR_OK);
        assert_int_equal(snapshot.instant_us, two.roots[i].instant_us);
    }
}

/* Two services with one T: none waits for the other, writers wait for both. */
static void moments_share_a_hold(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct two_roots first, second;
    prepare(&first, bench.store, "s", 50);
    prepare(&second, bench.store, "t", 50);
    posix->moment_fire(first.moment);
    posix->moment_fire(second.moment);
    bench_expect(posix->moment_finish(first.moment, &call, &error), &error, ERROR_OK);
    posix->moment_free(first.moment);
    assert_int_equal(lock_shared(LOCK_NB), -1);
    bench_expect(posix->moment_finish(second.moment, &call, &error), &error, ERROR_OK);
    posix->moment_free(second.moment);
    int fd = lock_shared(LOCK_NB);
    assert_true(fd >= 0);
    close(fd);
    for (int i = 0; i < 2; i++)
        assert_true(first.roots[i].quiesced && second.roots[i].quiesced);
}

static void held_barrier_times_out_by_name(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct two_roots two;
    struct snapshot snapshot;
    int writer = lock_shared(0);
    prepare(&two, bench.store, "s", 50);
    int64_t before_ns = clock_monotonic_ns();
    posix->moment_fire(two.moment);
    int64_t took_ns = clock_monotonic_ns() - before_ns;
    assert_true(took_ns >= 50000000 && took_ns < 5000000000);
    for (int i = 0; i < 2; i++) {
        assert_false(two.roots[i].fired);
        assert_int_equal(two.roots[i].error.code, ERROR_TIMEOUT);
        assert_non_null(strstr(two.roots[i].error.text, "/barrier"));
        assert_non_null(strstr(two.roots[i].error.text, "lslocks"));
    }
    bench_expect(posix->moment_finish(two.moment, &call, &error), &error, ERROR_TIMEOUT);
    posix->moment_free(two.moment);
    bench_expect(posix->snapshot_get(bench.store, &call, "/r1", "s", &snapshot, &error), &error,
                 ERROR_NOT_FOUND);
    close(writer);
}

/* Customer first, then its bill, both under one shared lock: no moment may see the one alone. */
struct writer {
    atomic_bool stop;
    atomic_uint_fast64_t rounds;
};

static void *write_pairs(void *context)
{
    struct writer *writer = context;
    for (unsigned i = 1; !atomic_load(&writer->stop); i++) {
        char text[16];
        int fd = lock_shared(0);
        snprintf(text, sizeof text, "%u", i);
        CHECK(bench_overwrite(&bench, "/r1/customers", text));
        CHECK(bench_overwrite(&bench, "/r2/bills", text));
        close(fd);
        atomic_fetch_add(&writer->rounds, 1);
    }
    return NULL;
}

static void read_number(const char *root, const char *snapshot, const char *name, char text[16])
{
    struct error error = ERROR_NONE;
    struct arena arena;
    struct store_reader *reader = NULL;
    size_t size = 0;
    arena_init(&arena);
    const char *path = posix->snapshot_path(bench.store, root, snapshot, name, &arena);
    bench_expect(posix->read_open(bench.store, &call, path, 0, &reader, &error), &error, ERROR_OK);
    bench_expect(posix->read(reader, text, 15, &size, &error), &error, ERROR_OK);
    text[size] = '\0';
    posix->read_close(reader);
    arena_fini(&arena);
}

static void writers_that_take_the_barrier_stay_consistent(void **state)
{
    (void)state;
    struct writer writer = {.stop = false};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_pairs, &writer), 0);
    for (int i = 0; i < 20; i++) {
        struct error error = ERROR_NONE;
        struct two_roots two;
        char name[8], customer[16], bill[16];
        uint64_t before = atomic_load(&writer.rounds);
        while (atomic_load(&writer.rounds) == before)
            sched_yield(); /* each moment meets another state */
        snprintf(name, sizeof name, "s%d", i);
        prepare(&two, bench.store, name, 10000);
        posix->moment_fire(two.moment);
        bench_expect(posix->moment_finish(two.moment, &call, &error), &error, ERROR_OK);
        posix->moment_free(two.moment);
        assert_true(two.roots[0].quiesced && two.roots[1].quiesced);
        read_number("/r1", name, "customers", customer);
        read_number("/r2", name, "bills", bill);
        assert_string_equal(customer, bill);
    }
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
}

/* Ignores the barrier: the snapshots exist, and nothing is claimed of them. */
static void *write_without_lock(void *context)
{
    struct writer *writer = context;
    for (unsigned i = 0; !atomic_load(&writer->stop); i++) {
        char text[16];
        snprintf(text, sizeof text, "unruly %06u", i);
        CHECK(bench_overwrite(&bench, "/r2/bills", text));
        atomic_fetch_add(&writer->rounds, 1);
    }
    return NULL;
}

static bool is_quiesced_beside_a_writer(const char *name)
{
    struct error error = ERROR_NONE;
    struct two_roots two;
    prepare(&two, bench.store, name, 1000);
    posix->moment_fire(two.moment);
    bench_expect(posix->moment_finish(two.moment, &call, &error), &error, ERROR_OK);
    posix->moment_free(two.moment);
    assert_true(two.roots[0].quiesced); /* the other root is quiet */
    assert_int_equal(two.roots[1].open_files_exact, two.roots[1].quiesced);
    return two.roots[1].quiesced;
}

/* On a busy machine the writer may get no turn between copy and guard; then it did not write there,
 * and the claim is right. One turn in fifty moments is enough. */
static void unruly_writer_costs_the_grade(void **state)
{
    (void)state;
    struct writer writer = {.stop = false};
    pthread_t thread;
    bool quiesced = true;
    for (int i = 0; i < 200; i++) { /* so that the copy takes a while */
        char name[32];
        snprintf(name, sizeof name, "/r2/f%d", i);
        bench_write(&bench, name, "x");
    }
    assert_int_equal(pthread_create(&thread, NULL, write_without_lock, &writer), 0);
    while (atomic_load(&writer.rounds) == 0)
        sched_yield();
    for (int i = 0; i < 50 && quiesced; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        quiesced = is_quiesced_beside_a_writer(name);
    }
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
    assert_false(quiesced);
}

static void without_barrier_nothing_is_claimed(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct two_roots two;
    struct store *store = bench_open(&bench, NULL);
    prepare(&two, store, "s", 0);
    posix->moment_fire(two.moment);
    bench_expect(posix->moment_finish(two.moment, &call, &error), &error, ERROR_OK);
    posix->moment_free(two.moment);
    assert_true(two.roots[0].fired && two.roots[1].fired);
    assert_false(two.roots[0].quiesced || two.roots[1].quiesced);
    posix->close(store);
}

static void what_cannot_be_prepared_is_said_before_t(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct moment_options options = {0};
    struct moment *moment = NULL;
    struct snapshot snapshot;
    struct moment_root root = {.root = "/r1", .snapshot = "s"};
    struct store *store = bench_open(&bench, "/no-barrier");
    bench_expect(posix->moment_prepare(store, &call, &root, 1, &options, &moment, &error), &error,
                 ERROR_NOT_FOUND);
    posix->close(store);
    store = bench_open(&bench, "/r1");
    bench_expect(posix->moment_prepare(store, &call, &root, 1, &options, &moment, &error), &error,
                 ERROR_INVALID);
    posix->close(store);
    bench_directory(&bench, "/never");
    root.root = "/never";
    bench_expect(posix->moment_prepare(bench.store, &call, &root, 1, &options, &moment, &error),
                 &error, ERROR_CONFLICT);
    root.root = "/r1";
    bench_expect(posix->snapshot_create(bench.store, &call, "/r1", "s", &snapshot, &error), &error,
                 ERROR_OK);
    bench_expect(posix->moment_prepare(bench.store, &call, &root, 1, &options, &moment, &error),
                 &error, ERROR_EXISTS);
    root.snapshot = ".hidden";
    bench_expect(posix->moment_prepare(bench.store, &call, &root, 1, &options, &moment, &error),
                 &error, ERROR_INVALID);
}

/* Freed without finish: writers go on, nothing is left. */
static void moment_that_is_dropped_frees_writers(void **state)
{
    (void)state;
    struct two_roots two;
    prepare(&two, bench.store, "s", 1000);
    posix->moment_fire(two.moment);
    assert_int_equal(lock_shared(LOCK_NB), -1);
    posix->moment_free(two.moment);
    int fd = lock_shared(LOCK_NB);
    assert_true(fd >= 0);
    close(fd);
}

static void aborted_finish_frees_writers(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct two_roots two;
    struct snapshot snapshot;
    atomic_bool abort = true;
    struct call aborted = {.abort = &abort};
    prepare(&two, bench.store, "s", 1000);
    posix->moment_fire(two.moment);
    bench_expect(posix->moment_finish(two.moment, &aborted, &error), &error, ERROR_CANCELED);
    int fd = lock_shared(LOCK_NB);
    assert_true(fd >= 0);
    close(fd);
    posix->moment_free(two.moment);
    bench_expect(posix->snapshot_get(bench.store, &call, "/r1", "s", &snapshot, &error), &error,
                 ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(granted_barrier_makes_quiesced, setup, teardown),
        cmocka_unit_test_setup_teardown(moments_share_a_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(held_barrier_times_out_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(writers_that_take_the_barrier_stay_consistent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(unruly_writer_costs_the_grade, setup, teardown),
        cmocka_unit_test_setup_teardown(without_barrier_nothing_is_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_prepared_is_said_before_t, setup, teardown),
        cmocka_unit_test_setup_teardown(moment_that_is_dropped_frees_writers, setup, teardown),
        cmocka_unit_test_setup_teardown(aborted_finish_frees_writers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
