/* admin_private.h: what the files of admin/ share. The loop thread owns all of it.
 *   admin.c             routes, start and end       admin_request.c     parameters and bodies,
 * strictly admin_answer.c      answers now and later       admin_operations.c  long work and who
 * waits for it admin_policies.c  admin_epochs.c  admin_clusters.c  admin_events.c  admin_health.c
 * handlers metrics.c           text for Prometheus (pure) */
#ifndef COEVAL_ADMIN_ADMIN_PRIVATE_H
#define COEVAL_ADMIN_ADMIN_PRIVATE_H

#include "admin/admin.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/list.h"
#include "http/router.h"
#include "loop/timer.h"

struct admin {
    struct loop *loop;
    struct control *control;
    struct list owed;       /* answers that control was asked for */
    struct list streams;    /* of events */
    struct list operations; /* oldest first */
};

/* ---- admin_request.c: each of these answers 400 itself and returns false ---- */

#define QUERY_NAMES_MAX 4
struct query {
    struct arena arena;
    const char *values[QUERY_NAMES_MAX]; /* in the order of the names; NULL: not there */
};
/* No other parameters than these, each at most once. query_fini() in any case. */
bool query_read(struct query *query, struct http_exchange *exchange,
                const struct http_request *request, const char *const *names, size_t count);
void query_fini(struct query *query);
/* "true" or "false" */
bool query_flag(const struct query *query, size_t index, struct http_exchange *exchange,
                bool *ret_flag);
bool request_number(const char *text, const char *what, uint64_t maximum,
                    struct http_exchange *exchange, uint64_t *ret_number);
/* An object with no other members than these, all strings; an empty body is an empty object. */
bool request_body(struct http_exchange *exchange, const struct http_request *request,
                  const char *const *keys, size_t count, json_t **ret_body);
bool request_needs(struct http_exchange *exchange, const json_t *body, const char *key,
                   const char **ret_text);

/* ---- admin_answer.c ---- */

/* Takes the document. */
void admin_answer(struct http_exchange *exchange, int status, json_t *document);
/* {"name": list}: an answer is always an object, so that members can be added. Takes the list. */
void admin_answer_list(struct http_exchange *exchange, const char *name, json_t *list);
/* An answer that control owes: pass admin_pay and the result as done and context. When the peer
 * leaves, the order goes on. */
struct owed;
struct owed *admin_owe(struct admin *admin, struct http_exchange *exchange);
void admin_pay(void *context, const json_t *result, const struct error *error);
void admin_forget_owed(struct admin *admin);

/* ---- admin_operations.c ---- */

/* Long work: pass operation_done and the operation as done and context. NULL: too much is running,
 * and the exchange was told. */
struct operation;
struct operation *operation_begin(struct admin *admin, struct http_exchange *exchange,
                                  const char *kind, const char *service, uint64_t number);
void operation_done(void *context, const json_t *result, const struct error *error);
/* 202 with the operation. */
void operation_answer(struct operation *operation, struct http_exchange *exchange);
/* Instead: the work was refused at once, and nothing of it is left. */
void operation_refuse(struct operation *operation, struct http_exchange *exchange,
                      const struct error *error);
size_t operations_running(const struct admin *admin);
void admin_forget_operations(struct admin *admin);
route_fn get_operations, get_operation;

/* ---- handlers ---- */
route_fn get_policies, get_policy, put_policy, delete_policy, post_policy_verb;
route_fn get_epochs, get_epoch, post_epoch_verify, post_epoch_verb;
route_fn get_status, get_clusters, get_data_sets, get_roots, post_root_plan, post_root_move;
route_fn get_simulation, post_check, post_recover;
route_fn get_events, get_event_stream;
void admin_end_streams(struct admin *admin);
route_fn get_live, get_ready, get_metrics;

#endif
