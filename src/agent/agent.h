/* agent.h: the backup management apparatus of one cluster: keeps instructions durable, carries them
 * out with executors, answers for them. Several agents may live in one process (quickstart). */
#ifndef COEVAL_AGENT_AGENT_H
#define COEVAL_AGENT_AGENT_H

#include "component/store_util.h"
#include "journal/journal.h"
#include "loop/loop.h"

struct agent;

/* One component instance of one cluster, as this agent can reach it. */
struct agent_store {
    const char *cluster;
    const char *instance;
    struct store_ref ref;
};

struct agent_options {
    const char *cluster;              /* the cluster that this agent serves */
    const char *id;                   /* UUID */
    const struct agent_store *stores; /* of both clusters; borrowed, must live longer */
    size_t store_count;
    struct journal *journal;    /* borrowed */
    const char *work_directory; /* sorted runs and partial receipts; made when missing */
    unsigned long_jobs_max;     /* copies and commits at once; the rest of the pool stays free */
    struct limiter *limiter;    /* of the whole device; NULL: none */
    size_t orders_bytes_max;    /* of orders and results in memory, about; 0: 256 MiB */
    bool runs_hooks;            /* false: a moment with one is refused: anybody could send it */
};

/* Resumes what the journal holds. */
bool agent_new(struct loop *loop, const struct agent_options *options, struct agent **ret_agent,
               struct error *error);
/* Asks running tasks to stop; `stopped` runs once none is left. Their instructions stay in the
 * journal and go on at the next start. */
void agent_stop(struct agent *agent, loop_fn *stopped, void *context);
void agent_free(struct agent *agent); /* after stopped */

/* One request of the protocol; the data is borrowed for the call. */
struct agent_request {
    const char *method; /* "PUT" */
    const char *path;
    const char *query;
    const char *body;
    size_t body_size;
};
/* Runs once, now or later; body is borrowed for the call (JSON, possibly ""). */
typedef void agent_reply_fn(void *context, int status, const char *body, size_t size);
void agent_handle(struct agent *agent, const struct agent_request *request, agent_reply_fn *reply,
                  void *context);

#endif
