/* holds.c: the base has a hold on A, and a hold pins what the production cluster deletes. When no
 * new base comes for hold_max (B cut off, epochs failing, nobody runs one) or too much is pinned,
 * the operator is told at half of it, and at its end the hold is kept or released, as the policy
 * says: never silently. policy/hold.c decides. */
#include "control/holds.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/size.h"
#include "control/control_private.h"

#define ANSWER_LIMIT_MS 600000
#define DAY_US ((int64_t)86400 * 1000000)
/* Measuring may cost a NameNode a walk through its tree. */
#define MEASURE_EVERY_US ((int64_t)3600 * 1000000)
#define AGAIN_US ((int64_t)60 * 1000000)

static void timer_fired(void *context, bool clock_changed)
{
    struct service *service = context;
    (void)clock_changed;
    if (!service->deleted && !service->control->stopping)
        holds_check(service);
}

void holds_init(struct service *service)
{
    service->hold.bytes = HOLD_BYTES_UNKNOWN;
    service->hold.timer = wall_timer_new(service->control->loop, timer_fired, service);
}

void holds_fini(struct service *service)
{
    wall_timer_free(service->hold.timer);
}

/* ---- telling -------------------------------------------------------------------------------- */

static void tell(struct service *service, const char *severity, const char *name,
                 const struct hold_verdict *verdict, const char *what)
{
    const struct run *base = service_find_run(service, service->base.number);
    char text[400], held[80] = "", pinned[80] = "";
    if (verdict->by_age >= verdict->by_bytes)
        snprintf(held, sizeof held, " for %.1f days now",
                 (double)(clock_realtime_us() - base->epoch.t_us) / (double)DAY_US);
    if (verdict->by_bytes >= verdict->by_age && verdict->by_bytes != HOLD_YOUNG)
        snprintf(pinned, sizeof pinned, " and pins %s there", size_text(service->hold.bytes).text);
    snprintf(text, sizeof text, "the base, epoch %d, is held on %s%s%s: %s",
             (int)service->base.number, service->pair->primary, held, pinned, what);
    event_tell(service->control, service, service->base.number, severity, name, text,
               (const char *const[]){"coeval status", "coeval check", NULL});
}

static void tell_step(struct service *service, const struct hold_verdict *verdict)
{
    switch (verdict->step) {
    case HOLD_SILENT:
        break;
    case HOLD_TELL_HALF:
        tell(service, "warning", "hold.half", verdict,
             "half of hold_max is over without a new base");
        break;
    case HOLD_TELL_EXPIRED:
        tell(service, "alarm", "hold.expired", verdict,
             "more than hold_max; it is kept, as the policy says, and pins what was deleted since");
        break;
    case HOLD_TELL_WAITING:
        tell(service, "alarm", "hold.waiting", verdict,
             "more than hold_max; it is released once the running epoch needs it no more: let that "
             "one end, or abandon it");
        break;
    case HOLD_LET_GO:
        tell(service, "alarm", "hold.released", verdict,
             "it is released, as the policy says; the next epoch compares by checksum");
        break;
    }
}

/* ---- measuring ------------------------------------------------------------------------------ */

struct measuring {
    struct service *service;
    uint64_t number; /* of the base that was asked about */
};

static void tell_unmeasured(struct service *service)
{
    char text[200];
    if (service->hold.told_unmeasured)
        return;
    service->hold.told_unmeasured = true;
    snprintf(text, sizeof text,
             "%s does not tell what the base, epoch %d, pins there: hold_max acts on its age alone",
             service->pair->primary, (int)service->base.number);
    event_tell(service->control, service, service->base.number, "warning", "hold.unmeasured", text,
               NULL);
}

static void measured(void *context, const json_t *result, const struct error *error)
{
    struct measuring measuring = *(struct measuring *)context;
    struct service *service = measuring.service;
    free(context);
    if (service->control->stopping)
        return;
    service->hold.measuring = false;
    if (measuring.number != service->hold.of) {
        holds_check(service);
        return;
    }
    int64_t bytes = json_integer_or(result, "bytes", -1);
    if (error->code != ERROR_OK)
        log_warning(LOG_CONTROL, "hold.measure", "service=%s error=\"%s\": tried again later",
                    service->name, error->text);
    else if (bytes < 0)
        tell_unmeasured(service);
    if (error->code == ERROR_OK)
        service->hold.bytes = bytes < 0 ? HOLD_BYTES_UNKNOWN : (uint64_t)bytes;
    holds_check(service);
}

static void measure(struct service *service, const struct run *base, int64_t now_us)
{
    struct hold *hold = &service->hold;
    if (hold->measuring || now_us < hold->measure_at_us)
        return;
    struct measuring *measuring = memory_new(sizeof *measuring);
    *measuring = (struct measuring){service, hold->of};
    hold->measuring = true;
    hold->measure_at_us = now_us + MEASURE_EVERY_US;
    ask_new(service->control, service->pair->primary, "measure", service->pair, service,
            (int64_t)base->epoch.number,
            epoch_instruction_body(&base->epoch, EPOCH_INSTRUCTION_RETIRE, EPOCH_SIDE_A),
            ANSWER_LIMIT_MS, measured, measuring);
}

/* ---- releasing ------------------------------------------------------------------------------ */

static void released(void *context, const json_t *result, const struct error *error)
{
    struct run *base = context;
    (void)result;
    base->retiring_a = false;
    if (base->service->control->stopping)
        return;
    if (error->code != ERROR_OK) {
        log_warning(LOG_CONTROL, "hold.release", "service=%s error=\"%s\": tried again later",
                    base->service->name, error->text);
        return;
    }
    base->retired_a = true;
    run_save(base);
}

/* Lost by decision: recorded first, so that no epoch takes the base for one afterwards. */
static void release(struct service *service, struct run *base)
{
    if (base->retiring_a)
        return;
    json_t *body = epoch_instruction_body(&base->epoch, EPOCH_INSTRUCTION_RETIRE, EPOCH_SIDE_A);
    json_set_boolean(body, "release", true);
    service->base_distrusted = true;
    service_save(service);
    base->retiring_a = true;
    ask_new(service->control, service->pair->primary, "retire", service->pair, service,
            (int64_t)base->epoch.number, body, ANSWER_LIMIT_MS, released, base);
}

/* ---- looking -------------------------------------------------------------------------------- */

/* A transfer reads A's base snapshot; afterwards the epoch has no need of A. */
static bool is_needed(struct service *service)
{
    const struct run *running = service_running(service);
    return running != NULL && running->epoch.state <= EPOCH_RECEIVING && !running->epoch.base_lost;
}

static void look_again(struct service *service, const struct run *base,
                       const struct hold_verdict *verdict, int64_t now_us)
{
    int64_t at_us = HOLD_NEVER;
    if (verdict->next_age_us != HOLD_NEVER)
        at_us = base->epoch.t_us + verdict->next_age_us;
    if (service->policy.hold_max.bytes != 0 && service->hold.measure_at_us < at_us)
        at_us = service->hold.measure_at_us;
    bool pending = verdict->step == HOLD_LET_GO || verdict->step == HOLD_TELL_WAITING;
    if (pending && now_us + AGAIN_US < at_us)
        at_us = now_us + AGAIN_US;
    if (at_us == HOLD_NEVER)
        wall_timer_stop(service->hold.timer);
    else
        wall_timer_start(service->hold.timer, at_us);
}

void holds_check(struct service *service)
{
    struct hold *hold = &service->hold;
    int64_t now_us = clock_realtime_us();
    struct run *base =
        service->base.number == 0 ? NULL : service_find_run(service, service->base.number);
    if (hold->of != service->base.number) {
        hold->of = service->base.number;
        hold->told = HOLD_SILENT;
        hold->bytes = HOLD_BYTES_UNKNOWN;
        hold->told_unmeasured = false;
        hold->measure_at_us = 0;
    }
    wall_timer_stop(hold->timer);
    if (base == NULL || base->retired_a || service->deleted || service->broken != NULL)
        return;
    if (service->policy.hold_max.bytes != 0)
        measure(service, base, now_us);
    struct hold_verdict verdict = hold_judge(&service->policy.hold_max, now_us - base->epoch.t_us,
                                             hold->bytes, is_needed(service));
    if (verdict.step != hold->told)
        tell_step(service, &verdict);
    hold->told = verdict.step;
    if (verdict.step == HOLD_LET_GO)
        release(service, base);
    look_again(service, base, &verdict, now_us);
}
