/* task_kinds.c: the table of kinds. */
#include "agent/task_kinds.h"

#include <string.h>

#include "base/check.h"

static const struct task_kind *const kinds[] = {
    &task_kind_resolve,  &task_kind_snapshot,  &task_kind_disarm,    &task_kind_transfer,
    &task_kind_commit,   &task_kind_rollback,  &task_kind_discard,   &task_kind_settle,
    &task_kind_retire,   &task_kind_inspect,   &task_kind_check,     &task_kind_verify,
    &task_kind_identify, &task_kind_catalogue, &task_kind_move_root, &task_kind_measure,
    &task_kind_limits,   &task_kind_orphans,   &task_kind_unprotect,
};

const struct task_kind *task_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}
