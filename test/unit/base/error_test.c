/* error_test.c: codes, errno, context, and texts that are cut rather than overrun. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/error.h"

static void test_set_and_wrap(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    assert_int_equal(error.code, ERROR_OK);
    assert_false(error_set(&error, ERROR_CONFLICT, "epoch %d is open", 7));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_string_equal(error.text, "epoch 7 is open");
    assert_false(error_wrap(&error, "seal %s", "bills"));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_string_equal(error.text, "seal bills: epoch 7 is open");
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    error_set(&error, ERROR_IO, "%1000d", 1);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    error_wrap(&error, "context");
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_memory_equal(error.text, "context:  ", 10);
    error_wrap(&error, "%1000d", 2);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    error_set_errno(&error, ENOENT, "%1000d", 3);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void test_errno(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum error_code code;
    } rows[] = {
        {ENOENT, ERROR_NOT_FOUND},
        {ENOTDIR, ERROR_NOT_FOUND},
        {EEXIST, ERROR_EXISTS},
        {ENOTEMPTY, ERROR_EXISTS},
        {EACCES, ERROR_DENIED},
        {EPERM, ERROR_DENIED},
        {EROFS, ERROR_DENIED},
        {ENOSPC, ERROR_NO_SPACE},
        {EDQUOT, ERROR_NO_SPACE},
        {EINVAL, ERROR_INVALID},
        {ENAMETOOLONG, ERROR_INVALID},
        {ETIMEDOUT, ERROR_TIMEOUT},
        {ECONNREFUSED, ERROR_UNAVAILABLE},
        {ECONNRESET, ERROR_UNAVAILABLE},
        {EPIPE, ERROR_UNAVAILABLE},
        {EAGAIN, ERROR_UNAVAILABLE},
        {EHOSTUNREACH, ERROR_UNAVAILABLE},
        {ENETUNREACH, ERROR_UNAVAILABLE},
        {EIO, ERROR_IO},
        {EXDEV, ERROR_IO},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error error = ERROR_NONE;
        assert_false(error_set_errno(&error, rows[i].number, "open %s", "/x"));
        assert_int_equal(error.code, rows[i].code);
        assert_memory_equal(error.text, "open /x: ", 9);
        assert_string_equal(error.text + 9, strerror(rows[i].number));
    }
}

static void test_the_table(void **state)
{
    (void)state;
    for (int i = ERROR_OK; i <= ERROR_PROTOCOL; i++) {
        enum error_code code = (enum error_code)i, found = ERROR_OK;
        assert_true(error_code_from_name(error_name(code), &found));
        assert_int_equal(found, code);
        assert_true(strlen(error_code_text(code)) > 0);
        assert_true(error_http_status(code) >= 200);
    }
    enum error_code untouched = ERROR_LIMIT;
    assert_false(error_code_from_name("not_found", &untouched));
    assert_int_equal(untouched, ERROR_LIMIT);
    assert_true(error_is_retriable(ERROR_UNAVAILABLE));
    assert_true(error_is_retriable(ERROR_UNCERTAIN));
    assert_false(error_is_retriable(ERROR_FENCED));
    assert_int_equal(error_http_status(ERROR_OK), 200);
    assert_int_equal(error_http_status(ERROR_CONFLICT), 409);
    assert_string_equal(error_code_text(ERROR_NO_SPACE), "no space or quota left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_wrap),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
