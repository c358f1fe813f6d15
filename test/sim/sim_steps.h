/* sim_steps.h: the ordered steps of one member's commit, made from two trees. Stands for plan/ with
 * the same rules: park children before parents, place parents before children, decide by looking.
 */
#ifndef COEVAL_TEST_SIM_SIM_STEPS_H
#define COEVAL_TEST_SIM_SIM_STEPS_H

#include "sim_tree.h"

struct step {
    char place[PATH_SIZE];  /* in the tree: before the commit (park), after it (place) */
    char staged[PATH_SIZE]; /* below the attempt's staging: "park/3" or "new/7" */
};

struct steps {
    struct step *parks, *places; /* in the order of execution */
    size_t park_count, place_count;
    struct tree content;      /* what is staged before the commit: "new/7", "new/7/x", ... */
    size_t removed, existing; /* nodes, for the shrink guard */
};

/* by_path: the ids of the trees mean nothing to each other (no base, or a lost one). */
struct steps steps_make(const struct tree *before, const struct tree *after, bool by_path,
                        bool ascending_parks);
void steps_fini(struct steps *steps);

#endif
