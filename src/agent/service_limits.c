/* service_limits.c: one limiter per service, shared by all that is done for it. The newest revision
 * of the policy counts: an epoch's orders carry the limits of the policy that it was planned by,
 * and `limits` brings what the operator has set since. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent_private.h"
#include "agent/task_kinds.h"
#include "base/check.h"
#include "base/json.h"

static struct service_limiter *limiter_of(struct agent *agent, const char *service)
{
    list_for_each(known, &agent->parts.limiters, struct service_limiter, node)
        if (strcmp(known->service, service) == 0)
            return known;
    struct service_limiter *added = memory_new(sizeof *added);
    added->service = memory_copy_string(service);
    added->limiter = limiter_new(agent->options.limiter);
    list_append(&agent->parts.limiters, &added->node);
    return added;
}

static void set(struct service_limiter *limiter, const json_t *limits, int64_t revision)
{
    if (limits == NULL || revision < limiter->revision)
        return;
    limiter->revision = revision;
    limiter_set(limiter->limiter, (uint64_t)json_integer_or(limits, "bytes_per_second", 0),
                (uint64_t)json_integer_or(limits, "operations_per_second", 0));
}

void agent_limit(struct agent *agent, struct task *task)
{
    struct service_limiter *limiter = limiter_of(agent, task->instruction.service);
    const json_t *settings = json_object_get(task->instruction.body, "settings");
    task->limiter = limiter->limiter;
    if (!task_is_over(task))
        set(limiter, json_object_get(settings, "limits"),
            json_integer_or(settings, "group_revision", 0));
}

void agent_free_limiters(struct agent *agent)
{
    list_for_each(known, &agent->parts.limiters, struct service_limiter, node) {
        list_remove(&known->node);
        limiter_free(known->limiter);
        free(known->service);
        free(known);
    }
}

/* ---- limits --------------------------------------------------------------------------------- */

static void set_ordered(struct task *task)
{
    const json_t *body = task->instruction.body;
    set(limiter_of(task->agent, task->instruction.service), json_object_get(body, "limits"),
        json_integer_or(body, "revision", 0));
    task_stage_done(task, &ERROR_NONE);
}

static const struct task_stage limits_stages[] = {{.phase = "set", .start = set_ordered}};

const struct task_kind task_kind_limits = {
    .name = "limits", .stages = limits_stages, .stage_count = ARRAY_LENGTH(limits_stages)};
