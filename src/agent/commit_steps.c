/* commit_steps.c: the phases of a plan. Every step is one rename (or one setting of attributes)
 * that may have happened already: it is tried, and when it cannot be, what is there decides. */
#include <stdio.h>
#include <string.h>

#include "agent/commit.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/path.h"

static const char *place_of(const struct commit_member *item, const char *relative,
                            struct arena *arena)
{
    return path_join(arena, item->member->target_path, relative);
}

/* On the way back nothing that others did may be in the way for good. What was new and is lost,
 * staging and all, need not be moved; what stands where something belongs is saved. */
static bool is_mended_on_the_way_back(const struct commit_member *item,
                                      const struct plan_step *step, bool staged_exists)
{
    return (item->marks & PLAN_MARK_BACK) != 0 && (step->kind == PLAN_PARK || staged_exists);
}

/* What was on the target beside a seal is nowhere else when somebody took it away: before it was
 * parked, or with the staging. There is nothing to wait for, and the next epoch compares again. */
static bool is_gone_for_good(const struct commit *commit, const struct commit_member *item,
                             const struct plan_step *step, bool staged_exists, bool place_exists)
{
    if ((item->marks & PLAN_MARK_BACK) == 0 || step->kind != PLAN_PLACE ||
        item->base != INTAKE_LIVE || staged_exists || place_exists)
        return false;
    log_warning(LOG_AGENT, "target.gone",
                "service=%s epoch=%d place=%s: somebody else took it away, and no seal has it: it "
                "is not brought back",
                commit->task->instruction.service_name, (int)commit->task->instruction.number,
                step->place);
    return true;
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
    *ret_decision = is_gone_for_good(commit, item, step, staged_exists, place_exists)
                        ? PLAN_DONE
                        : plan_step_decide(step, staged_exists, place_exists);
    if (*ret_decision == PLAN_IMPOSSIBLE && !is_mended_on_the_way_back(item, step, staged_exists))
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
        bool is_in_the_way = decision == PLAN_IMPOSSIBLE && !parks;
        if (done && is_in_the_way)
            done = commit_save_in_the_way(commit, item, step, place, error);
        if (done && (decision == PLAN_DO || is_in_the_way))
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

unsigned commit_target_fields(const struct commit_member *item)
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
        unsigned fields = change->fields & commit_target_fields(item);
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
        /* Before a first epoch there was at most an empty top, whose times nobody noted. */
        if (times->new_path == NULL || (plan->inverse && item->base == INTAKE_EMPTY))
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
            done = (!back || commit_restage(commit, item, error)) &&
                   run_steps(commit, item, &plan, PLAN_PLACE, error);
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
