/* metrics_test.c: the text format, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/metrics.h"

static void print(const char *status, struct buffer *text)
{
    json_t *document = json_loads(status, 0, NULL);
    assert_non_null(document);
    buffer_init(text, 0);
    metrics_print(document, 3, text);
    json_decref(document);
}

static bool has_line(const struct buffer *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = buffer_text(text); *at != '\0'; at++) {
        size_t size = strcspn(at, "\n");
        if (size == length && memcmp(at, line, length) == 0)
            return true;
        at += size;
    }
    return false;
}

#define STATUS                                                                                   \
    "{\"clock_error_us\":1500,\"clock_synchronised\":true,\"last_event\":7,"                     \
    "\"clusters\":[{\"name\":\"east\",\"agent_reachable\":true},"                                \
    "{\"name\":\"west\",\"agent_reachable\":false}],"                                            \
    "\"services\":[{\"name\":\"bills\",\"state\":\"running\",\"age_seconds\":90,"                \
    "\"base_pinned_bytes\":5000,"                                                                \
    "\"next\":\"1970-01-01T00:02:00Z\",\"passed\":{\"missed\":2},"                               \
    "\"last_sealed\":{\"number\":4,\"t\":\"1970-01-01T00:01:00.250000Z\",\"skew_us\":1200,"      \
    "\"seconds\":1.5,\"files\":3,\"bytes\":4096,\"entries_removed\":1},"                         \
    "\"running\":{\"progress\":{\"bytes_done\":10,\"bytes_total\":20,\"bytes_per_second\":5}}}," \
    "{\"name\":\"new\",\"state\":\"idle\",\"last_sealed\":null,\"age_seconds\":null,"            \
    "\"next\":null,\"passed\":{}}]}"

static void test_samples(void **state)
{
    static const char *const lines[] = {
        "coeval_last_sealed_timestamp_seconds{service=\"bills\"} 60.250000",
        "coeval_last_sealed_age_seconds{service=\"bills\"} 90",
        "coeval_last_sealed_epoch{service=\"bills\"} 4",
        "coeval_last_epoch_duration_seconds{service=\"bills\"} 1.500000",
        "coeval_last_epoch_skew_seconds{service=\"bills\"} 0.001200",
        "coeval_last_epoch_bytes{service=\"bills\"} 4096",
        "coeval_last_epoch_files{service=\"bills\"} 3",
        "coeval_last_epoch_entries_removed{service=\"bills\"} 1",
        "coeval_base_pinned_bytes{service=\"bills\"} 5000",
        "coeval_next_epoch_timestamp_seconds{service=\"bills\"} 120",
        "coeval_service_state{service=\"bills\",state=\"running\"} 1",
        "coeval_service_state{service=\"bills\",state=\"idle\"} 0",
        "coeval_service_state{service=\"new\",state=\"idle\"} 1",
        "coeval_moments_passed_over_total{service=\"bills\",reason=\"missed\"} 2",
        "coeval_moments_passed_over_total{service=\"new\",reason=\"missed\"} 0",
        "coeval_running_epoch_done_bytes{service=\"bills\"} 10",
        "coeval_running_epoch_total_bytes{service=\"bills\"} 20",
        "coeval_running_epoch_bytes_per_second{service=\"bills\"} 5",
        "coeval_agent_reachable{cluster=\"east\"} 1",
        "coeval_agent_reachable{cluster=\"west\"} 0",
        "coeval_clock_error_seconds 0.001500",
        "coeval_clock_synchronised 1",
        "coeval_events_total 7",
        "coeval_operations_running 3",
        "# TYPE coeval_moments_passed_over_total counter",
    };
    struct buffer text;
    (void)state;
    print(STATUS, &text);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!has_line(&text, lines[i]))
            fail_msg("missing: %s", lines[i]);
    buffer_fini(&text);
}

/* A service that was never sealed has no sample: a zero would be read as 1970. */
static void test_what_is_unknown_is_left_out(void **state)
{
    struct buffer text;
    (void)state;
    print(STATUS, &text);
    assert_null(strstr(buffer_text(&text), "timestamp_seconds{service=\"new\""));
    assert_null(strstr(buffer_text(&text), "age_seconds{service=\"new\""));
    buffer_fini(&text);
}

static void test_every_metric_has_help_and_type_once(void **state)
{
    struct buffer text;
    (void)state;
    print("{}", &text);
#define X(id, name, type, help)                                                       \
    {                                                                                 \
        const char *first = strstr(buffer_text(&text), "# TYPE " name " " type "\n"); \
        assert_non_null(first);                                                       \
        assert_null(strstr(first + 1, "# TYPE " name " "));                           \
        assert_true(has_line(&text, "# HELP " name " " help));                        \
    }
    METRICS(X)
#undef X
    buffer_fini(&text);
}

static void test_labels_are_escaped(void **state)
{
    struct buffer text;
    (void)state;
    print("{\"clusters\":[{\"name\":\"a\\\"b\\\\c\\nd\",\"agent_reachable\":true}]}", &text);
    assert_true(has_line(&text, "coeval_agent_reachable{cluster=\"a\\\"b\\\\c\\nd\"} 1"));
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_what_is_unknown_is_left_out),
        cmocka_unit_test(test_every_metric_has_help_and_type_once),
        cmocka_unit_test(test_labels_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
