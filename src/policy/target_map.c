/* target_map.c: see target_map.h. */
#include "policy/target_map.h"

#include <string.h>

#include "base/path.h"

/* Position of the rule with the longest source prefix; rule_count: none. */
static size_t find_rule(const struct target_map *map, const char *instance, const char *path)
{
    size_t best = map->rule_count;
    for (size_t i = 0; i < map->rule_count; i++) {
        const struct target_rule *rule = &map->rules[i];
        if (strcmp(rule->instance, instance) == 0 && path_is_under(path, rule->from) &&
            (best == map->rule_count || strlen(rule->from) > strlen(map->rules[best].from)))
            best = i;
    }
    return best;
}

/* Would the source path that `outer` sends to the target of `inner` really go there? Then two
 * source paths share it, unless it is the source of `inner` itself. Looking at these points alone
 * is enough: below them both rules run in parallel. */
static bool rules_collide(const struct target_map *map, size_t outer, size_t inner,
                          struct arena *arena)
{
    const struct target_rule *a = &map->rules[outer], *b = &map->rules[inner];
    if (strcmp(a->to_instance, b->to_instance) != 0 || !path_is_under(b->to, a->to))
        return false;
    const char *source = path_move(arena, b->to, a->to, a->from);
    if (strcmp(a->instance, b->instance) == 0 && strcmp(source, b->from) == 0)
        return false;
    return find_rule(map, a->instance, source) == outer;
}

bool target_map_check(const struct target_map *map, size_t *ret_rule, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < map->rule_count; i++)
        for (size_t j = 0; j < map->rule_count; j++) {
            const struct target_rule *a = &map->rules[i], *b = &map->rules[j];
            bool doubled =
                i < j && strcmp(a->instance, b->instance) == 0 && strcmp(a->from, b->from) == 0;
            if (i == j || (!doubled && !rules_collide(map, i, j, &arena)))
                continue;
            arena_fini(&arena);
            *ret_rule = i > j ? i : j;
            return error_set(error, ERROR_INVALID,
                             doubled ? "%s:%.80s is mapped twice (%s:%.80s)"
                                     : "%s:%.80s and %s:%.80s would share a place on the target",
                             a->instance, a->from, b->instance, b->from);
        }
    arena_fini(&arena);
    return true;
}

struct target_place target_map_apply(const struct target_map *map, const char *instance,
                                     const char *path, struct arena *arena)
{
    size_t i = find_rule(map, instance, path);
    if (i == map->rule_count)
        return (struct target_place){arena_string(arena, instance), arena_string(arena, path)};
    const struct target_rule *rule = &map->rules[i];
    return (struct target_place){arena_string(arena, rule->to_instance),
                                 path_move(arena, path, rule->from, rule->to)};
}

bool target_map_invert(const struct target_map *map, const char *instance, const char *path,
                       struct arena *arena, struct target_place *ret_source)
{
    for (size_t i = 0; i < map->rule_count; i++) {
        const struct target_rule *rule = &map->rules[i];
        if (strcmp(rule->to_instance, instance) != 0 || !path_is_under(path, rule->to))
            continue;
        const char *source = path_move(arena, path, rule->to, rule->from);
        if (find_rule(map, rule->instance, source) != i)
            continue;
        *ret_source = (struct target_place){arena_string(arena, rule->instance), source};
        return true;
    }
    if (find_rule(map, instance, path) != map->rule_count)
        return false;
    *ret_source = (struct target_place){arena_string(arena, instance), arena_string(arena, path)};
    return true;
}
