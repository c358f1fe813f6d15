/* left.c: see left.h. Kept in the service's journal object; a device that was rebuilt from the
 * areas does not know it any more. */
#include "control/left.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "control/control_private.h"

#define LOOK_LIMIT_MS 60000

static bool is_place(const json_t *member, const char *instance, const char *path)
{
    return !json_boolean_or(member, "tombstone", false) &&
           strcmp(json_string_or(member, "target_instance", ""), instance) == 0 &&
           strcmp(json_string_or(member, "target_path", ""), path) == 0;
}

/* It lies there, or in or around something that does. */
static bool holds_place(const json_t *members, const char *instance, const char *path)
{
    size_t index;
    json_t *member;
    json_array_foreach((json_t *)(uintptr_t)members, index, member) {
        const char *its = json_string_or(member, "target_path", "");
        if (!json_boolean_or(member, "tombstone", false) &&
            strcmp(json_string_or(member, "target_instance", ""), instance) == 0 &&
            path_is_clean(its) && (path_is_under(path, its) || path_is_under(its, path)))
            return true;
    }
    return false;
}

static json_t *find(const struct service *service, const char *instance, const char *path)
{
    size_t index;
    json_t *item;
    json_array_foreach(service->left, index, item)
        if (strcmp(json_string_or(item, "instance", ""), instance) == 0 &&
            strcmp(json_string_or(item, "path", ""), path) == 0)
            return item;
    return NULL;
}

static void forget(struct service *service, const char *instance, const char *path)
{
    const json_t *item = find(service, instance, path);
    for (size_t i = 0; i < json_array_size(service->left); i++)
        if (json_array_get(service->left, i) == item)
            json_array_remove(service->left, i);
}

/* As its last seal says; null: it does not. */
static json_t *sealed_bytes(const struct run *run, const char *instance, const char *path)
{
    size_t index;
    json_t *member;
    json_array_foreach(json_object_get(json_object_get(run->epoch.commit, "seal"), "members"),
                       index, member) {
        json_t *bytes = json_object_get(json_object_get(member, "manifest"), "bytes");
        if (is_place(member, instance, path) && json_is_integer(bytes))
            return json_incref(bytes);
    }
    return json_null();
}

static void keep_in_mind(struct service *service, const struct run *before, const char *instance,
                         const char *path)
{
    json_t *item = json_object();
    forget(service, instance, path);
    json_set_string(item, "cluster", service->pair->secondary);
    json_set_string(item, "instance", instance);
    json_set_string(item, "path", path);
    json_set_take(item, "bytes", sealed_bytes(before, instance, path));
    json_append_take(service->left, item);
}

static bool has_member(const json_t *members, const char *id)
{
    size_t index;
    json_t *member;
    json_array_foreach((json_t *)(uintptr_t)members, index, member)
        if (strcmp(json_string_or(member, "id", ""), id) == 0)
            return true;
    return false;
}

static void tell(struct service *service, const struct run *run, const char *instance,
                 const char *path, unsigned count)
{
    char text[640], more[40] = "";
    if (count > 1)
        snprintf(more, sizeof more, " and %u more", count - 1);
    snprintf(text, sizeof text,
             "no data set of the policy any more: %s:%.300s%s on %s; what lies there stays as the "
             "last seal has it, until somebody removes it",
             instance, path, more, service->pair->secondary);
    event_tell(service->control, service, run->epoch.number, "warning", "member.left", text,
               (const char *const[]){"coeval status", NULL});
}

void left_note(struct service *service, const struct run *before, const struct run *run)
{
    const char *instance = NULL, *path = NULL;
    unsigned count = 0;
    size_t index;
    json_t *old;
    json_array_foreach(before->epoch.members, index, old) {
        if (json_boolean_or(old, "tombstone", false) ||
            has_member(run->epoch.members, json_string_or(old, "id", "")))
            continue;
        instance = count == 0 ? json_string_or(old, "target_instance", "") : instance;
        path = count == 0 ? json_string_or(old, "target_path", "") : path;
        count++;
        keep_in_mind(service, before, json_string_or(old, "target_instance", ""),
                     json_string_or(old, "target_path", ""));
    }
    if (count > 0)
        tell(service, run, instance, path, count);
}

/* ---- what is shown -------------------------------------------------------------------------- */

/* It came back, or another service of this secondary has it now. */
static bool is_wanted(struct control *control, const json_t *item)
{
    const char *cluster = json_string_or(item, "cluster", "");
    list_for_each(service, &control->services, struct service, node) {
        const struct run *base = service_find_run(service, service->base.number);
        const struct run *running = service_running(service);
        if (service->deleted || strcmp(service->pair->secondary, cluster) != 0)
            continue;
        if ((base != NULL && holds_place(base->epoch.members, json_string_or(item, "instance", ""),
                                         json_string_or(item, "path", "/"))) ||
            (running != NULL &&
             holds_place(running->epoch.members, json_string_or(item, "instance", ""),
                         json_string_or(item, "path", "/"))))
            return true;
    }
    return false;
}

static int64_t count_seals(struct service *service, const json_t *item)
{
    int64_t count = 0;
    list_for_each(run, &service->runs, struct run, node)
        count += run->epoch.state == EPOCH_SEALED && !run->lost_b &&
                 holds_place(run->epoch.members, json_string_or(item, "instance", ""),
                             json_string_or(item, "path", "/"));
    return count;
}

json_t *left_report(struct service *service)
{
    json_t *list = json_array(), *item;
    size_t index;
    char remedy[160];
    json_array_foreach(service->left, index, item) {
        if (is_wanted(service->control, item))
            continue;
        json_t *shown = json_copy(item);
        int64_t seals = count_seals(service, item);
        CHECK(shown != NULL);
        if (seals > 0)
            snprintf(remedy, sizeof remedy,
                     "%" PRId64 " seals still have it: when retention has let them go, remove it "
                     "by hand",
                     seals);
        else
            snprintf(remedy, sizeof remedy, "no seal has it any more: remove it by hand");
        json_set_integer(shown, "seals", seals);
        json_set_string(shown, "remedy", remedy);
        json_append_take(list, shown);
    }
    return list;
}

/* ---- whether it is still there -------------------------------------------------------------- */

struct looking {
    struct control *control;
    json_t *items; /* [{service, cluster, instance, path}], the last one is asked about */
    loop_fn *done;
    void *context;
};

static void ask_next(struct looking *looking);

static json_t *last_of(const struct looking *looking)
{
    return json_array_get(looking->items, json_array_size(looking->items) - 1);
}

static void looked(void *context, const json_t *result, const struct error *error)
{
    struct looking *looking = context;
    const json_t *item = last_of(looking);
    struct service *service =
        control_find_service(looking->control, json_string_or(item, "service", ""));
    (void)result;
    if (error->code == ERROR_NOT_FOUND && service != NULL) {
        forget(service, json_string_or(item, "instance", ""), json_string_or(item, "path", ""));
        service_save(service);
    }
    json_array_remove(looking->items, json_array_size(looking->items) - 1);
    ask_next(looking);
}

static void ask_next(struct looking *looking)
{
    const json_t *item = last_of(looking);
    if (item == NULL || looking->control->stopping) {
        looking->done(looking->context);
        json_decref(looking->items);
        free(looking);
        return;
    }
    json_t *body = json_object();
    json_set_string(body, "instance", json_string_or(item, "instance", ""));
    json_set_string(body, "path", json_string_or(item, "path", "/"));
    ask_new(looking->control, json_string_or(item, "cluster", ""), "catalogue", NULL, NULL, 0, body,
            LOOK_LIMIT_MS, looked, looking);
}

void left_look(struct control *control, const char *cluster, loop_fn *done, void *context)
{
    struct looking *looking = memory_new(sizeof *looking);
    size_t index;
    json_t *item;
    *looking = (struct looking){
        .control = control, .items = json_array(), .done = done, .context = context};
    list_for_each(service, &control->services, struct service, node)
        json_array_foreach(service->left, index, item) {
            if (strcmp(json_string_or(item, "cluster", ""), cluster) != 0)
                continue;
            json_t *asked = json_copy(item);
            CHECK(asked != NULL);
            json_set_string(asked, "service", service->id);
            json_append_take(looking->items, asked);
        }
    ask_next(looking);
}
