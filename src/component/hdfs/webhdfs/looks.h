/* looks.h: which NameNode answered what a thread has read, one look for each store and thread. It
 * goes with the thread or with the store, whichever ends first. Private to webhdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_LOOKS_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_LOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* Its thread's own; nobody else reads or writes what follows the links. */
struct look {
    struct list of_store, of_thread;
    struct list *store; /* the list that of_store is in */
    uint64_t scope;     /* of the calls that read; reads of another are forgotten */
    bool any, mixed;
    unsigned node;
    uint64_t switches;
};

/* looks: the store's list. No thread may be inside a call of the store when it is ended. */
void looks_init(struct list *looks);
void looks_fini(struct list *looks);
/* The calling thread's look at this store, made when there is none. */
struct look *look_of_thread(struct list *looks);

#endif
