/* table_test.c: columns align whatever is in them, and nothing in them steers a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/table.h"

static const struct table_column columns[] = {
    {"name", TABLE_LEFT}, {"files", TABLE_RIGHT}, {"state", TABLE_LEFT}};

static void expect(struct table *table, const char *wanted)
{
    struct buffer text;
    buffer_init(&text, 0);
    table_print(table, &text);
    assert_string_equal(buffer_text(&text), wanted);
    buffer_fini(&text);
    table_fini(table);
}

static void test_columns_align(void **state)
{
    struct table table;
    (void)state;
    table_init(&table, columns, 3, false);
    table_row(&table);
    table_cell(&table, "a");
    table_cell(&table, "123456");
    table_cell(&table, "sealed");
    table_row(&table);
    table_cell(&table, "longer");
    table_cell(&table, NULL);
    table_cell(&table, "");
    expect(&table, "name     files  state\n"
                   "a       123456  sealed\n"
                   "longer       -  -\n");
}

static void test_a_table_without_rows_has_a_head(void **state)
{
    struct table table;
    (void)state;
    table_init(&table, columns, 3, false);
    expect(&table, "name  files  state\n");
}

static void test_a_small_terminal(void **state)
{
    static const struct {
        size_t width;
        const char *text;
    } cases[] = {
        {20, "name   files  state\na     123456  sealed\n"},
        {19, "name  state\na     sealed\n"},
        {12, "name  state\na     sealed\n"},
        {11, "name\na\n"},
        {1, "name\na\n"}, /* what is not dispensable stays */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct table table;
        table_init(&table, columns, 3, false);
        table_row(&table);
        table_cell(&table, "a");
        table_cell(&table, "123456");
        table_cell(&table, "sealed");
        table_fit(&table, cases[i].width, "files,nothing,state");
        expect(&table, cases[i].text);
    }
}

static void test_width_is_in_characters(void **state)
{
    struct table table;
    (void)state;
    table_init(&table, columns, 2, false);
    table_row(&table);
    table_cell(&table, "M\xc3\xbcnchen");
    table_cell(&table, "1");
    table_row(&table);
    table_cell(&table, "Munichs");
    table_cell(&table, "1");
    expect(&table, "name     files\n"
                   "M\xc3\xbcnchen      1\n"
                   "Munichs      1\n");
}

static void test_control_bytes_are_shown(void **state)
{
    struct table table;
    (void)state;
    table_init(&table, columns, 1, false);
    table_row(&table);
    table_cell(&table, "a\033[31m\nb\x7f");
    table_row(&table);
    table_cell(&table, "c1 \xc2\x9b bad \xc3");
    expect(&table, "name\na\\x1b[31m\\x0ab\\x7f\nc1 \\xc2\\x9b bad \\xc3\n");
}

static void test_c1_in_sound_text(void **state)
{
    struct table table;
    (void)state;
    table_init(&table, columns, 1, false);
    table_row(&table);
    table_cell(&table, "\xc2\x9b");
    expect(&table, "name\n\\x9b\n");
}

static void test_colours(void **state)
{
    struct table table;
    (void)state;
    table_init(&table, columns, 1, true);
    table_row(&table);
    table_cell_coloured(&table, "stuck", TABLE_RED);
    table_row(&table);
    table_cell(&table, "x");
    expect(&table, "\033[2mname\033[0m\n\033[31mstuck\033[0m\nx\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_align),
        cmocka_unit_test(test_a_table_without_rows_has_a_head),
        cmocka_unit_test(test_a_small_terminal),
        cmocka_unit_test(test_width_is_in_characters),
        cmocka_unit_test(test_control_bytes_are_shown),
        cmocka_unit_test(test_c1_in_sound_text),
        cmocka_unit_test(test_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
