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

/* ---- operations ---- */

static bool is_running(const json_t *operation)
{
    return strcmp(json_string_or(operation, "phase", ""), "running") == 0;
}

/* What an operation came to; findings and silent clusters are failures too. */
static int judge(const json_t *operation)
{
    const json_t *result = json_object_get(operation, "result");
    size_t index;
    json_t *item;
    if (json_is_object(json_object_get(operation, "error")) ||
        json_array_size(json_object_get(result, "silent_clusters")) > 0)
        return CLI_FAILED;
    json_array_foreach(json_object_get(result, "findings"), index, item)
        if (strcmp(json_string_or(item, "level", ""), "error") == 0)
            return CLI_FAILED;
    json_array_foreach(json_object_get(result, "services"), index, item)
        if (json_is_object(json_object_get(item, "error")))
            return CLI_FAILED;
    return CLI_OK;
}

static void print_findings(const struct cli *cli, const json_t *findings)
{
    size_t index;
    json_t *finding;
    json_array_foreach(findings, index, finding) {
        const char *level = json_string_or(finding, "level", "");
        const char *remedy = json_string_or(finding, "remedy", "");
        struct buffer word;
        buffer_init(&word, 0);
        table_print_coloured(&word, level, cli_state_colour(level), cli->colours);
        fputs(buffer_text(&word), stdout);
        buffer_fini(&word);
        printf("%*s", (int)(9 - (strlen(level) < 8 ? strlen(level) : 8)), "");
        cli_print_line("%s: %s", json_string_or(finding, "hop", ""),
                       json_string_or(finding, "what", ""));
        if (remedy[0] != '\0')
            cli_print_line("         -> %s", remedy);
    }
}

static void print_recovered(const json_t *result)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(result, "services"), index, item) {
        const char *why = json_string_or(json_object_get(item, "error"), "message", "");
        cli_print_line("service '%s' from cluster %s: %" PRId64 " epochs%s%s",
                       json_string_or(item, "name", json_string_or(item, "service", "")),
                       json_string_or(item, "cluster", ""), json_integer_or(item, "epochs", 0),
                       why[0] == '\0' ? "" : "; ", why);
    }
    if (index == 0)
        cli_print_line("no service was found on any cluster");
    else
        cli_print_line("Those that were not known are paused: `coeval status`, then `coeval "
                       "policy resume`.");
    json_array_foreach(json_object_get(result, "silent_clusters"), index, item)
        cli_print_line("cluster %s did not answer: %s", json_string_or(item, "cluster", ""),
                       json_string_or(json_object_get(item, "error"), "message", ""));
}

static void print_operation(const struct cli *cli, const json_t *operation)
{
    const json_t *result = json_object_get(operation, "result");
    const char *why = json_string_or(json_object_get(operation, "error"), "message", NULL);
    const char *kind = json_string_or(operation, "kind", "");
    if (is_running(operation))
        cli_print_line("%s goes on: coeval operation show %s --wait", kind,
                       json_string_or(operation, "id", ""));
    else if (why != NULL)
        cli_print_line("%s failed: %s", kind, why);
    else if (strcmp(kind, "check") == 0)
        print_findings(cli, json_object_get(result, "findings"));
    else if (strcmp(kind, "recover") == 0)
        print_recovered(result);
    else
        cli_print_line("%s is done, and found nothing wrong", kind);
}

/* Takes the operation. */
static int show_operation(const struct cli *cli, json_t *operation, int status)
{
    if (operation == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(operation);
    else
        print_operation(cli, operation);
    if (status == CLI_OK && !is_running(operation))
        status = judge(operation);
    json_decref(operation);
    return status;
}

static int begin(struct cli *cli, const char *words, json_t *body)
{
    struct device_path path;
    int status;
    device_path_init(&path, words);
    json_t *operation = device_operate(cli, &path, body, &status);
    return show_operation(cli, operation, status);
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
    return show_operation(cli, operation, status);
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
