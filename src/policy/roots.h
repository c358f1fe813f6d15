/* roots.h: which directories carry the snapshots, chosen for all services of a cluster together
 * when a policy is applied. Pure. Stores refuse roots inside roots, and a root with snapshots can
 * be neither deleted nor renamed: so a choice is sticky (a registry), and what cannot be had is
 * refused with the way out. On a target every path belongs to one service. */
#ifndef COEVAL_POLICY_ROOTS_H
#define COEVAL_POLICY_ROOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

/* A root that exists on a cluster. */
struct root {
    const char *cluster;
    const char *instance;
    const char *path;
    const char *services; /* who uses it, for people: "billing, orders"; NULL: not ours */
};

/* A data set that needs a root: on the primary, or (after the target map) on the secondary. */
struct root_want {
    const char *service;
    const char *cluster;
    const char *instance;
    const char *path;
    const char *area; /* Coeval's own directory in that instance; NULL: elsewhere */
};

#define ROOT_NEW ((size_t)-1)
struct root_choice {
    size_t existing;  /* index of the existing root, or ROOT_NEW */
    const char *path; /* of the root; borrowed from the inputs */
};

/* ret_choices has room for want_count. A data set below an existing root, ours or not, uses it; new
 * roots are the outermost of the wanted directories. Refused: '/', a directory above an existing
 * root, Coeval's own area. */
bool roots_choose(const struct root *roots, size_t root_count, const struct root_want *wants,
                  size_t want_count, struct root_choice *ret_choices, struct error *error);

/* Two data sets that lie on, above or below each other: refused, naming both. */
bool roots_check_targets(const struct root_want *targets, size_t count, struct error *error);
/* A target on, above or below what a service is backed up from: epochs would overwrite it, or back
 * up a tree between two epochs. Refused, naming both. */
bool roots_check_sources(const struct root_want *targets, size_t target_count,
                         const struct root_want *sources, size_t source_count, struct error *error);

/* The deepest directory that holds all of the data sets, which must be of one cluster and instance:
 * one root there would make the grade atomic. NULL: only '/' does. */
const char *roots_common(const struct root_want *wants, size_t count, struct arena *arena);

#endif
