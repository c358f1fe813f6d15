/* admin_clusters.c: the whole, clusters, roots, and what an operator asks before he acts. */
#include "admin/admin_private.h"
#include "base/clock.h"
#include "base/timestamp.h"

#define SECONDS_MAX ((uint64_t)366 * 86400)

void get_status(void *context, struct http_exchange *exchange, const struct http_request *request,
                const struct route_match *match)
{
    struct admin *admin = context;
    (void)request;
    (void)match;
    admin_answer(exchange, 200, control_status(admin->control));
}

void get_clusters(void *context, struct http_exchange *exchange, const struct http_request *request,
                  const struct route_match *match)
{
    struct admin *admin = context;
    (void)request;
    (void)match;
    admin_answer_list(exchange, "clusters", control_clusters(admin->control));
}

void get_data_sets(void *context, struct http_exchange *exchange,
                   const struct http_request *request, const struct route_match *match)
{
    static const char *const names[] = {"instance", "path"};
    struct admin *admin = context;
    struct query query;
    struct error error;
    if (query_read(&query, exchange, request, names, ARRAY_LENGTH(names))) {
        if (query.values[0] == NULL) {
            error_set(&error, ERROR_INVALID,
                      "parameter 'instance' is missing: GET /v1/clusters "
                      "lists the instances of each cluster");
            http_answer_error(exchange, &error);
        } else {
            control_catalogue(admin->control, match->arguments[0], query.values[0],
                              query.values[1] == NULL ? "/" : query.values[1], admin_pay,
                              admin_owe(admin, exchange));
        }
    }
    query_fini(&query);
}

/* ---- roots ---- */

void get_roots(void *context, struct http_exchange *exchange, const struct http_request *request,
               const struct route_match *match)
{
    struct admin *admin = context;
    (void)request;
    (void)match;
    admin_answer_list(exchange, "roots", control_roots(admin->control));
}

struct root_order {
    const char *cluster, *instance, *root;
};

static bool read_root(struct http_exchange *exchange, const json_t *body,
                      struct root_order *ret_order)
{
    return request_needs(exchange, body, "cluster", &ret_order->cluster) &&
           request_needs(exchange, body, "instance", &ret_order->instance) &&
           request_needs(exchange, body, "root", &ret_order->root);
}

static const char *const root_keys[] = {"cluster", "instance", "root", "reason"};

void post_root_plan(void *context, struct http_exchange *exchange,
                    const struct http_request *request, const struct route_match *match)
{
    struct admin *admin = context;
    struct root_order order;
    struct error error;
    json_t *body, *plan;
    (void)match;
    if (!request_body(exchange, request, root_keys, 3, &body))
        return;
    if (read_root(exchange, body, &order)) {
        if (control_root_plan(admin->control, order.cluster, order.instance, order.root, &plan,
                              &error))
            admin_answer(exchange, 200, plan);
        else
            http_answer_error(exchange, &error);
    }
    json_decref(body);
}

void post_root_move(void *context, struct http_exchange *exchange,
                    const struct http_request *request, const struct route_match *match)
{
    struct admin *admin = context;
    struct root_order order;
    struct operation *operation = NULL;
    struct error error;
    json_t *body;
    (void)match;
    if (!request_body(exchange, request, root_keys, ARRAY_LENGTH(root_keys), &body))
        return;
    if (read_root(exchange, body, &order))
        operation = operation_begin(admin, exchange, "move-root", NULL, 0);
    if (operation != NULL) {
        if (control_root_move(admin->control, order.cluster, order.instance, order.root,
                              json_string_or(body, "reason", NULL), operation_done, operation,
                              &error))
            operation_answer(operation, exchange);
        else
            operation_refuse(operation, exchange, &error);
    }
    json_decref(body);
}

/* ---- before acting ---- */

static bool read_until(const struct query *query, struct http_exchange *exchange,
                       int64_t *ret_until_us)
{
    struct error error;
    uint64_t seconds;
    if ((query->values[0] == NULL) == (query->values[1] == NULL))
        error_set(&error, ERROR_INVALID, "give either until (a time) or seconds");
    else if (query->values[1] != NULL) {
        if (!request_number(query->values[1], "seconds", SECONDS_MAX, exchange, &seconds))
            return false;
        *ret_until_us = clock_realtime_us() + (int64_t)seconds * 1000000;
        return true;
    } else if (timestamp_parse(query->values[0], ret_until_us, &error)) {
        return true;
    }
    http_answer_error(exchange, &error);
    return false;
}

void get_simulation(void *context, struct http_exchange *exchange,
                    const struct http_request *request, const struct route_match *match)
{
    static const char *const names[] = {"until", "seconds"};
    struct admin *admin = context;
    struct query query;
    struct error error;
    int64_t until_us;
    json_t *result;
    (void)match;
    if (query_read(&query, exchange, request, names, ARRAY_LENGTH(names)) &&
        read_until(&query, exchange, &until_us)) {
        if (control_simulate(admin->control, until_us, &result, &error))
            admin_answer(exchange, 200, result);
        else
            http_answer_error(exchange, &error);
    }
    query_fini(&query);
}

void post_check(void *context, struct http_exchange *exchange, const struct http_request *request,
                const struct route_match *match)
{
    static const char *const keys[] = {"service"};
    struct admin *admin = context;
    struct operation *operation = NULL;
    struct error error;
    json_t *body, *policy = NULL;
    (void)match;
    if (!request_body(exchange, request, keys, 1, &body))
        return;
    const char *service = json_string_or(body, "service", NULL);
    if (service != NULL && !control_policy(admin->control, service, &policy, &error))
        http_answer_error(exchange, &error);
    else
        operation = operation_begin(admin, exchange, "check", service, 0);
    if (operation != NULL) {
        control_check(admin->control, service, operation_done, operation);
        operation_answer(operation, exchange);
    }
    json_decref(policy);
    json_decref(body);
}

void post_recover(void *context, struct http_exchange *exchange, const struct http_request *request,
                  const struct route_match *match)
{
    static const char *const keys[] = {"reason"};
    struct admin *admin = context;
    json_t *body;
    (void)match;
    if (!request_body(exchange, request, keys, 1, &body))
        return;
    struct operation *operation = operation_begin(admin, exchange, "recover", NULL, 0);
    if (operation != NULL) {
        control_recover(admin->control, json_string_or(body, "reason", NULL), operation_done,
                        operation);
        operation_answer(operation, exchange);
    }
    json_decref(body);
}
