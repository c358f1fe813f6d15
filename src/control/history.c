/* history.c: retired and abandoned epochs are kept for people to look at, the newest of each
 * service; older ones go, from memory and from the journal, unless something still needs them. */
#include <inttypes.h>
#include <stdio.h>

#include "control/control_private.h"

#define HISTORY_KEPT 1000
#define PRUNED_AT_ONCE 1000 /* their records must not fill the journal's queue */

static bool awaits_an_agent(const struct run *run)
{
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++)
        for (int side = 0; side < EPOCH_SIDE_COUNT; side++) {
            enum epoch_instruction_status status = run->epoch.instructions[kind][side].status;
            if (status == EPOCH_INSTRUCTION_SENT || status == EPOCH_INSTRUCTION_RETRY)
                return true;
        }
    return false;
}

/* A retired one above the base says that B is ahead of A (service_base_is_behind()). */
static bool is_needed(const struct service *service, const struct run *run)
{
    const struct epoch *epoch = &run->epoch;
    return epoch->number == service->base.number ||
           (epoch->state == EPOCH_RETIRED && epoch->number > service->base.number) ||
           run->retiring_a || run->steps > 0 || awaits_an_agent(run);
}

static void forget(struct service *service, struct run *run)
{
    char key[UUID_TEXT_SIZE + 24];
    snprintf(key, sizeof key, "%s/%012" PRIu64, run->epoch.service, run->epoch.number);
    struct journal_append record = {.type = JOURNAL_EPOCH, .key = key};
    control_record(service->control, &record, 1, NULL, NULL);
    run_free(run);
}

void history_prune(struct service *service)
{
    size_t kept = service->control->options.history_max, finals = 0, gone = 0;
    kept = kept == 0 ? HISTORY_KEPT : kept;
    list_for_each(run, &service->runs, struct run, node)
        finals += epoch_is_final(&run->epoch);
    list_for_each(run, &service->runs, struct run, node) {
        if (finals <= kept || gone == PRUNED_AT_ONCE)
            return;
        if (!epoch_is_final(&run->epoch))
            continue;
        finals--;
        if (is_needed(service, run))
            continue;
        forget(service, run);
        gone++;
    }
}
