/* fake_agent.c: see fake_agent.h. */
#include "fake/fake_agent.h"

#include <stdlib.h>
#include <string.h>

#include "agent/link_private.h"
#include "base/check.h"
#include "base/json.h"
#include "base/list.h"

struct fake_link {
    struct link link;
    struct fake_agent *agent;
};

/* Every answer goes out in a later turn of the loop. */
struct fake_call {
    struct list node;
    struct fake_agent *agent;
    json_t *body;  /* of a PUT */
    json_t *order; /* a GET waits for its news; borrowed */
    int status;
    char *answer;
    link_answer_fn *fn;
    void *context;
    bool arrived, posted, canceled;
};

struct fake_agent {
    struct loop *loop;
    json_t *stores;
    json_t *script; /* [{"kind", "status"}] */
    json_t *orders; /* [{"document", "status"}] in order of arrival */
    struct list calls;
    bool away;
    int refusal;
    size_t refusals;
    fake_agent_fn *on_order;
    void *on_order_context;
};

/* ---- answers -------------------------------------------------------------------------------- */

static void deliver_call(void *context)
{
    struct fake_call *call = context;
    struct error none = ERROR_NONE, away;
    error_set(&away, ERROR_UNAVAILABLE, "the fake agent is away");
    list_remove(&call->node);
    if (!call->canceled)
        call->fn(call->context, call->status, call->answer,
                 call->answer == NULL ? 0 : strlen(call->answer),
                 call->status == 0 ? &away : &none);
    free(call->answer);
    json_decref(call->body);
    free(call);
}

static void answer_call(struct fake_call *call, int status, json_t *document)
{
    call->status = status;
    call->answer = document == NULL ? memory_copy_string("") : json_dumps(document, 0);
    call->posted = true;
    call->order = NULL;
    json_decref(document);
    loop_post(call->agent->loop, deliver_call, call);
}

static json_t *status_of(const json_t *order)
{
    json_t *status = json_deep_copy(json_object_get(order, "status"));
    json_set_string(status, "key", json_string_or(json_object_get(order, "document"), "key", ""));
    if (json_object_get(status, "phase") == NULL)
        json_set_string(status, "phase", "work");
    json_set_integer(status, "schema", 1);
    return status;
}

static json_t *default_result(struct fake_agent *agent, const json_t *document)
{
    const char *kind = json_string_or(document, "kind", "");
    const json_t *body = json_object_get(document, "body");
    json_t *settings = json_object_get(body, "settings");
    if (strcmp(kind, "identify") == 0)
        return json_pack("{s:O}", "stores", agent->stores);
    if (strcmp(kind, "check") == 0)
        return json_pack("{s:[]}", "stores");
    if (strcmp(kind, "resolve") == 0)
        return json_pack("{s:O}", "members", json_object_get(settings, "members"));
    if (strcmp(kind, "snapshot") == 0)
        return json_pack("{s:s, s:s, s:i, s:[]}", "outcome", "fired", "grade", "quiesced",
                         "skew_us", 0, "members");
    if (strcmp(kind, "commit") == 0)
        return json_pack("{s:{s:O, s:O, s:O}}", "seal", "number",
                         json_object_get(document, "number"), "attempt",
                         json_object_get(document, "attempt"), "generation",
                         json_object_get(document, "generation"));
    return json_object();
}

/* ---- orders --------------------------------------------------------------------------------- */

static json_t *find_order(const struct fake_agent *agent, const char *key)
{
    size_t index;
    json_t *order;
    json_array_foreach(agent->orders, index, order)
        if (strcmp(json_string_or(json_object_get(order, "document"), "key", ""), key) == 0)
            return order;
    return NULL;
}

static json_t *scripted_status(struct fake_agent *agent, const json_t *document)
{
    const char *kind = json_string_or(document, "kind", "");
    size_t index;
    json_t *line;
    json_array_foreach(agent->script, index, line)
        if (strcmp(json_string_or(line, "kind", ""), kind) == 0) {
            json_t *status = json_incref(json_object_get(line, "status"));
            json_array_remove(agent->script, index);
            return status;
        }
    return json_pack("{s:s, s:o}", "state", "done", "result", default_result(agent, document));
}

static json_t *take_order(struct fake_agent *agent, json_t *document)
{
    json_t *order = json_object();
    json_append_take(agent->orders, order);
    json_set_take(order, "document", json_incref(document));
    if (agent->on_order != NULL)
        agent->on_order(agent->on_order_context, document);
    json_t *status = scripted_status(agent, document);
    json_set_integer(status, "revision", 1);
    json_set_take(order, "status", status);
    return order;
}

/* The request arrives. */
static void take_call(void *context)
{
    struct fake_call *call = context;
    call->arrived = true;
    if (call->canceled || call->agent->away) {
        call->status = 0;
        deliver_call(call);
        return;
    }
    if (call->agent->refusal != 0) {
        call->agent->refusals++;
        answer_call(call, call->agent->refusal,
                    json_pack("{s:{s:s, s:s}}", "error", "code",
                              call->agent->refusal == 409 ? "CONFLICT" : "DENIED", "message",
                              "refused"));
        return;
    }
    if (call->body != NULL) {
        json_t *order = find_order(call->agent, json_string_or(call->body, "key", ""));
        bool fresh = order == NULL;
        if (fresh)
            order = take_order(call->agent, call->body);
        answer_call(call, fresh ? 201 : 200, status_of(order));
    } else if (call->order == NULL) {
        answer_call(call, 204, NULL);
    } else if (json_integer_or(json_object_get(call->order, "status"), "revision", 0) > 1) {
        answer_call(call, 200, status_of(call->order));
    }
}

/* ---- the transport -------------------------------------------------------------------------- */

static json_t *order_of_path(struct fake_agent *agent, const char *path)
{
    char key[PROTOCOL_KEY_SIZE] = "";
    const char *name = strrchr(path, '/') + 1;
    size_t length = strcspn(name, "?");
    CHECK(length < sizeof key);
    memcpy(key, name, length);
    return find_order(agent, key);
}

static void *send_fake(struct link *link, const struct link_request *request, link_answer_fn *fn,
                       void *context)
{
    struct fake_agent *agent = container_of(link, struct fake_link, link)->agent;
    struct fake_call *call = memory_new(sizeof *call);
    struct error error;
    *call = (struct fake_call){.agent = agent, .fn = fn, .context = context};
    if (strcmp(request->method, "PUT") == 0)
        CHECK(json_parse(request->body, request->body_size, &call->body, &error));
    else if (strcmp(request->method, "GET") == 0)
        call->order = order_of_path(agent, request->path);
    list_append(&agent->calls, &call->node);
    loop_post(agent->loop, take_call, call);
    return call;
}

static void cancel_fake(struct link *link, void *handle)
{
    struct fake_call *call = handle;
    (void)link;
    call->canceled = true;
    if (call->arrived && !call->posted)
        answer_call(call, 0, NULL); /* a long poll that nothing would end */
}

static void free_fake(struct link *link)
{
    free(container_of(link, struct fake_link, link));
}

static const struct link_transport fake_transport = {send_fake, cancel_fake, free_fake};

/* ---- for tests ------------------------------------------------------------------------------ */

struct fake_agent *fake_agent_new(struct loop *loop, const char *stores)
{
    struct fake_agent *agent = memory_new(sizeof *agent);
    agent->loop = loop;
    agent->stores = json_loads(stores, 0, NULL);
    CHECK(agent->stores != NULL);
    agent->script = json_array();
    agent->orders = json_array();
    list_init(&agent->calls);
    return agent;
}

void fake_agent_free(struct fake_agent *agent)
{
    list_for_each(call, &agent->calls, struct fake_call, node) {
        list_remove(&call->node);
        json_decref(call->body);
        free(call->answer);
        free(call);
    }
    json_decref(agent->stores);
    json_decref(agent->script);
    json_decref(agent->orders);
    free(agent);
}

struct link *fake_agent_link(struct fake_agent *agent)
{
    struct fake_link *link = memory_new(sizeof *link);
    link_init(&link->link, &fake_transport, agent->loop);
    link->agent = agent;
    return &link->link;
}

static json_t *status_from_text(const char *text)
{
    json_t *status = json_loads(text, 0, NULL);
    CHECK(json_is_object(status));
    return status;
}

void fake_agent_script(struct fake_agent *agent, const char *kind, const char *status)
{
    json_append_take(agent->script,
                     json_pack("{s:s, s:o}", "kind", kind, "status", status_from_text(status)));
}

void fake_agent_finish(struct fake_agent *agent, const char *kind, const char *status)
{
    json_t *order = NULL, *other;
    size_t index;
    json_array_foreach(agent->orders, index, other) {
        const json_t *now = json_object_get(other, "status");
        if (strcmp(json_string_or(json_object_get(other, "document"), "kind", ""), kind) == 0 &&
            strcmp(json_string_or(now, "state", ""), "running") == 0)
            order = other;
    }
    CHECK(order != NULL);
    json_t *final = status_from_text(status);
    bool done = strcmp(json_string_or(final, "state", ""), "done") == 0;
    if (done && json_object_get(final, "result") == NULL)
        json_set_take(final, "result", default_result(agent, json_object_get(order, "document")));
    json_set_integer(final, "revision", 2);
    json_set_take(order, "status", final);
    list_for_each(call, &agent->calls, struct fake_call, node)
        if (call->order == order && call->arrived && !call->posted)
            answer_call(call, 200, status_of(order));
}

void fake_agent_set_away(struct fake_agent *agent, bool away)
{
    agent->away = away;
}

void fake_agent_set_refusal(struct fake_agent *agent, int status)
{
    agent->refusal = status;
}

void fake_agent_on_order(struct fake_agent *agent, fake_agent_fn *fn, void *context)
{
    agent->on_order = fn;
    agent->on_order_context = context;
}

bool fake_agent_is_busy(const struct fake_agent *agent)
{
    list_for_each(call, &agent->calls, struct fake_call, node)
        if (!call->arrived || call->posted)
            return true;
    return false;
}

size_t fake_agent_refusals(const struct fake_agent *agent)
{
    return agent->refusals;
}

size_t fake_agent_count(const struct fake_agent *agent, const char *kind)
{
    size_t count = 0;
    while (fake_agent_order(agent, kind, count) != NULL)
        count++;
    return count;
}

const json_t *fake_agent_order(const struct fake_agent *agent, const char *kind, size_t index)
{
    size_t i;
    json_t *order;
    json_array_foreach(agent->orders, i, order) {
        const json_t *document = json_object_get(order, "document");
        if (strcmp(json_string_or(document, "kind", ""), kind) == 0 && index-- == 0)
            return document;
    }
    return NULL;
}
