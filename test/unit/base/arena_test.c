/* arena_test.c: zeroed, aligned memory of any size, all of it freed together. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_pieces_do_not_overlap(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    unsigned char *pieces[300];
    for (size_t i = 0; i < 300; i++) {
        size_t size = i * 7 % 97 + (i % 50 == 0 ? 5000 : 0); /* over several chunks */
        pieces[i] = arena_new(&arena, size);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t byte = 0; byte < size; byte++)
            assert_int_equal(pieces[i][byte], 0);
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t byte = 0; byte < i * 7 % 97; byte++)
            assert_int_equal(pieces[i][byte], (unsigned char)i);
    arena_fini(&arena);
}

static void test_large_and_usable_again(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(arena.used_bytes, 0);
    memset(arena_new(&arena, (size_t)3 << 20), 1, (size_t)3 << 20);
    assert_true(arena.used_bytes >= (size_t)3 << 20);
    arena_fini(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(arena_new(&arena, 0));
    arena_fini(&arena);
    arena_fini(&arena);
}

static void test_text(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *copy = arena_copy(&arena, "a\0bc", 3);
    assert_memory_equal(copy, "a\0b\0", 4);
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    assert_string_equal(arena_string(&arena, "text"), "text");
    assert_null(arena_string(&arena, NULL));
    assert_string_equal(arena_format(&arena, "%s-%d", "x", 41), "x-41");
    assert_int_equal(strlen(arena_format(&arena, "%5000d", 1)), 5000);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_do_not_overlap),
        cmocka_unit_test(test_large_and_usable_again),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
