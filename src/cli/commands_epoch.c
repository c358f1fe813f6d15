/* commands_epoch.c: coeval epoch ... An epoch is named SERVICE NUMBER or SERVICE/NUMBER; without a
 * number it is the newest one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli_print.h"
#include "cli/commands.h"
#include "cli/device_call.h"
#include "cli/epoch_table.h"
#include "cli/follow.h"
#include "cli/human.h"
#include "cli/operation_show.h"

/* ---- which one ---- */

struct chosen {
    const char *service;
    uint64_t number;
};

static bool read_number(const struct cli *cli, const char *text, struct chosen *chosen,
                        int *ret_status)
{
    struct error error;
    if (human_parse_count(text, &chosen->number))
        return true;
    error_set(&error, ERROR_INVALID, "'%s' is no number of an epoch: see `coeval epoch list %s`",
              text, chosen->service);
    cli_print_error(cli, &error);
    *ret_status = CLI_USAGE;
    return false;
}

static bool find_newest(const struct cli *cli, struct chosen *chosen, int *ret_status)
{
    struct device_path path;
    struct error error;
    device_path_init(&path, "/v1/epochs");
    device_path_parameter(&path, "service", chosen->service);
    device_path_count(&path, "limit", 1);
    json_t *answer = device_ask(cli, HTTP_GET, &path, NULL, ret_status);
    if (answer == NULL)
        return false;
    const json_t *newest = json_array_get(json_object_get(answer, "epochs"), 0);
    chosen->number = (uint64_t)json_integer_or(newest, "number", 0);
    json_decref(answer);
    if (chosen->number != 0)
        return true;
    error_set(&error, ERROR_NOT_FOUND, "'%s' has no epoch yet: coeval policy run %s",
              chosen->service, chosen->service);
    cli_print_error(cli, &error);
    *ret_status = CLI_NOT_FOUND;
    return false;
}

static bool choose(struct cli *cli, struct chosen *ret_chosen, int *ret_status)
{
    const char *name = cli->arguments[0], *slash = strrchr(name, '/');
    const char *number = cli->arguments[1];
    *ret_chosen = (struct chosen){.service = name};
    if (number == NULL && slash != NULL) {
        ret_chosen->service = arena_copy(&cli->arena, name, (size_t)(slash - name));
        number = slash + 1;
    }
    return number != NULL ? read_number(cli, number, ret_chosen, ret_status)
                          : find_newest(cli, ret_chosen, ret_status);
}

/* ---- list, show ---- */

static void show_epochs(struct cli *cli, const json_t *answer)
{
    epoch_table_print(cli, json_object_get(answer, "epochs"));
}

static int list(struct cli *cli)
{
    struct device_path path;
    device_path_init(&path, "/v1/epochs");
    device_path_parameter(&path, "service", cli->arguments[0]);
    device_path_count(&path, "limit", cli->limit);
    return device_tell(cli, HTTP_GET, &path, NULL, show_epochs);
}

/* Where a data set lies frozen, once it is sealed. */
static const char *sealed_place(struct arena *arena, const json_t *epoch, const char *id)
{
    const json_t *seal = json_object_get(json_object_get(epoch, "commit"), "seal");
    size_t index;
    json_t *member;
    json_array_foreach(json_object_get(seal, "members"), index, member) {
        const char *path = json_string_or(json_object_get(member, "snapshot"), "path", NULL);
        if (path != NULL && strcmp(json_string_or(member, "id", ""), id) == 0)
            return arena_format(arena, "%s:%s", json_string_or(member, "target_instance", ""),
                                path);
    }
    return NULL;
}

static void add_member(struct table *table, const json_t *epoch, const json_t *member)
{
    struct arena *arena = &table->arena;
    bool gone = json_boolean_or(member, "tombstone", false);
    table_row(table);
    table_cell(table,
               arena_format(arena, "%s:%s%s", json_string_or(member, "instance", ""),
                            json_string_or(member, "source_path", ""), gone ? " (gone)" : ""));
    table_cell(table, arena_format(arena, "%s:%s", json_string_or(member, "target_instance", ""),
                                   json_string_or(member, "target_path", "")));
    table_cell(table, sealed_place(arena, epoch, json_string_or(member, "id", "?")));
}

static void print_members(const struct cli *cli, const json_t *epoch)
{
    static const struct table_column columns[] = {
        {"data set", TABLE_LEFT}, {"on the secondary", TABLE_LEFT}, {"its seal", TABLE_LEFT}};
    struct table table;
    size_t index;
    json_t *member;
    table_init(&table, columns, sizeof columns / sizeof columns[0], cli->colours);
    json_array_foreach(json_object_get(epoch, "members"), index, member)
        add_member(&table, epoch, member);
    putchar('\n');
    cli_print_table(&table);
    table_fini(&table);
}

static void print_numbers(struct arena *arena, const json_t *epoch)
{
    cli_print_field("grade", json_string_or(epoch, "grade", NULL));
    cli_print_field("skew", cli_skew(arena, epoch, "skew_us"));
    cli_print_field("files", cli_number(arena, epoch, "files"));
    cli_print_field("bytes", cli_size(arena, epoch, "bytes"));
    cli_print_field("removed", cli_number(arena, epoch, "entries_removed"));
    cli_print_field("moved", cli_number(arena, epoch, "moved"));
    cli_print_field("operations", cli_number(arena, epoch, "operations"));
    cli_print_field("seconds", cli_number(arena, epoch, "seconds"));
    cli_print_field("sealed", cli_instant(arena, epoch, "sealed_at"));
}

static void show_epoch(struct cli *cli, const json_t *epoch)
{
    struct arena *arena = &cli->arena;
    cli_print_field("epoch", arena_format(arena, "%s/%s", json_string_or(epoch, "service", ""),
                                          cli_number(arena, epoch, "number")));
    cli_print_field("T", cli_instant(arena, epoch, "t"));
    cli_print_field("state", json_string_or(epoch, "state", NULL));
    cli_print_field("phase", json_string_or(json_object_get(epoch, "progress"), "phase", NULL));
    cli_print_field("attempt", cli_number(arena, epoch, "attempt"));
    cli_print_field("mode", json_string_or(epoch, "mode", NULL));
    cli_print_field("direction", json_string_or(epoch, "direction", NULL));
    cli_print_field("base", cli_number(arena, epoch, "base"));
    print_numbers(arena, epoch);
    if (json_boolean_or(epoch, "primary_lost", false))
        cli_print_field("primary", "declared lost: nothing is awaited from it");
    cli_print_field("cause", json_string_or(json_object_get(epoch, "cause"), "message", NULL));
    if (json_array_size(json_object_get(epoch, "members")) > 0)
        print_members(cli, epoch);
    epoch_print_question(epoch);
    if (json_is_object(json_object_get(epoch, "progress")) && !epoch_waits(epoch)) {
        putchar('\n');
        cli_print_line("It runs: coeval epoch show %s %s --follow",
                       json_string_or(epoch, "service", ""), cli_number(arena, epoch, "number"));
    }
}

static int show(struct cli *cli)
{
    struct chosen chosen;
    struct device_path path;
    int status;
    if (!choose(cli, &chosen, &status))
        return status;
    if (cli->follow)
        return follow_epoch(cli, chosen.service, chosen.number, "sealed", false);
    device_path_epoch(&path, chosen.service, chosen.number);
    return device_tell(cli, HTTP_GET, &path, NULL, show_epoch);
}

/* ---- orders ---- */

static void show_state(struct cli *cli, const json_t *epoch)
{
    (void)cli;
    cli_print_line("epoch %" PRId64 " of '%s': %s", json_integer_or(epoch, "number", 0),
                   json_string_or(epoch, "service", ""), json_string_or(epoch, "state", ""));
}

/* Where the order of that name goes. */
static bool address(struct cli *cli, struct chosen *chosen, struct device_path *path,
                    int *ret_status)
{
    if (!choose(cli, chosen, ret_status))
        return false;
    device_path_epoch(path, chosen->service, chosen->number);
    device_path_segment(path, cli->row->name);
    return true;
}

static int order(struct cli *cli)
{
    struct chosen chosen;
    struct device_path path;
    int status;
    if (!address(cli, &chosen, &path, &status))
        return status;
    if (!cli->wait)
        return device_tell(cli, HTTP_POST, &path, device_reason(cli), show_state);
    json_t *epoch = device_ask(cli, HTTP_POST, &path, device_reason(cli), &status);
    if (epoch == NULL)
        return status;
    json_decref(epoch);
    return follow_epoch(cli, chosen.service, chosen.number, cli->row->outcome, true);
}

static int verify(struct cli *cli)
{
    struct chosen chosen;
    struct device_path path;
    int status;
    return address(cli, &chosen, &path, &status) ? operation_run_at(cli, &path, json_object())
                                                 : status;
}

#define WHICH "SERVICE [NUMBER]"
#define WHICH_HELP "Without NUMBER it is the newest one; SERVICE/NUMBER is understood, too.\n"

const struct command epoch_commands[] = {
    COMMAND("list", list, "[SERVICE]", "l", "newest first: T, grade, skew, what was moved",
            .help = "The newest 50 of each service, unless --limit says otherwise.\n"),
    COMMAND("show", show, WHICH, "Ft", "one epoch; --follow stays until it has ended",
            .help = WHICH_HELP),
    COMMAND("verify", verify, WHICH, "Wt", "compare a seal with its manifest, entry by entry",
            .help = WHICH_HELP "Exit status 5 when they differ.\n"),
    COMMAND("abandon", order, WHICH, "r!wt", "give an epoch up before its commit",
            .help = WHICH_HELP, .outcome = "abandoned"),
    COMMAND("rollback", order, WHICH, "r!wt", "bring the secondary back to the seal before",
            .help = WHICH_HELP "Of an epoch whose commit has begun and that is not sealed.\n",
            .outcome = "abandoned"),
    COMMAND("resume", order, WHICH, "rwt", "try a stuck commit again", .help = WHICH_HELP,
            .outcome = "sealed"),
    COMMAND("approve", order, WHICH, "r!wt", "say yes to what an epoch waits for",
            .help = WHICH_HELP, .outcome = "sealed"),
    COMMAND("lost", order, WHICH, "r!wt",
            "declare the primary lost: nothing is awaited from it any more", .help = WHICH_HELP,
            .outcome = "sealed"),
    {0},
};
