/* document_test.c: nodes without positions (a body from the API): complaints name the member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/document.h"

static void open_document(struct document *document, const char *name, const char *json)
{
    json_t *root = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(root);
    document_init(document, name, root);
}

static void test_typed_reading(void **state)
{
    (void)state;
    struct document document;
    struct error error = ERROR_NONE;
    open_document(&document, NULL, "{\"s\":\"x\",\"i\":7,\"b\":true,\"l\":[1,2],\"c\":\"two\"}");
    struct node root = node_root(&document), member;
    static const char *const keys[] = {"s", "i", "b", "l", "c"}, *const names[] = {"one", "two"};
    const char *text;
    int64_t number;
    bool flag;
    size_t count, index;
    assert_true(node_check_keys(&root, keys, ARRAY_LENGTH(keys), &error));
    assert_true(node_require(&root, "s", &member, &error));
    assert_true(node_string(&member, &text, &error));
    assert_string_equal(text, "x");
    member = node_member(&root, "i");
    assert_true(node_integer(&member, 7, 7, &number, &error));
    assert_int_equal(number, 7);
    member = node_member(&root, "b");
    assert_true(node_boolean(&member, &flag, &error));
    assert_true(flag);
    member = node_member(&root, "l");
    assert_true(node_array(&member, &count, &error));
    assert_int_equal(count, 2);
    struct node element = node_element(&member, 1);
    assert_int_equal(json_integer_value(element.value), 2);
    member = node_member(&root, "c");
    assert_true(node_choice(&member, names, ARRAY_LENGTH(names), &index, &error));
    assert_int_equal(index, 1);
    assert_null(node_member(&root, "none").value);
    document_fini(&document);
}

/* Every type that JSON has, against every getter that does not take it. */
static void test_wrong_types_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *name;
    } cases[] = {
        {"{\"v\":{}}", "a mapping"},
        {"{\"v\":[]}", "a list"},
        {"{\"v\":\"\"}", "text"},
        {"{\"v\":1}", "an integer"},
        {"{\"v\":1.5}", "a number with a fraction"},
        {"{\"v\":true}", "true or false"},
        {"{\"v\":false}", "true or false"},
        {"{\"v\":null}", "empty"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct document document;
        open_document(&document, NULL, cases[i].json);
        struct node root = node_root(&document), value = node_member(&root, "v");
        static const char *const keys[] = {"k"};
        const char *text = NULL;
        int64_t number = -1;
        bool flag = true;
        size_t count = 99;
        int accepted = 0;
        for (int getter = 0; getter < 6; getter++) {
            struct error error = ERROR_NONE;
            bool taken = getter == 0   ? node_string(&value, &text, &error)
                         : getter == 1 ? node_integer(&value, INT64_MIN, INT64_MAX, &number, &error)
                         : getter == 2 ? node_boolean(&value, &flag, &error)
                         : getter == 3 ? node_array(&value, &count, &error)
                         : getter == 4 ? node_choice(&value, keys, 1, &count, &error)
                                       : node_check_keys(&value, keys, 1, &error);
            accepted += taken;
            if (!taken && getter != 4) {
                assert_int_equal(error.code, ERROR_INVALID);
                assert_memory_equal(error.text, "v: 'v' must be ", 15);
                assert_non_null(strstr(error.text, cases[i].name));
            }
        }
        assert_int_equal(accepted, strcmp(cases[i].name, "empty") != 0 &&
                                       strstr(cases[i].name, "fraction") == NULL);
        document_fini(&document);
    }
}

static void assert_complaint(const struct error *error, const char *text)
{
    assert_int_equal(error->code, ERROR_INVALID);
    assert_string_equal(error->text, text);
}

static void test_complaints_without_positions_name_the_way(void **state)
{
    (void)state;
    struct document document;
    struct error error = ERROR_NONE;
    open_document(&document, NULL, "{\"x\":{\"y\":[0,[],{\"z\":300}]},\"other\":[\"w\"]}");
    struct node root = node_root(&document), x = node_member(&root, "x"), y = node_member(&x, "y");
    struct node object = node_element(&y, 2), z = node_member(&object, "z"), member;
    static const char *const keys[] = {"last", "age"}, *const choices[] = {"a", "b"};
    int64_t number;
    size_t index;
    assert_false(node_integer(&z, 0, 10, &number, &error));
    assert_complaint(&error, "x.y[2].z: 300 is not between 0 and 10");
    assert_false(node_require(&object, "age", &member, &error));
    assert_complaint(&error, "x.y[2]: 'age' is missing");
    assert_false(node_check_keys(&object, keys, ARRAY_LENGTH(keys), &error));
    assert_complaint(&error, "x.y[2].z: unknown key 'z'; allowed: last age");
    struct node other = node_member(&root, "other"), element = node_element(&other, 0);
    assert_false(node_choice(&element, choices, ARRAY_LENGTH(choices), &index, &error));
    assert_complaint(&error, "other[0]: 'w' is not one of a|b");
    assert_false(node_boolean(&element, &(bool){false}, &error));
    assert_complaint(&error, "other[0]: must be true or false, not text");
    node_refuse(&root, &error, "as a whole");
    assert_complaint(&error, "as a whole");
    document_fini(&document);
    document_fini(&document); /* twice does no harm */
}

static void test_name_without_positions(void **state)
{
    (void)state;
    struct document document;
    struct error error = ERROR_NONE;
    open_document(&document, "body", "{\"s\":\"a\\u0000b\"}");
    struct node root = node_root(&document), s = node_member(&root, "s");
    const char *text;
    assert_false(node_string(&s, &text, &error));
    assert_complaint(&error, "body: s: text with a NUL in it");
    document_fini(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_reading),
        cmocka_unit_test(test_wrong_types_are_named),
        cmocka_unit_test(test_complaints_without_positions_name_the_way),
        cmocka_unit_test(test_name_without_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
