/* config.h: the daemon's configuration file. Strict: an unknown key, a duplicate key or a bad value
 * is refused with file, line and column. Reference for users: doc/configuration.md. */
#ifndef COEVAL_DAEMON_CONFIG_H
#define COEVAL_DAEMON_CONFIG_H

#include <stdint.h>

#include "base/arena.h"
#include "base/document.h"
#include "base/log.h"

#define CONFIG_CLUSTERS_MAX 64
#define CONFIG_INSTANCES_MAX 16

struct config_instance {
    const char *name;
    const char *kind;
    const json_t *options; /* what the component reads; owned by the document */
};

struct config_cluster {
    const char *name;
    const char *location;    /* NULL: not said */
    const json_t *resources; /* NULL: not said */
    const char *area;        /* "/coeval" */
    const char *agent_url;   /* NULL: the agent is in this process */
    const char *agent_token; /* content of agent_token_file; NULL */
    struct config_instance *instances;
    size_t instance_count;
};

struct config {
    struct arena arena;
    struct document document;
    const char *state;   /* directory */
    bool control, agent; /* roles */
    const char *address;
    uint16_t port;
    const char *token; /* content of listen.token_file; NULL: none */
    bool hooks;        /* run those of policies: with a token, or when the file says so */
    enum log_level log_level;
    bool log_json;
    unsigned pool;      /* threads of the work queue */
    unsigned long_jobs; /* copies and commits at once */
    uint64_t bytes_per_second, operations_per_second;
    int64_t orphan_age_us; /* 0: none */
    struct config_cluster *clusters;
    size_t cluster_count;
};

/* The kinds of components are checked by the caller (it knows them): check_instance gets each. */
typedef bool config_check_fn(const struct config_instance *instance, struct error *error);
bool config_read(const char *path, config_check_fn *check_instance, struct config *ret_config,
                 struct error *error);
void config_fini(struct config *config);

#endif
