/* link.c: PUT until accepted, then long polls until the end; an agent that has forgotten (404: its
 * journal was lost) gets the order again. Pauses between failures grow to 10 s. */
#include "agent/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/link_private.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "loop/timer.h"

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 10000
#define POLL_WAIT_S 20
/* Each order that listens holds a connection. Beyond so many they ask now and then instead: a slot
 * of hundreds of services must not fill the agent's server. Soon after news, for a short task is
 * over by then, and others wait for it; later not so often. */
#define LISTENERS_MAX 24
#define LOOK_FIRST_MS 20
#define LOOK_MAX_MS 500
#define ANSWER_LIMIT_MS 15000

struct link_order {
    struct link *link;
    char key[PROTOCOL_KEY_SIZE];
    struct buffer body;
    link_status_fn *fn;
    void *context;
    bool accepted;
    uint64_t revision;
    void *pending;       /* exchange under way */
    struct timer *timer; /* pause, or the first step */
    int64_t pause_ms;
    int64_t look_ms; /* until the next look, when it may not listen */
    bool over;
    bool in_fn; /* fn may free the order */
    bool freed;
};

void link_init(struct link *link, const struct link_transport *transport, struct loop *loop)
{
    link->transport = transport;
    link->loop = loop;
    link->state = (struct link_state){.changed_us = clock_realtime_us()};
}

void link_free(struct link *link)
{
    if (link == NULL)
        return;
    CHECK(link->orders == 0);
    link->transport->free(link);
}

struct link_state link_state(const struct link *link)
{
    return link->state;
}

static void note(struct link *link, const struct error *error)
{
    bool reachable = error->code == ERROR_OK;
    bool begins = error->code == ERROR_DENIED && link->state.error.code != ERROR_DENIED;
    if (reachable != link->state.reachable)
        link->state.changed_us = clock_realtime_us();
    link->state.reachable = reachable;
    link->state.error = *error;
    if (begins && link->denied != NULL)
        link->denied(link->denied_context, error);
}

/* What an exchange says of the agent. Its server's word on our token is about no order: an operator
 * who changes the token on one side first must not lose the epochs of that minute. */
static struct error verdict_of(int status, const struct error *error)
{
    struct error verdict = *error;
    if (verdict.code == ERROR_OK && (status == 401 || status == 403))
        error_set(&verdict, ERROR_DENIED,
                  "the agent refuses this device (%d): agent_token_file must hold the token of its "
                  "coevald",
                  status);
    return verdict;
}

void link_on_denied(struct link *link, link_denied_fn *fn, void *context)
{
    link->denied = fn;
    link->denied_context = context;
}

static void step(void *context);

static void pause_order(struct link_order *order)
{
    timer_start(order->timer, order->pause_ms);
    order->pause_ms = order->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : order->pause_ms * 2;
}

static void release(struct link_order *order)
{
    order->link->orders--;
    timer_free(order->timer);
    buffer_fini(&order->body);
    free(order);
}

/* Returns false when fn freed the order. */
static bool tell(struct link_order *order, const struct status *status, const struct error *error)
{
    order->in_fn = true;
    order->fn(order->context, status, error);
    order->in_fn = false;
    if (!order->freed)
        return true;
    release(order);
    return false;
}

static void refused(struct link_order *order, int status, const json_t *document)
{
    struct error error;
    json_t *failure = json_object_get(document, "error");
    if (failure != NULL)
        json_to_error(failure, &error);
    else
        error_set(&error, ERROR_PROTOCOL, "the agent answered %d", status);
    order->over = true;
    tell(order, NULL, &error);
}

static void take_status(struct link_order *order, const json_t *document)
{
    struct status status;
    struct error error = ERROR_NONE;
    if (!status_parse(document, &status, &error)) {
        log_warning(LOG_AGENT, "link.protocol", "key=%.12s error=\"%s\"", order->key, error.text);
        pause_order(order);
        return;
    }
    order->accepted = true;
    order->pause_ms = PAUSE_FIRST_MS;
    bool news = status.revision != order->revision;
    bool last = status.state != STATUS_RUNNING;
    order->revision = status.revision;
    order->over = last;
    /* A poll that ran out of time brings progress, which is told too. */
    if (!tell(order, &status, &error) || last)
        return;
    if (news || order->link->orders <= LISTENERS_MAX)
        step(order);
    else
        timer_start(order->timer, order->look_ms);
    order->look_ms = news ? LOOK_FIRST_MS : order->look_ms * 2;
    if (order->look_ms > LOOK_MAX_MS)
        order->look_ms = LOOK_MAX_MS;
}

static void answered(void *context, int status, const char *body, size_t size,
                     const struct error *error)
{
    struct link_order *order = context;
    json_t *document = NULL;
    struct error bad = ERROR_NONE;
    struct error verdict = verdict_of(status, error);
    order->pending = NULL;
    note(order->link, &verdict);
    if (verdict.code != ERROR_OK) {
        pause_order(order);
        return;
    }
    if (status == 404 && order->accepted) {
        order->accepted = false; /* the agent's journal was lost: the same order again */
        order->revision = 0;
        pause_order(order);
        return;
    }
    if (!json_parse(body, size, &document, &bad)) {
        pause_order(order);
        return;
    }
    if (status == 200 || status == 201)
        take_status(order, document);
    else if (status == 429 || status >= 500)
        pause_order(order);
    else
        refused(order, status, document);
    json_decref(document);
}

static void step(void *context)
{
    struct link_order *order = context;
    char path[160];
    struct link_request request = {.path = path, .timeout_ms = ANSWER_LIMIT_MS};
    if (order->accepted) {
        int wait_s = order->link->orders > LISTENERS_MAX ? 0 : POLL_WAIT_S;
        request.method = "GET";
        request.timeout_ms += wait_s * 1000;
        snprintf(path, sizeof path, "/v1/instructions/%s?after=%" PRIu64 "&wait=%d", order->key,
                 order->revision, wait_s);
    } else {
        request.method = "PUT";
        request.body = order->body.data;
        request.body_size = order->body.size;
        snprintf(path, sizeof path, "/v1/instructions/%s", order->key);
    }
    order->pending = order->link->transport->send(order->link, &request, answered, order);
}

struct link_order *link_order_new(struct link *link, json_t *document, link_status_fn *fn,
                                  void *context)
{
    struct link_order *order = memory_new(sizeof *order);
    order->link = link;
    link->orders++;
    snprintf(order->key, sizeof order->key, "%s", json_string_or(document, "key", ""));
    CHECK(order->key[0] != '\0');
    buffer_init(&order->body, 0);
    json_print(document, false, &order->body);
    json_decref(document);
    order->fn = fn;
    order->context = context;
    order->pause_ms = PAUSE_FIRST_MS;
    order->look_ms = LOOK_FIRST_MS;
    order->timer = timer_new(link->loop, step, order);
    timer_start(order->timer, 0);
    return order;
}

void link_order_free(struct link_order *order)
{
    if (order == NULL)
        return;
    CHECK(!order->freed);
    timer_stop(order->timer);
    if (order->pending != NULL)
        order->link->transport->cancel(order->link, order->pending);
    order->pending = NULL;
    order->freed = true;
    if (!order->in_fn)
        release(order);
}

static void ignore_answer(void *context, int status, const char *body, size_t size,
                          const struct error *error)
{
    (void)context;
    (void)status;
    (void)body;
    (void)size;
    (void)error;
}

void link_order_cancel(struct link_order *order)
{
    if (order == NULL)
        return;
    char path[160];
    snprintf(path, sizeof path, "/v1/instructions/%s", order->key);
    struct link_request request = {"DELETE", path, NULL, 0, ANSWER_LIMIT_MS};
    order->link->transport->send(order->link, &request, ignore_answer, NULL);
    link_order_free(order);
}

/* ---- who the agent is ----------------------------------------------------------------------- */

struct question {
    struct link *link;
    link_agent_fn *fn;
    void *context;
};

static void agent_answered(void *context, int status, const char *body, size_t size,
                           const struct error *error)
{
    struct question question = *(struct question *)context;
    json_t *document = NULL;
    struct error failure = verdict_of(status, error);
    free(context);
    note(question.link, &failure);
    if (failure.code == ERROR_OK && json_parse(body, size, &document, &failure) && status != 200)
        error_set(&failure, ERROR_PROTOCOL, "the agent answered %d", status);
    question.fn(question.context, failure.code == ERROR_OK ? document : NULL, &failure);
    json_decref(document);
}

void link_ask_agent(struct link *link, link_agent_fn *fn, void *context)
{
    struct question *question = memory_new(sizeof *question);
    *question = (struct question){link, fn, context};
    struct link_request request = {"GET", "/v1/agent", NULL, 0, ANSWER_LIMIT_MS};
    link->transport->send(link, &request, agent_answered, question);
}
