/* world_tree.h: a name space in memory: objects with identities, directories, roots with snapshots
 * that are copies with the same identities. No faults, no waiting: world_depot.c adds them. */
#ifndef COEVAL_SIM_WORLD_TREE_H
#define COEVAL_SIM_WORLD_TREE_H

#include "base/error.h"
#include "base/list.h"
#include "plan/difference.h"
#include "plan/entry.h"

#define SNAPSHOTS_NAME ".snapshot"

struct thing {
    struct thing *parent; /* NULL: the top of a tree or of a snapshot */
    char *name;
    uint64_t id;
    enum entry_type type;
    uint32_t mode;
    char owner[16], group[16];
    int64_t mtime_ms;
    char *content;
    size_t size;
    struct thing **children; /* by name */
    size_t child_count;
    bool is_root;          /* snapshots are allowed */
    struct list snapshots; /* of a root, oldest first */
    bool frozen;           /* part of a snapshot */
    bool foreign;          /* made by other people on a target */
    bool open;             /* its writer has not closed it */
};

struct frozen {
    struct list node;
    char *name;
    uint64_t id;
    int64_t instant_us;
    struct thing *top;
};

struct tree {
    struct thing *top;
    uint64_t next_id;
};

void tree_init(struct tree *tree, int64_t now_ms);
/* NULL: nothing there. Paths go through <root>/.snapshot/<name> into what is frozen. */
struct thing *tree_find(const struct tree *tree, const char *path);
struct thing *thing_child(const struct thing *directory, const char *name);
bool thing_is_below(const struct thing *node, const struct thing *top); /* or is it */
/* NULL: not in a root. */
struct thing *thing_root(struct thing *node);
const struct frozen *root_frozen(const struct thing *root, const char *name);

/* Each changes one thing at now_ms, or refuses with an error as component.h says. */
bool tree_make(struct tree *tree, const char *path, enum entry_type type, uint32_t mode,
               int64_t now_ms, struct thing **ret_node, struct error *error);
bool tree_rename(struct tree *tree, const char *from, const char *to, bool replace, int64_t now_ms,
                 struct thing **ret_replaced, struct error *error);
/* What was removed is handed out, complete, and never freed: checkers look at it. */
bool tree_remove(struct tree *tree, const char *path, bool recursive, int64_t now_ms,
                 struct thing **ret_removed, struct error *error);
void thing_set_content(struct thing *node, const void *data, size_t size);
bool tree_allow(struct tree *tree, const char *path, struct error *error);
bool tree_disallow(struct tree *tree, const char *path, struct error *error);
bool tree_freeze(struct tree *tree, const char *root, const char *name, int64_t now_us,
                 const struct frozen **ret_frozen, struct error *error);
bool tree_thaw(struct tree *tree, const char *root, const char *name, const struct frozen **ret,
               struct error *error);

/* What changed below `relative`, in the words of plan/difference.h, by identities. */
bool tree_difference(const struct thing *from, const struct thing *to, const char *relative,
                     difference_fn *fn, void *context, struct error *error);
/* Where two trees differ, without identities, in words; NULL: they are equal. */
const char *tree_compare(const struct thing *a, const struct thing *b, struct arena *arena);

#endif
