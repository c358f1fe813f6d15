/* journal_test.c: names of types and what an append must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "journal/journal.h"

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(journal_type_name(JOURNAL_EPOCH), "epoch");
    assert_string_equal(journal_type_name(17), "type-17");
    assert_string_equal(journal_type_name(4000000000u), "type-4000000000");
    assert_string_equal(journal_type_name(0), "type-0");
    for (unsigned type = 1; type <= JOURNAL_TYPE_MAX; type++)
        assert_int_equal(journal_type_from_name(journal_type_name(type)), type);
    assert_int_equal(journal_type_from_name("epochs"), 0);
    assert_int_equal(journal_type_from_name("type-64"), 0);
    assert_int_equal(journal_type_from_name(""), 0);
    assert_true(journal_type_is_known(JOURNAL_TRIM));
    assert_false(journal_type_is_known(JOURNAL_TRIM + 1));
    assert_false(journal_type_is_known(0));
}

static char *text_of(size_t size)
{
    char *text = memory_new(size + 1);
    memset(text, 'x', size);
    return text;
}

static enum error_code check_code(const struct journal_append *append)
{
    struct error error = ERROR_NONE;
    size_t bytes = 0;
    bool passed = journal_append_check(append, 1, &bytes, &error);
    assert_int_equal(passed, error.code == ERROR_OK);
    return error.code;
}

static void test_append_check(void **state)
{
    (void)state;
    char *longest = text_of(JOURNAL_KEY_BYTES_MAX), *longer = text_of(JOURNAL_KEY_BYTES_MAX + 1);
    struct journal_append append = {.type = JOURNAL_EPOCH, .key = longest, .payload = "{}"};
    assert_int_equal(check_code(&append), ERROR_OK);
    append.key = longer;
    assert_int_equal(check_code(&append), ERROR_INVALID);
    append.key = "";
    assert_int_equal(check_code(&append), ERROR_INVALID);
    append.key = NULL;
    assert_int_equal(check_code(&append), ERROR_OK);
    append.payload = NULL;
    assert_int_equal(check_code(&append), ERROR_INVALID);
    append.key = "a";
    assert_int_equal(check_code(&append), ERROR_OK);
    free(longest);
    free(longer);
}

static void test_append_sizes(void **state)
{
    (void)state;
    char *largest = text_of(JOURNAL_PAYLOAD_BYTES_MAX);
    char *larger = text_of(JOURNAL_PAYLOAD_BYTES_MAX + 1);
    struct journal_append two[] = {{.type = JOURNAL_EPOCH, .payload = "{}"},
                                   {.type = JOURNAL_EPOCH, .payload = larger}};
    struct error error = ERROR_NONE;
    size_t bytes = 7;
    assert_false(journal_append_check(two, 2, &bytes, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_int_equal(bytes, 7);
    two[1].payload = largest;
    two[1].key = "k";
    assert_true(journal_append_check(two, 2, &bytes, &error));
    assert_int_equal(bytes, 3 + JOURNAL_PAYLOAD_BYTES_MAX + 1 + 2);
    error = ERROR_NONE;
    assert_false(journal_append_check(two, JOURNAL_QUEUE_RECORDS_MAX + 1, &bytes, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    free(largest);
    free(larger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_append_check),
        cmocka_unit_test(test_append_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
