/* link_local.c: the transport to an agent of this process: requests and answers are copied and
 * delivered in a later turn of the loop, as a network would. */
#include "agent/link_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"

struct local_link {
    struct link link;
    struct agent *agent;
};

/* Outlives the link: an agent that ends answers everybody who still waits. */
struct local_exchange {
    struct loop *loop;
    struct agent *agent; /* gone once the exchange is canceled */
    char *method;
    char *path;
    char *query;
    char *body;
    size_t body_size;
    int status;
    struct buffer answer;
    link_answer_fn *fn;
    void *context;
    bool canceled;
};

static void free_exchange(struct local_exchange *exchange)
{
    free(exchange->method);
    free(exchange->path);
    free(exchange->body);
    buffer_fini(&exchange->answer);
    free(exchange);
}

static void deliver_answer(void *context)
{
    struct local_exchange *exchange = context;
    if (!exchange->canceled)
        exchange->fn(exchange->context, exchange->status, buffer_text(&exchange->answer),
                     exchange->answer.size, &ERROR_NONE);
    free_exchange(exchange);
}

static void take_reply(void *context, int status, const char *body, size_t size)
{
    struct local_exchange *exchange = context;
    exchange->status = status;
    buffer_append(&exchange->answer, body, size);
    loop_post(exchange->loop, deliver_answer, exchange);
}

static void deliver_request(void *context)
{
    struct local_exchange *exchange = context;
    if (exchange->canceled) {
        free_exchange(exchange);
        return;
    }
    struct agent_request request = {.method = exchange->method,
                                    .path = exchange->path,
                                    .query = exchange->query,
                                    .body = exchange->body,
                                    .body_size = exchange->body_size};
    agent_handle(exchange->agent, &request, take_reply, exchange);
}

static void *send_local(struct link *link, const struct link_request *request, link_answer_fn *fn,
                        void *context)
{
    struct local_exchange *exchange = memory_new(sizeof *exchange);
    exchange->loop = link->loop;
    exchange->agent = container_of(link, struct local_link, link)->agent;
    exchange->method = memory_copy_string(request->method);
    exchange->path = memory_copy_string(request->path);
    char *mark = strchr(exchange->path, '?');
    exchange->query = mark == NULL ? exchange->path + strlen(exchange->path) : mark + 1;
    if (mark != NULL)
        *mark = '\0';
    exchange->body = memory_new(request->body_size + 1);
    if (request->body_size > 0)
        memcpy(exchange->body, request->body, request->body_size);
    exchange->body_size = request->body_size;
    exchange->fn = fn;
    exchange->context = context;
    loop_post(link->loop, deliver_request, exchange);
    return exchange;
}

static void cancel_local(struct link *link, void *handle)
{
    (void)link;
    ((struct local_exchange *)handle)->canceled = true;
}

static void free_local(struct link *link)
{
    free(container_of(link, struct local_link, link));
}

static const struct link_transport transport = {send_local, cancel_local, free_local};

struct link *link_local_new(struct loop *loop, struct agent *agent)
{
    struct local_link *link = memory_new(sizeof *link);
    link_init(&link->link, &transport, loop);
    link->agent = agent;
    return &link->link;
}
