/* sim_main.c: sim [--seeds N] [--seed N] [--trace] [--defect NAME] [--find]
 * Runs seeds; the first failing one is printed and replays exactly with --seed. --find: the seeds
 * must find something (a planted defect), and it is told how many it took. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim_agent.h"
#include "sim_chaos.h"
#include "sim_checker.h"
#include "sim_control.h"

#define CHAOS_US (70 * SECOND)
#define REST_US (300 * SECOND)

struct options {
    uint64_t first, count;
    bool trace, find;
    enum defect defect;
};

static void build(struct world *world, uint64_t seed, const struct options *options)
{
    *world = (struct world){.seed = seed,
                            .now_us = 1000 * SECOND,
                            .trace = options->trace,
                            .faults = true,
                            .defect = options->defect};
    random_init(&world->random, seed);
    int members = 1 + (int)random_below(&world->random, MEMBERS_MAX);
    world->network = network_new();
    world->history = history_new();
    world->chaos = chaos_new(world);
    world->control = control_new(world);
    for (int i = AGENT_A; i <= AGENT_B; i++) {
        world->clusters[i] = cluster_new((enum process)i, members);
        world->agents[i] = agent_new((enum process)i);
    }
    for (int i = AGENT_A; i <= AGENT_B; i++) {
        struct op foreign = {
            .kind = OP_SNAPSHOT, .cluster = (enum process)i, .name = OWNER_FOREIGN};
        CHECK(op_apply(world, &foreign));
    }
}

static void demolish(struct world *world)
{
    world_drop_events(world);
    control_free(world->control);
    for (int i = AGENT_A; i <= AGENT_B; i++) {
        agent_free(world->agents[i]);
        cluster_free(world->clusters[i]);
    }
    network_free(world->network);
    chaos_free(world->chaos);
    history_free(world->history);
}

static bool run_until(struct world *world, int64_t until_us, bool until_idle)
{
    while (world->violation[0] == '\0' && world->now_us < until_us) {
        if (until_idle && world->is_up[CONTROL] && control_is_idle(world->control))
            return true;
        CHECK(world_next(world));
    }
    return !until_idle;
}

static void explain_unrest(struct world *world)
{
    char text[400] = "";
    for (size_t i = 0; i < world->control->epoch_count; i++) {
        const struct epoch *epoch = world->control->epochs[i];
        size_t used = strlen(text);
        if (!world->control->finished[i] && used + 40 < sizeof text)
            snprintf(text + used, sizeof text - used, " e%" PRIu64 " %s", epoch->number,
                     epoch_state_name(epoch->state));
    }
    violate(world, "without faults it does not come to rest:%s%s",
            world->control->recovering ? " recovering" : "", text);
}

static void come_to_rest(struct world *world)
{
    if (!run_until(world, world->now_us + REST_US, true))
        explain_unrest(world);
}

/* After everything that went wrong the next epoch succeeds. */
static void one_more(struct world *world)
{
    uint64_t before = world->control->last_number;
    world->control->epochs_wanted = 1;
    world->control->next_slot_us = 0;
    run_until(world, world->now_us + SECOND, false);
    come_to_rest(world);
    const struct epoch *epoch = control_find(world->control, before + 1);
    if (epoch == NULL || epoch->state != EPOCH_SEALED)
        violate(world, "the epoch after the storm is not sealed but %s: %s",
                epoch == NULL ? "missing" : epoch_state_name(epoch->state),
                epoch == NULL ? "" : epoch->cause.text);
}

static bool run(uint64_t seed, const struct options *options, char ret_violation[512],
                size_t *ret_sealed)
{
    struct world *world = memory_new(sizeof *world);
    build(world, seed, options);
    chaos_start(world);
    run_until(world, world->now_us + CHAOS_US, false);
    world->control->epochs_wanted = 0;
    chaos_end(world);
    /* What was on its way when the faults ended still arrives. */
    run_until(world, world->now_us + 20 * SECOND, false);
    come_to_rest(world);
    if (world->violation[0] == '\0')
        check_end(world);
    if (world->violation[0] == '\0' && !world->chaos->a_is_lost)
        one_more(world);
    if (world->violation[0] == '\0')
        check_end(world);
    memcpy(ret_violation, world->violation, sizeof world->violation);
    for (size_t i = 0; i < world->clusters[AGENT_B]->area_count; i++)
        *ret_sealed += world->clusters[AGENT_B]->areas[i]->sealed;
    demolish(world);
    free(world);
    return ret_violation[0] == '\0';
}

static bool read_options(int count, char **arguments, struct options *options)
{
    *options = (struct options){.first = 1, .count = 1};
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--trace") == 0) {
            options->trace = true;
        } else if (strcmp(arguments[i], "--find") == 0) {
            options->find = true;
        } else if (strcmp(arguments[i], "--seeds") == 0) {
            options->count = strtoull(value, NULL, 10);
            i++;
        } else if (strcmp(arguments[i], "--seed") == 0) {
            options->first = strtoull(value, NULL, 10);
            i++;
        } else if (strcmp(arguments[i], "--defect") == 0) {
            int defect = 0;
            while (defect < DEFECT_COUNT && strcmp(value, defect_name((enum defect)defect)) != 0)
                defect++;
            if (defect == DEFECT_COUNT)
                return false;
            options->defect = (enum defect)defect;
            i++;
        } else {
            return false;
        }
    }
    return options->count > 0;
}

int main(int argument_count, char **arguments)
{
    struct options options;
    char violation[512];
    size_t sealed = 0;
    if (!read_options(argument_count, arguments, &options)) {
        fprintf(stderr, "usage: sim [--seed FIRST] [--seeds COUNT] [--trace] [--defect NAME] "
                        "[--find]\n");
        return 2;
    }
    for (uint64_t i = 0; i < options.count; i++) {
        uint64_t seed = options.first + i;
        if (run(seed, &options, violation, &sealed))
            continue;
        printf("seed %" PRIu64 ": %s\n", seed, violation);
        if (options.find) {
            printf("found %s with %" PRIu64 " seeds\n", defect_name(options.defect), i + 1);
            return 0;
        }
        printf("replay: sim --seed %" PRIu64 " --trace%s%s\n", seed,
               options.defect == DEFECT_NONE ? "" : " --defect ",
               options.defect == DEFECT_NONE ? "" : defect_name(options.defect));
        return 1;
    }
    printf("%" PRIu64 " seeds, %zu epochs sealed: %s\n", options.count, sealed,
           options.find ? "nothing found" : "all guarantees held");
    return options.find ? 1 : 0;
}
