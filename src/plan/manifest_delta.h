/* manifest_delta.h: the next manifest of a member, from its last chain, the plan that was carried
 * out and the receipt of what was staged: at the cost of the change (of a renamed directory: of
 * what is below it). What the target holds is thereby known without reading it. */
#ifndef COEVAL_PLAN_MANIFEST_DELTA_H
#define COEVAL_PLAN_MANIFEST_DELTA_H

#include "plan/manifest.h"
#include "plan/plan.h"
#include "plan/receipt.h"
#include "plan/sorter.h"

/* The order of a delta's sorter: sorter_options.compare. */
int manifest_delta_compare(const struct sorter_key *a, const struct sorter_key *b);

struct manifest_delta {
    const struct plan *plan;
    struct manifest_chain *chain;
    struct sorter *sorter; /* with manifest_delta_compare; the caller's */
    /* private */
    struct path_map parks;    /* old path -> step */
    struct path_map placed;   /* "<number>" of staged steps -> step */
    struct path_map received; /* the same numbers, once their own record came */
    struct arena arena;
    const struct plan_step *scanned;
};

/* In this order: begin, every record of the receipt, finish; fini always. The plan, the chain and
 * the sorter are kept until fini. */
bool manifest_delta_begin(struct manifest_delta *delta, const struct plan *plan,
                          struct manifest_chain *chain, struct sorter *sorter, struct error *error);
bool manifest_delta_receive(void *delta, const struct receipt_record *record,
                            struct error *error); /* a receipt_fn */
/* The member's top as it is now, when the chain is empty; else NULL. */
bool manifest_delta_top(struct manifest_delta *delta, const struct entry *top, struct error *error);
/* Writes the records; of a full manifest everything, of a delta the changes. *state: what the chain
 * states (zero for an empty one) before, what the member holds after. ERROR_CORRUPT when plan,
 * receipt and chain do not fit each other. */
bool manifest_delta_finish(struct manifest_delta *delta, bool full, struct manifest_writer *writer,
                           struct manifest_state *state, struct error *error);
void manifest_delta_fini(struct manifest_delta *delta);

#endif
