/* memory_test.c: what is looked at costs memory while it is looked at, and not per object. */
#include "agent_bed.h"

#define LOOKED_AT_BYTES_MAX 8192 /* hundreds of objects of some hundred bytes are more */

static void test_looking_at_many_keeps_nothing(void **state)
{
    (void)state;
    bed_shell("cd $TOP/lyon/data && for i in $(seq 300); do echo 1 > touched$i; echo 1 > gone$i; "
              "echo 1 > longer$i; done; mkdir new");
    bed_seal(1, 0);
    bed_shell("cd $TOP/lyon/data && chmod 600 touched* && rm gone* && for i in $(seq 300); do "
              "echo 22 > longer$i; echo 2 > made$i; echo 2 > new/$i; done");
    spy_forget();
    bed_do(ORDER(LYON, "snapshot", 2, 1));
    assert_in_range(spy_arena_bytes(), 1, LOOKED_AT_BYTES_MAX);
    spy_forget();
    bed_do(ORDER(YORK, "transfer", 2, 1));
    assert_in_range(spy_arena_bytes(), 1, LOOKED_AT_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_looking_at_many_keeps_nothing, bed_set_up,
                                        bed_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
