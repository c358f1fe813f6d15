/* policy_parse_test.c: what a policy may not say; every refusal has its place or names the member.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "policy_text.h"

static void assert_refused(const char *text, const char *complaint)
{
    struct document document;
    struct policy policy;
    struct error error = ERROR_NONE;
    if (!yaml_parse("p.yaml", text, strlen(text), &document, &error))
        fail_msg("%s", error.text);
    if (policy_parse(&document, &policy, &error))
        fail_msg("taken: %s", text);
    if (strcmp(error.text, complaint) != 0)
        fail_msg("got:      %s\nexpected: %s", error.text, complaint);
    document_fini(&document);
}

static const struct {
    const char *text, *complaint;
} structure_cases[] = {
    {"[]", "p.yaml:1:1: must be a mapping, not a list"},
    {"kind: Policy\n", "p.yaml:1:1: 'apiVersion' is missing"},
    {"apiVersion: coeval/v2\n", "p.yaml:1:13: 'coeval/v2' is not one of coeval/v1"},
    {"apiVersion: coeval/v1\n", "p.yaml:1:1: 'kind' is missing"},
    {"apiVersion: coeval/v1\nkind: policy\n", "p.yaml:2:7: 'policy' is not one of Policy"},
    {"apiVersion: coeval/v1\nkind: Policy\n", "p.yaml:1:1: 'name' is missing"},
    {"apiVersion: coeval/v1\nkind: Policy\nname: 7\n",
     "p.yaml:3:7: 'name' must be text, not an integer"},
    {"apiVersion: coeval/v1\nkind: Policy\nname: a b\n",
     "p.yaml:3:7: 'a b' is not a name: up to 63 letters, digits, '.', '_', '-'"},
    {"apiVersion: coeval/v1\nkind: Policy\nname: a\n", "p.yaml:1:1: 'pair' is missing"},
    {"apiVersion: coeval/v1\nkind: Policy\nname: a\npair: {name: p, primary: a}\n",
     "p.yaml:4:7: 'secondary' is missing"},
    {HEAD, "p.yaml:1:1: 'group' is missing"},
    {HEAD GROUP, "p.yaml:1:1: 'period' is missing"},
    {MINIMAL "direction: both\n", "p.yaml:7:12: 'both' is not one of pull|push"},
    {MINIMAL "mode: half\n", "p.yaml:7:7: 'half' is not one of incremental|full"},
    {MINIMAL "executors: 0\n", "p.yaml:7:12: 0 is not between 1 and 64"},
    {MINIMAL "executors: many\n", "p.yaml:7:12: 'executors' must be an integer, not text"},
    {MINIMAL "consistency: best\n",
     "p.yaml:7:14: 'best' is not one of atomic|quiesced|bounded|fuzzy"},
    {MINIMAL "adopt: yes\n", "p.yaml:7:8: 'yes' is not one of empty|compare"},
    {MINIMAL "touched: yes\n", "p.yaml:7:10: 'yes' is not one of refuse|restore"},
    {MINIMAL "barrier_wait: 10s\n",
     "p.yaml:7:15: '10s' is not an ISO 8601 duration above zero and up to 100 years, as in "
     "PT15M or P1DT2H"},
    {MINIMAL "barrier_wait: 10\n", "p.yaml:7:15: 'barrier_wait' must be text, not an integer"},
    {MINIMAL "retries: 101\n", "p.yaml:7:10: 101 is not between 0 and 100"},
    {MINIMAL "max_skew: PT1S\n", "p.yaml:7:11: 'max_skew' must be a mapping, not text"},
    {MINIMAL "max_skew: {limit: 1}\n", "p.yaml:7:19: 'limit' must be text, not an integer"},
    {MINIMAL "max_skew: {action: x}\n", "p.yaml:7:20: 'x' is not one of fail|retry|accept"},
    {MINIMAL "max_removed: 101%\n",
     "p.yaml:7:14: '101%' is neither a percentage up to 100% nor a number of entries"},
    {MINIMAL "max_removed: 5\xc2\xa0%\n",
     "p.yaml:7:14: '5\xc2\xa0%' is neither a percentage up to 100% nor a number of entries"},
    {MINIMAL "max_removed: \"%\"\n",
     "p.yaml:7:14: '%' is neither a percentage up to 100% nor a number of entries"},
    {MINIMAL "max_removed: -1\n", "p.yaml:7:14: -1 is not between 0 and 9223372036854775807"},
    {MINIMAL "sweep: never\n", "p.yaml:7:8: 'never' is not one of every|off or a number"},
    {MINIMAL "scrub: never\n",
     "p.yaml:7:8: 'never' is not an ISO 8601 duration above zero and up to 100 years, as in PT15M "
     "or P1DT2H"},
    {MINIMAL "scrub: PT59M\n", "p.yaml:7:8: 'PT59M' is neither 'off' nor PT1H or longer"},
    {MINIMAL "scrub: 7\n", "p.yaml:7:8: 'scrub' must be text, not an integer"},
    {MINIMAL "sweep: 0\n", "p.yaml:7:8: 0 is not between 1 and 1000000"},
    {MINIMAL "hold_max: 1\n", "p.yaml:7:11: 'hold_max' must be a mapping, not an integer"},
    {MINIMAL "hold_max: {age: P1M}\n",
     "p.yaml:7:17: 'P1M': years and months have no fixed length; use days or weeks"},
    {MINIMAL "hold_max: {bytes: 0}\n", "p.yaml:7:19: 0 is not between 1 and 9223372036854775807"},
    {MINIMAL "hold_max: {bytes: 1 TB}\n",
     "p.yaml:7:19: '1 TB' is not a size above zero, as in 4096, 10MB or 10MiB"},
    {MINIMAL "hold_max: {action: x}\n", "p.yaml:7:20: 'x' is not one of release|keep"},
    {MINIMAL "retention: {last: 3}\n", "p.yaml:7:13: unknown key 'last'; allowed: source target"},
    {MINIMAL "retention: {source: {}}\n", "p.yaml:7:21: 'source' needs 'last', 'age' or both"},
    {MINIMAL "retention: {target: {last: 0}}\n", "p.yaml:7:28: 0 is not between 1 and 1000000"},
    {MINIMAL "limits: {bytes_per_second: fast}\n",
     "p.yaml:7:28: 'fast' is not a rate above zero, as in 10MB/s or 64KiB/s"},
    {MINIMAL "limits: {operations_per_second: 0}\n",
     "p.yaml:7:33: 0 is not between 1 and 9223372036854775807"},
    {MINIMAL "hooks: {befor: {}}\n",
     "p.yaml:7:9: unknown key 'befor'; did you mean 'before'? allowed: before after"},
    {MINIMAL "hooks: {before: {}}\n", "p.yaml:7:17: 'command' is missing"},
    {MINIMAL "hooks: {before: {command: x}}\n", "p.yaml:7:27: 'command' must be a list, not text"},
    {MINIMAL "hooks: {before: {command: []}}\n", "p.yaml:7:27: a command has 1 to 64 words"},
    {MINIMAL "hooks: {after: {command: [sh]}}\n",
     "p.yaml:7:27: the program must be an absolute path, as in /bin/sh"},
    {MINIMAL "hooks: {after: {command: [/bin/sh, 7]}}\n",
     "p.yaml:7:36: must be text, not an integer"},
};

static void test_refusals_of_structure(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(structure_cases); i++)
        assert_refused(structure_cases[i].text, structure_cases[i].complaint);
}

static void test_unknown_key_lists_the_allowed(void **state)
{
    (void)state;
    struct document document;
    struct policy policy;
    struct error error = ERROR_NONE;
    static const char text[] = MINIMAL "max_remove: 5%\n";
    assert_true(yaml_parse("p.yaml", text, strlen(text), &document, &error));
    assert_false(policy_parse(&document, &policy, &error));
    static const char start[] = "p.yaml:7:1: unknown key 'max_remove'; did you mean 'max_removed'? "
                                "allowed: apiVersion kind name pair group t0 period";
    assert_memory_equal(error.text, start, strlen(start));
    document_fini(&document);
}

static const struct {
    const char *group, *complaint;
} group_cases[] = {
    {"group: {}\n", "p.yaml:5:8: the group is empty: give 'data_sets', 'select' or 'all'"},
    {"group: {data_sets: []}\n",
     "p.yaml:5:8: the group is empty: give 'data_sets', 'select' or 'all'"},
    {"group: {data_set: [x]}\n",
     "p.yaml:5:9: unknown key 'data_set'; did you mean 'data_sets'? allowed: data_sets select "
     "all include exclude default_excludes"},
    {"group: {data_sets: x}\n", "p.yaml:5:20: 'data_sets' must be a list, not text"},
    {"group: {data_sets: [7]}\n", "p.yaml:5:21: must be text, not an integer"},
    {"group:\n  data_sets:\n  - hdfs:x\n",
     "p.yaml:7:5: 'hdfs:x' is not <instance>:<path>, as in hdfs:/bills"},
    {"group:\n  data_sets:\n  - hdfs\n",
     "p.yaml:7:5: 'hdfs' is not <instance>:<path>, as in hdfs:/bills"},
    {"group:\n  data_sets:\n  - ':/x'\n", "p.yaml:7:5: '' is not the name of an instance"},
    {"group:\n  data_sets:\n  - hdfs:/x/../y\n",
     "p.yaml:7:5: path '/x/../y' has '.' or '..' in it"},
    {"group:\n  data_sets:\n  - hdfs:/\n",
     "p.yaml:7:5: '/' cannot be protected as one data set: use 'all: hdfs'"},
    {"group: {select: {}}\n",
     "p.yaml:5:17: a selector needs 'owner' or 'prefix'; 'all' takes everything"},
    {"group: {select: [{instance: hdfs}]}\n",
     "p.yaml:5:18: a selector needs 'owner' or 'prefix'; 'all' takes everything"},
    {"group: {select: x}\n", "p.yaml:5:17: 'select' must be a mapping, not text"},
    {"group: {select: {owner: a, prefix: b}}\n", "p.yaml:5:36: path 'b' does not start with '/'"},
    {"group: {all: false}\n", "p.yaml:5:14: leave 'all' out instead"},
    {"group: {all: 7}\n", "p.yaml:5:14: 'all' must be text, not an integer"},
    {"group: {all: [a b]}\n", "p.yaml:5:15: 'a b' is not the name of an instance"},
    {"group: {all: true, include: ['']}\n", "p.yaml:5:30: a pattern has 1 to 8000 bytes"},
    {"group: {all: true, exclude: [[]]}\n", "p.yaml:5:30: must be text, not a list"},
    {"group: {all: true, exclude: x}\n", "p.yaml:5:29: 'exclude' must be a list, not text"},
    {"group: {all: true, default_excludes: no}\n",
     "p.yaml:5:38: 'default_excludes' must be true or false, not text"},
    {"group: {data_sets: ['h:/a/b', 'h:/a']}\n",
     "p.yaml: data set h:/a/b lies in data set h:/a: leave the first one out"},
    {"group: {data_sets: ['h:/a', 'h:/a']}\n",
     "p.yaml: data set h:/a lies in data set h:/a: leave the first one out"},
    {"group: {data_sets: ['h:/a'], include: [x]}\n",
     "p.yaml: group.include narrows 'select' and 'all', and the group has neither: leave it "
     "out"},
};

static void test_refusals_of_the_group(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(group_cases); i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD "%speriod: PT1H\n", group_cases[i].group);
        assert_refused(text, group_cases[i].complaint);
    }
}

static const struct {
    const char *schedule, *complaint;
} schedule_cases[] = {
    {"period: 15\n", "p.yaml:6:9: 'period' must be text, not an integer"},
    {"period: PT0S\n", "p.yaml:6:9: 'PT0S' is not an ISO 8601 duration above zero and up to "
                       "100 years, as in PT15M or P1DT2H"},
    {"period: {zone: UTC}\n", "p.yaml:6:9: 'cron' is missing"},
    {"period: {cron: '* * * *'}\n",
     "p.yaml:6:16: cron '* * * *': the day of week is not right; five fields are needed: minute "
     "hour day month weekday"},
    {"period: {cron: '* * * * *', zone: ../etc}\n",
     "p.yaml:6:35: '../etc' is not the name of a zone, as in Europe/Berlin"},
    {"period: {cron: '* * * * *', timezone: UTC}\n",
     "p.yaml:6:29: unknown key 'timezone'; did you mean 'zone'? allowed: cron zone"},
    {"period: PT1H\nt0: noon\n",
     "p.yaml:7:5: 'noon' is not an ISO 8601 time with zone, as in 2026-11-21T13:00:00Z"},
    {"period: PT1H\nt0: 7\n", "p.yaml:7:5: 't0' must be text, not an integer"},
    {"period: none\nt0: next\n", "p.yaml:7:5: t0 'next' needs a period; 'now' begins at once"},
    {"period: PT1H\noverrun: x\n", "p.yaml:7:10: 'x' is not one of skip|coalesce"},
    {"period: PT1H\nmissed: x\n", "p.yaml:7:9: 'x' is not one of run-once|skip"},
    {"period: PT1M\nlead_time: PT60S\n",
     "p.yaml: lead_time (PT1M) must be shorter than the period (PT1M): change one of them"},
    {"period: PT1M\ngrace: PT2M\n",
     "p.yaml: grace (PT2M) must be shorter than the period (PT1M): change one of them"},
    {"period: {cron: '* * * * *'}\ngrace: PT1M\n",
     "p.yaml: grace (PT1M) must be shorter than the period (PT1M): change one of them"},
    {"period: none\nhooks: {before: {command: [/x], timeout: PT1M}}\n",
     "p.yaml: hooks.before.timeout (PT1M) must be shorter than lead_time (PT10S): change one of "
     "them"},
    {"period: PT1H\ntarget_map: [{instance: hive, to_instance: x}]\n",
     "p.yaml: target_map maps instance 'hive', of which the group has no data set: correct the "
     "name or leave the rule out"},
};

static void test_refusals_of_the_schedule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(schedule_cases); i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD GROUP "%s", schedule_cases[i].schedule);
        assert_refused(text, schedule_cases[i].complaint);
    }
    assert_refused("apiVersion: coeval/v1\nkind: Policy\nname: s\n"
                   "pair: {name: p, primary: a, secondary: a}\n" GROUP "period: PT1H\n",
                   "p.yaml: pair.primary and pair.secondary are both 'a': name two clusters");
}

static const struct {
    const char *map, *complaint;
} target_map_cases[] = {
    {"{}", "p.yaml:7:13: 'target_map' must be a list, not a mapping"},
    {"[{from: /x, to: /y}]", "p.yaml:7:14: 'instance' is missing"},
    {"[{instance: hdfs}]", "p.yaml:7:14: a rule needs 'from' and 'to', or 'to_instance'"},
    {"[{instance: hdfs, from: /x}]", "p.yaml:7:14: 'from' and 'to' belong together"},
    {"[{instance: hdfs, to: /x, to_instance: y}]", "p.yaml:7:14: 'from' and 'to' belong together"},
    {"[{instance: hdfs, from: x, to: /y}]", "p.yaml:7:37: path 'x' does not start with '/'"},
    {"[{instance: hdfs, from: /x, to: 7}]", "p.yaml:7:45: 'to' must be text, not an integer"},
    {"[{instance: hdfs, from: /x, to: /y}, {instance: hdfs, from: /x, to: /z}]",
     "p.yaml:7:50: hdfs:/x is mapped twice (hdfs:/x)"},
    {"[{instance: hdfs, from: /x, to: /y}, {instance: hdfs, from: /z, to: /y/w}]",
     "p.yaml:7:50: hdfs:/x and hdfs:/z would share a place on the target"},
};

static void test_refusals_of_the_target_map(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(target_map_cases); i++) {
        char text[512];
        snprintf(text, sizeof text, MINIMAL "target_map: %s\n", target_map_cases[i].map);
        assert_refused(text, target_map_cases[i].complaint);
    }
}

static const struct {
    const char *before, *element, *after, *complaint;
    int count;
} limit_cases[] = {
    {HEAD "group: {data_sets: [", "x,", "]}\n",
     "p.yaml:5:20: more than 4096 data sets: use 'select'", GROUP_DATA_SETS_MAX},
    {HEAD "group: {exclude: [", "x,", "]}\n", "p.yaml:5:18: more than 256 patterns",
     GROUP_PATTERNS_MAX},
    {HEAD "group: {select: [", "x,", "]}\n", "p.yaml:5:17: more than 256 selectors",
     GROUP_PATTERNS_MAX},
    {HEAD "group: {all: [", "x,", "]}\n", "p.yaml:5:14: more than 256 instances",
     GROUP_PATTERNS_MAX},
    {MINIMAL "target_map: [", "x,", "]\n", "p.yaml:7:13: more than 256 rules", TARGET_RULES_MAX},
    {MINIMAL "hooks: {after: {command: [", "x,", "]}}\n",
     "p.yaml:7:26: a command has 1 to 64 words", POLICY_ARGUMENTS_MAX},
};

/* Lists from outside have limits. */
static void test_limits_of_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(limit_cases); i++) {
        struct buffer text;
        buffer_init(&text, 0);
        buffer_append_text(&text, limit_cases[i].before);
        for (int n = 0; n <= limit_cases[i].count; n++)
            buffer_append_text(&text, limit_cases[i].element);
        buffer_append_text(&text, limit_cases[i].after);
        assert_refused(buffer_text(&text), limit_cases[i].complaint);
        buffer_fini(&text);
    }
}

static void test_body_of_the_api_has_no_positions(void **state)
{
    (void)state;
    struct document document;
    struct policy policy;
    struct error error = ERROR_NONE;
    static const char text[] = "{\"apiVersion\":\"coeval/v1\",\"kind\":\"Policy\",\"name\":\"s\","
                               "\"pair\":{\"name\":\"p\",\"primary\":\"a\",\"secondary\":\"a\"},"
                               "\"group\":{\"data_sets\":[\"hdfs:/x\"]},\"period\":\"PT1H\"}";
    json_t *json;
    assert_true(json_parse(text, strlen(text), &json, &error));
    document_init(&document, NULL, json);
    assert_false(policy_parse(&document, &policy, &error));
    assert_string_equal(error.text,
                        "pair.primary and pair.secondary are both 'a': name two clusters");
    json_object_set_new(json, "retention", json_pack("{s:{s:i}}", "source", "last", 0));
    assert_false(policy_parse(&document, &policy, &error));
    assert_string_equal(error.text, "retention.source.last: 0 is not between 1 and 1000000");
    document_fini(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_of_structure),
        cmocka_unit_test(test_unknown_key_lists_the_allowed),
        cmocka_unit_test(test_refusals_of_the_group),
        cmocka_unit_test(test_refusals_of_the_schedule),
        cmocka_unit_test(test_refusals_of_the_target_map),
        cmocka_unit_test(test_limits_of_lists),
        cmocka_unit_test(test_body_of_the_api_has_no_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
