/* commands_policy.c: coeval policy ... */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/cli_print.h"
#include "cli/commands.h"
#include "cli/device_call.h"
#include "cli/follow.h"
#include "cli/human.h"
#include "policy/policy.h"
#include "yaml/yaml_reader.h"

/* ---- apply ---- */

static bool read_stdin(struct buffer *text, struct error *error)
{
    char piece[16384];
    for (;;) {
        ssize_t size = read(STDIN_FILENO, piece, sizeof piece);
        if (size < 0)
            return error_set_errno(error, errno, "standard input");
        if (size == 0)
            break;
        buffer_append(text, piece, (size_t)size);
    }
    return !text->failed ||
           error_set(error, ERROR_LIMIT, "standard input: more than %zu bytes", YAML_BYTES_MAX);
}

static bool read_document(const char *file, struct document *ret_document, struct error *error)
{
    struct buffer text;
    if (strcmp(file, "-") != 0)
        return yaml_read_file(file, ret_document, error);
    buffer_init(&text, YAML_BYTES_MAX);
    bool done = read_stdin(&text, error) &&
                yaml_parse("stdin", buffer_text(&text), text.size, ret_document, error);
    buffer_fini(&text);
    return done;
}

/* Read here first: only here the lines and columns are known. */
static bool read_policy(struct cli *cli, json_t **ret_policy, const char **ret_name,
                        struct error *error)
{
    struct document document;
    struct policy policy;
    if (!read_document(cli->file, &document, error))
        return false;
    bool sound = policy_parse(&document, &policy, error);
    if (sound) {
        *ret_name = arena_string(&cli->arena, policy.name);
        *ret_policy = json_deep_copy(document.root);
        policy_fini(&policy);
    }
    document_fini(&document);
    return sound;
}

/* Both clusters may say the same. */
static bool was_said(const json_t *warnings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_equal(json_array_get(warnings, i), json_array_get(warnings, count)))
            return true;
    return false;
}

static void print_warnings(const json_t *warnings)
{
    size_t index;
    json_t *warning;
    json_array_foreach(warnings, index, warning) {
        if (was_said(warnings, index))
            continue;
        cli_print_line("warning: %s", json_string_or(warning, "what", ""));
        if (json_string_or(warning, "remedy", NULL) != NULL)
            cli_print_line("      -> %s", json_string_or(warning, "remedy", ""));
    }
}

static void print_applied(const struct cli *cli, const json_t *answer)
{
    static const struct table_column columns[] = {
        {"cluster", TABLE_LEFT}, {"data set", TABLE_LEFT}, {"snapshots of", TABLE_LEFT}};
    struct table table;
    size_t index;
    json_t *item;
    const char *name = json_string_or(answer, "name", "");
    if (cli->dry_run)
        cli_print_line("policy '%s' is sound and would be applied", name);
    else
        cli_print_line("policy '%s' applied, revision %" PRId64, name,
                       json_integer_or(answer, "revision", 0));
    table_init(&table, columns, sizeof columns / sizeof columns[0], cli->colours);
    json_array_foreach(json_object_get(answer, "roots"), index, item) {
        const char *instance = json_string_or(item, "instance", "");
        table_row(&table);
        table_cell(&table, json_string_or(item, "cluster", NULL));
        table_cell(&table, arena_format(&table.arena, "%s:%s", instance,
                                        json_string_or(item, "data_set", "")));
        table_cell(&table, json_string_or(item, "root", NULL));
    }
    if (index > 0)
        cli_print_table(&table);
    table_fini(&table);
    print_warnings(json_object_get(answer, "warnings"));
}

static int apply(struct cli *cli)
{
    struct error error;
    struct device_path path;
    const char *name;
    json_t *policy;
    int status;
    if (!read_policy(cli, &policy, &name, &error)) {
        cli_print_error(cli, &error);
        return CLI_USAGE;
    }
    device_path_init(&path, "/v1/policies");
    device_path_segment(&path, name);
    device_path_parameter(&path, "dry_run", cli->dry_run ? "true" : NULL);
    device_path_parameter(&path, "reason", cli->reason);
    json_t *answer = device_ask(cli, HTTP_PUT, &path, policy, &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(answer);
    else
        print_applied(cli, answer);
    json_decref(answer);
    return status;
}

/* ---- list, show ---- */

static void add_policy(struct table *table, const json_t *policy)
{
    struct arena *arena = &table->arena;
    const json_t *seal = json_object_get(policy, "last_sealed");
    const char *state = json_string_or(policy, "state", "");
    char age[HUMAN_TEXT_SIZE] = "";
    if (json_integer_or(policy, "age_seconds", -1) >= 0)
        human_age(json_integer_or(policy, "age_seconds", 0), age);
    table_row(table);
    table_cell(table, json_string_or(policy, "name", NULL));
    table_cell_coloured(table, state, cli_state_colour(state));
    table_cell(table, cli_number(arena, policy, "revision"));
    table_cell(table, arena_format(arena, "%s: %s -> %s", json_string_or(policy, "pair", ""),
                                   json_string_or(policy, "primary", ""),
                                   json_string_or(policy, "secondary", "")));
    table_cell(table, cli_instant(arena, seal, "t"));
    table_cell(table, age);
    table_cell(table, cli_instant(arena, policy, "next"));
}

static int list(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"policy", TABLE_LEFT}, {"state", TABLE_LEFT},  {"revision", TABLE_RIGHT},
        {"pair", TABLE_LEFT},   {"last T", TABLE_LEFT}, {"age", TABLE_RIGHT},
        {"next", TABLE_LEFT},
    };
    struct table table;
    int status;
    size_t index;
    json_t *policy, *answer = device_get(cli, "/v1/policies", &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli)) {
        cli_print_json(answer);
    } else {
        table_init(&table, columns, sizeof columns / sizeof columns[0], cli->colours);
        json_array_foreach(json_object_get(answer, "policies"), index, policy)
            add_policy(&table, policy);
        cli_print_table(&table);
        table_fini(&table);
    }
    json_decref(answer);
    return status;
}

static json_t *order(struct cli *cli, enum http_method method, const char *verb, int *ret_status)
{
    struct device_path path;
    device_path_init(&path, "/v1/policies");
    device_path_segment(&path, cli->arguments[0]);
    if (verb != NULL)
        device_path_segment(&path, verb);
    if (method == HTTP_DELETE)
        device_path_parameter(&path, "reason", cli->reason);
    return device_ask(cli, method, &path, verb == NULL ? NULL : device_reason(cli), ret_status);
}

static int show(struct cli *cli)
{
    int status;
    json_t *policy = order(cli, HTTP_GET, NULL, &status);
    if (policy == NULL)
        return status;
    if (cli_wants_json(cli)) {
        cli_print_json(policy);
    } else {
        struct arena *arena = &cli->arena;
        cli_print_field("policy", json_string_or(policy, "name", NULL));
        cli_print_field("state", json_string_or(policy, "state", NULL));
        cli_print_field("revision", cli_number(arena, policy, "revision"));
        cli_print_field("primary", json_string_or(policy, "primary", NULL));
        cli_print_field("secondary", json_string_or(policy, "secondary", NULL));
        cli_print_field("next", cli_instant(arena, policy, "next"));
        const json_t *seal = json_object_get(policy, "last_sealed");
        cli_print_field("sealed epoch", cli_number(arena, seal, "number"));
        cli_print_field("its T", cli_instant(arena, seal, "t"));
        putchar('\n');
        cli_print_json(json_object_get(policy, "policy"));
    }
    json_decref(policy);
    return status;
}

/* ---- orders ---- */

static int give(struct cli *cli, enum http_method method, const char *verb, const char *done)
{
    int status;
    json_t *answer = order(cli, method, verb, &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(answer);
    else
        cli_print_line("policy '%s' %s", cli->arguments[0], done);
    json_decref(answer);
    return status;
}

static int delete (struct cli *cli)
{
    return give(cli, HTTP_DELETE, NULL, "is deleted; its seals stay on both clusters");
}

static int pause_policy(struct cli *cli)
{
    return give(cli, HTTP_POST, "pause", "is paused; an epoch that runs goes on to its end");
}

static int resume(struct cli *cli)
{
    return give(cli, HTTP_POST, "resume", "is resumed");
}

static int run(struct cli *cli)
{
    int status;
    json_t *answer = order(cli, HTTP_POST, "run", &status);
    if (answer == NULL)
        return status;
    uint64_t number = (uint64_t)json_integer_or(answer, "number", 0);
    const char *service =
        arena_string(&cli->arena, json_string_or(answer, "service", cli->arguments[0]));
    if (!cli->wait && cli_wants_json(cli))
        cli_print_json(answer);
    else if (!cli->wait)
        cli_print_line("epoch %" PRIu64 " of '%s' begins: coeval epoch show %s %" PRIu64
                       " --follow",
                       number, service, service, number);
    json_decref(answer);
    return cli->wait ? follow_epoch(cli, service, number, "sealed") : status;
}

const struct command policy_commands[] = {
    {.name = "apply",
     .run = apply,
     .arguments = "",
     .options = "fnr",
     .needs = "f",
     .summary = "put a policy into force, new or changed",
     .help = "doc/policy.md tells what it may say. It is checked here, and against the stores of\n"
             "both clusters; --dry-run ends there.\n"},
    {.name = "list",
     .run = list,
     .arguments = "",
     .options = "",
     .summary = "all policies, and how they stand"},
    {.name = "show",
     .run = show,
     .arguments = "POLICY",
     .arguments_min = 1,
     .arguments_max = 1,
     .options = "",
     .summary = "one policy, every default written out"},
    {.name = "run",
     .run = run,
     .arguments = "POLICY",
     .arguments_min = 1,
     .arguments_max = 1,
     .options = "rwt",
     .summary = "an epoch now"},
    {.name = "pause",
     .run = pause_policy,
     .arguments = "POLICY",
     .arguments_min = 1,
     .arguments_max = 1,
     .options = "r",
     .summary = "no more epochs by the schedule"},
    {.name = "resume",
     .run = resume,
     .arguments = "POLICY",
     .arguments_min = 1,
     .arguments_max = 1,
     .options = "r",
     .summary = "epochs by the schedule again"},
    {.name = "delete",
     .run = delete,
     .arguments = "POLICY",
     .arguments_min = 1,
     .arguments_max = 1,
     .options = "r",
     .needs = "r",
     .summary = "forget a policy; nothing on the clusters is removed"},
    {0},
};
