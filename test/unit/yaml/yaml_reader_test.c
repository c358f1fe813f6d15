/* yaml_reader_test.c: what is read, what is refused, and that every refusal says where. */
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
#include "base/json.h"
#include "yaml/yaml_reader.h"

static void assert_reads(const char *text, const char *json)
{
    struct document document;
    struct error error = ERROR_NONE;
    struct buffer printed;
    if (!yaml_parse("f.yaml", text, strlen(text), &document, &error))
        fail_msg("%s", error.text);
    buffer_init(&printed, 0);
    json_print(document.root, false, &printed);
    assert_string_equal(buffer_text(&printed), json);
    buffer_fini(&printed);
    document_fini(&document);
}

static void assert_refuses(const char *text, size_t size, const char *complaint)
{
    struct document document = {.name = NULL};
    struct error error = ERROR_NONE;
    assert_false(yaml_parse("f.yaml", text, size, &document, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_string_equal(error.text, complaint);
    assert_null(document.root);
}

static void test_scalars_are_typed_conservatively(void **state)
{
    (void)state;
    assert_reads("a: true\nb: false\nc: null\nd: ~\ne:\nf: ''\n",
                 "{\"a\":true,\"b\":false,\"c\":null,\"d\":null,\"e\":null,\"f\":\"\"}");
    assert_reads("[0, 7, -12, 9223372036854775807, -9223372036854775808]",
                 "[0,7,-12,9223372036854775807,-9223372036854775808]");
    assert_reads("[007, 0x10, 1.5, 1e3, +1, -, yes, no, on, True, NULL, 12:30]",
                 "[\"007\",\"0x10\",\"1.5\",\"1e3\",\"+1\",\"-\",\"yes\",\"no\",\"on\",\"True\","
                 "\"NULL\",\"12:30\"]");
    assert_reads("['7', \"true\", 'null']", "[\"7\",\"true\",\"null\"]");
    assert_reads("- |-\n  7\n- >-\n  two\n  words\n", "[\"7\",\"two words\"]");
    assert_reads("just text", "\"just text\"");
    assert_reads("2026-11-21T13:00:00Z", "\"2026-11-21T13:00:00Z\"");
}

static void test_structure(void **state)
{
    (void)state;
    assert_reads("---\na: {b: [1, {c: d}], 2: x}\ne:\n- f\n- g: h\n...\n",
                 "{\"a\":{\"b\":[1,{\"c\":\"d\"}],\"2\":\"x\"},\"e\":[\"f\",{\"g\":\"h\"}]}");
    assert_reads("# only a comment above\n[]", "[]");
    assert_reads("'<<': quoted is a name like any other",
                 "{\"<<\":\"quoted is a name like any other\"}");
}

static void test_json_is_read_as_it_is(void **state)
{
    (void)state;
    assert_reads("{\"a\":1,\"b\":[true,null,\"x\\/\\n\\u00e9\"],\"c\":{\"d\":\"7\"}}",
                 "{\"a\":1,\"b\":[true,null,\"x/\\n\xc3\xa9\"],\"c\":{\"d\":\"7\"}}");
    assert_reads("{\n\t\"a\": 1,\n\t\"b\": [\n\t]\n}", "{\"a\":1,\"b\":[]}");
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *complaint;
    } cases[] = {
        {"a: &x 1\n", "f.yaml:1:4: anchors are not supported: write it out"},
        {"a: 1\nb: *x\n", "f.yaml:2:4: aliases are not supported: write it out"},
        {"a: !!str 1\n", "f.yaml:1:4: tags are not supported"},
        {"a: ! 1\n", "f.yaml:1:4: tags are not supported"},
        {"a: &x [1]\n", "f.yaml:1:4: anchors are not supported: write it out"},
        {"a: !x {}\n", "f.yaml:1:4: tags are not supported"},
        {"!x a: 1\n", "f.yaml:1:1: tags are not supported"},
        {"a:\n  <<: {b: 1}\n", "f.yaml:2:3: merge keys are not supported: write it out"},
        {"a: 1\nb: 2\n'a': 3\n", "f.yaml:3:1: duplicate key 'a'"},
        {"{a: {b: 1, \"b\": 2}}", "f.yaml:1:12: duplicate key 'b'"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document: one file holds one"},
        {"%YAML 1.1\n---\na: 1\n", "f.yaml:1:1: directives are not supported"},
        {"%TAG ! tag:x,2000:\n---\na: 1\n", "f.yaml:1:1: directives are not supported"},
        {"", "f.yaml:1:1: the document is empty"},
        {"# nothing\n", "f.yaml:2:1: the document is empty"},
        {"? [a]\n: 1\n", "f.yaml:1:3: a key must be a scalar"},
        {"? {a: b}\n: 1\n", "f.yaml:1:3: a key must be a scalar"},
        {"a: 9223372036854775808\n", "f.yaml:1:4: integer beyond 64 bits; quote it if it is text"},
        {"a: -9223372036854775809\n", "f.yaml:1:4: integer beyond 64 bits; quote it if it is text"},
        {"a: \"x\\0y\"\n", "f.yaml:1:4: text with a NUL in it"},
        {"\"a\\0\": 1\n", "f.yaml:1:1: key with a NUL in it"},
        {"a: [1\nb: 2\n", "f.yaml:2:2: did not find expected ',' or ']'"},
        {"\tb: 2\n", "f.yaml:1:1: found character that cannot start any token"},
        {"a: \"\\ud83d\\ude00\"", "f.yaml:1:7: found invalid Unicode character escape code"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_refuses(cases[i].text, strlen(cases[i].text), cases[i].complaint);
    assert_refuses("a: \xff\n", 5, "f.yaml:1:1: invalid leading UTF-8 octet");
    assert_refuses("a: x\0y\n", 7, "f.yaml:1:1: control characters are not allowed");
}

static void test_depth_and_size_have_limits(void **state)
{
    (void)state;
    char text[YAML_DEPTH_MAX * 2 + 3] = "";
    struct document document;
    struct error error = ERROR_NONE;
    memset(text, '[', YAML_DEPTH_MAX);
    memset(text + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
    assert_true(yaml_parse("f", text, YAML_DEPTH_MAX * 2, &document, &error));
    document_fini(&document);
    memset(text, '[', YAML_DEPTH_MAX + 1);
    assert_refuses(text, YAML_DEPTH_MAX + 1, "f.yaml:1:33: nested more than 32 deep");

    char *large = memory_new(YAML_BYTES_MAX + 1);
    memset(large, 'x', YAML_BYTES_MAX + 1);
    assert_false(yaml_parse("f", large, YAML_BYTES_MAX + 1, &document, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_true(yaml_parse("f", large, YAML_BYTES_MAX, &document, &error));
    document_fini(&document);
    free(large);
}

/* A refusal in the middle leaves open containers and a pending key behind: none of it may leak. */
static void test_refusal_in_depth_frees_all(void **state)
{
    (void)state;
    static const char text[] = "a:\n- b: {c: [1, *x]}\n";
    assert_refuses(text, strlen(text), "f.yaml:2:14: aliases are not supported: write it out");
}

static void test_values_know_where_they_stood(void **state)
{
    (void)state;
    static const char text[] = "name: x\nlist:\n  - 1\n  - {deep: true, other: null}\n";
    struct document document;
    struct error error = ERROR_NONE;
    assert_true(yaml_parse("f.yaml", text, strlen(text), &document, &error));
    struct node root = node_root(&document), list = node_member(&root, "list");
    struct node first = node_element(&list, 0), second = node_element(&list, 1);
    struct node deep = node_member(&second, "deep"), absent = node_member(&second, "absent");
    struct node nothing = node_member(&root, "nothing");
    static const char *const keys[] = {"deep", "others"};

    assert_false(node_refuse(&root, &error, "r"));
    assert_string_equal(error.text, "f.yaml:1:1: r");
    node_refuse(&first, &error, "f");
    assert_string_equal(error.text, "f.yaml:3:5: f");
    node_refuse(&deep, &error, "d");
    assert_string_equal(error.text, "f.yaml:4:12: d");
    node_refuse(&absent, &error, "a");
    assert_string_equal(error.text, "f.yaml:4:5: a");
    node_refuse(&nothing, &error, "n");
    assert_string_equal(error.text, "f.yaml:1:1: n");
    assert_false(node_check_keys(&second, keys, ARRAY_LENGTH(keys), &error));
    assert_string_equal(error.text, "f.yaml:4:18: unknown key 'other'; did you mean 'others'? "
                                    "allowed: deep others");
    document_fini(&document);
}

static void test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/yaml_reader_test-XXXXXX";
    int fd = mkstemp(path);
    struct document document;
    struct error error = ERROR_NONE;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: [\n", 5), 5);
    assert_false(yaml_read_file(path, &document, &error));
    assert_memory_equal(error.text, path, strlen(path));
    assert_int_equal(pwrite(fd, "a: 1\n", 5, 0), 5);
    assert_true(yaml_read_file(path, &document, &error));
    assert_int_equal(json_integer_value(json_object_get(document.root, "a")), 1);
    document_fini(&document);
    close(fd);
    unlink(path);
    assert_false(yaml_read_file(path, &document, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_are_typed_conservatively),
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_json_is_read_as_it_is),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth_and_size_have_limits),
        cmocka_unit_test(test_refusal_in_depth_frees_all),
        cmocka_unit_test(test_values_know_where_they_stood),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
