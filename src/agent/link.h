/* link.h: a control device's way to one agent. One form for both places: encoded requests go over
 * HTTP, or the same bytes are handed over in memory when the agent is embedded. The link owns the
 * retries towards its agent: it sends an order again for as long as somebody listens. */
#ifndef COEVAL_AGENT_LINK_H
#define COEVAL_AGENT_LINK_H

#include "agent/agent.h"
#include "agent/protocol.h"
#include "http/client.h"

struct link;

/* The agent lives in this process; borrowed. */
struct link *link_local_new(struct loop *loop, struct agent *agent);
/* url: "http://host:port". client and loop are borrowed. token NULL: none. */
struct link *link_http_new(struct loop *loop, struct http_client *client, const char *url,
                           const char *token);
/* Orders must have been freed. */
void link_free(struct link *link);

/* What is known of the agent: reachable since the last exchange. */
struct link_state {
    bool reachable;
    int64_t changed_us; /* when that became so */
    struct error error; /* of the last exchange that failed */
};
struct link_state link_state(const struct link *link);

/* fn runs when the agent begins to refuse the device itself (401, 403: its token), whatever it
 * asks: orders wait, and are sent again until the agent takes them. One fn for a link. */
typedef void link_denied_fn(void *context, const struct error *error);
void link_on_denied(struct link *link, link_denied_fn *fn, void *context);

/* One order and its answers. Runs for every new status (revision), the last one being DONE, FAILED
 * or WAITING; or once with an error and status NULL when the agent refused it (FENCED, CONFLICT,
 * INVALID, ...). Nothing comes after the last. The status is borrowed for the call. */
typedef void link_status_fn(void *context, const struct status *status, const struct error *error);
struct link_order;
/* document is stolen; its "key" names the order. Never calls fn inside. */
struct link_order *link_order_new(struct link *link, json_t *document, link_status_fn *fn,
                                  void *context);
/* Stops listening; the agent goes on. NULL is fine. May be called from fn. */
void link_order_free(struct link_order *order);
/* The same, and asks the agent to stop and to forget it (best effort). */
void link_order_cancel(struct link_order *order);

/* GET /v1/agent: who it is. One try. document borrowed for the call, NULL on error. */
typedef void link_agent_fn(void *context, const json_t *document, const struct error *error);
void link_ask_agent(struct link *link, link_agent_fn *fn, void *context);

#endif
