/* world_depot.c: acts and their faults: refused, done without an answer, done after the death of
 * who sent them. */
#include "world_depot.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/path.h"
#include "world_private.h"

void (*depot_before)(const struct act *act);
void (*depot_after)(const struct act *act);

#define LATE_MAX (3 * SECOND) /* how long after its sender's death an act may still come */

void depot_init(struct store *store, const char *cluster)
{
    *store = (struct store){.cluster = cluster};
    tree_init(&store->tree, clock_realtime_us() / 1000);
}

/* ---- on the disk ---------------------------------------------------------------------------- */

static bool set_attributes(struct act *act, struct thing *node)
{
    if (act->fields & ENTRY_OWNER) {
        memset(node->owner, 0, sizeof node->owner);
        memset(node->group, 0, sizeof node->group);
        if (act->entry.owner != NULL)
            strncpy(node->owner, act->entry.owner, sizeof node->owner - 1);
        if (act->entry.group != NULL)
            strncpy(node->group, act->entry.group, sizeof node->group - 1);
    }
    if (act->fields & ENTRY_MODE)
        node->mode = act->entry.mode;
    if (act->fields & ENTRY_TIMES)
        node->mtime_ms = act->entry.mtime_ns / 1000000;
    return true;
}

static bool append(struct act *act, struct thing *node, int64_t now_ms)
{
    char *content = memory_new(node->size + act->size + 1);
    memcpy(content, node->content, node->size);
    memcpy(content + node->size, act->data, act->size);
    thing_set_content(node, content, node->size + act->size);
    node->mtime_ms = now_ms;
    free(content);
    return true;
}

static bool change_node(struct act *act, int64_t now_ms)
{
    struct thing *node = tree_find(&act->store->tree, act->path);
    if (strstr(act->path, "/" SNAPSHOTS_NAME "/") != NULL)
        return error_set(&act->error, ERROR_DENIED, "%.80s: snapshots are read-only", act->path);
    if (node == NULL)
        return error_set(&act->error, ERROR_NOT_FOUND, "%.80s is not there", act->path);
    act->node = node;
    if (act->kind == ACT_SET)
        return set_attributes(act, node);
    if (node->type != ENTRY_FILE || (act->sender != NULL && !node->open))
        return error_set(&act->error, ERROR_CONFLICT, "%.80s is not being written", act->path);
    node->open = act->kind == ACT_APPEND && act->sender != NULL;
    return act->kind == ACT_COMPLETE || append(act, node, now_ms);
}

static bool perform(struct act *act)
{
    struct tree *tree = &act->store->tree;
    int64_t now_us = clock_realtime_us(), now_ms = now_us / 1000;
    bool done;
    switch (act->kind) {
    case ACT_MAKE:
        done = tree_make(tree, act->path, act->type, act->mode, now_ms, &act->node, &act->error);
        if (done)
            act->node->open = act->type == ENTRY_FILE;
        return done;
    case ACT_APPEND:
    case ACT_COMPLETE:
    case ACT_SET:
        return change_node(act, now_ms);
    case ACT_RENAME:
        return tree_rename(tree, act->path, act->other, act->flag, now_ms, &act->node, &act->error);
    case ACT_REMOVE:
        return tree_remove(tree, act->path, act->flag, now_ms, &act->node, &act->error);
    case ACT_ALLOW:
        return act->flag ? tree_disallow(tree, act->path, &act->error)
                         : tree_allow(tree, act->path, &act->error);
    case ACT_FREEZE:
        return tree_freeze(tree, act->path, act->other, now_us, &act->frozen, &act->error);
    case ACT_THAW:
        return tree_thaw(tree, act->path, act->other, &act->frozen, &act->error);
    }
    CHECK_UNREACHABLE();
}

static const char *act_name(enum act_kind kind)
{
    static const char *const names[] = {"make", "append", "complete", "rename", "remove",
                                        "set",  "allow",  "freeze",   "thaw"};
    return names[kind];
}

bool depot_apply(struct act *act)
{
    act->error = ERROR_NONE;
    if (depot_before != NULL && !act->store->honest)
        depot_before(act);
    bool done = perform(act);
    act->applied = true;
    if (world.trace && !act->store->honest)
        world_trace("%s%s -> %s: %s %s %s%s%s", act->sender == NULL ? "people" : act->sender->name,
                    act->sender == NULL || act->sender->alive ? "" : " (dead)", act->store->cluster,
                    act_name(act->kind), act->path, act->other == NULL ? "" : act->other,
                    done ? "" : ": ", done ? "" : act->error.text);
    if (done && depot_after != NULL && !act->store->honest)
        depot_after(act);
    return done;
}

/* ---- on the way ----------------------------------------------------------------------------- */

static int64_t latency(void)
{
    return fault(20) ? chance_ns(MS, 200 * MS) : chance_ns(MS / 10, MS);
}

static bool may_ask(struct store *store, const struct call *call, struct error *error)
{
    if (!call_take_operation(call, error))
        return false;
    if (store->honest)
        return true;
    if (store->lost) {
        fiber_sleep(50 * MS);
        return error_set(error, ERROR_UNAVAILABLE, "cluster %s does not answer", store->cluster);
    }
    return true;
}

bool depot_ask(struct store *store, const struct call *call, struct error *error)
{
    if (!may_ask(store, call, error))
        return false;
    if (store->honest)
        return true;
    fiber_sleep(latency());
    if (fault(2))
        return error_set(error, ERROR_UNAVAILABLE, "%s is busy", store->cluster);
    return true;
}

static void free_act(struct act *act)
{
    free(act->path);
    free(act->other);
    free(act->data);
    free((char *)(uintptr_t)act->entry.owner);
    free((char *)(uintptr_t)act->entry.group);
    free(act);
}

static struct act *copy_act(const struct act *wanted)
{
    struct act *act = memory_new(sizeof *act);
    *act = *wanted;
    act->path = memory_copy_string(wanted->path);
    act->other = memory_copy_string(wanted->other);
    act->entry.owner = memory_copy_string(wanted->entry.owner);
    act->entry.group = memory_copy_string(wanted->entry.group);
    act->data = memory_new(wanted->size + 1);
    if (wanted->size > 0)
        memcpy(act->data, wanted->data, wanted->size);
    return act;
}

/* It arrives. Of a dead sender some come late, most never. */
static void arrive(void *context)
{
    struct act *act = context;
    if (act->sender->alive) {
        depot_apply(act);
        fiber_wake(act);
    } else if (act->awaited && fault(600)) {
        act->awaited = false;
        event_new(NULL, chance_ns(0, LATE_MAX), arrive, act);
        world_trace("an act of dead %s will come late", act->sender->name);
    } else if (!act->awaited) {
        depot_apply(act);
        free_act(act);
    } else {
        free_act(act);
    }
}

bool depot_act(struct store *store, const struct call *call, const struct act *wanted,
               struct act *ret_act, struct error *error)
{
    struct act *act = copy_act(wanted);
    act->store = store;
    act->sender = world.loop;
    bool sent = may_ask(store, call, error);
    bool refused = sent && !store->honest && fault(2);
    if (refused)
        error_set(error, ERROR_UNAVAILABLE, "%s is busy", store->cluster);
    if (!sent || refused) {
        free_act(act);
        return false;
    }
    act->awaited = true;
    if (store->honest) {
        depot_apply(act);
    } else {
        event_new(NULL, latency(), arrive, act);
        while (!act->applied)
            fiber_wait(act);
        fiber_sleep(latency());
    }
    bool lost_reply = !store->honest && fault(3);
    bool done = act->error.code == ERROR_OK;
    *error = act->error;
    *ret_act = *act;
    free_act(act);
    if (lost_reply)
        return error_set(error, ERROR_UNCERTAIN, "no answer came from %s", store->cluster);
    return done;
}
