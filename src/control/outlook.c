/* outlook.c: what an operator asks before he acts: preflight checks, and what would happen until a
 * time. */
#include "base/clock.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "control/control_private.h"
#include "policy/simulate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_LIMIT_MS 120000
#define CLOCK_OFFSET_MAX_US 500000 /* as between an agent and its stores */

/* ---- check ---------------------------------------------------------------------------------- */

struct checking {
    struct work work; /* clusters */
    struct control *control;
    size_t cluster;
    int64_t sent_us; /* when that one was asked */
    char *service;   /* NULL: all */
    json_t *findings;
    control_done_fn *done;
    void *context;
};

static void add(struct checking *checking, const char *hop, const char *level, const char *what,
                const char *remedy)
{
    json_t *item = json_object();
    json_set_string(item, "hop", hop);
    json_set_string(item, "level", level);
    json_set_string(item, "what", what);
    json_set_string(item, "remedy", remedy);
    json_append_take(checking->findings, item);
}

static const char undisciplined[] = "the clock of its host is not disciplined by a time service";

/* Agents of one process have one clock: it is told of once, an embedded agent's as the device's. */
static bool was_told_of_clock(const struct checking *checking)
{
    const struct control_cluster *clusters = checking->control->options.clusters;
    const char *host = clusters[checking->cluster].agent_url;
    size_t index;
    json_t *finding;
    if (host == NULL)
        return true;
    json_array_foreach(checking->findings, index, finding)
        for (size_t i = 0; i < checking->cluster; i++)
            if (clusters[i].agent_url != NULL && strcmp(clusters[i].agent_url, host) == 0 &&
                strcmp(json_string_or(finding, "hop", ""), clusters[i].name) == 0 &&
                strcmp(json_string_or(finding, "what", ""), undisciplined) == 0)
                return true;
    return false;
}

static void check_device(struct checking *checking)
{
    bool synchronised;
    clock_error_us(&synchronised);
    if (synchronised)
        add(checking, "device", "ok", "its clock is disciplined by a time service", NULL);
    else
        add(checking, "device", "warning", "its clock is not disciplined by a time service",
            "run chrony or ntpd: T is an instant of UTC");
    list_for_each(service, &checking->control->services, struct service, node) {
        if (service->deleted || service->policy.group.data_set_count < 2 ||
            (checking->service != NULL && strcmp(service->name, checking->service) != 0))
            continue;
        if (service->policy.consistency == GRADE_ATOMIC)
            add(checking, service->name, "warning",
                "it wants grade atomic and has several data sets: only one common root gives it",
                "coeval root plan for their common directory");
    }
}

static void check_next(struct checking *checking);

static void add_orphan(struct checking *checking, const char *hop, const json_t *item)
{
    char since[TIMESTAMP_TEXT_SIZE], what[500];
    timestamp_format(json_time_or(item, "instant_us", 0), since);
    snprintf(what, sizeof what, "snapshot %.160s of %s:%.160s, of %s, is of no epoch",
             json_string_or(item, "snapshot", ""), json_string_or(item, "instance", ""),
             json_string_or(item, "root", ""), since);
    add(checking, hop, "warning", what,
        checking->control->options.orphan_age_us == 0
            ? "remove it by hand: orphan_age in the configuration is none"
            : "nothing: it is removed when it is older than orphan_age of the configuration");
}

static void add_left(struct checking *checking, const char *cluster)
{
    size_t index;
    json_t *item;
    list_for_each(service, &checking->control->services, struct service, node) {
        json_t *list = left_report(service);
        json_array_foreach(list, index, item) {
            char what[640], bytes[40] = "";
            const json_t *known = json_object_get(item, "bytes");
            if (strcmp(json_string_or(item, "cluster", ""), cluster) != 0)
                continue;
            if (json_is_integer(known))
                snprintf(bytes, sizeof bytes, ", %lld bytes", (long long)json_integer_value(known));
            snprintf(what, sizeof what, "left behind: %.60s:%.400s%s; no policy has it any more",
                     json_string_or(item, "instance", ""), json_string_or(item, "path", ""), bytes);
            add(checking, service->name, "warning", what, json_string_or(item, "remedy", ""));
        }
        json_decref(list);
    }
}

static void left_is_known(void *context)
{
    struct checking *checking = context;
    add_left(checking, checking->control->options.clusters[checking->cluster].name);
    checking->work.progress.done = ++checking->cluster;
    check_next(checking);
}

static void orphans_came(void *context, const json_t *result, const struct error *error)
{
    struct checking *checking = context;
    const char *cluster = checking->control->options.clusters[checking->cluster].name;
    size_t index;
    json_t *item;
    if (error->code != ERROR_OK)
        add(checking, cluster, "warning", error->text,
            "whether snapshots of no epoch are left there is not known: run the check again");
    json_array_foreach(json_object_get(result, "orphans"), index, item)
        add_orphan(checking, cluster, item);
    left_look(checking->control, cluster, left_is_known, checking);
}

/* The agent looked at its clock behind our asking and before its answer came. So it is ahead or
 * behind for certain, or it may be right. Slots come by our clock, T is fired by the agent's. */
static void check_agent_clock(struct checking *checking, const char *cluster, const json_t *result)
{
    char what[160];
    int64_t began_us = json_time_or(result, "began_us", 0);
    int64_t ahead_us = json_time_or(result, "ended_us", 0) - clock_realtime_us();
    int64_t behind_us = checking->sent_us - began_us;
    if (began_us == 0)
        return;
    if (!json_boolean_or(result, "clock_synchronised", true) && !was_told_of_clock(checking))
        add(checking, cluster, "warning", undisciplined,
            "run chrony or ntpd: T is an instant of UTC");
    if (ahead_us <= CLOCK_OFFSET_MAX_US && behind_us <= CLOCK_OFFSET_MAX_US)
        return;
    bool ahead = ahead_us > CLOCK_OFFSET_MAX_US;
    snprintf(what, sizeof what, "its clock is at least %" PRId64 " ms %s this device's",
             (ahead ? ahead_us : behind_us) / 1000, ahead ? "ahead of" : "behind");
    add(checking, cluster, "error", what,
        "run a time service on both hosts: slots come by the device's clock, T is fired by the "
        "agent's");
}

static void findings_came(void *context, const json_t *result, const struct error *error)
{
    struct checking *checking = context;
    const char *cluster = checking->control->options.clusters[checking->cluster].name;
    size_t i, j;
    json_t *store, *finding;
    if (error->code != ERROR_OK)
        add(checking, cluster, "error", error->text,
            "start its agent, or correct the agent's URL and token in the configuration");
    else
        add(checking, cluster, "ok", "its agent answers", NULL);
    check_agent_clock(checking, cluster, result);
    json_array_foreach(json_object_get(result, "stores"), i, store)
        json_array_foreach(json_object_get(store, "findings"), j, finding) {
            json_t *copy = json_deep_copy(finding);
            json_t *hop =
                json_sprintf("agent %s -> %s:%s", cluster, json_string_or(store, "cluster", ""),
                             json_string_or(store, "instance", ""));
            json_set_take(copy, "hop", hop);
            if (json_object_get(copy, "remedy") == NULL)
                json_set_string(copy, "remedy", NULL);
            json_append_take(checking->findings, copy);
        }
    if (error->code == ERROR_OK) {
        orphans_ask(checking->control, &checking->control->options.clusters[checking->cluster], 0,
                    orphans_came, checking);
        return;
    }
    checking->work.progress.done = ++checking->cluster;
    check_next(checking);
}

static void add_instance(json_t *stores, struct control *control,
                         const struct control_cluster *cluster, const char *instance,
                         const char *use)
{
    json_t *item = json_object(), *roots = json_array(), *root;
    size_t index;
    json_array_foreach(control->roots, index, root)
        if (strcmp(json_string_or(root, "cluster", ""), cluster->name) == 0 &&
            strcmp(json_string_or(root, "instance", ""), instance) == 0)
            json_append_take(roots, json_string(json_string_or(root, "root", "")));
    json_set_string(item, "cluster", cluster->name);
    json_set_string(item, "instance", instance);
    json_set_string(item, "use", use);
    json_set_take(item, "roots", roots);
    json_append_take(stores, item);
}

static const char *use_of(struct control *control, const struct control_cluster *cluster)
{
    static const char *const names[] = {"none", "source", "target", "both"};
    bool is_primary = false, is_secondary = false;
    list_for_each(pair, &control->pairs, struct pair, node) {
        is_primary = is_primary || strcmp(pair->primary, cluster->name) == 0;
        is_secondary = is_secondary || strcmp(pair->secondary, cluster->name) == 0;
    }
    return names[(is_primary ? 1 : 0) + (is_secondary ? 2 : 0)];
}

/* Each agent looks at its own stores and at those of the pairs' other side, which it must reach to
 * pull or push. */
static json_t *stores_for(struct control *control, const struct control_cluster *own)
{
    json_t *stores = json_array();
    for (size_t i = 0; i < own->instance_count; i++)
        add_instance(stores, control, own, own->instances[i].name, use_of(control, own));
    list_for_each(pair, &control->pairs, struct pair, node) {
        const char *other = strcmp(pair->primary, own->name) == 0     ? pair->secondary
                            : strcmp(pair->secondary, own->name) == 0 ? pair->primary
                                                                      : NULL;
        const struct control_cluster *cluster =
            other == NULL ? NULL : control_find_cluster(control, other);
        for (size_t i = 0; cluster != NULL && i < cluster->instance_count; i++)
            add_instance(stores, control, cluster, cluster->instances[i].name,
                         strcmp(pair->secondary, other) == 0 ? "target" : "source");
    }
    return stores;
}

static void check_next(struct checking *checking)
{
    struct control *control = checking->control;
    if (checking->cluster < control->options.cluster_count) {
        const struct control_cluster *cluster = &control->options.clusters[checking->cluster];
        json_t *body = json_object();
        json_set_take(body, "stores", stores_for(control, cluster));
        work_says(&checking->work, "asking cluster %s", cluster->name);
        checking->sent_us = clock_realtime_us();
        ask_new(control, cluster->name, "check", NULL, NULL, 0, body, CHECK_LIMIT_MS, findings_came,
                checking);
        return;
    }
    json_t *result = json_object();
    json_set_take(result, "findings", checking->findings);
    work_end(&checking->work);
    control_answer(control, checking->done, checking->context, result, &ERROR_NONE);
    free(checking->service);
    free(checking);
}

void control_check(struct control *control, const char *service, control_done_fn *done,
                   void *context)
{
    struct checking *checking = memory_new(sizeof *checking);
    checking->control = control;
    checking->service = memory_copy_string(service);
    checking->findings = json_array();
    checking->done = done;
    checking->context = context;
    work_begin(&checking->work, control, context, "clusters", control->options.cluster_count);
    check_device(checking);
    check_next(checking);
}

/* ---- simulate ------------------------------------------------------------------------------- */

static json_t *step_object(const struct simulate_policy *policies, const struct simulate_step *step)
{
    char text[TIMESTAMP_TEXT_SIZE];
    json_t *object = json_object();
    json_set_string(object, "service", policies[step->policy].name);
    timestamp_format(step->at_us, text);
    json_set_string(object, "decided_at", text);
    bool fires = step->decision.action == SCHEDULE_FIRE;
    json_set_string(object, "action", fires ? "epoch" : "passed-over");
    timestamp_format(fires ? step->decision.moment_us : step->decision.passed.first_us, text);
    json_set_string(object, "t", text);
    json_set_integer(object, "missed", (int64_t)step->decision.passed.missed);
    json_set_integer(object, "overrun", (int64_t)step->decision.passed.overrun);
    json_set_integer(object, "coalesced", (int64_t)step->decision.passed.coalesced);
    return object;
}

/* How long the last epoch took is the best guess for the next. */
static int64_t usual_duration(struct service *service)
{
    for (struct list *at = service->runs.previous; at != &service->runs; at = at->previous) {
        const struct epoch *epoch = &list_entry(at, struct run, node)->epoch;
        if (epoch->entered_us[EPOCH_SEALED] > epoch->t_us && epoch->t_us > 0)
            return epoch->entered_us[EPOCH_SEALED] - epoch->t_us;
    }
    return 0;
}

bool control_simulate(struct control *control, int64_t until_us, json_t **ret, struct error *error)
{
    int64_t now_us = clock_realtime_us();
    struct arena arena;
    size_t count = 0, steps_count = 0;
    struct simulate_step *steps;
    bool more = false;
    if (until_us <= now_us)
        return error_set(error, ERROR_INVALID, "the time to simulate until lies in the past");
    list_for_each(service, &control->services, struct service, node)
        count++;
    arena_init(&arena);
    struct simulate_policy *policies = arena_new(&arena, (count + 1) * sizeof *policies);
    count = 0;
    list_for_each(service, &control->services, struct service, node)
        if (!service->deleted && service->broken == NULL)
            policies[count++] =
                (struct simulate_policy){service->name, &service->policy.schedule,
                                         service->schedule, usual_duration(service)};
    simulate(policies, count, now_us, until_us, &arena, &steps, &steps_count, &more);
    json_t *result = json_object(), *list = json_array();
    for (size_t i = 0; i < steps_count; i++)
        json_append_take(list, step_object(policies, &steps[i]));
    json_set_take(result, "steps", list);
    json_set_boolean(result, "more", more);
    arena_fini(&arena);
    *ret = result;
    return true;
}
