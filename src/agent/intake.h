/* intake.h: one member on its way from A's snapshot to B: what must change (intake_plan), the bytes
 * into staging (intake_copy), plan and receipt beside the seal's place (intake_close). Used by pull
 * on B and push on A alike: it only knows a source and a target store. */
#ifndef COEVAL_AGENT_INTAKE_H
#define COEVAL_AGENT_INTAKE_H

#include "agent/member.h"
#include "plan/change.h"
#include "plan/plan.h"

/* From what state of the target the plan starts, and so how the seal is verified. */
enum intake_base {
    INTAKE_EMPTY, /* first epoch, nothing there */
    INTAKE_SEAL,  /* the base seal; the stored difference tells the change */
    INTAKE_LIVE   /* compared entry by entry with what lies there (adopted, restored, base lost) */
};
const char *intake_base_name(enum intake_base base);
bool intake_base_from_name(const char *name, enum intake_base *ret_base);

/* The seal that B's tree stands on: the base, or a later one that A could not keep. */
struct intake_standing {
    bool there;
    bool is_base;
    const char *directory;   /* of its epoch, in B's area */
    const char *snapshot;    /* on B */
    const char *top;         /* the member in it */
    bool is_new;             /* the group had no such member then */
    bool excludes_changed;   /* what was left out then is not what is left out now */
    bool frozen;             /* its snapshot lies on B */
    const char *damage;      /* why it cannot be built on although it is there; NULL: nothing */
    bool open_files;         /* some may have been open at its T, and the store let them grow */
    bool counted;            /* its seal tells the next two */
    uint64_t entries, bytes; /* of the member; else of what lay there, as compared */
};

struct intake {
    struct task *task;
    const struct member *member;
    struct call call;
    struct arena arena;
    struct store_ref source, target, home_a, home_b;
    const char *source_top;      /* the member in A's snapshot */
    const char *source_base_top; /* ... in A's snapshot of the base; NULL */
    const char *target_top;      /* the member on B */
    const char *target_base_top; /* ... in B's base seal; NULL */
    const char *staging;         /* <root>/.coeval/<...> */
    const char *directory;       /* the epoch's directory in B's area */
    const char *subject;
    struct exclusions exclusions;
    enum intake_base base;
    struct intake_standing standing;
    uint64_t noted_entries, noted_bytes; /* compared, or whole: of the source, as listed */
    unsigned fields;                     /* attributes that both stores carry */
    struct changes changes;
    bool changes_made;
    struct manifest_view *held; /* what B holds, when a sweep asked; else NULL */
    bool base_failed;           /* reading the base's snapshot found it damaged */
    struct plan plan;
    /* after intake_copy: */
    uint64_t files, bytes, entries;
};

/* Paths and stores; no call to a store yet. */
bool intake_init(struct intake *intake, struct task *task, const struct member *member,
                 struct error *error);
void intake_fini(struct intake *intake);
/* Looks at the target (touched? empty?), reads or makes the difference, judges, builds the plan,
 * and holds it against the shrink guard. May end in a question. */
bool intake_plan(struct intake *intake, struct error *error);
/* Everything the plan brings lies in staging, with its attributes; the receipt lies in B's area. */
bool intake_copy(struct intake *intake, struct error *error);
/* The plan as a file of B's area. */
bool intake_keep_plan(struct intake *intake, struct error *error);

/* intake_changes.c: fills intake->changes, settled, with times and counts. */
bool intake_find_changes(struct intake *intake, struct error *error);
/* intake_sweep.c: is one due, by order or because files were open at the base's T; and its finds,
 * between the normalising and the judging of changes. CONFLICT: B cannot hold what its seal says.
 */
bool intake_wants_sweep(const struct intake *intake);
bool intake_sweep(struct intake *intake, struct error *error);
/* What B holds, after a sweep. Valid until the next call. */
bool intake_held_entry(struct intake *intake, const char *old_path, const struct entry **ret_entry,
                       struct error *error);

/* intake_target.c: what lies on the target, and whether it may be built on. */
bool intake_look_at_target(struct intake *intake, struct error *error);
/* The base is of no use: compared with what lies there, when the policy or the operator says so. */
bool intake_lose_base(struct intake *intake, struct error *error);
bool intake_is_whole(const struct intake *intake); /* mode full: all comes anew */
/* Has anybody written there since the standing seal? Of the intake it needs target, standing,
 * member, target_top, fields and call; example: one change, for people. */
bool intake_is_touched(struct intake *intake, bool *ret_touched, char ret_example[200],
                       struct error *error);

#endif
