/* scrub.c: an epoch looks at what changes and at nothing else; what a disk, or somebody, does to a
 * sealed snapshot is seen by nobody. So the newest seal is read again once a week, or as often as
 * the policy says, all of it, against its manifest, at a rate that disturbs no epoch. What differs
 * is an alarm. */
#include "control/scrub.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "control/control_private.h"

#define AGAIN_US ((int64_t)3600 * 1000000) /* nothing to read, or it could not be read */
#define BYTES_PER_SECOND ((int64_t)32 << 20)
#define LIMIT_MS ((int64_t)6 * 86400 * 1000)

static void timer_fired(void *context, bool clock_changed)
{
    (void)clock_changed;
    scrub_check(context);
}

void scrub_init(struct service *service)
{
    service->scrub.timer = wall_timer_new(service->control->loop, timer_fired, service);
}

void scrub_fini(struct service *service)
{
    wall_timer_free(service->scrub.timer);
}

static struct run *newest_seal(struct service *service)
{
    struct run *newest = NULL;
    list_for_each(run, &service->runs, struct run, node)
        if (run->epoch.state == EPOCH_SEALED && !run->epoch.retiring && !run->lost_b)
            newest = run;
    return newest;
}

static void tell_damage(struct service *service, const json_t *result)
{
    const json_t *findings = json_object_get(result, "findings");
    char text[400];
    const char *first = json_string_value(json_array_get(findings, 0));
    snprintf(text, sizeof text,
             "a sealed epoch is not as its manifest says any more (%zu findings, e.g. %.200s): "
             "verify the others, and run an epoch with mode full",
             json_array_size(findings), first == NULL ? "?" : first);
    event_tell(service->control, service, service->scrub.number, "alarm", "seal.damaged", text,
               (const char *const[]){"coeval epoch list <service>",
                                     "coeval epoch verify <service> <number>", NULL});
}

static void scrubbed(void *context, const json_t *result, const struct error *error)
{
    struct service *service = context;
    service->scrub.running = false;
    if (service->control->stopping)
        return;
    if (error->code != ERROR_OK) { /* retired meanwhile, or B is away: that is told elsewhere */
        log_warning(LOG_CONTROL, "scrub", "service=%s error=\"%s\": tried again in an hour",
                    service->name, error->text);
        wall_timer_start(service->scrub.timer, clock_realtime_us() + AGAIN_US);
        return;
    }
    if (!json_boolean_or(result, "equal", false))
        tell_damage(service, result);
    service->scrub.last_us = clock_realtime_us();
    service_save(service);
    scrub_check(service);
}

static void begin(struct service *service, const struct run *run)
{
    json_t *body = json_object();
    json_set_take(body, "settings", json_incref(run->epoch.settings));
    json_set_take(body, "generation", json_integer((json_int_t)run->epoch.generation));
    json_set_integer(body, "bytes_per_second", BYTES_PER_SECOND);
    service->scrub.running = true;
    service->scrub.number = run->epoch.number;
    log_info(LOG_CONTROL, "scrub", "service=%s epoch=%" PRIu64, service->name, run->epoch.number);
    ask_new(service->control, service->pair->secondary, "verify", service->pair, service,
            (int64_t)run->epoch.number, body, LIMIT_MS, scrubbed, service);
}

void scrub_check(struct service *service)
{
    int64_t now_us = clock_realtime_us();
    if (service->deleted || service->scrub.running || service->control->stopping)
        return;
    if (service->scrub.last_us == 0 || service->scrub.last_us > now_us)
        service->scrub.last_us = now_us; /* durable with the service's next record */
    if (service->policy.scrub_us == 0) {
        wall_timer_stop(service->scrub.timer);
        return;
    }
    int64_t due_us = service->scrub.last_us + service->policy.scrub_us;
    const struct run *run = newest_seal(service);
    if (now_us >= due_us && run != NULL)
        begin(service, run);
    else
        wall_timer_start(service->scrub.timer, now_us >= due_us ? now_us + AGAIN_US : due_us);
}
