/* control.c: start, stop, and the journal's objects in and out. */
#include "control/control.h"

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "control/control_private.h"
#include "control/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct control_cluster *control_find_cluster(struct control *control, const char *name)
{
    for (size_t i = 0; i < control->options.cluster_count; i++)
        if (strcmp(control->options.clusters[i].name, name) == 0)
            return &control->options.clusters[i];
    return NULL;
}

bool control_knows(struct control *control, const char *cluster, const char *instance,
                   struct error *error)
{
    const struct control_cluster *known = control_find_cluster(control, cluster);
    struct buffer names;
    bool is_there = false;
    if (known == NULL)
        return error_set(error, ERROR_NOT_FOUND,
                         "no cluster '%.60s' in this device's configuration: see `coeval cluster "
                         "list`",
                         cluster);
    buffer_init(&names, 0);
    for (size_t i = 0; i < known->instance_count; i++) {
        const char *name = known->instances[i].name;
        is_there = is_there || strcmp(name, instance) == 0;
        buffer_append_format(&names, "%s%s", i == 0 ? "" : ", ", name);
    }
    if (!is_there)
        error_set(error, ERROR_NOT_FOUND, "cluster %s has no instance '%.60s', only %s", cluster,
                  instance, buffer_text(&names));
    buffer_fini(&names);
    return is_there;
}

struct service *control_find_service(struct control *control, const char *name_or_id)
{
    list_for_each(service, &control->services, struct service, node)
        if (strcmp(service->name, name_or_id) == 0 || strcmp(service->id, name_or_id) == 0)
            return service;
    return NULL;
}

struct pair *control_find_pair(struct control *control, const char *name)
{
    list_for_each(pair, &control->pairs, struct pair, node)
        if (strcmp(pair->name, name) == 0 || strcmp(pair->id, name) == 0)
            return pair;
    return NULL;
}

char *control_text(json_t *document)
{
    struct buffer text;
    buffer_init(&text, 0);
    json_print(document, true, &text);
    json_decref(document);
    return buffer_take(&text);
}

size_t control_text_size(const json_t *document)
{
    struct buffer text;
    buffer_init(&text, 0);
    json_print(document, true, &text);
    size_t size = text.size;
    buffer_fini(&text);
    return size;
}

void control_save_pair(struct control *control, const struct pair *pair)
{
    json_t *object = json_object();
    json_set_string(object, "name", pair->name);
    json_set_string(object, "primary", pair->primary);
    json_set_string(object, "secondary", pair->secondary);
    json_set_integer(object, "generation", pair->generation);
    char *payload = control_text(object);
    struct journal_append record = {.type = JOURNAL_PAIR, .key = pair->id, .payload = payload};
    control_record(control, &record, 1, NULL, NULL);
    free(payload);
}

/* ---- records -------------------------------------------------------------------------------- */

#define RECORDS_AT_ONCE_MAX 8
#define RECORD_AGAIN_MS 500

/* What was handed to the journal, until it is durable: a full disk must neither lose a record nor
 * change the order in which they come (an older state of an epoch would lie over a newer one). */
struct pending_records {
    struct list node;
    struct control *control;
    struct journal_append records[RECORDS_AT_ONCE_MAX];
    size_t count;
    journal_done_fn *done;
    void *context;
    bool refused; /* waits for room */
};

static void free_pending(struct pending_records *pending)
{
    for (size_t i = 0; i < pending->count; i++) {
        free((char *)(uintptr_t)pending->records[i].key);
        free((char *)(uintptr_t)pending->records[i].payload);
    }
    list_remove(&pending->node);
    free(pending);
}

static void pending_is_durable(void *context, const struct error *error);

static bool hand_over(struct pending_records *pending)
{
    struct error error = ERROR_NONE;
    pending->refused = !journal_append_all(pending->control->options.journal, pending->records,
                                           pending->count, pending_is_durable, pending, &error);
    if (pending->refused && error.code != ERROR_LIMIT && error.code != ERROR_NO_SPACE) {
        pending_is_durable(pending, &error); /* lost or closing */
        return false;
    }
    return !pending->refused;
}

/* In order, and only once none of them is with the journal any more: what is still there fails as
 * well, and would come behind its successors. */
static void record_again(void *context)
{
    struct control *control = context;
    bool with_journal = false;
    list_for_each(pending, &control->records, struct pending_records, node)
        with_journal = with_journal || !pending->refused;
    list_for_each(pending, &control->records, struct pending_records, node) {
        if (with_journal || !hand_over(pending)) {
            timer_start(control->record_timer, RECORD_AGAIN_MS);
            return;
        }
    }
}

static void pending_is_durable(void *context, const struct error *error)
{
    struct pending_records *pending = context;
    struct control *control = pending->control;
    if (error->code == ERROR_NO_SPACE && !control->stopping) {
        log_error(LOG_CONTROL, "journal.full", "%s: retry in %d ms", error->text, RECORD_AGAIN_MS);
        pending->refused = true;
        timer_start(control->record_timer, RECORD_AGAIN_MS);
        return;
    }
    journal_done_fn *done = pending->done;
    void *done_context = pending->context;
    free_pending(pending);
    if (done != NULL)
        done(done_context, error);
}

/* Refused ones are at one end: at the front while those behind them still have to fail, at the back
 * while those before them are being written. */
static bool waits_for_room(struct control *control)
{
    struct list *first = control->records.next, *last = control->records.previous;
    return first != &control->records &&
           (list_entry(first, struct pending_records, node)->refused ||
            list_entry(last, struct pending_records, node)->refused);
}

void control_record(struct control *control, const struct journal_append *records, size_t count,
                    journal_done_fn *done, void *context)
{
    CHECK(count <= RECORDS_AT_ONCE_MAX);
    struct pending_records *pending = memory_new(sizeof *pending);
    *pending = (struct pending_records){
        .control = control, .count = count, .done = done, .context = context};
    for (size_t i = 0; i < count; i++) {
        pending->records[i] = records[i];
        pending->records[i].key = memory_copy_string(records[i].key);
        pending->records[i].payload = memory_copy_string(records[i].payload);
    }
    bool behind = waits_for_room(control);
    list_append(&control->records, &pending->node);
    pending->refused = behind;
    if (!behind && !hand_over(pending) && !list_is_empty(&control->records))
        timer_start(control->record_timer, RECORD_AGAIN_MS);
}

/* ---- answers to callers --------------------------------------------------------------------- */

struct owed {
    struct list node;
    control_done_fn *done;
    void *context;
    json_t *result;
    struct error error;
};

static void pay(void *context)
{
    struct owed *owed = context;
    list_remove(&owed->node);
    if (owed->done != NULL)
        owed->done(owed->context, owed->result, &owed->error);
    json_decref(owed->result);
    free(owed);
}

void control_answer(struct control *control, control_done_fn *done, void *context, json_t *result,
                    const struct error *error)
{
    if (control->ending) { /* nobody is there to hear it */
        json_decref(result);
        return;
    }
    struct owed *owed = memory_new(sizeof *owed);
    owed->done = done;
    owed->context = context;
    owed->result = result;
    owed->error = *error;
    list_append(&control->calls, &owed->node);
    loop_post(control->loop, pay, owed);
}

void control_forget(struct control *control, const void *context)
{
    list_for_each(owed, &control->calls, struct owed, node)
        if (owed->context == context)
            owed->done = NULL;
}

/* ---- start ---------------------------------------------------------------------------------- */

static bool load_pair(void *context, const char *key, const char *payload, size_t size,
                      struct error *error)
{
    struct control *control = context;
    json_t *object;
    if (!json_parse(payload, size, &object, error))
        return error_wrap(error, "pair %s", key);
    struct pair *pair = memory_new(sizeof *pair);
    snprintf(pair->id, sizeof pair->id, "%s", key);
    pair->name = memory_copy_string(json_string_or(object, "name", key));
    pair->primary = memory_copy_string(json_string_or(object, "primary", ""));
    pair->secondary = memory_copy_string(json_string_or(object, "secondary", ""));
    pair->generation = json_integer_or(object, "generation", 1);
    list_append(&control->pairs, &pair->node);
    json_decref(object);
    return true;
}

static bool load_store(void *context, const char *key, const char *payload, size_t size,
                       struct error *error)
{
    struct control *control = context;
    json_t *object;
    if (!json_parse(payload, size, &object, error))
        return error_wrap(error, "store %s", key);
    json_set_string(control->stores, key, json_string_or(object, "identity", ""));
    json_decref(object);
    return true;
}

static bool load_root(void *context, const char *key, const char *payload, size_t size,
                      struct error *error)
{
    struct control *control = context;
    json_t *object;
    if (!json_parse(payload, size, &object, error))
        return error_wrap(error, "root %s", key);
    json_append_take(control->roots, object);
    return true;
}

static bool load_service(void *context, const char *key, const char *payload, size_t size,
                         struct error *error)
{
    json_t *object;
    if (!json_parse(payload, size, &object, error))
        return error_wrap(error, "service %s", key);
    bool loaded = service_load(context, key, object, error);
    json_decref(object);
    return loaded || error_wrap(error, "service %s in the journal", key);
}

static bool load_epoch(void *context, const char *key, const char *payload, size_t size,
                       struct error *error)
{
    struct control *control = context;
    json_t *object;
    if (!json_parse(payload, size, &object, error))
        return error_wrap(error, "epoch %s", key);
    struct service *service = control_find_service(control, json_string_or(object, "service", ""));
    if (service == NULL) {
        json_decref(object);
        return true; /* its policy object is gone: shown by the inspection tool only */
    }
    struct run *run = run_new(service);
    epoch_fini(&run->epoch);
    bool loaded = epoch_from_json(object, &run->epoch, error);
    run->retired_a = json_boolean_or(object, "retired_a", false);
    run->lost_b = json_boolean_or(object, "lost_b", false);
    json_decref(object);
    if (!loaded) {
        run_free(run);
        return error_wrap(error, "epoch %s in the journal", key);
    }
    list_append(&service->runs, &run->node);
    run->recorded = true;
    history_slim(run);
    if (run->epoch.number >= service->next_number)
        service->next_number = run->epoch.number + 1;
    if (run->epoch.settled && run->epoch.number > service->base.number &&
        run->epoch.state == EPOCH_SEALED)
        service->base = epoch_as_base(&run->epoch);
    return true;
}

static bool load_event(void *context, const struct journal_record *record, struct error *error)
{
    (void)error;
    if (record->type == JOURNAL_EVENT)
        events_load(context, record->payload, record->payload_size);
    return true;
}

#define RECORDS_READ_BACK 20000

static bool load_all(struct control *control, struct error *error)
{
    struct journal *journal = control->options.journal;
    const struct journal_operations *operations = journal->operations;
    uint64_t last = operations->last_sequence(journal);
    uint64_t after = last > RECORDS_READ_BACK ? last - RECORDS_READ_BACK : 0;
    return operations->objects(journal, JOURNAL_PAIR, load_pair, control, error) &&
           operations->objects(journal, JOURNAL_STORE, load_store, control, error) &&
           operations->objects(journal, JOURNAL_ROOT, load_root, control, error) &&
           operations->objects(journal, JOURNAL_SERVICE, load_service, control, error) &&
           operations->objects(journal, JOURNAL_EPOCH, load_epoch, control, error) &&
           operations->records(journal, after, RECORDS_READ_BACK, load_event, control, error);
}

static void tell_broken(struct service *service)
{
    char text[400];
    snprintf(text, sizeof text,
             "the policy does not work here (%s): no epoch begins and no seal retires; mend it and "
             "restart, or apply the policy anew",
             service->broken);
    event_tell(service->control, service, 0, "alarm", "policy.broken", text,
               (const char *const[]){"coeval policy show", NULL});
}

static void begin(void *context)
{
    struct control *control = context;
    list_for_each(service, &control->services, struct service, node) {
        if (service->broken != NULL && !service->deleted)
            tell_broken(service);
        list_for_each(run, &service->runs, struct run, node)
            if (!epoch_is_final(&run->epoch))
                run_resume(run);
        service_send_limits(service);
        service_tick(service);
    }
    reaper_begin(control);
}

bool control_new(struct loop *loop, const struct control_options *options,
                 struct control **ret_control, struct error *error)
{
    struct control *control = memory_new(sizeof *control);
    control->loop = loop;
    control->options = *options;
    list_init(&control->services);
    list_init(&control->pairs);
    list_init(&control->asks);
    list_init(&control->listeners);
    list_init(&control->works);
    list_init(&control->calls);
    list_init(&control->records);
    control->record_timer = timer_new(loop, record_again, control);
    reaper_init(control);
    control->events = json_array();
    control->roots = json_array();
    control->stores = json_object();
    if (!load_all(control, error)) {
        control_free(control);
        return error_wrap(error, "control device");
    }
    control->links = links_watch(control);
    list_for_each(service, &control->services, struct service, node)
        history_prune(service);
    loop_post(loop, begin, control);
    *ret_control = control;
    return true;
}

void control_stop(struct control *control, loop_fn *stopped, void *context)
{
    control->stopping = true;
    timer_stop(control->record_timer);
    asks_end_all(control);
    list_for_each(service, &control->services, struct service, node) {
        wall_timer_stop(service->timer);
        list_for_each(run, &service->runs, struct run, node) {
            timer_stop(run->timer);
            for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
                for (int side = 0; side < EPOCH_SIDE_COUNT; side++) {
                    link_order_free(run->orders[kind][side]);
                    run->orders[kind][side] = NULL;
                }
        }
    }
    loop_post(control->loop, stopped, context);
}

static void free_pair(struct pair *pair)
{
    list_remove(&pair->node);
    free(pair->name);
    free(pair->primary);
    free(pair->secondary);
    free(pair);
}

/* What never became durable has no effect; those who waited for it let go of what they hold. */
static void end_records(struct control *control)
{
    struct error error;
    error_set(&error, ERROR_CANCELED, "the device ends");
    while (!list_is_empty(&control->records)) {
        struct pending_records *pending =
            list_entry(control->records.next, struct pending_records, node);
        journal_done_fn *done = pending->done;
        void *context = pending->context;
        free_pending(pending);
        if (done != NULL)
            done(context, &error);
    }
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    control->stopping = control->ending = true;
    end_records(control);
    list_for_each(service, &control->services, struct service, node)
        service_free(service);
    list_for_each(pair, &control->pairs, struct pair, node)
        free_pair(pair);
    list_for_each(owed, &control->calls, struct owed, node)
        owed->done = NULL;
    links_free(control->links);
    timer_free(control->record_timer);
    reaper_fini(control);
    json_decref(control->events);
    json_decref(control->roots);
    json_decref(control->stores);
    free(control);
}
