/* mount.c: see mount.h. */
#include "daemon/mount.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define AGENTS "/agents/"

/* An answer that is owed to a peer; the peer may leave before it comes. */
struct owed {
    struct http_exchange *exchange; /* NULL: the peer is gone */
};

static void reply(void *context, int status, const char *body, size_t size)
{
    struct owed *owed = context;
    if (owed->exchange != NULL) {
        http_exchange_on_gone(owed->exchange, NULL, NULL);
        http_answer(owed->exchange, status, NULL, body, size);
    }
    free(owed);
}

static void peer_gone(void *context)
{
    ((struct owed *)context)->exchange = NULL;
}

static void hand_over(struct agent *agent, const char *path, struct http_exchange *exchange,
                      const struct http_request *request)
{
    struct owed *owed = memory_new(sizeof *owed);
    struct agent_request handed = {.method = http_method_name(request->method),
                                   .path = path,
                                   .query = request->query,
                                   .body = request->body,
                                   .body_size = request->body_size};
    owed->exchange = exchange;
    http_exchange_on_gone(exchange, peer_gone, owed);
    agent_handle(agent, &handed, reply, owed);
}

void mount_handle(void *context, struct http_exchange *exchange, const struct http_request *request)
{
    const struct mount *mount = context;
    struct error error;
    if (strncmp(request->path, AGENTS, strlen(AGENTS)) == 0) {
        const char *name = request->path + strlen(AGENTS);
        size_t length = strcspn(name, "/");
        for (size_t i = 0; i < mount->agent_count; i++)
            if (strlen(mount->agents[i].cluster) == length &&
                strncmp(mount->agents[i].cluster, name, length) == 0) {
                hand_over(mount->agents[i].agent, name + length, exchange, request);
                return;
            }
        error_set(&error, ERROR_NOT_FOUND, "no agent of cluster '%.*s' in this process",
                  (int)(length > 60 ? 60 : length), name);
        http_answer_error(exchange, &error);
        return;
    }
    if (mount->admin != NULL) {
        admin_handle(mount->admin, exchange, request);
        return;
    }
    error_set(&error, ERROR_NOT_FOUND, "this process has no control role");
    http_answer_error(exchange, &error);
}
