/* process_test.c: commands that succeed, fail, talk much, hang or leave children behind. Whether a
 * whole group has ended is told by a pipe that all its members inherit: its end comes with the
 * last. */
#include <fcntl.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fake/loop_turns.h"
#include "loop/loop.h"
#include "loop/process.h"
#include "loop/stream.h"

#define LONG_MS 60000

struct run {
    struct loop *loop;
    struct process *process;
    struct error error;
    char tail[16384];
    int dones;
    bool inside;
};

static int setup(void **state)
{
    static struct run run;
    run = (struct run){.loop = loop_new()};
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    process_free(run->process);
    loop_free(run->loop);
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
    assert_int_equal(errno, ECHILD);
    return 0;
}

static void on_done(void *context, const struct error *error, const char *output_tail)
{
    struct run *run = context;
    assert_false(run->inside);
    run->error = *error;
    assert_true(strlen(output_tail) < sizeof run->tail);
    snprintf(run->tail, sizeof run->tail, "%s", output_tail);
    run->dones++;
}

static bool is_done(void *context)
{
    struct run *run = context;
    return run->dones > 0;
}

static void start(struct run *run, const char *const *arguments, int64_t timeout_ms)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "COLOUR=blue", NULL};
    process_free(run->process);
    run->dones = 0;
    run->inside = true;
    run->process = process_new(run->loop, arguments, environment, timeout_ms, on_done, run);
    run->inside = false;
}

static void shell(struct run *run, const char *script, int64_t timeout_ms)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    start(run, arguments, timeout_ms);
    assert_true(loop_run_until(run->loop, is_done, run, LONG_MS));
    loop_take_turns(run->loop);
    assert_int_equal(run->dones, 1);
}

static void test_success_and_the_order_of_output(void **state)
{
    struct run *run = *state;
    shell(run, "echo one; echo two >&2; echo three $COLOUR", LONG_MS);
    assert_int_equal(run->error.code, ERROR_OK);
    assert_string_equal(run->tail, "one\ntwo\nthree blue\n");
    shell(run, "cat; printf 'a\\000b'", LONG_MS); /* stdin is empty; a NUL hides nothing */
    assert_int_equal(run->error.code, ERROR_OK);
    assert_string_equal(run->tail, "a?b");
}

static void test_failures_say_what_happened(void **state)
{
    struct run *run = *state;
    shell(run, "echo no such queue; exit 3", LONG_MS);
    assert_int_equal(run->error.code, ERROR_IO);
    assert_string_equal(run->error.text, "/bin/sh: exit status 3: no such queue");
    shell(run, "exit 4", LONG_MS);
    assert_string_equal(run->error.text, "/bin/sh: exit status 4");
    shell(run, "kill -9 $$", LONG_MS);
    assert_int_equal(run->error.code, ERROR_IO);
    assert_non_null(strstr(run->error.text, "signal 9"));
    shell(run, "exit 0", LONG_MS);
    assert_int_equal(run->error.code, ERROR_OK);
}

static void test_a_command_that_is_not_there(void **state)
{
    struct run *run = *state;
    const char *const arguments[] = {"/nowhere/hook", NULL};
    start(run, arguments, LONG_MS);
    assert_int_equal(run->dones, 0);
    assert_true(loop_run_until(run->loop, is_done, run, LONG_MS));
    assert_int_equal(run->error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(run->error.text, "/nowhere/hook"));
    start(run, arguments, LONG_MS); /* freed before it could report */
}

static void test_only_the_tail_is_kept(void **state)
{
    struct run *run = *state;
    shell(run, "yes 0123456789 | head -c 400000; echo; echo last", LONG_MS);
    assert_int_equal(run->error.code, ERROR_OK);
    assert_int_equal(strlen(run->tail), 8192);
    assert_string_equal(run->tail + 8192 - 6, "\nlast\n");
}

static void test_nothing_of_ours_is_inherited(void **state)
{
    struct run *run = *state;
    struct listener *listener;
    struct error error = ERROR_NONE;
    assert_true(listener_new(run->loop, "127.0.0.1", 0, 1, NULL, NULL, &listener, &error));
    shell(run, "for f in /proc/self/fd/*; do readlink $f; done | grep -c -E 'anon_inode|socket'",
          LONG_MS);
    assert_string_equal(run->tail, "0\n");
    listener_free(listener);
}

/* A pipe whose write end the next process inherits. */
static int open_group_pipe(int *ret_write_end)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    *ret_write_end = ends[1];
    return ends[0];
}

/* Blocks until every holder has ended: the meson time-out is the deadline. */
static void wait_for_end_of_group(int fd)
{
    char byte;
    while (read(fd, &byte, 1) > 0)
        ;
    close(fd);
}

#define HANG "while :; do sleep 600; done"

static void test_the_deadline_ends_the_whole_group(void **state)
{
    struct run *run = *state;
    int write_end;
    int fd = open_group_pipe(&write_end);
    int64_t before_ns = clock_monotonic_ns();
    shell(run, "echo begun; (trap '' TERM; " HANG ") & (" HANG ") & " HANG, 100);
    close(write_end);
    assert_int_equal(run->error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(run->error.text, "/bin/sh"));
    assert_true(clock_monotonic_ns() - before_ns >= 100 * INT64_C(1000000));
    wait_for_end_of_group(fd);
}

static void test_who_ignores_the_request_is_killed(void **state)
{
    struct run *run = *state;
    int write_end;
    int fd = open_group_pipe(&write_end);
    shell(run, "trap '' TERM; echo stubborn; " HANG, 100);
    close(write_end);
    assert_int_equal(run->error.code, ERROR_TIMEOUT);
    assert_string_equal(run->tail, "stubborn\n");
    wait_for_end_of_group(fd);
}

static void test_free_kills_without_done(void **state)
{
    struct run *run = *state;
    int write_end;
    int fd = open_group_pipe(&write_end);
    const char *const arguments[] = {"/bin/sh", "-c", "trap '' TERM; (" HANG ") & " HANG, NULL};
    start(run, arguments, LONG_MS);
    close(write_end);
    process_free(run->process);
    run->process = NULL;
    wait_for_end_of_group(fd);
    loop_take_turns(run->loop);
    assert_int_equal(run->dones, 0);
    process_free(NULL);
}

static void test_a_grandchild_that_keeps_the_output_is_not_waited_for(void **state)
{
    struct run *run = *state;
    shell(run, "sleep 600 & echo $!", LONG_MS);
    assert_int_equal(run->error.code, ERROR_OK);
    pid_t grandchild = (pid_t)atol(run->tail);
    assert_true(grandchild > 1);
    assert_int_equal(kill(grandchild, SIGKILL), 0); /* a success leaves it alive */
}

static void on_signal(void *context, int number)
{
    struct run *run = context;
    assert_int_equal(number, SIGUSR1);
    run->dones++;
}

static void test_signals_arrive_on_the_loop(void **state)
{
    struct run *run = *state;
    struct signal_watch *watch = signal_watch_new(run->loop, SIGUSR1, on_signal, run);
    raise(SIGUSR1);
    assert_int_equal(run->dones, 0);
    assert_true(loop_run_until(run->loop, is_done, run, LONG_MS));
    raise(SIGUSR1);
    signal_watch_free(watch);
    loop_take_turns(run->loop);
    assert_int_equal(run->dones, 1);
    signal_watch_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_success_and_the_order_of_output),
        TEST(test_failures_say_what_happened),
        TEST(test_a_command_that_is_not_there),
        TEST(test_only_the_tail_is_kept),
        TEST(test_nothing_of_ours_is_inherited),
        TEST(test_the_deadline_ends_the_whole_group),
        TEST(test_who_ignores_the_request_is_killed),
        TEST(test_free_kills_without_done),
        TEST(test_a_grandchild_that_keeps_the_output_is_not_waited_for),
        TEST(test_signals_arrive_on_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
