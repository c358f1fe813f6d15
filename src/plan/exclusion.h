/* exclusion.h: what a policy leaves out of a data set (".Trash", "_temporary", "tmp/" patterns).
 * What is excluded does not exist for a target: it is neither created nor deleted there. Only where
 * the target itself is compared (change_options.remove_excluded) it goes. */
#ifndef COEVAL_PLAN_EXCLUSION_H
#define COEVAL_PLAN_EXCLUSION_H

#include <stdbool.h>
#include <stddef.h>

/* Patterns of path_matches(), relative to the member; borrowed as long as the struct is used. */
struct exclusions {
    const char *const *patterns;
    size_t count;
};

/* The path itself or a directory above it matches. NULL excludes nothing; nor is the top ever. */
bool exclusions_match(const struct exclusions *exclusions, const char *path);
/* Could something below a directory be excluded while it is at one of these two paths and not while
 * it is at the other? Then a rename between them cannot be a rename on the target. Never wrongly
 * false; true for some harmless patterns with '/' (that costs a copy). */
bool exclusions_may_part(const struct exclusions *exclusions, const char *old_path,
                         const char *new_path);

#endif
