/* memory_test.c: what is looked at costs memory while it is looked at, and not per object. */
#include "agent_bed.h"

#include <malloc.h>

#include "base/check.h"
#include "base/json.h"

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

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks;
}

/* A first epoch of 3,000 directories with long names: none of them is remembered in memory until
 * the last one has its attributes. */
static void test_directories_wait_on_disk(void **state)
{
    (void)state;
    bed_shell(
        "mkdir $TOP/lyon/data/all && cd $TOP/lyon/data/all && mkdir zz $(seq -f '%%0200.0f' 3000)");
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    size_t before = heap_bytes();
    if (before == 0)
        skip();
    spy_hold("describe", "zz"); /* the deepest and last one comes first */
    bed_put(ORDER(YORK, "transfer", 1, 0));
    bed_wait_for_hold();
    size_t during = heap_bytes();
    spy_release();
    struct bed_status status = bed_end(ORDER(YORK, "transfer", 1, 0));
    assert_int_equal(status.state, STATUS_DONE);
    assert_int_equal(json_integer_or(status.result, "entries", 0), 3002);
    bed_forget(&status);
    assert_in_range(during, 0, before + (512 << 10));
}

/* A sanitizer's allocator does not tell what is in use: there the test would prove nothing. */
static bool heap_is_told(void)
{
    void *some = memory_new(100);
    bool told = heap_bytes() > 0;
    free(some);
    return told;
}

#define T(test) cmocka_unit_test_setup_teardown(test, bed_set_up, bed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_looking_at_many_keeps_nothing)};
    const struct CMUnitTest all[] = {T(test_looking_at_many_keeps_nothing),
                                     T(test_directories_wait_on_disk)};
    return heap_is_told() ? cmocka_run_group_tests(all, NULL, NULL)
                          : cmocka_run_group_tests(tests, NULL, NULL);
}
