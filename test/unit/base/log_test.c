/* log_test.c: the form of lines, levels, and a reader that does not read. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "child.h"

static char output[1 << 16];

static void write_lines(void)
{
    log_debug(LOG_LOOP, "loop.edge", "hidden=%d", 1);
    log_info(LOG_JOURNAL, "journal.commit", "epoch=%d records=%d", 41, 3);
    log_set_level(LOG_LEVEL_ERROR);
    log_warning(LOG_AGENT, "agent.slow", "hidden=%d", 2);
    log_error(LOG_AGENT, "agent.stuck", "text=\"%s\"", "two\nlines\r\x01\x7f");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug(LOG_LOOP, "loop.edge", "%s", "shown=1");
    log_notice(LOG_CONTROL, "control.long", "%2000d", 1);
}

static void test_lines(void **state)
{
    (void)state;
    assert_int_equal(child_run(write_lines, output, sizeof output), 0);
    char *lines[5] = {0};
    int count = 0;
    for (char *line = strtok(output, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(count < 5);
        lines[count++] = line;
    }
    assert_int_equal(count, 4);
    static const char *const expected[] = {
        "info journal journal.commit epoch=41 records=3",
        "error agent agent.stuck text=\"two lines   \"",
        "debug loop loop.edge shown=1",
    };
    for (int i = 0; i < 4; i++) {
        char *space = strchr(lines[i], ' ');
        int64_t time_us;
        struct error error;
        assert_non_null(space);
        *space = '\0';
        assert_true(timestamp_parse(lines[i], &time_us, &error));
        if (i < 3)
            assert_string_equal(space + 1, expected[i]);
    }
    assert_true(strlen(lines[3] + 32) < 1200); /* cut */
}

static void write_json_lines(void)
{
    log_set_json(true);
    log_info(LOG_HTTP, "http.request", "path=\"%s\" bytes=%d", "/a\\b", 7);
    log_info(LOG_HTTP, "http.request", "path=%s", "caf\xE9");
}

static void test_json_lines(void **state)
{
    (void)state;
    assert_int_equal(child_run(write_json_lines, output, sizeof output), 0);
    char *second = strchr(output, '\n') + 1;
    second[-1] = '\0';
    static const char *const fields[] = {"path=\"/a\\b\" bytes=7", "path=caf\\xe9"};
    char *lines[] = {output, second};
    for (int i = 0; i < 2; i++) {
        json_t *line = json_loads(lines[i], 0, NULL);
        assert_non_null(line);
        assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
        assert_string_equal(json_string_value(json_object_get(line, "group")), "http");
        assert_string_equal(json_string_value(json_object_get(line, "event")), "http.request");
        assert_string_equal(json_string_value(json_object_get(line, "fields")), fields[i]);
        json_decref(line);
    }
}

/* Fills a pipe that nobody reads; every line of it must return, and be counted as dropped. */
static void write_to_a_full_pipe(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    dup2(ends[1], STDERR_FILENO);
    for (int i = 0; i < 100; i++)
        log_error(LOG_BASE, "base.noise", "%500d", i);
    _exit(log_dropped() >= 80 && log_dropped() < 100 ? 0 : 2);
}

static void write_to_nothing(void)
{
    close(STDERR_FILENO);
    log_error(LOG_BASE, "base.noise", "lost=%d", 1);
    _exit(log_dropped() == 1 ? 0 : 2);
}

static void test_a_reader_that_does_not_read_costs_lines(void **state)
{
    (void)state;
    assert_int_equal(child_run(write_to_a_full_pipe, output, sizeof output), 0);
    assert_int_equal(child_run(write_to_nothing, output, sizeof output), 0);
}

static void test_level_names(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_ERROR;
    assert_true(log_level_from_name("debug", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_true(log_level_from_name("Notice", &level));
    assert_int_equal(level, LOG_LEVEL_NOTICE);
    assert_false(log_level_from_name("loud", &level));
    assert_int_equal(level, LOG_LEVEL_NOTICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_json_lines),
        cmocka_unit_test(test_a_reader_that_does_not_read_costs_lines),
        cmocka_unit_test(test_level_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
