/* webhdfs_moment.c: all snapshots of one NameNode at one moment. Everything is made ready before:
 * one warm connection and one finished request for each root. Firing writes them all, then reads
 * all answers; it allocates, resolves and authenticates nothing. Raw sockets, since curl promises
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
#include "component/hdfs/webhdfs/moment_reply.h"
#include "component/hdfs/webhdfs/webhdfs_session.h"
#include "component/hdfs/webhdfs/webhdfs_status.h"
#include "component/hdfs/webhdfs/webhdfs_url.h"

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

struct hdfs_volley {
    struct hdfs_session *session;
    struct moment_root *roots;
    size_t count;
    struct shot *shots;
    struct pollfd *polls;
    struct sockaddr_storage address;
    socklen_t address_size;
    int64_t wait_ms;
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
static int connect_shot(struct hdfs_volley *volley, struct shot *shot)
{
    int yes = 1, problem = 0;
    socklen_t size = sizeof problem;
    if (shot->fd >= 0)
        close(shot->fd);
    shot->reply_size = 0;
    shot->fd = socket(volley->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (shot->fd < 0)
        return errno;
    setsockopt(shot->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(shot->fd, (struct sockaddr *)&volley->address, volley->address_size) == 0)
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

static bool set_address(struct hdfs_volley *volley, const struct namenode_answer *answer,
                        struct error *error)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&volley->address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&volley->address;
    if (inet_pton(AF_INET, answer->address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(answer->port);
        volley->address_size = sizeof *four;
    } else if (inet_pton(AF_INET6, answer->address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(answer->port);
        volley->address_size = sizeof *six;
    } else {
        return error_set(error, ERROR_PROTOCOL, "the NameNode's address is unknown");
    }
    return true;
}

static void build_request(const struct hdfs_volley *volley, unsigned node, const char *method,
                          const char *op, const struct moment_root *root, bool named,
                          struct buffer *ret_request)
{
    const struct namenodes *namenodes = &volley->session->namenodes;
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

static struct hdfs_problem read_refusal(const struct shot *shot, const char *root,
                                        struct error *error)
{
    struct buffer body;
    buffer_init(&body, 0);
    moment_reply_body(shot->reply, &shot->answer, &body);
    struct hdfs_problem problem =
        webhdfs_problem(shot->answer.status, buffer_text(&body), body.size, root, error);
    buffer_fini(&body);
    return problem;
}

/* The answer to the warm-up: it must say that the root is a snapshottable directory. */
static bool check_warm_up(const struct shot *shot, const struct moment_root *root, HDFS_TOLD)
{
    struct arena arena;
    struct buffer body;
    struct hdfs_status status;
    if (shot->answer.status != 200) {
        struct hdfs_problem refusal = read_refusal(shot, root->root, error);
        if (problem != NULL)
            *problem = refusal;
        return false;
    }
    arena_init(&arena);
    buffer_init(&body, 0);
    moment_reply_body(shot->reply, &shot->answer, &body);
    bool done =
        webhdfs_status_read(buffer_text(&body), body.size, root->root, &arena, &status, error);
    if (done && !status.snapshottable)
        done = error_set(error, ERROR_CONFLICT, "%s is not snapshottable", root->root);
    buffer_fini(&body);
    arena_fini(&arena);
    return done;
}

/* Connects, and lets the NameNode do on this connection what it does only once. */
static bool warm_up(struct hdfs_volley *volley, unsigned node, size_t index, HDFS_TOLD)
{
    struct shot *shot = &volley->shots[index];
    const struct moment_root *root = &volley->roots[index];
    int number = connect_shot(volley, shot);
    if (number != 0)
        return error_set_errno(error, number, "connection for %s", root->root);
    build_request(volley, node, "GET", "GETFILESTATUS", root, false, &shot->request);
    if (!send_whole(shot, &shot->request))
        return error_set(error, ERROR_UNAVAILABLE, "connection for %s broke", root->root);
    shot->answered = false;
    while (!shot->answered)
        if (!wait_for(shot->fd, POLLIN, volley->wait_ms) ||
            (!receive_some(shot) && !shot->answered))
            return error_set(error, ERROR_UNAVAILABLE, "no answer for %s", root->root);
    if (!check_warm_up(shot, root, problem, error))
        return false;
    shot->reply_size = 0;
    shot->answered = false;
    build_request(volley, node, "PUT", "CREATESNAPSHOT", root, true, &shot->request);
    return true;
}

static bool prepare(struct hdfs_volley *volley, const struct call *call, unsigned *ret_node,
                    HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done =
        webhdfs_get(volley->session, call, "GETFILESTATUS", "/", NULL, &answer, problem, error) &&
        set_address(volley, &answer, error);
    for (size_t i = 0; done && i < volley->count; i++)
        done = call_take_operation(call, error) && warm_up(volley, answer.node, i, problem, error);
    if (done)
        *ret_node = answer.node;
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_volley_prepare(HDFS_ASK, struct moment_root *roots,
                            const struct hdfs_mutation *mutations, size_t count,
                            struct hdfs_volley **ret_volley, unsigned *ret_node, HDFS_TOLD)
{
    (void)mutations; /* WebHDFS has no place for ids */
    struct hdfs_volley *volley = memory_new(sizeof *volley);
    volley->session = session;
    volley->roots = roots;
    volley->count = count;
    volley->shots = memory_new(count * sizeof *volley->shots);
    volley->polls = memory_new(count * sizeof *volley->polls);
    volley->wait_ms = call_wait_ms(call);
    for (size_t i = 0; i < count; i++) {
        volley->shots[i].fd = -1;
        buffer_init(&volley->shots[i].request, 0);
    }
    if (!prepare(volley, call, ret_node, problem, error)) {
        webhdfs_volley_free(volley);
        return false;
    }
    *ret_volley = volley;
    return true;
}

/* --- at T --------------------------------------------------------------------------------------
 */

/* NameNodes close connections that were idle too long: such a one is opened again first. */
static void revive(struct hdfs_volley *volley, size_t index)
{
    char byte;
    struct shot *shot = &volley->shots[index];
    ssize_t got = recv(shot->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    int problem = connect_shot(volley, shot);
    if (problem != 0) {
        error_set_errno(&volley->roots[index].error, problem, "connection for %s",
                        volley->roots[index].root);
        close(shot->fd);
        shot->fd = -1;
    }
}

static void shoot(struct hdfs_volley *volley, size_t index)
{
    struct moment_root *root = &volley->roots[index];
    struct shot *shot = &volley->shots[index];
    if (shot->fd < 0)
        return;
    root->sent_ns = clock_monotonic_raw_ns();
    root->fired = shot->open = send_whole(shot, &shot->request);
    if (!root->fired)
        error_set(&root->error, ERROR_UNAVAILABLE, "connection for %s broke before T", root->root);
}

/* How many answers are still awaited; sets up poll(). */
static size_t awaited(struct hdfs_volley *volley)
{
    size_t count = 0;
    for (size_t i = 0; i < volley->count; i++) {
        volley->polls[i].fd = volley->shots[i].open ? volley->shots[i].fd : -1;
        volley->polls[i].events = POLLIN;
        volley->polls[i].revents = 0;
        count += volley->shots[i].open;
    }
    return count;
}

static void collect(struct hdfs_volley *volley)
{
    for (size_t i = 0; i < volley->count; i++) {
        struct shot *shot = &volley->shots[i];
        if (!shot->open || volley->polls[i].revents == 0)
            continue;
        shot->open = receive_some(shot);
        if (shot->answered)
            volley->roots[i].answered_ns = clock_monotonic_raw_ns();
    }
}

void webhdfs_volley_fire(struct hdfs_volley *volley)
{
    for (size_t i = 0; i < volley->count; i++)
        revive(volley, i);
    for (size_t i = 0; i < volley->count; i++)
        shoot(volley, i);
    int64_t end_ns = clock_monotonic_ns() + volley->wait_ms * 1000000;
    while (awaited(volley) > 0) {
        int64_t left_ms = (end_ns - clock_monotonic_ns()) / 1000000;
        if (left_ms <= 0)
            return; /* the asker looks what became of them */
        if (poll(volley->polls, volley->count, (int)left_ms) > 0)
            collect(volley);
    }
}

/* --- after T -----------------------------------------------------------------------------------
 */

enum hdfs_shot webhdfs_volley_outcome(struct hdfs_volley *volley, size_t index, HDFS_TOLD)
{
    const struct shot *shot = &volley->shots[index];
    struct hdfs_problem refusal = {.refusal = HDFS_FINAL};
    bool refused = shot->answered && shot->answer.status >= 400;
    if (refused)
        refusal = read_refusal(shot, volley->roots[index].root, error);
    if (problem != NULL)
        *problem = refusal;
    return refused ? HDFS_SHOT_REFUSED : shot->answered ? HDFS_SHOT_DONE : HDFS_SHOT_SILENT;
}

void webhdfs_volley_free(struct hdfs_volley *volley)
{
    if (volley == NULL)
        return;
    for (size_t i = 0; i < volley->count; i++) {
        if (volley->shots[i].fd >= 0)
            close(volley->shots[i].fd);
        buffer_fini(&volley->shots[i].request);
    }
    free(volley->shots);
    free(volley->polls);
    free(volley);
}
