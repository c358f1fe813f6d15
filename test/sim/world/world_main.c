/* world_main.c: world [--seeds N] [--seed N] [--trace] [--defect NAME] [--find]
 * Each seed in a process of its own: what dies in it leaves its memory behind. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "world_private.h"
#include "world_scene.h"

#define FAULTS_FOR_MAX (30 * MINUTE)
#define REST_WITHIN (120 * MINUTE)

static void step(void)
{
    CHECK(world_step());
    scene_look_at_journals();
}

static void run_for(int64_t ns)
{
    for (int64_t end = world.now_ns + ns; world.now_ns < end;)
        step();
}

static bool all_are_up(void)
{
    for (int i = scene.source_lost ? WEST : EAST; i < PLACE_COUNT; i++)
        if (!computer_is_up(&scene.computers[i]))
            return false;
    return true;
}

static void end_faults(void)
{
    world.faults = false;
    world_trace("faults end");
    for (int i = 0; i < PLACE_COUNT; i++)
        scene.computers[i].loop->crash_in = 0;
}

/* A is gone: what was received is sealed or goes back, and nothing new begins. */
static void come_to_rest_without_source(void)
{
    uint64_t newest;
    bool sealed;
    int64_t end = world.now_ns + REST_WITHIN;
    scene_lose_source();
    run_for(chance_ns(0, MINUTE));
    end_faults();
    run_for(5 * MINUTE);
    while (!all_are_up() || !operator_recovered() || !people_epochs_rest(&newest, &sealed)) {
        if (world.now_ns > end)
            world_fail("rest: without A an epoch does not end");
        run_for(10 * SECOND);
    }
    checker_stands();
}

/* All is over, and an epoch that began after the last fault is sealed. */
static void come_to_rest(void)
{
    int64_t end = world.now_ns + REST_WITHIN;
    uint64_t wanted = 0, newest = 0;
    bool sealed, rest = false;
    end_faults();
    run_for(MINUTE);
    while (world.now_ns < end) {
        run_for(10 * SECOND);
        if (!all_are_up() || !operator_recovered())
            continue;
        rest = people_epochs_rest(&newest, &sealed);
        if (wanted == 0)
            wanted = newest + 2; /* one may have begun with faults */
        if (rest && newest >= wanted)
            return;
    }
    if (newest < wanted || wanted == 0)
        world_fail("rest: no epoch is sealed any more (newest %u, wanted %u)", (unsigned)newest,
                   (unsigned)wanted);
    world_fail("rest: an epoch does not end");
}

static void lose_device(void)
{
    struct computer *device = &scene.computers[DEVICE];
    world_trace("the device is lost for good");
    process_die(device->loop);
    operator_lost_journal();
    device->loses_journal = true;
    while (!computer_is_up(device) || !operator_recovered())
        run_for(SECOND);
}

static int run_seed(uint64_t seed, const char *directory)
{
    struct rlimit files = {65536, 65536};
    setrlimit(RLIMIT_NOFILE, &files); /* what dies leaves its descriptors open */
    world_begin(seed);
    checker_begin();
    checker_watch();
    scene_begin(directory);
    people_begin();
    run_for(chance_ns(5 * MINUTE, FAULTS_FOR_MAX));
    if (chance(20))
        come_to_rest_without_source();
    else
        come_to_rest();
    lose_device();
    checker_end();
    world_trace("%u seals, %u events", checker_seals(), (unsigned)world.events);
    return 0;
}

/* ---- many seeds ----------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static bool seed_is_good(uint64_t seed)
{
    char directory[] = "/tmp/coeval-world.XXXXXX";
    int status = 0;
    CHECK(mkdtemp(directory) != NULL);
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int result = run_seed(seed, directory);
        fflush(NULL);
        _exit(result);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (WIFSIGNALED(status))
        fprintf(stderr, "seed %llu: ended by signal %d\n", (unsigned long long)seed,
                WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void choose_defect(const char *name)
{
    static const char *const names[] = {
#define X(defect, text) text,
        DEFECTS(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(names[i], name) == 0) {
            world.defect = (enum defect)i;
            return;
        }
    fprintf(stderr, "world: no defect '%s'\n", name);
    exit(2);
}

int main(int argument_count, char **arguments)
{
    uint64_t first = 1, count = 1;
    bool find = false;
    for (int i = 1; i < argument_count; i++) {
        bool has_value = i + 1 < argument_count;
        if (strcmp(arguments[i], "--trace") == 0)
            world.trace = true, setvbuf(stdout, NULL, _IOLBF, 0);
        else if (strcmp(arguments[i], "--find") == 0)
            find = true;
        else if (strcmp(arguments[i], "--seed") == 0 && has_value)
            first = strtoull(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--seeds") == 0 && has_value)
            count = strtoull(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--defect") == 0 && has_value)
            choose_defect(arguments[++i]);
        else
            return 2;
    }
    uint64_t bad = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        bad += !seed_is_good(seed);
        if (find && bad > 0)
            return 0;
    }
    if (find)
        fprintf(stderr, "world: the defect was not found in %llu seeds\n",
                (unsigned long long)count);
    return find || bad > 0;
}
