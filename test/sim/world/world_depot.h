/* world_depot.h: the disk of one cluster: a tree, and the acts that change it. An act is one
 * mutation on its way: it outlives the process that sent it, and its answer may be lost. */
#ifndef COEVAL_SIM_WORLD_DEPOT_H
#define COEVAL_SIM_WORLD_DEPOT_H

#include "component/component.h"
#include "world.h"
#include "world_tree.h"

struct store {
    const char *cluster;
    struct tree tree;
    bool lost;   /* for good: nothing answers any more */
    bool honest; /* never a fault: the contract test */
};

enum act_kind {
    ACT_MAKE, /* a directory, or an empty file that is open */
    ACT_APPEND,
    ACT_COMPLETE,
    ACT_RENAME,
    ACT_REMOVE,
    ACT_SET,
    ACT_ALLOW,
    ACT_FREEZE,
    ACT_THAW
};

struct act {
    enum act_kind kind;
    struct store *store;
    struct loop *sender; /* NULL: other people */
    char *path;
    char *other; /* rename: to; snapshots: the name */
    enum entry_type type;
    uint32_t mode;
    bool flag; /* replace, recursive */
    unsigned fields;
    struct entry entry;
    char *data;
    size_t size;
    /* once applied: */
    bool applied;
    bool awaited; /* the sender waits for it */
    struct error error;
    struct thing *node; /* made, replaced or removed */
    const struct frozen *frozen;
};

/* The disk changes now; checkers look. False with act->error. */
bool depot_apply(struct act *act);
/* In a fiber: sends it, waits for the answer; a fault may come in between. */
bool depot_act(struct store *store, const struct call *call, const struct act *wanted,
               struct act *ret_act, struct error *error);
/* A read: waits for its turn. */
bool depot_ask(struct store *store, const struct call *call, struct error *error);

void depot_init(struct store *store, const char *cluster);
extern const struct component world_component;
/* world_moment.c, for the table */
bool world_moment_prepare(struct store *store, const struct call *call, struct moment_root *roots,
                          size_t root_count, const struct moment_options *options,
                          struct moment **ret_moment, struct error *error);
void world_moment_fire(struct moment *moment);
bool world_moment_finish(struct moment *moment, const struct call *call, struct error *error);
void world_moment_free(struct moment *moment);

/* Who looks at each change of a disk, before and after it; NULL: nobody. */
extern void (*depot_before)(const struct act *act);
extern void (*depot_after)(const struct act *act);

#endif
