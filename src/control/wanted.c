/* wanted.c: see wanted.h. */
#include "control/wanted.h"

#include <string.h>

#include "base/json.h"

static void add(struct wanted *wanted, const struct policy *policy, const char *instance,
                const char *path, bool is_target)
{
    const char *name = is_target ? policy->pair.secondary : policy->pair.primary;
    const struct control_cluster *cluster = control_find_cluster(wanted->control, name);
    wanted->wants[wanted->count] =
        (struct root_want){.service = policy->name,
                           .cluster = name,
                           .instance = instance,
                           .path = path,
                           .area = cluster == NULL ? NULL : cluster->area};
    wanted->is_target[wanted->count++] = is_target;
}

static void add_both(struct wanted *wanted, const struct policy *policy, const char *instance,
                     const char *path, struct arena *arena)
{
    struct target_place place = target_map_apply(&policy->target_map, instance, path, arena);
    add(wanted, policy, instance, path, false);
    add(wanted, policy, place.instance, place.path, true);
}

/* What a selector with a prefix finds lies under that prefix, which is the natural common root;
 * what `all` and owners find is known when an epoch is planned, each directory its own root. */
void wanted_collect(const struct policy *policy, struct arena *arena, struct wanted *wanted)
{
    size_t most = 2 * (policy->group.data_set_count + policy->group.selector_count) + 1;
    wanted->wants = arena_new(arena, most * sizeof *wanted->wants);
    wanted->is_target = arena_new(arena, most * sizeof *wanted->is_target);
    wanted->roots = arena_new(arena, most * sizeof *wanted->roots);
    for (size_t i = 0; i < policy->group.data_set_count; i++)
        add_both(wanted, policy, policy->group.data_sets[i].instance,
                 policy->group.data_sets[i].path, arena);
    for (size_t i = 0; i < policy->group.selector_count; i++) {
        const struct group_selector *selector = &policy->group.selectors[i];
        if (selector->instance != NULL && selector->prefix != NULL)
            add_both(wanted, policy, selector->instance, selector->prefix, arena);
    }
}

/* ---- other services ------------------------------------------------------------------------- */

struct places {
    struct root_want *list;
    size_t count;
};

static size_t count_wants(struct control *control, const struct wanted *wanted)
{
    size_t count = wanted->count;
    list_for_each(service, &control->services, struct service, node)
        count += service->policy.group.data_set_count + service->policy.group.selector_count;
    return count;
}

static struct places places_new(struct control *control, const struct wanted *wanted,
                                struct arena *arena)
{
    return (struct places){
        .list = arena_new(arena, (count_wants(control, wanted) + 1) * sizeof(struct root_want))};
}

static void take_places(const struct wanted *wanted, struct places *targets, struct places *sources)
{
    for (size_t i = 0; i < wanted->count; i++) {
        struct places *places = wanted->is_target[i] ? targets : sources;
        places->list[places->count++] = wanted->wants[i];
    }
}

/* What the policy writes is no other service's, and neither writes where the other one reads. */
bool wanted_check_others(struct control *control, const struct policy *policy,
                         const struct wanted *wanted, struct arena *arena, struct error *error)
{
    struct places targets = places_new(control, wanted, arena),
                  sources = places_new(control, wanted, arena),
                  own_targets = places_new(control, wanted, arena),
                  own_sources = places_new(control, wanted, arena);
    list_for_each(service, &control->services, struct service, node) {
        struct wanted others = {.control = control};
        if (service->deleted || strcmp(service->name, policy->name) == 0)
            continue;
        wanted_collect(&service->policy, arena, &others);
        take_places(&others, &targets, &sources);
    }
    take_places(wanted, &own_targets, &own_sources);
    if (!roots_check_sources(own_targets.list, own_targets.count, sources.list, sources.count,
                             error) ||
        !roots_check_sources(targets.list, targets.count, own_sources.list, own_sources.count,
                             error))
        return false;
    for (size_t i = 0; i < own_targets.count; i++)
        targets.list[targets.count++] = own_targets.list[i];
    return roots_check_targets(targets.list, targets.count, error);
}

bool wanted_choose(struct control *control, const struct policy *policy, struct arena *arena,
                   struct wanted *ret_wanted, struct error *error)
{
    struct wanted wanted = {.control = control};
    size_t root_count = json_array_size(control->roots), index;
    json_t *item;
    wanted_collect(policy, arena, &wanted);
    struct root *roots = arena_new(arena, (root_count + 1) * sizeof *roots);
    struct root_choice *choices = arena_new(arena, (wanted.count + 1) * sizeof *choices);
    json_array_foreach(control->roots, index, item)
        roots[index] =
            (struct root){json_string_or(item, "cluster", ""), json_string_or(item, "instance", ""),
                          json_string_or(item, "root", ""), "this device"};
    if (!wanted_check_others(control, policy, &wanted, arena, error) ||
        !roots_choose(roots, root_count, wanted.wants, wanted.count, choices, error))
        return false;
    for (size_t i = 0; i < wanted.count; i++)
        wanted.roots[i] = arena_string(arena, choices[i].path);
    *ret_wanted = wanted;
    return true;
}
