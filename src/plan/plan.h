/* plan.h: the ordered steps that turn one member of a target from its base into the new state, and
 * back. A plan needs nothing but itself: whoever finds it beside the staging directory finishes the
 * commit or rolls it back, by looking.
 *
 *   PARK        place -> staging "park/<n>"    children before parents: no place has moved yet
 *   PLACE       staging "park/<n>", "new/<n>" -> place     parents before children
 *   ATTRIBUTES  objects whose content stayed
 *   TIMES       mtimes of directories, deepest first, because the renames have changed them
 *
 * A durable marker follows each phase (plan_phase_next). The inverse of a plan is a plan. */
#ifndef COEVAL_PLAN_PLAN_H
#define COEVAL_PLAN_PLAN_H

#include "plan/change.h"

enum plan_step_kind { PLAN_PARK = 1, PLAN_PLACE = 2 };
enum plan_area { PLAN_AREA_PARK = 1, PLAN_AREA_NEW = 2 };

struct plan_step {
    enum plan_step_kind kind;
    uint32_t number; /* from 1, in the order of the forward direction */
    enum plan_area area;
    uint32_t staged;   /* the name in staging: "<area>/<staged>" */
    const char *place; /* relative to the member */
    const char *other; /* of what moves: its place at the other end; NULL: it goes or comes */
    uint64_t entries;  /* what goes or comes, below it included */
    uint64_t bytes;
};

struct plan_attributes {
    const char *old_path;
    const char *new_path; /* set `now` here */
    unsigned fields;
    struct entry base;
    struct entry now;
};

struct plan_times {
    const char *old_path; /* NULL: not in the base */
    const char *new_path; /* set now_mtime_ns here; NULL: nothing to do in this direction */
    int64_t base_mtime_ns;
    int64_t now_mtime_ns;
};

struct plan_counts {
    uint64_t removed_entries; /* gone for good: without what comes again at the same place */
    uint64_t removed_bytes;
    uint64_t created_entries; /* staged, replacements included */
    uint64_t created_bytes;
    uint64_t moved; /* objects renamed */
};

struct plan {
    const char *subject; /* whose plan it is, in full: pair, service, epoch, member */
    bool inverse;
    struct plan_step *steps; /* in the order of execution: first all PARK, then all PLACE */
    size_t step_count;
    size_t park_count;
    struct plan_attributes *attributes;
    size_t attribute_count;
    struct plan_times *times; /* those with a new_path first, in the order of execution */
    size_t time_count;
    struct plan_counts counts; /* of the forward direction */
};

/* From settled changes whose directories are all known. The plan lives in the arena and borrows
 * from the changes. */
bool plan_build(struct changes *changes, const char *subject, struct arena *arena,
                struct plan *ret_plan, struct error *error);
/* Back from wherever the forward plan stopped; borrows from the plan. What was dropped after the
 * commit must be staged again first, from the base seal: see plan_has_park(). */
struct plan plan_inverse(const struct plan *plan, struct arena *arena);

#define PLAN_NAME_SIZE 24
void plan_step_name(const struct plan_step *step, char ret_name[PLAN_NAME_SIZE]); /* "park/3" */

/* What to do about a step, from what is there now. IMPOSSIBLE: neither end is as it must be:
 * somebody else was here. Of what came (and goes again in an inverse plan) nothing need be left. */
enum plan_decision { PLAN_DO, PLAN_DONE, PLAN_IMPOSSIBLE };
enum plan_decision plan_step_decide(const struct plan_step *step, bool staged_exists,
                                    bool place_exists);
/* NULL: the plan has no such step. At the cost of one look, however many steps there are. */
const struct plan_step *plan_step_get(const struct plan *plan, uint32_t number);
/* Is there a PARK step of exactly this place? Who stages a lost "park/<n>" again from the base seal
 * leaves such places, and all below them, out. */
bool plan_has_park(const struct plan *plan, const char *place);

/* Markers, each durable before the next phase begins. BACK is the decision to roll back and never
 * taken back itself. */
#define PLAN_MARKS(X)                        \
    X(PARKED, 0, "parked")                   \
    X(PLACED, 1, "placed")                   \
    X(ATTRIBUTES, 2, "attributes")           \
    X(TIMES, 3, "times")                     \
    X(BACK, 4, "back")                       \
    X(BACK_PARKED, 5, "back-parked")         \
    X(BACK_PLACED, 6, "back-placed")         \
    X(BACK_ATTRIBUTES, 7, "back-attributes") \
    X(BACK_TIMES, 8, "back-times")

enum plan_mark {
#define X(name, bit, text) PLAN_MARK_##name = 1 << bit,
    PLAN_MARKS(X)
#undef X
};
const char *plan_mark_name(enum plan_mark mark);

enum plan_phase {
    PLAN_PHASE_PARK,
    PLAN_PHASE_PLACE,
    PLAN_PHASE_ATTRIBUTES,
    PLAN_PHASE_TIMES,
    PLAN_PHASE_END
};
/* The phase to run (again) with these marks present; of the inverse plan once BACK is among them.
 */
enum plan_phase plan_phase_next(unsigned marks);
/* The marker to write when that phase is through. */
enum plan_mark plan_phase_mark(enum plan_phase phase, bool inverse);

/* The shrink guard: does the plan remove more than so many per cent of what the member has, in
 * entries or in bytes? */
bool plan_removes_too_much(const struct plan_counts *counts, uint64_t base_entries,
                           uint64_t base_bytes, unsigned max_percent);

/* The whole file "plan" of the area. decode copies into the arena. */
void plan_encode(const struct plan *plan, struct buffer *buffer);
bool plan_decode(const void *data, size_t size, struct arena *arena, struct plan *ret_plan,
                 struct error *error);

#endif
