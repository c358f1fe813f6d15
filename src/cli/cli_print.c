/* cli_print.c: see cli_print.h. */
#include "cli/cli_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/size.h"
#include "cli/human.h"
#include "cli/terminal_line.h"

#define FIELD_WIDTH 12

bool cli_wants_json(const struct cli *cli)
{
    return cli->output == CLI_OUTPUT_JSON;
}

static void print_json(const json_t *document, size_t flags)
{
    char *text = json_dumps(document, flags);
    CHECK(text != NULL);
    puts(text);
    free(text);
}

void cli_print_json(const json_t *document)
{
    print_json(document, JSON_INDENT(2));
}

void cli_print_json_line(const json_t *document)
{
    print_json(document, JSON_COMPACT);
    fflush(stdout);
}

void cli_print_table(const struct table *table)
{
    struct buffer text;
    buffer_init(&text, 0);
    table_print(table, &text);
    fwrite(buffer_text(&text), 1, text.size, stdout);
    buffer_fini(&text);
}

void cli_print_rows(const struct cli *cli, const json_t *list, const struct cli_rows *rows)
{
    struct table table;
    size_t index;
    json_t *item;
    if (json_array_size(list) == 0 && rows->none != NULL) {
        cli_print_line("%s", rows->none);
        return;
    }
    size_t count = 0;
    while (count < TABLE_COLUMNS_MAX && rows->columns[count].name != NULL)
        count++;
    table_init(&table, rows->columns, count, cli->colours);
    json_array_foreach(list, index, item) {
        table_row(&table);
        rows->add(&table, item);
    }
    if (cli->terminal && rows->dispensable != NULL)
        table_fit(&table, terminal_line_width(), rows->dispensable);
    cli_print_table(&table);
    table_fini(&table);
}

static void print_safe(FILE *file, const char *text)
{
    struct buffer safe;
    buffer_init(&safe, 0);
    table_print_safe(&safe, text);
    fputs(buffer_text(&safe), file);
    buffer_fini(&safe);
}

void cli_print_field(const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    printf("%-*s  ", FIELD_WIDTH, name);
    print_safe(stdout, text);
    putchar('\n');
}

void cli_print_line(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    CHECK(length >= 0);
    print_safe(stdout, text);
    putchar('\n');
    free(text);
}

void cli_print_error(const struct cli *cli, const struct error *error)
{
    fflush(stdout);
    if (cli_wants_json(cli)) {
        json_t *document = json_object();
        json_set_take(document, "error", json_from_error(error));
        char *text = json_dumps(document, JSON_COMPACT);
        CHECK(text != NULL);
        fprintf(stderr, "%s\n", text);
        free(text);
        json_decref(document);
        return;
    }
    fprintf(stderr, "%s: ", cli->command);
    print_safe(stderr, error->text[0] == '\0' ? error_code_text(error->code) : error->text);
    fputc('\n', stderr);
}

void cli_print_hint(const char *command)
{
    fputs("  ", stderr);
    print_safe(stderr, command);
    fputc('\n', stderr);
}

enum table_colour cli_state_colour(const char *state)
{
    static const struct {
        const char *state;
        enum table_colour colour;
    } colours[] = {
        {"sealed", TABLE_GREEN},       {"idle", TABLE_GREEN},          {"ok", TABLE_GREEN},
        {"stuck", TABLE_RED},          {"alarm", TABLE_RED},           {"error", TABLE_RED},
        {"waiting", TABLE_YELLOW},     {"warning", TABLE_YELLOW},      {"paused", TABLE_YELLOW},
        {"abandoned", TABLE_YELLOW},   {"rolling_back", TABLE_YELLOW}, {"retired", TABLE_DIM},
        {"passed-over", TABLE_YELLOW}, {"unreachable", TABLE_RED},     {"reachable", TABLE_GREEN},
        {"notice", TABLE_PLAIN},       {"not asked", TABLE_PLAIN},     {"fenced", TABLE_RED},
        {"broken", TABLE_RED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(colours); i++)
        if (strcmp(colours[i].state, state) == 0)
            return colours[i].colour;
    return TABLE_CYAN;
}

const char *cli_agent_state(const json_t *cluster)
{
    if (json_boolean_or(cluster, "agent_reachable", false))
        return "reachable";
    return json_object_get(cluster, "error") == NULL ? "not asked" : "unreachable";
}

const char *cli_number(struct arena *arena, const json_t *document, const char *name)
{
    const json_t *value = json_object_get(document, name);
    if (json_is_integer(value))
        return arena_format(arena, "%" PRId64, (int64_t)json_integer_value(value));
    if (json_is_real(value))
        return arena_format(arena, "%.1f", json_real_value(value));
    return NULL;
}

/* Numbers below 0 stand for none. */
static const char *written(struct arena *arena, const json_t *document, const char *name,
                           void (*write)(int64_t number, char ret_text[HUMAN_TEXT_SIZE]))
{
    const json_t *value = json_object_get(document, name);
    char text[HUMAN_TEXT_SIZE];
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return NULL;
    write((int64_t)json_integer_value(value), text);
    return arena_string(arena, text);
}

const char *cli_size(struct arena *arena, const json_t *document, const char *name)
{
    int64_t bytes = json_integer_or(document, name, -1);
    return bytes < 0 ? NULL : arena_string(arena, size_text((uint64_t)bytes).text);
}

const char *cli_age(struct arena *arena, const json_t *document, const char *name)
{
    return written(arena, document, name, human_age);
}

const char *cli_skew(struct arena *arena, const json_t *document, const char *name)
{
    return written(arena, document, name, human_skew);
}

const char *cli_instant(struct arena *arena, const json_t *document, const char *name)
{
    const char *value = json_string_or(document, name, NULL);
    char text[HUMAN_TEXT_SIZE];
    if (value == NULL)
        return NULL;
    human_instant(value, text);
    return arena_string(arena, text);
}
