/* task_snapshot_test.c: the hooks around a moment, whatever fails in between: writers that were
 * held are let go, and what failed is told behind that. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define FAR_AWAY_US INT64_C(4102444800000000)

static char settings[640];

/* Both hooks leave a file; the one after counts its runs. */
static int set_up(void **state)
{
    int result = bed_set_up(state);
    snprintf(settings, sizeof settings,
             "{\"hooks\": {\"before\": {\"command\": [\"/usr/bin/touch\", \"%s/held\"],"
             " \"timeout_ms\": 4000000000000}, \"after\": {\"command\": [\"/bin/sh\", \"-c\","
             " \"echo x >> %s/released\"]}}}",
             bed.top, bed.top);
    return result;
}

static struct bed_order moment(int64_t t_us)
{
    return ORDER_WITH(LYON, "snapshot", 1, 0, .t_us = t_us, .settings = settings);
}

static unsigned releases(void)
{
    for (unsigned count = 0; count < 3; count++)
        if (bed_shell_says("test \"$(cat $TOP/released 2>/dev/null | wc -l)\" = %u", count))
            return count;
    return 3;
}

static bool is_armed(void *context)
{
    struct bed_status status = bed_get(*(struct bed_order *)context);
    bed_forget(&status);
    return strcmp(status.phase, "armed") == 0;
}

static void wait_until_armed(struct bed_order order)
{
    bed_wait(is_armed, &order);
    bed_shell("test -f $TOP/held");
}

static void expect_failure(struct bed_order order, const char *code)
{
    struct bed_status status = bed_end(order);
    assert_int_equal(status.state, STATUS_FAILED);
    assert_string_equal(status.code, code);
    bed_forget(&status);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_both_hooks(void **state)
{
    struct bed_order order = moment(0);
    (void)state;
    bed_do(order);
    struct bed_status status = bed_get(order);
    assert_true(json_is_true(json_object_get(status.result, "fired")));
    bed_forget(&status);
    bed_shell("test -f $TOP/held");
    assert_int_equal(releases(), 1);
}

static void test_a_moment_that_fails(void **state)
{
    struct bed_order order = moment(0);
    (void)state;
    spy_fail("moment_finish", "", ERROR_DENIED, 1);
    bed_put(order);
    expect_failure(order, "DENIED");
    assert_int_equal(releases(), 1);
    assert_true(bed_shell_says("! ls $TOP/lyon/coeval/snapshots/*/ | grep -q '^coeval[.]'"));
}

static void test_nothing_was_held(void **state)
{
    struct bed_order order = moment(FAR_AWAY_US);
    (void)state;
    spy_fail("clock_offset", "", ERROR_DENIED, 1);
    bed_put(order);
    expect_failure(order, "DENIED");
    assert_int_equal(releases(), 0);
}

/* The process that held the writers has ended; the next one cannot even prepare. */
static void test_a_resumed_moment_that_fails(void **state)
{
    static const char *const operations[] = {"snapshot_get", "clock_offset", "moment_prepare"};
    (void)state;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        struct bed_order order = moment(FAR_AWAY_US);
        order.attempt = (int)i + 1;
        bed_put(order);
        wait_until_armed(order);
        bed_shell("rm -f $TOP/released");
        spy_fail(operations[i], "", ERROR_DENIED, 1);
        bed_restart(LYON); /* the one that stops lets go as well */
        expect_failure(order, "DENIED");
        assert_int_equal(releases(), 2);
    }
}

static void test_a_resumed_moment_that_goes_on(void **state)
{
    struct bed_order order = moment(FAR_AWAY_US);
    (void)state;
    bed_put(order);
    wait_until_armed(order);
    bed_restart(LYON);
    assert_int_equal(releases(), 1);
    wait_until_armed(order);
    bed_put(ORDER(LYON, "disarm", 1, 0));
    struct bed_status status = bed_end(order);
    bed_forget(&status);
    assert_int_equal(releases(), 2);
}

/* The hook itself refuses: the site's word, and the release runs because half of it may have. */
static void test_a_hook_that_refuses(void **state)
{
    struct bed_order order = moment(0);
    char refusing[640];
    (void)state;
    snprintf(refusing, sizeof refusing,
             "{\"hooks\": {\"before\": {\"command\": [\"/bin/false\"], \"timeout_ms\": 1000},"
             " \"after\": {\"command\": [\"/bin/sh\", \"-c\", \"echo x >> %s/released\"]}}}",
             bed.top);
    order.settings = refusing;
    bed_put(order);
    expect_failure(order, "CONFLICT");
    assert_int_equal(releases(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, bed_tear_down)
        T(test_both_hooks),
        T(test_a_moment_that_fails),
        T(test_nothing_was_held),
        T(test_a_resumed_moment_that_fails),
        T(test_a_resumed_moment_that_goes_on),
        T(test_a_hook_that_refuses),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
