/* suspect_name_test.c: any path there and back; what is no name of one is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/suspect_name.h"

static void there_and_back(const char *path, const char *name)
{
    struct arena arena;
    struct error error = ERROR_NONE;
    const char *back;
    arena_init(&arena);
    json_t *given = suspect_name(path);
    assert_non_null(given);
    assert_string_equal(json_string_value(given), name);
    assert_true(suspect_path(given, &arena, &back, &error));
    assert_string_equal(back, path);
    json_decref(given);
    arena_fini(&arena);
}

static void test_there_and_back(void **state)
{
    (void)state;
    there_and_back("a/b", "a/b");
    there_and_back("50%41 \n\xc3\xa9", "50%41 \n\xc3\xa9");
    there_and_back("d\xe9/50%41", "/d%E9/50%2541");
    there_and_back("\xff", "/%FF");
}

static void refuse(json_t *name)
{
    struct arena arena;
    struct error error = ERROR_NONE;
    const char *path;
    arena_init(&arena);
    assert_false(suspect_path(name, &arena, &path, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    json_decref(name);
    arena_fini(&arena);
}

static void test_no_names(void **state)
{
    (void)state;
    refuse(json_string("/%4"));
    refuse(json_string("/a%00"));
    refuse(json_string("//etc"));
    refuse(json_string("/%2E%2E/x"));
    refuse(json_string("a/../b"));
    refuse(json_integer(7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
