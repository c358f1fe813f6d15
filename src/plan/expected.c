/* expected.c: both differences go through the same normalisation as a source's; then they are lists
 * that are equal or not. */
#include "plan/expected.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"

#define MISMATCHES_SHOWN 20

static bool say(difference_fn *emit, void *context, enum difference_kind kind, const char *path,
                const char *target, struct error *error)
{
    struct difference difference = {.kind = kind, .path = path, .target = target};
    return emit(context, &difference, error);
}

/* Before the commit, where was the directory that is now at new_path? Renames alone decide: nothing
 * is created apart from what is below a created directory. */
static const char *old_spelling(const struct path_map *moved, const char *new_path,
                                struct arena *arena)
{
    const struct path_slot *slot = path_map_above(moved, new_path, true);
    return slot == NULL ? new_path : path_move(arena, new_path, slot->path, slot->value);
}

static bool say_placed(const struct plan_step *step, const struct path_map *moved,
                       struct arena *arena, difference_fn *emit, void *context, struct error *error)
{
    const char *parent = path_parent(arena, step->place), *spelled = step->place;
    if (step->other != NULL)
        return true; /* said as a rename when it was parked */
    if (parent != NULL)
        spelled = path_join(arena, old_spelling(moved, parent, arena), path_name(step->place));
    return say(emit, context, DIFFERENCE_CREATE, spelled, NULL, error);
}

static bool say_steps(const struct plan *plan, struct path_map *moved, struct arena *arena,
                      difference_fn *emit, void *context, struct error *error)
{
    /* void * is what a map holds; nobody writes through it */
    for (size_t i = plan->park_count; i < plan->step_count; i++)
        if (plan->steps[i].other != NULL)
            path_map_put(moved, plan->steps[i].place)->value =
                arena_string(arena, plan->steps[i].other);
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        bool ok =
            step->kind == PLAN_PLACE
                ? say_placed(step, moved, arena, emit, context, error)
                : say(emit, context, step->other == NULL ? DIFFERENCE_DELETE : DIFFERENCE_RENAME,
                      step->place, step->other, error);
        if (!ok)
            return false;
    }
    return true;
}

static bool say_modified(const struct plan *plan, difference_fn *emit, void *context,
                         struct error *error)
{
    for (size_t i = 0; i < plan->attribute_count; i++)
        if (!say(emit, context, DIFFERENCE_MODIFY, plan->attributes[i].old_path, NULL, error))
            return false;
    for (size_t i = 0; i < plan->time_count; i++)
        if (plan->times[i].old_path != NULL && plan->times[i].new_path != NULL &&
            !say(emit, context, DIFFERENCE_MODIFY, plan->times[i].old_path, NULL, error))
            return false;
    return true;
}

bool expected_difference(const struct plan *plan, difference_fn *emit, void *context,
                         struct error *error)
{
    struct path_map moved;
    struct arena arena;
    CHECK(!plan->inverse);
    path_map_init(&moved);
    arena_init(&arena);
    bool ok = say_steps(plan, &moved, &arena, emit, context, error) &&
              say_modified(plan, emit, context, error);
    path_map_fini(&moved);
    arena_fini(&arena);
    return ok;
}

bool expectation_init(struct expectation *expectation, const struct plan *plan, size_t limit_bytes,
                      struct error *error)
{
    struct change_options normal = {.forget_rescues = true, .limit_bytes = limit_bytes};
    *expectation = (struct expectation){0};
    changes_init(&expectation->expected, &normal);
    changes_init(&expectation->actual, &normal);
    return expected_difference(plan, changes_add, &expectation->expected, error) &&
           changes_normalise(&expectation->expected, error);
}

bool expectation_add(void *context, const struct difference *difference, struct error *error)
{
    struct expectation *expectation = context;
    return changes_add(&expectation->actual, difference, error);
}

static void report(struct expectation *expectation, const char *what, const struct change *change)
{
    static const char *const verbs[] = {"created", "deleted", "renamed"};
    struct buffer *text = &expectation->mismatches;
    if (expectation->mismatch_count++ >= MISMATCHES_SHOWN)
        return;
    buffer_append_format(text, "%s: %s '", what, verbs[change->kind]);
    path_print(text, change->old_path != NULL ? change->old_path : change->new_path);
    if (change->kind == CHANGE_MOVE) {
        buffer_append_text(text, "' to '");
        path_print(text, change->new_path);
    }
    buffer_append_text(text, "'\n");
}

/* The order of changes->items. */
static int compare_changes(const struct change *a, const struct change *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == CHANGE_CREATE)
        return path_compare(a->new_path, b->new_path);
    int order = path_compare(a->old_path, b->old_path);
    return order != 0 || a->kind != CHANGE_MOVE ? order : path_compare(a->new_path, b->new_path);
}

static void add_touched(struct expectation *expectation, const struct change *change)
{
    expectation->touched[expectation->touched_count++] = change;
}

static void merge(struct expectation *expectation)
{
    const struct changes *expected = &expectation->expected, *actual = &expectation->actual;
    size_t i = 0, j = 0;
    while (i < expected->count || j < actual->count) {
        int order = i == expected->count ? 1
                    : j == actual->count ? -1
                                         : compare_changes(expected->items[i], actual->items[j]);
        const struct change *change = order <= 0 ? expected->items[i] : actual->items[j];
        if (change->kind == CHANGE_TOUCHED)
            add_touched(expectation, change);
        else if (order != 0)
            report(expectation, order < 0 ? "missing" : "not expected", change);
        i += order <= 0;
        j += order >= 0;
    }
}

bool expectation_finish(struct expectation *expectation, struct error *error)
{
    if (!changes_normalise(&expectation->actual, error))
        return false;
    expectation->touched = memory_new(
        (expectation->expected.count + expectation->actual.count + 1) * sizeof(struct change *));
    merge(expectation);
    return true;
}

void expectation_fini(struct expectation *expectation)
{
    changes_fini(&expectation->expected);
    changes_fini(&expectation->actual);
    buffer_fini(&expectation->mismatches);
    free(expectation->touched);
    *expectation = (struct expectation){0};
}
