/* apply.c: a policy comes into force: parsed, held against both clusters' live stores and against
 * every other service, and only then recorded. Whatever cannot work is refused here, at once. */
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/path.h"
#include "control/control_private.h"
#include "control/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_LIMIT_MS 60000

enum step { STEP_IDENTIFY_A, STEP_IDENTIFY_B, STEP_CHECK_A, STEP_CHECK_B, STEP_END };

struct application {
    struct control *control;
    struct policy policy;
    json_t *document; /* canonical */
    const struct control_cluster *a, *b;
    enum step step;
    struct arena arena;
    struct wanted wanted; /* roots of this policy's data sets, both sides */
    json_t *identities; /* what identify found, not yet recorded: "cluster/instance" -> identity */
    json_t *warnings;
    char *reason;
    bool dry_run;
    control_done_fn *done;
    void *context;
};

static void free_application(struct application *application)
{
    policy_fini(&application->policy);
    arena_fini(&application->arena);
    json_decref(application->document);
    json_decref(application->identities);
    json_decref(application->warnings);
    free(application->reason);
    free(application);
}

static void refuse(struct application *application, const struct error *error)
{
    control_answer(application->control, application->done, application->context, NULL, error);
    free_application(application);
}

/* ---- what the policy names must be there ---------------------------------------------------- */

static const struct control_instance *find_instance(const struct control_cluster *cluster,
                                                    const char *name)
{
    for (size_t i = 0; i < cluster->instance_count; i++)
        if (strcmp(cluster->instances[i].name, name) == 0)
            return &cluster->instances[i];
    return NULL;
}

/* A recovered pair may have the name of one that was made meanwhile: its services keep it. */
static struct pair *find_pair(const struct application *application)
{
    struct control *control = application->control;
    const char *name = application->policy.pair.name;
    const struct service *service = control_find_service(control, application->policy.name);
    return service != NULL && service->pair != NULL && strcmp(service->pair->name, name) == 0
               ? service->pair
               : control_find_pair(control, name);
}

static bool find_clusters(struct application *application, struct error *error)
{
    struct control *control = application->control;
    const struct policy *policy = &application->policy;
    application->a = control_find_cluster(control, policy->pair.primary);
    application->b = control_find_cluster(control, policy->pair.secondary);
    const char *missing = application->a == NULL   ? policy->pair.primary
                          : application->b == NULL ? policy->pair.secondary
                                                   : NULL;
    if (missing != NULL)
        return error_set(error, ERROR_NOT_FOUND,
                         "cluster '%s' of pair '%s' is not in this device's configuration: add it "
                         "under 'clusters'",
                         missing, policy->pair.name);
    if (application->a == application->b)
        return error_set(error, ERROR_INVALID,
                         "pair '%s' names one cluster twice: a service is backed up to another one",
                         policy->pair.name);
    struct pair *pair = find_pair(application);
    if (pair != NULL && (strcmp(pair->primary, policy->pair.primary) != 0 ||
                         strcmp(pair->secondary, policy->pair.secondary) != 0))
        return error_set(error, ERROR_CONFLICT,
                         "pair '%s' is %s -> %s already: give the other pair another name",
                         pair->name, pair->primary, pair->secondary);
    const struct service *service = control_find_service(control, policy->name);
    if (service != NULL && service->pair != pair)
        return error_set(error, ERROR_CONFLICT,
                         "service '%s' belongs to pair '%s', and so do its epochs: protect it in "
                         "pair '%s' under another name",
                         policy->name, service->pair->name, policy->pair.name);
    return true;
}

/* Whoever may send a policy may have a program run by our user: a token says that he may. */
static bool check_hooks(const struct application *application, struct error *error)
{
    const struct policy *policy = &application->policy;
    bool has_hook =
        policy->hooks.before.argument_count > 0 || policy->hooks.after.argument_count > 0;
    return !has_hook || !application->control->options.refuses_hooks ||
           error_set(error, ERROR_DENIED,
                     "hooks run as the user of coevald, and every user of this machine may ask "
                     "here: set listen.token_file, or listen.hooks: true, in its configuration");
}

static bool check_instances(struct application *application, struct error *error)
{
    const struct policy *policy = &application->policy;
    for (size_t i = 0; i < policy->group.data_set_count; i++) {
        const struct data_set *data_set = &policy->group.data_sets[i];
        struct target_place place = target_map_apply(&policy->target_map, data_set->instance,
                                                     data_set->path, &application->arena);
        if (find_instance(application->a, data_set->instance) == NULL)
            return error_set(error, ERROR_NOT_FOUND,
                             "data set %s:%s: cluster '%s' has no component instance '%s': see "
                             "`coeval cluster list`",
                             data_set->instance, data_set->path, application->a->name,
                             data_set->instance);
        if (find_instance(application->b, place.instance) == NULL)
            return error_set(error, ERROR_NOT_FOUND,
                             "data set %s:%s would go to %s:%s, but cluster '%s' has no component "
                             "instance '%s': add a target_map rule",
                             data_set->instance, data_set->path, place.instance, place.path,
                             application->b->name, place.instance);
    }
    return true;
}

/* ---- identities ----------------------------------------------------------------------------- */

static bool take_identity(struct application *application, const json_t *item, struct error *error)
{
    const char *cluster = json_string_or(item, "cluster", "");
    const char *instance = json_string_or(item, "instance", "");
    const char *identity = json_string_or(item, "identity", NULL);
    const char *known = registry_store(application->control, cluster, instance);
    if (identity == NULL)
        return error_set(error, ERROR_UNAVAILABLE, "%s:%s cannot be identified: %.150s", cluster,
                         instance,
                         json_string_or(json_object_get(item, "error"), "message", "no answer"));
    if (known != NULL && strcmp(known, identity) != 0)
        return error_set(error, ERROR_CONFLICT,
                         "%s:%s is not the store that was paired (now %.40s, was %.40s): bring the "
                         "old one back, or pair the new one under another instance name",
                         cluster, instance, identity, known);
    if (known == NULL) {
        const char *key = arena_format(&application->arena, "%s/%s", cluster, instance);
        json_set_string(application->identities, key, identity);
    }
    return true;
}

static bool refuse_same(const char *key, const json_t *value, const json_t *others,
                        struct error *error)
{
    const char *other;
    json_t *identity;
    json_object_foreach((json_t *)(uintptr_t)others, other, identity) {
        if (strcmp(key, other) != 0 && json_equal(value, identity))
            return error_set(error, ERROR_CONFLICT,
                             "%s is the same store as %s: a cluster cannot be its own secondary",
                             key, other);
    }
    return true;
}

static bool same_store_twice(struct application *application, struct error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(application->identities, key, value) {
        if (!refuse_same(key, value, application->control->stores, error) ||
            !refuse_same(key, value, application->identities, error))
            return false;
    }
    return true;
}

/* ---- roots ---------------------------------------------------------------------------------- */

static json_t *roots_of(struct application *application, bool target, const char *instance)
{
    json_t *list = json_array();
    const struct wanted *wanted = &application->wanted;
    size_t index;
    json_t *known;
    for (size_t i = 0; i < wanted->count; i++) {
        bool listed = false;
        if (wanted->is_target[i] != target || strcmp(wanted->wants[i].instance, instance) != 0)
            continue;
        json_array_foreach(list, index, known)
            listed = listed || strcmp(json_string_value(known), wanted->roots[i]) == 0;
        if (!listed)
            json_append_take(list, json_string(wanted->roots[i]));
    }
    return list;
}

static json_t *check_body(struct application *application, bool target)
{
    const struct control_cluster *cluster = target ? application->b : application->a;
    json_t *body = json_object(), *stores = json_array();
    for (size_t i = 0; i < cluster->instance_count; i++) {
        json_t *roots = roots_of(application, target, cluster->instances[i].name);
        if (json_array_size(roots) == 0) {
            json_decref(roots);
            continue;
        }
        json_t *item = json_object();
        json_set_string(item, "cluster", cluster->name);
        json_set_string(item, "instance", cluster->instances[i].name);
        json_set_string(item, "use", target ? "target" : "source");
        json_set_take(item, "roots", roots);
        json_append_take(stores, item);
    }
    json_set_take(body, "stores", stores);
    return body;
}

static bool take_findings(struct application *application, const json_t *result,
                          struct error *error)
{
    size_t i, j;
    json_t *store, *finding;
    json_array_foreach(json_object_get(result, "stores"), i, store)
        json_array_foreach(json_object_get(store, "findings"), j, finding) {
            const char *level = json_string_or(finding, "level", "ok");
            if (strcmp(level, "error") == 0)
                return error_set(
                    error, ERROR_CONFLICT, "%s:%s: %.120s. Remedy: %.100s",
                    json_string_or(store, "cluster", ""), json_string_or(store, "instance", ""),
                    json_string_or(finding, "what", ""), json_string_or(finding, "remedy", "-"));
            if (strcmp(level, "warning") == 0)
                json_array_append(application->warnings, finding);
        }
    return true;
}

/* ---- into force ----------------------------------------------------------------------------- */

static struct pair *make_pair(struct application *application)
{
    struct control *control = application->control;
    struct pair *pair = find_pair(application);
    if (pair != NULL)
        return pair;
    pair = memory_new(sizeof *pair);
    uuid_new(pair->id);
    pair->name = memory_copy_string(application->policy.pair.name);
    pair->primary = memory_copy_string(application->policy.pair.primary);
    pair->secondary = memory_copy_string(application->policy.pair.secondary);
    pair->generation = 1;
    list_append(&control->pairs, &pair->node);
    control_save_pair(control, pair);
    return pair;
}

static void record_registry(struct application *application)
{
    const char *key;
    json_t *value;
    json_object_foreach(application->identities, key, value) {
        const char *slash = strchr(key, '/');
        const char *cluster = arena_copy(&application->arena, key, (size_t)(slash - key));
        registry_set_store(application->control, cluster, slash + 1, json_string_value(value));
    }
    for (size_t i = 0; i < application->wanted.count; i++)
        registry_add_root(application->control, application->wanted.wants[i].cluster,
                          application->wanted.wants[i].instance, application->wanted.roots[i]);
}

static json_t *answer_of(struct application *application, const struct service *service)
{
    json_t *answer = json_object(), *roots = json_array();
    json_set_string(answer, "name", application->policy.name);
    json_set_integer(answer, "revision", service == NULL ? 0 : service->revision);
    json_set_boolean(answer, "dry_run", application->dry_run);
    json_set_take(answer, "warnings", json_incref(application->warnings));
    for (size_t i = 0; i < application->wanted.count; i++) {
        json_t *item = json_object();
        json_set_string(item, "cluster", application->wanted.wants[i].cluster);
        json_set_string(item, "instance", application->wanted.wants[i].instance);
        json_set_string(item, "data_set", application->wanted.wants[i].path);
        json_set_string(item, "root", application->wanted.roots[i]);
        json_append_take(roots, item);
    }
    json_set_take(answer, "roots", roots);
    json_set_take(answer, "policy", json_incref(application->document));
    return answer;
}

/* Whoever is told that it is in force may rely on it, whatever happens to this process. */
static void is_kept(void *context, const struct error *error)
{
    struct application *application = context;
    struct service *service = control_find_service(application->control, application->policy.name);
    if (error->code != ERROR_OK) {
        refuse(application, error);
        return;
    }
    control_answer(application->control, application->done, application->context,
                   answer_of(application, service), error);
    service_send_limits(service);
    service_tick(service);
    free_application(application);
}

/* Others have come into force while the agents were asked. */
static bool still_holds(struct application *application, struct error *error)
{
    return find_clusters(application, error) &&
           wanted_choose(application->control, &application->policy, &application->arena,
                         &application->wanted, error) &&
           same_store_twice(application, error);
}

/* A deleted one that comes again has used slots up already. */
static void begin_schedule(struct service *service)
{
    int64_t used_us = service->schedule.floor_us;
    service->schedule = schedule_begin(&service->policy.schedule, clock_realtime_us());
    schedule_use_up(&service->schedule, used_us);
    list_for_each(run, &service->runs, struct run, node)
        run_use_up(run);
}

static void edit_schedule(struct service *service, json_t *before)
{
    struct document document;
    struct policy policy;
    struct error error = ERROR_NONE;
    document_init(&document, NULL, json_incref(before));
    if (policy_parse(&document, &policy, &error)) {
        schedule_edit(&service->schedule, &policy.schedule, &service->policy.schedule,
                      clock_realtime_us());
        policy_fini(&policy);
    }
    document_fini(&document);
}

static void come_into_force(struct application *application)
{
    struct control *control = application->control;
    struct error error = ERROR_NONE;
    if (!still_holds(application, &error)) {
        refuse(application, &error);
        return;
    }
    struct service *service = control_find_service(control, application->policy.name);
    bool fresh = service == NULL || service->deleted;
    if (application->dry_run) {
        control_answer(control, application->done, application->context,
                       answer_of(application, NULL), &error);
        free_application(application);
        return;
    }
    if (service == NULL) {
        char id[UUID_TEXT_SIZE];
        uuid_new(id);
        service = service_new(control, id, application->policy.name);
    }
    json_t *before =
        service->policy_document == NULL ? NULL : json_incref(service->policy_document);
    if (!service_set_policy(service, json_incref(application->document), service->revision + 1,
                            &error)) {
        json_decref(application->document);
        json_decref(before);
        if (service->policy_document == NULL)
            service_free(service);
        refuse(application, &error);
        return;
    }
    service->pair = make_pair(application);
    record_registry(application);
    service->deleted = false;
    if (fresh)
        begin_schedule(service);
    else
        edit_schedule(service, before);
    json_decref(before);
    char *reason = memory_copy_string(application->reason); /* a lost journal ends it in the call */
    service_save_then(service, is_kept, application);
    event_tell(control, service, 0, "notice", "policy.applied", reason, NULL);
    free(reason);
}

/* ---- the steps ------------------------------------------------------------------------------ */

static void next_step(struct application *application);

static bool take_result(struct application *application, const json_t *result, struct error *error)
{
    size_t index;
    json_t *item;
    bool is_check = application->step == STEP_CHECK_A || application->step == STEP_CHECK_B;
    if (is_check)
        return take_findings(application, result, error);
    json_array_foreach(json_object_get(result, "stores"), index, item)
        if (!take_identity(application, item, error))
            return false;
    return application->step != STEP_IDENTIFY_B || same_store_twice(application, error);
}

static void step_came(void *context, const json_t *result, const struct error *error)
{
    struct application *application = context;
    struct error failure = *error;
    if (failure.code == ERROR_OK && take_result(application, result, &failure)) {
        application->step++;
        next_step(application);
        return;
    }
    refuse(application, &failure);
}

static void next_step(struct application *application)
{
    bool target = application->step == STEP_IDENTIFY_B || application->step == STEP_CHECK_B;
    bool is_check = application->step == STEP_CHECK_A || application->step == STEP_CHECK_B;
    if (application->step == STEP_END) {
        come_into_force(application);
        return;
    }
    json_t *body = is_check ? check_body(application, target) : json_object();
    ask_new(application->control, target ? application->b->name : application->a->name,
            is_check ? "check" : "identify", NULL, NULL, 0, body, ASK_LIMIT_MS, step_came,
            application);
}

void control_apply_policy(struct control *control, struct document *document, bool dry_run,
                          const char *reason, control_done_fn *done, void *context)
{
    struct error error = ERROR_NONE;
    struct application *application = memory_new(sizeof *application);
    application->control = control;
    application->dry_run = dry_run;
    application->done = done;
    application->context = context;
    application->reason = memory_copy_string(reason == NULL ? "" : reason);
    application->identities = json_object();
    application->warnings = json_array();
    arena_init(&application->arena);
    if (!policy_parse(document, &application->policy, &error)) {
        control_answer(control, done, context, NULL, &error);
        arena_fini(&application->arena);
        json_decref(application->identities);
        json_decref(application->warnings);
        free(application->reason);
        free(application);
        return;
    }
    application->document = policy_to_json(&application->policy);
    if (!find_clusters(application, &error) || !check_hooks(application, &error) ||
        !check_instances(application, &error) ||
        !wanted_choose(control, &application->policy, &application->arena, &application->wanted,
                       &error)) {
        refuse(application, &error);
        return;
    }
    next_step(application);
}
