/* journal_crash_test.c: kill -9 of a process that commits, again and again on one journal: what it
 * was told durable is there, in order, and the chain holds. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/journal/journal_fixture.h"
#include "base/check.h"
#include "base/random.h"

#define ROUNDS (48 / ROUNDS_SHARE)
#define IN_FLIGHT 20 /* appends that the writer keeps under way */

static struct journal_fixture fixture;

/* The child: numbers its records on from the last one, and writes each number to the pipe once it
 * is durable. */
struct writer {
    int pipe;
    uint64_t next, told;
};

static void append_next(struct writer *writer);

static void on_durable(void *context, const struct error *error)
{
    struct writer *writer = context;
    CHECK(error->code == ERROR_OK);
    writer->told++;
    CHECK(write(writer->pipe, &writer->told, sizeof writer->told) == sizeof writer->told);
    append_next(writer);
}

static void append_next(struct writer *writer)
{
    char key[24], payload[256];
    struct error error = ERROR_NONE;
    snprintf(key, sizeof key, "k%d", (int)(writer->next % 7));
    snprintf(payload, sizeof payload, "{\"n\":%d,\"pad\":\"%0*d\"}", (int)writer->next,
             (int)(writer->next % 150 + 1), 0);
    struct journal_append record = {.type = JOURNAL_EPOCH, .key = key, .payload = payload};
    writer->next++;
    CHECK(journal_append_all(fixture.journal, &record, 1, on_durable, writer, &error));
}

static _Noreturn void write_until_killed(int pipe)
{
    struct writer writer = {.pipe = pipe};
    struct error error = ERROR_NONE;
    fixture.verify_all = true;
    if (!fixture_open(&fixture, &error)) {
        fprintf(stderr, "open: %s\n", error.text);
        _exit(1);
    }
    writer.told = fixture.journal->operations->last_sequence(fixture.journal);
    writer.next = writer.told + 1;
    for (int i = 0; i < IN_FLIGHT; i++)
        append_next(&writer);
    loop_run(fixture.loop);
    _exit(2);
}

static bool check_number(void *context, const struct journal_record *record, struct error *error)
{
    uint64_t *last = context;
    unsigned number = 0;
    (void)error;
    assert_int_equal(record->sequence, *last + 1);
    assert_int_equal(sscanf(record->payload, "{\"n\":%u,", &number), 1);
    assert_int_equal(number, record->sequence);
    *last = record->sequence;
    return true;
}

/* Also that each of the seven objects is the newest of its records. */
static void check_objects(uint64_t last)
{
    for (uint64_t n = last; n > 0 && n > last - (last < 7 ? last : 7); n--) {
        char key[24];
        unsigned number = 0;
        struct buffer payload;
        struct error error = ERROR_NONE;
        buffer_init(&payload, 0);
        snprintf(key, sizeof key, "k%d", (int)(n % 7));
        assert_true(fixture.journal->operations->object(fixture.journal, JOURNAL_EPOCH, key,
                                                        &payload, &error));
        assert_int_equal(sscanf(buffer_text(&payload), "{\"n\":%u,", &number), 1);
        assert_int_equal(number, n);
        buffer_fini(&payload);
    }
}

static int check_journal(void *context)
{
    const uint64_t *told = context;
    uint64_t last = 0;
    struct error error = ERROR_NONE;
    fixture.verify_all = true;
    if (!fixture_open(&fixture, &error))
        fail_msg("after the kill: %s", error.text);
    assert_true(fixture.journal->operations->records(fixture.journal, 0, SIZE_MAX, check_number,
                                                     &last, &error));
    if (last < *told)
        fail_msg("%d were told durable, %d are there", (int)*told, (int)last);
    check_objects(last);
    fixture_close(&fixture);
    return 0;
}

/* Returns the last number that the writer was told before it was killed. */
static uint64_t kill_a_writer(long delay_us)
{
    int ends[2];
    uint64_t told = 0, number;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        write_until_killed(ends[1]);
    close(ends[1]);
    bool begun = read(ends[0], &told, sizeof told) == sizeof told;
    struct timespec delay = {.tv_nsec = delay_us * 1000};
    nanosleep(&delay, NULL); /* the moment of the kill is what varies */
    kill(pid, SIGKILL);
    while (read(ends[0], &number, sizeof number) == sizeof number)
        told = number;
    close(ends[0]);
    CHECK(waitpid(pid, NULL, 0) == pid);
    assert_true(begun);
    return told;
}

static void test_kill_in_mid_commit(void **state)
{
    (void)state;
    struct random random;
    uint64_t told = 0;
    random_init(&random, 3);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t now = kill_a_writer((long)random_below(&random, 12000));
        assert_true(now > told); /* each writer went on from where the one before was */
        told = now;
        check_journal(&told);
    }
    assert_true(told > ROUNDS);
}

static int append_one_at_crash_point(void *context)
{
    struct error error = ERROR_NONE;
    setenv("COEVAL_CRASH_AT", context, 1);
    if (!fixture_open(&fixture, &error) || !fixture_append(&fixture, "k1", "{\"n\":4,}", &error))
        return 1;
    fixture_wait(&fixture, fixture.done + 1);
    return 2;
}

static void test_crash_points_around_the_commit(void **state)
{
    (void)state;
    static char before[] = "journal.commit.before", after[] = "journal.commit.after";
    struct error error = ERROR_NONE;
    fixture_fill(&fixture, 3);
    assert_int_equal(run_in_child(append_one_at_crash_point, before), -1);
    assert_true(fixture_open(&fixture, &error));
    assert_int_equal(fixture.journal->operations->last_sequence(fixture.journal), 3);
    fixture_close(&fixture);
    assert_int_equal(run_in_child(append_one_at_crash_point, after), -1);
    assert_true(fixture_open(&fixture, &error));
    assert_int_equal(fixture.journal->operations->last_sequence(fixture.journal), 4);
}

/* Killed while it made the journal: the next one makes it, or finds it whole. */
static int create_only(void *context)
{
    struct error error = ERROR_NONE;
    (void)context;
    return fixture_open(&fixture, &error) ? 0 : 1;
}

static void test_kill_while_creating(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        fixture_init(&fixture);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            _exit(create_only(NULL));
        struct timespec delay = {.tv_nsec = round * 100000L};
        nanosleep(&delay, NULL);
        kill(pid, SIGKILL);
        CHECK(waitpid(pid, NULL, 0) == pid);
        struct error error = ERROR_NONE;
        if (!fixture_open(&fixture, &error))
            fail_msg("round %d: %s", round, error.text);
        fixture_fini(&fixture);
    }
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kill_in_mid_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash_points_around_the_commit, setup, teardown),
        cmocka_unit_test(test_kill_while_creating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
