/* task_unprotect_test.c: a deletion is noted beside the epochs, once and again. */
#include "agent_bed.h"

#define POLICY "$TOP/lyon/coeval/$SERVICE/policy.json"

static void test_a_deletion_is_noted(void **state)
{
    (void)state;
    bed_shell("mkdir $TOP/lyon/data/bills");
    bed_do(ORDER_WITH(LYON, "unprotect", 0, 0, .key = "u0")); /* no epoch so far: nothing to say */
    assert_false(bed_shell_says("test -e " POLICY));
    bed_seal(1, 0);
    bed_shell("printf '{\"service_name\": \"bills\"}' > " POLICY);
    bed_do(ORDER_WITH(LYON, "unprotect", 0, 0, .key = "u1"));
    assert_true(bed_shell_says("grep -q '\"deleted\": *true' " POLICY));
    assert_true(bed_shell_says("grep -q bills " POLICY));
    bed_do(ORDER_WITH(LYON, "unprotect", 0, 0, .key = "u2"));
    bed_shell("echo '{' > " POLICY);
    bed_fail(ORDER_WITH(LYON, "unprotect", 0, 0, .key = "u3"), "CORRUPT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_deletion_is_noted, bed_set_up, bed_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
