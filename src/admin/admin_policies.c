/* admin_policies.c: policies: looked at, applied, deleted, ordered to run. */
#include <string.h>

#include "admin/admin_private.h"

static const char *const reason_keys[] = {"reason"};

void get_policies(void *context, struct http_exchange *exchange, const struct http_request *request,
                  const struct route_match *match)
{
    struct admin *admin = context;
    struct query query;
    (void)match;
    if (query_read(&query, exchange, request, NULL, 0))
        admin_answer_list(exchange, "policies", control_policies(admin->control));
    query_fini(&query);
}

/* A deleted one is kept for the sake of its epochs, but it is no policy any more. */
static bool find_policy(struct admin *admin, const char *name, json_t **ret_policy,
                        struct error *error)
{
    json_t *policy;
    if (!control_policy(admin->control, name, &policy, error))
        return false;
    if (strcmp(json_string_or(policy, "state", ""), "deleted") != 0) {
        *ret_policy = policy;
        return true;
    }
    json_decref(policy);
    return error_set(error, ERROR_NOT_FOUND,
                     "policy '%.80s' was deleted; its epochs are still there: `coeval epoch list "
                     "%.80s`",
                     name, name);
}

void get_policy(void *context, struct http_exchange *exchange, const struct http_request *request,
                const struct route_match *match)
{
    struct admin *admin = context;
    struct error error;
    json_t *policy = NULL;
    (void)request;
    if (find_policy(admin, match->arguments[0], &policy, &error))
        admin_answer(exchange, 200, policy);
    else
        http_answer_error(exchange, &error);
}

static bool read_policy(const struct http_request *request, const char *name, json_t **ret_policy,
                        struct error *error)
{
    if (!json_parse(request->body, request->body_size, ret_policy, error))
        return error_wrap(error, "policy");
    const char *stated = json_string_or(*ret_policy, "name", NULL);
    if (stated == NULL || strcmp(stated, name) == 0)
        return true; /* a missing name is the policy reader's complaint */
    error_set(error, ERROR_INVALID, "the path names policy '%.63s', its body '%.63s'", name,
              stated);
    json_decref(*ret_policy);
    return false;
}

void put_policy(void *context, struct http_exchange *exchange, const struct http_request *request,
                const struct route_match *match)
{
    static const char *const names[] = {"dry_run", "reason"};
    struct admin *admin = context;
    struct query query;
    struct document document;
    struct error error;
    bool dry_run;
    json_t *policy;
    if (!query_read(&query, exchange, request, names, ARRAY_LENGTH(names)) ||
        !query_flag(&query, 0, exchange, &dry_run)) {
        query_fini(&query);
        return;
    }
    if (read_policy(request, match->arguments[0], &policy, &error)) {
        document_init(&document, NULL, policy);
        control_apply_policy(admin->control, &document, dry_run, query.values[1], admin_pay,
                             admin_owe(admin, exchange));
        document_fini(&document);
    } else {
        http_answer_error(exchange, &error);
    }
    query_fini(&query);
}

void delete_policy(void *context, struct http_exchange *exchange,
                   const struct http_request *request, const struct route_match *match)
{
    struct admin *admin = context;
    struct query query;
    if (query_read(&query, exchange, request, reason_keys, 1))
        control_delete_policy(admin->control, match->arguments[0], query.values[0], admin_pay,
                              admin_owe(admin, exchange));
    query_fini(&query);
}

void post_policy_verb(void *context, struct http_exchange *exchange,
                      const struct http_request *request, const struct route_match *match)
{
    struct admin *admin = context;
    json_t *body;
    if (!request_body(exchange, request, reason_keys, 1, &body))
        return;
    control_policy_verb(admin->control, match->arguments[0], match->arguments[1],
                        json_string_or(body, "reason", NULL), admin_pay,
                        admin_owe(admin, exchange));
    json_decref(body);
}
