/* commands_outlook.c: coeval check, simulate, recover, operation ... */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/timestamp.h"
#include "cli/cli_print.h"
#include "cli/commands.h"
#include "cli/device_call.h"
#include "cli/human.h"
#include "cli/operation_show.h"

static int begin(struct cli *cli, const char *words, json_t *body)
{
    struct device_path path;
    int status;
    device_path_init(&path, words);
    json_t *operation = device_operate(cli, &path, body, &status);
    return operation_show(cli, operation, status);
}

int command_check(struct cli *cli)
{
    json_t *body = json_object();
    if (cli->argument_count > 0)
        json_set_string(body, "service", cli->arguments[0]);
    return begin(cli, "/v1/check", body);
}

int command_recover(struct cli *cli)
{
    return begin(cli, "/v1/recover", device_reason(cli));
}

static int show(struct cli *cli)
{
    int status;
    json_t *operation = device_operation(cli, cli->arguments[0], cli->wait, &status);
    return operation_show(cli, operation, status);
}

static int list(struct cli *cli)
{
    static const struct table_column columns[] = {{"operation", TABLE_LEFT}, {"kind", TABLE_LEFT},
                                                  {"service", TABLE_LEFT},   {"phase", TABLE_LEFT},
                                                  {"started", TABLE_LEFT},   {"ended", TABLE_LEFT}};
    struct table table;
    int status;
    size_t index;
    json_t *operation, *answer = device_get(cli, "/v1/operations", &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli)) {
        cli_print_json(answer);
        json_decref(answer);
        return status;
    }
    table_init(&table, columns, sizeof columns / sizeof columns[0], cli->colours);
    json_array_foreach(json_object_get(answer, "operations"), index, operation) {
        table_row(&table);
        table_cell(&table, json_string_or(operation, "id", NULL));
        table_cell(&table, json_string_or(operation, "kind", NULL));
        table_cell(&table, json_string_or(operation, "service", NULL));
        table_cell(&table, json_string_or(operation, "phase", NULL));
        table_cell(&table, cli_instant(&table.arena, operation, "started_at"));
        table_cell(&table, cli_instant(&table.arena, operation, "ended_at"));
    }
    cli_print_table(&table);
    table_fini(&table);
    json_decref(answer);
    return status;
}

const struct command operation_commands[] = {
    {.name = "list",
     .run = list,
     .arguments = "",
     .options = "",
     .summary = "checks, verifications and recoveries since the device was started"},
    {.name = "show",
     .run = show,
     .arguments = "OPERATION",
     .arguments_min = 1,
     .arguments_max = 1,
     .options = "wt",
     .summary = "one of them, and what it came to"},
    {0},
};

/* ---- simulate ---- */

static const char *count_of(struct arena *arena, const json_t *step, const char *name)
{
    return json_integer_or(step, name, 0) == 0 ? NULL : cli_number(arena, step, name);
}

static void print_steps(const struct cli *cli, const json_t *result)
{
    static const struct table_column columns[] = {
        {"decided", TABLE_LEFT},   {"service", TABLE_LEFT}, {"what", TABLE_LEFT},
        {"T", TABLE_LEFT},         {"missed", TABLE_RIGHT}, {"overrun", TABLE_RIGHT},
        {"coalesced", TABLE_RIGHT}};
    struct table table;
    size_t index;
    json_t *step;
    table_init(&table, columns, sizeof columns / sizeof columns[0], cli->colours);
    json_array_foreach(json_object_get(result, "steps"), index, step) {
        struct arena *arena = &table.arena;
        const char *action = json_string_or(step, "action", "");
        table_row(&table);
        table_cell(&table, cli_instant(arena, step, "decided_at"));
        table_cell(&table, json_string_or(step, "service", NULL));
        table_cell_coloured(&table, action, cli_state_colour(action));
        table_cell(&table, cli_instant(arena, step, "t"));
        table_cell(&table, count_of(arena, step, "missed"));
        table_cell(&table, count_of(arena, step, "overrun"));
        table_cell(&table, count_of(arena, step, "coalesced"));
    }
    cli_print_table(&table);
    table_fini(&table);
    if (json_boolean_or(result, "more", false))
        cli_print_line("... and more: give a nearer time");
}

int command_simulate(struct cli *cli)
{
    struct device_path path;
    struct error error;
    int64_t seconds, instant_us;
    int status;
    device_path_init(&path, "/v1/simulate");
    if (human_parse_duration(cli->until, &seconds)) {
        device_path_parameter(&path, "seconds", arena_format(&cli->arena, "%" PRId64, seconds));
    } else if (timestamp_parse(cli->until, &instant_us, &error)) {
        device_path_parameter(&path, "until", cli->until);
    } else {
        device_path_fini(&path);
        error_set(&error, ERROR_INVALID,
                  "--until '%.60s' is neither a time with its zone (2026-11-21T13:00Z) nor a "
                  "duration (36h, P7D)",
                  cli->until);
        cli_print_error(cli, &error);
        return CLI_USAGE;
    }
    json_t *result = device_ask(cli, HTTP_GET, &path, NULL, &status);
    if (result == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(result);
    else
        print_steps(cli, result);
    json_decref(result);
    return status;
}
