/* commit_inside.c: what the difference of a candidate does not tell: it names a directory that
 * came, and nothing below it. Somebody else may have written there after it was placed, and would
 * be sealed. */
#include <string.h>

#include "agent/commit.h"
#include "agent/manifest_file.h"
#include "base/path.h"

struct coming {
    struct commit_member *item;
    const char *place;
    struct manifest_view *view;
    struct arena arena;
};

/* What moved into it was there before, and shows in the difference by itself. */
static bool skip_moved(void *context, const char *path)
{
    struct coming *coming = context;
    const struct plan *plan = &coming->item->plan;
    if (path[0] == '\0')
        return false;
    const char *whole = path_join(&coming->arena, coming->place, path);
    for (size_t i = plan->park_count; i < plan->step_count; i++)
        if (plan->steps[i].area == PLAN_AREA_PARK && strcmp(plan->steps[i].place, whole) == 0)
            return true;
    return false;
}

static bool check_came(void *context, const struct entry *entry, struct error *error)
{
    struct coming *coming = context;
    const char *path = path_join(&coming->arena, coming->place, entry->path);
    const struct entry *expected;
    if (!manifest_chain_get(manifest_view_chain(coming->view), path, &expected, error))
        return false;
    if (expected == NULL)
        return error_set(
            error, ERROR_CONFLICT, "%s:%.80s/%.120s is not of this epoch: somebody else's",
            coming->item->member->target_instance, coming->item->member->target_path, path);
    bool drifts = (coming->item->target.component->features & COMPONENT_DRIFTING) != 0;
    /* Contents and targets of links are held against the receipt; a listing does not have them. */
    unsigned fields = entry->type == ENTRY_DIRECTORY && drifts ? 0 : ENTRY_TIMES;
    if (entry->type == expected->type && entry_compare(entry, expected, fields) == 0 &&
        (entry->type != ENTRY_FILE || entry->length == expected->length))
        return true;
    return error_set(error, ERROR_CONFLICT, "%s:%.80s/%.120s was changed by somebody else",
                     coming->item->member->target_instance, coming->item->member->target_path,
                     path);
}

/* Out of a directory that goes: a store may forget that it moved, and so does the comparison. */
static bool is_rescued(const struct plan *plan, const struct plan_step *step)
{
    for (size_t i = 0; i < plan->park_count; i++)
        if (plan->steps[i].other == NULL && path_is_under(step->other, plan->steps[i].place))
            return true;
    return false;
}

bool commit_check_placed(struct commit *commit, struct commit_member *item, struct error *error)
{
    struct coming coming = {.item = item};
    bool same = true;
    if (item->base != INTAKE_SEAL)
        return true; /* the whole tree is compared */
    if (!manifest_view_open(commit->home, &commit->call, commit->directory, item->member->id,
                            &coming.view, error))
        return false;
    arena_init(&coming.arena);
    for (size_t i = item->plan.park_count; same && i < item->plan.step_count; i++) {
        const struct plan_step *step = &item->plan.steps[i];
        coming.place = step->place;
        if (step->area == PLAN_AREA_NEW || is_rescued(&item->plan, step))
            same = store_walk(item->target, &commit->call,
                              path_join(&coming.arena, item->candidate, step->place), false,
                              skip_moved, check_came, &coming, error);
        arena_fini(&coming.arena);
    }
    manifest_view_close(coming.view);
    return same;
}
