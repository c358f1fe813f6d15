/* meanwhile_test.c: what others do on the target while a commit or a roll-back renames there, that
 * a difference names and that only values tell: a directory's time, bytes of the same length. */
#include "agent_bed.h"

#include <string.h>

#include "component/posix/posix.h"

static struct bed_order commit_order(void)
{
    return ORDER(YORK, "commit", 2, 1);
}

/* The commit waits before it places anything, and has looked at the target already. */
static void receive_and_commit_to_the_middle(void)
{
    bed_shell("cd $TOP/lyon/data && mkdir sub set && echo one > f && touch -d @5 sub");
    bed_seal(1, 0);
    bed_shell("cd $TOP/lyon/data && chmod 700 sub && echo 1 > set/1");
    bed_do(ORDER(LYON, "snapshot", 2, 1));
    bed_do(ORDER(YORK, "transfer", 2, 1));
    spy_hold("rename", "/data/set/1");
    bed_put(commit_order());
    bed_wait_for_hold();
}

static void expect_end(struct bed_order order, enum status_state state, const char *text)
{
    spy_release();
    struct bed_status status = bed_end(order);
    if (status.state != state || strstr(status.text, text) == NULL)
        fail_msg("%d: %s %s", (int)status.state, status.code, status.text);
    bed_forget(&status);
}

/* Somebody's temporary file, come and gone. */
static void test_a_time_that_is_kept_is_compared(void **state)
{
    (void)state;
    receive_and_commit_to_the_middle();
    bed_shell("touch -d @6 $TOP/york/data/sub");
    expect_end(commit_order(), STATUS_FAILED, "mtime");
}

/* HDFS: a snapshot shows the present time. */
static void test_a_time_that_drifts_stops_nothing(void **state)
{
    (void)state;
    spy_set_features(posix_component.features | COMPONENT_DRIFTING);
    receive_and_commit_to_the_middle();
    bed_shell("touch -d @6 $TOP/york/data/sub");
    expect_end(commit_order(), STATUS_DONE, "");
}

static void rewrite(const char *text)
{
    bed_shell("cd $TOP/york/data && touch -r f $TOP/then && echo %s > f && touch -r $TOP/then f",
              text);
}

static void test_other_bytes_of_the_same_length_are_not_sealed(void **state)
{
    (void)state;
    receive_and_commit_to_the_middle();
    rewrite("two");
    expect_end(commit_order(), STATUS_FAILED, "content");
}

static void test_other_bytes_of_the_same_length_are_not_the_base(void **state)
{
    (void)state;
    struct bed_order rollback = ORDER(YORK, "rollback", 2, 1);
    receive_and_commit_to_the_middle();
    rewrite("two");
    expect_end(commit_order(), STATUS_FAILED, "content");
    bed_put(rollback);
    expect_end(rollback, STATUS_FAILED, "content");
    rewrite("one");
    rollback.try = 2;
    bed_do(rollback);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_a_time_that_is_kept_is_compared),
        T(test_a_time_that_drifts_stops_nothing),
        T(test_other_bytes_of_the_same_length_are_not_sealed),
        T(test_other_bytes_of_the_same_length_are_not_the_base),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
