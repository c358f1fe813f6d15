/* client.c: curl's multi interface on the loop. curl says which descriptors and which moment to
 * watch; the loop says when. Ends are collected first and told afterwards, so that a done function
 * may start and cancel other calls. */
#include "http/client.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/list.h"
#include "http/client_call.h"
#include "loop/poll.h"
#include "loop/timer.h"

#define KEPT_CONNECTIONS_MAX 16L
#define HOST_CONNECTIONS_MAX 128L /* half of what a server takes; what is more waits its turn */

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct timer *curl_timer;
    struct timer *end_timer; /* tells the ends that came about inside a call of ours */
    struct list active;      /* in curl's hands */
    struct list ended;       /* done is to run */
    unsigned watches;
    bool telling;
};

struct http_pending {
    struct list node;
    struct http_client *client;
    struct client_call call;
    http_client_fn *done;
    void *context;
    bool is_active;
    CURLcode code;
    struct error error; /* before or instead of curl's code */
};

struct watch {
    struct http_client *client;
    struct poll *poll;
    curl_socket_t fd;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned);
static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *context);
static void on_timeout(void *context);
static void tell_ends(void *context);

struct http_client *http_client_new(struct loop *loop)
{
    struct http_client *client = memory_new(sizeof *client);
    curl_setup_global();
    client->loop = loop;
    client->multi = curl_multi_init();
    if (client->multi == NULL)
        check_out_of_memory(sizeof *client);
    client->curl_timer = timer_new(loop, on_timeout, client);
    client->end_timer = timer_new(loop, tell_ends, client);
    list_init(&client->active);
    list_init(&client->ended);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS_MAX);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS_MAX);
    return client;
}

static void leave_curl(struct http_pending *pending)
{
    if (!pending->is_active)
        return;
    CHECK(curl_multi_remove_handle(pending->client->multi, pending->call.easy) == CURLM_OK);
    pending->is_active = false;
}

static void free_pending(struct http_pending *pending)
{
    leave_curl(pending);
    list_remove(&pending->node);
    client_call_fini(&pending->call);
    free(pending);
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    CHECK(!client->telling); /* not inside done */
    list_for_each(pending, &client->active, struct http_pending, node)
        free_pending(pending);
    list_for_each(pending, &client->ended, struct http_pending, node)
        free_pending(pending);
    curl_multi_cleanup(client->multi);
    CHECK(client->watches == 0);
    timer_free(client->curl_timer);
    timer_free(client->end_timer);
    free(client);
}

struct http_pending *http_client_start(struct http_client *client, const struct http_call *call,
                                       http_client_fn *done, void *context)
{
    struct http_pending *pending = memory_new(sizeof *pending);
    pending->client = client;
    pending->done = done;
    pending->context = context;
    if (!client_call_init(&pending->call, call, true, &pending->error)) {
        list_append(&client->ended, &pending->node);
        timer_start(client->end_timer, 0);
        return pending;
    }
    curl_easy_setopt(pending->call.easy, CURLOPT_PRIVATE, pending);
    list_append(&client->active, &pending->node);
    pending->is_active = true;
    CHECK(curl_multi_add_handle(client->multi, pending->call.easy) == CURLM_OK);
    return pending;
}

static void end(struct http_pending *pending)
{
    leave_curl(pending);
    list_remove(&pending->node);
    list_append(&pending->client->ended, &pending->node);
}

void http_client_cancel(struct http_pending *pending)
{
    error_set(&pending->error, ERROR_CANCELED, "canceled");
    end(pending);
    timer_start(pending->client->end_timer, 0);
}

/* --- ends --------------------------------------------------------------------------------------
 */

static void tell_end(struct http_pending *pending)
{
    struct error error = pending->error;
    struct http_result result = {.status = pending->call.status, .body = pending->call.body};
    bool answered =
        error.code == ERROR_OK && client_call_judge(&pending->call, pending->code, &error);
    list_remove(&pending->node); /* the handle is not valid any more */
    pending->done(pending->context, answered ? &result : NULL, &error);
    free_pending(pending);
}

static void tell_ends(void *context)
{
    struct http_client *client = context;
    if (client->telling)
        return;
    client->telling = true;
    while (!list_is_empty(&client->ended))
        tell_end(list_entry(client->ended.next, struct http_pending, node));
    client->telling = false;
}

static void collect_ends(struct http_client *client)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)) != NULL;) {
        struct http_pending *pending;
        CURLcode code = message->data.result; /* the message dies with the handle's removal */
        if (message->msg != CURLMSG_DONE)
            continue;
        CHECK(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pending) == CURLE_OK);
        pending->code = code;
        end(pending);
    }
    tell_ends(client);
}

/* --- what curl wants, and what the loop tells it -----------------------------------------------
 */

static void act(struct http_client *client, curl_socket_t fd, int events)
{
    int running;
    CHECK(curl_multi_socket_action(client->multi, fd, events, &running) == CURLM_OK);
    collect_ends(client);
}

static void on_timeout(void *context)
{
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *context)
{
    struct http_client *client = context;
    (void)multi;
    if (timeout_ms < 0)
        timer_stop(client->curl_timer);
    else
        timer_start(client->curl_timer, timeout_ms);
    return 0;
}

static void on_ready(void *context, unsigned events, bool failed)
{
    struct watch *watch = context; /* may be freed by what follows */
    int ready = ((events & POLL_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                ((events & POLL_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0) |
                (failed ? CURL_CSELECT_ERR : 0);
    act(watch->client, watch->fd, ready);
}

static struct watch *watch_new(struct http_client *client, curl_socket_t fd)
{
    struct watch *watch = memory_new(sizeof *watch);
    watch->client = client;
    watch->fd = fd;
    watch->poll = poll_new(client->loop, fd, on_ready, watch);
    client->watches++;
    CHECK(curl_multi_assign(client->multi, fd, watch) == CURLM_OK);
    return watch;
}

static void watch_free(struct watch *watch)
{
    watch->client->watches--;
    poll_free(watch->poll);
    free(watch);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned)
{
    struct watch *watch = assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            watch_free(watch);
        return 0;
    }
    unsigned events = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? POLL_READABLE : 0) |
                      (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? POLL_WRITABLE : 0);
    if (watch == NULL)
        watch = watch_new(context, fd);
    if (events == 0)
        poll_stop(watch->poll);
    else
        poll_start(watch->poll, events);
    return 0;
}
