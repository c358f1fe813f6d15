/* commands_cluster.c: coeval cluster ..., coeval root ... A place is written INSTANCE:PATH, as in
 * policies. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/timestamp.h"
#include "cli/cli_print.h"
#include "cli/commands.h"
#include "cli/device_call.h"

struct place {
    const char *instance, *path;
};

static bool read_place(struct cli *cli, const char *text, struct place *ret_place)
{
    const char *colon = strchr(text, ':');
    struct error error;
    size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
    if (length > 0 && (colon == NULL || colon[1] == '/')) {
        ret_place->instance = arena_copy(&cli->arena, text, length);
        ret_place->path = colon == NULL ? "/" : colon + 1;
        return true;
    }
    error_set(&error, ERROR_INVALID, "'%.100s' is not INSTANCE:/PATH, as in hdfs:/data", text);
    cli_print_error(cli, &error);
    return false;
}

/* ---- clusters ---- */

static void add_cluster(struct table *table, const json_t *cluster)
{
    size_t index;
    json_t *instance;
    const char *agent = cli_agent_state(cluster);
    json_array_foreach(json_object_get(cluster, "instances"), index, instance) {
        table_row(table);
        table_cell(table, json_string_or(cluster, "name", NULL));
        table_cell(table, json_string_or(cluster, "location", NULL));
        table_cell_coloured(table, agent, cli_state_colour(agent));
        table_cell(table, json_string_or(instance, "name", NULL));
        table_cell(table, json_string_or(instance, "kind", NULL));
        table_cell(table, json_string_or(instance, "identity", NULL));
    }
}

static int list_clusters(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"cluster", TABLE_LEFT},  {"location", TABLE_LEFT}, {"agent", TABLE_LEFT},
        {"instance", TABLE_LEFT}, {"kind", TABLE_LEFT},     {"identity", TABLE_LEFT},
    };
    struct table table;
    int status;
    size_t index;
    json_t *cluster, *answer = device_get(cli, "/v1/clusters", &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli)) {
        cli_print_json(answer);
    } else {
        table_init(&table, columns, sizeof columns / sizeof columns[0], cli->colours);
        json_array_foreach(json_object_get(answer, "clusters"), index, cluster)
            add_cluster(&table, cluster);
        cli_print_table(&table);
        table_fini(&table);
    }
    json_decref(answer);
    return status;
}

static void print_data_sets(const struct cli *cli, const json_t *answer)
{
    static const struct table_column columns[] = {
        {"name", TABLE_LEFT}, {"owner", TABLE_LEFT}, {"group", TABLE_LEFT}, {"mode", TABLE_RIGHT}};
    struct table table;
    size_t index;
    json_t *set;
    table_init(&table, columns, sizeof columns / sizeof columns[0], cli->colours);
    json_array_foreach(json_object_get(answer, "data_sets"), index, set) {
        table_row(&table);
        table_cell(&table, json_string_or(set, "name", NULL));
        table_cell(&table, json_string_or(set, "owner", NULL));
        table_cell(&table, json_string_or(set, "group", NULL));
        table_cell(&table, arena_format(&table.arena, "%" PRIo64,
                                        (uint64_t)json_integer_or(set, "mode", 0)));
    }
    cli_print_table(&table);
    table_fini(&table);
}

static int list_data_sets(struct cli *cli)
{
    struct device_path path;
    struct place place;
    int status;
    if (!read_place(cli, cli->arguments[1], &place))
        return CLI_USAGE;
    device_path_init(&path, "/v1/clusters");
    device_path_segment(&path, cli->arguments[0]);
    device_path_words(&path, "/datasets");
    device_path_parameter(&path, "instance", place.instance);
    device_path_parameter(&path, "path", place.path);
    json_t *answer = device_ask(cli, HTTP_GET, &path, NULL, &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli))
        cli_print_json(answer);
    else
        print_data_sets(cli, answer);
    json_decref(answer);
    return status;
}

/* ---- roots ---- */

static int list_roots(struct cli *cli)
{
    static const struct table_column columns[] = {{"cluster", TABLE_LEFT},
                                                  {"instance", TABLE_LEFT},
                                                  {"root", TABLE_LEFT},
                                                  {"since", TABLE_LEFT}};
    struct table table;
    int status;
    size_t index;
    json_t *root, *answer = device_get(cli, "/v1/roots", &status);
    if (answer == NULL)
        return status;
    if (cli_wants_json(cli)) {
        cli_print_json(answer);
        json_decref(answer);
        return status;
    }
    table_init(&table, columns, sizeof columns / sizeof columns[0], cli->colours);
    json_array_foreach(json_object_get(answer, "roots"), index, root) {
        char since[TIMESTAMP_TEXT_SIZE];
        timestamp_format(json_time_or(root, "since_us", 0) / 1000000 * 1000000, since);
        table_row(&table);
        table_cell(&table, json_string_or(root, "cluster", NULL));
        table_cell(&table, json_string_or(root, "instance", NULL));
        table_cell(&table, json_string_or(root, "root", NULL));
        table_cell(&table, since);
    }
    cli_print_table(&table);
    table_fini(&table);
    json_decref(answer);
    return status;
}

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

static int order_root(struct cli *cli, const char *words, const char *title)
{
    struct device_path path;
    struct place place;
    int status;
    if (!read_place(cli, cli->arguments[1], &place))
        return CLI_USAGE;
    json_t *body = device_reason(cli);
    json_set_string(body, "cluster", cli->arguments[0]);
    json_set_string(body, "instance", place.instance);
    json_set_string(body, "root", place.path);
    device_path_init(&path, words);
    json_t *plan = device_ask(cli, HTTP_POST, &path, body, &status);
    if (plan == NULL)
        return status;
    if (cli_wants_json(cli)) {
        cli_print_json(plan);
    } else {
        cli_print_line("%s %s %s:%s", title, cli->arguments[0], place.instance, place.path);
        print_names("replaces the roots", json_object_get(plan, "replaces"), "none");
        print_names("services that lose their base", json_object_get(plan, "lose_base"), "none");
        cli_print_line("%s", json_string_or(plan, "consequence", ""));
    }
    json_decref(plan);
    return status;
}

static int plan_root(struct cli *cli)
{
    return order_root(cli, "/v1/roots/plan", "a root at");
}

static int move_root(struct cli *cli)
{
    return order_root(cli, "/v1/roots/move", "the root is now at");
}

const struct command cluster_commands[] = {
    {.name = "list",
     .run = list_clusters,
     .arguments = "",
     .options = "",
     .summary = "clusters, their agents and component instances"},
    {.name = "datasets",
     .run = list_data_sets,
     .arguments = "CLUSTER INSTANCE[:/PATH]",
     .arguments_min = 2,
     .arguments_max = 2,
     .options = "",
     .summary = "directories that a policy may name"},
    {0},
};

const struct command root_commands[] = {
    {.name = "list",
     .run = list_roots,
     .arguments = "",
     .options = "",
     .summary = "directories of which snapshots are made"},
    {.name = "plan",
     .run = plan_root,
     .arguments = "CLUSTER INSTANCE:/PATH",
     .arguments_min = 2,
     .arguments_max = 2,
     .options = "",
     .summary = "what another root would mean"},
    {.name = "move",
     .run = move_root,
     .arguments = "CLUSTER INSTANCE:/PATH",
     .arguments_min = 2,
     .arguments_max = 2,
     .options = "r",
     .needs = "r",
     .summary = "make snapshots there from now on"},
    {0},
};
