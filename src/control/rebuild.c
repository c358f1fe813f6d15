/* rebuild.c: see rebuild.h. received.json holds the whole order of the transfer, and that the whole
 * epoch; seal.json alone (received.json is gone or unreadable) still gives what a base needs. */
#include "control/rebuild.h"

#include "base/json.h"

#include <string.h>

/* ---- documents ------------------------------------------------------------------------------ */

static json_t *result_of_transfer(const json_t *received)
{
    json_t *result = json_copy((json_t *)(uintptr_t)received);
    json_object_del(result, "order");
    return result;
}

static json_t *document_of_seal(const json_t *seal)
{
    static const char *const kept[] = {"clusters", "exclude"};
    json_t *document = json_copy((json_t *)(uintptr_t)seal), *settings = json_object();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        json_object_set(settings, kept[i], json_object_get(seal, kept[i]));
    json_set_take(document, "settings", settings);
    return document;
}

/* What epoch_from_json() reads; NULL: nothing tells of it. */
static json_t *document_of(const json_t *item)
{
    const json_t *seal = json_object_get(item, "seal");
    const json_t *received = json_object_get(item, "received");
    const json_t *body = json_object_get(json_object_get(received, "order"), "body");
    if (json_is_object(body)) {
        json_t *document = json_copy((json_t *)(uintptr_t)body);
        json_set_take(document, "transfer", result_of_transfer(received));
        return document;
    }
    return json_is_object(seal) ? document_of_seal(seal) : NULL;
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void insert_run(struct service *service, struct run *run)
{
    struct list *at = service->runs.previous;
    while (at != &service->runs &&
           list_entry(at, struct run, node)->epoch.number > run->epoch.number)
        at = at->previous;
    list_append(at->next, &run->node); /* before the one behind it */
}

static struct run *add_run(struct service *service, const json_t *document, struct error *error)
{
    struct run *run = run_new(service);
    epoch_fini(&run->epoch);
    if (!epoch_from_json(document, &run->epoch, error)) {
        run_free(run);
        return NULL;
    }
    insert_run(service, run);
    return run;
}

static bool is_of(const json_t *order, const char *service, uint64_t number)
{
    return strcmp(json_string_or(order, "service", ""), service) == 0 &&
           (uint64_t)json_integer_or(order, "number", 0) == number;
}

unsigned rebuild_tries(const json_t *orders, const char *service, uint64_t number)
{
    int64_t tries = 0;
    size_t index;
    json_t *order;
    json_array_foreach((json_t *)(uintptr_t)orders, index, order) {
        int64_t try = json_integer_or(order, "try", 0);
        if (is_of(order, service, number) && try > tries)
            tries = try;
    }
    return tries > UINT16_MAX ? UINT16_MAX : (unsigned)tries;
}

/* How far an epoch that is not known comes in the area: sealed, or all is there. */
static bool tells_of_tree(const json_t *item)
{
    return strcmp(json_string_or(item, "found", "nothing"), "nothing") != 0;
}

uint64_t rebuild_newest(const struct service *service, const json_t *items)
{
    uint64_t newest = 0;
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)items, index, item) {
        uint64_t number = (uint64_t)json_integer_or(item, "number", 0);
        if (tells_of_tree(item) && number > newest)
            newest = number;
    }
    list_for_each(run, &service->runs, struct run, node)
        if (run->epoch.state != EPOCH_ABANDONED && run->epoch.number > newest)
            newest = run->epoch.number;
    return newest;
}

static enum epoch_found found_of(const json_t *item)
{
    const char *found = json_string_or(item, "found", "");
    return json_object_get(item, "seal") != NULL ? EPOCH_FOUND_SEALED
           : strcmp(found, "rolling_back") == 0  ? EPOCH_FOUND_ROLLING_BACK
           : strcmp(found, "committing") == 0    ? EPOCH_FOUND_COMMITTING
                                                 : EPOCH_FOUND_RECEIVED;
}

struct run *rebuild_epoch(struct service *service, const json_t *item, uint64_t newest,
                          const json_t *orders, struct error *error)
{
    uint64_t number = (uint64_t)json_integer_or(item, "number", 0);
    if (service_find_run(service, number) != NULL ||
        strcmp(json_string_or(item, "found", "nothing"), "retired") == 0)
        return NULL;
    /* Sealed, but the seal cannot be read: taken for received it would be committed again. */
    if (json_object_get(item, "error") != NULL)
        return NULL;
    json_t *document = document_of(item);
    struct run *run = document == NULL ? NULL : add_run(service, document, error);
    json_decref(document);
    if (run == NULL)
        return NULL;
    enum epoch_found found = found_of(item);
    /* B's tree stands on the newest one: an older one that has no seal was given up, and what lies
     * there of it is what its discard left. To commit it, or to roll it back, would bring its data
     * over newer ones. */
    if (found != EPOCH_FOUND_SEALED && number < newest)
        found = EPOCH_FOUND_NOTHING;
    struct epoch_event event = {.kind = EPOCH_EVENT_INSPECTED,
                                .found = found,
                                .seal = json_object_get(item, "seal"),
                                .tries_above = rebuild_tries(orders, service->id, number)};
    run_event(run, &event, NULL);
    return run;
}

/* Of several attempts the newest one: its body names what the earlier ones made. */
static const json_t *newest_body(const json_t *orders, const char *service, uint64_t number)
{
    const json_t *newest = NULL;
    int64_t attempt = 0;
    size_t index;
    json_t *order;
    json_array_foreach((json_t *)(uintptr_t)orders, index, order) {
        int64_t its = json_integer_or(order, "attempt", 0);
        const json_t *body = json_object_get(order, "body");
        if (is_of(order, service, number) && json_is_object(body) && its >= attempt) {
            newest = body;
            attempt = its;
        }
    }
    return newest;
}

static uint64_t newest_number(const struct service *service)
{
    if (list_is_empty(&service->runs))
        return 0;
    return list_entry(service->runs.previous, struct run, node)->epoch.number;
}

static bool is_damaged(const json_t *epochs, uint64_t number)
{
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)epochs, index, item)
        if ((uint64_t)json_integer_or(item, "number", 0) == number)
            return json_object_get(item, "error") != NULL;
    return false;
}

int64_t rebuild_begun(struct service *service, const json_t *epochs, const json_t *orders,
                      struct error *error)
{
    int64_t count = 0;
    uint64_t newest = newest_number(service);
    size_t index;
    json_t *order;
    json_array_foreach((json_t *)(uintptr_t)orders, index, order) {
        uint64_t number = (uint64_t)json_integer_or(order, "number", 0);
        if (!is_of(order, service->id, number))
            continue;
        if (number >= service->next_number)
            service->next_number = number + 1;
        const json_t *body = newest_body(orders, service->id, number);
        /* A number below one that was received was retired or abandoned long ago. */
        if (body == NULL || number <= newest || is_damaged(epochs, number) ||
            service_find_run(service, number) != NULL)
            continue;
        struct run *run = add_run(service, body, error);
        struct epoch_event event = {.kind = EPOCH_EVENT_INSPECTED,
                                    .found = EPOCH_FOUND_NOTHING,
                                    .tries_above = rebuild_tries(orders, service->id, number)};
        if (run != NULL) {
            run_event(run, &event, NULL);
            count++;
        }
    }
    return count;
}
