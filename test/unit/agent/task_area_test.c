/* task_area_test.c: settle and inspect: A's copy of the seal, and what an area tells; a result that
 * no record of the journal can hold fails by name. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static const struct bed_order inspect = {.side = YORK, .kind = "inspect"};

/* The one service of york's area, borrowed from the status. */
static const json_t *service_of(const struct bed_status *status)
{
    const json_t *services = json_object_get(status->result, "services");
    assert_int_equal(json_array_size(services), 1);
    return json_array_get(services, 0);
}

static const char *found(const json_t *service, size_t index)
{
    return json_string_or(json_array_get(json_object_get(service, "epochs"), index), "found", "?");
}

static void test_settled(void **state)
{
    (void)state;
    bed_seal(1, 0);
    bed_shell("cmp $TOP/lyon/coeval/$SERVICE/g1.e1/seal.json "
              "$TOP/york/coeval/$SERVICE/g1.e1/seal.json");
    bed_shell("grep -q bills $TOP/lyon/coeval/$SERVICE/policy.json");
    bed_fail(ORDER(LYON, "settle", 2, 0), "INVALID"); /* no seal in it */
}

static void test_what_an_area_tells(void **state)
{
    (void)state;
    bed_seal(1, 0);
    bed_do(ORDER(LYON, "snapshot", 2, 1));
    bed_do(ORDER(YORK, "transfer", 2, 1));
    bed_shell("cd $TOP/york/coeval/$SERVICE && mkdir g1.e3 g1.e4 && echo {} > g1.e4/seal.json && "
              "touch g1.e4/phase.retired g1.e1/phase.released; mkdir $TOP/york/coeval/other");
    bed_do(inspect);
    struct bed_status status = bed_get(inspect);
    const json_t *service = service_of(&status);
    assert_string_equal(json_string_or(service, "pair", ""), BED_PAIR);
    assert_non_null(json_object_get(service, "policy"));
    assert_string_equal(found(service, 0), "sealed");
    assert_true(json_is_true(
        json_object_get(json_array_get(json_object_get(service, "epochs"), 0), "released")));
    assert_string_equal(found(service, 1), "received");
    assert_string_equal(found(service, 2), "nothing");
    assert_string_equal(found(service, 3), "retired");
    assert_int_equal(json_array_size(json_object_get(status.result, "orders")), 3);
    bed_forget(&status);
}

/* Two orders that are readable each, and together more than a record: waiting helps nothing. */
static void test_more_than_a_record_holds(void **state)
{
    (void)state;
    bed_shell(
        "d=$TOP/york/coeval/$SERVICE; for e in 1 2; do mkdir -p $d/g1.e$e; (printf '{\"x\": "
        "\"'; head -c 9000000 /dev/zero | tr '\\0' x; printf '\"}') > $d/g1.e$e/received.json; "
        "done");
    bed_fail(inspect, "LIMIT");
    struct bed_status status = bed_get(inspect);
    assert_non_null(strstr(status.text, "16.0 MiB"));
    assert_null(json_object_get(status.result, "services"));
    bed_forget(&status);
    bed_restart(YORK);
    status = bed_end(inspect);
    assert_string_equal(status.code, "LIMIT");
    bed_forget(&status);
    bed_shell("rm -r $TOP/york/coeval/$SERVICE/g1.e2");
    bed_do(ORDER_WITH(YORK, "inspect", 0, 0, .key = "again"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
        T(test_settled),
        T(test_what_an_area_tells),
        T(test_more_than_a_record_holds),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
