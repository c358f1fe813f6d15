/* root_move.c: what another snapshot root would mean, and moving one. Roots are recorded in
 * registry.c. */
#include "base/json.h"
#include "base/path.h"
#include "control/control_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_LIMIT_MS 60000
#define MOVE_LIMIT_MS 120000

static bool lies_on(const json_t *item, const char *cluster, const char *instance)
{
    return strcmp(json_string_or(item, "cluster", ""), cluster) == 0 &&
           strcmp(json_string_or(item, "instance", ""), instance) == 0;
}

static bool is_listed(const json_t *list, const char *text)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

static bool is_under_any(const char *path, const json_t *roots)
{
    size_t index;
    json_t *root;
    json_array_foreach(roots, index, root)
        if (path_is_under(path, json_string_value(root)))
            return true;
    return false;
}

/* A change of roots and what it meets. */
struct change_of_roots {
    const char *cluster, *instance, *root;
    const json_t *replaced;
    bool meets;       /* a data set lies under the new root or under one that goes */
    bool leaves_some; /* ... under one that goes, and not under the new one */
};

static void meet(struct change_of_roots *change, const char *cluster, const char *instance,
                 const char *path)
{
    if (strcmp(cluster, change->cluster) != 0 || strcmp(instance, change->instance) != 0)
        return;
    bool covered = path_is_under(path, change->root);
    bool loses = is_under_any(path, change->replaced);
    change->meets = change->meets || covered || loses;
    change->leaves_some = change->leaves_some || (loses && !covered);
}

/* What a selector finds is not known here: it may lie anywhere. */
static void meet_service(struct change_of_roots *change, const struct service *service,
                         struct arena *arena)
{
    const struct pair *pair = service->pair;
    const struct group *group = &service->policy.group;
    for (size_t i = 0; i < group->data_set_count; i++) {
        const struct data_set *set = &group->data_sets[i];
        struct target_place place =
            target_map_apply(&service->policy.target_map, set->instance, set->path, arena);
        meet(change, pair->primary, set->instance, set->path);
        meet(change, pair->secondary, place.instance, place.path);
    }
    bool is_there = strcmp(pair->primary, change->cluster) == 0 ||
                    strcmp(pair->secondary, change->cluster) == 0;
    if (group->selector_count > 0 && is_there && json_array_size(change->replaced) > 0)
        change->meets = true;
}

/* Their base is lost with the snapshots that go. */
static json_t *services_met(struct control *control, struct change_of_roots *change)
{
    json_t *list = json_array();
    struct arena arena;
    arena_init(&arena);
    list_for_each(service, &control->services, struct service, node) {
        change->meets = false;
        if (!service->deleted)
            meet_service(change, service, &arena);
        if (change->meets)
            json_append_take(list, json_string(service->name));
    }
    arena_fini(&arena);
    return list;
}

/* ---- plan ----------------------------------------------------------------------------------- */

bool control_root_plan(struct control *control, const char *cluster, const char *instance,
                       const char *root, json_t **ret, struct error *error)
{
    size_t index;
    json_t *item;
    if (!control_knows(control, cluster, instance, error))
        return false;
    if (!path_is_clean(root) || strcmp(root, "/") == 0)
        return error_set(error, ERROR_INVALID,
                         "'%.100s' cannot be a snapshot root: it is a directory below /, written "
                         "without . and .. and without a slash at its end",
                         root);
    json_t *plan = json_object(), *replaced = json_array();
    json_array_foreach(control->roots, index, item) {
        const char *other = json_string_or(item, "root", "");
        if (lies_on(item, cluster, instance) && strcmp(other, root) != 0 &&
            (path_is_under(other, root) || path_is_under(root, other)))
            json_append_take(replaced, json_string(other));
    }
    struct change_of_roots change = {
        .cluster = cluster, .instance = instance, .root = root, .replaced = replaced};
    json_set_string(plan, "cluster", cluster);
    json_set_string(plan, "instance", instance);
    json_set_string(plan, "root", root);
    json_set_take(plan, "replaces", replaced);
    json_set_take(plan, "lose_base", services_met(control, &change));
    json_set_string(
        plan, "consequence",
        json_array_size(replaced) == 0
            ? "nothing is removed; the directory can then be neither deleted nor renamed while it "
              "has snapshots"
            : "the snapshots of the replaced roots are removed, seals among them; the next epoch "
              "of each named service compares by checksum and moves only what differs; the "
              "directory can then be neither deleted nor renamed while it has snapshots");
    *ret = plan;
    return true;
}

/* ---- move ----------------------------------------------------------------------------------- */

struct moving {
    struct work work; /* steps: look, move */
    struct control *control;
    char *cluster, *instance, *root, *reason;
    json_t *plan;
    json_t *trusted; /* services whose base was good before the order left */
    control_done_fn *done;
    void *context;
};

static bool is_concerned(const struct moving *moving, const struct service *service)
{
    return is_listed(json_object_get(moving->plan, "lose_base"), service->name);
}

static void finish_move(struct moving *moving, const struct error *error)
{
    work_end(&moving->work);
    list_for_each(service, &moving->control->services, struct service, node)
        if (is_concerned(moving, service) && service->moving) {
            service->moving = false;
            service_tick(service);
        }
    control_answer(moving->control, moving->done, moving->context,
                   error->code == ERROR_OK ? json_incref(moving->plan) : NULL, error);
    json_decref(moving->plan);
    json_decref(moving->trusted);
    free(moving->cluster);
    free(moving->instance);
    free(moving->root);
    free(moving->reason);
    free(moving);
}

static void move_registry(struct moving *moving)
{
    struct control *control = moving->control;
    const json_t *replaced = json_object_get(moving->plan, "replaces");
    for (size_t i = json_array_size(control->roots); i-- > 0;) {
        json_t *item = json_array_get(control->roots, i);
        if (lies_on(item, moving->cluster, moving->instance) &&
            is_listed(replaced, json_string_or(item, "root", "")))
            registry_remove_root(control, i);
    }
    registry_add_root(control, moving->cluster, moving->instance, moving->root);
}

/* Before the order leaves: whatever becomes of its answer, no epoch builds on what may be gone. */
static void distrust_bases(struct moving *moving)
{
    list_for_each(service, &moving->control->services, struct service, node) {
        if (!is_concerned(moving, service) || service->base_distrusted)
            continue;
        json_append_take(moving->trusted, json_string(service->name));
        service->base_distrusted = true;
        service_save(service);
    }
}

/* The agent has removed nothing. */
static void trust_bases_again(struct moving *moving)
{
    list_for_each(service, &moving->control->services, struct service, node)
        if (is_listed(moving->trusted, service->name)) {
            service->base_distrusted = false;
            service_save(service);
        }
}

static bool lies_in_replaced(const struct moving *moving, const struct run *run)
{
    size_t index;
    json_t *member;
    json_array_foreach(run->epoch.members, index, member)
        if (strcmp(json_string_or(member, "target_instance", ""), moving->instance) == 0 &&
            is_under_any(json_string_or(member, "target_path", "/"),
                         json_object_get(moving->plan, "replaces")))
            return true;
    return false;
}

/* A seal is a snapshot on B: with its root it is gone. */
static void lose_seals(struct moving *moving)
{
    char text[400];
    list_for_each(service, &moving->control->services, struct service, node) {
        unsigned count = 0;
        if (strcmp(service->pair->secondary, moving->cluster) != 0)
            continue;
        list_for_each(run, &service->runs, struct run, node)
            if (run->epoch.state == EPOCH_SEALED && !run->lost_b && lies_in_replaced(moving, run)) {
                run->lost_b = true;
                run_save(run);
                count++;
            }
        if (count == 0)
            continue;
        snprintf(text, sizeof text,
                 "%u seals went with a snapshot root on cluster %s: nothing can be restored from "
                 "them, and from none before the next epoch is sealed",
                 count, moving->cluster);
        event_tell(moving->control, service, 0, "warning", "root.seals-lost", text,
                   (const char *const[]){"coeval policy run <service>", NULL});
    }
}

/* How far the agent came is not known: what an operator must know who believes in those seals. */
static void tell_half_moved(struct moving *moving, const struct error *why)
{
    struct arena arena;
    arena_init(&arena);
    event_tell(moving->control, NULL, 0, "alarm", "root.half-moved",
               arena_format(&arena, "%s; snapshots of the replaced roots on cluster %s may be gone",
                            why->text, moving->cluster),
               (const char *const[]){"coeval root list", NULL});
    arena_fini(&arena);
}

static void snapshots_gone(void *context, const json_t *result, const struct error *error)
{
    struct moving *moving = context;
    struct error why = *error;
    int64_t removed = json_integer_or(result, "removed", -1);
    if (moving->control->stopping) { /* the bases are distrusted; the operator asks again */
        finish_move(moving, &why);
        return;
    }
    if (removed > 0)
        lose_seals(moving);
    if (error->code == ERROR_OK) {
        move_registry(moving);
    } else if (removed == 0) {
        trust_bases_again(moving);
    } else {
        error_wrap(&why, "move the root of %s:%s on cluster %s", moving->instance, moving->root,
                   moving->cluster);
        tell_half_moved(moving, &why);
    }
    finish_move(moving, &why);
}

static void order_move(struct moving *moving)
{
    json_t *body = json_object();
    struct arena arena;
    distrust_bases(moving);
    arena_init(&arena);
    event_tell(moving->control, NULL, 0, "warning", "root.moved",
               arena_format(&arena, "%s:%s on cluster %s: %s", moving->instance, moving->root,
                            moving->cluster, moving->reason),
               NULL);
    arena_fini(&arena);
    json_set_string(body, "instance", moving->instance);
    json_set_string(body, "root", moving->root);
    json_set_take(body, "replaces", json_incref(json_object_get(moving->plan, "replaces")));
    moving->work.progress.done = 1;
    work_says(&moving->work, "cluster %s removes the snapshots of the replaced roots",
              moving->cluster);
    ask_new(moving->control, moving->cluster, "move-root", NULL, NULL, 0, body, MOVE_LIMIT_MS,
            snapshots_gone, moving);
}

/* Before anything is removed: a typing error must not cost the seals of the root that was. */
static void directory_seen(void *context, const json_t *result, const struct error *error)
{
    struct moving *moving = context;
    struct error why = *error;
    (void)result;
    if (error->code == ERROR_OK || error->code == ERROR_LIMIT) { /* LIMIT: it holds very much */
        order_move(moving);
        return;
    }
    if (error->code == ERROR_NOT_FOUND)
        error_set(&why, ERROR_NOT_FOUND,
                  "there is no directory %.120s in %s on cluster %s; nothing was changed: make it "
                  "there, or correct the path",
                  moving->root, moving->instance, moving->cluster);
    else
        error_wrap(&why, "look at %s:%s on cluster %s", moving->instance, moving->root,
                   moving->cluster);
    finish_move(moving, &why);
}

/* A data set of a replaced root that the new one does not cover could not be protected any more. */
static bool covers_all(struct control *control, const json_t *plan, struct error *error)
{
    const char *root = json_string_or(plan, "root", "");
    struct change_of_roots change = {.cluster = json_string_or(plan, "cluster", ""),
                                     .instance = json_string_or(plan, "instance", ""),
                                     .root = root,
                                     .replaced = json_object_get(plan, "replaces")};
    json_decref(services_met(control, &change));
    return !change.leaves_some ||
           error_set(error, ERROR_CONFLICT,
                     "%.120s lies below a root whose data sets would then have none: name that "
                     "root, or a directory above it (`coeval root list`)",
                     root);
}

/* An epoch of a service that would lose its base holds snapshots of the root. */
static bool is_free(struct control *control, const json_t *plan, struct error *error)
{
    list_for_each(service, &control->services, struct service, node) {
        if (!is_listed(json_object_get(plan, "lose_base"), service->name))
            continue;
        if (service->moving)
            return error_set(error, ERROR_CONFLICT, "a root of '%s' is being moved: wait",
                             service->name);
        if (service_is_busy(service))
            return error_set(error, ERROR_CONFLICT,
                             "an epoch of '%s' is running: `coeval policy pause %s`, wait for its "
                             "end, move the root, then `coeval policy resume %s`",
                             service->name, service->name, service->name);
    }
    return true;
}

bool control_root_move(struct control *control, const char *cluster, const char *instance,
                       const char *root, const char *reason, control_done_fn *done, void *context,
                       struct error *error)
{
    json_t *plan;
    if (!control_root_plan(control, cluster, instance, root, &plan, error))
        return false;
    if (!covers_all(control, plan, error) || !is_free(control, plan, error)) {
        json_decref(plan);
        return false;
    }
    struct moving *moving = memory_new(sizeof *moving);
    *moving = (struct moving){.control = control,
                              .cluster = memory_copy_string(cluster),
                              .instance = memory_copy_string(instance),
                              .root = memory_copy_string(root),
                              .reason = memory_copy_string(reason == NULL ? "" : reason),
                              .plan = plan,
                              .trusted = json_array(),
                              .done = done,
                              .context = context};
    list_for_each(service, &control->services, struct service, node)
        service->moving = service->moving || is_concerned(moving, service);
    work_begin(&moving->work, control, context, "steps", 2);
    work_says(&moving->work, "asking cluster %s for the directory", cluster);
    json_t *body = json_object();
    json_set_string(body, "instance", instance);
    json_set_string(body, "path", root);
    ask_new(control, cluster, "catalogue", NULL, NULL, 0, body, LOOK_LIMIT_MS, directory_seen,
            moving);
    return true;
}
