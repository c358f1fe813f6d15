/* events.c: what the operator is told: durable, numbered, kept in a ring, heard by listeners. */
#include "control/events.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "control/control_private.h"

struct control_listener {
    struct list node;
    control_event_fn *fn;
    void *context;
};

struct spoken {
    struct control *control;
    json_t *event;
};

static void keep(struct control *control, json_t *event)
{
    json_append_take(control->events, event);
    while (json_array_size(control->events) > EVENTS_KEPT)
        json_array_remove(control->events, 0);
}

static void event_is_durable(void *context, const struct error *error)
{
    struct spoken spoken = *(struct spoken *)context;
    free(context);
    if (error->code == ERROR_OK) {
        list_for_each(listener, &spoken.control->listeners, struct control_listener, node)
            listener->fn(listener->context, spoken.event);
        keep(spoken.control, json_incref(spoken.event));
    }
    json_decref(spoken.event);
}

static void log_event(const char *severity, const char *name, const struct service *service,
                      uint64_t number, const char *text)
{
    const char *label = service == NULL ? "-" : service->name;
    if (severity[0] == 'a')
        log_error(LOG_CONTROL, name, "service=%s epoch=%d %s", label, (int)number, text);
    else if (severity[0] == 'w')
        log_warning(LOG_CONTROL, name, "service=%s epoch=%d %s", label, (int)number, text);
    else
        log_notice(LOG_CONTROL, name, "service=%s epoch=%d %s", label, (int)number, text);
}

void event_tell(struct control *control, const struct service *service, uint64_t number,
                const char *severity, const char *name, const char *text,
                const char *const *commands)
{
    json_t *event = json_object(), *next = json_array();
    json_set_integer(event, "sequence", (int64_t)++control->event_sequence);
    json_set_time(event, "time_us", clock_realtime_us());
    json_set_string(event, "severity", severity);
    json_set_string(event, "name", name);
    if (service != NULL)
        json_set_string(event, "service", service->name);
    if (number != 0)
        json_set_integer(event, "number", (int64_t)number);
    json_set_string(event, "text", text);
    for (size_t i = 0; commands != NULL && commands[i] != NULL; i++)
        json_append_take(next, json_string(commands[i]));
    json_set_take(event, "commands", next);
    log_event(severity, name, service, number, text);
    char *payload = control_text(json_incref(event));
    struct journal_append record = {.type = JOURNAL_EVENT, .payload = payload};
    struct spoken *spoken = memory_new(sizeof *spoken);
    *spoken = (struct spoken){control, event};
    control_record(control, &record, 1, event_is_durable, spoken);
    free(payload);
}

void events_load(struct control *control, const char *payload, size_t size)
{
    json_t *event;
    struct error error;
    if (!json_parse(payload, size, &event, &error))
        return;
    uint64_t sequence = (uint64_t)json_integer_or(event, "sequence", 0);
    if (sequence > control->event_sequence)
        control->event_sequence = sequence;
    keep(control, event);
}

json_t *control_events(struct control *control, uint64_t after, size_t limit)
{
    json_t *list = json_array(), *event;
    size_t index;
    json_array_foreach(control->events, index, event) {
        if ((uint64_t)json_integer_or(event, "sequence", 0) <= after)
            continue;
        if (json_array_size(list) == limit)
            break;
        json_array_append(list, event);
    }
    return list;
}

struct control_listener *control_listen(struct control *control, control_event_fn *fn,
                                        void *context)
{
    struct control_listener *listener = memory_new(sizeof *listener);
    listener->fn = fn;
    listener->context = context;
    list_append(&control->listeners, &listener->node);
    return listener;
}

void control_unlisten(struct control_listener *listener)
{
    if (listener == NULL)
        return;
    list_remove(&listener->node);
    free(listener);
}
