/* table.h: text in aligned columns, sized to what is in them. What a cell holds may come from a
 * peer: bytes that would steer a terminal are shown as \xNN. Pure: it writes to a buffer. */
#ifndef COEVAL_CLI_TABLE_H
#define COEVAL_CLI_TABLE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buffer.h"

enum table_alignment { TABLE_LEFT, TABLE_RIGHT };
enum table_colour { TABLE_PLAIN, TABLE_GREEN, TABLE_YELLOW, TABLE_RED, TABLE_CYAN, TABLE_DIM };

struct table_column {
    const char *name;
    enum table_alignment alignment;
};

#define TABLE_COLUMNS_MAX 16

struct table_row;
struct table {
    struct arena arena;
    struct table_column columns[TABLE_COLUMNS_MAX];
    size_t column_count;
    bool left_out[TABLE_COLUMNS_MAX];
    struct table_row *first, *last;
    bool colours;
};

void table_init(struct table *table, const struct table_column *columns, size_t count,
                bool colours);
void table_fini(struct table *table);
void table_row(struct table *table);
/* The next cell of the row; text is copied, NULL or "" is shown as "-". */
void table_cell(struct table *table, const char *text);
void table_cell_coloured(struct table *table, const char *text, enum table_colour colour);
/* Leaves columns out until a line fits: those that dispensable names ("sealed,skew"), the first one
 * first. What it does not name stays, and lines may be too long. */
void table_fit(struct table *table, size_t width, const char *dispensable);
/* Head and rows; no blanks at the end of a line. */
void table_print(const struct table *table, struct buffer *text);

/* How many places a terminal gives the text: its code points. */
size_t table_width(const char *text);
/* Text of a peer for a terminal. */
void table_print_safe(struct buffer *buffer, const char *text);
/* colours false: the text as it is. */
void table_print_coloured(struct buffer *buffer, const char *text, enum table_colour colour,
                          bool colours);

#endif
