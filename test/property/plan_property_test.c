/* plan_property_test.c: random trees, random changes. The plan applied to the base gives exactly
 * the new tree; from every crash point it ends there rolling forward, and at the base rolling back;
 * the target's difference is the expected one; what is done grows with the change.
 *
 *   plan_property_test [--cases N] [--first SEED] | --seed SEED | --defect NAME
 *
 * With --defect the case must fail: a planted defect that nobody finds makes the run fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan_world.h"

#define CASES_DEFAULT 5000

/* How hard the cases were: a test that grew easy shows here. */
static unsigned long long commits_run, operations_run, steps_run;

static const char *const plain_patterns[] = {"_t"};
static const char *const path_patterns[] = {"_t", "a/b*", "**/k/a", "/c/d/*"};

static void make_case(struct world *world, uint64_t seed, enum defect defect)
{
    struct random random;
    random_init(&random, seed);
    memset(world, 0, sizeof *world);
    world->defect = defect;
    world->maker = (enum maker)random_below(&random, 5);
    if (world->maker >= MAKER_COUNT)
        world->maker -= MAKER_COUNT; /* the two that see renames more often */
    world->crc_known = random_below(&random, 3) == 0;
    bool with_paths = random_below(&random, 3) == 0;
    world->exclusions.patterns = with_paths ? path_patterns : plain_patterns;
    world->exclusions.count =
        with_paths ? ARRAY_LENGTH(path_patterns) : random_below(&random, 3) > 0;
    tree_init(&world->old_source, 1);
    for (uint64_t i = random_below(&random, 90); i > 0; i--)
        tree_grow(&world->old_source, &random);
    world->new_source = world->old_source;
    for (uint64_t i = random_below(&random, 30); i > 0; i--)
        tree_mutate(&world->new_source, &random);
    if (random_below(&random, 4) == 0)
        world->suspect_id = 1 + (uint32_t)random_below(&random, 40);
}

static bool check_touched(struct world *world, const struct expectation *expectation,
                          const struct tree *target)
{
    for (size_t i = 0; i < expectation->touched_count; i++) {
        const char *path = expectation->touched[i]->new_path;
        int actual = tree_find(target, path), expected = tree_find(&world->new_source, path);
        if (actual < 0 || expected < 0)
            return fail(world, "touched '%s' is not there", path);
        struct entry x = tree_entry(target, actual, "", true);
        struct entry y = tree_entry(&world->new_source, expected, "", true);
        unsigned fields = path[0] == '\0' ? ENTRY_ALL & ~(unsigned)ENTRY_TIMES : ENTRY_ALL;
        if (entry_compare(&x, &y, fields) != 0)
            return fail(world, "touched '%s' is not what it should be", path);
    }
    return true;
}

/* False also when the target shows another difference than the plan says. */
static bool verify(struct world *world, const struct tree *target, enum maker maker)
{
    struct error error = ERROR_NONE;
    struct expectation expectation;
    bool ok = expectation_init(&expectation, &world->plan, 1 << 20, &error);
    if (ok && world->defect == DEFECT_NORMAL_FORM) {
        struct change_options normal = expectation.expected.options;
        changes_fini(&expectation.expected);
        changes_init(&expectation.expected, &normal);
        ok = oracle_difference(&world->old_source, &world->new_source, changes_add,
                               &expectation.expected, &error) &&
             changes_normalise(&expectation.expected, &error);
    }
    if (ok && maker == MAKER_HDFS)
        ok = oracle_difference(&world->old_target, target, expectation_add, &expectation, &error);
    else if (ok)
        ok = trees_difference(&world->old_target, target, LISTING_BY_BIRTH, true, expectation_add,
                              &expectation, &error);
    ok = ok && expectation_finish(&expectation, &error);
    if (!ok)
        fail(world, "expectation: %s", error.text);
    else if (expectation.mismatch_count > 0)
        ok = fail(world, "target's difference (maker %d): %s", maker,
                  buffer_text(&expectation.mismatches));
    else
        ok = check_touched(world, &expectation, target);
    expectation_fini(&expectation);
    return ok;
}

/* Somebody writes to the target behind our back: the verification must see it. */
static bool check_tampering(struct world *world, const struct tree *target, struct random *random)
{
    struct tree tampered = *target;
    struct world copy = *world; /* for the failure that must come */
    for (unsigned operations = tampered.operations; tampered.operations == operations;) {
        int children[TREE_NODES], node = 0;
        int count = tree_list(&tampered, 0, children);
        if (count > 0 && random_below(random, 3) > 0)
            node = children[random_below(random, (uint64_t)count)];
        if (node == 0)
            tree_make(&tampered, 0, "stray", ENTRY_FILE);
        else if (random_below(random, 2) == 0)
            tree_remove(&tampered, node);
        else
            tree_rename(&tampered, node, 0, "strayed");
    }
    if (verify(&copy, &tampered, MAKER_LISTING))
        return fail(world, "a change of the target by others was not seen");
    return true;
}

/* Every change costs a bounded number of operations, whatever else the tree holds. */
static bool check_cost(struct world *world, unsigned operations)
{
    size_t changes = world->difference_count + 1 + (world->suspect_id != 0);
    if (world->maker == MAKER_HDFS)
        changes = world->changes.count + 1;
    if (operations > 4 * changes + 8)
        return fail(world, "%u operations for %zu differences", operations, changes);
    return true;
}

static bool is_visible_in(const struct world *world, const struct tree *tree, uint32_t id)
{
    char path[TREE_PATH];
    int node = tree_by_id(tree, id);
    if (node < 0)
        return false;
    tree_path(tree, node, path);
    return !exclusions_match(&world->exclusions, path);
}

/* A rename moves: nothing is staged that the target had. */
static bool check_nothing_copied_twice(struct world *world)
{
    int needed = 3; /* staging's own directories */
    if (world->maker != MAKER_LISTING || world->exclusions.count > 1)
        return true;
    for (int i = 1; i < TREE_NODES; i++) {
        const struct node *node = &world->new_source.nodes[i];
        if (node->type == 0 || !is_visible_in(world, &world->new_source, node->id))
            continue;
        const struct node *old = NULL;
        if (is_visible_in(world, &world->old_source, node->id))
            old = &world->old_source.nodes[tree_by_id(&world->old_source, node->id)];
        needed += old == NULL || (node->type == ENTRY_FILE &&
                                  (node->id == world->suspect_id || old->mtime != node->mtime));
    }
    int staged = tree_count(&world->staged) - tree_count(&world->old_target);
    return staged <= needed || fail(world, "%d objects staged, %d needed", staged, needed);
}

static bool crash_forward(struct world *world, const struct tree *crashed, struct random *random,
                          unsigned total)
{
    struct tree tree = *crashed;
    commits_run += 3;
    for (int again = 0;
         again < 2 && !commit_forward(world, &tree, (int)random_below(random, total + 1));)
        again++;
    return world->why[0] == '\0' && commit_forward(world, &tree, -1) &&
           same_tree(world, "rolled forward", &tree, &world->new_source, false);
}

static bool crash_back(struct world *world, const struct tree *crashed, struct random *random,
                       unsigned total, bool same_ids)
{
    struct tree tree = *crashed;
    commits_run += 3;
    for (int again = 0;
         again < 2 && !commit_back(world, &tree, (int)random_below(random, total + 2));)
        again++;
    return world->why[0] == '\0' && commit_back(world, &tree, -1) &&
           same_tree(world, "rolled back", &tree, &world->old_target, same_ids);
}

/* The machine dies after each operation in turn. */
static bool check_crashes(struct world *world, unsigned total, struct random *random)
{
    struct tree tree;
    for (unsigned i = 0; i <= total; i++) {
        tree = world->staged;
        if (commit_forward(world, &tree, (int)i) != (i == total) || world->why[0] != '\0')
            return fail(world, "%u operations did not end as %u do", i, total);
        if (i < total && (!crash_forward(world, &tree, random, total) ||
                          !crash_back(world, &tree, random, total, true))) {
            char why[sizeof world->why];
            memcpy(why, world->why, sizeof why);
            world->why[0] = '\0';
            return fail(world, "crash after %u of %u operations: %.900s", i, total, why);
        }
    }
    /* After the end nothing that was parked exists: it comes back from the base seal. */
    return crash_forward(world, &tree, random, total) &&
           crash_back(world, &tree, random, total, false);
}

static bool check_case(struct world *world, uint64_t seed)
{
    struct random random;
    random_init(&random, seed + 1000000007);
    if (!world_prepare(world))
        return false;
    struct tree target = world->staged;
    if (!commit_forward(world, &target, -1) ||
        !same_tree(world, "committed", &target, &world->new_source, false))
        return false;
    steps_run += world->plan.step_count;
    operations_run += target.operations;
    return verify(world, &target, MAKER_LISTING) && verify(world, &target, MAKER_HDFS) &&
           check_tampering(world, &target, &random) && check_cost(world, target.operations) &&
           check_nothing_copied_twice(world) && check_manifest(world) &&
           check_crashes(world, target.operations, &random);
}

static bool run_seed(uint64_t seed, enum defect defect, bool talk)
{
    static struct world world;
    make_case(&world, seed, defect);
    bool ok = check_case(&world, seed);
    if (!ok && talk) {
        printf("# seed %llu (maker %d, %zu patterns, suspect %u): %s\n", (unsigned long long)seed,
               world.maker, world.exclusions.count, world.suspect_id, world.why);
        printf("# replay: plan_property_test --seed %llu\n", (unsigned long long)seed);
        tree_print(&world.old_source, "source before");
        tree_print(&world.new_source, "source after");
    }
    world_fini(&world);
    return ok;
}

/* The same changes in a tree with many more objects cost the same operations. */
static bool check_growth(void)
{
    static struct world small, large;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        make_case(&small, seed, DEFECT_NONE);
        make_case(&large, seed, DEFECT_NONE);
        for (int i = 0; i < 60; i++) {
            char name[TREE_NAME];
            snprintf(name, sizeof name, "z%d", i);
            struct node node = {.type = ENTRY_FILE, .mode = 0600, .mtime = 1};
            struct tree *trees[] = {&large.old_source, &large.new_source};
            for (int t = 0; t < 2; t++) {
                int64_t mtime = trees[t]->nodes[0].mtime;
                int made = tree_copy_node(trees[t], 0, name, &node);
                trees[t]->nodes[made].id = 50000 + (uint32_t)i;
                trees[t]->nodes[0].mtime = mtime;
            }
        }
        struct tree target[2];
        bool ok = world_prepare(&small) && world_prepare(&large);
        if (ok) {
            target[0] = small.staged;
            target[1] = large.staged;
            ok = commit_forward(&small, &target[0], -1) && commit_forward(&large, &target[1], -1) &&
                 target[0].operations == target[1].operations;
        }
        world_fini(&small);
        world_fini(&large);
        if (!ok) {
            printf("# seed %llu: 60 untouched files more cost operations\n",
                   (unsigned long long)seed);
            return false;
        }
    }
    return true;
}

static bool defect_by_name(const char *name, enum defect *ret_defect)
{
    static const char *const names[] = {
#define X(value, text) text,
        DEFECTS(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(names[i], name) == 0)
            return *ret_defect = (enum defect)i, true;
    return false;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, cases = CASES_DEFAULT;
    enum defect defect = DEFECT_NONE;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            first = strtoull(argv[i + 1], NULL, 10);
            cases = 1;
        } else if (strcmp(argv[i], "--first") == 0) {
            first = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--cases") == 0) {
            cases = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--defect") != 0 || !defect_by_name(argv[i + 1], &defect)) {
            fprintf(stderr, "plan_property_test: unknown argument %s\n", argv[i]);
            return 2;
        }
    }
    for (uint64_t seed = first; seed < first + cases; seed++) {
        if (run_seed(seed, defect, defect == DEFECT_NONE))
            continue;
        if (defect != DEFECT_NONE)
            printf("# defect found by seed %llu\n", (unsigned long long)seed);
        return defect == DEFECT_NONE;
    }
    if (defect != DEFECT_NONE) {
        printf("# the planted defect was not found in %llu cases\n", (unsigned long long)cases);
        return 1;
    }
    bool ok = check_growth();
    printf("# %llu cases from seed %llu: %llu steps, %llu operations, %llu commits with crashes\n",
           (unsigned long long)cases, (unsigned long long)first, steps_run, operations_run,
           commits_run);
    return !ok;
}
