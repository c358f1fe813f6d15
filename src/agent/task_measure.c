/* task_measure.c: measure: how much the snapshots of a sealed epoch pin on A. Asked at a low rate
 * (control/holds.c): a store may have to count the tree for it. */
#include "agent/member.h"
#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/json.h"

static bool measure_member(struct task *task, const struct call *call, const struct member *member,
                           const char *snapshot, uint64_t *ret_bytes, struct error *error)
{
    struct store_ref ref;
    return task_store(task, task_scope(task), member->instance, &ref, error) &&
           (ref.component->pinned(ref.store, call, member->source_root, member->source_below,
                                  snapshot, ret_bytes, error) ||
            error_wrap(error, "%s:%s", member->instance, member->source_path));
}

/* One that is not told makes the sum unknown: no alarm may rest on half of it. */
static bool measure(struct task *task, unsigned lane, struct error *error)
{
    (void)lane;
    struct call call = task_call(task);
    struct members members;
    const char *snapshot;
    uint64_t sum = 0;
    bool told = true;
    if (!json_get_string(task->instruction.body, "snapshot", &snapshot, error) ||
        !members_read(task, &members, error))
        return false;
    for (size_t i = 0; i < members.count; i++) {
        uint64_t bytes = 0;
        if (!members.list[i].tombstone &&
            !measure_member(task, &call, &members.list[i], snapshot, &bytes, error))
            return false;
        told = told && bytes <= (uint64_t)INT64_MAX - sum;
        sum += told ? bytes : 0;
    }
    task_result_take(task, "bytes", told ? json_integer((json_int_t)sum) : json_null());
    return true;
}

static const struct task_stage measure_stages[] = {{.phase = "measure", .run = measure}};
const struct task_kind task_kind_measure = {
    .name = "measure", .stages = measure_stages, .stage_count = ARRAY_LENGTH(measure_stages)};
