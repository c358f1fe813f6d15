/* journal_reader_test.c: looking into a journal while it is written, and while it is not. The
 * reader is always another process than the writer. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/journal/journal_fixture.h"
#include "base/check.h"

static struct journal_fixture fixture;

#define EXPECT(condition)                                                                    \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "expected %s, line %d: %s\n", #condition, __LINE__, error.text); \
            return __LINE__ % 100 + 100;                                                     \
        }                                                                                    \
    } while (0)

struct seen {
    uint64_t last;
    unsigned objects;
};

static bool in_order(void *context, const struct journal_record *record, struct error *error)
{
    struct seen *seen = context;
    if (record->sequence != seen->last + 1)
        return error_set(error, ERROR_CORRUPT, "%d after %d", (int)record->sequence,
                         (int)seen->last);
    seen->last = record->sequence;
    return true;
}

static bool count_object(void *context, const char *key, const char *payload, size_t size,
                         struct error *error)
{
    struct seen *seen = context;
    (void)key;
    (void)error;
    CHECK(strlen(payload) == size);
    seen->objects++;
    return true;
}

/* Everything that a tool does, once. */
static int read_all(struct journal_reader *reader, struct seen *seen)
{
    struct error error = ERROR_NONE;
    uint64_t records = 0, bad = 0;
    *seen = (struct seen){.last = 0};
    EXPECT(journal_reader_verify(reader, &records, &bad, &error));
    EXPECT(journal_reader_records(reader, 0, SIZE_MAX, in_order, seen, &error));
    EXPECT(journal_reader_objects(reader, JOURNAL_EPOCH, count_object, seen, &error));
    EXPECT(seen->last >= records);
    return 0;
}

static int read_once(void *context)
{
    const struct seen *expected = context;
    struct journal_reader *reader = NULL;
    struct error error = ERROR_NONE;
    struct seen seen;
    EXPECT(journal_reader_open(fixture.directory, &reader, &error));
    int result = read_all(reader, &seen);
    EXPECT(journal_reader_last(reader) == seen.last);
    EXPECT(strlen(journal_reader_id(reader)) == 36);
    journal_reader_close(reader);
    EXPECT(seen.last == expected->last);
    EXPECT(seen.objects == expected->objects);
    return result;
}

static void test_dead_journal(void **state)
{
    (void)state;
    fixture_fill(&fixture, 2500); /* more than two pages of the reader */
    struct seen expected = {.last = 2500, .objects = 10};
    assert_int_equal(run_in_child(read_once, &expected), 0);
}

static void test_fresh_journal(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct seen expected = {.last = 0};
    assert_true(fixture_open(&fixture, &error));
    fixture_close(&fixture);
    assert_int_equal(run_in_child(read_once, &expected), 0);
}

static void test_no_journal(void **state)
{
    (void)state;
    struct journal_reader *reader = NULL;
    struct error error = ERROR_NONE;
    assert_false(journal_reader_open("/nonexistent/journal", &reader, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_false(journal_reader_open(fixture.directory, &reader, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, fixture.directory));
    assert_null(reader);
}

static int see_owner(void *context)
{
    const int *owner = context;
    struct journal_reader *reader = NULL;
    struct error error = ERROR_NONE;
    EXPECT(journal_reader_open(fixture.directory, &reader, &error));
    int seen = journal_reader_owner(reader);
    journal_reader_close(reader);
    return seen == *owner ? 0 : 1;
}

static void test_owner(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    int owner = getpid();
    assert_true(fixture_open(&fixture, &error));
    assert_int_equal(run_in_child(see_owner, &owner), 0);
    fixture_close(&fixture);
    owner = 0;
    assert_int_equal(run_in_child(see_owner, &owner), 0);
}

#define READ_OFTEN 4

/* One reader for long, over a map that grows under it; until the writer closes the pipe. It says
 * when it has read often enough (-1: to nobody). */
static int read_until_told(int stop, int often)
{
    struct journal_reader *reader = NULL;
    struct error error = ERROR_NONE;
    struct seen seen = {.last = 0};
    char byte;
    int result = 0, rounds = 0;
    EXPECT(fcntl(stop, F_SETFL, O_NONBLOCK) == 0);
    EXPECT(journal_reader_open(fixture.directory, &reader, &error));
    while (result == 0 && read(stop, &byte, 1) < 0) {
        uint64_t before = seen.last;
        result = read_all(reader, &seen);
        EXPECT(seen.last >= before);
        if (++rounds == READ_OFTEN && often >= 0)
            EXPECT(write(often, "", 1) == 1);
    }
    journal_reader_close(reader);
    EXPECT(rounds >= READ_OFTEN);
    return result;
}

static void write_some(unsigned count)
{
    char payload[600];
    struct error error = ERROR_NONE;
    memset(payload, 'x', sizeof payload - 1);
    payload[sizeof payload - 1] = '\0';
    for (unsigned i = 0; i < count; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%u", i % 50);
        CHECK(fixture_append(&fixture, key, payload, &error));
        CHECK(fixture_wait(&fixture, fixture.done + 1));
    }
}

static void test_reader_beside_a_writer(void **state)
{
    (void)state;
    int ends[2], often[2], status;
    char byte;
    struct error error = ERROR_NONE;
    fixture.map_bytes = (uint64_t)1 << 20; /* grows three times below */
    assert_true(fixture_open(&fixture, &error));
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && pipe2(often, O_CLOEXEC) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(ends[1]);
        _exit(read_until_told(ends[0], often[1]));
    }
    close(ends[0]);
    close(often[1]); /* so that a reader that ends ends the wait for it */
    write_some(3000);
    CHECK(fcntl(often[0], F_SETFL, O_NONBLOCK) == 0);
    while (read(often[0], &byte, 1) < 0)
        write_some(10);
    close(often[0]);
    close(ends[1]);
    CHECK(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
    assert_int_equal(fixture.failed_done, 0);
}

static void test_killed_readers_do_no_harm(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    assert_true(fixture_open(&fixture, &error));
    write_some(300);
    for (int round = 0; round < 30; round++) {
        int ends[2];
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            close(ends[1]);
            _exit(read_until_told(ends[0], -1));
        }
        write_some(5 + (unsigned)round);
        kill(pid, SIGKILL);
        CHECK(waitpid(pid, NULL, 0) == pid);
        close(ends[0]);
        close(ends[1]);
        write_some(5);
    }
    assert_int_equal(fixture.failed_done, 0);
    unsigned written = fixture.done;
    fixture_close(&fixture);
    fixture.verify_all = true;
    assert_true(fixture_open(&fixture, &error));
    assert_int_equal(fixture.journal->operations->last_sequence(fixture.journal), written);
}

/* The tool changes nothing but LMDB's reader table. */
static void test_reading_changes_no_byte(void **state)
{
    (void)state;
    char data[128], copy[128];
    struct stat before, after;
    struct seen expected = {.last = 20, .objects = 10};
    fixture_fill(&fixture, 20);
    make_path(data, sizeof data, fixture.directory, "data.mdb");
    make_path(copy, sizeof copy, fixture.directory, "copy");
    CHECK(stat(data, &before) == 0);
    assert_int_equal(run_in_child(read_once, &expected), 0);
    CHECK(stat(data, &after) == 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
}

/* lock.mdb that cannot be written. Root may write anything, so: a read-only mount. */

enum { NO_MOUNT = 77 };

static bool make_read_only(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(fixture.directory, fixture.directory, NULL, MS_BIND, NULL) == 0 &&
           mount("none", fixture.directory, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0;
}

static int read_without_locks(void *context)
{
    return make_read_only() ? read_once(context) : NO_MOUNT;
}

static int refuse_without_locks(void *context)
{
    struct journal_reader *reader = NULL;
    struct error error = ERROR_NONE;
    char owner[32];
    (void)context;
    if (!make_read_only())
        return NO_MOUNT;
    snprintf(owner, sizeof owner, "process %d", (int)getppid());
    EXPECT(!journal_reader_open(fixture.directory, &reader, &error));
    EXPECT(error.code == ERROR_DENIED);
    EXPECT(strstr(error.text, owner) != NULL);
    return 0;
}

static void test_lock_table_cannot_be_written(void **state)
{
    (void)state;
    struct seen expected = {.last = 20, .objects = 10};
    struct error error = ERROR_NONE;
    fixture_fill(&fixture, 20);
    int outcome = run_in_child(read_without_locks, &expected);
    if (outcome == NO_MOUNT) {
        print_message("skipped: mounting is not allowed here\n");
        skip();
    }
    assert_int_equal(outcome, 0);
    assert_true(fixture_open(&fixture, &error));
    assert_int_equal(run_in_child(refuse_without_locks, NULL), 0);
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
    fixture_fini(&fixture);
    return 0;
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_dead_journal),
        TEST(test_fresh_journal),
        TEST(test_no_journal),
        TEST(test_owner),
        TEST(test_reader_beside_a_writer),
        TEST(test_killed_readers_do_no_harm),
        TEST(test_reading_changes_no_byte),
        TEST(test_lock_table_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
