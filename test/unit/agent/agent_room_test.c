/* agent_room_test.c: orders and results are bounded in bytes, and asks in number: what has ended
 * makes room, what runs stays. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

static struct bed_order ask(const char *key)
{
    static char more[4200];
    snprintf(more, sizeof more, "{\"pad\": \"%04000d\"}", 0);
    return ORDER_WITH(LYON, "identify", 0, 0, .key = key, .more = more, .t_us = 1);
}

static bool is_gone(const char *key)
{
    struct bed_status status = bed_get(ask(key));
    bed_forget(&status);
    return strcmp(status.phase, "unknown") == 0;
}

static void test_orders_are_bounded_in_bytes(void **state)
{
    struct bed_reply first, second, third;
    (void)state;
    bed.orders_bytes_max = 44000; /* one takes 15,700, its result some more */
    bed_restart(LYON);
    bed_put_late(ask("k1"), &first);
    bed_put_late(ask("k2"), &second);
    bed_put_late(ask("k3"), &third);
    assert_int_equal(third.status, 429); /* nothing has ended */
    assert_string_equal(third.code, "LIMIT");
    bed_do(ask("k1"));
    bed_do(ask("k2"));
    bed_do(ask("k3"));
    assert_true(is_gone("k1") != is_gone("k2")); /* whichever ended first */
    bed_do(ask("k3"));                           /* the same again needs none */
}

/* The same bytes as other JSON take thirty times as much: it counts what they take. */
static void test_what_is_parsed_is_weighed(void **state)
{
    static char more[4200];
    size_t used = (size_t)snprintf(more, sizeof more, "{\"pad\": [{}");
    (void)state;
    while (used < 4000)
        used += (size_t)snprintf(more + used, sizeof more - used, ",{}");
    snprintf(more + used, sizeof more - used, "]}");
    bed.orders_bytes_max = 44000;
    bed_restart(LYON);
    bed_do(ask("k1"));
    struct bed_order large = ask("k2");
    large.more = more;
    struct bed_reply reply = bed_put(large);
    assert_int_equal(reply.status, 400);
    assert_string_equal(reply.code, "INVALID");
    assert_false(is_gone("k1")); /* nothing made room for what could never fit */
}

/* Asks that nobody came back for do not gather. */
static void test_old_asks_go(void **state)
{
    char key[8];
    (void)state;
    for (int i = 0; i < 70; i++) {
        snprintf(key, sizeof key, "k%d", i);
        bed_do(ask(key));
    }
    for (int restarts = 0; restarts < 2; restarts++) {
        assert_true(is_gone("k5"));
        bed_do(ask("k6"));
        bed_restart(LYON);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_orders_are_bounded_in_bytes),
        T(test_what_is_parsed_is_weighed),
        T(test_old_asks_go),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
