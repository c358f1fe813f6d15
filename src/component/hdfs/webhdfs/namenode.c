/* namenode.c: see namenode.h. A refusal by a standby, a starting or a read-only NameNode means that
 * nothing was done, so the request may go elsewhere or be sent again; a lost answer does not. */
#include "component/hdfs/webhdfs/namenode.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/path.h"
#include "component/hdfs/webhdfs/webhdfs_url.h"

#define SILENCE_MS 30000
#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 1000

/* --- connections -------------------------------------------------------------------------------
 */

struct transfer *namenodes_take_transfer(struct namenodes *namenodes)
{
    struct transfer *transfer = NULL;
    pthread_mutex_lock(&namenodes->lock);
    if (namenodes->kept_count > 0)
        transfer = namenodes->kept[--namenodes->kept_count];
    pthread_mutex_unlock(&namenodes->lock);
    return transfer != NULL ? transfer : transfer_new();
}

void namenodes_give_transfer(struct namenodes *namenodes, struct transfer *transfer)
{
    transfer_end(transfer);
    pthread_mutex_lock(&namenodes->lock);
    if (namenodes->kept_count < TRANSFERS_KEPT_MAX) {
        namenodes->kept[namenodes->kept_count++] = transfer;
        transfer = NULL;
    }
    pthread_mutex_unlock(&namenodes->lock);
    transfer_free(transfer);
}

struct transfer_order namenode_order(const struct call *call, enum http_method method,
                                     const char *url)
{
    /* the deadline is watched apart, so that passing it is told as such */
    int64_t wait_ms = call->wait_ms > 0 ? call->wait_ms : SILENCE_MS;
    return (struct transfer_order){.method = method,
                                   .url = url,
                                   .connect_ms = wait_ms < 5000 ? wait_ms : 5000,
                                   .silence_ms = wait_ms,
                                   .deadline_ns = call->deadline_ns,
                                   .abort = call->abort};
}

/* --- who answered what this thread read --------------------------------------------------------
 */

/* A thread of the pool runs one task after another: what an earlier one read, before a failover
 * perhaps, is nothing to the next. */
static struct look *look_in_scope(struct namenodes *namenodes, const struct call *call)
{
    struct look *look = look_of_thread(&namenodes->looks);
    if (look->scope != call->scope)
        look->any = look->mixed = false;
    look->scope = call->scope;
    return look;
}

/* The switches are counted because the same NameNode may have been another's standby in between. */
void namenodes_note_answer(struct namenodes *namenodes, const struct call *call, unsigned node)
{
    struct look *look = look_in_scope(namenodes, call);
    pthread_mutex_lock(&namenodes->lock);
    if (namenodes->active != node) {
        namenodes->active = node;
        namenodes->switches++;
    }
    uint64_t switches = namenodes->switches;
    pthread_mutex_unlock(&namenodes->lock);
    look->mixed = look->mixed || (look->any && (look->node != node || look->switches != switches));
    look->any = true;
    look->node = node;
    look->switches = switches;
}

bool namenodes_looked_at(struct namenodes *namenodes, const struct call *call, unsigned *ret_node)
{
    struct look *look = look_in_scope(namenodes, call);
    pthread_mutex_lock(&namenodes->lock);
    unsigned node = look->any ? look->node : HDFS_NODE_ANY;
    bool same = !look->any || (!look->mixed && look->switches == namenodes->switches);
    pthread_mutex_unlock(&namenodes->lock);
    *ret_node = node;
    return same;
}

void namenodes_forget_looks(struct namenodes *namenodes)
{
    struct look *look = look_of_thread(&namenodes->looks);
    look->any = look->mixed = false;
}

/* --- one exchange ------------------------------------------------------------------------------
 */

void namenode_answer_init(struct namenode_answer *answer)
{
    *answer = (struct namenode_answer){.status = 0};
    buffer_init(&answer->body, NAMENODE_ANSWER_BYTES_MAX);
    buffer_init(&answer->location, 0);
    buffer_init(&answer->date, 0);
    buffer_init(&answer->cookie, 0);
}

void namenode_answer_fini(struct namenode_answer *answer)
{
    buffer_fini(&answer->body);
    buffer_fini(&answer->location);
    buffer_fini(&answer->date);
    buffer_fini(&answer->cookie);
}

static void keep_header(struct transfer *transfer, const char *name, struct buffer *ret_value)
{
    const char *value = transfer_header(transfer, name);
    buffer_clear(ret_value);
    if (value != NULL)
        buffer_append_text(ret_value, value);
}

static bool exchange(struct namenodes *namenodes, const struct call *call, const char *url,
                     const struct namenode_request *request, struct namenode_answer *answer,
                     struct error *error)
{
    static const char *const headers[] = {"Accept: application/json", "X-XSRF-HEADER: coeval",
                                          NULL};
    struct transfer *transfer = namenodes_take_transfer(namenodes);
    struct transfer_order order = namenode_order(call, request->method, url);
    order.repeatable = !request->changes;
    order.headers = headers;
    buffer_clear(&answer->body);
    answer->sent_us = clock_realtime_us();
    bool done = transfer_begin(transfer, &order, error);
    answer->answered_us = clock_realtime_us();
    answer->status = transfer_status(transfer);
    keep_header(transfer, "location", &answer->location);
    keep_header(transfer, "date", &answer->date);
    keep_header(transfer, "set-cookie", &answer->cookie);
    done = done && transfer_read_rest(transfer, &answer->body, error);
    if (done && !transfer_peer(transfer, answer->address, &answer->port))
        answer->address[0] = '\0';
    namenodes_give_transfer(namenodes, transfer);
    return done;
}

static void describe(const struct namenode_request *request, struct buffer *ret_text)
{
    if (request->plain != NULL) {
        buffer_append_format(ret_text, "%.*s", (int)strcspn(request->plain, "?"), request->plain);
        return;
    }
    buffer_append_format(ret_text, "%s ", request->op);
    path_print(ret_text, request->path);
}

/* One NameNode, once. */
static bool ask(struct namenodes *namenodes, const struct call *call, unsigned node,
                const struct namenode_request *request, struct namenode_answer *answer,
                struct error *error)
{
    struct buffer url, what;
    buffer_init(&url, 0);
    buffer_init(&what, 0);
    buffer_append_text(&url, namenodes->urls[node]);
    if (request->plain != NULL)
        buffer_append_text(&url, request->plain);
    else
        webhdfs_url_start(&url, request->path, request->op, namenodes->user);
    if (request->query != NULL)
        buffer_append_text(&url, request->query);
    answer->node = node;
    answer->problem = (struct hdfs_problem){.refusal = HDFS_FINAL};
    bool done = exchange(namenodes, call, buffer_text(&url), request, answer, error);
    describe(request, &what);
    if (!done) {
        error_wrap(error, "%s", buffer_text(&what));
    } else if (answer->status >= 400) {
        done = false;
        answer->problem = webhdfs_problem(answer->status, buffer_text(&answer->body),
                                          answer->body.size, buffer_text(&what), error);
    }
    buffer_fini(&url);
    buffer_fini(&what);
    return done;
}

/* --- the search for one that does it -----------------------------------------------------------
 */

static bool pause_ms(const struct call *call, int64_t length_ms, struct error *error)
{
    while (length_ms > 0) { /* there is no event: only time makes a NameNode ready */
        if (!call_may_go_on(call, error))
            return false;
        int64_t slice_ms = length_ms < 100 ? length_ms : 100;
        nanosleep(&(struct timespec){.tv_nsec = (long)slice_ms * 1000000}, NULL);
        length_ms -= slice_ms;
    }
    return call_may_go_on(call, error);
}

struct search {
    int64_t end_ns; /* of the waiting */
    int64_t pause_ms;
    unsigned asked;    /* NameNodes asked in this round */
    bool any_answered; /* in this round: one of them lives, so waiting may help */
};

/* After a failure that may pass: the next NameNode, or a pause; false: give up with *error. */
static bool search_on(struct namenodes *namenodes, const struct call *call, struct search *search,
                      bool same_again, unsigned *node, struct error *error)
{
    if (!same_again) {
        *node = (*node + 1) % namenodes->count;
        if (++search->asked < namenodes->count)
            return true;
        if (!search->any_answered)
            return false; /* nobody is there: the task decides how long to try */
    }
    int64_t left_ms = (search->end_ns - clock_monotonic_ns()) / 1000000;
    if (left_ms <= 0)
        return false;
    struct error why = *error;
    if (!pause_ms(call, search->pause_ms < left_ms ? search->pause_ms : left_ms, error)) {
        if (error->code == ERROR_TIMEOUT)
            *error = why; /* says more than "no time left" */
        return false;
    }
    search->pause_ms = 2 * search->pause_ms < PAUSE_MAX_MS ? 2 * search->pause_ms : PAUSE_MAX_MS;
    search->asked = 0;
    search->any_answered = false;
    return true;
}

/* A standby serves its pages too, and redirects a CREATE (without security) as well as the active:
 * that proves nothing about who is. */
static bool says_any_namenode(const struct namenode_request *request,
                              const struct namenode_answer *answer)
{
    return request->plain != NULL || (answer->status == 307 && request->method != HTTP_GET);
}

bool namenode_call(struct namenodes *namenodes, const struct call *call,
                   const struct namenode_request *request, struct namenode_answer *answer,
                   struct error *error)
{
    struct search search = {.end_ns = clock_monotonic_ns() + call_wait_ms(call) * 1000000,
                            .pause_ms = PAUSE_FIRST_MS};
    bool failed = false;
    pthread_mutex_lock(&namenodes->lock);
    unsigned node = namenodes->active;
    pthread_mutex_unlock(&namenodes->lock);
    for (;;) {
        if (!call_take_operation(call, error))
            return false;
        bool done = ask(namenodes, call, node, request, answer, error);
        bool answered = done || answer->status >= 400;
        bool final = answered && answer->problem.refusal == HDFS_FINAL;
        if (final && !says_any_namenode(request, answer))
            namenodes_note_answer(namenodes, call, node);
        if (done && failed)
            *error = ERROR_NONE; /* of those asked before */
        if (done || final)
            return done;
        if (!answered && error->code != ERROR_UNAVAILABLE)
            return false;
        failed = true;
        search.any_answered = search.any_answered || answered;
        if (!search_on(namenodes, call, &search, answered && answer->problem.refusal == HDFS_WAIT,
                       &node, error))
            return false;
    }
}

bool namenode_call_at(struct namenodes *namenodes, const struct call *call, unsigned node,
                      const struct namenode_request *request, struct namenode_answer *answer,
                      struct error *error)
{
    CHECK(node < namenodes->count);
    return call_take_operation(call, error) && ask(namenodes, call, node, request, answer, error);
}

/* --- options -----------------------------------------------------------------------------------
 */

static bool check_url(const char *url, struct error *error)
{
    char host[256];
    size_t scheme = strcspn(url, ":");
    if (!webhdfs_host(url, host, sizeof host) ||
        strlen(url + scheme + 3) != strcspn(url + scheme + 3, "/?#"))
        return error_set(error, ERROR_INVALID,
                         "namenodes: \"%s\" is not of the form http://host:port", url);
    if (strncmp(url, "http://", 7) != 0)
        return error_set(error, ERROR_INVALID, "namenodes: \"%s\": https is not supported yet",
                         url);
    return true;
}

/* Hadoop's own pattern: anything else is refused by every request. */
static bool is_user_name(const char *user)
{
    size_t length =
        strspn(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-");
    bool first = strchr("0123456789.-", user[0]) == NULL;
    return length > 0 && first && (user[length] == '\0' || strcmp(user + length, "$") == 0);
}

static bool is_option(const char *key)
{
    static const char *const options[] = {"namenodes", "user", "datanode_connect_ms",
                                          "datanode_silence_ms"};
    for (size_t i = 0; i < ARRAY_LENGTH(options); i++)
        if (strcmp(key, options[i]) == 0)
            return true;
    return false;
}

bool namenodes_check_options(const json_t *options, struct error *error)
{
    const char *key, *user;
    json_t *value, *list;
    json_object_foreach((json_t *)(uintptr_t)options, key, value) {
        if (!is_option(key))
            return error_set(error, ERROR_INVALID, "unknown member \"%s\"", key);
    }
    if (!json_get_array(options, "namenodes", &list, error) ||
        !json_get_string(options, "user", &user, error))
        return false;
    if (json_array_size(list) == 0 || json_array_size(list) > NAMENODES_MAX)
        return error_set(error, ERROR_INVALID, "namenodes: 1 to %d URLs", NAMENODES_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *url = json_string_value(json_array_get(list, i));
        if (url == NULL)
            return error_set(error, ERROR_INVALID, "namenodes: not a string");
        if (!check_url(url, error))
            return false;
    }
    if (!is_user_name(user))
        return error_set(error, ERROR_INVALID, "user: \"%s\" is no user name for Hadoop", user);
    return true;
}

bool namenodes_init(struct namenodes *namenodes, const json_t *options, struct error *error)
{
    json_t *list;
    const char *user;
    if (!namenodes_check_options(options, error) ||
        !json_get_array(options, "namenodes", &list, error) ||
        !json_get_string(options, "user", &user, error))
        return false;
    *namenodes = (struct namenodes){.count = (unsigned)json_array_size(list)};
    for (unsigned i = 0; i < namenodes->count; i++)
        namenodes->urls[i] = memory_copy_string(json_string_value(json_array_get(list, i)));
    namenodes->user = memory_copy_string(user);
    looks_init(&namenodes->looks);
    CHECK(pthread_mutex_init(&namenodes->lock, NULL) == 0);
    return true;
}

void namenodes_fini(struct namenodes *namenodes)
{
    for (unsigned i = 0; i < namenodes->count; i++)
        free(namenodes->urls[i]);
    free(namenodes->user);
    for (unsigned i = 0; i < namenodes->kept_count; i++)
        transfer_free(namenodes->kept[i]);
    looks_fini(&namenodes->looks);
    pthread_mutex_destroy(&namenodes->lock);
}
