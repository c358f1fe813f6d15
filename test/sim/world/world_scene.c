/* world_scene.c: computers: started on what their journals hold, killed, started again. */
#include "world_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "world_private.h"

#define DOWN_MAX (20 * SECOND)

struct scene scene;

static const struct control_instance instances[] = {{"depot", "depot", 0}};
static const char *const clusters[] = {"east", "west"};

bool computer_is_up(const struct computer *computer)
{
    return computer->loop != NULL && computer->loop->alive;
}

/* ---- the journal ---------------------------------------------------------------------------- */

static void sync_journal(void *context);

/* Whatever was appended in the last event is committed soon. */
static void note_appends(struct computer *computer)
{
    if (computer->syncing || !computer_is_up(computer) || fake_journal_pending(computer->disk) == 0)
        return;
    computer->syncing = true;
    event_new(computer->loop, chance_ns(MS / 10, fault(20) ? 300 * MS : 4 * MS), sync_journal,
              computer);
}

static void tell_durable(void *context)
{
    struct computer *computer = context;
    computer->syncing = false;
    fake_journal_step(computer->disk);
}

/* Durable first; who waits hears of it in a later event, and may die in between. */
static void sync_journal(void *context)
{
    struct computer *computer = context;
    fake_journal_sync(computer->disk);
    event_new(computer->loop, chance_ns(0, MS), tell_durable, computer);
}

void scene_look_at_journals(void)
{
    for (int i = 0; i < PLACE_COUNT; i++)
        note_appends(&scene.computers[i]);
}

/* ---- lives ---------------------------------------------------------------------------------- */

static void start_device(struct computer *computer)
{
    static struct control_cluster known[2];
    struct error error = ERROR_NONE;
    for (int i = 0; i < 2; i++) {
        computer->links[i] = network_link(computer->loop, (enum place)i);
        known[i] = (struct control_cluster){.name = clusters[i],
                                            .area = "/coeval",
                                            .link = computer->links[i],
                                            .instances = instances,
                                            .instance_count = 1};
    }
    struct control_options options = {.device = "dddddddd-2222-4333-8444-555555555555",
                                      .journal = computer->journal,
                                      .clusters = known,
                                      .cluster_count = 2,
                                      .instruction_limit_us = INT64_C(1800000000)};
    if (!control_new(computer->loop, &options, &computer->control, &error))
        world_fail("the device does not start: %s", error.text);
}

static void start_agent(struct computer *computer)
{
    static struct agent_store stores[2];
    struct error error = ERROR_NONE;
    for (int i = 0; i < 2; i++)
        stores[i] = (struct agent_store){
            clusters[i], "depot", {&world_component, &scene.stores[i], "/coeval"}};
    struct agent_options options = {.cluster = clusters[computer->place],
                                    .id = "aaaaaaaa-2222-4333-8444-555555555555",
                                    .stores = stores,
                                    .store_count = 2,
                                    .journal = computer->journal,
                                    .work_directory = computer->work};
    if (!agent_new(computer->loop, &options, &computer->agent, &error))
        world_fail("the agent of %s does not start: %s", computer->name, error.text);
}

static void start_in_life(void *context)
{
    struct computer *computer = context;
    struct error error = ERROR_NONE;
    fake_journal_set_time(computer->disk, clock_realtime_us(), clock_boottime_ns());
    CHECK(fake_journal_open(computer->disk, NULL, NULL, &computer->journal, &error));
    computer->syncing = false;
    if (computer->place == DEVICE)
        start_device(computer);
    else
        start_agent(computer);
}

void computer_start(struct computer *computer)
{
    computer->loop = process_begin(computer->name, ++computer->lives);
    world_trace("%s starts (life %u)", computer->name, computer->lives);
    world_enter(computer->loop, start_in_life, computer);
}

static void start_again(void *context)
{
    struct computer *computer = context;
    if (scene.source_lost && computer->place == EAST)
        return;
    if (fault(100) || computer->loses_journal) {
        if (computer->place == DEVICE)
            operator_lost_journal();
        world_trace("%s lost its journal", computer->name);
        fake_journal_free(computer->disk);
        computer->disk = fake_journal_new(computer->name);
    }
    computer_start(computer);
}

static void has_died(struct loop *loop)
{
    for (int i = 0; i < PLACE_COUNT; i++) {
        struct computer *computer = &scene.computers[i];
        if (computer->loop != loop)
            continue;
        fake_journal_crash(computer->disk);
        if (computer->place == DEVICE)
            people_forget();
        event_new(NULL, chance_ns(0, chance(50) ? DOWN_MAX : SECOND), start_again, computer);
    }
}

void scene_lose_source(void)
{
    world_trace("cluster east is lost for good");
    scene.source_lost = true;
    scene.stores[EAST].lost = true;
    if (computer_is_up(&scene.computers[EAST]))
        process_die(scene.computers[EAST].loop);
}

void computer_crash_soon(struct computer *computer)
{
    if (!computer_is_up(computer) || computer->loop->crash_in != 0)
        return;
    computer->loop->crash_in = 1 + chance_below(chance(50) ? 100 : 1500);
}

/* ---- the beginning -------------------------------------------------------------------------- */

static void make_tree(struct store *store, const char *path, enum entry_type type,
                      const char *content)
{
    struct thing *node;
    struct error error;
    CHECK(tree_make(&store->tree, path, type, type == ENTRY_FILE ? 0644 : 0755,
                    clock_realtime_us() / 1000 - 1000, &node, &error));
    thing_set_content(node, content, strlen(content));
}

void scene_begin(const char *directory)
{
    static const char *const names[] = {"east", "west", "device"};
    world_process_died = has_died;
    scene.is_push = chance(40);
    scene.is_full = chance(15);
    scene.restores = chance(40);
    scene.one_root = chance(30);
    scene.network_loss = (unsigned)chance_below(60);
    for (int i = 0; i < 2; i++) {
        depot_init(&scene.stores[i], clusters[i]);
        make_tree(&scene.stores[i], "/data", ENTRY_DIRECTORY, "");
        if (i == EAST || !scene.one_root) {
            make_tree(&scene.stores[i], "/data/one", ENTRY_DIRECTORY, "");
            make_tree(&scene.stores[i], "/data/two", ENTRY_DIRECTORY, "");
        }
    }
    make_tree(&scene.stores[WEST], "/bin", ENTRY_DIRECTORY, "");
    for (int i = 0; i < PLACE_COUNT; i++) {
        struct computer *computer = &scene.computers[i];
        computer->place = (enum place)i;
        computer->name = names[i];
        computer->disk = fake_journal_new(names[i]);
        snprintf(computer->work, sizeof computer->work, "%s/%s", directory, names[i]);
        computer_start(computer);
    }
}
