/* roots.c: see roots.h. */
#include "policy/roots.h"

#include <string.h>

#include "base/check.h"
#include "base/path.h"

static bool want_is_at(const struct root_want *want, const char *cluster, const char *instance)
{
    return strcmp(want->cluster, cluster) == 0 && strcmp(want->instance, instance) == 0;
}

static bool refuse_above(const struct root_want *want, const struct root *root, struct error *error)
{
    return error_set(
        error, ERROR_CONFLICT,
        "service %s: %s %s:%s lies above the snapshot root %s (%s%s), and roots cannot "
        "nest: see 'coeval root plan %s %s:%s'",
        want->service, want->cluster, want->instance, want->path, root->path,
        root->services != NULL ? "of " : "not made by Coeval",
        root->services != NULL ? root->services : "", want->cluster, want->instance, want->path);
}

static bool check_want(const struct root_want *want, struct error *error)
{
    CHECK(path_is_clean(want->path));
    if (strcmp(want->path, "/") == 0)
        return error_set(error, ERROR_INVALID,
                         "service %s: '/' of %s %s cannot be a snapshot root: name the directories "
                         "below it",
                         want->service, want->cluster, want->instance);
    if (want->area != NULL &&
        (path_is_under(want->path, want->area) || path_is_under(want->area, want->path)))
        return error_set(error, ERROR_CONFLICT,
                         "service %s: %s %s:%s and Coeval's own area %s overlap: move the area "
                         "(configuration) or the data set",
                         want->service, want->cluster, want->instance, want->path, want->area);
    return true;
}

/* An existing root that holds the data set, or one that stands in its way. */
static bool look_at_existing(const struct root *roots, size_t root_count,
                             const struct root_want *want, struct root_choice *choice,
                             struct error *error)
{
    *choice = (struct root_choice){ROOT_NEW, want->path};
    for (size_t i = 0; i < root_count; i++) {
        if (!want_is_at(want, roots[i].cluster, roots[i].instance))
            continue;
        if (path_is_under(want->path, roots[i].path))
            *choice = (struct root_choice){i, roots[i].path};
        else if (path_is_under(roots[i].path, want->path))
            return refuse_above(want, &roots[i], error);
    }
    return true;
}

bool roots_choose(const struct root *roots, size_t root_count, const struct root_want *wants,
                  size_t want_count, struct root_choice *ret_choices, struct error *error)
{
    for (size_t i = 0; i < want_count; i++)
        if (!check_want(&wants[i], error) ||
            !look_at_existing(roots, root_count, &wants[i], &ret_choices[i], error))
            return false;
    /* A wanted directory above a new root cannot lie below an existing one, so it is new as well.
     */
    for (size_t i = 0; i < want_count; i++)
        for (size_t j = 0; j < want_count; j++)
            if (ret_choices[i].existing == ROOT_NEW &&
                want_is_at(&wants[i], wants[j].cluster, wants[j].instance) &&
                path_is_under(ret_choices[i].path, wants[j].path))
                ret_choices[i].path = wants[j].path;
    return true;
}

static bool overlap(const struct root_want *a, const struct root_want *b)
{
    return want_is_at(a, b->cluster, b->instance) &&
           (path_is_under(a->path, b->path) || path_is_under(b->path, a->path));
}

bool roots_check_targets(const struct root_want *targets, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            const struct root_want *a = &targets[i], *b = &targets[j];
            if (!overlap(a, b))
                continue;
            return error_set(error, ERROR_CONFLICT,
                             "on %s, %s:%s of service %s and %s:%s of service %s overlap; a target "
                             "belongs to one service: change the target_map of one",
                             a->cluster, a->instance, a->path, a->service, b->instance, b->path,
                             b->service);
        }
    return true;
}

bool roots_check_sources(const struct root_want *targets, size_t target_count,
                         const struct root_want *sources, size_t source_count, struct error *error)
{
    for (size_t i = 0; i < target_count; i++)
        for (size_t j = 0; j < source_count; j++) {
            const struct root_want *target = &targets[i], *source = &sources[j];
            if (!overlap(target, source))
                continue;
            return error_set(error, ERROR_CONFLICT,
                             "on %s, %s:%s would be written by service %s, and service %s is "
                             "backed up from %s:%s there: change the target_map of %s, or delete "
                             "the policy of the other one",
                             target->cluster, target->instance, target->path, target->service,
                             source->service, source->instance, source->path, target->service);
        }
    return true;
}

const char *roots_common(const struct root_want *wants, size_t count, struct arena *arena)
{
    CHECK(count > 0);
    const char *common = wants[0].path;
    for (size_t i = 1; i < count; i++) {
        CHECK(want_is_at(&wants[i], wants[0].cluster, wants[0].instance));
        while (!path_is_under(wants[i].path, common))
            common = path_parent(arena, common);
    }
    return strcmp(common, "/") == 0 ? NULL : common;
}
