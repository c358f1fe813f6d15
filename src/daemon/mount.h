/* mount.h: the listener's paths: /agents/<cluster>/... goes to that agent, the rest to admin. */
#ifndef COEVAL_DAEMON_MOUNT_H
#define COEVAL_DAEMON_MOUNT_H

#include "admin/admin.h"
#include "agent/agent.h"

struct mounted_agent {
    const char *cluster;
    struct agent *agent;
};

struct mount {
    const struct mounted_agent *agents;
    size_t agent_count;
    struct admin *admin; /* NULL: no control role */
};

/* An http_handler_fn; context is a struct mount. */
void mount_handle(void *context, struct http_exchange *exchange,
                  const struct http_request *request);

#endif
