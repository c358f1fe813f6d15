/* operation_show.c: see operation_show.h. */
#include "cli/operation_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli_print.h"
#include "cli/exit_code.h"
#include "cli/human.h"

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
    if (!json_boolean_or(result, "equal", true))
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

static void print_verified(const json_t *operation, const json_t *result)
{
    const char *service = json_string_or(operation, "service", "");
    int64_t number = json_integer_or(operation, "number", 0);
    size_t index;
    json_t *finding;
    char size[HUMAN_TEXT_SIZE];
    human_size((uint64_t)json_integer_or(result, "bytes", 0), size);
    if (json_boolean_or(result, "equal", false))
        cli_print_line("the seal of %s/%" PRId64 " is as its manifest says: %" PRId64
                       " entries, %s",
                       service, number, json_integer_or(result, "entries", 0), size);
    else
        cli_print_line("the seal of %s/%" PRId64 " is NOT as its manifest says:", service, number);
    json_array_foreach(json_object_get(result, "findings"), index, finding)
        cli_print_line("  %s: %s", json_string_or(finding, "member", ""),
                       json_string_or(finding, "what", ""));
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
    if (status == CLI_OK && !is_running(operation))
        status = judge(operation);
    json_decref(operation);
    return status;
}
