/* epoch_table.c: see epoch_table.h. */
#include "cli/epoch_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli_print.h"
#include "cli/human.h"

static const struct table_column columns[] = {
    {"service", TABLE_LEFT},  {"epoch", TABLE_RIGHT},   {"T", TABLE_LEFT},
    {"state", TABLE_LEFT},    {"mode", TABLE_LEFT},     {"grade", TABLE_LEFT},
    {"skew", TABLE_RIGHT},    {"files", TABLE_RIGHT},   {"bytes", TABLE_RIGHT},
    {"removed", TABLE_RIGHT}, {"seconds", TABLE_RIGHT}, {"sealed", TABLE_LEFT},
};

static const char *skew_of(struct arena *arena, const json_t *epoch)
{
    char text[HUMAN_TEXT_SIZE];
    int64_t skew_us = json_integer_or(epoch, "skew_us", -1);
    if (skew_us < 0)
        return NULL;
    human_skew(skew_us, text);
    return arena_string(arena, text);
}

static const char *state_of(const json_t *epoch)
{
    return epoch_waits(epoch) && json_object_get(epoch, "question") != NULL
               ? "waiting"
               : json_string_or(epoch, "state", NULL);
}

static void add_epoch(struct table *table, const json_t *epoch, bool with_service)
{
    struct arena *arena = &table->arena;
    const char *state = state_of(epoch);
    table_row(table);
    if (with_service)
        table_cell(table, json_string_or(epoch, "service", NULL));
    table_cell(table, cli_number(arena, epoch, "number"));
    table_cell(table, cli_instant(arena, epoch, "t"));
    table_cell_coloured(table, state, cli_state_colour(state == NULL ? "" : state));
    table_cell(table, json_string_or(epoch, "mode", NULL));
    table_cell(table, json_string_or(epoch, "grade", NULL));
    table_cell(table, skew_of(arena, epoch));
    table_cell(table, cli_number(arena, epoch, "files"));
    table_cell(table, cli_size(arena, epoch, "bytes"));
    table_cell(table, cli_number(arena, epoch, "entries_removed"));
    table_cell(table, cli_number(arena, epoch, "seconds"));
    table_cell(table, cli_instant(arena, epoch, "sealed_at"));
}

static bool are_of_several(const json_t *list)
{
    const char *first = json_string_or(json_array_get(list, 0), "service", "");
    for (size_t i = 1; i < json_array_size(list); i++)
        if (strcmp(json_string_or(json_array_get(list, i), "service", ""), first) != 0)
            return true;
    return false;
}

void epoch_table_print(const struct cli *cli, const json_t *list)
{
    struct table table;
    size_t index;
    json_t *epoch;
    size_t first = are_of_several(list) ? 0 : 1;
    table_init(&table, columns + first, sizeof columns / sizeof columns[0] - first, cli->colours);
    json_array_foreach(list, index, epoch)
        add_epoch(&table, epoch, first == 0);
    cli_print_table(&table);
    table_fini(&table);
    json_array_foreach(list, index, epoch)
        epoch_print_question(epoch);
}

/* ---- questions ---- */

bool epoch_waits(const json_t *epoch)
{
    static const char *const ended[] = {"abandoning", "abandoned", "rolling_back", "sealed",
                                        "retired"};
    const char *state = json_string_or(epoch, "state", "");
    for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++)
        if (strcmp(state, ended[i]) == 0)
            return false;
    return strcmp(json_string_or(epoch, "question", "none"), "none") != 0 ||
           strcmp(state, "stuck") == 0;
}

void epoch_print_question(const json_t *epoch)
{
    static const struct {
        const char *question, *text, *yes;
    } questions[] = {
        {"shrink", "it would remove more than max_removed allows", "remove it"},
        {"touched", "the target was changed by others", "restore the target"},
        {"lost_base", "the base of the increment is gone", "compare by checksum"},
        {"adopt", "the target is not empty", "take over what is equal by checksum"},
    };
    const char *service = json_string_or(epoch, "service", "");
    const char *question = json_string_or(epoch, "question", "");
    int64_t number = json_integer_or(epoch, "number", 0);
    if (!epoch_waits(epoch))
        return;
    const char *why = json_string_or(json_object_get(epoch, "cause"), "message", "");
    bool stuck = strcmp(json_string_or(epoch, "state", ""), "stuck") == 0;
    cli_print_line("%s %" PRId64 " %s%s%s", service, number, stuck ? "is stuck" : "waits for you",
                   why[0] == '\0' ? "" : ": ", why);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (strcmp(questions[i].question, question) == 0)
            cli_print_line("  %s. To %s: coeval epoch approve %s %" PRId64 " --reason TEXT",
                           questions[i].text, questions[i].yes, service, number);
    if (stuck)
        cli_print_line("  coeval epoch resume %s %" PRId64 "    try the commit again", service,
                       number);
    cli_print_line("  coeval epoch %s %s %" PRId64 " --reason TEXT", stuck ? "rollback" : "abandon",
                   service, number);
}
