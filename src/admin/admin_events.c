/* admin_events.c: events, listed and followed. A follower gets what it missed and then what comes,
 * without a gap: both happen in one turn of the loop. */
#include <stdlib.h>

#include "admin/admin_private.h"

#define EVENTS_DEFAULT 100
#define EVENTS_MAX 10000
#define SEQUENCE_MAX ((uint64_t)INT64_MAX)
#define HEARTBEAT_MS 15000

/* The newest ones, oldest first. */
static json_t *newest(struct control *control, size_t limit)
{
    json_t *all = control_events(control, 0, SIZE_MAX), *list = json_array();
    size_t count = json_array_size(all);
    for (size_t i = count > limit ? count - limit : 0; i < count; i++)
        json_array_append(list, json_array_get(all, i));
    json_decref(all);
    return list;
}

void get_events(void *context, struct http_exchange *exchange, const struct http_request *request,
                const struct route_match *match)
{
    static const char *const names[] = {"after", "limit"};
    struct admin *admin = context;
    struct query query;
    uint64_t after = 0, limit = EVENTS_DEFAULT;
    (void)match;
    if (query_read(&query, exchange, request, names, ARRAY_LENGTH(names)) &&
        (query.values[0] == NULL ||
         request_number(query.values[0], "after", SEQUENCE_MAX, exchange, &after)) &&
        (query.values[1] == NULL ||
         request_number(query.values[1], "limit", EVENTS_MAX, exchange, &limit)))
        admin_answer_list(exchange, "events",
                          query.values[0] == NULL ? newest(admin->control, limit)
                                                  : control_events(admin->control, after, limit));
    query_fini(&query);
}

/* ---- the stream ---- */

struct event_stream {
    struct list node;
    struct admin *admin;
    struct http_exchange *exchange;
    struct control_listener *listener;
    struct timer *heartbeat;
};

static void free_stream(struct event_stream *stream)
{
    control_unlisten(stream->listener);
    timer_free(stream->heartbeat);
    list_remove(&stream->node);
    free(stream);
}

static void follower_left(void *context)
{
    free_stream(context);
}

/* False: the follower does not read, and is gone. */
static bool send_event(struct event_stream *stream, const json_t *event)
{
    struct buffer line;
    buffer_init(&line, 0);
    json_print(event, false, &line);
    buffer_append_byte(&line, '\n');
    bool sent = http_stream_send(stream->exchange, line.data, line.size);
    buffer_fini(&line);
    return sent;
}

static void event_came(void *context, const json_t *event)
{
    struct event_stream *stream = context;
    if (!send_event(stream, event))
        free_stream(stream);
}

/* An empty line: a follower learns that the device lives, we learn that he does. */
static void beat(void *context)
{
    struct event_stream *stream = context;
    if (!http_stream_send(stream->exchange, "\n", 1)) {
        free_stream(stream);
        return;
    }
    timer_start(stream->heartbeat, HEARTBEAT_MS);
}

static bool send_missed(struct event_stream *stream, uint64_t after)
{
    json_t *missed = control_events(stream->admin->control, after, SIZE_MAX), *event;
    size_t index;
    bool sent = true;
    json_array_foreach(missed, index, event)
        sent = sent && send_event(stream, event);
    json_decref(missed);
    return sent;
}

static void begin_stream(struct admin *admin, struct http_exchange *exchange, bool has_after,
                         uint64_t after)
{
    struct event_stream *stream = memory_new(sizeof *stream);
    stream->admin = admin;
    stream->exchange = exchange;
    stream->heartbeat = timer_new(admin->loop, beat, stream);
    list_append(&admin->streams, &stream->node);
    http_exchange_on_gone(exchange, follower_left, stream);
    http_stream_begin(exchange, "application/jsonl");
    if (has_after && !send_missed(stream, after)) {
        free_stream(stream);
        return;
    }
    stream->listener = control_listen(admin->control, event_came, stream);
    timer_start(stream->heartbeat, HEARTBEAT_MS);
}

void get_event_stream(void *context, struct http_exchange *exchange,
                      const struct http_request *request, const struct route_match *match)
{
    static const char *const names[] = {"after"};
    struct query query;
    uint64_t after = 0;
    (void)match;
    if (query_read(&query, exchange, request, names, 1) &&
        (query.values[0] == NULL ||
         request_number(query.values[0], "after", SEQUENCE_MAX, exchange, &after)))
        begin_stream(context, exchange, query.values[0] != NULL, after);
    query_fini(&query);
}

void admin_end_streams(struct admin *admin)
{
    list_for_each(stream, &admin->streams, struct event_stream, node)
        free_stream(stream);
}
