/* link_http.c: the transport to an agent elsewhere. */
#include "agent/link_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct http_link {
    struct link link;
    struct http_client *client;
    char *url;
    char *token;
};

struct remote_exchange {
    struct http_pending *pending;
    link_answer_fn *fn;
    void *context;
    bool canceled;
};

static void remote_answered(void *context, const struct http_result *result,
                            const struct error *error)
{
    struct remote_exchange exchange = *(struct remote_exchange *)context;
    free(context);
    if (exchange.canceled)
        return;
    if (error->code != ERROR_OK)
        exchange.fn(exchange.context, 0, "", 0, error);
    else
        exchange.fn(exchange.context, result->status, buffer_text(&result->body), result->body.size,
                    error);
}

static enum http_method method_of(const char *name)
{
    if (strcmp(name, "PUT") == 0)
        return HTTP_PUT;
    return strcmp(name, "DELETE") == 0 ? HTTP_DELETE : HTTP_GET;
}

static void *send_remote(struct link *link, const struct link_request *request, link_answer_fn *fn,
                         void *context)
{
    struct http_link *remote = container_of(link, struct http_link, link);
    static const char *const headers[] = {"Content-Type: application/json",
                                          "X-Coeval-Protocol: 1-1", NULL};
    struct remote_exchange *exchange = memory_new(sizeof *exchange);
    struct buffer url;
    buffer_init(&url, 0);
    buffer_append_format(&url, "%s%s", remote->url, request->path);
    struct http_call call = {.method = method_of(request->method),
                             .url = buffer_text(&url),
                             .token = remote->token,
                             .headers = headers,
                             .body = request->body,
                             .body_size = request->body_size,
                             .timeout_ms = request->timeout_ms};
    exchange->fn = fn;
    exchange->context = context;
    exchange->pending = http_client_start(remote->client, &call, remote_answered, exchange);
    buffer_fini(&url);
    return exchange;
}

static void cancel_remote(struct link *link, void *handle)
{
    struct remote_exchange *exchange = handle;
    (void)link;
    exchange->canceled = true;
    http_client_cancel(exchange->pending);
}

static void free_remote(struct link *link)
{
    struct http_link *remote = container_of(link, struct http_link, link);
    free(remote->url);
    free(remote->token);
    free(remote);
}

static const struct link_transport transport = {send_remote, cancel_remote, free_remote};

struct link *link_http_new(struct loop *loop, struct http_client *client, const char *url,
                           const char *token)
{
    struct http_link *remote = memory_new(sizeof *remote);
    link_init(&remote->link, &transport, loop);
    remote->client = client;
    remote->url = memory_copy_string(url);
    remote->token = memory_copy_string(token);
    return &remote->link;
}
