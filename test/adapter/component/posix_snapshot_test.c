/* posix_snapshot_test.c: snapshots of directories: sharing, damage, crashes, changes that times do
 * not show, and moments under a barrier. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/path.h"
#include "component/posix/posix.h"
#include "component/posix/posix_making.h"
#include "component/store_util.h"
#include "posix_bench.h"

static const struct component *const posix = &posix_component;
static const struct call call = {0};

static int setup(void **state)
{
    static struct bench bench;
    struct error error = ERROR_NONE;
    bench_init(&bench, "/barrier");
    bench_directory(&bench, "/r");
    bench_write(&bench, "/r/f", "content");
    bench_directory(&bench, "/r/d");
    bench_write(&bench, "/r/d/g", "below");
    assert_true(posix->allow_snapshots(bench.store, &call, "/r", &error));
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    bench_fini(*state);
    return 0;
}

static void expect(bool result, struct error *error, enum error_code code)
{
    if (result != (code == ERROR_OK) || error->code != code)
        fail_msg("%s instead of %s: %s", error_name(error->code), error_name(code), error->text);
    *error = ERROR_NONE;
}

static void take(struct bench *bench, const char *name)
{
    struct error error = ERROR_NONE;
    struct snapshot snapshot;
    expect(posix->snapshot_create(bench->store, &call, "/r", name, &snapshot, &error), &error,
           ERROR_OK);
}

static bool append_line(void *context, const struct difference *difference, struct error *error)
{
    (void)error;
    buffer_append_format(context, "%c %s,", difference->kind, difference->path);
    return true;
}

static void expect_difference(struct bench *bench, const char *from, const char *to,
                              const char *expected)
{
    struct error error = ERROR_NONE;
    struct buffer text;
    buffer_init(&text, 0);
    expect(posix->difference(bench->store, &call, "/r", "", from, to, append_line, &text, &error),
           &error, ERROR_OK);
    assert_string_equal(buffer_text(&text), expected);
    buffer_fini(&text);
}

static struct stat status_in(struct bench *bench, const char *snapshot, const char *relative)
{
    struct arena arena;
    struct stat status;
    arena_init(&arena);
    const char *path = posix->snapshot_path(bench->store, "/r", snapshot, relative, &arena);
    assert_int_equal(lstat(bench_path(bench, path), &status), 0);
    arena_fini(&arena);
    return status;
}

/* Until what was written so far is old enough that its times prove something. */
static void grow_old(void)
{
    int64_t until_ns = clock_monotonic_ns() + 120000000;
    while (clock_monotonic_ns() < until_ns)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void unchanged_files_are_shared_between_snapshots(void **state)
{
    struct bench *bench = *state;
    grow_old();
    bench_write(bench, "/r/young", "too young");
    take(bench, "s1");
    assert_true(bench_overwrite(bench, "/r/d/g", "BELOW"));
    take(bench, "s2");
    take(bench, "s3");
    struct stat f1 = status_in(bench, "s1", "f"), f2 = status_in(bench, "s2", "f"),
                f3 = status_in(bench, "s3", "f");
    assert_true(f1.st_ino == f2.st_ino && f2.st_ino == f3.st_ino);
    assert_int_equal(f3.st_nlink, 3);
    struct stat g1 = status_in(bench, "s1", "d/g"), g2 = status_in(bench, "s2", "d/g"),
                g3 = status_in(bench, "s3", "d/g");
    assert_true(g1.st_ino != g2.st_ino && g2.st_ino != g3.st_ino); /* changed, then racy */
    assert_int_equal(status_in(bench, "s1", "young").st_nlink, 1);
    struct stat live;
    assert_int_equal(stat(bench_path(bench, "/r/f"), &live), 0);
    assert_int_equal(live.st_nlink, 1); /* never with the live tree */
    expect_difference(bench, "s1", "s2", "M d/g,");
    expect_difference(bench, "s2", "s3", "");
    expect_difference(bench, "s1", "s3", "M d/g,");
    struct error error = ERROR_NONE;
    expect(posix->snapshot_remove(bench->store, &call, "/r", "s1", &error), &error, ERROR_OK);
    assert_int_equal(status_in(bench, "s3", "f").st_nlink, 2);
}

/* chmod changes nothing but the ctime, and the inode that snapshots share must not follow it. */
static void attributes_are_not_shared(void **state)
{
    struct bench *bench = *state;
    grow_old();
    take(bench, "s1");
    assert_int_equal(chmod(bench_path(bench, "/r/f"), 0600), 0);
    take(bench, "s2");
    assert_int_equal(status_in(bench, "s1", "f").st_mode & 07777, 0644);
    assert_int_equal(status_in(bench, "s2", "f").st_mode & 07777, 0600);
    expect_difference(bench, "s1", "s2", "M f,");
}

/* A writer in the same tick of the clock, same length: only the content tells. */
static void changes_in_the_same_tick_are_found(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 30; i++) {
        char name[8], next[8], text[8];
        snprintf(name, sizeof name, "s%d", i);
        snprintf(next, sizeof next, "t%d", i);
        snprintf(text, sizeof text, "text%02d", i);
        take(bench, name);
        assert_true(bench_overwrite(bench, "/r/f", text));
        expect_difference(bench, name, NULL, "M f,");
        take(bench, next);
        expect_difference(bench, name, next, "M f,");
    }
}

static void young_tree_that_is_unchanged_has_no_difference(void **state)
{
    struct bench *bench = *state;
    take(bench, "s1");
    expect_difference(bench, "s1", NULL, "");
    take(bench, "s2");
    expect_difference(bench, "s1", "s2", "");
}

/* Every bit of the index counts. */
static void damage_of_an_index_is_found(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct arena arena;
    struct buffer ignored;
    struct stat status;
    arena_init(&arena);
    buffer_init(&ignored, 0);
    take(bench, "s1");
    take(bench, "s2");
    const char *tree = posix->snapshot_path(bench->store, "/r", "s1", "", &arena);
    const char *index = path_join(&arena, path_parent(&arena, tree), "index");
    int fd = open(bench_path(bench, index), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    for (off_t at = 0; at < status.st_size; at++) {
        char byte, flipped;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        flipped = (char)(byte ^ (1 << at % 8));
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        bool compared = posix->difference(bench->store, &call, "/r", "", "s1", "s2", append_line,
                                          &ignored, &error);
        /* bytes 16 to 23: the length, which a streamed container leaves open; 8 and 9: the version,
         * which another program may know */
        if (compared || (error.code != ERROR_CORRUPT && !(at >= 8 && at < 10)))
            fail_msg("byte %lld: %s %s", (long long)at, error_name(error.code), error.text);
        error = ERROR_NONE;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    expect_difference(bench, "s1", "s2", "");
    for (off_t size = status.st_size - 1; size >= 0; size -= size > 40 ? 7 : 1) {
        assert_int_equal(ftruncate(fd, size), 0);
        expect(posix->difference(bench->store, &call, "/r", "", "s1", "s2", append_line, &ignored,
                                 &error),
               &error, ERROR_CORRUPT);
    }
    struct snapshot snapshot;
    expect(posix->snapshot_get(bench->store, &call, "/r", "s1", &snapshot, &error), &error,
           ERROR_CORRUPT);
    take(bench, "s3"); /* goes on without it */
    expect(posix->snapshot_remove(bench->store, &call, "/r", "s1", &error), &error, ERROR_OK);
    close(fd);
    buffer_fini(&ignored);
    arena_fini(&arena);
}

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
    expect(posix->snapshot_get(bench->store, &call, "/r", "s", &snapshot, &error), &error,
           ERROR_NOT_FOUND);
    assert_int_equal(count_hidden(bench), 1);
    take(bench, "other"); /* and takes away what was left */
    assert_int_equal(count_hidden(bench), 0);
    run_and_crash(bench, "posix.snapshot.published");
    expect(posix->snapshot_get(bench->store, &call, "/r", "s", &snapshot, &error), &error,
           ERROR_OK);
    expect_difference(bench, "s", "other", "");
}

/* What another maker holds is not swept. */
static void makers_do_not_disturb_each_other(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct posix_making making;
    expect(posix_making_begin(&making, bench->store, &call, "/r", "slow", 0, &error), &error,
           ERROR_OK);
    take(bench, "fast");
    assert_int_equal(count_hidden(bench), 1);
    expect(posix->snapshot_remove(bench->store, &call, "/r", "fast", &error), &error, ERROR_OK);
    expect(posix_making_copy(&making, &call, &error), &error, ERROR_OK);
    take(bench, "fast");
    expect(posix_making_publish(&making, &error), &error, ERROR_OK);
    posix_making_end(&making, &call);
    assert_int_equal(count_hidden(bench), 0);
    expect_difference(bench, "slow", "fast", "");
    /* Given up: nothing is left. Published under a name that was taken meanwhile: refused. */
    expect(posix_making_begin(&making, bench->store, &call, "/r", "s", 0, &error), &error,
           ERROR_OK);
    expect(posix_making_copy(&making, &call, &error), &error, ERROR_OK);
    take(bench, "s");
    expect(posix_making_publish(&making, &error), &error, ERROR_EXISTS);
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
        expect(posix_making_begin(&making, bench->store, &call, "/r", "s", 0, &error), &error,
               ERROR_OK);
        expect(posix_making_copy(&making, &call, &error), &error, ERROR_OK);
        cases[i].act(bench);
        expect(posix_making_guard(&making, &call, &quiet, &error), &error, ERROR_OK);
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
    take(bench, "before");
    assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbler), 0);
    while (atomic_load(&scribbler.written) == 0)
        sched_yield();
    take(bench, "s");
    atomic_store(&scribbler.stop, true);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++) { /* the second time from what the store remembers */
        expect(posix->is_suspect(bench->store, &call, "/r", "busy", "s", &suspect, &error), &error,
               ERROR_OK);
        assert_true(suspect);
        expect(posix->is_suspect(bench->store, &call, "/r", "f", "s", &suspect, &error), &error,
               ERROR_OK);
        assert_false(suspect);
        expect(posix->is_suspect(bench->store, &call, "/r", "busy", "before", &suspect, &error),
               &error, ERROR_OK);
        assert_false(suspect);
    }
    expect(posix->is_suspect(bench->store, &call, "/r", "f", "none", &suspect, &error), &error,
           ERROR_NOT_FOUND);
    close(scribbler.fd);
    take(bench, "after");
    expect(posix->is_suspect(bench->store, &call, "/r", "busy", "after", &suspect, &error), &error,
           ERROR_OK);
    assert_false(suspect);
}

/* The area below the root, and staging, are not part of the copy. */
static void area_within_a_root_is_left_out(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct snapshot snapshot;
    struct bench whole = *bench;
    whole.store = bench_open(bench, NULL);
    expect(posix->snapshot_create(whole.store, &call, "/", "s", &snapshot, &error), &error,
           ERROR_CONFLICT);
    expect(posix->allow_snapshots(whole.store, &call, "/", &error), &error, ERROR_CONFLICT);
    expect(posix->allow_snapshots(whole.store, &call, "/coeval/x", &error), &error,
           ERROR_NOT_FOUND);
    expect(posix->allow_snapshots(whole.store, &call, "/coeval", &error), &error, ERROR_CONFLICT);
    posix->close(whole.store);
    struct bench fresh;
    bench_init(&fresh, NULL);
    bench_write(&fresh, "/f", "x");
    bench_directory(&fresh, "/.coeval");
    bench_write(&fresh, "/.coeval/1", "staged");
    expect(posix->allow_snapshots(fresh.store, &call, "/", &error), &error, ERROR_OK);
    expect(posix->snapshot_create(fresh.store, &call, "/", "s", &snapshot, &error), &error,
           ERROR_OK);
    struct arena arena;
    arena_init(&arena);
    for (const char *const *name = (const char *const[]){"coeval", ".coeval", "f", NULL};
         *name != NULL; name++) {
        const char *path = posix->snapshot_path(fresh.store, "/", "s", *name, &arena);
        assert_int_equal(bench_is_there(&fresh, path), strcmp(*name, "f") == 0);
    }
    struct buffer text;
    buffer_init(&text, 0);
    expect(posix->difference(fresh.store, &call, "/", "", "s", NULL, append_line, &text, &error),
           &error, ERROR_OK);
    assert_string_equal(buffer_text(&text), "");
    buffer_fini(&text);
    arena_fini(&arena);
    bench_fini(&fresh);
}

/* What is inherited where the area lies must not show in a copy. */
static void inherited_acls_do_not_leak_into_copies(void **state)
{
    (void)state;
    struct bench bench;
    struct error error = ERROR_NONE;
    struct arena arena;
    struct entry live, copy;
    struct entry wanted = {.acl = "default:group::r-x,default:mask::rwx,default:other::---,"
                                  "default:user::rwx,default:user:bin:rwx"};
    arena_init(&arena);
    bench_init(&bench, NULL);
    bench_directory(&bench, "/r");
    bench_directory(&bench, "/r/d");
    bench_write(&bench, "/r/d/f", "x");
    expect(posix->set_attributes(bench.store, &call, "/", &wanted, ENTRY_ACL, &error), &error,
           ERROR_OK);
    expect(posix->allow_snapshots(bench.store, &call, "/r", &error), &error, ERROR_OK);
    struct snapshot snapshot;
    expect(posix->snapshot_create(bench.store, &call, "/r", "s", &snapshot, &error), &error,
           ERROR_OK);
    for (const char *const *name = (const char *const[]){"", "d", "d/f", NULL}; *name != NULL;
         name++) {
        const char *path = posix->snapshot_path(bench.store, "/r", "s", *name, &arena);
        expect(posix->describe(bench.store, &call, path, &arena, &copy, &error), &error, ERROR_OK);
        expect(posix->describe(bench.store, &call, path_join(&arena, "/r", *name), &arena, &live,
                               &error),
               &error, ERROR_OK);
        assert_int_equal(entry_compare(&copy, &live, ENTRY_ALL), 0);
        assert_null(copy.acl);
    }
    bench_fini(&bench);
    arena_fini(&arena);
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
        cmocka_unit_test_setup_teardown(unchanged_files_are_shared_between_snapshots, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(attributes_are_not_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(changes_in_the_same_tick_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(young_tree_that_is_unchanged_has_no_difference, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(damage_of_an_index_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(crash_leaves_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(makers_do_not_disturb_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(guard_sees_unruly_writers, setup, teardown),
        cmocka_unit_test_setup_teardown(torn_files_are_suspects, setup, teardown),
        cmocka_unit_test_setup_teardown(area_within_a_root_is_left_out, setup, teardown),
        cmocka_unit_test(inherited_acls_do_not_leak_into_copies),
        cmocka_unit_test_setup_teardown(mounts_below_a_root_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
