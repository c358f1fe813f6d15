/* moment_hdfs.c: all snapshots of one NameNode at one moment. Everything is made ready before: one
 * warm connection and one finished request for each root. Firing writes them all, then reads all
 * answers; it allocates, resolves and authenticates nothing. Raw sockets, since curl promises
 * neither. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "component/hdfs/hdfs_store.h"
#include "component/hdfs/moment_reply.h"
#include "component/hdfs/webhdfs_url.h"

#define REPLY_BYTES_MAX 16384
#define CONNECT_MS 2000

/* One root's connection. */
struct shot {
    int fd;
    struct buffer request;
    char reply[REPLY_BYTES_MAX];
    size_t reply_size;
    struct moment_reply answer; /* once answered */
    bool answered, open;        /* open: an answer is still awaited */
};

struct moment {
    struct store *store;
    struct moment_root *roots;
    size_t count;
    struct shot *shots;
    struct pollfd *polls;
    struct sockaddr_storage address;
    socklen_t address_size;
    int64_t wait_ms;
    enum open_files open_files;
};

/* --- sockets -----------------------------------------------------------------------------------
 */

static bool wait_for(int fd, short events, int64_t wait_ms)
{
    struct pollfd poll_one = {.fd = fd, .events = events};
    int64_t end_ns = clock_monotonic_ns() + wait_ms * 1000000;
    for (;;) {
        int64_t left_ms = (end_ns - clock_monotonic_ns()) / 1000000;
        int ready = poll(&poll_one, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

/* Non-blocking from the start; 0 or the reason. */
static int connect_shot(struct moment *moment, struct shot *shot)
{
    int yes = 1, problem = 0;
    socklen_t size = sizeof problem;
    if (shot->fd >= 0)
        close(shot->fd);
    shot->reply_size = 0;
    shot->fd = socket(moment->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (shot->fd < 0)
        return errno;
    setsockopt(shot->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(shot->fd, (struct sockaddr *)&moment->address, moment->address_size) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (!wait_for(shot->fd, POLLOUT, CONNECT_MS))
        return ETIMEDOUT;
    return getsockopt(shot->fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
}

/* A request is far smaller than an empty socket buffer: what does not fit at once did not leave. */
static bool send_whole(struct shot *shot, const struct buffer *request)
{
    ssize_t sent = send(shot->fd, request->data, request->size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == (ssize_t)request->size;
}

/* Takes what has come. False: nothing more will come. */
static bool receive_some(struct shot *shot)
{
    size_t room = sizeof shot->reply - shot->reply_size;
    ssize_t got = recv(shot->fd, shot->reply + shot->reply_size, room, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    shot->reply_size += (size_t)got;
    enum moment_reply_state state = moment_reply_look(shot->reply, shot->reply_size, &shot->answer);
    shot->answered = state == REPLY_COMPLETE;
    return got > 0 && state == REPLY_INCOMPLETE && shot->reply_size < sizeof shot->reply;
}

/* --- before T ----------------------------------------------------------------------------------
 */

static bool set_address(struct moment *moment, const struct namenode_answer *answer,
                        struct error *error)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&moment->address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&moment->address;
    if (inet_pton(AF_INET, answer->address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(answer->port);
        moment->address_size = sizeof *four;
    } else if (inet_pton(AF_INET6, answer->address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(answer->port);
        moment->address_size = sizeof *six;
    } else {
        return error_set(error, ERROR_PROTOCOL, "the NameNode's address is unknown");
    }
    return true;
}

static void build_request(const struct moment *moment, unsigned node, const char *method,
                          const char *op, const struct moment_root *root, bool named,
                          struct buffer *ret_request)
{
    const struct namenodes *namenodes = &moment->store->namenodes;
    buffer_clear(ret_request);
    buffer_append_format(ret_request, "%s ", method);
    webhdfs_url_start(ret_request, root->root, op, namenodes->user);
    if (named)
        webhdfs_url_add(ret_request, "snapshotname", root->snapshot);
    const char *host = strstr(namenodes->urls[node], "://") + 3;
    buffer_append_format(ret_request,
                         " HTTP/1.1\r\nHost: %s\r\nX-XSRF-HEADER: coeval\r\n"
                         "Content-Length: 0\r\n\r\n",
                         host);
}

/* The answer to the warm-up: it must say that the root is a snapshottable directory. */
static bool check_warm_up(struct shot *shot, const struct moment_root *root, struct error *error)
{
    struct arena arena;
    struct buffer body;
    struct webhdfs_status status;
    arena_init(&arena);
    buffer_init(&body, 0);
    moment_reply_body(shot->reply, &shot->answer, &body);
    bool done = true;
    if (shot->answer.status != 200) {
        webhdfs_problem(shot->answer.status, buffer_text(&body), body.size, root->root, error);
        done = false;
    }
    done = done &&
           webhdfs_status_read(buffer_text(&body), body.size, root->root, &arena, &status, error);
    if (done && !status.snapshottable)
        done = error_set(error, ERROR_CONFLICT, "%s is not snapshottable", root->root);
    buffer_fini(&body);
    arena_fini(&arena);
    return done;
}

/* Connects, and lets the NameNode do on this connection what it does only once. */
static bool warm_up(struct moment *moment, unsigned node, size_t index, struct error *error)
{
    struct shot *shot = &moment->shots[index];
    const struct moment_root *root = &moment->roots[index];
    int problem = connect_shot(moment, shot);
    if (problem != 0)
        return error_set_errno(error, problem, "connection for %s", root->root);
    build_request(moment, node, "GET", "GETFILESTATUS", root, false, &shot->request);
    if (!send_whole(shot, &shot->request))
        return error_set(error, ERROR_UNAVAILABLE, "connection for %s broke", root->root);
    shot->answered = false;
    while (!shot->answered)
        if (!wait_for(shot->fd, POLLIN, moment->wait_ms) ||
            (!receive_some(shot) && !shot->answered))
            return error_set(error, ERROR_UNAVAILABLE, "no answer for %s", root->root);
    if (!check_warm_up(shot, root, error))
        return false;
    shot->reply_size = 0;
    shot->answered = false;
    build_request(moment, node, "PUT", "CREATESNAPSHOT", root, true, &shot->request);
    return true;
}

static bool prepare(struct moment *moment, const struct call *call, struct error *error)
{
    struct namenode_answer answer;
    struct error ignored = ERROR_NONE;
    for (size_t i = 0; i < moment->count; i++)
        if (!webhdfs_path_check(moment->roots[i].root, error))
            return false;
    namenode_answer_init(&answer);
    bool done = hdfs_get(moment->store, call, "GETFILESTATUS", "/", NULL, &answer, error) &&
                set_address(moment, &answer, error);
    if (done &&
        !hdfs_open_files_at(moment->store, call, answer.node, &moment->open_files, &ignored))
        moment->open_files = OPEN_FILES_UNKNOWN; /* then no more than "fuzzy" is claimed */
    for (size_t i = 0; done && i < moment->count; i++)
        done = call_take_operation(call, error) && warm_up(moment, answer.node, i, error);
    namenode_answer_fini(&answer);
    return done;
}

bool hdfs_moment_prepare(struct store *store, const struct call *call, struct moment_root *roots,
                         size_t root_count, const struct moment_options *options,
                         struct moment **ret_moment, struct error *error)
{
    (void)options; /* HDFS has no barrier to wait for */
    CHECK(root_count > 0);
    struct moment *moment = memory_new(sizeof *moment);
    moment->store = store;
    moment->roots = roots;
    moment->count = root_count;
    moment->shots = memory_new(root_count * sizeof *moment->shots);
    moment->polls = memory_new(root_count * sizeof *moment->polls);
    moment->wait_ms = call_wait_ms(call);
    for (size_t i = 0; i < root_count; i++) {
        moment->shots[i].fd = -1;
        buffer_init(&moment->shots[i].request, 0);
    }
    if (!prepare(moment, call, error)) {
        hdfs_moment_free(moment);
        return error_wrap(error, "prepare the moment");
    }
    *ret_moment = moment;
    return true;
}

/* --- at T --------------------------------------------------------------------------------------
 */

/* NameNodes close connections that were idle too long: such a one is opened again first. */
static void revive(struct moment *moment, size_t index)
{
    char byte;
    struct shot *shot = &moment->shots[index];
    ssize_t got = recv(shot->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    int problem = connect_shot(moment, shot);
    if (problem != 0) {
        error_set_errno(&moment->roots[index].error, problem, "connection for %s",
                        moment->roots[index].root);
        close(shot->fd);
        shot->fd = -1;
    }
}

static void shoot(struct moment *moment, size_t index)
{
    struct moment_root *root = &moment->roots[index];
    struct shot *shot = &moment->shots[index];
    if (shot->fd < 0)
        return;
    root->sent_ns = clock_monotonic_raw_ns();
    root->fired = shot->open = send_whole(shot, &shot->request);
    if (!root->fired)
        error_set(&root->error, ERROR_UNAVAILABLE, "connection for %s broke before T", root->root);
}

/* How many answers are still awaited; sets up poll(). */
static size_t awaited(struct moment *moment)
{
    size_t count = 0;
    for (size_t i = 0; i < moment->count; i++) {
        moment->polls[i].fd = moment->shots[i].open ? moment->shots[i].fd : -1;
        moment->polls[i].events = POLLIN;
        moment->polls[i].revents = 0;
        count += moment->shots[i].open;
    }
    return count;
}

static void collect(struct moment *moment)
{
    for (size_t i = 0; i < moment->count; i++) {
        struct shot *shot = &moment->shots[i];
        if (!shot->open || moment->polls[i].revents == 0)
            continue;
        shot->open = receive_some(shot);
        if (shot->answered)
            moment->roots[i].answered_ns = clock_monotonic_raw_ns();
    }
}

void hdfs_moment_fire(struct moment *moment)
{
    for (size_t i = 0; i < moment->count; i++)
        revive(moment, i);
    for (size_t i = 0; i < moment->count; i++)
        shoot(moment, i);
    int64_t end_ns = clock_monotonic_ns() + moment->wait_ms * 1000000;
    while (awaited(moment) > 0) {
        int64_t left_ms = (end_ns - clock_monotonic_ns()) / 1000000;
        if (left_ms <= 0)
            return; /* moment_finish() looks what became of them */
        if (poll(moment->polls, moment->count, (int)left_ms) > 0)
            collect(moment);
    }
}

/* --- after T -----------------------------------------------------------------------------------
 */

static bool was_refused(struct shot *shot, struct moment_root *root)
{
    struct buffer body;
    if (!shot->answered || shot->answer.status < 400)
        return false;
    buffer_init(&body, 0);
    moment_reply_body(shot->reply, &shot->answer, &body);
    webhdfs_problem(shot->answer.status, buffer_text(&body), body.size, root->root, &root->error);
    buffer_fini(&body);
    return true;
}

/* No answer, or one that we could not read: its name is used once, so it is ours if it is there. */
static bool finish_root(struct moment *moment, const struct call *call, size_t index)
{
    struct moment_root *root = &moment->roots[index];
    struct shot *shot = &moment->shots[index];
    struct snapshot snapshot;
    if (!root->fired || was_refused(shot, root))
        return false;
    root->error = ERROR_NONE;
    if (!hdfs_snapshot_get(moment->store, call, root->root, root->snapshot, &snapshot,
                           &root->error)) {
        if (root->error.code == ERROR_NOT_FOUND && !shot->answered)
            root->error.code = ERROR_UNCERTAIN; /* the request may still be on its way */
        return false;
    }
    if (!shot->answered)
        root->answered_ns = clock_monotonic_raw_ns(); /* it was there at the latest now */
    root->instant_us = snapshot.instant_us;
    root->id = snapshot.id;
    root->quiesced = false;
    root->open_files_exact = moment->open_files == OPEN_FILES_FROZEN;
    return true;
}

bool hdfs_moment_finish(struct moment *moment, const struct call *call, struct error *error)
{
    bool all = true;
    for (size_t i = 0; i < moment->count; i++) {
        if (finish_root(moment, call, i))
            continue;
        if (moment->roots[i].error.code == ERROR_OK)
            error_set(&moment->roots[i].error, ERROR_UNAVAILABLE, "%s: the moment was not fired",
                      moment->roots[i].root);
        if (all)
            *error = moment->roots[i].error;
        all = false;
    }
    return all || error_wrap(error, "snapshot");
}

void hdfs_moment_free(struct moment *moment)
{
    if (moment == NULL)
        return;
    for (size_t i = 0; i < moment->count; i++) {
        if (moment->shots[i].fd >= 0)
            close(moment->shots[i].fd);
        buffer_fini(&moment->shots[i].request);
    }
    free(moment->shots);
    free(moment->polls);
    free(moment);
}
