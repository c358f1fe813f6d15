/* admin.c: the routes of the REST interface. doc/openapi.yaml says what each takes and gives. */
#include "admin/admin.h"

#include <stdlib.h>

#include "admin/admin_private.h"

static const struct route routes[] = {
    {HTTP_GET, "/v1/status", get_status},
    {HTTP_GET, "/v1/policies", get_policies},
    {HTTP_GET, "/v1/policies/{name}", get_policy},
    {HTTP_PUT, "/v1/policies/{name}", put_policy},
    {HTTP_DELETE, "/v1/policies/{name}", delete_policy},
    {HTTP_POST, "/v1/policies/{name}/{verb}", post_policy_verb},
    {HTTP_GET, "/v1/epochs", get_epochs},
    {HTTP_GET, "/v1/services/{service}/epochs/{number}", get_epoch},
    {HTTP_POST, "/v1/services/{service}/epochs/{number}/verify", post_epoch_verify},
    {HTTP_POST, "/v1/services/{service}/epochs/{number}/{verb}", post_epoch_verb},
    {HTTP_GET, "/v1/clusters", get_clusters},
    {HTTP_GET, "/v1/clusters/{name}/datasets", get_data_sets},
    {HTTP_GET, "/v1/roots", get_roots},
    {HTTP_POST, "/v1/roots/plan", post_root_plan},
    {HTTP_POST, "/v1/roots/move", post_root_move},
    {HTTP_GET, "/v1/events", get_events},
    {HTTP_GET, "/v1/events/stream", get_event_stream},
    {HTTP_GET, "/v1/simulate", get_simulation},
    {HTTP_POST, "/v1/check", post_check},
    {HTTP_POST, "/v1/recover", post_recover},
    {HTTP_GET, "/v1/operations", get_operations},
    {HTTP_GET, "/v1/operations/{id}", get_operation},
    {HTTP_GET, "/live", get_live},
    {HTTP_GET, "/ready", get_ready},
    {HTTP_GET, "/metrics", get_metrics},
};

struct admin *admin_new(struct loop *loop, struct control *control)
{
    struct admin *admin = memory_new(sizeof *admin);
    admin->loop = loop;
    admin->control = control;
    list_init(&admin->owed);
    list_init(&admin->streams);
    list_init(&admin->operations);
    return admin;
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    admin_end_streams(admin);
    admin_forget_owed(admin);
    admin_forget_operations(admin);
    free(admin);
}

void admin_handle(struct admin *admin, struct http_exchange *exchange,
                  const struct http_request *request)
{
    router_dispatch(routes, ARRAY_LENGTH(routes), admin, exchange, request);
}
