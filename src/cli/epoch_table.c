/* epoch_table.c: see epoch_table.h. */
#include "cli/epoch_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli_print.h"

static const char *state_of(const json_t *epoch)
{
    return epoch_waits(epoch) && json_object_get(epoch, "question") != NULL
               ? "waiting"
               : json_string_or(epoch, "state", NULL);
}

static void add_epoch(struct table *table, const json_t *epoch)
{
    struct arena *arena = &table->arena;
    const char *state = state_of(epoch);
    table_cell(table, cli_number(arena, epoch, "number"));
    table_cell(table, cli_instant(arena, epoch, "t"));
    table_cell_coloured(table, state, cli_state_colour(state == NULL ? "" : state));
    table_cell(table, json_string_or(epoch, "mode", NULL));
    table_cell(table, json_string_or(epoch, "grade", NULL));
    table_cell(table, cli_skew(arena, epoch, "skew_us"));
    table_cell(table, cli_number(arena, epoch, "files"));
    table_cell(table, cli_size(arena, epoch, "bytes"));
    table_cell(table, cli_number(arena, epoch, "entries_removed"));
    table_cell(table, cli_number(arena, epoch, "seconds"));
    table_cell(table, cli_instant(arena, epoch, "sealed_at"));
}

static void add_epoch_of_its_service(struct table *table, const json_t *epoch)
{
    table_cell(table, json_string_or(epoch, "service", NULL));
    add_epoch(table, epoch);
}

static bool are_of_several(const json_t *list)
{
    const char *first = json_string_or(json_array_get(list, 0), "service", "");
    for (size_t i = 1; i < json_array_size(list); i++)
        if (strcmp(json_string_or(json_array_get(list, i), "service", ""), first) != 0)
            return true;
    return false;
}

/* What an operator looks for first stays on a small terminal. */
#define DISPENSABLE "sealed,skew,mode,removed,files,seconds"
#define COLUMNS                                                                             \
    {"epoch", TABLE_RIGHT}, {"T", TABLE_LEFT}, {"state", TABLE_LEFT}, {"mode", TABLE_LEFT}, \
        {"grade", TABLE_LEFT}, {"skew", TABLE_RIGHT}, {"files", TABLE_RIGHT},               \
        {"bytes", TABLE_RIGHT}, {"removed", TABLE_RIGHT}, {"seconds", TABLE_RIGHT},         \
    {                                                                                       \
        "sealed", TABLE_LEFT                                                                \
    }

void epoch_table_print(const struct cli *cli, const json_t *list)
{
    static const struct cli_rows rows = {.columns = {COLUMNS},
                                         .add = add_epoch,
                                         .dispensable = DISPENSABLE,
                                         .none = "No epoch yet: coeval policy run POLICY"};
    static const struct cli_rows rows_of_several = {.columns = {{"service", TABLE_LEFT}, COLUMNS},
                                                    .add = add_epoch_of_its_service,
                                                    .dispensable = DISPENSABLE};
    size_t index;
    json_t *epoch;
    cli_print_rows(cli, list, are_of_several(list) ? &rows_of_several : &rows);
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
    size_t index;
    json_t *item;
    if (!epoch_waits(epoch))
        return;
    const char *why = json_string_or(json_object_get(epoch, "cause"), "message", "");
    bool stuck = strcmp(json_string_or(epoch, "state", ""), "stuck") == 0;
    cli_print_line("%s %" PRId64 " %s%s%s", service, number, stuck ? "is stuck" : "waits for you",
                   why[0] == '\0' ? "" : ": ", why);
    if (json_array_size(json_object_get(epoch, "asked")) > 1)
        json_array_foreach(json_object_get(epoch, "asked"), index, item)
            cli_print_line("  %s: %s", json_string_or(item, "data_set", ""),
                           json_string_or(item, "text", ""));
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
