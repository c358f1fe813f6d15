/* plan.c: building a plan from settled changes, inverting it, deciding by looking. The file form is
 * in plan_codec.c. */
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

/* Parking takes children before parents, placing parents before children (counter-example: a parent
 * that is parked first hides the source of its child). */
static int compare_steps(const void *a, const void *b)
{
    const struct plan_step *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int order = path_compare(x->place, y->place);
    return x->kind == PLAN_PARK ? -order : order;
}

/* Deepest first, so that nothing that follows could disturb a time. */
static int compare_times(const void *a, const void *b)
{
    const struct plan_times *x = a, *y = b;
    if (x->new_path == NULL || y->new_path == NULL)
        return x->new_path != NULL   ? -1
               : y->new_path != NULL ? 1
                                     : path_compare(y->old_path, x->old_path);
    return path_compare(y->new_path, x->new_path);
}

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1)
        qsort(items, count, size, compare);
}

static void add_step(struct plan *plan, enum plan_step_kind kind, const struct change *change)
{
    bool is_park = kind == PLAN_PARK;
    plan->steps[plan->step_count++] = (struct plan_step){
        .kind = kind,
        .area = is_park || change->kind == CHANGE_MOVE ? PLAN_AREA_PARK : PLAN_AREA_NEW,
        .place = is_park ? change->old_path : change->new_path,
        .other = is_park ? change->new_path : change->old_path,
        .entries = change->entries,
        .bytes = change->bytes};
    plan->park_count += is_park;
}

static void number_steps(const struct changes *changes, struct plan *plan)
{
    sort(plan->steps, plan->step_count, sizeof *plan->steps, compare_steps);
    for (size_t i = 0; i < plan->step_count; i++) {
        struct plan_step *step = &plan->steps[i];
        const struct path_map *map =
            step->kind == PLAN_PARK ? &changes->sources : &changes->targets;
        struct change *change = path_map_get(map, step->place)->value;
        step->number = (uint32_t)i + 1;
        if (step->kind == PLAN_PARK || step->area == PLAN_AREA_NEW)
            change->step = step->number;
        step->staged = change->step;
    }
}

static void build_steps(const struct changes *changes, struct arena *arena, struct plan *plan)
{
    plan->steps = arena_new(arena, 2 * changes->count * sizeof *plan->steps);
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = changes->items[i];
        if (change->kind == CHANGE_REMOVE || change->kind == CHANGE_MOVE)
            add_step(plan, PLAN_PARK, change);
        if (change->kind == CHANGE_CREATE || change->kind == CHANGE_MOVE)
            add_step(plan, PLAN_PLACE, change);
    }
    CHECK(plan->step_count < UINT32_MAX);
    number_steps(changes, plan);
}

static void build_attributes(const struct changes *changes, struct arena *arena, struct plan *plan)
{
    plan->attributes = arena_new(arena, changes->count * sizeof *plan->attributes);
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = changes->items[i];
        if (change->kind == CHANGE_TOUCHED)
            plan->attributes[plan->attribute_count++] =
                (struct plan_attributes){.old_path = change->old_path,
                                         .new_path = change->new_path,
                                         .fields = change->fields,
                                         .base = *change->base,
                                         .now = *change->now};
    }
}

static bool build_times(const struct changes *changes, struct arena *arena, struct plan *plan,
                        struct error *error)
{
    plan->times = arena_new(arena, changes->directory_count * sizeof *plan->times);
    for (size_t i = 0; i < changes->directory_count; i++) {
        const struct change_directory *directory = &changes->directories[i];
        if (!directory->known)
            return error_set(error, ERROR_INVALID, "plan: the times of '%.150s' are not known",
                             directory->new_path != NULL ? directory->new_path
                                                         : directory->old_path);
        plan->times[plan->time_count++] =
            (struct plan_times){.old_path = directory->old_path,
                                .new_path = directory->new_path,
                                .base_mtime_ns = directory->base_mtime_ns,
                                .now_mtime_ns = directory->now_mtime_ns};
    }
    sort(plan->times, plan->time_count, sizeof *plan->times, compare_times);
    return true;
}

/* What comes to the very place where this goes: a job that writes a directory anew removes nothing,
 * one that leaves it emptied does. */
static const struct change *successor(const struct changes *changes, const struct change *removal,
                                      struct arena *arena)
{
    const char *parent = path_parent(arena, removal->old_path);
    if (parent != NULL)
        parent = changes_new_path(changes, parent, arena);
    if (parent == NULL)
        return NULL;
    const char *place = path_join(arena, parent, path_name(removal->old_path));
    const struct path_slot *slot = path_map_get(&changes->targets, place);
    return slot == NULL ? NULL : slot->value;
}

static uint64_t excess(uint64_t of, uint64_t over)
{
    return of > over ? of - over : 0;
}

static struct plan_counts count_changes(const struct changes *changes, struct arena *arena)
{
    struct plan_counts counts = {0};
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = changes->items[i];
        if (change->kind == CHANGE_CREATE) {
            counts.created_entries += change->entries;
            counts.created_bytes += change->bytes;
        } else if (change->kind == CHANGE_MOVE) {
            counts.moved++;
        } else if (change->kind == CHANGE_REMOVE && !change->replaced) {
            const struct change *next = successor(changes, change, arena);
            bool created = next != NULL && next->kind == CHANGE_CREATE;
            counts.removed_entries += excess(change->entries, created ? next->entries : 0);
            counts.removed_bytes += excess(change->bytes, created ? next->bytes : 0);
        }
    }
    return counts;
}

bool plan_build(struct changes *changes, const char *subject, struct arena *arena,
                struct plan *ret_plan, struct error *error)
{
    struct plan plan = {.subject = subject};
    build_steps(changes, arena, &plan);
    build_attributes(changes, arena, &plan);
    if (!build_times(changes, arena, &plan, error))
        return false;
    plan.counts = count_changes(changes, arena);
    *ret_plan = plan;
    return true;
}

struct plan plan_inverse(const struct plan *plan, struct arena *arena)
{
    struct plan inverse = *plan;
    inverse.inverse = !plan->inverse;
    inverse.park_count = plan->step_count - plan->park_count;
    inverse.steps = arena_new(arena, plan->step_count * sizeof *inverse.steps);
    for (size_t i = 0; i < plan->step_count; i++) {
        struct plan_step *step = &inverse.steps[i];
        *step = plan->steps[plan->step_count - 1 - i];
        step->kind = step->kind == PLAN_PARK ? PLAN_PLACE : PLAN_PARK;
    }
    inverse.attributes = arena_new(arena, plan->attribute_count * sizeof *inverse.attributes);
    for (size_t i = 0; i < plan->attribute_count; i++) {
        const struct plan_attributes *from = &plan->attributes[i];
        inverse.attributes[i] = (struct plan_attributes){.old_path = from->new_path,
                                                         .new_path = from->old_path,
                                                         .fields = from->fields,
                                                         .base = from->now,
                                                         .now = from->base};
    }
    inverse.times = arena_new(arena, plan->time_count * sizeof *inverse.times);
    for (size_t i = 0; i < plan->time_count; i++) {
        const struct plan_times *from = &plan->times[i];
        inverse.times[i] = (struct plan_times){.old_path = from->new_path,
                                               .new_path = from->old_path,
                                               .base_mtime_ns = from->now_mtime_ns,
                                               .now_mtime_ns = from->base_mtime_ns};
    }
    sort(inverse.times, inverse.time_count, sizeof *inverse.times, compare_times);
    return inverse;
}

void plan_step_name(const struct plan_step *step, char ret_name[PLAN_NAME_SIZE])
{
    snprintf(ret_name, PLAN_NAME_SIZE, "%s/%u", step->area == PLAN_AREA_PARK ? "park" : "new",
             step->staged);
}

enum plan_decision plan_step_decide(const struct plan_step *step, bool staged_exists,
                                    bool place_exists)
{
    if (step->kind == PLAN_PARK && !staged_exists && !place_exists) /* on the way back what came is
                                                                       removed: let it be gone */
        return step->area == PLAN_AREA_NEW ? PLAN_DONE : PLAN_IMPOSSIBLE;
    if (step->kind == PLAN_PARK) /* the place may have an owner again: what is parked is parked */
        return staged_exists ? PLAN_DONE : PLAN_DO;
    if (staged_exists)
        return place_exists ? PLAN_IMPOSSIBLE : PLAN_DO;
    return place_exists ? PLAN_DONE : PLAN_IMPOSSIBLE;
}

const struct plan_step *plan_step_get(const struct plan *plan, uint32_t number)
{
    if (number == 0 || number > plan->step_count)
        return NULL;
    return &plan->steps[plan->inverse ? plan->step_count - number : number - 1];
}

static int compare_place(const void *place, const void *step)
{
    return -path_compare(place, ((const struct plan_step *)step)->place);
}

bool plan_has_park(const struct plan *plan, const char *place)
{
    return plan->park_count > 0 && bsearch(place, plan->steps, plan->park_count,
                                           sizeof *plan->steps, compare_place) != NULL;
}

const char *plan_mark_name(enum plan_mark mark)
{
    static const char *const names[] = {
#define X(name, bit, text) [bit] = text,
        PLAN_MARKS(X)
#undef X
    };
    size_t bit = (size_t)__builtin_ctz(mark);
    CHECK(bit < ARRAY_LENGTH(names) && mark == 1u << bit);
    return names[bit];
}

enum plan_mark plan_phase_mark(enum plan_phase phase, bool inverse)
{
    static const enum plan_mark marks[2][PLAN_PHASE_END] = {
        {PLAN_MARK_PARKED, PLAN_MARK_PLACED, PLAN_MARK_ATTRIBUTES, PLAN_MARK_TIMES},
        {PLAN_MARK_BACK_PARKED, PLAN_MARK_BACK_PLACED, PLAN_MARK_BACK_ATTRIBUTES,
         PLAN_MARK_BACK_TIMES}};
    CHECK(phase < PLAN_PHASE_END);
    return marks[inverse][phase];
}

enum plan_phase plan_phase_next(unsigned marks)
{
    bool inverse = (marks & PLAN_MARK_BACK) != 0;
    /* Before all was parked nothing was placed, and what stands at a place is an old object that
     * must not be taken for a new one: there is nothing to take out again. */
    if (inverse && (marks & PLAN_MARK_PARKED) == 0)
        marks |= PLAN_MARK_BACK_PARKED;
    enum plan_phase phase = PLAN_PHASE_PARK;
    while (phase != PLAN_PHASE_END && (marks & plan_phase_mark(phase, inverse)) != 0)
        phase++;
    return phase;
}

static bool exceeds(uint64_t removed, uint64_t base, unsigned max_percent)
{
    return removed > 0 && (double)removed * 100.0 > (double)base * max_percent;
}

bool plan_removes_too_much(const struct plan_counts *counts, uint64_t base_entries,
                           uint64_t base_bytes, unsigned max_percent)
{
    return exceeds(counts->removed_entries, base_entries, max_percent) ||
           exceeds(counts->removed_bytes, base_bytes, max_percent);
}
