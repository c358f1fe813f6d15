/* journal_fault_test.c: every write and sync of a commit fails in turn, and a disk that is really
 * full. Run with shim_fsync preloaded. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/journal/journal_fixture.h"
#include "base/check.h"

static void (*shim_plan)(int nth, int number, int times, int syncs_only);
static int (*shim_failures_left)(void);
static struct journal_fixture fixture;

static int find_shim(void **state)
{
    (void)state;
    *(void **)&shim_plan = dlsym(RTLD_DEFAULT, "shim_plan");
    *(void **)&shim_failures_left = dlsym(RTLD_DEFAULT, "shim_failures_left");
    return shim_plan != NULL && shim_failures_left != NULL ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shim_plan(0, 0, 0, 0);
    fixture_fini(&fixture);
    return 0;
}

static void open_well(void)
{
    struct error error = ERROR_NONE;
    fixture.verify_all = true;
    if (!fixture_open(&fixture, &error))
        fail_msg("open: %s", error.text);
}

static void append_and_wait(const char *payload)
{
    struct error error = ERROR_NONE;
    unsigned told = fixture.done + fixture.failed_done;
    assert_true(fixture_append(&fixture, "k", payload, &error));
    assert_true(fixture_wait(&fixture, told + 1));
}

static void assert_object(const char *payload)
{
    struct buffer read;
    struct error error = ERROR_NONE;
    buffer_init(&read, 0);
    assert_true(
        fixture.journal->operations->object(fixture.journal, JOURNAL_EPOCH, "k", &read, &error));
    assert_string_equal(buffer_text(&read), payload);
    buffer_fini(&read);
}

static void test_one_failed_sync_loses_the_journal(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    open_well();
    append_and_wait("1");
    append_and_wait("2");
    shim_plan(1, EIO, 1, 1);
    assert_true(fixture_append(&fixture, "k", "3", &error));
    /* Behind it in the queue, or refused at once when the failure has come already. */
    unsigned queued = fixture_append(&fixture, "k", "4", &error) ? 2 : 1;
    assert_true(fixture_wait(&fixture, 2 + queued));
    assert_int_equal(shim_failures_left(), 0);
    assert_int_equal(fixture.done, 2); /* nothing of what failed, or waited behind it, is told */
    assert_int_equal(fixture.failed_done, queued);
    assert_int_equal(fixture.last_code, ERROR_IO);
    assert_int_equal(fixture.failed_calls, 1);
    assert_non_null(strstr(fixture.failed_text, "Input/output error"));
    assert_false(fixture_append(&fixture, "k", "5", &error)); /* though the disk works again */
    assert_int_equal(error.code, ERROR_IO);
    assert_object("2"); /* reading goes on */
    fixture_close(&fixture);
    assert_int_equal(fixture.failed_calls, 1);
    open_well();
    assert_int_equal(fixture.journal->operations->last_sequence(fixture.journal), 2);
    append_and_wait("6");
    assert_object("6");
}

/* One failure at the nth write or sync after three good commits. False: n is beyond them all. */
static bool fail_at(int nth, int number)
{
    fixture_init(&fixture);
    open_well();
    append_and_wait("1");
    append_and_wait("2");
    append_and_wait("3");
    shim_plan(nth, number, 1, 0);
    append_and_wait("4");
    bool struck = shim_failures_left() == 0;
    shim_plan(0, 0, 0, 0);
    unsigned good = fixture.done;
    assert_int_equal(good, struck ? 3 : 4);
    bool lost = fixture.failed_calls == 1;
    if (struck && !lost) { /* a clean failure: it goes on at once */
        assert_int_equal(fixture.last_code, ERROR_NO_SPACE);
        assert_int_equal(number, ENOSPC);
        append_and_wait("5");
        assert_int_equal(fixture.done, good + 1);
    }
    good = fixture.done;
    fixture_close(&fixture);
    open_well();
    /* What was told durable is there; what was told failed is not, but for a lost journal, whose
     * last word may have reached the disk. */
    uint64_t last = fixture.journal->operations->last_sequence(fixture.journal);
    if (last != good && !(lost && last == good + 1))
        fail_msg("failure %d at call %d: %u told, %u there", number, nth, good, (unsigned)last);
    fixture_fini(&fixture);
    return struck;
}

static void test_each_call_fails_with_eio(void **state)
{
    (void)state;
    int nth = 1;
    while (fail_at(nth, EIO))
        nth++;
    assert_true(nth > 3); /* data, sync, head */
}

static void test_each_call_fails_with_enospc(void **state)
{
    (void)state;
    int nth = 1;
    while (fail_at(nth, ENOSPC))
        nth++;
    assert_true(nth > 3);
}

static int append_number(int number)
{
    char payload[16];
    unsigned done = fixture.done;
    struct error error = ERROR_NONE;
    snprintf(payload, sizeof payload, "%d", number);
    if (!fixture_append(&fixture, "k", payload, &error))
        return 0; /* lost already */
    unsigned told = fixture.done + fixture.failed_done;
    assert_true(fixture_wait(&fixture, told + 1));
    return fixture.done > done ? number : 0;
}

/* What a start finds, having verified all; 0: it refuses. */
static int find_number(void)
{
    struct buffer read;
    struct error error = ERROR_NONE;
    if (!fixture_open(&fixture, &error)) {
        assert_non_null(strstr(error.text, "show an old state"));
        return 0;
    }
    buffer_init(&read, 0);
    assert_true(
        fixture.journal->operations->object(fixture.journal, JOURNAL_EPOCH, "k", &read, &error));
    int found = atoi(buffer_text(&read));
    buffer_fini(&read);
    return found;
}

/* The nth call fails from the commit on behind which a step trims. What was told stays told: the
 * step has its own transaction, and its failure is what the next group hears. False: as fail_at. */
static bool fail_while_trimming(int nth, int number)
{
    int newest = 0, tried = 0;
    fixture_init(&fixture);
    fixture.keep_records = 20;
    open_well();
    for (; tried < 22; tried++)
        assert_int_equal(append_number(tried + 1), tried + 1);
    shim_plan(nth, number, 1, 0);
    while (tried < 25) {
        int told = append_number(++tried);
        newest = told > 0 ? told : newest;
    }
    bool struck = shim_failures_left() == 0;
    if (struck && fixture.failed_calls == 0) { /* in the step behind the last one: heard now */
        int told = append_number(++tried);
        assert_true(told == 0 || number == ENOSPC);
        newest = told > 0 ? told : newest;
    }
    shim_plan(0, 0, 0, 0);
    bool lost = fixture.failed_calls == 1;
    assert_true(newest >= 25 || (struck && (lost || number == ENOSPC)));
    assert_true(!struck || lost || number == ENOSPC);
    fixture_close(&fixture);
    int found = find_number();
    if (found == 0) { /* a head that was half written cannot be told from a flipped bit */
        assert_true(lost);
        fixture_fini(&fixture);
        return struck;
    }
    if (found != newest && !(lost && found == newest + 1) && !(newest == 0 && found >= 22))
        fail_msg("failure %d at call %d: %d was told, %d is there", number, nth, newest, found);
    fixture_fini(&fixture);
    return struck;
}

static void test_each_call_fails_while_trimming(void **state)
{
    static const int numbers[] = {EIO, ENOSPC};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int nth = 1;
        while (fail_while_trimming(nth, numbers[i]))
            nth++;
        assert_true(nth > 8); /* commits and the step between them */
    }
}

/* A disk that goes on failing must not be tried for ever, nor be believed. */
static void test_no_space_again_and_again(void **state)
{
    (void)state;
    open_well();
    append_and_wait("1");
    for (int i = 0; i < 20; i++) {
        shim_plan(1, ENOSPC, 1, 0);
        append_and_wait("2");
    }
    assert_int_equal(fixture.done, 1);
    assert_int_equal(fixture.failed_done, 20);
    assert_int_equal(fixture.failed_calls, 0);
    append_and_wait("3");
    assert_int_equal(fixture.done, 2);
    assert_object("3");
}

/* A real full file system. */

static void fill_up(const char *path)
{
    static const char block[4096] = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    while (write(fd, block, sizeof block) > 0) {
    }
    close(fd);
}

enum { FULL_OK = 0, FULL_NO_MOUNT = 77 };

#define EXPECT(condition)                                                    \
    do {                                                                     \
        if (!(condition)) {                                                  \
            fprintf(stderr, "expected %s, line %d\n", #condition, __LINE__); \
            return 1;                                                        \
        }                                                                    \
    } while (0)

static unsigned append_until_refused(const char *payload)
{
    struct error error = ERROR_NONE;
    while (fixture.failed_done == 0 && fixture.done < 10000)
        if (!fixture_append(&fixture, "k", payload, &error) ||
            !fixture_wait(&fixture, fixture.done + 1))
            return 0;
    return fixture.done;
}

/* In a mount name space of its own: nothing is left behind however it ends. */
static int use_full_disk(void *context)
{
    char filler[128], payload[3000];
    struct error error = ERROR_NONE;
    (void)context;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", fixture.directory, "tmpfs", 0, "size=1m") != 0)
        return FULL_NO_MOUNT;
    memset(payload, 'x', sizeof payload - 1);
    payload[sizeof payload - 1] = '\0';
    make_path(filler, sizeof filler, fixture.directory, "filler");
    EXPECT(fixture_open(&fixture, &error));
    fill_up(filler);
    unsigned good = append_until_refused(payload);
    EXPECT(fixture.failed_done == 1);
    EXPECT(fixture.last_code == ERROR_NO_SPACE);
    EXPECT(fixture.failed_calls == 0);
    EXPECT(fixture.journal->operations->last_sequence(fixture.journal) == good);
    EXPECT(unlink(filler) == 0);
    EXPECT(fixture_append(&fixture, "k", "after", &error));
    EXPECT(fixture_wait(&fixture, good + 2));
    EXPECT(fixture.done == good + 1);
    fixture_close(&fixture);
    fixture.verify_all = true;
    EXPECT(fixture_open(&fixture, &error));
    EXPECT(fixture.journal->operations->last_sequence(fixture.journal) == good + 1);
    fixture_close(&fixture);
    return FULL_OK;
}

static void test_full_disk(void **state)
{
    (void)state;
    int outcome = run_in_child(use_full_disk, NULL);
    if (outcome == FULL_NO_MOUNT) {
        print_message("skipped: mounting a tmpfs is not allowed here\n");
        skip();
    }
    assert_int_equal(outcome, FULL_OK);
}

/* No place for the journal at all: said, and nothing half-made stays. */
static int create_on_full_disk(void *context)
{
    char filler[128], data[128];
    struct error error = ERROR_NONE;
    (void)context;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", fixture.directory, "tmpfs", 0, "size=64k") != 0)
        return FULL_NO_MOUNT;
    make_path(filler, sizeof filler, fixture.directory, "filler");
    make_path(data, sizeof data, fixture.directory, "data.mdb");
    fill_up(filler);
    EXPECT(!fixture_open(&fixture, &error));
    EXPECT(error.code == ERROR_NO_SPACE);
    EXPECT(access(data, F_OK) != 0);
    EXPECT(unlink(filler) == 0);
    EXPECT(fixture_open(&fixture, &error));
    fixture_close(&fixture);
    return FULL_OK;
}

static void test_creation_on_a_full_disk(void **state)
{
    (void)state;
    int outcome = run_in_child(create_on_full_disk, NULL);
    if (outcome == FULL_NO_MOUNT) {
        print_message("skipped: mounting a tmpfs is not allowed here\n");
        skip();
    }
    assert_int_equal(outcome, FULL_OK);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_failed_sync_loses_the_journal),
        cmocka_unit_test(test_each_call_fails_with_eio),
        cmocka_unit_test(test_each_call_fails_with_enospc),
        cmocka_unit_test(test_each_call_fails_while_trimming),
        TEST(test_no_space_again_and_again),
        TEST(test_full_disk),
        TEST(test_creation_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, find_shim, NULL);
}
