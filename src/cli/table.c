/* table.c: see table.h. */
#include "cli/table.h"

#include <string.h>

#include "base/check.h"
#include "base/path.h"

#define GAP 2 /* between columns */

struct table_cell {
    const char *text;
    enum table_colour colour;
};

struct table_row {
    struct table_row *next;
    size_t count;
    struct table_cell cells[TABLE_COLUMNS_MAX];
};

void table_init(struct table *table, const struct table_column *columns, size_t count, bool colours)
{
    CHECK(count > 0 && count <= TABLE_COLUMNS_MAX);
    memset(table, 0, sizeof *table);
    arena_init(&table->arena);
    memcpy(table->columns, columns, count * sizeof *columns);
    table->column_count = count;
    table->colours = colours;
}

void table_fini(struct table *table)
{
    arena_fini(&table->arena);
    table->first = table->last = NULL;
}

void table_row(struct table *table)
{
    struct table_row *row = arena_new(&table->arena, sizeof *row);
    if (table->last == NULL)
        table->first = row;
    else
        table->last->next = row;
    table->last = row;
}

void table_cell(struct table *table, const char *text)
{
    table_cell_coloured(table, text, TABLE_PLAIN);
}

void table_cell_coloured(struct table *table, const char *text, enum table_colour colour)
{
    struct table_row *row = table->last;
    struct buffer safe;
    CHECK(row != NULL && row->count < table->column_count);
    buffer_init(&safe, 0);
    table_print_safe(&safe, text == NULL || text[0] == '\0' ? "-" : text);
    row->cells[row->count++] =
        (struct table_cell){arena_string(&table->arena, buffer_text(&safe)), colour};
    buffer_fini(&safe);
}

/* ---- printing ---- */

size_t table_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void table_print_safe(struct buffer *buffer, const char *text)
{
    bool utf8 = path_is_utf8(text);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool c1 = utf8 && at[0] == 0xc2 && at[1] < 0xa0; /* control, in two bytes */
        bool bad = *at < ' ' || *at == 0x7f || c1 || (*at >= 0x80 && !utf8);
        if (bad)
            buffer_append_format(buffer, "\\x%02x", c1 ? *++at : *at);
        else
            buffer_append_byte(buffer, *at);
    }
}

void table_print_coloured(struct buffer *buffer, const char *text, enum table_colour colour,
                          bool colours)
{
    static const char *const codes[] = {
        [TABLE_PLAIN] = "", [TABLE_GREEN] = "32", [TABLE_YELLOW] = "33",
        [TABLE_RED] = "31", [TABLE_CYAN] = "36",  [TABLE_DIM] = "2",
    };
    if (colours && colour != TABLE_PLAIN)
        buffer_append_format(buffer, "\033[%sm%s\033[0m", codes[colour], text);
    else
        buffer_append_text(buffer, text);
}

static void pad(struct buffer *text, size_t count)
{
    while (count-- > 0)
        buffer_append_byte(text, ' ');
}

static size_t width_of(const struct table *table, size_t column)
{
    size_t widest = table_width(table->columns[column].name);
    for (const struct table_row *row = table->first; row != NULL; row = row->next) {
        size_t width = column < row->count ? table_width(row->cells[column].text) : 0;
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void print_row(const struct table *table, const struct table_cell *cells, size_t count,
                      const size_t *widths, struct buffer *text)
{
    size_t owed = 0; /* blanks that only come when something follows */
    for (size_t i = 0; i < count; i++) {
        if (table->left_out[i])
            continue;
        size_t missing = widths[i] - table_width(cells[i].text);
        bool right = table->columns[i].alignment == TABLE_RIGHT;
        pad(text, owed + (right ? missing : 0));
        table_print_coloured(text, cells[i].text, cells[i].colour, table->colours);
        owed = GAP + (right ? 0 : missing);
    }
    buffer_append_byte(text, '\n');
}

void table_print(const struct table *table, struct buffer *text)
{
    size_t widths[TABLE_COLUMNS_MAX];
    struct table_cell head[TABLE_COLUMNS_MAX];
    for (size_t i = 0; i < table->column_count; i++) {
        head[i] = (struct table_cell){table->columns[i].name, TABLE_DIM};
        widths[i] = width_of(table, i);
    }
    print_row(table, head, table->column_count, widths, text);
    for (const struct table_row *row = table->first; row != NULL; row = row->next)
        print_row(table, row->cells, row->count, widths, text);
}

/* ---- fitting ---- */

static size_t whole_width(const struct table *table)
{
    size_t width = 0;
    for (size_t i = 0; i < table->column_count; i++)
        if (!table->left_out[i])
            width += width_of(table, i) + (width == 0 ? 0 : GAP);
    return width;
}

static void leave_out(struct table *table, const char *name, size_t length)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strlen(table->columns[i].name) == length &&
            memcmp(table->columns[i].name, name, length) == 0)
            table->left_out[i] = true;
}

void table_fit(struct table *table, size_t width, const char *dispensable)
{
    while (*dispensable != '\0' && whole_width(table) > width) {
        size_t length = strcspn(dispensable, ",");
        leave_out(table, dispensable, length);
        dispensable += length;
        dispensable += strspn(dispensable, ",");
    }
}
