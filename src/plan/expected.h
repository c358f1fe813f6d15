/* expected.h: the difference that the target must show between its base seal and the new one, and
 * the comparison with what it does show: at the cost of the change. */
#ifndef COEVAL_PLAN_EXPECTED_H
#define COEVAL_PLAN_EXPECTED_H

#include "plan/plan.h"

/* In the normal form of a target (facts X2.2): a replaced file is CREATE and DELETE, also where the
 * source said MODIFY, or RENAME and MODIFY. Order means nothing. */
bool expected_difference(const struct plan *plan, difference_fn *emit, void *context,
                         struct error *error);

/* Creations, deletions and renames must be the same on both sides; what has two spellings is
 * brought to one first (renames out of a deleted directory, which HDFS forgets; renames onto
 * themselves, which a rolled-back commit leaves). A MODIFY proves nothing (HDFS-16187): every
 * object that either side names is handed out, to be compared by value with what it must be.
 * The target's store must know identities (file_id with birth_ns, or never used again); of another,
 * compare the whole tree with the manifest. */
struct expectation {
    struct changes expected, actual; /* read-only outside */
    const struct change **touched;   /* to be compared by value, at new_path */
    size_t touched_count;
    size_t mismatch_count;
    struct buffer mismatches; /* the first few, one a line, for people */
};

bool expectation_init(struct expectation *expectation, const struct plan *plan, size_t limit_bytes,
                      struct error *error);
/* A difference_fn: the target's actual differences. */
bool expectation_add(void *expectation, const struct difference *difference, struct error *error);
/* True also when there are mismatches: a finding, not an error. */
bool expectation_finish(struct expectation *expectation, struct error *error);
void expectation_fini(struct expectation *expectation); /* after a failed init, too */

#endif
