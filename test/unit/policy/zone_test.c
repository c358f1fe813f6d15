/* zone_test.c: TZif data made by hand, damaged in every part, and real zones against the C library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/timestamp.h"
#include "zones.h"

#define HOUR ((int64_t)3600)

static int64_t at(const char *text)
{
    int64_t us;
    struct error error = ERROR_NONE;
    assert_true(timestamp_parse(text, &us, &error));
    return us / 1000000;
}

struct tzif {
    char version;
    const int64_t *instants;
    const uint8_t *types;
    size_t count;
    const int32_t *offsets;
    size_t type_count;
    uint32_t leaps;
    const char *footer; /* with its line ends; NULL: none */
};

static void append_big(struct buffer *buffer, int64_t value, int size)
{
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
        buffer_append_byte(buffer, shift < 64 ? (uint8_t)((uint64_t)value >> shift) : 0);
}

static void append_block(struct buffer *buffer, const struct tzif *tzif, int time_size)
{
    buffer_append_text(buffer, "TZif");
    buffer_append_byte(buffer, (uint8_t)tzif->version);
    for (int i = 0; i < 15; i++)
        buffer_append_byte(buffer, 0);
    append_big(buffer, 0, 4);
    append_big(buffer, 0, 4);
    append_big(buffer, tzif->leaps, 4);
    append_big(buffer, (int64_t)tzif->count, 4);
    append_big(buffer, (int64_t)tzif->type_count, 4);
    append_big(buffer, 4, 4);
    for (size_t i = 0; i < tzif->count; i++)
        append_big(buffer, tzif->instants[i], time_size);
    buffer_append(buffer, tzif->types, tzif->count);
    for (size_t i = 0; i < tzif->type_count; i++) {
        append_big(buffer, tzif->offsets[i], 4);
        append_big(buffer, 0, 2);
    }
    buffer_append(buffer, "ABC", 4);
    for (uint32_t i = 0; i < tzif->leaps; i++)
        append_big(buffer, 0, time_size + 4);
}

static void make_tzif(struct buffer *buffer, const struct tzif *tzif)
{
    buffer_init(buffer, 0);
    append_block(buffer, tzif, 4);
    if (tzif->version != '\0')
        append_block(buffer, tzif, 8);
    if (tzif->footer != NULL)
        buffer_append_text(buffer, tzif->footer);
}

static const int64_t two_instants[] = {-1000, 5000};
static const uint8_t two_types[] = {1, 0};
static const int32_t two_offsets[] = {600, -7200};

static struct tzif good(void)
{
    return (struct tzif){'2', two_instants, two_types, 2, two_offsets, 2, 0, "\nXXX-3\n"};
}

static bool parses(const struct tzif *tzif, struct zone *zone)
{
    struct buffer buffer;
    struct error error = ERROR_NONE;
    make_tzif(&buffer, tzif);
    bool parsed = zone_parse(buffer.data, buffer.size, zone, &error);
    if (!parsed)
        assert_int_equal(error.code, ERROR_CORRUPT);
    buffer_fini(&buffer);
    return parsed;
}

static void test_data_block_and_footer(void **state)
{
    (void)state;
    struct tzif tzif = good();
    struct zone zone;
    assert_true(parses(&tzif, &zone));
    assert_int_equal(zone_offset_at(&zone, -1001), 600);
    assert_int_equal(zone_offset_at(&zone, -1000), -7200);
    assert_int_equal(zone_offset_at(&zone, 4999), -7200);
    assert_int_equal(zone_offset_at(&zone, 5000), 10800); /* the footer rules from here on */
    assert_true(zone_next_change(&zone, -2000) == -1000);
    assert_true(zone_next_change(&zone, -1000) == 5000);
    assert_true(zone_next_change(&zone, 5000) == ZONE_NEVER);
    zone_fini(&zone);
    zone_fini(&zone);

    tzif.footer = "\n\n";
    assert_true(parses(&tzif, &zone));
    assert_int_equal(zone_offset_at(&zone, 5000), 600);
    assert_true(zone_next_change(&zone, 5000) == ZONE_NEVER);
    zone_fini(&zone);
}

static void test_version_one_has_32_bits_and_no_footer(void **state)
{
    (void)state;
    struct tzif tzif = good();
    struct zone zone;
    tzif.version = '\0';
    assert_false(parses(&tzif, &zone)); /* something behind the data */
    tzif.footer = NULL;
    assert_true(parses(&tzif, &zone));
    assert_int_equal(zone_offset_at(&zone, -1), -7200);
    assert_int_equal(zone_offset_at(&zone, 5000), 600);
    zone_fini(&zone);
}

static void test_no_zone_is_utc(void **state)
{
    (void)state;
    assert_int_equal(zone_offset_at(NULL, 123), 0);
    assert_true(zone_next_change(NULL, 123) == ZONE_NEVER);
    assert_int_equal(zone_instant_of(NULL, 123), 123);
}

static void test_damage_is_found(void **state)
{
    (void)state;
    static const int64_t unsorted[] = {5, 5};
    static const uint8_t wild[] = {0, 2};
    static const int32_t far_east[] = {93600, 0}, far_west[] = {0, -90000};
    struct zone zone;
    struct tzif cases[10];
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        cases[i] = good();
    cases[0].instants = unsorted;
    cases[1].types = wild;
    cases[2].offsets = far_east;
    cases[3].offsets = far_west;
    cases[4].type_count = 0;
    cases[5].leaps = 1;
    cases[6].footer = NULL;
    cases[7].footer = "\nXXX\n";
    cases[8].footer = "XXX-3\n";
    cases[9].footer = "\nXXX-3";
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        if (parses(&cases[i], &zone))
            fail_msg("case %zu was taken", i);
    struct tzif tzif = good();
    char footer[200];
    memset(footer, 'X', sizeof footer);
    footer[0] = footer[sizeof footer - 2] = '\n';
    footer[sizeof footer - 1] = '\0';
    tzif.footer = footer;
    assert_false(parses(&tzif, &zone));
}

/* Cut anywhere, and with any one byte of the head changed: refused or parsed, never a crash. */
static void test_cut_and_changed_files(void **state)
{
    (void)state;
    struct tzif tzif = good();
    struct buffer buffer;
    struct zone zone;
    struct error error = ERROR_NONE;
    make_tzif(&buffer, &tzif);
    for (size_t size = 0; size < buffer.size; size++)
        assert_false(zone_parse(buffer.data, size, &zone, &error));
    for (size_t i = 0; i < buffer.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            buffer.data[i] = (char)(buffer.data[i] ^ (1 << bit));
            if (zone_parse(buffer.data, buffer.size, &zone, &error)) {
                zone_instant_of(&zone, 0);
                zone_fini(&zone);
            }
            buffer.data[i] = (char)(buffer.data[i] ^ (1 << bit));
        }
    const char nul_in_footer[] = "\nXXX-3\0\n";
    buffer_truncate(&buffer, buffer.size - strlen(tzif.footer));
    buffer_append(&buffer, nul_in_footer, sizeof nul_in_footer - 1);
    assert_false(zone_parse(buffer.data, buffer.size, &zone, &error));
    buffer_fini(&buffer);
}

static void test_rules(void **state)
{
    (void)state;
    struct zone_rule rule;
    assert_true(zone_rule_parse("CET-1CEST,M3.5.0,M10.5.0/3", &rule));
    assert_int_equal(zone_rule_offset_at(&rule, at("2026-03-29T00:59:59Z")), 3600);
    assert_int_equal(zone_rule_offset_at(&rule, at("2026-03-29T01:00:00Z")), 7200);
    assert_int_equal(zone_rule_offset_at(&rule, at("2026-10-25T00:59:59Z")), 7200);
    assert_int_equal(zone_rule_offset_at(&rule, at("2026-10-25T01:00:00Z")), 3600);
    assert_true(zone_rule_next_change(&rule, at("2026-10-25T01:00:00Z")) ==
                at("2027-03-28T01:00:00Z"));
    /* Before 1970 too. */
    assert_int_equal(zone_rule_offset_at(&rule, at("1965-07-01T00:00:00Z")), 7200);
    assert_int_equal(zone_rule_offset_at(&rule, at("1965-01-01T00:00:00Z")), 3600);

    /* Days of the year: J60 is 1 March in every year, 59 (from zero) is 29 February in a leap year.
     * Offsets with minutes and seconds, a named summer offset, times before and beyond the day. */
    assert_true(zone_rule_parse("<+0530>-5:30:15<X>-6:00,J60/0,J300/25:30", &rule));
    assert_int_equal(rule.standard_offset, 19815);
    assert_int_equal(rule.summer_offset, 21600);
    assert_true(zone_rule_next_change(&rule, at("2028-02-01T00:00:00Z")) ==
                at("2028-03-01T00:00:00Z") - 19815);
    assert_true(zone_rule_next_change(&rule, at("2027-02-01T00:00:00Z")) ==
                at("2027-03-01T00:00:00Z") - 19815);
    assert_true(zone_rule_next_change(&rule, at("2027-06-01T00:00:00Z")) ==
                at("2027-10-28T01:30:00Z") - 21600);
    assert_true(zone_rule_parse("AAA+3BBB,59/-1,300", &rule));
    assert_true(zone_rule_next_change(&rule, at("2028-02-01T00:00:00Z")) ==
                at("2028-02-28T23:00:00Z") + 3 * HOUR);
    assert_true(zone_rule_next_change(&rule, at("2027-02-01T00:00:00Z")) ==
                at("2027-02-28T23:00:00Z") + 3 * HOUR);
    /* December, where the month after is in the next year. */
    assert_true(zone_rule_parse("AAA0BBB,M12.5.0,M12.1.0", &rule));
    assert_true(zone_rule_next_change(&rule, at("2026-12-10T00:00:00Z")) ==
                at("2026-12-27T02:00:00Z"));
    /* Summer all year: it ends in the instant in which the next begins. */
    assert_true(zone_rule_parse("EST5EDT,0/0,J365/25", &rule));
    for (int64_t t = at("2026-12-31T00:00:00Z"); t < at("2027-01-02T00:00:00Z"); t += 600)
        assert_int_equal(zone_rule_offset_at(&rule, t), -4 * HOUR);
    /* Changes as far out of their year as the format allows. */
    assert_true(zone_rule_parse("AAA0BBB,J1/-167,J365/167", &rule));
    for (int64_t t = at("2026-12-01T00:00:00Z"); t < at("2027-02-01T00:00:00Z"); t += 3600)
        assert_true(zone_rule_next_change(&rule, t) > t);
}

static void test_bad_rules(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "AB-1",
        "<+01-1",
        "CET",
        "CET-",
        "CET-25",
        "CET-1:",
        "CET-1:60",
        "CET-1:00:",
        "CET-1CEST",
        "CET-1C,M3.5.0,M10.5.0",
        "CET-1CEST,",
        "CET-1 ",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3-5.0,M10.5.0",
        "CET-1CEST,M3.5-0,M10.5.0",
        "CET-1CEST,J0,J10",
        "CET-1CEST,J366,J10",
        "CET-1CEST,366,10",
        "CET-1CEST,x,10",
        "CET-1CEST,1/,10",
        "CET-1CEST,1/168,10",
        "CET-1CEST,1,10x",
        "CET-1CEST-99,1,10",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct zone_rule rule;
        if (zone_rule_parse(cases[i], &rule))
            fail_msg("'%s' was taken", cases[i]);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_true(zone_name_is_clean("UTC"));
    assert_true(zone_name_is_clean("America/Argentina/ComodRivadavia"));
    assert_true(zone_name_is_clean("Etc/GMT+12"));
    static const char *const bad[] = {
        "",    "/UTC", "a//b",
        "a/",  "../x", "a/../b",
        "a b", "a.b",  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        assert_false(zone_name_is_clean(bad[i]));
}

static const char *const real_zones[] = {
    "Europe/Berlin",       "Europe/Dublin",
    "America/New_York",    "America/St_Johns",
    "Australia/Lord_Howe", "Asia/Kathmandu",
    "Africa/Casablanca",   "America/Nuuk",
    "Pacific/Apia",        "America/Sao_Paulo",
    "Asia/Tehran",         "Antarctica/Troll",
    "Pacific/Chatham",     "UTC",
};

static void use_zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

static void test_offsets_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(real_zones); i++) {
        struct zone zone;
        zone_load(real_zones[i], &zone);
        use_zone(real_zones[i]);
        for (int64_t t = at("1950-01-01T00:00:00Z"); t < at("2110-01-01T00:00:00Z");
             t += 11 * HOUR) {
            struct tm local;
            time_t now = t;
            localtime_r(&now, &local);
            if (zone_offset_at(&zone, t) != local.tm_gmtoff)
                fail_msg("%s at %lld", real_zones[i], (long long)t);
        }
        zone_fini(&zone);
    }
    use_zone("UTC");
}

/* Around every change of forty years, each local quarter of an hour: the instant is the first that
 * shows this local time or a later one. */
static void test_instants_of_local_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(real_zones); i++) {
        struct zone zone;
        zone_load(real_zones[i], &zone);
        int64_t end = at("2045-01-01T00:00:00Z");
        for (int64_t change = zone_next_change(&zone, at("2005-01-01T00:00:00Z")); change < end;
             change = zone_next_change(&zone, change)) {
            int64_t first = change - 30 * HOUR, instant = first;
            int64_t local = first + zone_offset_at(&zone, first);
            for (; local < change + 30 * HOUR; local += 900) {
                while (instant + zone_offset_at(&zone, instant) < local)
                    instant += 900;
                if (zone_instant_of(&zone, local) != instant)
                    fail_msg("%s local %lld", real_zones[i], (long long)local);
            }
        }
        zone_fini(&zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_block_and_footer),
        cmocka_unit_test(test_version_one_has_32_bits_and_no_footer),
        cmocka_unit_test(test_no_zone_is_utc),
        cmocka_unit_test(test_damage_is_found),
        cmocka_unit_test(test_cut_and_changed_files),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_bad_rules),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_offsets_are_those_of_the_c_library),
        cmocka_unit_test(test_instants_of_local_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
