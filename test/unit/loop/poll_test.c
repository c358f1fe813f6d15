/* poll_test.c: readiness of a socket pair, and a descriptor that is closed right after poll_free.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake/loop_turns.h"
#include "loop/loop.h"
#include "loop/poll.h"

struct watch {
    struct loop *loop;
    struct poll *poll;
    int descriptors[2];
    unsigned events;
    int count;
};

static void ready(void *context, unsigned events, bool failed)
{
    struct watch *watch = context;
    assert_false(failed);
    watch->events |= events;
    watch->count++;
}

static bool was_ready(void *context)
{
    struct watch *watch = context;
    return watch->count > 0;
}

static int setup(void **state)
{
    static struct watch watch;
    watch = (struct watch){.loop = loop_new()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, watch.descriptors), 0);
    watch.poll = poll_new(watch.loop, watch.descriptors[0], ready, &watch);
    *state = &watch;
    return 0;
}

static int teardown(void **state)
{
    struct watch *watch = *state;
    poll_free(watch->poll);
    close(watch->descriptors[0]);
    close(watch->descriptors[1]);
    loop_free(watch->loop);
    return 0;
}

static void test_readable_and_writable(void **state)
{
    struct watch *watch = *state;
    poll_start(watch->poll, POLL_READABLE);
    loop_take_turns(watch->loop);
    assert_int_equal(watch->count, 0);
    assert_int_equal(write(watch->descriptors[1], "x", 1), 1);
    assert_true(loop_run_until(watch->loop, was_ready, watch, 10000));
    assert_int_equal(watch->events, POLL_READABLE);
    watch->count = 0;
    watch->events = 0;
    poll_start(watch->poll, POLL_WRITABLE);
    assert_true(loop_run_until(watch->loop, was_ready, watch, 10000));
    assert_int_equal(watch->events, POLL_WRITABLE);
    poll_start(watch->poll, POLL_READABLE | POLL_WRITABLE);
    watch->count = 0;
    assert_true(loop_run_until(watch->loop, was_ready, watch, 10000));
    assert_int_equal(watch->events, POLL_READABLE | POLL_WRITABLE);
}

static void test_stopped(void **state)
{
    struct watch *watch = *state;
    poll_start(watch->poll, POLL_WRITABLE);
    poll_stop(watch->poll);
    loop_take_turns(watch->loop);
    assert_int_equal(watch->count, 0);
}

static void test_the_end_of_the_peer_is_readable(void **state)
{
    struct watch *watch = *state;
    poll_start(watch->poll, POLL_READABLE);
    close(watch->descriptors[1]);
    watch->descriptors[1] = dup(watch->descriptors[0]);
    assert_true(loop_run_until(watch->loop, was_ready, watch, 10000));
    assert_true((watch->events & POLL_READABLE) != 0);
}

/* The number of a closed descriptor is used again at once, as libraries do. */
static void test_the_same_number_again(void **state)
{
    struct watch *watch = *state;
    poll_start(watch->poll, POLL_WRITABLE);
    int number = watch->descriptors[0];
    poll_free(watch->poll);
    close(number);
    close(watch->descriptors[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, watch->descriptors), 0);
    assert_int_equal(watch->descriptors[0], number);
    watch->poll = poll_new(watch->loop, number, ready, watch);
    poll_start(watch->poll, POLL_READABLE);
    assert_int_equal(write(watch->descriptors[1], "x", 1), 1);
    assert_true(loop_run_until(watch->loop, was_ready, watch, 10000));
    assert_int_equal(watch->events, POLL_READABLE);
    poll_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_readable_and_writable),
        TEST(test_stopped),
        TEST(test_the_end_of_the_peer_is_readable),
        TEST(test_the_same_number_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
