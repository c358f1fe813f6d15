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
    size_t length = strlen(text);
    if (length > 0 && length <= 18 && strspn(text, "0123456789") == length) {
        chosen->number = strtoull(text, NULL, 10);
        return true;
    }
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
    device_path_parameter(&path, "limit", "1");
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

static void path_of(struct device_path *path, const struct chosen *chosen)
{
    device_path_init(path, "/v1/services");
    device_path_segment(path, chosen->service);
    device_path_words(path, "/epochs");
    device_path_number(path, chosen->number);
}

/* ---- list, show ---- */

static int list(struct cli *cli)
{
    struct device_path path;
    int status;
    device_path_init(&path, "/v1/epochs");
    device_path_parameter(&path, "service", cli->arguments[0]);
    if (cli->limit != 0)
        device_path_parameter(&path, "limit", arena_format(&cli->arena, "%" PRIu64, cli->limit));
    json_t *answer = device_ask(cli, HTTP_GET, &path, NULL, &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(answer);
    else
        epoch_table_print(cli, json_object_get(answer, "epochs"));
    json_decref(answer);
    return status;
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
    char skew[HUMAN_TEXT_SIZE] = "";
    if (json_integer_or(epoch, "skew_us", -1) >= 0)
        human_skew(json_integer_or(epoch, "skew_us", 0), skew);
    cli_print_field("grade", json_string_or(epoch, "grade", NULL));
    cli_print_field("skew", skew);
    cli_print_field("files", cli_number(arena, epoch, "files"));
    cli_print_field("bytes", cli_size(arena, epoch, "bytes"));
    cli_print_field("removed", cli_number(arena, epoch, "entries_removed"));
    cli_print_field("moved", cli_number(arena, epoch, "moved"));
    cli_print_field("operations", cli_number(arena, epoch, "operations"));
    cli_print_field("seconds", cli_number(arena, epoch, "seconds"));
    cli_print_field("sealed", cli_instant(arena, epoch, "sealed_at"));
}

static void print_epoch(struct cli *cli, const json_t *epoch)
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
    cli_print_field("cause", json_string_or(json_object_get(epoch, "cause"), "message", NULL));
    if (json_array_size(json_object_get(epoch, "members")) > 0)
        print_members(cli, epoch);
    epoch_print_question(epoch);
}

static int show(struct cli *cli)
{
    struct chosen chosen;
    struct device_path path;
    int status;
    if (!choose(cli, &chosen, &status))
        return status;
    if (cli->follow)
        return follow_epoch(cli, chosen.service, chosen.number, "sealed");
    path_of(&path, &chosen);
    json_t *epoch = device_ask(cli, HTTP_GET, &path, NULL, &status);
    if (epoch == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(epoch);
    else
        print_epoch(cli, epoch);
    json_decref(epoch);
    return status;
}

/* ---- orders ---- */

static int give(struct cli *cli, const char *verb, const char *expected)
{
    struct chosen chosen;
    struct device_path path;
    int status;
    if (!choose(cli, &chosen, &status))
        return status;
    path_of(&path, &chosen);
    device_path_segment(&path, verb);
    json_t *epoch = device_ask(cli, HTTP_POST, &path, device_reason(cli), &status);
    if (epoch == NULL)
        return status;
    if (!cli->wait && cli_wants_json(cli))
        cli_print_json(epoch);
    else if (!cli->wait)
        cli_print_line("epoch %" PRIu64 " of '%s': %s", chosen.number, chosen.service,
                       json_string_or(epoch, "state", ""));
    json_decref(epoch);
    return cli->wait ? follow_epoch(cli, chosen.service, chosen.number, expected) : status;
}

static int abandon(struct cli *cli)
{
    return give(cli, "abandon", "abandoned");
}

static int rollback(struct cli *cli)
{
    return give(cli, "rollback", "abandoned");
}

static int resume(struct cli *cli)
{
    return give(cli, "resume", "sealed");
}

static int approve(struct cli *cli)
{
    return give(cli, "approve", "sealed");
}

static int lost(struct cli *cli)
{
    return give(cli, "lost", "sealed");
}

/* ---- verify ---- */

static int verify(struct cli *cli)
{
    struct chosen chosen;
    struct device_path path;
    int status;
    if (!choose(cli, &chosen, &status))
        return status;
    path_of(&path, &chosen);
    device_path_segment(&path, "verify");
    json_t *operation = device_operate(cli, &path, json_object(), &status);
    return operation_show(cli, operation, status);
}

#define WHICH .arguments = "SERVICE [NUMBER]", .arguments_min = 1, .arguments_max = 2

const struct command epoch_commands[] = {
    {.name = "list",
     .run = list,
     .arguments = "[SERVICE]",
     .arguments_max = 1,
     .options = "l",
     .summary = "newest first: T, grade, skew, what was moved"},
    {.name = "show",
     .run = show,
     WHICH,
     .options = "Ft",
     .summary = "one epoch; --follow stays until it has ended"},
    {.name = "verify",
     .run = verify,
     WHICH,
     .options = "Wt",
     .summary = "compare a seal with its manifest, entry by entry"},
    {.name = "abandon",
     .run = abandon,
     WHICH,
     .options = "rwt",
     .needs = "r",
     .summary = "give an epoch up before its commit"},
    {.name = "rollback",
     .run = rollback,
     WHICH,
     .options = "rwt",
     .needs = "r",
     .summary = "bring the secondary back to the seal before"},
    {.name = "resume",
     .run = resume,
     WHICH,
     .options = "rwt",
     .summary = "try a stuck commit again"},
    {.name = "approve",
     .run = approve,
     WHICH,
     .options = "rwt",
     .needs = "r",
     .summary = "say yes to what an epoch waits for"},
    {.name = "lost",
     .run = lost,
     WHICH,
     .options = "rwt",
     .needs = "r",
     .summary = "declare the primary lost: nothing is awaited from it any more"},
    {0},
};
