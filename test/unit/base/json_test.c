/* json_test.c: documents in and out, and getters that name the member they miss. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"

static json_t *parsed(const char *text)
{
    struct error error = ERROR_NONE;
    json_t *document = NULL;
    assert_true(json_parse(text, strlen(text), &document, &error));
    return document;
}

static void test_documents_that_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "[]",
                                      "1",
                                      "{",
                                      "{} x",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{'a':1}"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error error = ERROR_NONE;
        json_t *document = NULL;
        assert_false(json_parse(bad[i], strlen(bad[i]), &document, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_null(document);
    }
    struct error error = ERROR_NONE;
    json_t *document = NULL;
    assert_false(json_parse("{\n  x", 5, &document, &error));
    assert_non_null(strstr(error.text, "line 2"));
    assert_false(json_parse("{\"a\":1\0}", 8, &document, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_null(document);
    assert_false(json_parse("", JSON_DOCUMENT_BYTES_MAX + 1, &document, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
}

static void check_print(json_t *document, bool canonical, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    json_print(document, canonical, &buffer);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_fini(&buffer);
}

static void test_printing(void **state)
{
    (void)state;
    json_t *document = json_object();
    json_set_string(document, "z", "caf\xC3\xA9");
    json_set_string(document, "bytes", "caf\xE9");
    json_set_string(document, "none", NULL);
    json_set_integer(document, "n", INT64_MIN);
    json_set_boolean(document, "b", true);
    json_set_time(document, "t", INT64_C(1795266000000000));
    json_t *array = json_array();
    json_append_take(array, json_integer(1));
    json_append_take(array, json_false());
    json_set_take(document, "a", array);
    check_print(
        document, false,
        "{\"z\":\"caf\xC3\xA9\",\"bytes\":\"caf\\\\xe9\",\"none\":null,"
        "\"n\":-9223372036854775808,\"b\":true,\"t\":\"1795266000000000\",\"a\":[1,false]}");
    check_print(document, true,
                "{\"a\":[1,false],\"b\":true,\"bytes\":\"caf\\\\xe9\",\"n\":-9223372036854775808,"
                "\"none\":null,\"t\":\"1795266000000000\",\"z\":\"caf\xC3\xA9\"}");
    json_decref(document);
}

static void test_getters(void **state)
{
    (void)state;
    json_t *document =
        parsed("{\"s\":\"x\",\"i\":-5,\"b\":false,\"o\":{},\"a\":[1],\"t\":\"-12\",\"n\":null}");
    struct error error = ERROR_NONE;
    const char *text = NULL;
    int64_t integer = 0, time_us = 0;
    bool boolean = true;
    json_t *object = NULL, *array = NULL;
    assert_true(json_get_string(document, "s", &text, &error));
    assert_string_equal(text, "x");
    assert_true(json_get_integer(document, "i", &integer, &error));
    assert_int_equal(integer, -5);
    assert_true(json_get_boolean(document, "b", &boolean, &error));
    assert_false(boolean);
    assert_true(json_get_object(document, "o", &object, &error));
    assert_true(json_get_array(document, "a", &array, &error));
    assert_int_equal(json_array_size(array), 1);
    assert_true(json_get_time(document, "t", &time_us, &error));
    assert_int_equal(time_us, -12);
    assert_int_equal(error.code, ERROR_OK);
    json_decref(document);
}

static void check_refusal(bool result, struct error *error, const char *key)
{
    assert_false(result);
    assert_int_equal(error->code, ERROR_INVALID);
    assert_non_null(strstr(error->text, key));
    *error = ERROR_NONE;
}

static void test_getters_name_what_they_miss(void **state)
{
    (void)state;
    json_t *document = parsed("{\"s\":\"x\",\"n\":null,\"real\":1.5}");
    static const char *const keys[] = {"s", "n", "real", "absent"};
    struct error error = ERROR_NONE;
    const char *text = "kept";
    int64_t integer = 7;
    bool boolean = true;
    json_t *value = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        const char *key = keys[i];
        if (i > 0)
            check_refusal(json_get_string(document, key, &text, &error), &error, key);
        check_refusal(json_get_integer(document, key, &integer, &error), &error, key);
        check_refusal(json_get_boolean(document, key, &boolean, &error), &error, key);
        check_refusal(json_get_object(document, key, &value, &error), &error, key);
        check_refusal(json_get_array(document, key, &value, &error), &error, key);
        check_refusal(json_get_time(document, key, &integer, &error), &error, key);
    }
    assert_string_equal(text, "kept");
    assert_int_equal(integer, 7);
    assert_null(value);
    json_decref(document);
}

static void test_times_are_decimal_digits(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    " 1", "+1",  "1 ", "0x1",
                                      "1.5", "-",  "- 1", "x",  "9223372036854775808"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        json_t *document = json_object();
        struct error error = ERROR_NONE;
        int64_t time_us = 3;
        json_set_string(document, "t", bad[i]);
        check_refusal(json_get_time(document, "t", &time_us, &error), &error, "'t'");
        assert_int_equal(json_time_or(document, "t", 8), 8);
        assert_int_equal(time_us, 3);
        json_decref(document);
    }
}

static void test_defaults(void **state)
{
    (void)state;
    json_t *document = parsed("{\"s\":\"x\",\"i\":5,\"b\":true,\"t\":\"9\",\"n\":null}");
    assert_string_equal(json_string_or(document, "s", "d"), "x");
    assert_string_equal(json_string_or(document, "n", "d"), "d");
    assert_string_equal(json_string_or(document, "i", "d"), "d");
    assert_null(json_string_or(document, "absent", NULL));
    assert_int_equal(json_integer_or(document, "i", 1), 5);
    assert_int_equal(json_integer_or(document, "s", 1), 1);
    assert_true(json_boolean_or(document, "b", false));
    assert_true(json_boolean_or(document, "i", true));
    assert_false(json_boolean_or(document, "absent", false));
    assert_int_equal(json_time_or(document, "t", 1), 9);
    assert_int_equal(json_time_or(document, "i", 1), 1);
    assert_int_equal(json_time_or(document, "absent", 1), 1);
    json_decref(document);
}

static void test_errors_travel(void **state)
{
    (void)state;
    struct error sent = ERROR_NONE, received = ERROR_NONE;
    error_set(&sent, ERROR_FENCED, "generation %d is over", 4);
    json_t *object = json_from_error(&sent);
    json_to_error(object, &received);
    assert_int_equal(received.code, ERROR_FENCED);
    assert_string_equal(received.text, "generation 4 is over");
    json_decref(object);
    static const char *const odd[] = {"{}", "{\"code\":\"OK\"}", "{\"code\":\"LATER\"}",
                                      "{\"code\":7,\"message\":null}"};
    for (size_t i = 0; i < ARRAY_LENGTH(odd); i++) {
        object = parsed(odd[i]);
        json_to_error(object, &received);
        assert_int_equal(received.code, ERROR_PROTOCOL);
        assert_string_equal(received.text, "(no message)");
        json_decref(object);
    }
}

static size_t taken_bytes;

static void *counting_malloc(size_t size)
{
    void *memory = malloc(size);
    taken_bytes += malloc_usable_size(memory) + sizeof(size_t);
    return memory;
}

static void counting_free(void *memory)
{
    taken_bytes -= memory == NULL ? 0 : malloc_usable_size(memory) + sizeof(size_t);
    free(memory);
}

/* What a peer may make of a megabyte: never more than is reckoned, and not much less. */
static void test_memory_of_what_is_parsed(void **state)
{
    static const char *const pieces[] = {
        "{}",
        "[]",
        "1",
        "\"\"",
        "\"\\\"a\"",
        "{\"a\":{}}",
        "[[[1,2]]]",
        "{\"a\":1,\"b\":2}",
        "{\"id\": \"hdfs:/apps/bills\", \"instance\": \"hdfs\", \"source_path\": \"/apps/bills\"}",
        "1.5",
        "null",
        "[\"\",1,\"\",2]",
        "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}"};
    json_malloc_t old_malloc;
    json_free_t old_free;
    (void)state;
    json_get_alloc_funcs(&old_malloc, &old_free);
    json_set_alloc_funcs(counting_malloc, counting_free);
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        struct buffer text;
        buffer_init(&text, 0);
        buffer_append_text(&text, "{\"all\":[");
        while (text.size < 100000)
            buffer_append_format(&text, "%s%s", text.size > 8 ? "," : "", pieces[i]);
        buffer_append_text(&text, "]}");
        taken_bytes = 0;
        json_t *document = parsed(buffer_text(&text));
        size_t taken = taken_bytes, reckoned = json_memory(text.data, text.size);
        json_decref(document);
        if (taken > reckoned || reckoned > 5 * taken + text.size)
            fail_msg("%s: %zu bytes, reckoned %zu", pieces[i], taken, reckoned);
        buffer_fini(&text);
    }
    json_set_alloc_funcs(old_malloc, old_free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_of_what_is_parsed),
        cmocka_unit_test(test_documents_that_are_refused),
        cmocka_unit_test(test_printing),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_getters_name_what_they_miss),
        cmocka_unit_test(test_times_are_decimal_digits),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_errors_travel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
