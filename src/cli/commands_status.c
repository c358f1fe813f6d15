/* commands_status.c: coeval status: the whole on one page. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli_print.h"
#include "cli/commands.h"
#include "cli/device_call.h"
#include "cli/epoch_table.h"

/* "4 receiving 52%" */
static const char *running_of(struct arena *arena, const json_t *service)
{
    const json_t *epoch = json_object_get(service, "running");
    const json_t *progress = json_object_get(epoch, "progress");
    int64_t total = json_integer_or(progress, "bytes_total", 0);
    int64_t done = json_integer_or(progress, "bytes_done", 0);
    if (!json_is_object(epoch))
        return NULL;
    int64_t number = json_integer_or(epoch, "number", 0);
    const char *state = json_string_or(epoch, "state", "");
    if (total <= 0)
        return arena_format(arena, "%" PRId64 " %s", number, state);
    return arena_format(arena, "%" PRId64 " %s %d%%", number, state,
                        (int)((double)done * 100 / (double)total));
}

static void add_service(struct table *table, const json_t *service)
{
    struct arena *arena = &table->arena;
    const json_t *seal = json_object_get(service, "last_sealed");
    const char *state = json_string_or(service, "state", "");
    table_cell(table, json_string_or(service, "name", NULL));
    table_cell_coloured(table, state, cli_state_colour(state));
    table_cell(table, cli_number(arena, seal, "number"));
    table_cell(table, cli_instant(arena, seal, "t"));
    table_cell(table, cli_age(arena, service, "age_seconds"));
    table_cell(table, json_string_or(seal, "grade", NULL));
    table_cell(table, running_of(arena, service));
    table_cell(table, cli_instant(arena, service, "next"));
}

static void print_services(const struct cli *cli, const json_t *services)
{
    static const struct cli_rows rows = {.columns = {{"service", TABLE_LEFT},
                                                     {"state", TABLE_LEFT},
                                                     {"sealed", TABLE_RIGHT},
                                                     {"T", TABLE_LEFT},
                                                     {"age", TABLE_RIGHT},
                                                     {"grade", TABLE_LEFT},
                                                     {"running", TABLE_LEFT},
                                                     {"next", TABLE_LEFT}},
                                         .add = add_service,
                                         .dispensable = "grade,T",
                                         .none = "No policy yet: coeval policy apply -f FILE"};
    cli_print_rows(cli, services, &rows);
}

static void add_cluster(struct table *table, const json_t *cluster)
{
    const char *agent = cli_agent_state(cluster);
    table_cell(table, json_string_or(cluster, "name", NULL));
    table_cell_coloured(table, agent, cli_state_colour(agent));
    table_cell(table, cli_instant(&table->arena, cluster, "since"));
}

static void print_clusters(const struct cli *cli, const json_t *clusters)
{
    static const struct cli_rows rows = {
        .columns = {{"cluster", TABLE_LEFT}, {"agent", TABLE_LEFT}, {"since", TABLE_LEFT}},
        .add = add_cluster};
    putchar('\n');
    cli_print_rows(cli, clusters, &rows);
}

static void print_unreachable(const json_t *clusters)
{
    size_t index;
    json_t *cluster;
    json_array_foreach(clusters, index, cluster) {
        const char *why = json_string_or(json_object_get(cluster, "error"), "message", NULL);
        if (strcmp(cli_agent_state(cluster), "unreachable") == 0 && why != NULL)
            cli_print_line("%s: %s (coeval check)", json_string_or(cluster, "name", ""), why);
    }
}

/* What policies let go and nobody has removed. */
static void print_left(struct cli *cli, const json_t *service)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(service, "left_behind"), index, item) {
        const char *size = cli_size(&cli->arena, item, "bytes");
        cli_print_line("%s: left behind: %s:%s on %s%s%s; %s", json_string_or(service, "name", ""),
                       json_string_or(item, "instance", ""), json_string_or(item, "path", ""),
                       json_string_or(item, "cluster", ""), size == NULL ? "" : ", ",
                       size == NULL ? "" : size, json_string_or(item, "remedy", ""));
    }
}

/* What needs somebody stands before what is only told. */
static void show_status(struct cli *cli, const json_t *status)
{
    const json_t *services = json_object_get(status, "services");
    const json_t *clusters = json_object_get(status, "clusters");
    size_t index;
    json_t *service;
    print_services(cli, services);
    json_array_foreach(services, index, service)
        epoch_print_question(json_object_get(service, "running"));
    print_clusters(cli, clusters);
    print_unreachable(clusters);
    json_array_foreach(services, index, service)
        print_left(cli, service);
    if (!json_boolean_or(status, "clock_synchronised", true)) {
        putchar('\n');
        cli_print_line("The device's clock is not disciplined by a time service: T is an instant "
                       "of UTC, run chrony or ntpd.");
    }
}

static int judge(const json_t *status)
{
    size_t index;
    json_t *item;
    int result = CLI_OK;
    json_array_foreach(json_object_get(status, "clusters"), index, item)
        if (strcmp(cli_agent_state(item), "unreachable") == 0)
            result = CLI_UNREACHABLE;
    json_array_foreach(json_object_get(status, "services"), index, item)
        if (epoch_waits(json_object_get(item, "running")))
            result = CLI_WAITING;
    return result;
}

int command_status(struct cli *cli)
{
    int result;
    json_t *status = device_get(cli, "/v1/status", &result);
    if (status == NULL)
        return result;
    if (cli_wants_json(cli))
        cli_print_json(status);
    else
        show_status(cli, status);
    if (cli->exit_code)
        result = judge(status);
    json_decref(status);
    return result;
}
