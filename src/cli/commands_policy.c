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
#include "cli/turn.h"
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

static void add_applied(struct table *table, const json_t *root)
{
    table_cell(table, json_string_or(root, "cluster", NULL));
    table_cell(table, arena_format(&table->arena, "%s:%s", json_string_or(root, "instance", ""),
                                   json_string_or(root, "data_set", "")));
    table_cell(table, json_string_or(root, "root", NULL));
}

static void show_applied(struct cli *cli, const json_t *answer)
{
    static const struct cli_rows rows = {.columns = {{"cluster", TABLE_LEFT},
                                                     {"data set", TABLE_LEFT},
                                                     {"snapshots of", TABLE_LEFT}},
                                         .add = add_applied};
    const json_t *roots = json_object_get(answer, "roots");
    const char *name = json_string_or(answer, "name", "");
    if (cli->dry_run)
        cli_print_line("policy '%s' is sound and would be applied", name);
    else
        cli_print_line("policy '%s' applied, revision %" PRId64, name,
                       json_integer_or(answer, "revision", 0));
    if (json_array_size(roots) > 0)
        cli_print_rows(cli, roots, &rows);
    print_warnings(json_object_get(answer, "warnings"));
}

static int apply(struct cli *cli)
{
    struct error error;
    struct device_path path;
    const char *name;
    json_t *policy;
    if (!read_policy(cli, &policy, &name, &error)) {
        cli_print_error(cli, &error);
        return CLI_USAGE;
    }
    device_path_init(&path, "/v1/policies");
    device_path_segment(&path, name);
    device_path_parameter(&path, "dry_run", cli->dry_run ? "true" : NULL);
    device_path_parameter(&path, "reason", cli->reason);
    return device_tell(cli, HTTP_PUT, &path, policy, show_applied);
}

/* ---- list, show ---- */

static void add_policy(struct table *table, const json_t *policy)
{
    struct arena *arena = &table->arena;
    const json_t *seal = json_object_get(policy, "last_sealed");
    const char *state = json_string_or(policy, "state", "");
    table_cell(table, json_string_or(policy, "name", NULL));
    table_cell_coloured(table, state, cli_state_colour(state));
    table_cell(table, cli_number(arena, policy, "revision"));
    table_cell(table, arena_format(arena, "%s: %s -> %s", json_string_or(policy, "pair", ""),
                                   json_string_or(policy, "primary", ""),
                                   json_string_or(policy, "secondary", "")));
    table_cell(table, cli_instant(arena, seal, "t"));
    table_cell(table, cli_age(arena, policy, "age_seconds"));
    table_cell(table, cli_instant(arena, policy, "next"));
}

static void show_policies(struct cli *cli, const json_t *answer)
{
    static const struct cli_rows rows = {.columns = {{"policy", TABLE_LEFT},
                                                     {"state", TABLE_LEFT},
                                                     {"revision", TABLE_RIGHT},
                                                     {"pair", TABLE_LEFT},
                                                     {"last T", TABLE_LEFT},
                                                     {"age", TABLE_RIGHT},
                                                     {"next", TABLE_LEFT}},
                                         .add = add_policy,
                                         .dispensable = "revision,pair,last T",
                                         .none = "No policy yet: coeval policy apply -f FILE"};
    cli_print_rows(cli, json_object_get(answer, "policies"), &rows);
}

static int list(struct cli *cli)
{
    return device_tell_of(cli, "/v1/policies", show_policies);
}

/* The path of the policy that was named, or of an order to it. */
static struct device_path path_of(const struct cli *cli, const char *verb)
{
    struct device_path path;
    device_path_init(&path, "/v1/policies");
    device_path_segment(&path, cli->arguments[0]);
    if (verb != NULL)
        device_path_segment(&path, verb);
    return path;
}

static void show_policy(struct cli *cli, const json_t *policy)
{
    struct arena *arena = &cli->arena;
    const json_t *seal = json_object_get(policy, "last_sealed");
    cli_print_field("policy", json_string_or(policy, "name", NULL));
    cli_print_field("state", json_string_or(policy, "state", NULL));
    cli_print_field("revision", cli_number(arena, policy, "revision"));
    cli_print_field("primary", json_string_or(policy, "primary", NULL));
    cli_print_field("secondary", json_string_or(policy, "secondary", NULL));
    cli_print_field("next", cli_instant(arena, policy, "next"));
    cli_print_field("sealed epoch", cli_number(arena, seal, "number"));
    cli_print_field("its T", cli_instant(arena, seal, "t"));
    putchar('\n');
    cli_print_json(json_object_get(policy, "policy"));
}

static int show(struct cli *cli)
{
    struct device_path path = path_of(cli, NULL);
    return device_tell(cli, HTTP_GET, &path, NULL, show_policy);
}

/* ---- orders ---- */

static void show_outcome(struct cli *cli, const json_t *answer)
{
    (void)answer;
    cli_print_line("policy '%s' %s", cli->arguments[0], cli->row->outcome);
}

static int order(struct cli *cli)
{
    struct device_path path = path_of(cli, cli->row->name);
    return device_tell(cli, HTTP_POST, &path, device_reason(cli), show_outcome);
}

static int delete (struct cli *cli)
{
    struct device_path path = path_of(cli, NULL);
    device_path_parameter(&path, "reason", cli->reason);
    return device_tell(cli, HTTP_DELETE, &path, NULL, show_outcome);
}

static void show_begun(struct cli *cli, const json_t *answer)
{
    const char *service = json_string_or(answer, "service", cli->arguments[0]);
    int64_t number = json_integer_or(answer, "number", 0);
    cli_print_line("epoch %" PRId64 " of '%s' begins: coeval epoch show %s %" PRId64 " --follow",
                   number, service, service, number);
}

static int run(struct cli *cli)
{
    int status;
    struct device_answer answer;
    struct device_path path = path_of(cli, cli->row->name);
    if (!cli->wait)
        return device_tell(cli, HTTP_POST, &path, device_reason(cli), show_begun);
    if (!device_call(cli, HTTP_POST, &path, device_reason(cli), &answer)) {
        if (!answer.reached || answer.error.code != ERROR_CONFLICT)
            return device_failure(cli, &answer);
        struct error refusal = answer.error;
        if (!turn_await(cli, cli->arguments[0], &refusal, &status))
            return status;
        /* Once more, not for ever: epochs by the schedule may leave no room between them. */
        path = path_of(cli, cli->row->name);
        if (!device_call(cli, HTTP_POST, &path, device_reason(cli), &answer))
            return device_failure(cli, &answer);
    }
    uint64_t number = (uint64_t)json_integer_or(answer.document, "number", 0);
    const char *service =
        arena_string(&cli->arena, json_string_or(answer.document, "service", cli->arguments[0]));
    json_decref(answer.document);
    return follow_epoch(cli, service, number, "sealed", true);
}

const struct command policy_commands[] = {
    COMMAND("apply", apply, "", "f!nr", "put a policy into force, new or changed",
            .help = "doc/policy.md tells what it may say. It is checked here, and against the "
                    "stores of\nboth clusters; --dry-run ends there.\n"),
    COMMAND("list", list, "", "", "all policies, and how they stand"),
    COMMAND("show", show, "POLICY", "", "one policy, every default written out"),
    COMMAND("run", run, "POLICY", "rwt", "an epoch now",
            .help = "Its T is lead_time of the policy from now. While another epoch of the policy "
                    "runs it\nis refused (exit status 2); with --wait it begins when that one has "
                    "ended.\n"),
    COMMAND("pause", order, "POLICY", "r", "no more epochs by the schedule",
            .outcome = "is paused; an epoch that runs goes on to its end"),
    COMMAND("resume", order, "POLICY", "r", "epochs by the schedule again",
            .outcome = "is resumed"),
    COMMAND("delete", delete, "POLICY", "r!", "forget a policy; nothing on the clusters is removed",
            .outcome = "is deleted; its seals stay on both clusters"),
    {0},
};
