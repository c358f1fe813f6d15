/* config.c: from the file's tree to struct config. */
#include "daemon/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"
#include "base/path.h"
#include "policy/duration.h"
#include "policy/group.h"
#include "yaml/yaml_reader.h"

#define POOL_DEFAULT 16
#define ORPHAN_AGE_DEFAULT_US ((int64_t)7 * 86400 * 1000000)
#define POOL_MIN 6
#define RESERVED_THREADS 4 /* prepared moments, checks, name look-ups */
#define PORT_DEFAULT 7077
#define TOKEN_BYTES_MAX ((size_t)4096)

/* ---- small readers -------------------------------------------------------------------------- */

static bool read_text(const struct node *parent, const char *key, const char **ret_text,
                      struct error *error)
{
    struct node node = node_member(parent, key);
    return node.value == NULL || node_string(&node, ret_text, error);
}

static bool read_number(const struct node *parent, const char *key, int64_t minimum,
                        int64_t maximum, int64_t *ret_value, struct error *error)
{
    struct node node = node_member(parent, key);
    return node.value == NULL || node_integer(&node, minimum, maximum, ret_value, error);
}

static bool is_private(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(error, errno, "%s", path);
    return (status.st_mode & (S_IRWXG | S_IRWXO)) == 0 ||
           error_set(error, ERROR_INVALID, "%s is open to others than its owner: chmod 600 it",
                     path);
}

/* The file's first line; it must not be readable for others. */
static bool read_token(struct config *config, const struct node *parent, const char *key,
                       const char **ret_token, struct error *error)
{
    struct node node = node_member(parent, key);
    const char *path;
    struct buffer content;
    if (node.value == NULL)
        return true;
    if (!node_string(&node, &path, error))
        return false;
    struct error cause = ERROR_NONE;
    buffer_init(&content, 0);
    bool done = is_private(path, &cause) && file_read(path, TOKEN_BYTES_MAX, &content, &cause);
    if (!done) {
        node_refuse(&node, error, "%s", cause.text);
    } else {
        size_t length = strcspn(buffer_text(&content), "\r\n");
        done = length >= 16 ||
               node_refuse(&node, error, "the token in %s has fewer than 16 characters", path);
        if (done)
            *ret_token = arena_copy(&config->arena, content.data, length);
    }
    buffer_fini(&content);
    return done;
}

static bool read_rate(const struct node *parent, const char *key, uint64_t *ret_value,
                      struct error *error)
{
    struct node node = node_member(parent, key);
    const char *text;
    struct error cause = ERROR_NONE;
    int64_t number;
    if (node.value == NULL)
        return true;
    if (json_is_integer(node.value)) {
        if (!node_integer(&node, 0, INT64_MAX, &number, error))
            return false;
        *ret_value = (uint64_t)number;
        return true;
    }
    if (!node_string(&node, &text, error))
        return false;
    return rate_parse(text, ret_value, &cause) || node_refuse(&node, error, "%s", cause.text);
}

/* ---- sections ------------------------------------------------------------------------------- */

static bool read_listen(struct config *config, const struct node *root, struct error *error)
{
    static const char *const keys[] = {"address", "port", "token_file", "hooks"};
    struct node listen = node_member(root, "listen");
    int64_t port = PORT_DEFAULT;
    struct in_addr v4;
    struct in6_addr v6;
    config->address = "127.0.0.1";
    config->port = PORT_DEFAULT;
    if (listen.value == NULL)
        return true;
    if (!node_check_keys(&listen, keys, ARRAY_LENGTH(keys), error) ||
        !read_text(&listen, "address", &config->address, error) ||
        !read_number(&listen, "port", 0, 65535, &port, error) ||
        !read_token(config, &listen, "token_file", &config->token, error))
        return false;
    config->hooks = config->token != NULL;
    struct node hooks = node_member(&listen, "hooks");
    if (hooks.value != NULL && !node_boolean(&hooks, &config->hooks, error))
        return false;
    config->port = (uint16_t)port;
    struct node address = node_member(&listen, "address");
    if (inet_pton(AF_INET, config->address, &v4) != 1 &&
        inet_pton(AF_INET6, config->address, &v6) != 1)
        return node_refuse(&address, error, "'%.60s' is not a numeric address", config->address);
    bool loopback = strncmp(config->address, "127.", 4) == 0 || strcmp(config->address, "::1") == 0;
    if (!loopback && config->token == NULL)
        return node_refuse(&address, error,
                           "listening on %s needs token_file: a file with a shared "
                           "token of at least 16 characters (mode 0600)",
                           config->address);
    return true;
}

static bool read_log(struct config *config, const struct node *root, struct error *error)
{
    static const char *const keys[] = {"level", "json"};
    struct node log = node_member(root, "log");
    const char *level = "info";
    config->log_level = LOG_LEVEL_INFO;
    if (log.value == NULL)
        return true;
    if (!node_check_keys(&log, keys, ARRAY_LENGTH(keys), error))
        return false;
    struct node json = node_member(&log, "json"), where = node_member(&log, "level");
    if (!read_text(&log, "level", &level, error) ||
        (json.value != NULL && !node_boolean(&json, &config->log_json, error)))
        return false;
    return log_level_from_name(level, &config->log_level) ||
           node_refuse(&where, error, "'%.20s' is none of error, warning, notice, info, debug",
                       level);
}

static bool read_roles(struct config *config, const struct node *root, struct error *error)
{
    static const char *const names[] = {"control", "agent"};
    struct node roles;
    size_t count, index;
    if (!node_require(root, "roles", &roles, error) || !node_array(&roles, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct node role = node_element(&roles, i);
        if (!node_choice(&role, names, ARRAY_LENGTH(names), &index, error))
            return false;
        config->control = config->control || index == 0;
        config->agent = config->agent || index == 1;
    }
    return count > 0 || node_refuse(&roles, error, "name at least one role: control, agent");
}

static bool read_orphan_age(struct config *config, const struct node *root, struct error *error)
{
    struct node age = node_member(root, "orphan_age");
    const char *text;
    struct error cause = ERROR_NONE;
    config->orphan_age_us = ORPHAN_AGE_DEFAULT_US;
    if (age.value == NULL)
        return true;
    if (!node_string(&age, &text, error))
        return false;
    if (strcmp(text, "none") == 0)
        config->orphan_age_us = 0;
    else if (!duration_parse(text, &config->orphan_age_us, &cause))
        return node_refuse(&age, error, "%s", cause.text);
    return true;
}

static bool read_work(struct config *config, const struct node *root, struct error *error)
{
    static const char *const keys[] = {"bytes_per_second", "operations_per_second"};
    struct node limits = node_member(root, "limits");
    int64_t pool = POOL_DEFAULT, operations = 0;
    if (!read_number(root, "pool", POOL_MIN, 256, &pool, error))
        return false;
    config->pool = (unsigned)pool;
    config->long_jobs = config->pool - RESERVED_THREADS;
    if (limits.value != NULL &&
        (!node_check_keys(&limits, keys, ARRAY_LENGTH(keys), error) ||
         !read_rate(&limits, "bytes_per_second", &config->bytes_per_second, error) ||
         !read_number(&limits, "operations_per_second", 0, INT64_MAX, &operations, error)))
        return false;
    config->operations_per_second = (uint64_t)operations;
    return true;
}

/* ---- clusters ------------------------------------------------------------------------------- */

static bool read_instance(const struct node *instances, const char *name,
                          config_check_fn *check_instance, struct config_instance *instance,
                          struct error *error)
{
    struct node node = node_member(instances, name), kind;
    struct error cause = ERROR_NONE;
    instance->name = name;
    if (!name_is_plain(name))
        return node_refuse(&node, error, "'%.60s' is not a plain name", name);
    if (!json_is_object(node.value))
        return node_refuse(&node, error, "an instance is a mapping with kind and its settings");
    if (!node_require(&node, "kind", &kind, error) || !node_string(&kind, &instance->kind, error))
        return false;
    json_t *options = json_copy((json_t *)(uintptr_t)node.value);
    json_object_del(options, "kind");
    instance->options = options;
    return check_instance(instance, &cause) || node_refuse(&node, error, "%s", cause.text);
}

static bool read_instances(struct config *config, const struct node *cluster,
                           config_check_fn *check_instance, struct config_cluster *ret,
                           struct error *error)
{
    struct node instances;
    const char *name;
    json_t *value;
    if (!node_require(cluster, "instances", &instances, error))
        return false;
    size_t count = json_object_size(instances.value);
    if (!json_is_object(instances.value) || count == 0 || count > CONFIG_INSTANCES_MAX)
        return node_refuse(&instances, error, "1 to %d component instances by name are wanted here",
                           CONFIG_INSTANCES_MAX);
    ret->instances = arena_new(&config->arena, count * sizeof *ret->instances);
    json_object_foreach((json_t *)(uintptr_t)instances.value, name, value)
        if (!read_instance(&instances, name, check_instance, &ret->instances[ret->instance_count++],
                           error))
            return false;
    return true;
}

/* HOST:PORT, with nothing that another reader could take for a user, a path or a query. The host is
 * a name, an IPv4 address, or an IPv6 address in brackets. */
static bool is_host_and_port(const char *text)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t host = strspn(text, name);
    if (text[0] == '[') {
        struct in6_addr address;
        char inside[INET6_ADDRSTRLEN] = "";
        host = strcspn(text, "]");
        if (text[host] == '\0' || host > sizeof inside)
            return false;
        memcpy(inside, text + 1, host - 1);
        if (inet_pton(AF_INET6, inside, &address) != 1)
            return false;
        host++;
    }
    if (host == 0 || text[host] != ':')
        return false;
    const char *port = text + host + 1;
    size_t digits = strspn(port, "0123456789");
    long number = digits == 0 || digits > 5 ? 0 : strtol(port, NULL, 10);
    return number >= 1 && number <= 65535 && port[digits + strspn(port + digits, "/")] == '\0';
}

static bool read_agent_place(struct config *config, const struct node *node,
                             struct config_cluster *cluster, struct error *error)
{
    struct node agent = node_member(node, "agent");
    const char *place = "here";
    if (!read_text(node, "agent", &place, error) ||
        !read_token(config, node, "agent_token_file", &cluster->agent_token, error))
        return false;
    if (strcmp(place, "here") == 0) {
        if (config->agent)
            return true;
        return node_refuse(agent.value == NULL ? node : &agent, error,
                           "cluster '%s' has its agent here, but roles does not name agent: give "
                           "agent: http://HOST:PORT",
                           cluster->name);
    }
    if (strncmp(place, "http://", 7) != 0 || !is_host_and_port(place + 7))
        return node_refuse(&agent, error, "agent is 'here' or http://HOST:PORT");
    const char *url = arena_string(&config->arena, place);
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    cluster->agent_url =
        arena_format(&config->arena, "%.*s/agents/%s", (int)length, url, cluster->name);
    return true;
}

/* For people; the REST interface shows it, so it is what that describes. */
static bool read_resources(const struct node *cluster, const json_t **ret, struct error *error)
{
    static const char *const resource_keys[] = {"nodes", "capacity"};
    struct node resources = node_member(cluster, "resources");
    int64_t nodes = 0;
    if (resources.value == NULL)
        return true;
    if (!node_check_keys(&resources, resource_keys, ARRAY_LENGTH(resource_keys), error) ||
        !read_number(&resources, "nodes", 0, INT64_MAX, &nodes, error))
        return false;
    struct node capacity = node_member(&resources, "capacity");
    bool is_sound = capacity.value == NULL || json_is_string(capacity.value) ||
                    (json_is_integer(capacity.value) && json_integer_value(capacity.value) >= 0);
    if (!is_sound)
        return node_refuse(&capacity, error, "capacity is a number of bytes, or text as in 400TB");
    *ret = resources.value;
    return true;
}

static bool read_cluster(struct config *config, const struct node *clusters, const char *name,
                         config_check_fn *check_instance, struct config_cluster *cluster,
                         struct error *error)
{
    static const char *const keys[] = {"location", "resources",        "area",
                                       "agent",    "agent_token_file", "instances"};
    struct node node = node_member(clusters, name), area;
    cluster->name = name;
    cluster->area = "/coeval";
    if (!name_is_plain(name))
        return node_refuse(&node, error, "'%.60s' is not a plain name", name);
    if (!node_check_keys(&node, keys, ARRAY_LENGTH(keys), error) ||
        !read_text(&node, "location", &cluster->location, error) ||
        !read_text(&node, "area", &cluster->area, error) ||
        !read_agent_place(config, &node, cluster, error) ||
        !read_instances(config, &node, check_instance, cluster, error))
        return false;
    area = node_member(&node, "area");
    if (!read_resources(&node, &cluster->resources, error))
        return false;
    if (!path_is_clean(cluster->area) || strcmp(cluster->area, "/") == 0)
        return node_refuse(&area, error, "area is a clean absolute path below '/'");
    return true;
}

static bool read_clusters(struct config *config, const struct node *root,
                          config_check_fn *check_instance, struct error *error)
{
    struct node clusters;
    const char *name;
    json_t *value;
    if (!node_require(root, "clusters", &clusters, error))
        return false;
    size_t count = json_object_size(clusters.value);
    if (!json_is_object(clusters.value) || count == 0 || count > CONFIG_CLUSTERS_MAX)
        return node_refuse(&clusters, error, "1 to %d clusters by name are wanted here",
                           CONFIG_CLUSTERS_MAX);
    config->clusters = arena_new(&config->arena, count * sizeof *config->clusters);
    json_object_foreach((json_t *)(uintptr_t)clusters.value, name, value)
        if (!read_cluster(config, &clusters, name, check_instance,
                          &config->clusters[config->cluster_count++], error))
            return false;
    return true;
}

/* ---- the file ------------------------------------------------------------------------------- */

static bool read_all(struct config *config, config_check_fn *check_instance, struct error *error)
{
    static const char *const keys[] = {"state", "roles",      "listen", "log",
                                       "pool",  "orphan_age", "limits", "clusters"};
    struct node root = node_root(&config->document), state;
    if (!node_check_keys(&root, keys, ARRAY_LENGTH(keys), error) ||
        !node_require(&root, "state", &state, error) ||
        !node_string(&state, &config->state, error) || !read_roles(config, &root, error) ||
        !read_listen(config, &root, error) || !read_log(config, &root, error) ||
        !read_work(config, &root, error) || !read_orphan_age(config, &root, error) ||
        !read_clusters(config, &root, check_instance, error))
        return false;
    return config->state[0] == '/' ||
           node_refuse(&state, error, "state is an absolute path of a directory");
}

bool config_read(const char *path, config_check_fn *check_instance, struct config *ret_config,
                 struct error *error)
{
    struct config config = {.log_level = LOG_LEVEL_INFO};
    if (!yaml_read_file(path, &config.document, error))
        return false;
    arena_init(&config.arena);
    if (!read_all(&config, check_instance, error)) {
        config_fini(&config);
        return false;
    }
    *ret_config = config;
    return true;
}

void config_fini(struct config *config)
{
    for (size_t i = 0; i < config->cluster_count; i++)
        for (size_t j = 0; j < config->clusters[i].instance_count; j++)
            json_decref((json_t *)(uintptr_t)config->clusters[i].instances[j].options);
    document_fini(&config->document);
    arena_fini(&config->arena);
    *config = (struct config){0};
}
