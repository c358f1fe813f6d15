/* posix_moment.h: the moment of a posix store: writers are held by an exclusive lock on the barrier
 * file, on which they hold shared ones while they write, for as long as the roots are copied. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_MOMENT_H
#define COEVAL_COMPONENT_POSIX_POSIX_MOMENT_H

#include "component/posix/posix_store.h"

bool posix_moment_prepare(struct store *store, const struct call *call, struct moment_root *roots,
                          size_t root_count, const struct moment_options *options,
                          struct moment **ret_moment, struct error *error);
void posix_moment_fire(struct moment *moment);
bool posix_moment_finish(struct moment *moment, const struct call *call, struct error *error);
void posix_moment_free(struct moment *moment);

#endif
