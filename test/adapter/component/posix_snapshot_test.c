/* posix_snapshot_test.c: snapshots of directories: sharing, damage, crashes, changes that times do
 * not show, and moments under a barrier. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "component/posix/posix.h"
#include "posix_bench.h"

static const struct component *const posix = &posix_component;
static const struct call call = {0};

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
    bench_take(bench, "s1");
    assert_true(bench_overwrite(bench, "/r/d/g", "BELOW"));
    bench_take(bench, "s2");
    bench_take(bench, "s3");
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
    bench_expect_difference(bench, "s1", "s2", "M d/g,");
    bench_expect_difference(bench, "s2", "s3", "");
    bench_expect_difference(bench, "s1", "s3", "M d/g,");
    struct error error = ERROR_NONE;
    bench_expect(posix->snapshot_remove(bench->store, &call, "/r", "s1", &error), &error, ERROR_OK);
    assert_int_equal(status_in(bench, "s3", "f").st_nlink, 2);
}

/* chmod changes nothing but the ctime, and the inode that snapshots share must not follow it. */
static void attributes_are_not_shared(void **state)
{
    struct bench *bench = *state;
    grow_old();
    bench_take(bench, "s1");
    assert_int_equal(chmod(bench_path(bench, "/r/f"), 0600), 0);
    bench_take(bench, "s2");
    assert_int_equal(status_in(bench, "s1", "f").st_mode & 07777, 0644);
    assert_int_equal(status_in(bench, "s2", "f").st_mode & 07777, 0600);
    bench_expect_difference(bench, "s1", "s2", "M f,");
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
        bench_take(bench, name);
        assert_true(bench_overwrite(bench, "/r/f", text));
        bench_expect_difference(bench, name, NULL, "M f,");
        bench_take(bench, next);
        bench_expect_difference(bench, name, next, "M f,");
    }
}

static void young_tree_that_is_unchanged_has_no_difference(void **state)
{
    struct bench *bench = *state;
    bench_take(bench, "s1");
    bench_expect_difference(bench, "s1", NULL, "");
    bench_take(bench, "s2");
    bench_expect_difference(bench, "s1", "s2", "");
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
    bench_take(bench, "s1");
    bench_take(bench, "s2");
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
        bool compared = posix->difference(bench->store, &call, "/r", "", "s1", "s2",
                                          bench_append_line, &ignored, &error);
        /* bytes 16 to 23: the length, which a streamed container leaves open; 8 and 9: the version,
         * which another program may know */
        if (compared || (error.code != ERROR_CORRUPT && !(at >= 8 && at < 10)))
            fail_msg("byte %lld: %s %s", (long long)at, error_name(error.code), error.text);
        error = ERROR_NONE;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    bench_expect_difference(bench, "s1", "s2", "");
    for (off_t size = status.st_size - 1; size >= 0; size -= size > 40 ? 7 : 1) {
        assert_int_equal(ftruncate(fd, size), 0);
        bench_expect(posix->difference(bench->store, &call, "/r", "", "s1", "s2", bench_append_line,
                                       &ignored, &error),
                     &error, ERROR_CORRUPT);
    }
    struct snapshot snapshot;
    bench_expect(posix->snapshot_get(bench->store, &call, "/r", "s1", &snapshot, &error), &error,
                 ERROR_CORRUPT);
    bench_take(bench, "s3"); /* goes on without it */
    bench_expect(posix->snapshot_remove(bench->store, &call, "/r", "s1", &error), &error, ERROR_OK);
    close(fd);
    buffer_fini(&ignored);
    arena_fini(&arena);
}

/* The area below the root, and staging, are not part of the copy. */
static void area_within_a_root_is_left_out(void **state)
{
    struct bench *bench = *state;
    struct error error = ERROR_NONE;
    struct snapshot snapshot;
    struct bench whole = *bench;
    whole.store = bench_open(bench, NULL);
    bench_expect(posix->snapshot_create(whole.store, &call, "/", "s", &snapshot, &error), &error,
                 ERROR_CONFLICT);
    bench_expect(posix->allow_snapshots(whole.store, &call, "/", &error), &error, ERROR_CONFLICT);
    bench_expect(posix->allow_snapshots(whole.store, &call, "/coeval/x", &error), &error,
                 ERROR_NOT_FOUND);
    bench_expect(posix->allow_snapshots(whole.store, &call, "/coeval", &error), &error,
                 ERROR_CONFLICT);
    posix->close(whole.store);
    struct bench fresh;
    bench_init(&fresh, NULL);
    bench_write(&fresh, "/f", "x");
    bench_directory(&fresh, "/.coeval");
    bench_write(&fresh, "/.coeval/1", "staged");
    bench_expect(posix->allow_snapshots(fresh.store, &call, "/", &error), &error, ERROR_OK);
    bench_expect(posix->snapshot_create(fresh.store, &call, "/", "s", &snapshot, &error), &error,
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
    bench_expect(
        posix->difference(fresh.store, &call, "/", "", "s", NULL, bench_append_line, &text, &error),
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
    bench_expect(posix->set_attributes(bench.store, &call, "/", &wanted, ENTRY_ACL, &error), &error,
                 ERROR_OK);
    bench_expect(posix->allow_snapshots(bench.store, &call, "/r", &error), &error, ERROR_OK);
    struct snapshot snapshot;
    bench_expect(posix->snapshot_create(bench.store, &call, "/r", "s", &snapshot, &error), &error,
                 ERROR_OK);
    for (const char *const *name = (const char *const[]){"", "d", "d/f", NULL}; *name != NULL;
         name++) {
        const char *path = posix->snapshot_path(bench.store, "/r", "s", *name, &arena);
        bench_expect(posix->describe(bench.store, &call, path, &arena, &copy, &error), &error,
                     ERROR_OK);
        bench_expect(posix->describe(bench.store, &call, path_join(&arena, "/r", *name), &arena,
                                     &live, &error),
                     &error, ERROR_OK);
        assert_int_equal(entry_compare(&copy, &live, ENTRY_ALL), 0);
        assert_null(copy.acl);
    }
    bench_fini(&bench);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unchanged_files_are_shared_between_snapshots,
                                        bench_setup_root, bench_teardown_root),
        cmocka_unit_test_setup_teardown(attributes_are_not_shared, bench_setup_root,
                                        bench_teardown_root),
        cmocka_unit_test_setup_teardown(changes_in_the_same_tick_are_found, bench_setup_root,
                                        bench_teardown_root),
        cmocka_unit_test_setup_teardown(young_tree_that_is_unchanged_has_no_difference,
                                        bench_setup_root, bench_teardown_root),
        cmocka_unit_test_setup_teardown(damage_of_an_index_is_found, bench_setup_root,
                                        bench_teardown_root),
        cmocka_unit_test_setup_teardown(area_within_a_root_is_left_out, bench_setup_root,
                                        bench_teardown_root),
        cmocka_unit_test(inherited_acls_do_not_leak_into_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
