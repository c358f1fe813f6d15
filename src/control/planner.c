/* planner.c: from a slot to an epoch: who belongs to the group now, where it lies on both sides,
 * what the agents need of the policy ("settings": fixed for this epoch, whatever is edited later).
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "base/size.h"
#include "control/control_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8
#define CATALOGUE_LIMIT_MS 60000
#define ANSWER_US ((int64_t)300 * 1000000)
#define BACKOFF_US ((int64_t)1000000)
#define BACKOFF_MAX_US ((int64_t)60 * 1000000)
#define MARGIN_US ((int64_t)200000)
#define TRIES_MAX 5

struct planning {
    struct service *service;
    int64_t slot_us, moment_us;
    struct arena arena;
    struct catalogue_entry *entries;
    size_t entry_count, entry_capacity;
    size_t next_listing;         /* which (selector, path) is asked next */
    const char *instance, *path; /* that are listed now */
    int64_t revision;            /* of the policy whose selectors are listed */
    struct ask *ask;
};

void planning_free(struct planning *planning)
{
    if (planning == NULL)
        return;
    ask_cancel(planning->ask);
    arena_fini(&planning->arena);
    free(planning->entries);
    free(planning);
}

/* ---- settings ------------------------------------------------------------------------------- */

static json_t *hook_object(const struct policy_hook *hook)
{
    json_t *object = json_object(), *command = json_array();
    for (size_t i = 0; i < hook->argument_count; i++)
        json_append_take(command, json_string(hook->arguments[i]));
    json_set_take(object, "command", command);
    json_set_integer(object, "timeout_ms", hook->timeout_us / 1000);
    return object;
}

static json_t *exclude_list(const struct group *group)
{
    json_t *list = json_array();
    for (size_t i = 0; group->default_excludes && i < group_default_exclude_count; i++)
        json_append_take(list, json_string(group_default_excludes[i]));
    for (size_t i = 0; i < group->exclude_count; i++)
        json_append_take(list, json_string(group->exclude[i]));
    return list;
}

static void add_stores(struct control *control, json_t *stores, const char *cluster)
{
    const struct control_cluster *known = control_find_cluster(control, cluster);
    for (size_t i = 0; known != NULL && i < known->instance_count; i++) {
        const char *identity = registry_store(control, cluster, known->instances[i].name);
        if (identity == NULL)
            continue;
        json_t *item = json_object();
        json_set_string(item, "cluster", cluster);
        json_set_string(item, "instance", known->instances[i].name);
        json_set_string(item, "identity", identity);
        json_append_take(stores, item);
    }
}

static json_t *removed_object(const struct policy *policy)
{
    json_t *object = json_object();
    json_set_integer(object, policy->max_removed.is_percent ? "percent" : "count",
                     (int64_t)policy->max_removed.value);
    json_set_integer(object, "floor", POLICY_REMOVED_FLOOR);
    return object;
}

static json_t *settings_of(struct service *service, json_t *members)
{
    const struct policy *policy = &service->policy;
    json_t *settings = json_object(), *clusters = json_object(), *stores = json_array();
    json_t *hooks = json_object();
    json_set_string(clusters, "a", service->pair->primary);
    json_set_string(clusters, "b", service->pair->secondary);
    add_stores(service->control, stores, service->pair->primary);
    add_stores(service->control, stores, service->pair->secondary);
    if (policy->hooks.before.argument_count > 0)
        json_set_take(hooks, "before", hook_object(&policy->hooks.before));
    if (policy->hooks.after.argument_count > 0)
        json_set_take(hooks, "after", hook_object(&policy->hooks.after));
    json_set_take(settings, "clusters", clusters);
    json_set_take(settings, "stores", stores);
    json_set_take(settings, "exclude", exclude_list(&policy->group));
    json_set_take(settings, "members", members);
    json_set_take(settings, "limits", service_limits(service));
    json_set_take(settings, "hooks", hooks);
    json_set_integer(settings, "executors", policy->executors);
    json_set_integer(settings, "lanes", LANES);
    json_set_integer(settings, "barrier_wait_ms", policy->barrier_wait_us / 1000);
    json_set_take(settings, "max_removed", removed_object(policy));
    json_set_string(settings, "adopt", policy->adopt == POLICY_ADOPT_COMPARE ? "compare" : "empty");
    json_set_string(settings, "touched",
                    policy->touched == POLICY_TOUCHED_RESTORE ? "restore" : "refuse");
    bool sweeps = policy->sweep != 0 && service->since_sweep + 1 >= policy->sweep;
    json_set_boolean(settings, "sweep", sweeps && service->base.number != 0);
    json_set_integer(settings, "group_revision", service->revision);
    json_set_take(settings, "policy", json_incref(service->policy_document));
    if (service->suspects != NULL)
        json_set_take(settings, "suspects", json_incref(service->suspects));
    return settings;
}

/* ---- members -------------------------------------------------------------------------------- */

static const char *root_for(struct service *service, const char *cluster, const char *instance,
                            const char *path)
{
    const char *root = registry_root_of(service->control, cluster, instance, path);
    if (root != NULL)
        return root;
    registry_add_root(service->control, cluster, instance, path);
    return path;
}

/* Part of the base: if it is gone now, that is a change of the source, not a mistake. */
static bool was_sealed(struct service *service, const char *id)
{
    struct run *base =
        service->base.number == 0 ? NULL : service_find_run(service, service->base.number);
    size_t index;
    json_t *member;
    if (base != NULL)
        json_array_foreach(base->epoch.members, index, member)
            if (strcmp(json_string_or(member, "id", ""), id) == 0 &&
                !json_boolean_or(member, "tombstone", false))
                return true;
    return false;
}

static json_t *member_object(struct service *service, const struct member *member,
                             struct arena *arena)
{
    const char *a = service->pair->primary, *b = service->pair->secondary;
    struct target_place place =
        target_map_apply(&service->policy.target_map, member->instance, member->path, arena);
    json_t *object = json_object();
    json_set_string(object, "id", member->id);
    json_set_boolean(object, "sealed", was_sealed(service, member->id));
    json_set_string(object, "instance", member->instance);
    json_set_string(object, "source_path", member->path);
    json_set_string(object, "source_root", root_for(service, a, member->instance, member->path));
    json_set_string(object, "target_instance", place.instance);
    json_set_string(object, "target_path", place.path);
    json_set_string(object, "target_root", root_for(service, b, place.instance, place.path));
    return object;
}

static bool is_covered(const json_t *members, const char *instance, const char *path)
{
    size_t index;
    json_t *member;
    json_array_foreach((json_t *)(uintptr_t)members, index, member)
        if (strcmp(json_string_or(member, "instance", ""), instance) == 0 &&
            path_is_under(path, json_string_or(member, "source_path", "/?")))
            return true;
    return false;
}

/* Members of the base that the group selects and does not find any more: tombstones, once, if A
 * says as well that they are gone. What the policy does not name any more is not gone: it leaves
 * the service, and its copy on B stays. */
static void add_vanished(struct service *service, json_t *members)
{
    struct run *base =
        service->base.number == 0 ? NULL : service_find_run(service, service->base.number);
    size_t index;
    json_t *old;
    if (base == NULL)
        return;
    json_array_foreach(base->epoch.members, index, old) {
        struct catalogue_entry entry = {json_string_or(old, "instance", ""),
                                        json_string_or(old, "source_path", ""), NULL};
        if (json_boolean_or(old, "tombstone", false) || !path_is_clean(entry.path) ||
            !group_selects(&service->policy.group, &entry) ||
            is_covered(members, entry.instance, entry.path))
            continue;
        json_t *vanished = json_deep_copy(old);
        json_set_boolean(vanished, "tombstone", true);
        json_append_take(members, vanished);
    }
}

static bool resolve_members(struct planning *planning, json_t **ret_members, struct error *error)
{
    struct service *service = planning->service;
    struct member *members;
    size_t count;
    if (!group_resolve(&service->policy.group, planning->entries, planning->entry_count,
                       &planning->arena, &members, &count, error))
        return false;
    if (count == 0)
        return error_set(error, ERROR_NOT_FOUND,
                         "the protection group selects nothing on cluster %s",
                         service->pair->primary);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_append_take(list, member_object(service, &members[i], &planning->arena));
    add_vanished(service, list);
    *ret_members = list;
    return true;
}

/* ---- the epoch ------------------------------------------------------------------------------ */

static enum epoch_on_skew on_skew(enum policy_skew_action action)
{
    return action == POLICY_SKEW_FAIL    ? EPOCH_SKEW_FAIL
           : action == POLICY_SKEW_RETRY ? EPOCH_SKEW_RETRY
                                         : EPOCH_SKEW_ACCEPT;
}

static void fill_limits(const struct policy *policy, struct epoch_limits *limits)
{
    *limits = (struct epoch_limits){
        .lead_us = policy->schedule.lead_us,
        .margin_us =
            MARGIN_US < policy->schedule.lead_us / 4 ? MARGIN_US : policy->schedule.lead_us / 4,
        .grace_us = policy->schedule.grace_us,
        .answer_us = ANSWER_US,
        .backoff_us = BACKOFF_US,
        .backoff_max_us = BACKOFF_MAX_US,
        .tries_max = TRIES_MAX,
        .attempts_max = policy->retries + 1,
        .consistency = policy->consistency,
        .max_skew_us = policy->max_skew.limit_us,
        .on_skew = on_skew(policy->max_skew.action),
        .adopt_compare = policy->adopt == POLICY_ADOPT_COMPARE,
    };
}

/* A slot that begins late has its moment when all is ready: at the slot itself it would be missed
 * for certain. So has t0 "now": nobody fixed that instant. */
static bool has_fixed_moment(const struct planning *planning)
{
    const struct service *service = planning->service;
    bool is_now = service->policy.schedule.first == SCHEDULE_FIRST_NOW &&
                  planning->slot_us == service->schedule.anchor_us;
    return planning->moment_us == planning->slot_us && !is_now;
}

static struct run *make_run(struct planning *planning, json_t *members)
{
    struct service *service = planning->service;
    const struct policy *policy = &service->policy;
    struct run *run = run_new(service);
    struct epoch *epoch = &run->epoch;
    snprintf(epoch->pair, sizeof epoch->pair, "%s", service->pair->id);
    snprintf(epoch->service, sizeof epoch->service, "%s", service->id);
    snprintf(epoch->service_name, sizeof epoch->service_name, "%s", service->name);
    epoch->generation = (uint64_t)service->pair->generation;
    epoch->number = service->next_number++;
    epoch->slot_us = has_fixed_moment(planning) ? planning->slot_us : 0;
    epoch->t_us = planning->moment_us;
    epoch->base = service->base;
    epoch->base_lost =
        (service->base_distrusted && service->base.number != 0) || service_base_is_behind(service);
    epoch->mode = policy->mode == POLICY_FULL || service->base.number == 0 ? EPOCH_MODE_FULL
                                                                           : EPOCH_MODE_INCREMENTAL;
    epoch->direction = policy->direction == POLICY_PUSH ? EPOCH_PUSH : EPOCH_PULL;
    epoch->group_revision = (uint64_t)service->revision;
    epoch->settings = settings_of(service, members);
    fill_limits(policy, &epoch->limits);
    list_append(&service->runs, &run->node);
    return run;
}

static void give_up(struct planning *planning, const struct error *error)
{
    struct service *service = planning->service;
    char text[512];
    snprintf(text, sizeof text, "no epoch for this moment: %s", error->text);
    event_tell(service->control, service, 0, "alarm", "epoch.not-planned", text, NULL);
    service->planning = NULL;
    planning_free(planning);
    service_epoch_ended(service);
}

/* They stand in the epoch's record several times: as planned, as found, and with what each came to.
 */
static bool members_fit(const json_t *members, struct error *error)
{
    size_t size = control_text_size(members), limit = JOURNAL_PAYLOAD_BYTES_MAX / 4;
    return size <= limit ||
           error_set(error, ERROR_LIMIT,
                     "the group selects %zu data sets, which take %s of at most %s: make it "
                     "smaller, or several services of it",
                     json_array_size(members), size_text(size).text, size_text(limit).text);
}

static void conclude(struct planning *planning)
{
    struct service *service = planning->service;
    struct error error = ERROR_NONE;
    json_t *members = NULL;
    if (service_running(service) != NULL) { /* recovered meanwhile */
        error_set(&error, ERROR_CONFLICT, "another epoch of it has begun to run");
        give_up(planning, &error);
        return;
    }
    if (!resolve_members(planning, &members, &error) || !members_fit(members, &error)) {
        json_decref(members);
        give_up(planning, &error);
        return;
    }
    struct run *run = make_run(planning, members);
    service->planning = NULL;
    planning_free(planning);
    service_save(service); /* next_number, before any order of this epoch */
    struct epoch_event event = {.kind = EPOCH_EVENT_START};
    run_event(run, &event, NULL);
}

/* ---- catalogues of the selectors ------------------------------------------------------------ */

static void ask_next(struct planning *planning);

static void start_listing(struct planning *planning)
{
    planning->revision = planning->service->revision;
    planning->next_listing = planning->entry_count = 0;
    ask_next(planning);
}

/* A directory that held members and is not there itself (renamed, not mounted) does not say that
 * each of them was deleted. */
static bool held_members(const struct planning *planning)
{
    struct service *service = planning->service;
    struct run *base =
        service->base.number == 0 ? NULL : service_find_run(service, service->base.number);
    size_t index;
    json_t *old;
    if (base != NULL)
        json_array_foreach(base->epoch.members, index, old)
            if (!json_boolean_or(old, "tombstone", false) &&
                strcmp(json_string_or(old, "instance", ""), planning->instance) == 0 &&
                path_is_under(json_string_or(old, "source_path", "/"), planning->path))
                return true;
    return false;
}

static bool may_go_on(const struct planning *planning, const struct error *error,
                      struct error *ret_why)
{
    *ret_why = *error;
    if (error->code == ERROR_OK || (error->code == ERROR_NOT_FOUND && !held_members(planning)))
        return true;
    if (error->code == ERROR_NOT_FOUND)
        error_set(ret_why, ERROR_NOT_FOUND,
                  "%s:%.200s is not there on %s and had data sets of this service: bring it back, "
                  "or take the selector out of the policy",
                  planning->instance, planning->path, planning->service->pair->primary);
    return false;
}

static void catalogue_came(void *context, const json_t *result, const struct error *error)
{
    struct planning *planning = context;
    struct error why;
    size_t index;
    json_t *item;
    planning->ask = NULL;
    if (planning->service->control->stopping)
        return; /* goes with its service; the slot is used up and ends at the next start */
    if (planning->revision != planning->service->revision) { /* edited: other selectors */
        start_listing(planning);
        return;
    }
    if (!may_go_on(planning, error, &why)) {
        give_up(planning, &why);
        return;
    }
    const char *instance = arena_string(&planning->arena, json_string_or(result, "instance", ""));
    const char *path = json_string_or(result, "path", "/"),
               *area = json_string_or(result, "area", "");
    json_array_foreach(json_object_get(result, "data_sets"), index, item) {
        const char *full = path_join(&planning->arena, path, json_string_or(item, "name", ""));
        if (path_is_under(full, area))
            continue;
        if (planning->entry_count == planning->entry_capacity) {
            planning->entry_capacity = planning->entry_capacity * 2 + 64;
            planning->entries = memory_resize(planning->entries,
                                              planning->entry_capacity * sizeof *planning->entries);
        }
        planning->entries[planning->entry_count++] = (struct catalogue_entry){
            instance, full, arena_string(&planning->arena, json_string_or(item, "owner", ""))};
    }
    ask_next(planning);
}

/* Listing n belongs to selector n: its prefix's children, or the top directories of the instance. A
 * selector without an instance looks at each of the primary. */
static bool nth_listing(struct planning *planning, size_t n, const char **ret_instance,
                        const char **ret_path)
{
    struct service *service = planning->service;
    const struct group *group = &service->policy.group;
    const struct control_cluster *cluster =
        control_find_cluster(service->control, service->pair->primary);
    for (size_t i = 0; cluster != NULL && i < group->selector_count; i++)
        for (size_t j = 0; j < cluster->instance_count; j++) {
            const struct group_selector *selector = &group->selectors[i];
            const char *instance = cluster->instances[j].name;
            if (selector->instance != NULL && strcmp(selector->instance, instance) != 0)
                continue;
            if (n-- > 0)
                continue;
            *ret_instance = instance;
            *ret_path = selector->prefix == NULL ? "/" : selector->prefix;
            return true;
        }
    return false;
}

static void ask_next(struct planning *planning)
{
    struct service *service = planning->service;
    const char *instance, *path;
    if (!nth_listing(planning, planning->next_listing++, &instance, &path)) {
        conclude(planning);
        return;
    }
    json_t *body = json_object();
    json_set_string(body, "instance", instance);
    json_set_string(body, "path", path);
    planning->instance = instance;
    planning->path = arena_string(&planning->arena, path); /* the policy may be edited */
    planning->ask = ask_new(service->control, service->pair->primary, "catalogue", service->pair,
                            service, 0, body, CATALOGUE_LIMIT_MS, catalogue_came, planning);
}

void plan_epoch(struct service *service, int64_t slot_us, int64_t moment_us)
{
    struct planning *planning = memory_new(sizeof *planning);
    history_prune(service);
    *planning = (struct planning){.service = service, .slot_us = slot_us, .moment_us = moment_us};
    arena_init(&planning->arena);
    service->planning = planning;
    start_listing(planning);
}
