/* cli_print.h: what goes to stdout, and complaints to stderr. */
#ifndef COEVAL_CLI_CLI_PRINT_H
#define COEVAL_CLI_CLI_PRINT_H

#include <jansson.h>

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/table.h"

bool cli_wants_json(const struct cli *cli);
/* Indented, or on one line (for a stream of them). */
void cli_print_json(const json_t *document);
void cli_print_json_line(const json_t *document);
void cli_print_table(const struct table *table);
/* A table with a row for each item of a list, made by add (table_row() was called). */
typedef void table_add_fn(struct table *table, const json_t *item);
struct cli_rows {
    struct table_column columns[TABLE_COLUMNS_MAX]; /* up to the first one without a name */
    table_add_fn *add;
    const char *dispensable; /* columns that a small terminal goes without (table_fit); NULL */
    const char *none;        /* what is said of an empty list; NULL: the head of the table */
};
void cli_print_rows(const struct cli *cli, const json_t *list, const struct cli_rows *rows);
/* "name   text", the names padded to the same width; nothing when text is NULL. */
void cli_print_field(const char *name, const char *text);
/* Text of the device on a line of its own, with nothing in it that steers a terminal. */
void cli_print_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* In JSON when that is what the caller reads. */
void cli_print_error(const struct cli *cli, const struct error *error);
/* Below an error, on stderr: what may be typed now. */
void cli_print_hint(const char *command);
/* Colour of a service's or an epoch's state. */
enum table_colour cli_state_colour(const char *state);
/* "reachable", "unreachable", or "not asked" since the device was started */
const char *cli_agent_state(const json_t *cluster);
/* A number of the document as text in the arena; NULL when it is not there. */
const char *cli_number(struct arena *arena, const json_t *document, const char *name);
const char *cli_size(struct arena *arena, const json_t *document, const char *name);
const char *cli_age(struct arena *arena, const json_t *document, const char *name);
const char *cli_skew(struct arena *arena, const json_t *document, const char *name);
const char *cli_instant(struct arena *arena, const json_t *document, const char *name);

#endif
