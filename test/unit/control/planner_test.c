/* planner_test.c: whom an epoch is planned for: what the policy names now, what its selectors find,
 * and what is gone from the primary; never a tombstone for what only left the policy. */
#include "control_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

#define SELECTS(selectors) "{\"group\": {\"select\": [" selectors "]}}"
#define PREFIX(path) "{\"instance\": \"posix\", \"prefix\": \"" path "\"}"

/* What a catalogue of the directory finds: one data set, or none. */
static const char *finds(const char *path, const char *name)
{
    static char text[300];
    json_t *sets = json_array();
    if (name != NULL)
        json_append_take(sets, json_pack("{s:s, s:s}", "name", name, "owner", "o"));
    json_t *status = json_pack("{s:s, s:{s:s, s:s, s:o}}", "state", "done", "result", "instance",
                               "posix", "path", path, "data_sets", sets);
    char *printed = json_dumps(status, 0);
    snprintf(text, sizeof text, "%s", printed);
    free(printed);
    json_decref(status);
    return text;
}

static void script_listing(struct device *device, const char *path, const char *name)
{
    fake_agent_script(device->agents[EAST], "catalogue", finds(path, name));
}

/* The members that A was asked about for that epoch, as text: "/bills /gone(tombstone)". */
static const char *asked_about(struct device *device, size_t epoch)
{
    static char text[300];
    const json_t *order = fake_agent_order(device->agents[EAST], "resolve", epoch - 1);
    const json_t *settings = json_object_get(json_object_get(order, "body"), "settings");
    size_t index;
    json_t *member;
    text[0] = '\0';
    json_array_foreach(json_object_get(settings, "members"), index, member) {
        strcat(text, index == 0 ? "" : " ");
        strcat(text, json_string_or(member, "source_path", "?"));
        strcat(text, json_boolean_or(member, "tombstone", false) ? "(tombstone)" : "");
    }
    return text;
}

static void test_what_leaves_the_policy_is_not_gone(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, "{\"group\": {\"data_sets\": [\"posix:/bills\", \"posix:/crm\", "
                               "\"posix:/old\"]}}");
    device_epoch(&device, "bills", 1, "sealed");
    assert_null(device_event(&device, "member.left"));
    device_policy(&device, "bills", "posix:/bills", "");
    device_epoch(&device, "bills", 2, "sealed");
    assert_string_equal(asked_about(&device, 2), "/bills");
    const json_t *event = device_event(&device, "member.left");
    assert_string_equal(json_string_or(event, "text", ""),
                        "no data set of the policy any more: posix:/crm and 1 more on west; what "
                        "lies there stays as the last seal has it, until somebody removes it");
    device_epoch(&device, "bills", 3, "sealed");
    assert_int_equal(json_integer_or(device_event(&device, "member.left"), "number", 0), 2);
    device_close(&device);
}

/* Excluded now, or part of another member: both lie on A as before. */
static void test_what_is_covered_is_not_gone(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, SELECTS(PREFIX("/data")));
    script_listing(&device, "/data", "d1");
    device_epoch(&device, "bills", 1, "sealed");
    device_policy(
        &device, "bills", "posix:/bills",
        "{\"group\": {\"select\": [" PREFIX("/data") "], \"exclude\": [\"/data/d1\"], "
                                                     "\"data_sets\": [\"posix:/bills\"]}}");
    script_listing(&device, "/data", "d1");
    device_epoch(&device, "bills", 2, "sealed");
    assert_string_equal(asked_about(&device, 2), "/bills");
    device_policy(&device, "bills", "posix:/bills", SELECTS("{\"owner\": \"o\"}"));
    script_listing(&device, "/data", "d1");
    device_epoch(&device, "bills", 3, "sealed");
    device_policy(
        &device, "bills", "posix:/bills",
        "{\"group\": {\"select\": {\"owner\": \"o\"}, \"data_sets\": [\"posix:/data\"]}}");
    script_listing(&device, "/data", NULL);
    device_epoch(&device, "bills", 4, "sealed");
    assert_string_equal(asked_about(&device, 4), "/data");
    device_close(&device);
}

static void test_what_a_selector_misses_may_be_gone(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, SELECTS(PREFIX("/data") ", " PREFIX("/more")));
    script_listing(&device, "/data", "d1");
    script_listing(&device, "/more", "m1");
    device_epoch(&device, "bills", 1, "sealed");
    for (int i = 2; i <= 3; i++) {
        script_listing(&device, "/data", NULL);
        script_listing(&device, "/more", "m1");
    }
    device_epoch(&device, "bills", 2, "sealed");
    assert_string_equal(asked_about(&device, 2), "/more/m1 /data/d1(tombstone)");
    device_epoch(&device, "bills", 3, "sealed"); /* once */
    assert_string_equal(asked_about(&device, 3), "/more/m1");
    assert_null(device_event(&device, "member.left"));
    device_close(&device);
}

/* The list of selectors changes while the first of them is looked at. */
static void test_a_policy_edited_while_it_is_planned(void **state)
{
    static const char *const listed[] = {"/data", "/more", "/data"};
    struct device device;
    (void)state;
    device_open_bills(&device, SELECTS(PREFIX("/data") ", " PREFIX("/more")));
    fake_agent_script(device.agents[EAST], "catalogue", FAKE_RUNNING);
    device_verb(&device, "bills", "run");
    device_wait_orders(&device, EAST, "catalogue", 1);
    device_policy(&device, "bills", "posix:/bills", SELECTS(PREFIX("/more") ", " PREFIX("/data")));
    script_listing(&device, "/more", "m1");
    script_listing(&device, "/data", "d1");
    fake_agent_finish(device.agents[EAST], "catalogue", finds("/data", "d1"));
    device_wait_state(&device, "bills", 1, "sealed");
    assert_string_equal(asked_about(&device, 1), "/data/d1 /more/m1");
    for (size_t i = 0; i < ARRAY_LENGTH(listed); i++) {
        const json_t *order = fake_agent_order(device.agents[EAST], "catalogue", i);
        assert_string_equal(json_string_or(json_object_get(order, "body"), "path", ""), listed[i]);
    }
    device_close(&device);
}

#define NOT_THERE FAKE_FAILED("NOT_FOUND", "not there")

static void test_a_directory_that_is_gone_with_its_members(void **state)
{
    struct device device;
    (void)state;
    device_open_bills(&device, SELECTS(PREFIX("/data") ", " PREFIX("/more")));
    script_listing(&device, "/data", "d1");
    fake_agent_script(device.agents[EAST], "catalogue", NOT_THERE); /* nothing came from there */
    device_epoch(&device, "bills", 1, "sealed");
    fake_agent_script(device.agents[EAST], "catalogue", NOT_THERE);
    device_verb(&device, "bills", "run");
    const json_t *event = device_wait_event(&device, "epoch.not-planned");
    assert_string_equal(json_string_or(event, "text", ""),
                        "no epoch for this moment: posix:/data is not there on east and had data "
                        "sets of this service: bring it back, or take the selector out of the "
                        "policy");
    assert_int_equal(fake_agent_count(device.agents[EAST], "resolve"), 1);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_leaves_the_policy_is_not_gone),
        cmocka_unit_test(test_what_is_covered_is_not_gone),
        cmocka_unit_test(test_what_a_selector_misses_may_be_gone),
        cmocka_unit_test(test_a_policy_edited_while_it_is_planned),
        cmocka_unit_test(test_a_directory_that_is_gone_with_its_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
