/* orphans.c: asks each cluster's agent, hourly, for snapshots of no epoch, and has it remove those
 * older than orphan_age. What this device knows of is never one; what a seal on the cluster names
 * is none either (agent/task_orphans.c), so a device that has lost its journal removes no seal. */
#include "control/orphans.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "control/control_private.h"

#define REAP_EVERY_MS 3600000
#define ORPHANS_LIMIT_MS 300000

/* An epoch that runs keeps all of its attempts; a seal, the one that it is of. */
static void add_names(const struct service *service, json_t *keep)
{
    list_for_each(run, &service->runs, struct run, node) {
        const struct epoch *epoch = &run->epoch;
        char name[EPOCH_NAME_SIZE];
        if (epoch_is_final(epoch))
            continue;
        if (epoch->state == EPOCH_SEALED) {
            struct epoch_base sealed = epoch_as_base(epoch);
            json_append_take(keep, json_string(sealed.snapshot_a));
            json_append_take(keep, json_string(sealed.snapshot_b));
        } else {
            snprintf(name, sizeof name, "coeval.%.8s.%.8s.g%" PRIu64 ".e%" PRIu64 ".", epoch->pair,
                     epoch->service, epoch->generation, epoch->number);
            json_append_take(keep, json_string(name));
        }
    }
}

struct ask *orphans_ask(struct control *control, const struct control_cluster *cluster,
                        int64_t remove_before_us, ask_fn *fn, void *context)
{
    json_t *body = json_object(), *services = json_array(), *roots = json_array(), *root;
    json_t *keep = json_array();
    size_t index;
    list_for_each(service, &control->services, struct service, node) {
        add_names(service, keep); /* of all: short ids may be the same */
        if (strcmp(service->pair->primary, cluster->name) != 0 &&
            strcmp(service->pair->secondary, cluster->name) != 0)
            continue;
        json_t *item = json_object();
        json_set_string(item, "pair", service->pair->id);
        json_set_string(item, "service", service->id);
        json_append_take(services, item);
    }
    json_array_foreach(control->roots, index, root) {
        if (strcmp(json_string_or(root, "cluster", ""), cluster->name) == 0)
            json_array_append(roots, root);
    }
    json_set_take(body, "services", services);
    json_set_take(body, "keep", keep);
    json_set_take(body, "roots", roots);
    if (remove_before_us != 0)
        json_set_time(body, "remove_before_us", remove_before_us);
    return ask_new(control, cluster->name, "orphans", NULL, NULL, 0, body, ORPHANS_LIMIT_MS, fn,
                   context);
}

/* ---- the reaper ----------------------------------------------------------------------------- */

static void reap_next(struct control *control);

static void tell_removed(struct control *control, const char *cluster, const json_t *item)
{
    char text[500];
    if (!json_boolean_or(item, "removed", false))
        return;
    snprintf(text, sizeof text, "snapshot %.160s of %s:%s:%.160s was of no epoch and is removed",
             json_string_or(item, "snapshot", ""), cluster, json_string_or(item, "instance", ""),
             json_string_or(item, "root", ""));
    event_tell(control, NULL, 0, "warning", "orphan.removed", text, NULL);
}

static void reaped(void *context, const json_t *result, const struct error *error)
{
    struct control *control = context;
    const char *cluster = control->options.clusters[control->reaper.cluster].name;
    size_t index;
    json_t *item;
    if (control->stopping)
        return;
    if (error->code != ERROR_OK)
        log_warning(LOG_CONTROL, "orphans", "cluster=%s error=\"%s\": asked again in an hour",
                    cluster, error->text);
    json_array_foreach(json_object_get(result, "orphans"), index, item)
        tell_removed(control, cluster, item);
    control->reaper.cluster++;
    reap_next(control);
}

static void reap_next(struct control *control)
{
    if (control->reaper.cluster == control->options.cluster_count) {
        timer_start(control->reaper.timer, REAP_EVERY_MS);
        return;
    }
    orphans_ask(control, &control->options.clusters[control->reaper.cluster],
                clock_realtime_us() - control->options.orphan_age_us, reaped, control);
}

static void begin(void *context)
{
    reaper_begin(context);
}

void reaper_init(struct control *control)
{
    control->reaper.timer = timer_new(control->loop, begin, control);
}

void reaper_fini(struct control *control)
{
    timer_free(control->reaper.timer);
}

void reaper_begin(struct control *control)
{
    if (control->options.orphan_age_us == 0 || control->stopping)
        return;
    control->reaper.cluster = 0;
    reap_next(control);
}
