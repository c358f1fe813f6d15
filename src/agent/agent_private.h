/* agent_private.h: what agent.c and agent_requests.c share. */
#ifndef COEVAL_AGENT_AGENT_PRIVATE_H
#define COEVAL_AGENT_AGENT_PRIVATE_H

#include "agent/task.h"

struct agent {
    struct agent_parts parts;
    struct agent_options options;
    json_t
        *fences; /* pair id -> {generation: highest seen, device: whose}, as the journal has it */
    struct list arrivals; /* orders whose first record is not durable yet */
    struct timer *progress;
    bool ticking;
    loop_fn *stopped;
    void *stopped_context;
};

struct service_limiter {
    struct list node;
    char *service;
    struct limiter *limiter;
    int64_t revision; /* of the policy whose limits these are */
};

struct task *agent_find(struct agent *agent, const char *key);
void agent_queue(struct agent *agent, struct task *task);
void agent_drop(struct agent *agent, struct task *task);
/* agent_room.c */
void agent_prune(struct agent *agent, const struct instruction *newest);
/* By its text, what it takes in memory. */
void agent_weigh(struct task *task, const char *text, size_t size);
/* INVALID: it would not fit if it was alone. */
bool agent_could_hold(const struct agent *agent, size_t bytes, struct error *error);
/* LIMIT: what has not ended takes all that may be taken. */
bool agent_make_room(struct agent *agent, size_t bytes, struct error *error);
void agent_forget_arrivals(struct agent *agent); /* the journal will not tell of them any more */
void agent_end_waiters(struct agent *agent);
/* Gives the task its service's limiter, and that the limits of a newer policy than it has. */
void agent_limit(struct agent *agent, struct task *task);
void agent_free_limiters(struct agent *agent);
void agent_tell_all(struct task *task); /* waiters of any revision */

#endif
