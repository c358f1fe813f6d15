/* policy_test.c: reading, printing and checking policies. EXAMPLES is conf/examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "base/file.h"
#include "policy_text.h"

#define SECOND ((int64_t)1000000)

/* Prints canonically, reads that back without positions, prints again: the same bytes. */
static void assert_round_trip(const struct policy *policy)
{
    struct buffer first, second;
    struct document document;
    struct policy again;
    struct error error = ERROR_NONE;
    json_t *json;
    buffer_init(&first, 0);
    buffer_init(&second, 0);
    json_t *printed = policy_to_json(policy);
    json_print(printed, true, &first);
    json_decref(printed);
    assert_true(json_parse(buffer_text(&first), first.size, &json, &error));
    document_init(&document, NULL, json);
    if (!policy_parse(&document, &again, &error))
        fail_msg("%s\n%s", error.text, buffer_text(&first));
    printed = policy_to_json(&again);
    json_print(printed, true, &second);
    json_decref(printed);
    assert_string_equal(buffer_text(&first), buffer_text(&second));
    policy_fini(&again);
    document_fini(&document);
    buffer_fini(&first);
    buffer_fini(&second);
}

static void test_defaults(void **state)
{
    (void)state;
    struct policy p;
    parse_text(MINIMAL, &p);
    assert_string_equal(p.name, "s");
    assert_string_equal(p.pair.name, "p");
    assert_string_equal(p.pair.primary, "a");
    assert_string_equal(p.pair.secondary, "b");
    assert_int_equal(p.group.data_set_count, 1);
    assert_string_equal(p.group.data_sets[0].instance, "hdfs");
    assert_string_equal(p.group.data_sets[0].path, "/x");
    assert_true(p.group.default_excludes);
    assert_int_equal(p.schedule.first, SCHEDULE_FIRST_NOW);
    assert_int_equal(p.schedule.period, SCHEDULE_EVERY);
    assert_int_equal(p.schedule.every_us, 900 * SECOND);
    assert_string_equal(p.schedule.zone_name, "UTC");
    assert_int_equal(p.schedule.lead_us, 10 * SECOND);
    assert_int_equal(p.schedule.grace_us, 30 * SECOND);
    assert_int_equal(p.schedule.overrun, SCHEDULE_OVERRUN_SKIP);
    assert_int_equal(p.schedule.missed, SCHEDULE_MISSED_RUN_ONCE);
    assert_string_equal(policy_direction_name(p.direction), "pull");
    assert_string_equal(policy_mode_name(p.mode), "incremental");
    assert_int_equal(p.executors, 1);
    assert_int_equal(p.consistency, GRADE_BOUNDED);
    assert_int_equal(p.max_skew.limit_us, 5 * SECOND);
    assert_int_equal(p.max_skew.action, POLICY_SKEW_RETRY);
    assert_true(p.max_removed.is_percent);
    assert_int_equal(p.max_removed.value, 20);
    assert_int_equal(p.adopt, POLICY_ADOPT_EMPTY);
    assert_int_equal(p.touched, POLICY_TOUCHED_REFUSE);
    assert_int_equal(p.sweep, 24);
    assert_int_equal(p.scrub_us, 7 * 86400 * SECOND);
    assert_int_equal(p.hold_max.age_us, 14 * 86400 * SECOND);
    assert_int_equal(p.hold_max.bytes, 0);
    assert_int_equal(p.hold_max.action, POLICY_HOLD_KEEP);
    assert_int_equal(p.retention.source.last, 2);
    assert_int_equal(p.retention.source.age_us, 0);
    assert_int_equal(p.retention.target.last, 7);
    assert_int_equal(p.limits.bytes_per_second, 0);
    assert_int_equal(p.limits.operations_per_second, 0);
    assert_int_equal(p.target_map.rule_count, 0);
    assert_int_equal(p.hooks.before.argument_count, 0);
    assert_int_equal(p.hooks.after.argument_count, 0);
    assert_int_equal(p.barrier_wait_us, 10 * SECOND);
    assert_int_equal(p.retries, 2);
    assert_round_trip(&p);
    policy_fini(&p);
    policy_fini(&p); /* twice does no harm */
}

static const char every_key[] =
    HEAD "group:\n"
         "  data_sets: [hdfs:/x/, posix://y//z]\n"
         "  select: {instance: hdfs, owner: bill, prefix: /apps/}\n"
         "  all: [hive, posix]\n"
         "  include: [a, /b/c]\n"
         "  exclude: ['*.tmp']\n"
         "  default_excludes: false\n"
         "t0: 2026-11-21T14:00+01:00\n"
         "period: {cron: '  */5   1-3 * * MON ', zone: Europe/Berlin}\n"
         "direction: push\nmode: full\nexecutors: 64\nconsistency: atomic\n"
         "max_skew: {limit: PT0.25S, action: accept}\nmax_removed: 1000\n"
         "adopt: compare\ntouched: restore\nsweep: off\nscrub: off\n"
         "hold_max: {age: none, bytes: 1TiB, action: release}\n"
         "retention: {source: {age: P1D}, target: {last: 3, age: P2W}}\n"
         "limits: {bytes_per_second: 10MB/s, operations_per_second: 7}\n"
         "target_map:\n"
         "  - {instance: hdfs, from: /x/, to: /dr/x}\n"
         "  - {instance: posix, to_instance: posix-b}\n"
         "hooks:\n"
         "  before: {command: [/bin/sh, -c, 'exit 0'], timeout: PT2S}\n"
         "  after: {command: [/bin/true]}\n"
         "overrun: coalesce\nmissed: skip\nlead_time: PT20S\ngrace: PT5S\n"
         "barrier_wait: PT1M\nretries: 0\n";

static void test_every_key(void **state)
{
    (void)state;
    struct policy p;
    parse_text(every_key, &p);
    assert_string_equal(p.group.data_sets[0].path, "/x");
    assert_string_equal(p.group.data_sets[1].path, "/y/z");
    assert_int_equal(p.group.selector_count, 3);
    assert_string_equal(p.group.selectors[0].prefix, "/apps");
    assert_string_equal(p.group.selectors[0].owner, "bill");
    assert_string_equal(p.group.selectors[2].instance, "posix");
    assert_null(p.group.selectors[2].prefix);
    assert_int_equal(p.group.include_count, 2);
    assert_string_equal(p.group.exclude[0], "*.tmp");
    assert_false(p.group.default_excludes);
    assert_int_equal(p.schedule.first, SCHEDULE_FIRST_AT);
    assert_int_equal(p.schedule.first_us, 1795266000 * SECOND);
    assert_int_equal(p.schedule.period, SCHEDULE_CRON);
    assert_string_equal(p.schedule.cron_text, "*/5 1-3 * * MON");
    assert_string_equal(p.schedule.zone_name, "Europe/Berlin");
    assert_int_equal(p.direction, POLICY_PUSH);
    assert_int_equal(p.mode, POLICY_FULL);
    assert_int_equal(p.executors, 64);
    assert_int_equal(p.consistency, GRADE_ATOMIC);
    assert_int_equal(p.max_skew.limit_us, SECOND / 4);
    assert_int_equal(p.max_skew.action, POLICY_SKEW_ACCEPT);
    assert_false(p.max_removed.is_percent);
    assert_int_equal(p.max_removed.value, 1000);
    assert_int_equal(p.adopt, POLICY_ADOPT_COMPARE);
    assert_int_equal(p.touched, POLICY_TOUCHED_RESTORE);
    assert_int_equal(p.sweep, 0);
    assert_int_equal(p.scrub_us, 0);
    assert_int_equal(p.hold_max.age_us, 0);
    assert_int_equal(p.hold_max.bytes, (uint64_t)1 << 40);
    assert_int_equal(p.hold_max.action, POLICY_HOLD_RELEASE);
    assert_int_equal(p.retention.source.last, 0);
    assert_int_equal(p.retention.source.age_us, 86400 * SECOND);
    assert_int_equal(p.retention.target.last, 3);
    assert_int_equal(p.limits.bytes_per_second, 10000000);
    assert_int_equal(p.limits.operations_per_second, 7);
    assert_string_equal(p.target_map.rules[0].to, "/dr/x");
    assert_string_equal(p.target_map.rules[0].to_instance, "hdfs");
    assert_string_equal(p.target_map.rules[1].from, "/");
    assert_string_equal(p.target_map.rules[1].to_instance, "posix-b");
    assert_int_equal(p.hooks.before.argument_count, 3);
    assert_string_equal(p.hooks.before.arguments[2], "exit 0");
    assert_null(p.hooks.before.arguments[3]);
    assert_int_equal(p.hooks.before.timeout_us, 2 * SECOND);
    assert_int_equal(p.hooks.after.timeout_us, 5 * SECOND);
    assert_int_equal(p.schedule.overrun, SCHEDULE_OVERRUN_COALESCE);
    assert_int_equal(p.schedule.missed, SCHEDULE_MISSED_SKIP);
    assert_int_equal(p.schedule.lead_us, 20 * SECOND);
    assert_int_equal(p.barrier_wait_us, 60 * SECOND);
    assert_int_equal(p.retries, 0);
    assert_round_trip(&p);
    policy_fini(&p);
}

/* Other forms of the same keys; each must survive printing and reading. */
static void test_other_forms(void **state)
{
    (void)state;
    static const char *const cases[] = {
        HEAD GROUP "period: none\nt0: now\n",
        HEAD GROUP "period: none\nt0: 2026-11-21T13:00:00.5Z\n",
        HEAD GROUP "period: PT1H\nt0: next\n",
        HEAD GROUP "period: PT2S\n",
        HEAD GROUP "period: {cron: '0 0 29 2 *'}\nt0: now\n",
        HEAD "group: {all: true}\nperiod: PT1H\n",
        HEAD "group: {all: hdfs, include: [x]}\nperiod: PT1H\n",
        HEAD "group: {select: [{owner: a}, {prefix: /p}]}\nperiod: PT1H\n",
        HEAD "group: {all: true, data_sets: []}\nperiod: PT1H\nsweep: every\n",
        MINIMAL "sweep: 7\nscrub: PT1H\nmax_removed: 0\n",
        MINIMAL "max_removed: 100%\nretention: {source: {last: 9}}\n",
        MINIMAL "hold_max: {bytes: 5}\nlimits: {bytes_per_second: 4096}\n",
        MINIMAL
        "hooks: {}\nlimits: {}\nretention: {}\ntarget_map: []\nmax_skew: {}\nhold_max: {}\n",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct policy p;
        parse_text(cases[i], &p);
        assert_round_trip(&p);
        policy_fini(&p);
    }
}

static void test_short_periods_shorten_the_defaults(void **state)
{
    (void)state;
    struct policy p;
    parse_text(HEAD GROUP "period: PT4S\n", &p);
    assert_int_equal(p.schedule.lead_us, 2 * SECOND);
    assert_int_equal(p.schedule.grace_us, 2 * SECOND);
    policy_fini(&p);
    parse_text(HEAD GROUP "period: PT40S\n", &p);
    assert_int_equal(p.schedule.lead_us, 10 * SECOND);
    assert_int_equal(p.schedule.grace_us, 20 * SECOND);
    policy_fini(&p);
}

static void test_defaults_of_t0(void **state)
{
    (void)state;
    struct policy p;
    parse_text(HEAD GROUP "period: {cron: '0 2 * * *'}\n", &p);
    assert_int_equal(p.schedule.first, SCHEDULE_FIRST_NEXT);
    policy_fini(&p);
    parse_text(HEAD GROUP "period: none\n", &p);
    assert_int_equal(p.schedule.first, SCHEDULE_FIRST_NOW);
    assert_int_equal(p.schedule.period, SCHEDULE_ONCE);
    policy_fini(&p);
}

static void test_shrink_guard(void **state)
{
    (void)state;
    struct policy p;
    parse_text(MINIMAL "max_removed: 20%\n", &p);
    assert_false(policy_removes_too_much(&p, 0, 0));
    assert_false(policy_removes_too_much(&p, POLICY_REMOVED_FLOOR, 100)); /* few: never */
    assert_true(policy_removes_too_much(&p, POLICY_REMOVED_FLOOR + 1, 101));
    assert_false(policy_removes_too_much(&p, 200, 1000));
    assert_true(policy_removes_too_much(&p, 201, 1000));
    policy_fini(&p);
    parse_text(MINIMAL "max_removed: 3\n", &p);
    assert_false(policy_removes_too_much(&p, 3, 3));
    assert_true(policy_removes_too_much(&p, 4, 1000000));
    policy_fini(&p);
}

static void test_examples(void **state)
{
    (void)state;
    static const char *const names[] = {"simple", "nightly", "posix"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        char path[512];
        struct document document;
        struct policy policy;
        struct error error = ERROR_NONE;
        snprintf(path, sizeof path, EXAMPLES "/policy-%s.yaml", names[i]);
        if (!yaml_read_file(path, &document, &error) || !policy_parse(&document, &policy, &error))
            fail_msg("%s", error.text);
        assert_round_trip(&policy);
        policy_fini(&policy);
        document_fini(&document);
    }
}

/* doc/policy.md names every key that a policy prints, of every level. */
static void assert_documented(const json_t *value, const char *document)
{
    const char *key;
    json_t *member;
    size_t index;
    json_array_foreach(value, index, member)
        assert_documented(member, document);
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        char quoted[64], listed[64], first[64];
        snprintf(quoted, sizeof quoted, "`%s`", key);
        snprintf(listed, sizeof listed, ", %s", key);
        snprintf(first, sizeof first, "{%s", key);
        if (strstr(document, quoted) == NULL && strstr(document, listed) == NULL &&
            strstr(document, first) == NULL)
            fail_msg("doc/policy.md does not mention '%s'", key);
        assert_documented(member, document);
    }
}

static void test_every_key_is_documented(void **state)
{
    (void)state;
    struct policy p;
    struct buffer document;
    struct error error = ERROR_NONE;
    buffer_init(&document, 0);
    assert_true(file_read(EXAMPLES "/../../doc/policy.md", 1 << 20, &document, &error));
    parse_text(every_key, &p);
    json_t *printed = policy_to_json(&p);
    assert_documented(printed, buffer_text(&document));
    json_decref(printed);
    policy_fini(&p);
    buffer_fini(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_short_periods_shorten_the_defaults),
        cmocka_unit_test(test_defaults_of_t0),
        cmocka_unit_test(test_shrink_guard),
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_every_key_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
