/* operation_show.c: see operation_show.h. */
#include "cli/operation_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/size.h"
#include "cli/cli_print.h"
#include "cli/exit_code.h"
#include "cli/operation_wait.h"

static bool has_failed(const json_t *operation)
{
    return json_is_object(json_object_get(operation, "error"));
}

/* What an operation came to; findings and silent clusters are failures too. */
static int judge(const json_t *operation)
{
    const json_t *result = json_object_get(operation, "result");
    size_t index;
    json_t *item;
    struct error error;
    /* Before its first step is done nothing was changed: refused, not failed. */
    if (has_failed(operation) && json_integer_or(operation, "done", 0) == 0 &&
        strcmp(json_string_or(operation, "kind", ""), "move-root") == 0) {
        json_to_error(json_object_get(operation, "error"), &error);
        return (int)exit_code_of(error.code);
    }
    if (has_failed(operation) || json_array_size(json_object_get(result, "silent_clusters")) > 0 ||
        !json_boolean_or(result, "equal", true))
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

static void print_unreadable(const json_t *service)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(service, "unreadable"), index, item)
        cli_print_line("  epoch %" PRId64 " is left alone: %s", json_integer_or(item, "number", 0),
                       json_string_or(json_object_get(item, "error"), "message", ""));
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
        print_unreadable(item);
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

static void print_verified(const json_t *operation, const json_t *result)
{
    const char *service = json_string_or(operation, "service", "");
    int64_t number = json_integer_or(operation, "number", 0);
    size_t index;
    json_t *finding;
    uint64_t bytes = (uint64_t)json_integer_or(result, "bytes", 0);
    if (json_boolean_or(result, "equal", false))
        cli_print_line(
            "the seal of %s/%" PRId64 " is as its manifest says: %" PRId64 " entries, %s", service,
            number, json_integer_or(result, "entries", 0), size_text(bytes).text);
    else
        cli_print_line("the seal of %s/%" PRId64 " is NOT as its manifest says:", service, number);
    json_array_foreach(json_object_get(result, "findings"), index, finding)
        cli_print_line("  %s: %s", json_string_or(finding, "member", ""),
                       json_string_or(finding, "what", ""));
}

/* ---- roots ---- */

static void print_names(const char *title, const json_t *names, const char *none)
{
    size_t index;
    json_t *name;
    if (json_array_size(names) == 0)
        cli_print_line("%s: %s", title, none);
    else
        cli_print_line("%s:", title);
    json_array_foreach(names, index, name)
        cli_print_line("  %s", json_string_value(name));
}

void root_plan_print(const json_t *plan)
{
    print_names("replaces the roots", json_object_get(plan, "replaces"), "none");
    print_names("services that lose their base", json_object_get(plan, "lose_base"), "none");
    cli_print_line("%s", json_string_or(plan, "consequence", ""));
}

static void print_moved(const json_t *plan)
{
    cli_print_line("the root is now at %s %s:%s", json_string_or(plan, "cluster", ""),
                   json_string_or(plan, "instance", ""), json_string_or(plan, "root", ""));
    root_plan_print(plan);
}

/* ---- all of them ---- */

static void print_running(const json_t *operation)
{
    const char *doing = json_string_or(operation, "doing", "");
    int64_t total = json_integer_or(operation, "total", 0);
    const char *unit = json_string_or(operation, "unit", "");
    cli_print_line("%s goes on: coeval operation show %s --wait",
                   json_string_or(operation, "kind", ""), json_string_or(operation, "id", ""));
    if (total > 0)
        cli_print_line("  %s%s%" PRId64 " of %" PRId64 " %s", doing, doing[0] == '\0' ? "" : ": ",
                       json_integer_or(operation, "done", 0), total, unit);
    else if (doing[0] != '\0')
        cli_print_line("  %s", doing);
}

/* To stderr, where a script looks for it, with what to type next. */
static void print_failure(const struct cli *cli, const json_t *operation)
{
    struct error error;
    size_t index;
    json_t *command;
    json_to_error(json_object_get(operation, "error"), &error);
    cli_print_error(cli, &error);
    if (cli_wants_json(cli))
        return;
    json_array_foreach(json_object_get(operation, "commands"), index, command)
        if (json_is_string(command))
            cli_print_hint(json_string_value(command));
}

static void print_operation(const struct cli *cli, const json_t *operation)
{
    const json_t *result = json_object_get(operation, "result");
    const char *kind = json_string_or(operation, "kind", "");
    if (operation_runs(operation))
        print_running(operation);
    else if (has_failed(operation))
        return;
    else if (strcmp(kind, "check") == 0)
        print_findings(cli, json_object_get(result, "findings"));
    else if (strcmp(kind, "recover") == 0)
        print_recovered(result);
    else if (strcmp(kind, "move-root") == 0)
        print_moved(result);
    else
        print_verified(operation, result);
}

int operation_show(const struct cli *cli, json_t *operation, int status)
{
    if (operation == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(operation);
    else
        print_operation(cli, operation);
    if (has_failed(operation))
        print_failure(cli, operation);
    if (status == CLI_OK && !operation_runs(operation))
        status = judge(operation);
    json_decref(operation);
    return status;
}

int operation_run_at(const struct cli *cli, struct device_path *path, json_t *body)
{
    int status;
    json_t *operation = operation_begin(cli, path, body, &status);
    return operation_show(cli, operation, status);
}

int operation_run(const struct cli *cli, const char *words, json_t *body)
{
    struct device_path path;
    device_path_init(&path, words);
    return operation_run_at(cli, &path, body);
}
