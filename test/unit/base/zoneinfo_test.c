/* zoneinfo_test.c: which files are read, and which names are not let near the file system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/file.h"
#include "base/zoneinfo.h"

static void test_system_zone(void **state)
{
    (void)state;
    struct buffer content;
    struct error error = ERROR_NONE;
    unsetenv("TZDIR");
    buffer_init(&content, 0);
    assert_true(zoneinfo_read("Europe/Berlin", &content, &error));
    assert_memory_equal(content.data, "TZif", 4);
    assert_false(zoneinfo_read("Europe/Berlyn", &content, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.text, "no time zone 'Europe/Berlyn' in /usr/share/zoneinfo: correct "
                                    "the name or install package tzdata");
    assert_false(zoneinfo_read("Europe", &content, &error)); /* a directory */
    assert_int_not_equal(error.code, ERROR_OK);
    buffer_fini(&content);
}

static void test_names_that_leave_the_directory(void **state)
{
    (void)state;
    char over_long[300];
    memset(over_long, 'a', sizeof over_long - 1);
    over_long[sizeof over_long - 1] = '\0';
    const char *const names[] = {"", "/etc/passwd", "../../etc/passwd", "Europe/..", over_long};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct buffer content;
        struct error error = ERROR_NONE;
        buffer_init(&content, 0);
        assert_false(zoneinfo_read(names[i], &content, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        buffer_fini(&content);
    }
}

static void test_other_directory(void **state)
{
    (void)state;
    char directory[] = "/tmp/zoneinfo_test-XXXXXX", path[64];
    struct buffer content;
    struct error error = ERROR_NONE;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/Own", directory);
    assert_true(file_write_durable(path, "bytes", 5, 0600, &error));
    setenv("TZDIR", directory, 1);
    buffer_init(&content, 0);
    assert_true(zoneinfo_read("Own", &content, &error));
    assert_string_equal(buffer_text(&content), "bytes");
    buffer_fini(&content);
    unsetenv("TZDIR");
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system_zone),
        cmocka_unit_test(test_names_that_leave_the_directory),
        cmocka_unit_test(test_other_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
