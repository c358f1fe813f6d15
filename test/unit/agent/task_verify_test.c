/* task_verify_test.c: a seal that is read again: what was changed since is found, and a scrub reads
 * no faster than its own rate and than its service may. */
#include "agent_bed.h"

#include "base/clock.h"
#include "base/json.h"

#define FILES 4
#define FILE_KIB 512
#define RATE 4194304 /* of 2 MiB, less what a bucket holds: 0.4 s */
#define LEAST_NS ((int64_t)350 * 1000000)

static void seal_some(void)
{
    bed_shell("for i in $(seq %d); do head -c %d /dev/urandom > $TOP/lyon/data/f$i; done", FILES,
              FILE_KIB << 10);
    bed_seal(1, 0);
}

/* How long it took; equal as expected. */
static int64_t verify(const char *more, const char *settings, int try, bool equal)
{
    struct bed_order order =
        ORDER_WITH(YORK, "verify", 1, 0, .more = more, .settings = settings, .try = try);
    int64_t begun_ns = clock_monotonic_ns();
    bed_do(order);
    int64_t taken_ns = clock_monotonic_ns() - begun_ns;
    struct bed_status status = bed_end(order);
    assert_true(json_is_boolean(json_object_get(status.result, "equal")));
    assert_int_equal(json_boolean_or(status.result, "equal", !equal), equal);
    assert_true(json_integer_or(status.result, "bytes", 0) >= FILES * FILE_KIB * 1024);
    bed_forget(&status);
    return taken_ns;
}

static void test_a_scrub_reads_no_faster_than_its_rate(void **state)
{
    char rate[64];
    (void)state;
    seal_some();
    snprintf(rate, sizeof rate, "{\"bytes_per_second\": %d}", RATE);
    assert_true(verify(rate, NULL, 1, true) >= LEAST_NS);
}

static void test_nor_faster_than_its_service_may(void **state)
{
    char limits[100];
    (void)state;
    seal_some();
    snprintf(limits, sizeof limits, "{\"limits\": {\"bytes_per_second\": %d}}", RATE);
    assert_true(verify("{\"bytes_per_second\": 1073741824}", limits, 1, true) >= LEAST_NS);
}

static void test_what_was_changed_is_found(void **state)
{
    (void)state;
    seal_some();
    verify(NULL, NULL, 1, true);
    bed_shell("f=$(find $TOP/york/coeval/snapshots -path '*/tree/f1'); chmod u+w $f; "
              "printf x | dd of=$f bs=1 seek=7 conv=notrunc 2>/dev/null");
    verify(NULL, NULL, 2, false);
}

#define T(test) cmocka_unit_test_setup_teardown(test, bed_set_up, bed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_scrub_reads_no_faster_than_its_rate),
        T(test_nor_faster_than_its_service_may),
        T(test_what_was_changed_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
