/* posix_making_test.c: snapshots in the making: crashes, others at the same time, writers. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sched.h>
#include <unistd.h>

#include "base/check.h"
#include "component/posix/posix.h"
#include "component/posix/posix_making.h"
#include "posix_bench.h"

static const struct component *const posix = &posix_component;
static const struct call call = {0};

static size_t count_hidden(struct bench *bench)
{
    struct arena arena;
    arena_init(&arena);
    const char *path = posix_snapshots_path(bench->store, "/r", &arena);
    DIR *directory = opendir(bench_path(bench, path));
    size_t count = 0;
    struct dirent *item;
    while ((item = readdir(directory)) != NULL)
        count += item->d_name[0] == '.' && strlen(item->d_name) > 2;
    closedir(directory);
    arena_fini(&arena);
    return count;
}

static void run_and_crash(struct bench *bench, const char *where)
{
    pid_t child = fork();
    if (child == 0) {
        struct error error = ERROR_NONE;
        struct snapshot snapshot;
        setenv("COEVAL_CRASH_AT", where, 1);
        posix->snapshot_create(bench->store, &call, "/r", "s", &snapshot, &error);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void crash_leaves_all_or_nothing(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct snapshot snapshot;
    run_and_crash(bench, "posix.snapshot.copied");
    bench_expect(posix->snapshot_get(bench->store, &call, "/r", "s", &snapshot, &error), &error,
                 ERROR_NOT_FOUND);
    assert_int_equal(count_hidden(bench), 1);
    bench_take(bench, "other"); /* and takes away what was left */
    assert_int_equal(count_hidden(bench), 0);
    run_and_crash(bench, "posix.snapshot.published");
    bench_expect(posix->snapshot_get(bench->store, &call, "/r", "s", &snapshot, &error), &error,
                 ERROR_OK);
    bench_expect_difference(bench, "s", "other", "");
}

/* What another maker holds is not swept. */
static void makers_do_not_disturb_each_other(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct posix_making making;
    bench_expect(posix_making_begin(&making, bench->store, &call, "/r", "slow", 0, &error), &error,
                 ERROR_OK);
    bench_take(bench, "fast");
    assert_int_equal(count_hidden(bench), 1);
    bench_expect(posix->snapshot_remove(bench->store, &call, "/r", "fast", &error), &error,
                 ERROR_OK);
    bench_expect(posix_making_copy(&making, &call, &error), &error, ERROR_OK);
    bench_take(bench, "fast");
    bench_expect(posix_making_publish(&making, &error), &error, ERROR_OK);
    posix_making_end(&making, &call);
    assert_int_equal(count_hidden(bench), 0);
    bench_expect_difference(bench, "slow", "fast", "");
    /* Given up: nothing is left. Published under a name that was taken meanwhile: refused. */
    bench_expect(posix_making_begin(&making, bench->store, &call, "/r", "s", 0, &error), &error,
                 ERROR_OK);
    bench_expect(posix_making_copy(&making, &call, &error), &error, ERROR_OK);
    bench_take(bench, "s");
    bench_expect(posix_making_publish(&making, &error), &error, ERROR_EXISTS);
    posix_making_end(&making, &call);
    assert_int_equal(count_hidden(bench), 0);
}

struct unruly {
    const char *what;
    void (*act)(struct bench *bench);
};

static void act_nothing(struct bench *bench)
{
    (void)bench;
}

static void act_rewrite(struct bench *bench)
{
    assert_true(bench_overwrite(bench, "/r/f", "CONTENT"));
}

static void act_create(struct bench *bench)
{
    bench_write(bench, "/r/d/new", "");
}

static void act_remove(struct bench *bench)
{
    assert_int_equal(unlink(bench_path(bench, "/r/d/g")), 0);
}

static void act_mode(struct bench *bench)
{
    assert_int_equal(chmod(bench_path(bench, "/r/d"), 0700), 0);
}

static void act_rename(struct bench *bench)
{
    assert_int_equal(rename(bench_path(bench, "/r/f"), bench_path(bench, "/r/z")), 0);
}

static void act_outside(struct bench *bench)
{
    bench_write(bench, "/outside", "");
}

static void guard_sees_unruly_writers(void **state)
{
    struct bench *bench = *state;
    static const struct unruly cases[] = {
        {"nothing", act_nothing}, {"outside", act_outside}, {"rewrite", act_rewrite},
        {"create", act_create},   {"remove", act_remove},   {"mode", act_mode},
        {"rename", act_rename},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error error = ERROR_NONE;
        struct posix_making making;
        bool quiet = false;
        bench_expect(posix_making_begin(&making, bench->store, &call, "/r", "s", 0, &error), &error,
                     ERROR_OK);
        bench_expect(posix_making_copy(&making, &call, &error), &error, ERROR_OK);
        cases[i].act(bench);
        bench_expect(posix_making_guard(&making, &call, &quiet, &error), &error, ERROR_OK);
        if (quiet != (i < 2))
            fail_msg("%s: %d", cases[i].what, quiet);
        posix_making_end(&making, &call);
    }
}

struct scribbler {
    atomic_bool stop;
    atomic_uint_fast64_t written;
    int fd;
};

static void *scribble(void *context)
{
    struct scribbler *scribbler = context;
    for (char byte = 'a'; !atomic_load(&scribbler->stop); byte++) {
        CHECK(pwrite(scribbler->fd, &byte, 1, 100) == 1);
        atomic_fetch_add(&scribbler->written, 1);
    }
    return NULL;
}

static void torn_files_are_suspects(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct scribbler scribbler = {.stop = false};
    pthread_t thread;
    bool suspect = false;
    bench_write(bench, "/r/busy", "");
    assert_int_equal(truncate(bench_path(bench, "/r/busy"), 64 << 20), 0);
    scribbler.fd = open(bench_path(bench, "/r/busy"), O_WRONLY | O_CLOEXEC);
    bench_take(bench, "before");
    assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbler), 0);
    while (atomic_load(&scribbler.written) == 0)
        sched_yield();
    bench_take(bench, "s");
    atomic_store(&scribbler.stop, true);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++) { /* the second time from what the store remembers */
        bench_expect(posix->is_suspect(bench->store, &call, "/r", "busy", "s", &suspect, &error),
                     &error, ERROR_OK);
        assert_true(suspect);
        bench_expect(posix->is_suspect(bench->store, &call, "/r", "f", "s", &suspect, &error),
                     &error, ERROR_OK);
        assert_false(suspect);
        bench_expect(
            posix->is_suspect(bench->store, &call, "/r", "busy", "before", &suspect, &error),
            &error, ERROR_OK);
        assert_false(suspect);
    }
    bench_expect(posix->is_suspect(bench->store, &call, "/r", "f", "none", &suspect, &error),
                 &error, ERROR_NOT_FOUND);
    close(scribbler.fd);
    bench_take(bench, "after");
    bench_expect(posix->is_suspect(bench->store, &call, "/r", "busy", "after", &suspect, &error),
                 &error, ERROR_OK);
    assert_false(suspect);
}

/* In a child with a mount name space of its own. 77: this machine lets nobody mount. */
static int snapshot_over_mount(struct bench *bench)
{
    struct error error = ERROR_NONE;
    struct snapshot snapshot;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", bench_path(bench, "/r/d"), "tmpfs", 0, NULL) != 0)
        return 77;
    if (posix->snapshot_create(bench->store, &call, "/r", "s", &snapshot, &error))
        return 1;
    return error.code == ERROR_INVALID && strstr(error.text, "mounted") != NULL ? 0 : 2;
}

static void mounts_below_a_root_are_refused(void **state)
{
    struct bench *bench = *state;
    pid_t child = fork();
    if (child == 0)
        _exit(snapshot_over_mount(bench));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(crash_leaves_all_or_nothing, bench_setup_root,
                                        bench_teardown_root),
        cmocka_unit_test_setup_teardown(makers_do_not_disturb_each_other, bench_setup_root,
                                        bench_teardown_root),
        cmocka_unit_test_setup_teardown(guard_sees_unruly_writers, bench_setup_root,
                                        bench_teardown_root),
        cmocka_unit_test_setup_teardown(torn_files_are_suspects, bench_setup_root,
                                        bench_teardown_root),
        cmocka_unit_test_setup_teardown(mounts_below_a_root_are_refused, bench_setup_root,
                                        bench_teardown_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
