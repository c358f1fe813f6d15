/* commit_restage.c: on the way back, what is in neither staging nor its place: dropped after the
 * commit's end, or lost with a staging that somebody removed. It is copied from the base seal; of a
 * target without one, moved back from where it was saved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "agent/commit.h"
#include "base/check.h"
#include "base/path.h"

struct restaging {
    struct commit *commit;
    struct commit_member *item;
    const struct plan_step *step;
    const char *source, *staged;
    struct arena arena;
};

/* ---- one object and all below it ------------------------------------------------------------ */

static bool is_parked_itself(void *context, const char *inside)
{
    struct restaging *restaging = context;
    struct arena arena;
    arena_init(&arena);
    bool parked =
        inside[0] != '\0' &&
        plan_has_park(&restaging->item->plan, path_join(&arena, restaging->step->place, inside));
    arena_fini(&arena);
    return parked;
}

static bool restage_object(void *context, const struct entry *entry, struct error *error)
{
    struct restaging *restaging = context;
    struct commit *commit = restaging->commit;
    struct store_ref ref = restaging->item->target;
    const struct component *component = ref.component;
    arena_fini(&restaging->arena);
    const char *source = path_join(&restaging->arena, restaging->source, entry->path);
    const char *target = path_join(&restaging->arena, restaging->staged, entry->path);
    struct copy_order order = {component, ref.store, source, target, entry};
    struct copy_result result;
    if (entry->type == ENTRY_DIRECTORY)
        return component->make_directory(ref.store, &commit->call, target, 0700, error);
    if (entry->type == ENTRY_SYMLINK)
        return component->make_symlink(ref.store, &commit->call, target, entry->link_target, error);
    return component->copy_file(ref.store, &commit->call, &order, &result, error);
}

/* Second pass, children before parents is not needed: nothing is created any more. */
static bool restage_attributes(void *context, const struct entry *entry, struct error *error)
{
    struct restaging *restaging = context;
    struct store_ref ref = restaging->item->target;
    arena_fini(&restaging->arena);
    const char *target = path_join(&restaging->arena, restaging->staged, entry->path);
    return ref.component->set_attributes(ref.store, &restaging->commit->call, target, entry,
                                         commit_target_fields(restaging->item), error);
}

/* Whole or not at all under its name: half of it, from a crash, lies under another. */
static bool restage_step(struct restaging *restaging, const char *parked, struct error *error)
{
    struct commit *commit = restaging->commit;
    struct commit_member *item = restaging->item;
    struct store_ref ref = item->target;
    restaging->source = path_join(&commit->arena, item->base_top, restaging->step->place);
    restaging->staged = path_join(&commit->arena, item->staging, "restaged");
    arena_init(&restaging->arena);
    bool done =
        store_remove_all(ref, &commit->call, restaging->staged, error) &&
        store_walk(ref, &commit->call, restaging->source, true, is_parked_itself, restage_object,
                   restaging, error) &&
        store_walk(ref, &commit->call, restaging->source, true, is_parked_itself,
                   restage_attributes, restaging, error) &&
        ref.component->rename(ref.store, &commit->call, restaging->staged, parked, false, error);
    arena_fini(&restaging->arena);
    return done || error_wrap(error, "bring back %.80s from the base seal", restaging->step->place);
}

/* ---- what is missing ------------------------------------------------------------------------ */

struct parked {
    bool *there; /* by the number of the name below "park" */
    uint32_t count;
};

static bool note_parked(void *context, const struct entry *entry, struct error *error)
{
    struct parked *parked = context;
    char *end;
    unsigned long number = strtoul(path_name(entry->path), &end, 10);
    (void)error;
    if (*end == '\0' && number < parked->count)
        parked->there[number] = true;
    return true;
}

/* One listing instead of a question for each step. */
static bool list_parked(struct commit *commit, struct commit_member *item, struct parked *parked,
                        struct error *error)
{
    for (size_t i = 0; i < item->plan.step_count; i++)
        if (item->plan.steps[i].staged >= parked->count)
            parked->count = item->plan.steps[i].staged + 1;
    parked->there = memory_new(parked->count + 1);
    return item->target.component->list(item->target.store, &commit->call,
                                        path_join(&commit->arena, item->staging, "park"),
                                        note_parked, parked, error);
}

/* All that was placed is out of the way by now: what stands at the place never left it. */
static bool bring_back(struct commit *commit, struct commit_member *item,
                       const struct plan_step *step, struct error *error)
{
    struct restaging restaging = {.commit = commit, .item = item, .step = step};
    char name[PLAN_NAME_SIZE];
    bool there;
    plan_step_name(step, name);
    if (!store_exists(item->target, &commit->call,
                      path_join(&commit->arena, item->member->target_path, step->place), &there,
                      error))
        return false;
    if (there)
        return true;
    if (item->base_top == NULL)
        return error_set(error, ERROR_CONFLICT, "there is no base seal to bring %.80s back from",
                         step->place);
    if (!item->restaged && !commit_mark_restaged(commit, item, error))
        return false;
    return restage_step(&restaging, path_join(&commit->arena, item->staging, name), error);
}

static bool bring_back_missing(struct commit *commit, struct commit_member *item,
                               struct error *error)
{
    struct parked parked = {0};
    bool done = list_parked(commit, item, &parked, error);
    for (size_t i = 0; done && i < item->plan.step_count; i++) {
        const struct plan_step *step = &item->plan.steps[i];
        if (step->kind == PLAN_PARK && !parked.there[step->staged])
            done = call_may_go_on(&commit->call, error) && bring_back(commit, item, step, error);
    }
    free(parked.there);
    return done;
}

/* What was there before a first or restored epoch is nowhere else: it was saved just before
 * `cleaned` was marked, and may have been brought back just before a crash. */
bool commit_prepare_back(struct commit *commit, struct commit_member *item, struct error *error)
{
    const char *park = path_join(&commit->arena, item->staging, "park");
    const char *new_top = path_join(&commit->arena, item->staging, "new");
    if ((item->marks & PLAN_MARK_BACK_PLACED) != 0)
        return true;
    return store_make_directories(item->target, &commit->call, new_top, 0700, error) &&
           (item->base == INTAKE_LIVE
                ? commit_unsave(commit, item, error)
                : store_make_directories(item->target, &commit->call, park, 0700, error));
}

bool commit_restage(struct commit *commit, struct commit_member *item, struct error *error)
{
    return item->base == INTAKE_LIVE || bring_back_missing(commit, item, error);
}
