/* sim_chaos.c: faults; see sim_chaos.h. */
#include "sim_chaos.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "sim_checker.h"
#include "sim_control.h"

struct chaos *chaos_new(struct world *world)
{
    struct chaos *chaos = memory_new(sizeof *chaos);
    chaos->next_id = chaos->next_version = 1;
    chaos->may_lose_a = coin(world, 250);
    return chaos;
}

void chaos_free(struct chaos *chaos)
{
    free(chaos);
}

bool chaos_a_is_lost(const struct world *world)
{
    return world->chaos->a_is_lost;
}

bool chaos_lost_is_declared(const struct world *world)
{
    return world->chaos->lost_is_declared;
}

bool chaos_refuses(struct world *world, const struct held *held)
{
    return held->order.kind == EPOCH_INSTRUCTION_COMMIT &&
           world->now_us < world->chaos->no_space_until_us;
}

static void start_process(struct world *world, enum process process)
{
    trace(world, "%s starts", process == CONTROL ? "control" : process == AGENT_A ? "A" : "B");
    if (process == CONTROL)
        control_start(world);
    else
        agent_start(world, world->agents[process]);
}

static void come_back(struct world *world, void *data)
{
    const enum process *process = data;
    bool gone = *process == AGENT_A && world->chaos->a_is_lost;
    if (!world->is_up[*process] && !gone)
        start_process(world, *process);
}

static void crash(struct world *world, enum process process)
{
    bool journal_too = coin(world, 200);
    enum process *copy;
    if (!world->is_up[process] || !world->faults)
        return;
    trace(world, "%s crashes%s",
          process == CONTROL   ? "control"
          : process == AGENT_A ? "A"
                               : "B",
          journal_too ? ", and its journal is lost" : "");
    if (process == CONTROL)
        control_crash(world, journal_too);
    else
        agent_crash(world, world->agents[process], journal_too);
    copy = memory_new(sizeof *copy);
    *copy = process;
    later(world, chance_us(world, 20 * MS, coin(world, 300) ? 8 * SECOND : 500 * MS), NOBODY,
          come_back, copy, free);
}

static void crash_now(struct world *world, void *data)
{
    const enum process *process = data;
    crash(world, *process);
}

void chaos_crash_soon(struct world *world, enum process process, unsigned per_mille)
{
    enum process *copy;
    if (!mishap(world, per_mille))
        return;
    copy = memory_new(sizeof *copy);
    *copy = process;
    later(world, chance_us(world, 0, 6 * MS), NOBODY, crash_now, copy, free);
}

static void want_back(struct world *world, void *data)
{
    const uint64_t *number = data;
    const struct epoch *epoch = control_find(world->control, *number);
    if (!world->is_up[CONTROL] || world->control->recovering || epoch == NULL)
        return;
    control_event(world, *number,
                  &(struct epoch_event){.kind = epoch->state == EPOCH_RECEIVED
                                                    ? EPOCH_EVENT_ABANDON
                                                    : EPOCH_EVENT_ROLLBACK});
}

void chaos_race(struct world *world, uint64_t number)
{
    uint64_t *copy;
    if (!mishap(world, 60))
        return;
    copy = memory_new(sizeof *copy);
    *copy = number;
    later(world, chance_us(world, 0, 10 * MS), NOBODY, want_back, copy, free);
}

static void declare_lost(struct world *world, void *unused)
{
    (void)unused;
    trace(world, "the operator declares A lost");
    world->chaos->lost_is_declared = true;
}

static bool something_is_received(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->area_count; i++) {
        const struct area *area = cluster->areas[i];
        if (area->received && !area->sealed && !area->discarded)
            return true;
    }
    return false;
}

/* For good: the site burns down. */
static void lose_a(struct world *world)
{
    if (!world->chaos->may_lose_a || world->chaos->a_is_lost || !coin(world, 600) ||
        !something_is_received(world->clusters[AGENT_B]))
        return;
    trace(world, "cluster A is lost for good");
    world->chaos->a_is_lost = true;
    world->clusters[AGENT_A]->is_lost = true;
    if (world->is_up[AGENT_A])
        agent_crash(world, world->agents[AGENT_A], true);
    later(world, chance_us(world, SECOND, 6 * SECOND), NOBODY, declare_lost, NULL, NULL);
}

/* A file where nobody but Coeval should write. */
static void touch_target(struct world *world)
{
    struct cluster *b = world->clusters[AGENT_B];
    struct tree *live = &b->live[random_below(&world->random, (uint64_t)b->member_count)];
    char directory[PATH_SIZE + 1] = "", name[2 * PATH_SIZE];
    if (live->count > 0) {
        const struct node *node = &live->nodes[random_below(&world->random, live->count)];
        bool inside = node->is_directory && !tree_is_staging(node->path);
        snprintf(directory, sizeof directory, "%s%s", inside ? node->path : "", inside ? "/" : "");
    }
    snprintf(name, sizeof name, "%sz%u", directory, world->chaos->foreign_count);
    if (!tree_add(live, name, world->chaos->next_id++, world->chaos->next_version++, false))
        return;
    tree_find(live, name)->is_foreign = true;
    world->chaos->foreign_count++;
    trace(world, "somebody writes %s on B", name);
}

/* Somebody deletes the snapshots that the base is made of. */
static void destroy_base(struct world *world)
{
    const struct control *control = world->control;
    struct op op = {.kind = OP_UNSNAPSHOT, .cluster = AGENT_A};
    if (world->chaos->a_is_lost || control->base.number == 0)
        return;
    snprintf(op.name, sizeof op.name, "%s", control->base.snapshot_a);
    trace(world, "somebody deletes %s on A", op.name);
    check_forgive_base(world);
    op_apply(world, &op);
}

/* Another device is made the active one, with a higher generation; it is this one again. */
static void raise_generation(struct world *world)
{
    struct control *control = world->control;
    if (!world->is_up[CONTROL] || control->recovering)
        return;
    control->generation = ++world->chaos->record_generation;
    shell_record_service(world);
}

static void mischief(struct world *world, void *unused)
{
    unsigned kind = (unsigned)random_below(&world->random, 100);
    (void)unused;
    if (!world->faults)
        return;
    later(world, chance_us(world, 100 * MS, 3 * SECOND), NOBODY, mischief, NULL, NULL);
    if (kind < 36)
        crash(world, (enum process)random_below(&world->random, PROCESS_COUNT));
    else if (kind < 56)
        network_echo(world);
    else if (kind < 61)
        touch_target(world);
    else if (kind < 63)
        destroy_base(world);
    else if (kind < 66)
        world->chaos->no_space_until_us = world->now_us + chance_us(world, 0, 4 * SECOND);
    else if (kind < 70)
        raise_generation(world);
    else
        lose_a(world);
}

void chaos_start(struct world *world)
{
    writer_fill(world);
    for (int process = 0; process < PROCESS_COUNT; process++)
        start_process(world, (enum process)process);
    people_start(world);
    later(world, SECOND, NOBODY, mischief, NULL, NULL);
}

void chaos_end(struct world *world)
{
    trace(world, "faults end");
    world->faults = false;
    world->chaos->no_space_until_us = 0;
    if (world->chaos->a_is_lost)
        world->chaos->lost_is_declared = true;
    for (int process = 0; process < PROCESS_COUNT; process++) {
        bool gone = process == AGENT_A && world->chaos->a_is_lost;
        if (!world->is_up[process] && !gone)
            start_process(world, (enum process)process);
    }
}
