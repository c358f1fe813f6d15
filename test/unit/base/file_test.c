/* file_test.c: whole files in a directory of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char directory[] = "/tmp/coeval-file-XXXXXX";
static char path[256];

static const char *in_directory(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a/b/c",       "a/b", "a",    "srv/data/coeval", "srv/data", "srv", "blocker.new/x",
        "blocker.new", "f",   "f.new"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (remove(in_directory(names[i])) != 0)
            continue; /* not every test makes every file; rmdir tells what was forgotten */
    return rmdir(directory);
}

static void check_content(const char *expected)
{
    struct buffer content;
    struct error error = ERROR_NONE;
    buffer_init(&content, 0);
    assert_true(file_read(in_directory("f"), 1 << 20, &content, &error));
    assert_string_equal(buffer_text(&content), expected);
    buffer_fini(&content);
}

static void test_write_and_read(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct stat status;
    assert_true(file_write_durable(in_directory("f"), "old", 3, 0600, &error));
    check_content("old");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(file_write_durable(in_directory("f"), "newer", 5, 0600, &error));
    check_content("newer");
    assert_true(file_write_durable(in_directory("f"), "", 0, 0600, &error));
    check_content("");
    assert_int_not_equal(access(in_directory("f.new"), F_OK), 0);
}

/* A crash may have left a temporary file, with other rights than the new content needs. */
static void test_a_left_temporary_file_is_replaced(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct stat status;
    FILE *left = fopen(in_directory("f.new"), "w");
    assert_non_null(left);
    fclose(left);
    assert_int_equal(chmod(path, 0666), 0);
    assert_true(file_write_durable(in_directory("f"), "secret", 6, 0600, &error));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    check_content("secret");
}

static void test_a_failed_write_keeps_the_old_file(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    assert_false(file_write_durable(in_directory("absent/f"), "x", 1, 0600, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "absent/f"));
    assert_int_equal(mkdir(in_directory("blocker.new"), 0700), 0);
    assert_int_equal(mkdir(in_directory("blocker.new/x"), 0700), 0);
    error = ERROR_NONE;
    assert_false(file_write_durable(in_directory("blocker"), "x", 1, 0600, &error));
    assert_int_not_equal(error.code, ERROR_OK);
    assert_int_not_equal(access(in_directory("blocker"), F_OK), 0);
}

static void test_reading_fails(void **state)
{
    (void)state;
    struct buffer content;
    struct error error = ERROR_NONE;
    buffer_init(&content, 0);
    assert_false(file_read(in_directory("absent"), 10, &content, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "absent"));
    assert_true(file_write_durable(in_directory("f"), "12345", 5, 0600, &error));
    assert_true(file_read(in_directory("f"), 5, &content, &error));
    assert_false(file_read(in_directory("f"), 4, &content, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    error = ERROR_NONE;
    assert_false(file_read(directory, 10, &content, &error));
    assert_int_equal(error.code, ERROR_IO);
    buffer_fini(&content);
    buffer_init(&content, 5); /* a small buffer takes a small file */
    assert_true(file_read(in_directory("f"), 100, &content, &error));
    buffer_fini(&content);
    buffer_init(&content, 4);
    assert_false(file_read(in_directory("f"), 100, &content, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    buffer_fini(&content);
}

static void test_directories(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct stat status;
    assert_true(file_make_directories(in_directory("a/b/c"), 0700, &error));
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_true(file_make_directories(in_directory("a/b/c"), 0700, &error));
    assert_true(file_make_directories(in_directory("a/b//c/"), 0700, &error));
    assert_true(file_write_durable(in_directory("f"), "x", 1, 0600, &error));
    assert_false(file_make_directories(in_directory("f"), 0700, &error));
    assert_int_equal(error.code, ERROR_EXISTS);
    assert_false(file_make_directories(in_directory("f/below"), 0700, &error));
    assert_non_null(strstr(error.text, "/f"));
}

static unsigned mode_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(in_directory(name), &status), 0);
    return status.st_mode & 07777;
}

/* /srv and /srv/data of a state in /srv/data/coeval are not ours to close. */
static void test_only_the_last_directory_is_private(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    mode_t before = umask(0027);
    assert_true(file_make_directories(in_directory("srv/data/coeval/"), 0700, &error));
    umask(before);
    assert_int_equal(mode_of("srv"), 0750);
    assert_int_equal(mode_of("srv/data"), 0750);
    assert_int_equal(mode_of("srv/data/coeval"), 0700);
    assert_true(file_make_directories(in_directory("srv/data"), 0700, &error));
    assert_int_equal(mode_of("srv/data"), 0750); /* was there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_a_left_temporary_file_is_replaced),
        cmocka_unit_test(test_a_failed_write_keeps_the_old_file),
        cmocka_unit_test(test_reading_fails),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_only_the_last_directory_is_private),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
