/* agent_room.c: how many orders and results an agent keeps, by what they take in memory: two
 * megabytes of text may be a hundred when they are parsed. What has ended makes room, the oldest
 * first and what belongs to no epoch before the rest; what it did, the area tells. */
#include "agent/agent_private.h"

#include <string.h>

#include "base/json.h"
#include "base/size.h"

#define RESULTS_KEPT_EPOCHS 8
#define ASKS_KEPT 64
#define ORDERS_BYTES_MAX ((size_t)256 << 20)

void agent_weigh(struct task *task, const char *text, size_t size)
{
    size_t *sum = &agent_parts(task->agent)->orders_bytes, bytes = json_memory(text, size);
    *sum += bytes - task->bytes;
    task->bytes = bytes;
}

static bool may_go(const struct task *task)
{
    return task_is_over(task) && !task_is_busy(task) && list_is_empty(&task->waiters);
}

static bool is_ask(const struct task *task)
{
    return task->instruction.number == 0;
}

static bool goes_before(const struct task *a, const struct task *b)
{
    return is_ask(a) != is_ask(b) ? is_ask(a) : a->updated_us < b->updated_us;
}

/* NULL: nothing may go. */
static struct task *first_to_go(struct agent *agent, size_t *ret_asks)
{
    struct task *first = NULL;
    *ret_asks = 0;
    list_for_each(task, &agent->parts.tasks, struct task, node) {
        if (!may_go(task))
            continue;
        *ret_asks += is_ask(task);
        if (first == NULL || goes_before(task, first))
            first = task;
    }
    return first;
}

static size_t limit_of(const struct agent *agent)
{
    size_t limit = agent->options.orders_bytes_max;
    return limit == 0 ? ORDERS_BYTES_MAX : limit;
}

bool agent_could_hold(const struct agent *agent, size_t bytes, struct error *error)
{
    return bytes <= limit_of(agent) ||
           error_set(error, ERROR_INVALID,
                     "an order that takes %zu KiB in memory, and an agent has %zu for all of them",
                     bytes >> 10, limit_of(agent) >> 10);
}

bool agent_make_room(struct agent *agent, size_t bytes, struct error *error)
{
    size_t limit = limit_of(agent), asks;
    struct task *task;
    while ((task = first_to_go(agent, &asks)) != NULL &&
           (agent->parts.orders_bytes + bytes > limit || asks >= ASKS_KEPT))
        agent_drop(agent, task);
    return agent->parts.orders_bytes + bytes <= limit ||
           error_set(error, ERROR_LIMIT,
                     "the orders that this agent carries out take %s: again "
                     "when some of them have ended",
                     size_text(agent->parts.orders_bytes).text);
}

/* Results are kept until their epoch is long past: an order of a new epoch makes room. */
void agent_prune(struct agent *agent, const struct instruction *newest)
{
    list_for_each(task, &agent->parts.tasks, struct task, node) {
        bool old = strcmp(task->instruction.service, newest->service) == 0 && !is_ask(task) &&
                   task->instruction.number + RESULTS_KEPT_EPOCHS < newest->number;
        if (old && may_go(task))
            agent_drop(agent, task);
    }
}
