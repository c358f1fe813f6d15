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
#include "cli/operation_show.h"

struct place {
    const char *instance, *path;
};

static bool read_place(struct cli *cli, const char *text, bool path_needed, struct place *ret_place)
{
    const char *colon = strchr(text, ':');
    struct error error;
    size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
    if (length > 0 && (colon == NULL ? !path_needed : colon[1] == '/')) {
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
        if (index > 0)
            table_row(table);
        table_cell(table, json_string_or(cluster, "name", NULL));
        table_cell(table, json_string_or(cluster, "location", NULL));
        table_cell_coloured(table, agent, cli_state_colour(agent));
        table_cell(table, json_string_or(instance, "name", NULL));
        table_cell(table, json_string_or(instance, "kind", NULL));
        table_cell(table, json_string_or(instance, "identity", NULL));
    }
}

static void show_clusters(struct cli *cli, const json_t *answer)
{
    static const struct cli_rows rows = {.columns = {{"cluster", TABLE_LEFT},
                                                     {"location", TABLE_LEFT},
                                                     {"agent", TABLE_LEFT},
                                                     {"instance", TABLE_LEFT},
                                                     {"kind", TABLE_LEFT},
                                                     {"identity", TABLE_LEFT}},
                                         .add = add_cluster};
    cli_print_rows(cli, json_object_get(answer, "clusters"), &rows);
}

static int list_clusters(struct cli *cli)
{
    return device_tell_of(cli, "/v1/clusters", show_clusters);
}

static void add_data_set(struct table *table, const json_t *set)
{
    table_cell(table, json_string_or(set, "name", NULL));
    table_cell(table, json_string_or(set, "owner", NULL));
    table_cell(table, json_string_or(set, "group", NULL));
    table_cell(table,
               arena_format(&table->arena, "%" PRIo64, (uint64_t)json_integer_or(set, "mode", 0)));
}

static void show_data_sets(struct cli *cli, const json_t *answer)
{
    static const struct cli_rows rows = {.columns = {{"name", TABLE_LEFT},
                                                     {"owner", TABLE_LEFT},
                                                     {"group", TABLE_LEFT},
                                                     {"mode", TABLE_RIGHT}},
                                         .add = add_data_set,
                                         .none = "No directories there."};
    cli_print_rows(cli, json_object_get(answer, "data_sets"), &rows);
}

static int list_data_sets(struct cli *cli)
{
    struct device_path path;
    struct place place;
    if (!read_place(cli, cli->arguments[1], false, &place))
        return CLI_USAGE;
    device_path_init(&path, "/v1/clusters");
    device_path_segment(&path, cli->arguments[0]);
    device_path_words(&path, "/datasets");
    device_path_parameter(&path, "instance", place.instance);
    device_path_parameter(&path, "path", place.path);
    return device_tell(cli, HTTP_GET, &path, NULL, show_data_sets);
}

/* ---- roots ---- */

static void add_root(struct table *table, const json_t *root)
{
    char since[TIMESTAMP_TEXT_SIZE];
    timestamp_format(json_time_or(root, "since_us", 0) / 1000000 * 1000000, since);
    table_cell(table, json_string_or(root, "cluster", NULL));
    table_cell(table, json_string_or(root, "instance", NULL));
    table_cell(table, json_string_or(root, "root", NULL));
    table_cell(table, since);
}

static void show_roots(struct cli *cli, const json_t *answer)
{
    static const struct cli_rows rows = {.columns = {{"cluster", TABLE_LEFT},
                                                     {"instance", TABLE_LEFT},
                                                     {"root", TABLE_LEFT},
                                                     {"since", TABLE_LEFT}},
                                         .add = add_root,
                                         .none = "No root yet: applying a policy makes them."};
    cli_print_rows(cli, json_object_get(answer, "roots"), &rows);
}

static int list_roots(struct cli *cli)
{
    return device_tell_of(cli, "/v1/roots", show_roots);
}

static void show_plan(struct cli *cli, const json_t *plan)
{
    (void)cli;
    cli_print_line("a root at %s %s:%s", json_string_or(plan, "cluster", ""),
                   json_string_or(plan, "instance", ""), json_string_or(plan, "root", ""));
    root_plan_print(plan);
}

/* False: the place is none, which was said. */
static bool root_body(struct cli *cli, json_t **ret_body)
{
    struct place place;
    if (!read_place(cli, cli->arguments[1], true, &place))
        return false;
    json_t *body = device_reason(cli);
    json_set_string(body, "cluster", cli->arguments[0]);
    json_set_string(body, "instance", place.instance);
    json_set_string(body, "root", place.path);
    *ret_body = body;
    return true;
}

static int plan_root(struct cli *cli)
{
    struct device_path path;
    json_t *body;
    if (!root_body(cli, &body))
        return CLI_USAGE;
    device_path_init(&path, "/v1/roots/plan");
    return device_tell(cli, HTTP_POST, &path, body, show_plan);
}

static int move_root(struct cli *cli)
{
    json_t *body;
    return root_body(cli, &body) ? operation_run(cli, "/v1/roots/move", body) : CLI_USAGE;
}

#define ROOT "CLUSTER INSTANCE:/PATH"

const struct command cluster_commands[] = {
    COMMAND("list", list_clusters, "", "", "clusters, their agents and component instances"),
    COMMAND("datasets", list_data_sets, "CLUSTER INSTANCE[:/PATH]", "",
            "directories that a policy may name"),
    {0},
};

const struct command root_commands[] = {
    COMMAND("list", list_roots, "", "", "directories of which snapshots are made"),
    COMMAND("plan", plan_root, ROOT, "", "what another root would mean"),
    COMMAND("move", move_root, ROOT, "r!Wt", "make snapshots there from now on"),
    {0},
};
