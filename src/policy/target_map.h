/* target_map.h: where a path of the primary lies on the secondary: rules "instance and path prefix
 * -> instance and path prefix", the longest prefix wins, everything else keeps its place. Pure.
 * One-to-one: no two source paths may land on one target path. */
#ifndef COEVAL_POLICY_TARGET_MAP_H
#define COEVAL_POLICY_TARGET_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

#define TARGET_RULES_MAX 256

struct target_rule {
    const char *instance;
    const char *from; /* absolute, clean; "/" for a whole instance */
    const char *to_instance;
    const char *to;
};

struct target_map {
    struct target_rule *rules;
    size_t rule_count;
};

struct target_place {
    const char *instance;
    const char *path;
};

/* Two rules of one source, or of one target: refused. *ret_rule is the later of the two. */
bool target_map_check(const struct target_map *map, size_t *ret_rule, struct error *error);
struct target_place target_map_apply(const struct target_map *map, const char *instance,
                                     const char *path, struct arena *arena);
/* The source of a target path; false when no source path is mapped there. */
bool target_map_invert(const struct target_map *map, const char *instance, const char *path,
                       struct arena *arena, struct target_place *ret_source);

#endif
