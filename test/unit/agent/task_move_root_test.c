/* task_move_root_test.c: another snapshot root: what makes it impossible is found before the first
 * snapshot is removed; afterwards the old root is none any more. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static struct bed_order move_to(const char *key, const char *more)
{
    return ORDER_WITH(YORK, "move-root", 0, 0, .key = key, .more = more);
}

static int count_of_snapshots(void)
{
    int count = 0;
    while (count < 10 && bed_shell_says("test $(ls $TOP/york/coeval/snapshots/*/ | "
                                        "grep -c '^coeval[.]') -gt %d",
                                        count))
        count++;
    return count;
}

static void expect_removed(struct bed_order order, int removed)
{
    struct bed_status status = bed_end(order);
    assert_int_equal(json_integer_or(status.result, "removed", 0), removed);
    bed_forget(&status);
}

static void two_seals(void)
{
    bed_shell("mkdir $TOP/lyon/data/bills && date > $TOP/lyon/data/bills/1");
    bed_seal(1, 0);
    bed_shell("date > $TOP/lyon/data/bills/2");
    bed_seal(2, 1);
    assert_int_equal(count_of_snapshots(), 2);
}

static void test_a_narrower_root(void **state)
{
    (void)state;
    two_seals();
    struct bed_order order =
        move_to("m1", "{\"instance\": \"posix\", \"root\": \"/data/bills\", \"replaces\": "
                      "[\"/data\"]}");
    bed_do(order);
    expect_removed(order, 2);
    assert_int_equal(count_of_snapshots(), 0);
}

static void test_what_cannot_be_a_root(void **state)
{
    (void)state;
    two_seals();
    bed_fail(move_to("m1", "{\"instance\": \"posix\", \"root\": \"/data/none\", \"replaces\": "
                           "[\"/data\"]}"),
             "NOT_FOUND");
    bed_fail(move_to("m2", "{\"instance\": \"posix\", \"root\": \"/data/bills/1\", \"replaces\": "
                           "[\"/data\"]}"),
             "INVALID");
    bed_fail(move_to("m3", "{\"instance\": \"posix\", \"root\": \"/coeval\", \"replaces\": "
                           "[\"/data\"]}"),
             "CONFLICT");
    assert_int_equal(count_of_snapshots(), 2);
}

/* Both are looked at before the first one loses anything. */
static void test_the_second_root_cannot_be_read(void **state)
{
    (void)state;
    two_seals();
    bed_shell("mkdir $TOP/york/more && cd $TOP/york/coeval/snapshots && cp -a * ffff && cd ffff && "
              "printf /more > root && mv $(ls -d coeval.* | head -1) mine");
    bed_shell("cd $TOP/york/coeval/snapshots && mv ffff $(printf /more | sha256sum | head -c 32)");
    bed_fail(move_to("m1", "{\"instance\": \"posix\", \"root\": \"/data/bills\", \"replaces\": "
                           "[\"/data\", \"/more\"]}"),
             "CORRUPT");
    assert_int_equal(count_of_snapshots(), 3);
}

/* An outer root that nobody named: told after the removal, with what it cost. */
static void test_what_fails_half_way(void **state)
{
    (void)state;
    two_seals();
    struct bed_order order =
        move_to("m1", "{\"instance\": \"posix\", \"root\": \"/data/bills\", \"replaces\": "
                      "[\"/data\"]}");
    bed_shell("mkdir $TOP/york/data/bills/in && cd $TOP/york/coeval/snapshots && mkdir ffff && "
              "printf /data/bills/in > ffff/root");
    bed_fail(order, "CONFLICT");
    expect_removed(order, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_narrower_root, bed_set_up, bed_tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_a_root, bed_set_up, bed_tear_down),
        cmocka_unit_test_setup_teardown(test_the_second_root_cannot_be_read, bed_set_up,
                                        bed_tear_down),
        cmocka_unit_test_setup_teardown(test_what_fails_half_way, bed_set_up, bed_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
