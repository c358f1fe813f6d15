/* pile_test.c: what was put last comes first, whether it lies in memory or on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pile.h"

static void put(struct pile *pile, unsigned number, size_t size)
{
    struct error error;
    char *text = calloc(1, size + 16);
    snprintf(text, 16, "%u", number);
    memset(text + strlen(text), 'x', size);
    assert_true(pile_put(pile, text, strlen(text), &error));
    free(text);
}

static void take(struct pile *pile, unsigned number, size_t size)
{
    struct error error;
    char text[16];
    const void *data;
    size_t got;
    snprintf(text, sizeof text, "%u", number);
    assert_true(pile_take(pile, &data, &got, &error));
    assert_int_equal(got, strlen(text) + size);
    assert_memory_equal(data, text, strlen(text));
    for (size_t i = strlen(text); i < got; i++)
        assert_int_equal(((const char *)data)[i], 'x');
}

static void take_none(struct pile *pile)
{
    struct error error;
    const void *data = "";
    size_t size;
    assert_true(pile_take(pile, &data, &size, &error));
    assert_null(data);
}

static size_t size_of(unsigned number)
{
    return number % 7 == 0 ? 0 : number * 37 % 5000;
}

static void test_in_memory(void **state)
{
    struct pile *pile = pile_new("/nonexistent"); /* never asked */
    (void)state;
    take_none(pile);
    put(pile, 1, 0);
    put(pile, 2, 10);
    take(pile, 2, 10);
    put(pile, 3, 5);
    take(pile, 3, 5);
    take(pile, 1, 0);
    take_none(pile);
    pile_free(pile);
    pile_free(NULL);
}

static void test_on_disk(void **state)
{
    struct pile *pile = pile_new("/tmp");
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        put(pile, i, size_of(i));
    for (unsigned i = 1000; i-- > 500;)
        take(pile, i, size_of(i));
    put(pile, 7000, 3 * PILE_MEMORY_BYTES); /* larger than all that is kept in memory */
    for (unsigned i = 500; i < 900; i++)
        put(pile, i, size_of(i));
    for (unsigned i = 900; i-- > 500;)
        take(pile, i, size_of(i));
    take(pile, 7000, 3 * PILE_MEMORY_BYTES);
    for (unsigned i = 500; i-- > 0;)
        take(pile, i, size_of(i));
    take_none(pile);
    pile_free(pile);
}

static void test_no_room(void **state)
{
    struct pile *pile = pile_new("/nonexistent");
    struct error error = ERROR_NONE;
    char *much = calloc(1, PILE_MEMORY_BYTES);
    (void)state;
    assert_false(pile_put(pile, much, PILE_MEMORY_BYTES, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    free(much);
    pile_free(pile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_memory),
        cmocka_unit_test(test_on_disk),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
