/* tree_model.h: a store small enough to be copied at every step: objects with identities, names,
 * attributes and times. A snapshot is a copy of the struct. Broken rules of a file system (rename
 * onto something, into itself) abort: the code under test must never ask for them. */
#ifndef COEVAL_TEST_TREE_MODEL_H
#define COEVAL_TEST_TREE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "plan/entry.h"

#define TREE_NODES 160
#define TREE_NAME 16
#define TREE_PATH 256

struct node {
    enum entry_type type; /* 0: free */
    int parent;           /* index; the top is its own */
    uint32_t id;
    uint32_t mode;
    uint32_t xattr;
    uint32_t length;
    uint32_t content;
    int64_t mtime;
    char name[TREE_NAME];
};

struct tree {
    struct node nodes[TREE_NODES]; /* 0 is the top */
    int64_t clock;
    uint32_t next_id;
    unsigned marks;      /* durable markers of a commit */
    unsigned operations; /* changes made to the store so far */
};

void tree_init(struct tree *tree, uint32_t first_id);
int tree_child(const struct tree *tree, int parent, const char *name); /* -1: none */
int tree_find(const struct tree *tree, const char *path);              /* -1: none */
int tree_by_id(const struct tree *tree, uint32_t id);                  /* -1: none */
void tree_path(const struct tree *tree, int node, char ret_path[TREE_PATH]);
bool tree_is_under(const struct tree *tree, int node, int ancestor);
int tree_count(const struct tree *tree);

/* Each is one operation and moves the clock; parents' mtimes follow. */
int tree_make(struct tree *tree, int parent, const char *name, enum entry_type type);
void tree_rename(struct tree *tree, int node, int parent, const char *name);
void tree_remove(struct tree *tree, int node);
void tree_write(struct tree *tree, int node, uint32_t length, uint32_t content);
/* Copies node of another tree with everything as it is; no identity, no children, times kept. */
int tree_copy_node(struct tree *tree, int parent, const char *name, const struct node *from);

/* Children of a node in byte order of names; returns how many. */
int tree_list(const struct tree *tree, int node, int ret_children[TREE_NODES]);
/* All objects in the order of path_compare(). */
int tree_walk(const struct tree *tree, int top, int ret_nodes[TREE_NODES]);
/* The entry borrows path and static text. */
struct entry tree_entry(const struct tree *tree, int node, const char *path, bool crc);
void tree_set(struct tree *tree, int node, const struct entry *entry, unsigned fields);

/* A random object more. */
void tree_grow(struct tree *tree, struct random *random);
/* One random change of a source, out of all kinds that a plan must survive. */
void tree_mutate(struct tree *tree, struct random *random);
void tree_print(const struct tree *tree, const char *title);

#endif
