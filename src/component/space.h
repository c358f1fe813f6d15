/* space.h: the room that a store has at a path. */
#ifndef COEVAL_COMPONENT_SPACE_H
#define COEVAL_COMPONENT_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#define STORE_PLACE_SIZE 40

struct store_space {
    uint64_t free_bytes; /* for new data; UINT64_MAX: unknown */
    uint64_t free_objects;
    /* What has the same is one room: what one takes the other lacks, also as another store. "":
     * not known, for each store one of its own. */
    char place[STORE_PLACE_SIZE];
    bool shares_blocks; /* a snapshot of what lies there takes no room until that changes */
};

#endif
