/* admin_health.c: what load balancers, supervisors and Prometheus ask. */
#include "admin/admin_private.h"
#include "admin/metrics.h"

void get_live(void *context, struct http_exchange *exchange, const struct http_request *request,
              const struct route_match *match)
{
    json_t *answer = json_object();
    (void)context;
    (void)request;
    (void)match;
    json_set_boolean(answer, "live", true);
    admin_answer(exchange, 200, answer);
}

/* The listener opens when the journal has been read: whoever can ask, may give orders. Agents that
 * cannot be reached do not make the device unready: it waits for them, and says so. */
void get_ready(void *context, struct http_exchange *exchange, const struct http_request *request,
               const struct route_match *match)
{
    struct admin *admin = context;
    json_t *answer = json_object(), *unreachable = json_array(), *cluster;
    json_t *clusters = control_clusters(admin->control);
    size_t index;
    (void)request;
    (void)match;
    json_array_foreach(clusters, index, cluster)
        if (!json_boolean_or(cluster, "agent_reachable", false))
            json_append_take(unreachable, json_string(json_string_or(cluster, "name", "")));
    json_decref(clusters);
    json_set_boolean(answer, "ready", true);
    json_set_take(answer, "unreachable_clusters", unreachable);
    admin_answer(exchange, 200, answer);
}

void get_metrics(void *context, struct http_exchange *exchange, const struct http_request *request,
                 const struct route_match *match)
{
    struct admin *admin = context;
    struct buffer text;
    json_t *status = control_status(admin->control);
    (void)request;
    (void)match;
    buffer_init(&text, 0);
    metrics_print(status, operations_running(admin), &text);
    http_answer(exchange, 200, METRICS_CONTENT_TYPE, text.data, text.size);
    buffer_fini(&text);
    json_decref(status);
}
