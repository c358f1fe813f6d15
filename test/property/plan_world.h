/* plan_world.h: one case of the plan's property test: a source in two states, a target that has the
 * first, the differences between them from several makers, staging, and the commit with crashes. */
#ifndef COEVAL_TEST_PLAN_WORLD_H
#define COEVAL_TEST_PLAN_WORLD_H

#include "plan/expected.h"
#include "plan/listing_difference.h"
#include "tree_model.h"

/* Planted on purpose, to prove that the test finds them. */
#define DEFECTS(X)                                                                      \
    X(NONE, "none")                                                                     \
    X(PARK_ORDER, "park-order")     /* parents are parked before children */            \
    X(PLACE_ORDER, "place-order")   /* children are placed before parents */            \
    X(COVERS, "covers")             /* the walker copies what is moved as well */       \
    X(NORMAL_FORM, "normal-form")   /* the source's words are expected of the target */ \
    X(MARKERS, "markers")           /* roll-back takes out what was never placed */     \
    X(SELF_RENAMES, "self-renames") /* every rename onto itself is thrown away */       \
    X(EXCLUSIONS, "exclusions")     /* a rename across the border stays a rename */     \
    X(TIMES, "times")               /* nobody puts the times of directories right */

enum defect {
#define X(name, text) DEFECT_##name,
    DEFECTS(X)
#undef X
};

enum maker {
    MAKER_LISTING, /* two listings with identities */
    MAKER_HDFS,    /* HDFS's words with its blind spots, and a sweep */
    MAKER_PATHS,   /* two listings of different stores: nothing moves */
    MAKER_COUNT
};

struct world {
    struct tree old_source, new_source;
    struct tree old_target; /* old_source without what is excluded, with other identities */
    struct exclusions exclusions;
    bool crc_known;
    enum maker maker;
    enum defect defect;
    uint32_t suspect_id; /* in the old source; 0: none */
    struct arena arena;
    struct changes changes;
    struct plan plan, inverse;
    struct tree staged; /* old_target with everything in staging: where a commit begins */
    size_t difference_count, source_moves;
    char why[1024]; /* the first thing that was wrong */
};

bool fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The old target, the plan (through its file form) and staging, from the two source states. */
bool world_prepare(struct world *world);
void world_fini(struct world *world);

/* What HDFS would say, and what listing_difference() says. */
bool oracle_difference(const struct tree *old, const struct tree *new, difference_fn *emit,
                       void *context, struct error *error);
bool trees_difference(const struct tree *old, const struct tree *new,
                      enum listing_identity identity, bool crc, difference_fn *emit, void *context,
                      struct error *error);

/* Carries the commit on from whatever state the tree is in, as an agent that knows nothing else; at
 * most `budget` operations (-1: to the end). True: it came to the end; false with an empty why: the
 * budget ran out. */
bool commit_forward(struct world *world, struct tree *tree, int budget);
bool commit_back(struct world *world, struct tree *tree, int budget);

/* The manifest that the plan and the receipt lead to says what the new tree holds. */
bool check_manifest(struct world *world);

/* Compares a tree with what it must be: without what is excluded and without the mtime of the top.
 */
bool same_tree(struct world *world, const char *when, const struct tree *actual,
               const struct tree *expected, bool same_ids);

#endif
