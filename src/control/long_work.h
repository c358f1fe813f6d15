/* long_work.h: how far work is that takes long, and the instructions outside an epoch that it
 * consists of (ask.c). Included by control_private.h. */
#ifndef COEVAL_CONTROL_LONG_WORK_H
#define COEVAL_CONTROL_LONG_WORK_H

#include "base/list.h"
#include "control/control.h"

struct pair;
struct service;

/* Part of whatever carries the work out; its answer goes to context. */
struct work {
    struct list node;
    const void *context;
    struct control_progress progress;
};
/* total 0: not known yet. */
void work_begin(struct work *work, struct control *control, const void *context, const char *unit,
                uint64_t total);
void work_says(struct work *work, const char *format, ...) __attribute__((format(printf, 2, 3)));
void work_end(struct work *work);

typedef void ask_fn(void *context, const json_t *result, const struct error *error);
struct ask;
/* One instruction to one cluster's agent; fn once. body is stolen. Freed after fn. */
struct ask *ask_new(struct control *control, const char *cluster, const char *kind,
                    const struct pair *pair, const struct service *service, int64_t number,
                    json_t *body, int64_t limit_ms, ask_fn *fn, void *context);
void ask_cancel(struct ask *ask);
/* Counts of the agent go to the work, which lives until fn was called. */
void ask_watch(struct ask *ask, struct work *work);
void asks_end_all(struct control *control); /* with CANCELED */

#endif
