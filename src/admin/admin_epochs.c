/* admin_epochs.c: epochs: listed, looked at, and what an operator orders of one. */
#include <string.h>

#include "admin/admin_private.h"

#define EPOCHS_DEFAULT 50
#define EPOCHS_MAX 10000
#define NUMBER_MAX ((uint64_t)INT64_MAX)

static const char *const reason_keys[] = {"reason"};

/* An unknown service is an error, not an empty list: it may be a typing error. */
static bool service_is_known(struct admin *admin, struct http_exchange *exchange, const char *name)
{
    struct error error;
    json_t *policy;
    if (name == NULL)
        return true;
    if (!control_policy(admin->control, name, &policy, &error)) {
        http_answer_error(exchange, &error);
        return false;
    }
    json_decref(policy);
    return true;
}

void get_epochs(void *context, struct http_exchange *exchange, const struct http_request *request,
                const struct route_match *match)
{
    static const char *const names[] = {"service", "limit"};
    struct admin *admin = context;
    struct query query;
    uint64_t limit = EPOCHS_DEFAULT;
    (void)match;
    if (query_read(&query, exchange, request, names, ARRAY_LENGTH(names)) &&
        (query.values[1] == NULL ||
         request_number(query.values[1], "limit", EPOCHS_MAX, exchange, &limit)) &&
        service_is_known(admin, exchange, query.values[0]))
        admin_answer_list(exchange, "epochs",
                          control_epochs(admin->control, query.values[0], limit));
    query_fini(&query);
}

static bool read_number(struct http_exchange *exchange, const struct route_match *match,
                        uint64_t *ret_number)
{
    return request_number(match->arguments[1], "epoch", NUMBER_MAX, exchange, ret_number);
}

/* What the journal keeps of an epoch may be large; a follower asks often and wants little. */
static bool cut_to_summary(struct http_exchange *exchange, const char *view, json_t *epoch)
{
    static const char *const parts[] = {"members", "moment", "transfer", "commit", "history"};
    struct error error;
    if (view == NULL || strcmp(view, "full") == 0)
        return true;
    if (strcmp(view, "summary") != 0) {
        error_set(&error, ERROR_INVALID, "view is full or summary, not '%.40s'", view);
        http_answer_error(exchange, &error);
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
        json_object_del(epoch, parts[i]);
    return true;
}

static void answer_epoch(struct admin *admin, struct http_exchange *exchange, const char *service,
                         uint64_t number, const char *view)
{
    struct error error;
    json_t *epoch;
    if (!control_epoch(admin->control, service, number, &epoch, &error))
        http_answer_error(exchange, &error);
    else if (cut_to_summary(exchange, view, epoch))
        admin_answer(exchange, 200, epoch);
    else
        json_decref(epoch);
}

void get_epoch(void *context, struct http_exchange *exchange, const struct http_request *request,
               const struct route_match *match)
{
    static const char *const names[] = {"view"};
    struct query query;
    uint64_t number;
    if (query_read(&query, exchange, request, names, 1) && read_number(exchange, match, &number))
        answer_epoch(context, exchange, match->arguments[0], number, query.values[0]);
    query_fini(&query);
}

void post_epoch_verb(void *context, struct http_exchange *exchange,
                     const struct http_request *request, const struct route_match *match)
{
    struct admin *admin = context;
    uint64_t number;
    json_t *body;
    if (!read_number(exchange, match, &number) ||
        !request_body(exchange, request, reason_keys, 1, &body))
        return;
    control_epoch_verb(admin->control, match->arguments[0], number, match->arguments[2],
                       json_string_or(body, "reason", NULL), admin_pay, admin_owe(admin, exchange));
    json_decref(body);
}

void post_epoch_verify(void *context, struct http_exchange *exchange,
                       const struct http_request *request, const struct route_match *match)
{
    struct admin *admin = context;
    struct error error;
    uint64_t number;
    json_t *body, *epoch;
    if (!read_number(exchange, match, &number) ||
        !request_body(exchange, request, reason_keys, 1, &body))
        return;
    json_decref(body);
    if (!control_epoch(admin->control, match->arguments[0], number, &epoch, &error)) {
        http_answer_error(exchange, &error);
        return;
    }
    json_decref(epoch);
    struct operation *operation =
        operation_begin(admin, exchange, "verify", match->arguments[0], number);
    if (operation == NULL)
        return;
    control_verify(admin->control, match->arguments[0], number, operation_done, operation);
    operation_answer(operation, exchange);
}
