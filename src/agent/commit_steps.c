/* commit_steps.c: the phases of a plan. Every step is one rename (or one setting of attributes)
 * that may have happened already: it is tried, and when it cannot be, what is there decides. */
#include <stdio.h>
#include <string.h>

#include "agent/commit.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/path.h"

static const char *place_of(const struct commit_member *item, const char *relative,
                            struct arena *arena)
{
    return path_join(arena, item->member->target_path, relative);
}

static bool look_and_decide(struct commit *commit, struct commit_member *item,
                            const struct plan_step *step, const char *staged, const char *place,
                            enum plan_decision *ret_decision, struct error *error)
{
    bool staged_exists, place_exists;
    if (!store_exists(item->target, &commit->call, staged, &staged_exists, error) ||
        !store_exists(item->target, &commit->call, place, &place_exists, error) ||
        !item->target.component->confirm(item->target.store, &commit->call, error))
        return false;
    *ret_decision = plan_step_decide(step, staged_exists, place_exists);
    if (*ret_decision == PLAN_IMPOSSIBLE)
        return error_set(error, ERROR_CONFLICT,
                         "step %u cannot be done: %.100s is %s and %.40s is %s: somebody else "
                         "changed the target",
                         step->number, place, place_exists ? "there" : "missing",
                         staged + strlen(item->staging), staged_exists ? "there" : "missing");
    return true;
}

static bool run_step(struct commit *commit, struct commit_member *item,
                     const struct plan_step *step, struct error *error)
{
    struct arena arena;
    char name[PLAN_NAME_SIZE];
    struct error failure = ERROR_NONE;
    arena_init(&arena);
    plan_step_name(step, name);
    const char *staged = path_join(&arena, item->staging, name);
    const char *place = place_of(item, step->place, &arena);
    bool parks = step->kind == PLAN_PARK;
    const char *from = parks ? place : staged, *to = parks ? staged : place;
    bool done = item->target.component->rename(item->target.store, &commit->call, from, to, false,
                                               &failure);
    if (!done) {
        enum plan_decision decision = PLAN_IMPOSSIBLE;
        bool may_be_done = failure.code == ERROR_NOT_FOUND || failure.code == ERROR_EXISTS ||
                           failure.code == ERROR_UNCERTAIN;
        *error = failure;
        done = may_be_done && look_and_decide(commit, item, step, staged, place, &decision, error);
        if (done && decision == PLAN_DO)
            done = item->target.component->rename(item->target.store, &commit->call, from, to,
                                                  false, error);
    }
    arena_fini(&arena);
    return done || error_wrap(error, "%s %.80s", parks ? "park" : "place", step->place);
}

static bool run_steps(struct commit *commit, struct commit_member *item, const struct plan *plan,
                      enum plan_step_kind kind, struct error *error)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].kind != kind)
            continue;
        if (!call_may_go_on(&commit->call, error) ||
            !run_step(commit, item, &plan->steps[i], error))
            return false;
        crash_point(kind == PLAN_PARK ? "agent.commit.park-step" : "agent.commit.place-step",
                    task_scope(commit->task));
    }
    return true;
}

static unsigned target_fields(const struct commit_member *item)
{
    unsigned features = item->target.component->features, fields = ENTRY_TIMES;
    fields |= features & COMPONENT_MODE ? ENTRY_MODE | ENTRY_OWNER : 0;
    fields |= features & COMPONENT_ACL ? ENTRY_ACL : 0;
    fields |= features & COMPONENT_XATTRS ? ENTRY_XATTRS : 0;
    fields |= features & COMPONENT_REPLICATION ? ENTRY_REPLICATION | ENTRY_POLICY : 0;
    return fields;
}

static bool run_attributes(struct commit *commit, struct commit_member *item,
                           const struct plan *plan, struct error *error)
{
    struct arena arena;
    bool done = true;
    arena_init(&arena);
    for (size_t i = 0; done && i < plan->attribute_count; i++) {
        const struct plan_attributes *change = &plan->attributes[i];
        unsigned fields = change->fields & target_fields(item);
        /* What was adopted without a base had nobody's attributes: there is nothing to go back to.
         */
        if (fields == 0 || change->new_path == NULL || change->now.owner == NULL ||
            change->now.owner[0] == '\0')
            continue;
        done = call_may_go_on(&commit->call, error) &&
               item->target.component->set_attributes(item->target.store, &commit->call,
                                                      place_of(item, change->new_path, &arena),
                                                      &change->now, fields, error);
        arena_fini(&arena);
    }
    arena_fini(&arena);
    return done || error_wrap(error, "attributes");
}

static bool run_times(struct commit *commit, struct commit_member *item, const struct plan *plan,
                      struct error *error)
{
    struct arena arena;
    bool done = true;
    arena_init(&arena);
    for (size_t i = 0; done && i < plan->time_count; i++) {
        const struct plan_times *times = &plan->times[i];
        if (times->new_path == NULL || times->now_mtime_ns == 0)
            continue;
        struct entry entry = {.path = "", .type = ENTRY_DIRECTORY, .mtime_ns = times->now_mtime_ns};
        done = call_may_go_on(&commit->call, error) &&
               item->target.component->set_attributes(item->target.store, &commit->call,
                                                      place_of(item, times->new_path, &arena),
                                                      &entry, ENTRY_TIMES, error);
        arena_fini(&arena);
    }
    arena_fini(&arena);
    return done || error_wrap(error, "times");
}

bool commit_run_phases(struct commit *commit, struct commit_member *item, struct error *error)
{
    bool back = (item->marks & PLAN_MARK_BACK) != 0;
    struct plan plan = back ? plan_inverse(&item->plan, &commit->arena) : item->plan;
    for (;;) {
        enum plan_phase phase = plan_phase_next(item->marks);
        bool done = true;
        switch (phase) {
        case PLAN_PHASE_PARK:
            done = run_steps(commit, item, &plan, PLAN_PARK, error);
            break;
        case PLAN_PHASE_PLACE:
            done = run_steps(commit, item, &plan, PLAN_PLACE, error);
            break;
        case PLAN_PHASE_ATTRIBUTES:
            done = run_attributes(commit, item, &plan, error);
            break;
        case PLAN_PHASE_TIMES:
            done = run_times(commit, item, &plan, error);
            break;
        case PLAN_PHASE_END:
            return true;
        }
        enum plan_mark mark = plan_phase_mark(phase, back);
        if (!done || !commit_mark(commit, item, mark, error))
            return error_wrap(error, "%s:%s", item->member->target_instance,
                              item->member->target_path);
        char point[64];
        snprintf(point, sizeof point, "agent.commit.%s", plan_mark_name(mark));
        crash_point(point, task_scope(commit->task));
    }
}

/* ---- back, after what was parked is gone ---------------------------------------------------- */

struct restaging {
    struct commit *commit;
    struct commit_member *item;
    const struct plan_step *step;
    const char *source, *staged;
    struct arena arena;
};

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
                                         target_fields(restaging->item), error);
}

static bool restage_step(struct commit *commit, struct commit_member *item,
                         const struct plan_step *step, struct error *error)
{
    struct restaging restaging = {.commit = commit, .item = item, .step = step};
    char name[PLAN_NAME_SIZE];
    bool there;
    plan_step_name(step, name);
    restaging.source = path_join(&commit->arena, item->base_top, step->place);
    restaging.staged = path_join(&commit->arena, item->staging, name);
    if (!store_exists(item->target, &commit->call, restaging.staged, &there, error))
        return false;
    if (there && !store_remove_all(item->target, &commit->call, restaging.staged, error))
        return false; /* perhaps half of it, from a crash: again from the start */
    arena_init(&restaging.arena);
    bool done = store_walk(item->target, &commit->call, restaging.source, true, is_parked_itself,
                           restage_object, &restaging, error) &&
                store_walk(item->target, &commit->call, restaging.source, true, is_parked_itself,
                           restage_attributes, &restaging, error);
    arena_fini(&restaging.arena);
    return done || error_wrap(error, "bring back %.80s from the base seal", step->place);
}

/* What was there before a first or restored epoch is nowhere else: it was saved just before
 * `cleaned` was marked, and may have been brought back just before a crash. */
static bool unsave(struct commit *commit, struct commit_member *item, const char *park,
                   struct error *error)
{
    bool saved;
    if (!store_exists(item->target, &commit->call, item->saved, &saved, error))
        return false;
    return !saved || item->target.component->rename(item->target.store, &commit->call, item->saved,
                                                    park, false, error);
}

bool commit_restage(struct commit *commit, struct commit_member *item, struct error *error)
{
    const char *park = path_join(&commit->arena, item->staging, "park");
    const char *new_top = path_join(&commit->arena, item->staging, "new");
    if ((item->marks & PLAN_MARK_BACK_PARKED) != 0)
        return true;
    if (item->base == INTAKE_LIVE)
        return store_make_directories(item->target, &commit->call, new_top, 0700, error) &&
               unsave(commit, item, park, error);
    if (!item->cleaned)
        return true;
    if (!store_make_directories(item->target, &commit->call, new_top, 0700, error) ||
        !store_make_directories(item->target, &commit->call, park, 0700, error))
        return false;
    for (size_t i = 0; i < item->plan.step_count; i++) {
        const struct plan_step *step = &item->plan.steps[i];
        /* What moved is at its new place; only what went must come back. */
        if (step->kind != PLAN_PARK || step->other != NULL)
            continue;
        if (item->base_top == NULL)
            return error_set(error, ERROR_CONFLICT,
                             "there is no base seal to bring %.80s back from", step->place);
        if (!restage_step(commit, item, step, error))
            return false;
    }
    return true;
}
