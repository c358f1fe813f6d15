/* journal_retention_test.c: old records go and nothing that counts goes with them: objects stay,
 * the chain holds from the anchor on, a kill in the middle leaves one or the other. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/journal/journal_fixture.h"
#include "base/check.h"
#include "base/file.h"
#include "base/random.h"

#define KEEP 50u
#define MOST (KEEP + KEEP / 8 + 2) /* what may be there between two steps */

static struct journal_fixture fixture;

/* ---- looking ---- */

struct seen {
    uint64_t first, last, count;
};

static bool see(void *context, const struct journal_record *record, struct error *error)
{
    struct seen *seen = context;
    (void)error;
    if (seen->count > 0)
        assert_int_equal(record->sequence, seen->last + 1);
    else
        seen->first = record->sequence;
    seen->last = record->sequence;
    seen->count++;
    return true;
}

/* Opens with everything verified, from the outside first. */
static struct seen look(uint64_t *ret_trimmed)
{
    struct seen seen = {0};
    struct error error = ERROR_NONE;
    struct journal_reader *reader;
    uint64_t records = 0, sequence = 0;
    if (!journal_reader_open(fixture.directory, &reader, &error) ||
        !journal_reader_verify(reader, &records, &sequence, &error))
        fail_msg("record %d: %s", (int)sequence, error.text);
    *ret_trimmed = journal_reader_trimmed(reader);
    journal_reader_close(reader);
    fixture.verify_all = true;
    if (!fixture_open(&fixture, &error))
        fail_msg("%s", error.text);
    assert_true(
        fixture.journal->operations->records(fixture.journal, 0, SIZE_MAX, see, &seen, &error));
    assert_int_equal(seen.count, records);
    assert_int_equal(seen.first, *ret_trimmed + 1);
    return seen;
}

static void assert_object(enum journal_type type, const char *key, const char *wanted)
{
    struct buffer payload;
    struct error error = ERROR_NONE;
    buffer_init(&payload, 0);
    if (!fixture.journal->operations->object(fixture.journal, type, key, &payload, &error))
        fail_msg("%s: %s", key, error.text);
    assert_string_equal(buffer_text(&payload), wanted);
    buffer_fini(&payload);
}

/* ---- writing ---- */

static void append(enum journal_type type, const char *key, const char *payload)
{
    struct error error = ERROR_NONE;
    struct journal_append record = {.type = type, .key = key, .payload = payload, .generation = 3};
    assert_true(journal_append_all(fixture.journal, &record, 1, NULL, NULL, &error));
}

/* Waits for each hundred: steps come between groups. */
static void append_many(unsigned first, unsigned count, unsigned keys, size_t padding)
{
    struct error error = ERROR_NONE;
    for (unsigned i = first; i < first + count; i++) {
        char key[16], payload[2048];
        snprintf(key, sizeof key, "k%u", i % keys);
        snprintf(payload, sizeof payload, "{\"n\":%u,\"pad\":\"%0*d\"}", i, (int)padding, 0);
        unsigned before = fixture.done + fixture.failed_done;
        assert_true(fixture_append(&fixture, key, payload, &error));
        if (i % 100 == 99 || i + 1 == first + count)
            assert_true(fixture_wait(&fixture, before + 1));
    }
}

static void open_small(void)
{
    struct error error = ERROR_NONE;
    fixture.keep_records = KEEP;
    if (!fixture_open(&fixture, &error))
        fail_msg("%s", error.text);
}

/* ---- tests ---- */

static bool find_policy(void *context, const struct journal_record *record, struct error *error)
{
    unsigned *found = context;
    (void)error;
    if (record->type != JOURNAL_POLICY)
        return true;
    assert_string_equal(record->key, "p");
    assert_string_equal(record->payload, "{\"the\":\"policy\"}");
    assert_int_equal(record->generation, 3);
    ++*found;
    return true;
}

static void test_the_past_goes_and_objects_stay(void **state)
{
    struct error error = ERROR_NONE;
    uint64_t trimmed;
    unsigned policies = 0;
    (void)state;
    open_small();
    append(JOURNAL_POLICY, "p", "{\"the\":\"policy\"}");
    append(JOURNAL_POLICY, "old", "{}");
    append(JOURNAL_POLICY, "old", NULL); /* removed: not to be renewed */
    append(JOURNAL_EVENT, NULL, "{\"told\":1}");
    append_many(0, 2000, 7, 10);
    fixture_close(&fixture);
    struct seen seen = look(&trimmed);
    assert_true(trimmed > 1900);
    assert_true(seen.count <= MOST);
    assert_object(JOURNAL_POLICY, "p", "{\"the\":\"policy\"}");
    assert_object(JOURNAL_EPOCH, "k4", "{\"n\":1999,\"pad\":\"0000000000\"}");
    /* One record of it is left: the newest renewal. */
    assert_true(fixture.journal->operations->records(fixture.journal, 0, SIZE_MAX, find_policy,
                                                     &policies, &error));
    assert_int_equal(policies, 1);
    /* Asked for from before the anchor and from behind it. */
    struct seen some = {0};
    assert_true(fixture.journal->operations->records(fixture.journal, 5, 10, see, &some, &error));
    assert_int_equal(some.first, trimmed + 1);
    some = (struct seen){0};
    assert_true(fixture.journal->operations->records(fixture.journal, seen.last - 3, 10, see, &some,
                                                     &error));
    assert_int_equal(some.first, seen.last - 2);
}

static void test_the_young_stay(void **state)
{
    uint64_t trimmed;
    (void)state;
    fixture.keep_age_us = (int64_t)3600 * 1000000;
    open_small();
    append_many(0, 500, 7, 10);
    fixture_close(&fixture);
    assert_int_equal(look(&trimmed).count, 500);
    assert_int_equal(trimmed, 0);
}

static void test_many_objects_are_not_renewed_in_circles(void **state)
{
    uint64_t trimmed;
    (void)state;
    open_small();
    append_many(0, 3000, 300, 10);
    fixture_close(&fixture);
    struct seen seen = look(&trimmed);
    /* Twice the objects (and the anchor) are kept; what was appended besides is renewals. */
    assert_true(seen.count <= 2 * 301 + 301 / 4 + 2);
    assert_true(seen.last < 3000 + 3000 / 2);
    assert_object(JOURNAL_EPOCH, "k299", "{\"n\":2999,\"pad\":\"0000000000\"}");
}

static void test_a_full_map_makes_room(void **state)
{
    uint64_t trimmed;
    (void)state;
    fixture.map_bytes = fixture.map_bytes_max = (uint64_t)4 << 20;
    fixture.keep_records = 1000000;
    struct error error = ERROR_NONE;
    assert_true(fixture_open(&fixture, &error));
    append_many(0, 60000, 5, 1000); /* 60 MB of records */
    assert_int_equal(fixture.failed_done, 0);
    assert_int_equal(fixture.failed_calls, 0);
    fixture_close(&fixture);
    struct seen seen = look(&trimmed);
    assert_true(trimmed > 0);
    assert_true(seen.count >= 1000);
    char path[128];
    struct stat status;
    make_path(path, sizeof path, fixture.directory, "data.mdb");
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size <= (off_t)6 << 20); /* the limit and what steps need themselves */
}

/* Objects are not the past: then there is no room, and that is said. */
static void test_a_map_full_of_objects(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    fixture.map_bytes = fixture.map_bytes_max = (uint64_t)1 << 20;
    assert_true(fixture_open(&fixture, &error));
    for (unsigned i = 0; fixture.failed_done == 0 && i < 100000; i++) {
        char key[16], payload[4096];
        snprintf(key, sizeof key, "k%u", i);
        snprintf(payload, sizeof payload, "{\"pad\":\"%04000d\"}", 0);
        assert_true(fixture_append(&fixture, key, payload, &error));
        assert_true(fixture_wait(&fixture, i + 1));
    }
    assert_int_equal(fixture.last_code, ERROR_NO_SPACE);
    assert_int_equal(fixture.failed_calls, 0); /* it is not lost */
    fixture_close(&fixture);
    uint64_t trimmed;
    fixture.map_bytes = fixture.map_bytes_max = 0;
    look(&trimmed);
}

/* ---- kills ---- */

static int append_at_crash_point(void *context)
{
    setenv("COEVAL_CRASH_AT", context, 1);
    open_small();
    append_many(0, 100, 7, 10);
    fixture_close(&fixture); /* the step comes behind the group */
    return 2;
}

static void test_crash_points_of_a_step(void **state)
{
    static char before[] = "journal.trim.before", after[] = "journal.trim.after";
    uint64_t trimmed;
    (void)state;
    assert_int_equal(run_in_child(append_at_crash_point, before), -1);
    struct seen seen = look(&trimmed);
    assert_int_equal(trimmed, 0);
    assert_true(seen.last > KEEP);
    fixture_close(&fixture);
    assert_int_equal(run_in_child(append_at_crash_point, after), -1);
    seen = look(&trimmed);
    assert_true(trimmed > 0);
}

static _Noreturn void append_until_killed(int pipe)
{
    open_small();
    uint64_t last = fixture.journal->operations->last_sequence(fixture.journal);
    for (unsigned n = 0;; n++) {
        append_many(n * 20, 20, 7, n % 200);
        last = fixture.journal->operations->last_sequence(fixture.journal);
        CHECK(write(pipe, &last, sizeof last) == sizeof last);
    }
}

static void test_kill_while_trimming(void **state)
{
    struct random random;
    uint64_t told = 0, trimmed, before = 0;
    (void)state;
    random_init(&random, 7);
    for (int round = 0; round < 30; round++) {
        int ends[2];
        uint64_t number = 0;
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            append_until_killed(ends[1]);
        close(ends[1]);
        unsigned tells = 3 + (unsigned)random_below(&random, 30);
        for (unsigned i = 0; i < tells && read(ends[0], &number, sizeof number) > 0; i++)
            told = number;
        kill(pid, SIGKILL); /* wherever it is */
        while (read(ends[0], &number, sizeof number) == sizeof number)
            told = number;
        close(ends[0]);
        CHECK(waitpid(pid, NULL, 0) == pid);
        struct seen seen = look(&trimmed);
        assert_true(seen.last >= told);
        assert_true(trimmed >= before);
        before = trimmed;
        fixture_close(&fixture);
    }
    assert_true(before > 0);
}

/* ---- damage ---- */

static void flip_in_file(const char *mark)
{
    char path[128];
    struct buffer content;
    struct error error = ERROR_NONE;
    make_path(path, sizeof path, fixture.directory, "data.mdb");
    buffer_init(&content, 0);
    CHECK(file_read(path, (size_t)64 << 20, &content, &error));
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    size_t found = 0;
    for (char *at = (char *)content.data;
         (at = memmem(at, content.size - (size_t)(at - (char *)content.data), mark,
                      strlen(mark))) != NULL;
         at++, found++)
        CHECK(pwrite(fd, "#", 1, at - (char *)content.data) == 1);
    CHECK(found > 0);
    close(fd);
    buffer_fini(&content);
}

/* Whoever looks for damage shall find it. */
static void test_what_is_damaged_stays(void **state)
{
    struct error error = ERROR_NONE;
    struct journal_reader *reader;
    uint64_t records = 0, sequence = 0;
    (void)state;
    fixture.keep_records = 100000;
    assert_true(fixture_open(&fixture, &error));
    append_many(0, 5, 7, 10);
    append(JOURNAL_EVENT, NULL, "{\"marked\":\"here\"}");
    append_many(5, 1500, 7, 10);
    fixture_close(&fixture);
    flip_in_file("{\"marked\":\"here\"}");
    fixture.verify_all = false;
    open_small();
    append_many(2000, 300, 7, 10); /* goes on */
    assert_int_equal(fixture.failed_done, 0);
    fixture_close(&fixture);
    assert_true(journal_reader_open(fixture.directory, &reader, &error));
    assert_int_equal(journal_reader_trimmed(reader), 0);
    assert_false(journal_reader_verify(reader, &records, &sequence, &error));
    assert_int_equal(sequence, 6);
    journal_reader_close(reader);
}

static void test_an_anchor_that_was_changed(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    open_small();
    append_many(0, 100, 7, 10);
    fixture_close(&fixture);
    flip_in_file("\"through\":");
    fixture.verify_all = false;
    assert_false(fixture_open(&fixture, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
}

/* ---- a reader meanwhile ---- */

/* Records may be trimmed between what is shown at once and the rest of it. */
static bool see_later(void *context, const struct journal_record *record, struct error *error)
{
    uint64_t *last = context;
    if (record->sequence <= *last)
        return error_set(error, ERROR_CORRUPT, "shown twice");
    *last = record->sequence;
    return true;
}

static int verify_until_told(void *context)
{
    const int *end = context;
    char byte;
    unsigned rounds = 0;
    struct error error = ERROR_NONE;
    struct journal_reader *reader;
    if (!journal_reader_open(fixture.directory, &reader, &error))
        return 1;
    do {
        uint64_t last = 0;
        uint64_t records, sequence;
        if (!journal_reader_verify(reader, &records, &sequence, &error) ||
            !journal_reader_records(reader, 0, SIZE_MAX, see_later, &last, &error)) {
            fprintf(stderr, "reader: %s\n", error.text);
            return 2;
        }
        rounds++;
    } while (read(*end, &byte, 1) < 0);
    journal_reader_close(reader);
    return rounds > 1 ? 0 : 3;
}

static void test_a_reader_sees_no_gap(void **state)
{
    int ends[2];
    (void)state;
    open_small();
    append_many(0, 200, 7, 10);
    fixture_close(&fixture);
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(ends[1]);
        _exit(verify_until_told(&ends[0]));
    }
    open_small();
    for (unsigned i = 1; i < 40; i++)
        append_many(i * 200, 200, 7, 10);
    close(ends[1]);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
    close(ends[0]);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_past_goes_and_objects_stay),
        TEST(test_the_young_stay),
        TEST(test_many_objects_are_not_renewed_in_circles),
        TEST(test_a_full_map_makes_room),
        TEST(test_a_map_full_of_objects),
        TEST(test_crash_points_of_a_step),
        TEST(test_kill_while_trimming),
        TEST(test_what_is_damaged_stays),
        TEST(test_an_anchor_that_was_changed),
        TEST(test_a_reader_sees_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
