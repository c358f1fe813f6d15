/* refusals_test.c: what an agent refuses before it has an effect: a moment by clocks that are
 * apart, a seal that has no room. What the stores say of clock and space is the test's. And what it
 * tells of snapshots: what they pin, and which are of no epoch. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define CONTENT_BYTES 5000

static struct component table;
static int64_t offset_us, uncertainty_us;
static uint64_t free_bytes;

static bool clock_offset(struct store *store, const struct call *call, int64_t *ret_offset_us,
                         int64_t *ret_uncertainty_us, struct error *error)
{
    (void)store;
    (void)call;
    (void)error;
    *ret_offset_us = offset_us;
    *ret_uncertainty_us = uncertainty_us;
    return true;
}

static bool space(struct store *store, const struct call *call, const char *path,
                  struct store_space *ret_space, struct error *error)
{
    (void)store;
    (void)call;
    (void)error;
    (void)path;
    *ret_space = (struct store_space){.free_bytes = free_bytes, .free_objects = UINT64_MAX};
    return true;
}

static int set_up(void **state)
{
    int result = bed_set_up(state);
    offset_us = uncertainty_us = 0;
    free_bytes = UINT64_MAX;
    table = *bed.stores[LYON].ref.component;
    table.clock_offset = clock_offset;
    table.space = space;
    for (int side = LYON; side <= YORK; side++)
        bed.stores[side].ref.component = &table;
    bed_shell("head -c %d /dev/zero > $TOP/lyon/data/f", CONTENT_BYTES);
    return result;
}

static bool snapshot_is_there(const char *cluster, int number)
{
    return bed_shell_says("ls $TOP/%s/coeval/snapshots/*/ | grep -q 'g1[.]e%d[.]'", cluster,
                          number);
}

/* Each order once: it has a key of its own. */
static struct bed_status carry_out(struct bed_order order)
{
    static int keys;
    static char key[32];
    snprintf(key, sizeof key, "k%d", ++keys);
    order.key = key;
    assert_int_equal(bed_put(order).status, 201);
    return bed_end(order);
}

static void assert_refused(struct bed_order order, const char *code, const char *part)
{
    struct bed_status status = carry_out(order);
    assert_int_equal(status.state, STATUS_FAILED);
    assert_string_equal(status.code, code);
    if (strstr(status.text, part) == NULL)
        fail_msg("%s", status.text);
    bed_forget(&status);
}

/* ---- clocks --------------------------------------------------------------------------------- */

/* Level and text of the finding about the clock. */
static void check_clock(const char *limit, const char *level, const char *what)
{
    char more[200];
    size_t index;
    json_t *finding;
    bool found = false;
    snprintf(more, sizeof more,
             "{\"stores\": [{\"cluster\": \"lyon\", \"instance\": \"posix\", \"roots\": []}]%s}",
             limit);
    struct bed_status status = carry_out(ORDER_WITH(LYON, "check", 0, 0, .more = more));
    assert_int_equal(status.state, STATUS_DONE);
    const json_t *store = json_array_get(json_object_get(status.result, "stores"), 0);
    json_array_foreach(json_object_get(store, "findings"), index, finding)
        if (strcmp(json_string_or(finding, "what", ""), what) == 0) {
            assert_string_equal(json_string_or(finding, "level", ""), level);
            assert_true(json_object_get(finding, "remedy") != NULL || strcmp(level, "ok") == 0);
            found = true;
        }
    assert_true(found);
    bed_forget(&status);
}

static void test_a_check_tells_clocks_apart(void **state)
{
    (void)state;
    offset_us = 400000;
    check_clock("", "ok", "its clock is 400 ms (± 0 ms) from this agent's");
    offset_us = -501000;
    check_clock("", "error", "its clock is -501 ms (± 0 ms) from this agent's");
    uncertainty_us = 2000; /* it may be within */
    check_clock("", "ok", "its clock is -501 ms (± 2 ms) from this agent's");
    check_clock(", \"max_offset_us\": 400000", "error",
                "its clock is -501 ms (± 2 ms) from this agent's");
}

static void test_no_moment_by_clocks_that_are_apart(void **state)
{
    static const int64_t offsets[] = {10000000, -10000000, 501000};
    (void)state;
    for (int i = 0; i < 3; i++) {
        offset_us = offsets[i];
        assert_refused(ORDER_WITH(LYON, "snapshot", 1, 0, .try = i + 1), "CONFLICT",
                       "the clock of posix is ");
        assert_false(snapshot_is_there("lyon", 1));
    }
    uncertainty_us = 2000;
    bed_do(ORDER_WITH(LYON, "snapshot", 1, 0, .try = 4));
    assert_true(snapshot_is_there("lyon", 1));
}

static void test_the_limit_of_the_clocks_can_be_set(void **state)
{
    (void)state;
    offset_us = 10000000;
    bed_do(ORDER_WITH(LYON, "snapshot", 1, 0, .settings = "{\"max_offset_us\": 20000000}"));
}

/* ---- space ---------------------------------------------------------------------------------- */

static void test_a_seal_without_room_is_refused_before_the_commit(void **state)
{
    (void)state;
    bed_do(ORDER(LYON, "snapshot", 1, 0));
    free_bytes = CONTENT_BYTES - 1;
    assert_refused(ORDER(YORK, "transfer", 1, 0), "NO_SPACE", "has no room at posix:/data");
    bed_shell("! test -e $TOP/york/coeval/$SERVICE/g1.e1/received.json");
    bed_shell("! test -e $TOP/york/data/f");
    free_bytes = CONTENT_BYTES;
    bed_do(ORDER_WITH(YORK, "transfer", 1, 0, .try = 2));
    bed_shell("test -e $TOP/york/coeval/$SERVICE/g1.e1/received.json");
}

/* ---- what snapshots pin --------------------------------------------------------------------- */

static void test_what_is_pinned_is_measured(void **state)
{
    (void)state;
    bed_seal(1, 0);
    struct bed_status status = carry_out(ORDER(LYON, "measure", 1, 0));
    assert_int_equal(json_integer_or(status.result, "bytes", 0), CONTENT_BYTES);
    bed_forget(&status);
    bed_shell("rm $TOP/lyon/data/f"); /* the live tree does not matter */
    status = carry_out(ORDER(LYON, "measure", 1, 0));
    assert_int_equal(json_integer_or(status.result, "bytes", 0), CONTENT_BYTES);
    bed_forget(&status);
    assert_refused(ORDER(LYON, "measure", 7, 0), "NOT_FOUND", "posix:/data");
}

/* ---- snapshots of no epoch ------------------------------------------------------------------ */

/* Asks lyon; the answer's count. more: further members of the body. */
static size_t orphans(const char *more, bool removed)
{
    char body[700];
    size_t index;
    json_t *item;
    snprintf(body, sizeof body,
             "{\"services\": [{\"pair\": \"" BED_PAIR "\", \"service\": \"" BED_SERVICE "\"}],"
             " \"roots\": [{\"instance\": \"posix\", \"root\": \"/data\"},"
             " {\"instance\": \"posix\", \"root\": \"/nowhere\"}]%s}",
             more);
    struct bed_status status = carry_out(ORDER_WITH(LYON, "orphans", 0, 0, .more = body));
    if (status.state != STATUS_DONE)
        fail_msg("%s", status.text);
    const json_t *found = json_object_get(status.result, "orphans");
    json_array_foreach((json_t *)(uintptr_t)found, index, item)
        assert_int_equal(json_boolean_or(item, "removed", false), removed);
    size_t count = json_array_size(found);
    bed_forget(&status);
    return count;
}

#define OLD ", \"remove_before_us\": \"4102444800000000\"" /* 2100 */

/* Epoch 1 is sealed, 2 has its moment, and nobody knows of it any more. */
static void test_what_no_epoch_has_is_an_orphan(void **state)
{
    (void)state;
    bed_seal(1, 0);
    bed_do(ORDER(LYON, "snapshot", 2, 1));
    assert_int_equal(orphans("", false), 1);
    assert_int_equal(orphans(", \"remove_before_us\": \"1000000\"", false), 1); /* too young */
    assert_int_equal(orphans(", \"keep\": [\"coeval.aaaaaaaa.bbbbbbbb.g1.e2.\"]" OLD, true), 0);
    assert_int_equal(orphans(", \"keep\": [\"coeval.aaaaaaaa.bbbbbbbb.g1.e2.a1\"]", false), 1);
    assert_true(snapshot_is_there("lyon", 2));
    assert_int_equal(orphans(OLD, true), 1);
    assert_false(snapshot_is_there("lyon", 2));
    assert_true(snapshot_is_there("lyon", 1)); /* the seal names it; the device did not */
    assert_int_equal(orphans(OLD, true), 0);
}

static void test_what_was_received_is_no_orphan(void **state)
{
    (void)state;
    bed_seal(1, 0);
    bed_do(ORDER(LYON, "snapshot", 2, 1));
    bed_shell("mkdir -p $TOP/lyon/coeval/$SERVICE/g1.e2 && "
              "echo {} > $TOP/lyon/coeval/$SERVICE/g1.e2/received.json");
    assert_int_equal(orphans(OLD, true), 0);
    bed_shell("mkdir -p $TOP/lyon/coeval/$SERVICE/g1.e2 && cd $TOP/lyon/coeval/$SERVICE/g1.e2 && "
              "rm received.json && echo 1 > phase.begun");
    assert_int_equal(orphans(OLD, true), 0);
    assert_true(snapshot_is_there("lyon", 2));
}

/* Two short ids may begin alike: what is not of this service by its name is not looked at. */
static void test_what_others_made_is_left(void **state)
{
    (void)state;
    bed_seal(1, 0);
    bed_shell("cd $TOP/lyon/coeval/snapshots/* && "
              "cp -a coeval.aaaaaaaa.bbbbbbbb.g1.e1.* manual && test -d manual");
    struct bed_status status = carry_out(
        ORDER_WITH(LYON, "orphans", 0, 0,
                   .more = "{\"services\": [{\"pair\": \"" BED_PAIR "\","
                           " \"service\": \"cccccccc-0000-0000-0000-000000000001\"}],"
                           " \"roots\": [{\"instance\": \"posix\", \"root\": \"/data\"}]" OLD "}"));
    /* A damaged snapshot is told by name, and nothing was removed. */
    assert_int_equal(status.state, STATUS_FAILED);
    assert_non_null(strstr(status.text, "manual"));
    bed_forget(&status);
    bed_shell("rm -r $TOP/lyon/coeval/snapshots/*/manual");
    assert_true(snapshot_is_there("lyon", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, bed_tear_down)
        T(test_a_check_tells_clocks_apart),
        T(test_no_moment_by_clocks_that_are_apart),
        T(test_the_limit_of_the_clocks_can_be_set),
        T(test_a_seal_without_room_is_refused_before_the_commit),
        T(test_what_is_pinned_is_measured),
        T(test_what_no_epoch_has_is_an_orphan),
        T(test_what_was_received_is_no_orphan),
        T(test_what_others_made_is_left),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
