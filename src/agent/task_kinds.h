/* task_kinds.h: the kinds of instructions that an agent carries out; doc/protocol.md has their
 * bodies and results. */
#ifndef COEVAL_AGENT_TASK_KINDS_H
#define COEVAL_AGENT_TASK_KINDS_H

#include "agent/task.h"

/* A store whose clock is further off than this, for certain, is refused: by check, which a policy
 * must pass, and again before each moment. */
#define CLOCK_OFFSET_MAX_US 500000

extern const struct task_kind task_kind_resolve;   /* A: members of the group, as they are now */
extern const struct task_kind task_kind_snapshot;  /* A: the moment */
extern const struct task_kind task_kind_disarm;    /* A: fired or not fired */
extern const struct task_kind task_kind_transfer;  /* pull: B, push: A */
extern const struct task_kind task_kind_commit;    /* B: to the seal */
extern const struct task_kind task_kind_rollback;  /* B: to the base */
extern const struct task_kind task_kind_discard;   /* A, B: what an abandoned attempt made */
extern const struct task_kind task_kind_settle;    /* A: the copy of the seal */
extern const struct task_kind task_kind_retire;    /* A, B: snapshots of an old epoch */
extern const struct task_kind task_kind_measure;   /* A: what the snapshots of an epoch pin */
extern const struct task_kind task_kind_orphans;   /* any: snapshots of ours that no epoch has */
extern const struct task_kind task_kind_limits;    /* A, B: a policy's limits, for what runs now */
extern const struct task_kind task_kind_unprotect; /* any: the policy was deleted */
extern const struct task_kind task_kind_inspect;   /* any: what the area holds */
extern const struct task_kind task_kind_check;     /* any: preflight */
extern const struct task_kind task_kind_verify;    /* B: a seal against its manifest */
extern const struct task_kind
    task_kind_move_root; /* any: ours out of old roots, a new one allowed */
extern const struct task_kind task_kind_identify;  /* any: store identities, for pairing */
extern const struct task_kind task_kind_catalogue; /* any: data sets of an instance */

#endif
