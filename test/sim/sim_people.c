/* sim_people.c: the users of the source, who never stop changing it, and the operator, who answers
 * questions and sometimes interferes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sim_chaos.h"
#include "sim_checker.h"
#include "sim_control.h"

#define NODES_MAX 24

static struct node *any_node(struct world *world, struct tree *tree, bool directory)
{
    for (int i = 0; i < 8 && tree->count > 0; i++) {
        struct node *node = &tree->nodes[random_below(&world->random, tree->count)];
        if (node->is_directory == directory)
            return node;
    }
    return NULL;
}

static int depth(const char *path)
{
    int count = 0;
    for (; *path != '\0'; path++)
        count += *path == '/';
    return count;
}

/* A place for something new: few names, so that old ones come again. */
static void choose_place(struct world *world, struct tree *tree, char ret_path[PATH_SIZE])
{
    const struct node *parent = any_node(world, tree, true);
    char name[2 * PATH_SIZE];
    bool inside = parent != NULL && depth(parent->path) < 3 && coin(world, 700);
    snprintf(name, sizeof name, "%s%s%c", inside ? parent->path : "", inside ? "/" : "",
             (char)('a' + random_below(&world->random, 6)));
    CHECK(strlen(name) < PATH_SIZE);
    memcpy(ret_path, name, PATH_SIZE);
}

static void add_node(struct world *world, struct tree *tree, bool directory)
{
    char path[PATH_SIZE];
    choose_place(world, tree, path);
    tree_add(tree, path, world->chaos->next_id++, directory ? 0 : world->chaos->next_version++,
             directory);
}

static void rename_node(struct world *world, struct tree *tree)
{
    const struct node *node = any_node(world, tree, coin(world, 500));
    char from[PATH_SIZE], to[PATH_SIZE];
    if (node == NULL)
        return;
    memcpy(from, node->path, sizeof from);
    choose_place(world, tree, to);
    for (size_t i = 0; i < tree->count; i++)
        if (tree_is_below(tree->nodes[i].path, from) &&
            depth(tree->nodes[i].path) - depth(from) + depth(to) > 6)
            return;
    tree_rename(tree, from, to);
}

/* The nasty one: a directory goes, and what was in it lives on elsewhere, or under its name. */
static void rescue_and_delete(struct world *world, struct tree *tree)
{
    const struct node *directory = any_node(world, tree, true);
    char top[PATH_SIZE], to[PATH_SIZE];
    if (directory == NULL)
        return;
    memcpy(top, directory->path, sizeof top);
    choose_place(world, tree, to);
    for (size_t i = 0; i < tree->count; i++) {
        char from[PATH_SIZE];
        if (strcmp(tree->nodes[i].path, top) == 0 || !tree_is_below(tree->nodes[i].path, top))
            continue;
        memcpy(from, tree->nodes[i].path, sizeof from);
        if (!tree_is_below(to, top))
            tree_rename(tree, from, to);
        break;
    }
    tree_remove(tree, top);
}

/* The node is part of what is removed: its path must outlive it. */
static void remove_node(struct tree *tree, const struct node *node)
{
    char path[PATH_SIZE];
    memcpy(path, node->path, sizeof path);
    tree_remove(tree, path);
}

static void change(struct world *world, struct tree *tree)
{
    unsigned kind = (unsigned)random_below(&world->random, 100);
    struct node *node;
    if (kind < 30 && tree->count < NODES_MAX)
        add_node(world, tree, kind < 10);
    else if (kind < 50 && (node = any_node(world, tree, false)) != NULL)
        node->version = world->chaos->next_version++;
    else if (kind < 60 && (node = any_node(world, tree, false)) != NULL)
        remove_node(tree, node);
    else if (kind < 85)
        rename_node(world, tree);
    else if (kind < 95)
        rescue_and_delete(world, tree);
    else if ((node = any_node(world, tree, true)) != NULL && coin(world, 300))
        remove_node(tree, node);
}

void writer_fill(struct world *world)
{
    struct cluster *a = world->clusters[AGENT_A];
    for (int member = 0; member < a->member_count; member++) {
        for (int i = 0; i < 30; i++)
            if (a->live[member].count < NODES_MAX / 2)
                add_node(world, &a->live[member], coin(world, 300));
        check_remember_source(world, member);
    }
}

static void writer(struct world *world, void *unused)
{
    struct cluster *a = world->clusters[AGENT_A];
    int member = (int)random_below(&world->random, (uint64_t)a->member_count);
    (void)unused;
    if (a->is_lost)
        return;
    change(world, &a->live[member]);
    check_remember_source(world, member);
    later(world, chance_us(world, 20 * MS, 600 * MS), NOBODY, writer, NULL, NULL);
}

static void order(struct world *world, uint64_t number, enum epoch_event_kind verb)
{
    trace(world, "operator: %s e%" PRIu64, epoch_event_name(verb), number);
    control_event(world, number, &(struct epoch_event){.kind = verb, .reason = "drill"});
}

static void answer(struct world *world, const struct epoch *epoch)
{
    bool early = epoch->state <= EPOCH_RECEIVED;
    bool curious = mishap(world, 30);
    if (epoch->question != EPOCH_QUESTION_NONE)
        order(world, epoch->number,
              !mishap(world, 300) ? EPOCH_EVENT_APPROVE
              : early             ? EPOCH_EVENT_ABANDON
                                  : EPOCH_EVENT_ROLLBACK);
    else if (epoch->state == EPOCH_STUCK)
        order(world, epoch->number, coin(world, 600) ? EPOCH_EVENT_RESUME : EPOCH_EVENT_ROLLBACK);
    else if (curious && !epoch_is_final(epoch) && epoch->state != EPOCH_SEALED)
        order(world, epoch->number, coin(world, 500) ? EPOCH_EVENT_ABANDON : EPOCH_EVENT_ROLLBACK);
}

static void operator_looks(struct world *world, void *unused)
{
    struct control *control = world->control;
    (void)unused;
    later(world, chance_us(world, 200 * MS, 2 * SECOND), NOBODY, operator_looks, NULL, NULL);
    if (!world->is_up[CONTROL] || control->recovering)
        return;
    for (size_t i = 0; i < control->epoch_count; i++)
        answer(world, control->epochs[i]);
}

void people_start(struct world *world)
{
    later(world, 100 * MS, NOBODY, writer, NULL, NULL);
    later(world, SECOND, NOBODY, operator_looks, NULL, NULL);
}
