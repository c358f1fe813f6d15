/* commit.h: an epoch on its way from received to sealed, or back, on B alone. Everything it needs
 * lies in B's area (received.json, plans, receipts, markers) and in staging; what was done already
 * is found by looking. */
#ifndef COEVAL_AGENT_COMMIT_H
#define COEVAL_AGENT_COMMIT_H

#include "agent/intake.h"
#include "agent/member.h"
#include "plan/manifest.h"
#include "plan/plan.h"

struct commit_member {
    const struct member *member;
    struct store_ref target;
    enum intake_base base;
    unsigned fields; /* ENTRY_* that both stores carry */
    const char *staging;
    const char *saved;     /* in the area: what a first or restored epoch replaced */
    const char *candidate; /* the member in the seal snapshot */
    const char *base_top;  /* the member in the base seal; NULL */
    struct plan plan;
    unsigned marks; /* PLAN_MARK_* that are durable */
    bool cleaned;   /* staging and what was parked are gone */
    bool restaged;  /* parts came back from the base seal: other objects with the same content */
    bool touched; /* others had written when it began, and the operator or the policy said: go on */
    /* by commit_write_manifest(): */
    bool is_full;
    const char *parent; /* "g1.e4" */
    struct digest digest;
    struct manifest_state state;
};

struct commit {
    struct task *task;
    struct call call;
    struct arena arena;
    struct store_ref home;      /* B's area */
    const char *directory;      /* of this epoch */
    const char *snapshot;       /* A's; the seal snapshots' name begins with it */
    const char *candidate;      /* the seal snapshots' name; NULL: none was taken yet */
    const char *base_snapshot;  /* NULL: none */
    const char *base_directory; /* of the base epoch in the area; NULL */
    struct members members;
    struct commit_member *list;
    struct member_roots roots;
    json_t *received;
};

/* Reads received.json, plans and markers. ERROR_NOT_FOUND: nothing was received. */
bool commit_load(struct commit *commit, struct task *task, struct error *error);
void commit_fini(struct commit *commit);
const char *commit_path(struct commit *commit, const char *name); /* in the epoch's directory */
bool commit_mark(struct commit *commit, struct commit_member *item, enum plan_mark mark,
                 struct error *error);
bool commit_mark_restaged(struct commit *commit, struct commit_member *item, struct error *error);

/* commit_candidate.c */
bool commit_load_candidate(struct commit *commit, struct error *error);
bool commit_freeze(struct commit *commit, struct error *error);
bool commit_remove_candidate(struct commit *commit, struct error *error);

/* commit_save.c: what is taken away is kept in the area: moved, or copied where no rename leads
 * there (then `from` stays). */
bool commit_move(struct commit *commit, struct commit_member *item, const char *from,
                 const char *to, struct error *error);
bool commit_save_parked(struct commit *commit, struct commit_member *item, struct error *error);
bool commit_unsave(struct commit *commit, struct commit_member *item, struct error *error);
/* The list of saved/<...>[.<kind>], if there is such a directory: "", "during", "back". */
bool commit_list_saved(struct commit *commit, struct commit_member *item, const char *kind,
                       struct error *error);
/* [{instance, list, objects}] for the seal; NULL: failed. */
json_t *commit_describe_saved(struct commit *commit, struct commit_member *item,
                              struct error *error);

/* commit_begin.c: B is as the plan needs it (or the operator was asked), and the commit is marked
 * as begun. */
bool commit_begin(struct commit *commit, struct error *error);

/* commit_steps.c: one member through the phases of its plan, or of the inverse once BACK is marked.
 */
bool commit_run_phases(struct commit *commit, struct commit_member *item, struct error *error);
unsigned commit_target_fields(const struct commit_member *item); /* ENTRY_*, to be set */

/* commit_restage.c: before the first phase of the way back: staging is there, and what was saved is
 * parked again. */
bool commit_prepare_back(struct commit *commit, struct commit_member *item, struct error *error);
/* Before what was parked goes back to its places: what is missing comes from the base seal. */
bool commit_restage(struct commit *commit, struct commit_member *item, struct error *error);

/* commit_foreign.c: before staging goes. What others wrote into what this epoch removes or replaces
 * (base: a seal) ... */
bool commit_save_foreign(struct commit *commit, struct commit_member *item, struct error *error);
/* ... and into what was placed, before a roll-back drops it. */
bool commit_save_returning(struct commit *commit, struct commit_member *item, struct error *error);
/* ... and what stands at `path`, where a roll-back must put something. */
bool commit_save_in_the_way(struct commit *commit, struct commit_member *item,
                            const struct plan_step *step, const char *path, struct error *error);

/* commit_compare.c: the difference base seal -> to (NULL: the live tree) against the plan's. */
bool commit_compare(struct commit *commit, struct commit_member *item, const char *to,
                    struct error *error);
/* The frozen candidate: changed files by length and checksum, touched ones by value, or the whole
 * tree where there was no base to differ from. */
bool commit_verify(struct commit *commit, struct commit_member *item, struct error *error);
/* After a roll-back: the live tree is the base seal again. */
bool commit_is_base(struct commit *commit, struct commit_member *item, struct error *error);

/* commit_inside.c: below what came, the candidate holds what the manifest has, and nothing else. */
bool commit_check_placed(struct commit *commit, struct commit_member *item, struct error *error);

/* A whole tree against a manifest (view of directory's epoch). */
bool compare_with_manifest(struct store_ref home, const struct call *call, const char *directory,
                           struct commit_member *item, const char *top, bool with_crc,
                           struct error *error);

/* commit_manifest.c */
bool commit_write_manifest(struct commit *commit, struct commit_member *item, struct error *error);

/* seal.c: the document, and the one atomic step. */
bool commit_write_seal(struct commit *commit, json_t **ret_seal, struct error *error);

#endif
