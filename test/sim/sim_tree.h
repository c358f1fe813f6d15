/* sim_tree.h: a directory tree as a store holds it: paths with a content version. Equal versions
 * are equal contents; every write makes a new one. */
#ifndef COEVAL_TEST_SIM_SIM_TREE_H
#define COEVAL_TEST_SIM_SIM_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_SIZE 64
#define STAGING ".coeval"

struct node {
    char path[PATH_SIZE];
    uint32_t id;      /* which object it is, through renames */
    uint32_t version; /* of the content; 0 for directories */
    bool is_directory;
    bool is_foreign; /* on B: made by others */
};

struct tree {
    struct node *nodes; /* in no order */
    size_t count, capacity;
};

void tree_fini(struct tree *tree);
struct tree tree_copy(const struct tree *tree);
struct node *tree_find(const struct tree *tree, const char *path);
struct node *tree_find_id(const struct tree *tree, uint32_t id);
/* False: something is there, or the parent directory is not. */
bool tree_add(struct tree *tree, const char *path, uint32_t id, uint32_t version,
              bool is_directory);
/* With all below. False: nothing is there. */
bool tree_remove(struct tree *tree, const char *path);
bool tree_remove_empty(struct tree *tree, const char *path);
/* With all below, never onto something. */
bool tree_rename(struct tree *tree, const char *from, const char *to);

bool tree_is_below(const char *path, const char *top);          /* or equal to it */
void tree_parent(const char *path, char ret_parent[PATH_SIZE]); /* "" at the top */
bool tree_is_staging(const char *path);

/* The first path in which the trees differ in type or version, staging left out on both sides, and
 * foreign nodes too unless asked for; NULL: equal. */
const char *tree_difference(const struct tree *actual, const struct tree *expected,
                            bool count_foreign);

#endif
