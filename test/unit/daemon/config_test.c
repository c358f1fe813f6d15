/* config_test.c: every refusal says where and what; what is left out has its default; a whole file
 * is read as it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "daemon/config.h"
#include "daemon/daemon.h"

static char directory[64];

static void path_of(const char *name, char ret_path[128])
{
    snprintf(ret_path, 128, "%s/%s", directory, name);
}

static void put(const char *name, const char *text, mode_t mode)
{
    char path[128];
    struct error error = ERROR_NONE;
    path_of(name, path);
    assert_true(file_write_durable(path, text, strlen(text), mode, &error));
}

/* "@" in a text stands for the test's directory. */
static char *with_directory(const char *text)
{
    struct buffer out;
    buffer_init(&out, 0);
    for (; *text != '\0'; text++)
        if (*text == '@')
            buffer_append_text(&out, directory);
        else
            buffer_append(&out, text, 1);
    return buffer_take(&out);
}

static bool read_config(const char *text, struct config *ret_config, struct error *error)
{
    char path[128];
    char *whole = with_directory(text);
    put("c.yaml", whole, 0600);
    free(whole);
    path_of("c.yaml", path);
    return config_read(path, daemon_check_instance, ret_config, error);
}

static void assert_refused(const char *text, const char *complaint)
{
    struct config config = {.pool = 77};
    struct error error = ERROR_NONE;
    char *whole = with_directory(complaint);
    assert_false(read_config(text, &config, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_string_equal(error.text, whole);
    assert_int_equal(config.pool, 77); /* nothing is returned on failure */
    free(whole);
}

#define CLUSTER "clusters:\n  here:\n    instances: {posix: {kind: posix, base: /d}}\n"
#define HEAD "state: /s\nroles: [control, agent]\n"

/* ---- what is refused ------------------------------------------------------------------------ */

struct refusal {
    const char *text, *complaint;
};

static void assert_all_refused(const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(refusals[i].text, refusals[i].complaint);
}

static void test_keys_and_types_at_the_top(void **state)
{
    static const struct refusal refusals[] = {
        {"[1]\n", "@/c.yaml:1:1: must be a mapping, not a list"},
        {HEAD "pools: 7\n" CLUSTER,
         "@/c.yaml:3:1: unknown key 'pools'; did you mean 'pool'? allowed: state roles listen log "
         "pool orphan_age limits clusters"},
        {HEAD "state: /t\n" CLUSTER, "@/c.yaml:3:1: duplicate key 'state'"},
        {"roles: [agent]\n" CLUSTER, "@/c.yaml:1:1: 'state' is missing"},
        {"state: 7\nroles: [agent]\n" CLUSTER,
         "@/c.yaml:1:8: 'state' must be text, not an integer"},
        {"state: s\nroles: [agent]\n" CLUSTER,
         "@/c.yaml:1:8: state is an absolute path of a directory"},
        {"state: ''\nroles: [agent]\n" CLUSTER,
         "@/c.yaml:1:8: state is an absolute path of a directory"},
        {"state: /s\n" CLUSTER, "@/c.yaml:1:1: 'roles' is missing"},
        {"state: /s\nroles: agent\n" CLUSTER, "@/c.yaml:2:8: 'roles' must be a list, not text"},
        {"state: /s\nroles: []\n" CLUSTER, "@/c.yaml:2:8: name at least one role: control, agent"},
        {"state: /s\nroles: [control, agents]\n" CLUSTER,
         "@/c.yaml:2:18: 'agents' is not one of control|agent"},
        {"state: /s\nroles: [1]\n" CLUSTER, "@/c.yaml:2:9: must be text, not an integer"},
    };
    (void)state;
    assert_all_refused(refusals, ARRAY_LENGTH(refusals));
}

static void test_listening(void **state)
{
    static const struct refusal refusals[] = {
        {HEAD "listen: 7077\n" CLUSTER, "@/c.yaml:3:9: 'listen' must be a mapping, not an integer"},
        {HEAD "listen: {adress: '::1'}\n" CLUSTER,
         "@/c.yaml:3:10: unknown key 'adress'; did you mean 'address'? allowed: address port "
         "token_file hooks"},
        {HEAD "listen: {hooks: maybe}\n" CLUSTER,
         "@/c.yaml:3:17: 'hooks' must be true or false, not text"},
        {HEAD "listen: {address: localhost}\n" CLUSTER,
         "@/c.yaml:3:19: 'localhost' is not a numeric address"},
        {HEAD "listen: {address: 127.0.0.256}\n" CLUSTER,
         "@/c.yaml:3:19: '127.0.0.256' is not a numeric address"},
        {HEAD "listen: {address: 127}\n" CLUSTER,
         "@/c.yaml:3:19: 'address' must be text, not an integer"},
        {HEAD "listen: {port: 65536}\n" CLUSTER, "@/c.yaml:3:16: 65536 is not between 0 and 65535"},
        {HEAD "listen: {port: -1}\n" CLUSTER, "@/c.yaml:3:16: -1 is not between 0 and 65535"},
        {HEAD "listen: {port: http}\n" CLUSTER,
         "@/c.yaml:3:16: 'port' must be an integer, not text"},
        {HEAD "listen: {address: 0.0.0.0}\n" CLUSTER,
         "@/c.yaml:3:19: listening on 0.0.0.0 needs token_file: a file with a shared token of at "
         "least 16 characters (mode 0600)"},
        {HEAD "listen: {address: '::'}\n" CLUSTER,
         "@/c.yaml:3:19: listening on :: needs token_file: a file with a shared token of at least "
         "16 characters (mode 0600)"},
    };
    (void)state;
    assert_all_refused(refusals, ARRAY_LENGTH(refusals));
}

static void test_tokens(void **state)
{
    static const struct refusal refusals[] = {
        {HEAD "listen: {token_file: 7}\n" CLUSTER,
         "@/c.yaml:3:22: 'token_file' must be text, not an integer"},
        {HEAD "listen: {token_file: @/none}\n" CLUSTER,
         "@/c.yaml:3:22: @/none: No such file or directory"},
        {HEAD "listen: {token_file: @/short}\n" CLUSTER,
         "@/c.yaml:3:22: the token in @/short has fewer than 16 characters"},
        {HEAD "listen: {token_file: @/open}\n" CLUSTER,
         "@/c.yaml:3:22: @/open is open to others than its owner: chmod 600 it"},
        {HEAD
         "clusters:\n  here: {agent: http://h:1, agent_token_file: @/short, instances: {posix: "
         "{kind: posix, base: /d}}}\n",
         "@/c.yaml:4:47: the token in @/short has fewer than 16 characters"},
    };
    (void)state;
    put("short", "fifteen-letters\nbehind the first line nothing counts\n", 0600);
    put("open", "sixteen-letters-\n", 0640);
    assert_all_refused(refusals, ARRAY_LENGTH(refusals));
}

static void test_log_pool_and_limits(void **state)
{
    static const struct refusal refusals[] = {
        {HEAD "log: debug\n" CLUSTER, "@/c.yaml:3:6: 'log' must be a mapping, not text"},
        {HEAD "log: {format: json}\n" CLUSTER,
         "@/c.yaml:3:7: unknown key 'format'; allowed: level json"},
        {HEAD "log: {level: loud}\n" CLUSTER,
         "@/c.yaml:3:14: 'loud' is none of error, warning, notice, info, debug"},
        {HEAD "log: {level: true}\n" CLUSTER,
         "@/c.yaml:3:14: 'level' must be text, not true or false"},
        {HEAD "log: {json: yes}\n" CLUSTER,
         "@/c.yaml:3:13: 'json' must be true or false, not text"},
        {HEAD "pool: 5\n" CLUSTER, "@/c.yaml:3:7: 5 is not between 6 and 256"},
        {HEAD "pool: 257\n" CLUSTER, "@/c.yaml:3:7: 257 is not between 6 and 256"},
        {HEAD "pool: many\n" CLUSTER, "@/c.yaml:3:7: 'pool' must be an integer, not text"},
        {HEAD "orphan_age: 7\n" CLUSTER,
         "@/c.yaml:3:13: 'orphan_age' must be text, not an integer"},
        {HEAD "orphan_age: P1M\n" CLUSTER,
         "@/c.yaml:3:13: 'P1M': years and months have no fixed length; use days or weeks"},
        {HEAD "limits: 7\n" CLUSTER, "@/c.yaml:3:9: 'limits' must be a mapping, not an integer"},
        {HEAD "limits: {bytes: 7}\n" CLUSTER,
         "@/c.yaml:3:10: unknown key 'bytes'; did you mean 'bytes_per_second'? allowed: "
         "bytes_per_second operations_per_second"},
        {HEAD "limits: {bytes_per_second: -1}\n" CLUSTER,
         "@/c.yaml:3:28: -1 is not between 0 and 9223372036854775807"},
        {HEAD "limits: {bytes_per_second: fast}\n" CLUSTER,
         "@/c.yaml:3:28: 'fast' is not a rate above zero, as in 10MB/s or 64KiB/s"},
        {HEAD "limits: {bytes_per_second: []}\n" CLUSTER,
         "@/c.yaml:3:28: 'bytes_per_second' must be text, not a list"},
        {HEAD "limits: {operations_per_second: 10MB}\n" CLUSTER,
         "@/c.yaml:3:33: 'operations_per_second' must be an integer, not text"},
    };
    (void)state;
    assert_all_refused(refusals, ARRAY_LENGTH(refusals));
}

#define ONE(text) HEAD "clusters:\n  here: {" text "}\n"
#define POSIX "instances: {posix: {kind: posix, base: /d}}"

static void test_clusters(void **state)
{
    static const struct refusal refusals[] = {
        {HEAD, "@/c.yaml:1:1: 'clusters' is missing"},
        {HEAD "clusters: {}\n", "@/c.yaml:3:11: 1 to 64 clusters by name are wanted here"},
        {HEAD "clusters: [a]\n", "@/c.yaml:3:11: 1 to 64 clusters by name are wanted here"},
        {HEAD "clusters: {a/b: {" POSIX "}}\n", "@/c.yaml:3:17: 'a/b' is not a plain name"},
        {HEAD "clusters: {a: 7}\n", "@/c.yaml:3:15: 'a' must be a mapping, not an integer"},
        {ONE("where: x, " POSIX),
         "@/c.yaml:4:10: unknown key 'where'; allowed: location resources area agent "
         "agent_token_file instances"},
        {ONE("location: 7, " POSIX), "@/c.yaml:4:20: 'location' must be text, not an integer"},
        {ONE("resources: 7, " POSIX),
         "@/c.yaml:4:21: 'resources' must be a mapping, not an integer"},
        {ONE("resources: {node: 7}, " POSIX),
         "@/c.yaml:4:22: unknown key 'node'; did you mean 'nodes'? allowed: nodes capacity"},
        {ONE("area: coeval, " POSIX), "@/c.yaml:4:16: area is a clean absolute path below '/'"},
        {ONE("area: /a//b, " POSIX), "@/c.yaml:4:16: area is a clean absolute path below '/'"},
        {ONE("area: /a/../b, " POSIX), "@/c.yaml:4:16: area is a clean absolute path below '/'"},
        {ONE("area: /, " POSIX), "@/c.yaml:4:16: area is a clean absolute path below '/'"},
        {ONE("area: [], " POSIX), "@/c.yaml:4:16: 'area' must be text, not a list"},
    };
    (void)state;
    assert_all_refused(refusals, ARRAY_LENGTH(refusals));
}

#define WRONG(place)                                                                            \
    {                                                                                           \
        ONE("agent: '" place "', " POSIX), "@/c.yaml:4:17: agent is 'here' or http://HOST:PORT" \
    }

static void test_places_of_agents(void **state)
{
    static const struct refusal refusals[] = {
        {ONE("agent: there, " POSIX), "@/c.yaml:4:17: agent is 'here' or http://HOST:PORT"},
        WRONG("https://h:1"),
        WRONG("http://h:1@evil:22/x?y#z"),
        WRONG("http://h"),
        WRONG("http://h:65536"),
        WRONG("http://h:1/x"),
        WRONG("http://[::1:1"),
        {ONE("resources: {nodes: banana}, " POSIX),
         "@/c.yaml:4:29: 'nodes' must be an integer, not text"},
        {ONE("resources: {capacity: [1]}, " POSIX),
         "@/c.yaml:4:32: capacity is a number of bytes, or text as in 400TB"},
        {ONE("agent: 7, " POSIX), "@/c.yaml:4:17: 'agent' must be text, not an integer"},
        {"state: /s\nroles: [control]\n" CLUSTER,
         "@/c.yaml:5:5: cluster 'here' has its agent here, but roles does not name agent: give "
         "agent: http://HOST:PORT"},
        {"state: /s\nroles: [control]\nclusters:\n  here: {agent: here, " POSIX "}\n",
         "@/c.yaml:4:17: cluster 'here' has its agent here, but roles does not name agent: give "
         "agent: http://HOST:PORT"},
    };
    (void)state;
    assert_all_refused(refusals, ARRAY_LENGTH(refusals));
}

static void test_instances(void **state)
{
    static const struct refusal refusals[] = {
        {ONE("area: /c"), "@/c.yaml:4:9: 'instances' is missing"},
        {ONE("instances: {}"),
         "@/c.yaml:4:21: 1 to 16 component instances by name are wanted here"},
        {ONE("instances: [a]"),
         "@/c.yaml:4:21: 1 to 16 component instances by name are wanted here"},
        {ONE("instances: {a b: {kind: posix}}"), "@/c.yaml:4:27: 'a b' is not a plain name"},
        {ONE("instances: {posix: /d}"),
         "@/c.yaml:4:29: an instance is a mapping with kind and its settings"},
        {ONE("instances: {posix: {base: /d}}"), "@/c.yaml:4:29: 'kind' is missing"},
        {ONE("instances: {posix: {kind: 7}}"),
         "@/c.yaml:4:36: 'kind' must be text, not an integer"},
        {ONE("instances: {posix: {kind: zfs}}"), "@/c.yaml:4:29: unknown kind 'zfs' of component"},
        {ONE("instances: {posix: {kind: posix}}"),
         "@/c.yaml:4:29: base is missing: the directory of this machine that is to be \"/\""},
        {ONE("instances: {posix: {kind: posix, base: d}}"),
         "@/c.yaml:4:29: base: 'd' is no absolute path without '//', '.', '..' and '/' at its end"},
        {ONE("instances: {posix: {kind: posix, base: /d, root: /x}}"),
         "@/c.yaml:4:29: unknown member 'root': posix takes base and barrier"},
    };
    (void)state;
    assert_all_refused(refusals, ARRAY_LENGTH(refusals));
}

static void append_many(struct buffer *text, unsigned clusters, unsigned instances)
{
    buffer_append_text(text, HEAD "clusters:\n");
    for (unsigned i = 0; i < clusters; i++) {
        buffer_append_format(text, "  c%u:\n    instances:\n", i);
        for (unsigned j = 0; j < instances; j++)
            buffer_append_format(text, "      i%u: {kind: posix, base: /d}\n", j);
    }
}

static void assert_counts(unsigned clusters, unsigned instances, const char *complaint)
{
    struct buffer text;
    struct config config;
    struct error error = ERROR_NONE;
    buffer_init(&text, 0);
    append_many(&text, clusters, instances);
    if (complaint != NULL) {
        assert_refused(buffer_text(&text), complaint);
    } else {
        assert_true(read_config(buffer_text(&text), &config, &error));
        assert_int_equal(config.cluster_count, clusters);
        assert_int_equal(config.clusters[clusters - 1].instance_count, instances);
        config_fini(&config);
    }
    buffer_fini(&text);
}

static void test_counts_have_limits(void **state)
{
    (void)state;
    assert_counts(CONFIG_CLUSTERS_MAX, 1, NULL);
    assert_counts(CONFIG_CLUSTERS_MAX + 1, 1,
                  "@/c.yaml:4:3: 1 to 64 clusters by name are wanted here");
    assert_counts(1, CONFIG_INSTANCES_MAX, NULL);
    assert_counts(1, CONFIG_INSTANCES_MAX + 1,
                  "@/c.yaml:6:7: 1 to 16 component instances by name are wanted here");
}

static void test_a_file_that_is_not_there(void **state)
{
    struct config config;
    struct error error = ERROR_NONE;
    (void)state;
    assert_false(config_read("/nowhere/c.yaml", daemon_check_instance, &config, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nowhere/c.yaml"));
}

/* ---- what is read --------------------------------------------------------------------------- */

static void test_defaults(void **state)
{
    struct config config;
    struct error error = ERROR_NONE;
    (void)state;
    assert_true(read_config("state: /s\nroles: [agent]\n" CLUSTER, &config, &error));
    assert_string_equal(config.state, "/s");
    assert_false(config.control);
    assert_true(config.agent);
    assert_string_equal(config.address, "127.0.0.1");
    assert_int_equal(config.port, 7077);
    assert_null(config.token);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_false(config.log_json);
    assert_int_equal(config.pool, 16);
    assert_int_equal(config.long_jobs, 12);
    assert_int_equal(config.bytes_per_second, 0);
    assert_int_equal(config.operations_per_second, 0);
    assert_int_equal(config.orphan_age_us, (int64_t)7 * 86400 * 1000000);
    assert_int_equal(config.cluster_count, 1);
    const struct config_cluster *cluster = &config.clusters[0];
    assert_string_equal(cluster->name, "here");
    assert_string_equal(cluster->area, "/coeval");
    assert_null(cluster->location);
    assert_null(cluster->resources);
    assert_null(cluster->agent_url);
    assert_null(cluster->agent_token);
    config_fini(&config);
    assert_int_equal(config.cluster_count, 0);
}

static const char whole_file[] = "state: /var/lib/coeval\n"
                                 "roles: [control, agent]\n"
                                 "listen: {address: 0.0.0.0, port: 0, token_file: @/token}\n"
                                 "log: {level: debug, json: true}\n"
                                 "pool: 6\n"
                                 "orphan_age: none\n"
                                 "limits: {bytes_per_second: 10MB/s, operations_per_second: 250}\n"
                                 "clusters:\n"
                                 "  east:\n"
                                 "    location: Hamburg\n"
                                 "    resources: {nodes: 12, capacity: 4PB}\n"
                                 "    area: /backup/coeval\n"
                                 "    agent: here\n"
                                 "    instances:\n"
                                 "      hdfs: {kind: posix, base: /d}\n"
                                 "      second: {kind: posix, base: /e, barrier: /lock}\n"
                                 "  west:\n"
                                 "    agent: http://west.example:7077//\n"
                                 "    agent_token_file: @/token\n"
                                 "    instances: {hdfs: {kind: posix, base: /f}}\n";

static void check_whole_clusters(const struct config *config)
{
    const struct config_cluster *east = &config->clusters[0], *west = &config->clusters[1];
    assert_string_equal(east->location, "Hamburg");
    assert_int_equal(json_integer_or(east->resources, "nodes", 0), 12);
    assert_string_equal(east->area, "/backup/coeval");
    assert_null(east->agent_url);
    assert_int_equal(east->instance_count, 2);
    assert_string_equal(east->instances[1].name, "second");
    assert_string_equal(east->instances[1].kind, "posix");
    assert_string_equal(json_string_or(east->instances[1].options, "barrier", ""), "/lock");
    assert_null(json_object_get(east->instances[1].options, "kind"));
    assert_string_equal(west->agent_url, "http://west.example:7077/agents/west");
    assert_string_equal(west->agent_token, "sixteen-letters-");
}

static void test_a_whole_file(void **state)
{
    struct config config;
    struct error error = ERROR_NONE;
    (void)state;
    put("token", "sixteen-letters-\r\nsecond line\n", 0600);
    if (!read_config(whole_file, &config, &error))
        fail_msg("%s", error.text);
    assert_true(config.control && config.agent);
    assert_string_equal(config.address, "0.0.0.0");
    assert_int_equal(config.port, 0);
    assert_string_equal(config.token, "sixteen-letters-");
    assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
    assert_true(config.log_json);
    assert_int_equal(config.long_jobs, 2);
    assert_int_equal(config.bytes_per_second, 10000000);
    assert_int_equal(config.operations_per_second, 250);
    assert_int_equal(config.orphan_age_us, 0);
    assert_int_equal(config.cluster_count, 2);
    check_whole_clusters(&config);
    config_fini(&config);
}

static void assert_bytes(const char *value, uint64_t bytes)
{
    struct config config;
    struct error error = ERROR_NONE;
    char text[300];
    snprintf(text, sizeof text, HEAD "limits: {bytes_per_second: %s}\n" CLUSTER, value);
    assert_true(read_config(text, &config, &error));
    assert_int_equal(config.bytes_per_second, bytes);
    config_fini(&config);
}

static void test_rates(void **state)
{
    (void)state;
    assert_bytes("0", 0);
    assert_bytes("4096", 4096);
    assert_bytes("64KiB/s", 65536);
    assert_bytes("2MB", 2000000);
}

static void test_loopback_needs_no_token(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "127.9.9.9", "'::1'"};
    struct config config;
    struct error error = ERROR_NONE;
    char text[300];
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        snprintf(text, sizeof text, HEAD "listen: {address: %s}\n" CLUSTER, addresses[i]);
        assert_true(read_config(text, &config, &error));
        config_fini(&config);
    }
}

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/coeval-config-XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"c.yaml", "token", "short", "open"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        path_of(names[i], path);
        unlink(path);
    }
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_and_types_at_the_top),
        cmocka_unit_test(test_listening),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_log_pool_and_limits),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_places_of_agents),
        cmocka_unit_test(test_instances),
        cmocka_unit_test(test_counts_have_limits),
        cmocka_unit_test(test_a_file_that_is_not_there),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_loopback_needs_no_token),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
