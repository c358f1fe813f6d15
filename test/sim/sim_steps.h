/* sim_steps.h: the real plan/ between two trees: their difference, the changes, the ordered steps
 * and the way back, and what is to be staged for them. */
#ifndef COEVAL_TEST_SIM_SIM_STEPS_H
#define COEVAL_TEST_SIM_SIM_STEPS_H

#include "plan/plan.h"
#include "sim_tree.h"

struct steps {
    struct plan plan, inverse;
    struct tree content; /* what is staged before the commit: "new/7", "new/7/x", ... */
    size_t existing;     /* entries of the base, for the shrink guard */
    struct arena arena;
};

/* by_path: the ids of the trees mean nothing to each other (no base, or a lost one). */
struct steps steps_make(const struct tree *base, const struct tree *now, bool by_path,
                        bool ascending_parks);
void steps_fini(struct steps *steps);

#endif
