/* daemon.c: start in the order of what leans on what, stop in the reverse. */
#include "daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "component/posix/posix.h"
#include "control/control.h"
#include "daemon/mount.h"
#include "daemon/watchdog.h"
#include "http/client.h"
#include "journal/lmdb/journal_lmdb.h"
#include "loop/process.h"

#include "component/hdfs/hdfs.h"

const struct component *const daemon_components[] = {
    &posix_component,
    &hdfs_component,
    NULL,
};

#define STOP_LIMIT_MS 4500

struct daemon {
    const struct config *config;
    struct arena arena;
    struct loop *loop;
    struct http_client *client;
    struct limiter *limiter;
    struct agent_store *stores;
    size_t store_count;
    struct journal *journals[CONFIG_CLUSTERS_MAX + 1];
    size_t journal_count;
    struct mounted_agent agents[CONFIG_CLUSTERS_MAX];
    size_t agent_count;
    struct control_cluster *clusters;
    struct control *control;
    struct admin *admin;
    struct mount mount;
    struct http_server *server;
    struct signal_watch *watches[3];
    struct watchdog *watchdog; /* of an orderly end, journals included */
    unsigned to_stop;
    bool stopping;
    int status;
};

bool daemon_check_instance(const struct config_instance *instance, struct error *error)
{
    const struct component *component = component_find(daemon_components, instance->kind);
    if (component == NULL)
        return error_set(error, ERROR_INVALID, "unknown kind '%.40s' of component", instance->kind);
    return component->check_options(instance->options, error);
}

/* ---- stores --------------------------------------------------------------------------------- */

static bool open_stores(struct daemon *daemon, struct error *error)
{
    const struct config *config = daemon->config;
    size_t count = 0;
    for (size_t i = 0; i < config->cluster_count; i++)
        count += config->clusters[i].instance_count;
    daemon->stores = arena_new(&daemon->arena, count * sizeof *daemon->stores);
    for (size_t i = 0; i < config->cluster_count; i++)
        for (size_t j = 0; j < config->clusters[i].instance_count; j++) {
            const struct config_cluster *cluster = &config->clusters[i];
            const struct config_instance *instance = &cluster->instances[j];
            struct agent_store *store = &daemon->stores[daemon->store_count];
            struct store_config options = {cluster->name, instance->name, cluster->area,
                                           instance->options};
            store->cluster = cluster->name;
            store->instance = instance->name;
            store->ref.component = component_find(daemon_components, instance->kind);
            store->ref.area = cluster->area;
            if (!store->ref.component->open(&options, &store->ref.store, error))
                return error_wrap(error, "%s:%s", cluster->name, instance->name);
            daemon->store_count++;
        }
    return true;
}

/* ---- journals ------------------------------------------------------------------------------- */

static void begin_stop(struct daemon *daemon, int status);

static void journal_lost(void *context, const struct error *error)
{
    struct daemon *daemon = context;
    log_error(LOG_DAEMON, "journal.lost", "error=\"%s\": this process gives up its duties and ends",
              error->text);
    begin_stop(daemon, 1);
}

/* An id that outlives restarts: of a device or an agent. */
static bool own_id(struct daemon *daemon, const char *directory, const char **ret_id,
                   struct error *error)
{
    const char *path = arena_format(&daemon->arena, "%s/id", directory);
    struct buffer content;
    struct error absent = ERROR_NONE;
    buffer_init(&content, 0);
    if (file_read(path, 200, &content, &absent) && content.size >= 36) {
        *ret_id = arena_copy(&daemon->arena, content.data, 36);
        buffer_fini(&content);
        return true;
    }
    buffer_fini(&content);
    if (absent.code != ERROR_OK && absent.code != ERROR_NOT_FOUND) {
        *error = absent;
        return false;
    }
    char id[UUID_TEXT_SIZE];
    uuid_new(id);
    *ret_id = arena_string(&daemon->arena, id);
    return file_make_directories(directory, 0700, error) &&
           file_write_durable(path, id, 36, 0600, error);
}

static bool open_journal(struct daemon *daemon, const char *directory, const char **ret_id,
                         struct journal **ret_journal, struct error *error)
{
    if (!own_id(daemon, directory, ret_id, error))
        return false;
    struct journal_lmdb_options options = {
        .directory = arena_format(&daemon->arena, "%s/journal", directory),
        .origin = *ret_id,
        .failed = journal_lost,
        .failed_context = daemon};
    if (!journal_lmdb_open(daemon->loop, &options, false, ret_journal, error))
        return error_wrap(error, "journal %s", options.directory);
    daemon->journals[daemon->journal_count++] = *ret_journal;
    /* The first record of every start: who, with which version. */
    json_t *opened = json_object();
    json_set_string(opened, "version", COEVAL_VERSION);
    json_set_integer(opened, "pid", getpid());
    char *payload = json_dumps(opened, JSON_COMPACT);
    struct journal_append record = {.type = JOURNAL_OPENED, .payload = payload};
    bool recorded = journal_append_all(*ret_journal, &record, 1, NULL, NULL, error);
    free(payload);
    json_decref(opened);
    return recorded;
}

/* ---- agents and the device ------------------------------------------------------------------ */

static bool start_agent(struct daemon *daemon, const struct config_cluster *cluster,
                        struct error *error)
{
    const char *directory =
        arena_format(&daemon->arena, "%s/agent-%s", daemon->config->state, cluster->name);
    struct agent_options options = {.cluster = cluster->name,
                                    .stores = daemon->stores,
                                    .store_count = daemon->store_count,
                                    .work_directory =
                                        arena_format(&daemon->arena, "%s/work", directory),
                                    .long_jobs_max = daemon->config->long_jobs,
                                    .limiter = daemon->limiter,
                                    .runs_hooks = daemon->config->hooks};
    struct mounted_agent *mounted = &daemon->agents[daemon->agent_count];
    if (!open_journal(daemon, directory, &options.id, &options.journal, error) ||
        !agent_new(daemon->loop, &options, &mounted->agent, error))
        return error_wrap(error, "agent of cluster %s", cluster->name);
    mounted->cluster = cluster->name;
    daemon->agent_count++;
    return true;
}

static bool start_agents(struct daemon *daemon, struct error *error)
{
    const struct config *config = daemon->config;
    for (size_t i = 0; config->agent && i < config->cluster_count; i++)
        if (config->clusters[i].agent_url == NULL &&
            !start_agent(daemon, &config->clusters[i], error))
            return false;
    return true;
}

static struct link *make_link(struct daemon *daemon, const struct config_cluster *cluster)
{
    if (cluster->agent_url != NULL)
        return link_http_new(daemon->loop, daemon->client, cluster->agent_url,
                             cluster->agent_token);
    for (size_t i = 0; i < daemon->agent_count; i++)
        if (strcmp(daemon->agents[i].cluster, cluster->name) == 0)
            return link_local_new(daemon->loop, daemon->agents[i].agent);
    CHECK_UNREACHABLE();
}

static void describe_clusters(struct daemon *daemon)
{
    const struct config *config = daemon->config;
    daemon->clusters = arena_new(&daemon->arena, config->cluster_count * sizeof *daemon->clusters);
    for (size_t i = 0; i < config->cluster_count; i++) {
        const struct config_cluster *cluster = &config->clusters[i];
        struct control_instance *instances =
            arena_new(&daemon->arena, cluster->instance_count * sizeof *instances);
        for (size_t j = 0; j < cluster->instance_count; j++)
            instances[j] = (struct control_instance){
                cluster->instances[j].name, cluster->instances[j].kind,
                component_find(daemon_components, cluster->instances[j].kind)->features};
        daemon->clusters[i] = (struct control_cluster){.name = cluster->name,
                                                       .location = cluster->location,
                                                       .resources = cluster->resources,
                                                       .area = cluster->area,
                                                       .agent_url = cluster->agent_url,
                                                       .link = make_link(daemon, cluster),
                                                       .instances = instances,
                                                       .instance_count = cluster->instance_count};
    }
}

static bool start_control(struct daemon *daemon, struct error *error)
{
    struct control_options options = {.cluster_count = daemon->config->cluster_count,
                                      .orphan_age_us = daemon->config->orphan_age_us,
                                      .refuses_hooks = !daemon->config->hooks};
    if (!daemon->config->control)
        return true;
    describe_clusters(daemon);
    options.clusters = daemon->clusters;
    const char *directory = arena_format(&daemon->arena, "%s/control", daemon->config->state);
    options.journal_directory = directory;
    if (!open_journal(daemon, directory, &options.device, &options.journal, error) ||
        !control_new(daemon->loop, &options, &daemon->control, error))
        return false;
    daemon->admin = admin_new(daemon->loop, daemon->control);
    return true;
}

static bool start_server(struct daemon *daemon, struct error *error)
{
    daemon->mount = (struct mount){daemon->agents, daemon->agent_count, daemon->admin};
    struct http_server_options options = {.address = daemon->config->address,
                                          .port = daemon->config->port,
                                          .token = daemon->config->token,
                                          .is_local = true,
                                          .handler = mount_handle,
                                          .context = &daemon->mount};
    if (!http_server_new(daemon->loop, &options, &daemon->server, error))
        return false;
    char text[16];
    uint16_t port = http_server_port(daemon->server);
    snprintf(text, sizeof text, "%u\n", port);
    const char *path = arena_format(&daemon->arena, "%s/port", daemon->config->state);
    log_notice(LOG_DAEMON, "daemon.listening", "address=%s port=%u", daemon->config->address, port);
    return file_write_durable(path, text, strlen(text), 0644, error);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void part_stopped(void *context)
{
    struct daemon *daemon = context;
    if (--daemon->to_stop > 0)
        return;
    loop_stop(daemon->loop);
}

static void begin_stop(struct daemon *daemon, int status)
{
    if (daemon->stopping)
        return;
    daemon->stopping = true;
    daemon->status = status;
    daemon->to_stop = (unsigned)daemon->agent_count + (daemon->control != NULL) + 1;
    daemon->watchdog = watchdog_new(STOP_LIMIT_MS, status);
    if (daemon->control != NULL)
        control_stop(daemon->control, part_stopped, daemon);
    for (size_t i = 0; i < daemon->agent_count; i++)
        agent_stop(daemon->agents[i].agent, part_stopped, daemon);
    loop_post(daemon->loop, part_stopped, daemon);
}

static void signal_came(void *context, int number)
{
    struct daemon *daemon = context;
    log_notice(LOG_DAEMON, "daemon.stopping", "signal=%d", number);
    if (daemon->stopping)
        _Exit(1); /* a second signal: at once */
    begin_stop(daemon, 0);
}

/* ---- new, run, free ------------------------------------------------------------------------- */

bool daemon_new(const struct config *config, struct daemon **ret_daemon, struct error *error)
{
    struct daemon *daemon = memory_new(sizeof *daemon);
    daemon->config = config;
    arena_init(&daemon->arena);
    signal(SIGPIPE, SIG_IGN);
    loop_set_pool_size(config->pool);
    if (!file_make_directories(config->state, 0700, error)) {
        free(daemon);
        return false;
    }
    daemon->loop = loop_new();
    daemon->client = http_client_new(daemon->loop);
    daemon->limiter = limiter_new(NULL);
    limiter_set(daemon->limiter, config->bytes_per_second, config->operations_per_second);
    daemon->watches[0] = signal_watch_new(daemon->loop, SIGTERM, signal_came, daemon);
    daemon->watches[1] = signal_watch_new(daemon->loop, SIGINT, signal_came, daemon);
    if (!open_stores(daemon, error) || !start_agents(daemon, error) ||
        !start_control(daemon, error) || !start_server(daemon, error)) {
        begin_stop(daemon, 1);
        loop_run(daemon->loop);
        daemon_free(daemon);
        return false;
    }
    *ret_daemon = daemon;
    return true;
}

int daemon_run(struct daemon *daemon)
{
    log_notice(LOG_DAEMON, "daemon.ready", "agents=%zu control=%s", daemon->agent_count,
               daemon->control == NULL ? "no" : "yes");
    loop_run(daemon->loop);
    return daemon->status;
}

void daemon_free(struct daemon *daemon)
{
    http_server_free(daemon->server);
    admin_free(daemon->admin);
    /* What the journals still owe is told while those who wait for it are there. */
    for (size_t i = 0; i < daemon->journal_count; i++)
        daemon->journals[i]->operations->close(daemon->journals[i]);
    control_free(daemon->control);
    for (size_t i = 0; daemon->clusters != NULL && i < daemon->config->cluster_count; i++)
        link_free(daemon->clusters[i].link);
    for (size_t i = 0; i < daemon->agent_count; i++)
        agent_free(daemon->agents[i].agent);
    for (size_t i = 0; i < daemon->store_count; i++)
        daemon->stores[i].ref.component->close(daemon->stores[i].ref.store);
    for (size_t i = 0; i < ARRAY_LENGTH(daemon->watches); i++)
        signal_watch_free(daemon->watches[i]);
    http_client_free(daemon->client);
    limiter_free(daemon->limiter);
    loop_free(daemon->loop);
    arena_fini(&daemon->arena);
    watchdog_free(daemon->watchdog);
    free(daemon);
}
