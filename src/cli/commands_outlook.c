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
#include "cli/operation_wait.h"

#define SIMULATE_SECONDS_MAX ((int64_t)366 * 86400) /* what the device answers */

int command_check(struct cli *cli)
{
    json_t *body = json_object();
    if (cli->argument_count > 0)
        json_set_string(body, "service", cli->arguments[0]);
    return operation_run(cli, "/v1/check", body);
}

int command_recover(struct cli *cli)
{
    return operation_run(cli, "/v1/recover", device_reason(cli));
}

static int show(struct cli *cli)
{
    int status;
    json_t *operation = operation_wait(cli, cli->arguments[0], cli->wait, &status);
    return operation_show(cli, operation, status);
}

static void add_operation(struct table *table, const json_t *operation)
{
    table_cell(table, json_string_or(operation, "id", NULL));
    table_cell(table, json_string_or(operation, "kind", NULL));
    table_cell(table, json_string_or(operation, "service", NULL));
    table_cell(table, json_string_or(operation, "phase", NULL));
    table_cell(table, cli_instant(&table->arena, operation, "started_at"));
    table_cell(table, cli_instant(&table->arena, operation, "ended_at"));
}

static void show_operations(struct cli *cli, const json_t *answer)
{
    static const struct cli_rows rows = {.columns = {{"operation", TABLE_LEFT},
                                                     {"kind", TABLE_LEFT},
                                                     {"service", TABLE_LEFT},
                                                     {"phase", TABLE_LEFT},
                                                     {"started", TABLE_LEFT},
                                                     {"ended", TABLE_LEFT}},
                                         .add = add_operation,
                                         .dispensable = "ended,service",
                                         .none = "None since the device was started."};
    cli_print_rows(cli, json_object_get(answer, "operations"), &rows);
}

static int list(struct cli *cli)
{
    return device_tell_of(cli, "/v1/operations", show_operations);
}

const struct command operation_commands[] = {
    COMMAND("list", list, "", "",
            "checks, verifications and recoveries since the device was started"),
    COMMAND("show", show, "OPERATION", "wt", "one of them, and what it came to"),
    {0},
};

/* ---- simulate ---- */

static const char *count_of(struct arena *arena, const json_t *step, const char *name)
{
    return json_integer_or(step, name, 0) == 0 ? NULL : cli_number(arena, step, name);
}

static void add_step(struct table *table, const json_t *step)
{
    struct arena *arena = &table->arena;
    const char *action = json_string_or(step, "action", "");
    table_cell(table, cli_instant(arena, step, "decided_at"));
    table_cell(table, json_string_or(step, "service", NULL));
    table_cell_coloured(table, action, cli_state_colour(action));
    table_cell(table, cli_instant(arena, step, "t"));
    table_cell(table, count_of(arena, step, "missed"));
    table_cell(table, count_of(arena, step, "overrun"));
    table_cell(table, count_of(arena, step, "coalesced"));
}

static void show_steps(struct cli *cli, const json_t *result)
{
    static const struct cli_rows rows = {.columns = {{"decided", TABLE_LEFT},
                                                     {"service", TABLE_LEFT},
                                                     {"what", TABLE_LEFT},
                                                     {"T", TABLE_LEFT},
                                                     {"missed", TABLE_RIGHT},
                                                     {"overrun", TABLE_RIGHT},
                                                     {"coalesced", TABLE_RIGHT}},
                                         .add = add_step,
                                         .dispensable = "decided,coalesced,overrun,missed",
                                         .none = "Nothing is due until then."};
    cli_print_rows(cli, json_object_get(result, "steps"), &rows);
    if (json_boolean_or(result, "more", false))
        cli_print_line("... and more: give a nearer time");
}

static bool read_until(struct cli *cli, struct device_path *path)
{
    struct error error;
    int64_t seconds, instant_us;
    if (human_parse_duration(cli->until, &seconds)) {
        if (seconds <= SIMULATE_SECONDS_MAX) {
            device_path_parameter(path, "seconds", arena_format(&cli->arena, "%" PRId64, seconds));
            return true;
        }
        error_set(&error, ERROR_INVALID, "--until '%.60s' is too far away: at most 366d",
                  cli->until);
    } else if (timestamp_parse(cli->until, &instant_us, &error)) {
        device_path_parameter(path, "until", cli->until);
        return true;
    } else {
        error_set(&error, ERROR_INVALID,
                  "--until '%.60s' is neither a time with its zone (2026-11-21T13:00Z) nor a "
                  "duration (36h, P7D)",
                  cli->until);
    }
    cli_print_error(cli, &error);
    return false;
}

int command_simulate(struct cli *cli)
{
    struct device_path path;
    device_path_init(&path, "/v1/simulate");
    if (read_until(cli, &path))
        return device_tell(cli, HTTP_GET, &path, NULL, show_steps);
    device_path_fini(&path);
    return CLI_USAGE;
}
