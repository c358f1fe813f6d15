/* change_private.h: what change.c and change_settle.c share. */
#ifndef COEVAL_PLAN_CHANGE_PRIVATE_H
#define COEVAL_PLAN_CHANGE_PRIVATE_H

#include "plan/change.h"

bool changes_fit(const struct changes *changes, struct error *error);
struct change *changes_append(struct changes *changes, enum change_kind kind, const char *old_path,
                              const char *new_path);
/* Drops what says nothing, and makes the maps of sources and targets anew. */
void changes_reduce(struct changes *changes);

#endif
