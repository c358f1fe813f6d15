/* sim_control.c: the device: its epochs, its schedule, its restarts; see sim_control.h. */
#include "sim_control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_chaos.h"
#include "sim_checker.h"

#define PAIR "11112222-3333-4444-8555-666677778888"
#define SERVICE "aaaabbbb-cccc-4ddd-8eee-ffff00001111"
#define TICK (250 * MS)
#define SEALS_KEPT 2

static struct epoch_limits choose_limits(struct world *world)
{
    struct epoch_limits limits = {.lead_us = 2 * SECOND,
                                  .margin_us = 200 * MS,
                                  .grace_us = 500 * MS,
                                  .answer_us = 4 * SECOND,
                                  .backoff_us = 200 * MS,
                                  .backoff_max_us = 2 * SECOND,
                                  .tries_max = 4,
                                  .attempts_max = 3,
                                  .consistency = GRADE_BOUNDED};
    limits.on_skew = (enum epoch_on_skew)random_below(&world->random, 3);
    limits.max_skew_us = coin(world, 500) ? 0 : 40 * MS;
    limits.adopt_compare = coin(world, 500);
    return limits;
}

struct control *control_new(struct world *world)
{
    struct control *control = memory_new(sizeof *control);
    durable_init(&control->journal, CONTROL);
    control->limits = choose_limits(world);
    control->direction = coin(world, 500) ? EPOCH_PULL : EPOCH_PUSH;
    control->period_us = chance_us(world, 4 * SECOND, 12 * SECOND);
    control->epochs_wanted = 100;
    return control;
}

static void forget_memory(struct control *control)
{
    for (size_t i = 0; i < control->epoch_count; i++) {
        epoch_fini(control->epochs[i]);
        free(control->epochs[i]);
    }
    for (int i = 0; i < 2; i++) {
        json_decref(control->inspections[i]);
        control->inspections[i] = NULL;
    }
    control->epoch_count = 0;
    memset(control->links, 0, sizeof control->links);
    memset(control->finished, 0, sizeof control->finished);
    control->base = (struct epoch_base){0};
    control->fence_known[0] = control->fence_known[1] = false;
    control->last_number = control->generation = 0;
    control->recovering = control->recovered = control->ends_without_a = false;
}

void control_free(struct control *control)
{
    forget_memory(control);
    durable_fini(&control->journal);
    free(control);
}

struct epoch *control_find(const struct control *control, uint64_t number)
{
    for (size_t i = 0; i < control->epoch_count; i++)
        if (control->epochs[i]->number == number)
            return control->epochs[i];
    return NULL;
}

bool control_is_idle(const struct control *control)
{
    if (control->recovering)
        return false;
    for (size_t i = 0; i < control->epoch_count; i++)
        if (!control->finished[i])
            return false;
    return true;
}

/* The effects of a step, waiting for their record. */
struct carried {
    uint64_t number;
    struct epoch_effects effects;
};

static void carry(struct world *world, void *data)
{
    const struct carried *carried = data;
    shell_carry(world, carried->number, &carried->effects);
}

void control_event(struct world *world, uint64_t number, const struct epoch_event *event)
{
    struct control *control = world->control;
    struct epoch *epoch = control_find(control, number);
    struct carried *carried = memory_new(sizeof *carried);
    CHECK(epoch != NULL);
    enum epoch_state before = epoch->state;
    carried->number = number;
    epoch_step(epoch, event, world->now_us, &carried->effects);
    if (carried->effects.count > 0 && carried->effects.effects[0].kind == EPOCH_EFFECT_RECORD) {
        shell_record(world, epoch);
        for (size_t i = 0; i < control->epoch_count; i++)
            if (control->epochs[i] == epoch)
                control->finished[i] = false;
    }
    if (epoch->state != before) {
        trace(world, "control e%" PRIu64 ".a%u: %s -> %s", number, epoch->attempt,
              epoch_state_name(before), epoch_state_name(epoch->state));
        check_state(world, epoch);
    }
    if (world->defect == DEFECT_EFFECTS_EARLY) {
        carry(world, carried);
        free(carried);
    } else {
        durable_then(world, &control->journal, carry, carried, free);
    }
}

static struct epoch *add_epoch(struct control *control)
{
    struct epoch *epoch = memory_new(sizeof *epoch);
    CHECK(control->epoch_count < EPOCHS_MAX);
    epoch_init(epoch);
    control->finished[control->epoch_count] = false;
    control->epochs[control->epoch_count++] = epoch;
    return epoch;
}

static void plan_epoch(struct world *world)
{
    struct control *control = world->control;
    struct epoch *epoch = add_epoch(control);
    snprintf(epoch->pair, sizeof epoch->pair, "%s", PAIR);
    snprintf(epoch->service, sizeof epoch->service, "%s", SERVICE);
    snprintf(epoch->service_name, sizeof epoch->service_name, "bills");
    epoch->generation = control->generation;
    epoch->number = ++control->last_number;
    epoch->slot_us = coin(world, 500) ? 0 : world->now_us + control->limits.lead_us;
    epoch->t_us = epoch->slot_us;
    epoch->direction = control->direction;
    epoch->limits = control->limits;
    epoch->base = control->base;
    epoch->mode = control->base.number == 0 ? EPOCH_MODE_FULL : EPOCH_MODE_INCREMENTAL;
    epoch->settings = json_pack("{s:s}", "policy", "bills");
    control->epochs_wanted--;
    control->next_slot_us = world->now_us + control->period_us;
    shell_record_service(world);
    shell_record(world, epoch);
    trace(world, "control plans e%" PRIu64 " on base e%" PRIu64, epoch->number, epoch->base.number);
}

/* Older than what is kept below the base. */
static void retire_old_seals(struct world *world)
{
    struct control *control = world->control;
    unsigned kept = 0;
    for (size_t i = control->epoch_count; i-- > 0;) {
        const struct epoch *epoch = control->epochs[i];
        if (epoch->state != EPOCH_SEALED || epoch->number > control->base.number)
            continue;
        if (++kept > SEALS_KEPT && !epoch->retiring && control->finished[i])
            control_event(world, epoch->number, &(struct epoch_event){.kind = EPOCH_EVENT_RETIRE});
    }
}

static void start_planned(struct world *world)
{
    struct control *control = world->control;
    for (size_t i = 0; i < control->epoch_count; i++)
        if (control->epochs[i]->state == EPOCH_PLANNED)
            control_event(world, control->epochs[i]->number,
                          &(struct epoch_event){.kind = EPOCH_EVENT_START});
}

static void tick(struct world *world, void *unused)
{
    struct control *control = world->control;
    (void)unused;
    later(world, TICK, CONTROL, tick, NULL, NULL);
    recovery_tick(world);
    if (control->recovering)
        return;
    check_seals_known(world);
    start_planned(world);
    retire_old_seals(world);
    if (control_is_idle(control) && control->epochs_wanted > 0 && !chaos_a_is_lost(world) &&
        world->now_us >= control->next_slot_us)
        plan_epoch(world);
}

static void take_back_service(struct control *control, const json_t *service)
{
    control->last_number = (uint64_t)json_integer_or(service, "last_number", 0);
    control->generation = (uint64_t)json_integer_or(service, "generation", 0);
    control->base.number = (uint64_t)json_integer_or(service, "base_number", 0);
    control->base.generation = (uint64_t)json_integer_or(service, "base_generation", 0);
    control->base.attempt = (unsigned)json_integer_or(service, "base_attempt", 0);
    snprintf(control->base.snapshot_a, EPOCH_NAME_SIZE, "%s",
             json_string_or(service, "base_a", ""));
    snprintf(control->base.snapshot_b, EPOCH_NAME_SIZE, "%s",
             json_string_or(service, "base_b", ""));
}

static void take_back(struct world *world, const char *key, const char *text)
{
    struct error error = ERROR_NONE;
    json_t *document = NULL;
    CHECK(json_parse(text, strlen(text), &document, &error));
    if (strcmp(key, "service") == 0)
        take_back_service(world->control, document);
    else if (strcmp(key, RECOVERED) == 0)
        world->control->recovered = true;
    else
        CHECK(epoch_from_json(document, add_epoch(world->control), &error));
    json_decref(document);
}

static void resume_all(struct world *world)
{
    for (size_t i = 0; i < world->control->epoch_count; i++) {
        struct carried *carried = memory_new(sizeof *carried);
        const struct epoch *epoch = world->control->epochs[i];
        epoch_resume(epoch, world->now_us, &carried->effects);
        shell_carry(world, epoch->number, &carried->effects);
        free(carried);
    }
}

void control_start(struct world *world)
{
    world->is_up[CONTROL] = true;
    durable_replay(world, &world->control->journal, take_back);
    if (world->control->recovered) {
        world->control->generation = world->chaos->record_generation;
        check_orders_are_recorded(world);
        resume_all(world);
    } else {
        /* None, or one that a crash left half rebuilt. */
        forget_memory(world->control);
        durable_wipe(&world->control->journal);
        recovery_start(world);
    }
    later(world, TICK, CONTROL, tick, NULL, NULL);
}

void control_crash(struct world *world, bool journal_too)
{
    world->is_up[CONTROL] = false;
    world->incarnations[CONTROL]++;
    forget_memory(world->control);
    if (journal_too)
        durable_wipe(&world->control->journal);
    else
        durable_crash(world, &world->control->journal);
}

void control_receive(struct world *world, const struct message *message)
{
    if (message->kind == MESSAGE_INSPECTION || message->kind == MESSAGE_FENCED)
        recovery_receive(world, message);
    else if (!world->control->recovering)
        shell_receive_status(world, message);
}
