/* path_map.h: paths to values, and the question that planning asks all the time: which is the
 * deepest path in here that is an ancestor of this one? */
#ifndef COEVAL_PLAN_PATH_MAP_H
#define COEVAL_PLAN_PATH_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct path_slot {
    const char *path; /* NULL: free */
    size_t length;
    uint64_t hash;
    void *value;
};

struct path_map {
    struct path_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void path_map_init(struct path_map *map);
void path_map_fini(struct path_map *map);
size_t path_map_bytes(const struct path_map *map); /* memory in use */
/* Borrows path until fini. Returns the slot of path, new (value NULL) or as it was. The slot is
 * valid until the next put. */
struct path_slot *path_map_put(struct path_map *map, const char *path);
/* NULL: not there. */
struct path_slot *path_map_get(const struct path_map *map, const char *path);
struct path_slot *path_map_get_part(const struct path_map *map, const char *path, size_t length);
/* The deepest path in the map that is path itself (only if itself) or an ancestor of it; "" is
 * everybody's. NULL: none. */
struct path_slot *path_map_above(const struct path_map *map, const char *path, bool itself);

#endif
