/* ask.c: one instruction to one agent, outside the state machine: check, identify, catalogue,
 * inspect, verify, and the retirement of A's side. It has its own key each time. */
#include "agent/protocol.h"
#include "base/clock.h"
#include "base/json.h"
#include "control/control_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ask {
    struct list node;
    struct control *control;
    struct link_order *order;
    struct timer *limit;
    struct work *watched; /* NULL: nobody wants to know how far it is */
    struct rate rate;
    ask_fn *fn;
    void *context;
    char cluster[64];
    char kind[32];
    struct error obstacle; /* what the agent said last of why it tries again */
};

static void end_ask(struct ask *ask, const json_t *result, const struct error *error, bool cancel)
{
    ask_fn *fn = ask->fn;
    void *context = ask->context;
    json_t *kept = result == NULL ? NULL : json_incref((json_t *)(uintptr_t)result);
    list_remove(&ask->node);
    timer_free(ask->limit);
    if (cancel)
        link_order_cancel(ask->order);
    else
        link_order_free(ask->order);
    free(ask);
    fn(context, kept, error);
    json_decref(kept);
}

static void took_too_long(void *context)
{
    struct ask *ask = context;
    struct error error = ask->obstacle;
    if (error.code != ERROR_OK)
        error_wrap(&error, "cluster %s, still trying", ask->cluster);
    else
        error_set(&error, ERROR_TIMEOUT,
                  "the agent of cluster %s did not finish '%s' in time: is it "
                  "running and reachable from here?",
                  ask->cluster, ask->kind);
    end_ask(ask, NULL, &error, true);
}

/* Entries and bytes, as far as the agent counts them for this kind; its calls where it counts
 * nothing else. */
static void note_progress(struct ask *ask, const struct status *status)
{
    const struct progress *progress = &status->progress;
    struct work *work = ask->watched;
    if (work == NULL)
        return;
    work->progress.done = progress->files_done;
    work->progress.total = progress->files_total;
    rate_measure(&ask->rate, status, clock_realtime_us());
    work->progress.bytes_done = progress->bytes_done;
    work->progress.bytes_total = progress->bytes_total;
    work->progress.bytes_per_second = (uint64_t)ask->rate.bytes_per_second;
    work->progress.seconds_left = rate_seconds_left(&ask->rate, progress);
    if (progress->files_total > 0)
        work_says(work, "cluster %s: %s", ask->cluster, status->phase);
    else
        work_says(work, "cluster %s: %s, %" PRIu64 " calls", ask->cluster, status->phase,
                  progress->operations);
}

static void answered(void *context, const struct status *status, const struct error *error)
{
    struct ask *ask = context;
    if (status == NULL) {
        end_ask(ask, NULL, error, false);
        return;
    }
    /* Somebody waits for his policy to be applied: he mends it sooner than it mends itself. */
    bool is_waited_for = strcmp(ask->kind, "identify") == 0 && status->error.code != ERROR_OK;
    if (status->state == STATUS_RUNNING && !is_waited_for) {
        ask->obstacle = status->error;
        note_progress(ask, status);
        return;
    }
    if (status->state == STATUS_DONE)
        end_ask(ask, status->result, &ERROR_NONE, true);
    else
        end_ask(ask, status->result, &status->error, true);
}

static void no_cluster(void *context)
{
    struct ask *ask = context;
    struct error error;
    error_set(&error, ERROR_NOT_FOUND, "no cluster '%s' in this device's configuration",
              ask->cluster);
    end_ask(ask, NULL, &error, false);
}

struct ask *ask_new(struct control *control, const char *cluster, const char *kind,
                    const struct pair *pair, const struct service *service, int64_t number,
                    json_t *body, int64_t limit_ms, ask_fn *fn, void *context)
{
    static const char nobody[] = "00000000-0000-0000-0000-000000000000";
    const struct control_cluster *known = control_find_cluster(control, cluster);
    struct ask *ask = memory_new(sizeof *ask);
    char id[UUID_TEXT_SIZE];
    uuid_new(id);
    ask->control = control;
    ask->fn = fn;
    ask->context = context;
    snprintf(ask->cluster, sizeof ask->cluster, "%s", cluster);
    snprintf(ask->kind, sizeof ask->kind, "%s", kind);
    list_append(&control->asks, &ask->node);
    if (known == NULL) {
        json_decref(body);
        ask->limit = timer_new(control->loop, no_cluster, ask);
        timer_start(ask->limit, 0);
        return ask;
    }
    struct instruction instruction = {
        .key = id,
        .kind = kind,
        .pair = pair == NULL ? nobody : pair->id,
        .service = service == NULL ? nobody : service->id,
        .service_name = service == NULL ? "-" : service->name,
        .generation = json_integer_or(body, "generation", pair == NULL ? 0 : pair->generation),
        .fence = pair == NULL ? 0 : pair->generation,
        .number = number,
        .attempt = 1,
        .try_number = 1,
        .device = control->options.device,
        .deadline_us = clock_realtime_us() + limit_ms * 1000,
    };
    ask->limit = timer_new(control->loop, took_too_long, ask);
    timer_start(ask->limit, limit_ms);
    ask->order = link_order_new(known->link, instruction_format(&instruction, body), answered, ask);
    return ask;
}

void ask_watch(struct ask *ask, struct work *work)
{
    ask->watched = work;
    work_says(work, "asking cluster %s", ask->cluster);
}

/* What they answer for ends with them; a new ask that such an end makes is ended as well. */
void asks_end_all(struct control *control)
{
    struct error error;
    error_set(&error, ERROR_CANCELED, "the control device is stopping");
    while (!list_is_empty(&control->asks))
        end_ask(list_entry(control->asks.next, struct ask, node), NULL, &error, false);
}

void ask_cancel(struct ask *ask)
{
    if (ask == NULL)
        return;
    list_remove(&ask->node);
    timer_free(ask->limit);
    link_order_free(ask->order);
    free(ask);
}
