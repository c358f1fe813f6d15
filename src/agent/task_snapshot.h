/* task_snapshot.h: what the parts of the snapshot task share: task_snapshot.c (stages, hooks,
 * arming) and snapshot_finish.c (reading back, grade, differences). */
#ifndef COEVAL_AGENT_TASK_SNAPSHOT_H
#define COEVAL_AGENT_TASK_SNAPSHOT_H

#include "agent/moment_thread.h"
#include "loop/process.h"

/* The roots of one store. */
struct moment_group {
    const char *instance;
    struct store_ref ref;
    struct moment_root *roots;
    size_t count;
    struct moment *moment;
};

struct snapshot_state {
    int64_t t_us;
    int64_t grace_us;
    struct moment_group groups[MOMENTS_PER_SERVICE_MAX];
    size_t group_count;
    bool found_after_restart; /* every snapshot of this attempt was there already */
    bool torn;                /* only some were, or none can be proven any more */
    struct armed armed;
    bool is_unwanted; /* disarmed before it was known whether it had fired */
    struct timer *hold_timer;
    struct process *hook;
    bool held; /* the hook before the moment has run */
    bool released;
    struct error failure; /* told at the end, behind the release hook */
};

extern const struct task_kind task_kind_snapshot;

bool snapshot_prepare_group(struct task *task, struct moment_group *group, const struct call *call,
                            struct error *error);
bool snapshot_has_hook(struct task *task, const char *which);
/* Into the result: this moment came to nothing, another one may succeed. */
void snapshot_tell_lost(struct task *task, const char *why);

/* On the loop: true when this attempt has not fired and will not. */
bool task_snapshot_disarm(struct task *task);

/* Stages in executors (snapshot_finish.c). */
bool task_snapshot_finish(struct task *task, unsigned lane, struct error *error);
bool task_snapshot_differences(struct task *task, unsigned lane, struct error *error);

#endif
