/* acl_text_test.c: the canonical form of ACL entries, and the list that a NameNode takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/check.h"
#include "component/hdfs/webhdfs/acl_text.h"

static json_t *strings(const char *const *texts, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(texts[i]));
    return array;
}

static void test_entries_become_canonical(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "user:carla:rw-",      "group::r-x",         "default:user::rwx", "default:mask::r-x",
        "default:group:s:r--", "default:other::---", "user:bob:r--",      "mask::rwx"};
    struct arena arena;
    struct error error = ERROR_NONE;
    const char *acl;
    arena_init(&arena);
    json_t *entries = strings(texts, ARRAY_LENGTH(texts));
    assert_true(acl_from_entries(entries, &arena, &acl, &error));
    assert_string_equal(acl, "default:group:s:r--,default:mask::r-x,default:other::---,"
                             "default:user::rwx,group::r-x,user:bob:r--,user:carla:rw-");
    json_decref(entries);
    entries = strings(texts, 0);
    assert_true(acl_from_entries(entries, &arena, &acl, &error));
    assert_null(acl);
    json_decref(entries);
    arena_fini(&arena);
}

static void test_bad_entries(void **state)
{
    (void)state;
    struct arena arena;
    struct error error = ERROR_NONE;
    const char *acl;
    arena_init(&arena);
    json_t *entries = json_pack("[i]", 1);
    assert_false(acl_from_entries(entries, &arena, &acl, &error));
    assert_int_equal(error.code, ERROR_PROTOCOL);
    json_decref(entries);
    entries = json_array();
    for (int i = 0; i < 100; i++)
        json_array_append_new(entries, json_string("user:bob:r--"));
    assert_false(acl_from_entries(entries, &arena, &acl, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    json_decref(entries);
    arena_fini(&arena);
}

static void test_the_whole_list_for_the_namenode(void **state)
{
    (void)state;
    struct buffer spec;
    struct error error = ERROR_NONE;
    buffer_init(&spec, 0);
    assert_true(acl_to_spec("group::r--,user:bob:rwx", 0750, &spec, &error));
    assert_string_equal(buffer_text(&spec),
                        "user::rwx,other::---,mask::r-x,group::r--,user:bob:rwx");
    assert_true(acl_to_spec("default:user::rwx", 01641, &spec, &error));
    assert_string_equal(buffer_text(&spec), "user::rw-,other::--x,group::r--,default:user::rwx");
    assert_true(acl_to_spec("default:group::r-x,group::r-x", 0, &spec, &error));
    assert_string_equal(buffer_text(&spec),
                        "user::---,other::---,mask::---,default:group::r-x,group::r-x");
    assert_false(acl_to_spec("user:bob:rwx", 0750, &spec, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    buffer_fini(&spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_become_canonical),
        cmocka_unit_test(test_bad_entries),
        cmocka_unit_test(test_the_whole_list_for_the_namenode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
