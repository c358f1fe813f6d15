/* holds.c: the base has a hold on A, and a hold pins what the production cluster deletes. When no
 * new base comes for hold_max (B cut off, epochs failing), the operator is told at half of it, and
 * at its end the hold is kept or released, as the policy says: never silently. */
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "control/control_private.h"

#define RELEASE_LIMIT_MS 600000
#define DAY_US ((int64_t)86400 * 1000000)

static void tell(struct service *service, const char *severity, const char *name, int64_t age_us,
                 const char *what)
{
    char text[320];
    snprintf(text, sizeof text, "the base, epoch %d, is held on %s for %.1f days now: %s",
             (int)service->base.number, service->pair->primary, (double)age_us / (double)DAY_US,
             what);
    event_tell(service->control, service, service->base.number, severity, name, text,
               (const char *const[]){"coeval status", "coeval check", NULL});
}

static void released(void *context, const json_t *result, const struct error *error)
{
    struct service *service = context;
    (void)result;
    if (error->code != ERROR_OK) {
        log_warning(LOG_CONTROL, "hold.release", "service=%s error=\"%s\": tried again later",
                    service->name, error->text);
        service->hold_told = 1;
    }
}

/* Lost by decision: recorded first, so that no epoch takes the base for one afterwards. */
static void release(struct service *service, struct run *base)
{
    json_t *body = epoch_instruction_body(&base->epoch, EPOCH_INSTRUCTION_RETIRE, EPOCH_SIDE_A);
    json_set_boolean(body, "release", true);
    service->base_distrusted = true;
    service_save(service);
    ask_new(service->control, service->pair->primary, "retire", service->pair, service,
            (int64_t)base->epoch.number, body, RELEASE_LIMIT_MS, released, service);
}

void holds_check(struct service *service, int64_t now_us)
{
    int64_t limit_us = service->policy.hold_max.age_us;
    struct run *base =
        service->base.number == 0 ? NULL : service_find_run(service, service->base.number);
    if (service->hold_of != service->base.number) {
        service->hold_of = service->base.number;
        service->hold_told = 0;
    }
    if (base == NULL || limit_us == 0 || service->base_distrusted ||
        service_running(service) != NULL)
        return;
    int64_t age_us = now_us - base->epoch.t_us;
    if (age_us >= limit_us && service->hold_told < 2) {
        service->hold_told = 2;
        if (service->policy.hold_max.action == POLICY_HOLD_RELEASE) {
            tell(service, "alarm", "hold.released", age_us,
                 "it is released, as the policy says; the next epoch compares by checksum");
            release(service, base);
        } else {
            tell(service, "alarm", "hold.expired", age_us,
                 "longer than hold_max; it is kept, as the policy says, and pins what was deleted "
                 "since");
        }
    } else if (age_us >= limit_us / 2 && service->hold_told < 1) {
        service->hold_told = 1;
        tell(service, "warning", "hold.half", age_us,
             "half of hold_max is over without a new base");
    }
}
