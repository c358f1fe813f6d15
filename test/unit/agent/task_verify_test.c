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

static void test_what_it_has_read_is_shown(void **state)
{
    (void)state;
    bed_shell("cd $TOP/lyon/data && mkdir sub && head -c 70000 /dev/zero > early && "
              "head -c 500 /dev/zero > sub/late && echo 1 > sub/more");
    bed_seal(1, 0);
    struct bed_order verify = ORDER_WITH(YORK, "verify", 1, 0, .key = "look");
    spy_hold("read_open", "sub/late");
    bed_put(verify);
    bed_wait_for_hold();
    struct bed_status status = bed_get(verify);
    assert_int_equal(status.state, STATUS_RUNNING);
    assert_string_equal(status.phase, "verify");
    assert_int_equal(status.progress.files_total, 5); /* the top, sub, and three files */
    assert_int_equal(status.progress.bytes_total, 70502);
    assert_int_equal(status.progress.files_done, 3);
    assert_in_range(status.progress.bytes_done, 70000, 70502);
    spy_release();
    status = bed_end(verify);
    assert_int_equal(status.state, STATUS_DONE);
    assert_true(json_boolean_or(status.result, "equal", false));
    assert_int_equal(status.progress.files_done, 5);
    assert_int_equal(status.progress.bytes_done, 70502);
    bed_forget(&status);
}

#define T(test) cmocka_unit_test_setup_teardown(test, bed_set_up, bed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_scrub_reads_no_faster_than_its_rate),
        T(test_nor_faster_than_its_service_may),
        T(test_what_was_changed_is_found),
        T(test_what_it_has_read_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
