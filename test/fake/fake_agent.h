/* fake_agent.h: an agent that answers from a script: a link (agent/link.h) whose other end is the
 * test. Nothing is carried out; what was ordered is kept, so that a test can look at it. Orders
 * that no script names get an answer that lets an epoch go on to its seal. */
#ifndef COEVAL_FAKE_FAKE_AGENT_H
#define COEVAL_FAKE_FAKE_AGENT_H

#include "agent/link.h"

struct fake_agent;

/* stores: the JSON of what identify tells: [{"cluster", "instance", "identity"}, ...]. */
struct fake_agent *fake_agent_new(struct loop *loop, const char *stores);
void fake_agent_free(struct fake_agent *agent);         /* after its links */
struct link *fake_agent_link(struct fake_agent *agent); /* link_free() it */

/* The next order of that kind gets this status: {"state": "done", "result": {}}, {"state":
 * "failed", "error": {"code", "message"}}, {"state": "waiting", "question", "error"}, or {"state":
 * "running", "phase"}, which lasts until fake_agent_finish(). Several: one order each, in order. */
#define FAKE_RUNNING "{\"state\": \"running\"}"
#define FAKE_PHASE(phase) "{\"state\": \"running\", \"phase\": \"" phase "\"}"
#define FAKE_DONE "{\"state\": \"done\"}"
#define FAKE_FAILED(code, message) \
    "{\"state\": \"failed\", \"error\": {\"code\": \"" code "\", \"message\": \"" message "\"}}"
void fake_agent_script(struct fake_agent *agent, const char *kind, const char *status);
/* The newest order of that kind, RUNNING until now. */
void fake_agent_finish(struct fake_agent *agent, const char *kind, const char *status);
/* No request is answered while it is away (ERROR_UNAVAILABLE). */
void fake_agent_set_away(struct fake_agent *agent, bool away);
/* Every request is answered with this HTTP status and an error; 0: as usual again. */
void fake_agent_set_refusal(struct fake_agent *agent, int status);
/* Runs as an order arrives for the first time, before it is answered. */
typedef void fake_agent_fn(void *context, const json_t *order);
void fake_agent_on_order(struct fake_agent *agent, fake_agent_fn *fn, void *context);

/* A request is on its way or being answered; a long poll on an order that runs is not. */
bool fake_agent_is_busy(const struct fake_agent *agent);
/* Requests that fake_agent_set_refusal() answered so far. */
size_t fake_agent_refusals(const struct fake_agent *agent);

/* Different orders (keys) of a kind that came, and one of them (0: the first). */
size_t fake_agent_count(const struct fake_agent *agent, const char *kind);
const json_t *fake_agent_order(const struct fake_agent *agent, const char *kind, size_t index);

#endif
