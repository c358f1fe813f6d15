/* task_resolve_test.c: which members of an epoch are there: what is gone becomes a tombstone, what
 * the device only takes for gone is left out, what never was is an error. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define MEMBER(name, more)                                                                 \
    "{\"id\": \"" name "\", \"instance\": \"posix\", \"source_path\": \"/data/" name "\"," \
    " \"source_root\": \"/data\", \"target_instance\": \"posix\","                         \
    " \"target_path\": \"/data/" name "\", \"target_root\": \"/data\"" more "}"

static struct bed_order order_of(int number, const char *settings)
{
    return ORDER_WITH(LYON, "resolve", number, 0, .settings = settings);
}

/* "here gone(tombstone)" */
static void expect_members(int number, const char *settings, const char *expected)
{
    struct bed_order order = order_of(number, settings);
    char text[200] = "";
    size_t index;
    json_t *member;
    bed_do(order);
    struct bed_status status = bed_end(order);
    json_array_foreach(json_object_get(status.result, "members"), index, member) {
        strcat(text, index == 0 ? "" : " ");
        strcat(text, json_string_or(member, "id", "?"));
        strcat(text, json_boolean_or(member, "tombstone", false) ? "(tombstone)" : "");
    }
    bed_forget(&status);
    assert_string_equal(text, expected);
}

static void test_who_is_there(void **state)
{
    (void)state;
    bed_shell("mkdir $TOP/lyon/data/here $TOP/lyon/data/alive");
    expect_members(1, "{\"members\": [" MEMBER("here", "") "]}", "here");
    expect_members(
        2, "{\"members\": [" MEMBER("here", "") ", " MEMBER("gone", ", \"sealed\": true") "]}",
        "here gone(tombstone)");
    expect_members(
        3, "{\"members\": [" MEMBER("here", "") ", " MEMBER("gone", ", \"tombstone\": true") "]}",
        "here gone(tombstone)");
}

static void test_a_tombstone_is_not_believed(void **state)
{
    (void)state;
    bed_shell("mkdir $TOP/lyon/data/here $TOP/lyon/data/alive");
    expect_members(1,
                   "{\"members\": [" MEMBER("here", "") ", " MEMBER(
                       "alive", ", \"sealed\": true, \"tombstone\": true") "]}",
                   "here");
}

static void test_nothing_is_there(void **state)
{
    (void)state;
    bed_fail(order_of(1, "{\"members\": [" MEMBER("never", "") "]}"), "NOT_FOUND");
    bed_fail(order_of(2, "{\"members\": [" MEMBER("gone", ", \"sealed\": true") "]}"), "NOT_FOUND");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_is_there, bed_set_up, bed_tear_down),
        cmocka_unit_test_setup_teardown(test_a_tombstone_is_not_believed, bed_set_up,
                                        bed_tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_is_there, bed_set_up, bed_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
