/* world_network.c: the transport between device and agents: late, lost, doubled, out of order, cut
 * off; orders of long ago once more. */
#include <stdlib.h>
#include <string.h>

#include "agent/link_private.h"
#include "base/check.h"
#include "world_private.h"
#include "world_scene.h"

#define LETTERS_KEPT 64

struct network_link {
    struct link link;
    enum place place;
};

struct exchange {
    struct loop *sender;
    enum place place;
    char *method, *path, *body;
    size_t body_size;
    link_answer_fn *fn;
    void *context;
    bool over;      /* answered, timed out or canceled */
    unsigned users; /* events that still name it */
};

struct answer {
    struct exchange *exchange;
    int status;
    char *body;
    size_t size;
    struct error error;
};

static struct exchange *letters[LETTERS_KEPT];
static unsigned letter_count;

static int64_t way(void)
{
    return fault(50) ? chance_ns(0, 3 * SECOND) : chance_ns(MS / 5, 5 * MS);
}

static void let_go(struct exchange *exchange)
{
    if (--exchange->users > 0)
        return;
    free(exchange->method);
    free(exchange->path);
    free(exchange->body);
    free(exchange);
}

static void tell(void *context)
{
    struct answer *answer = context;
    struct exchange *exchange = answer->exchange;
    exchange->over = true;
    exchange->fn(exchange->context, answer->status, answer->body, answer->size, &answer->error);
}

static void answer_comes(void *context)
{
    struct answer *answer = context;
    struct exchange *exchange = answer->exchange;
    if (!exchange->over && exchange->sender->alive)
        world_enter(exchange->sender, tell, answer);
    free(answer->body);
    free(answer);
    let_go(exchange);
}

static void send_answer(struct exchange *exchange, int status, const char *body, size_t size,
                        const struct error *error, int64_t delay_ns)
{
    struct answer *answer = memory_new(sizeof *answer);
    *answer =
        (struct answer){.exchange = exchange, .status = status, .size = size, .error = *error};
    answer->body = memory_new(size + 1);
    memcpy(answer->body, body, size);
    exchange->users++;
    event_new(NULL, delay_ns, answer_comes, answer);
}

static void reply(void *context, int status, const char *body, size_t size)
{
    struct exchange *exchange = context;
    if (status == 200 || status == 201)
        checker_answer(body, size);
    else if (exchange->sender->alive && !exchange->over) /* no old letter: somebody listens */
        checker_refusal(body);
    if (!fault(scene.network_loss))
        send_answer(exchange, status, body, size, &ERROR_NONE, way());
    let_go(exchange);
}

static void hand_over(void *context)
{
    struct exchange *exchange = context;
    char path[256];
    CHECK(strlen(exchange->path) < sizeof path);
    memcpy(path, exchange->path, strlen(exchange->path) + 1);
    char *mark = strchr(path, '?');
    if (mark != NULL)
        *mark = '\0';
    struct agent_request request = {.method = exchange->method,
                                    .path = path,
                                    .query = mark == NULL ? "" : mark + 1,
                                    .body = exchange->body,
                                    .body_size = exchange->body_size};
    exchange->users++;
    agent_handle(scene.computers[exchange->place].agent, &request, reply, exchange);
}

static void request_comes(void *context)
{
    struct exchange *exchange = context;
    struct computer *computer = &scene.computers[exchange->place];
    struct error error;
    if (computer_is_up(computer)) {
        if (strcmp(exchange->method, "PUT") == 0)
            checker_order(exchange->body, exchange->body_size);
        world_enter(computer->loop, hand_over, exchange);
    } else if (chance(70)) {
        error_set(&error, ERROR_UNAVAILABLE, "connection refused");
        send_answer(exchange, 0, "", 0, &error, way());
    }
    let_go(exchange);
}

static void keep_letter(struct exchange *exchange)
{
    struct exchange **place = &letters[letter_count++ % LETTERS_KEPT];
    if (*place != NULL)
        let_go(*place);
    *place = exchange;
    exchange->users++;
}

void network_old_letter(void)
{
    unsigned kept = letter_count < LETTERS_KEPT ? letter_count : LETTERS_KEPT;
    if (kept == 0)
        return;
    struct exchange *exchange = letters[chance_below(kept)];
    world_trace("an old letter: %s %.40s", exchange->method, exchange->path);
    exchange->users++;
    event_new(NULL, way(), request_comes, exchange);
}

static void *send_request(struct link *link, const struct link_request *request, link_answer_fn *fn,
                          void *context)
{
    struct exchange *exchange = memory_new(sizeof *exchange);
    struct error error;
    *exchange = (struct exchange){.sender = link->loop,
                                  .place = container_of(link, struct network_link, link)->place,
                                  .method = memory_copy_string(request->method),
                                  .path = memory_copy_string(request->path),
                                  .body_size = request->body_size,
                                  .fn = fn,
                                  .context = context};
    exchange->body = memory_new(request->body_size + 1);
    if (request->body_size > 0)
        memcpy(exchange->body, request->body, request->body_size);
    unsigned copies = fault(scene.network_loss) ? 0 : fault(20) ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        exchange->users++;
        event_new(NULL, way(), request_comes, exchange);
    }
    error_set(&error, ERROR_TIMEOUT, "no answer in time");
    send_answer(exchange, 0, "", 0, &error, request->timeout_ms * MS);
    if (strcmp(request->method, "GET") != 0)
        keep_letter(exchange);
    return exchange;
}

static void cancel(struct link *link, void *handle)
{
    (void)link;
    ((struct exchange *)handle)->over = true;
}

static void free_link(struct link *link)
{
    free(container_of(link, struct network_link, link));
}

static const struct link_transport transport = {send_request, cancel, free_link};

struct link *network_link(struct loop *loop, enum place place)
{
    struct network_link *link = memory_new(sizeof *link);
    link_init(&link->link, &transport, loop);
    link->place = place;
    return &link->link;
}
