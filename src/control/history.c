/* history.c: retired and abandoned epochs are kept for people to look at, the newest of each
 * service; older ones go, from memory and from the journal, unless something still needs them. Of
 * those that are kept the documents (members, what agents reported) are in the journal only: with
 * thousands of data sets they are megabytes each. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
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

static void key_of(const struct run *run, char ret_key[UUID_TEXT_SIZE + 24])
{
    snprintf(ret_key, UUID_TEXT_SIZE + 24, "%s/%012" PRIu64, run->epoch.service, run->epoch.number);
}

bool history_read(const struct run *run, struct epoch *ret_epoch, struct error *error)
{
    struct journal *journal = run->service->control->options.journal;
    char key[UUID_TEXT_SIZE + 24];
    struct buffer payload;
    json_t *document = NULL;
    key_of(run, key);
    buffer_init(&payload, 0);
    bool read = journal->operations->object(journal, JOURNAL_EPOCH, key, &payload, error) &&
                json_parse(payload.data, payload.size, &document, error) &&
                epoch_from_json(document, ret_epoch, error);
    json_decref(document);
    buffer_fini(&payload);
    return read || error_wrap(error, "epoch %s in the journal", key);
}

static void take(json_t **to, json_t **from)
{
    json_decref(*to);
    *to = *from;
    *from = NULL;
}

bool history_fill(struct run *run, struct error *error)
{
    struct epoch recorded, *epoch = &run->epoch;
    if (!run->is_slim)
        return true;
    if (!history_read(run, &recorded, error))
        return false;
    take(&epoch->settings, &recorded.settings);
    take(&epoch->members, &recorded.members);
    take(&epoch->moment, &recorded.moment);
    take(&epoch->transfer, &recorded.transfer);
    take(&epoch->commit, &recorded.commit);
    take(&epoch->history, &recorded.history);
    epoch_fini(&recorded);
    run->is_slim = false;
    return true;
}

static void drop(json_t **document)
{
    json_decref(*document);
    *document = NULL;
}

/* What lists show stays: that there was a moment, and the sums of the transfer. */
static void keep_sums(struct epoch *epoch)
{
    const char *key;
    json_t *value, *sums = json_object();
    json_object_foreach(epoch->transfer, key, value)
        if (json_is_integer(value))
            json_set_take(sums, key, json_incref(value));
    drop(&epoch->transfer);
    epoch->transfer = sums;
    if (epoch->moment == NULL)
        return;
    drop(&epoch->moment);
    epoch->moment = json_object();
}

void history_slim(struct run *run)
{
    struct epoch *epoch = &run->epoch;
    if (run->is_slim || !run->recorded || !epoch_is_final(epoch) || run->retiring_a ||
        run->steps > 0 || awaits_an_agent(run) || epoch->number == run->service->base.number)
        return;
    keep_sums(epoch);
    drop(&epoch->settings);
    drop(&epoch->members);
    drop(&epoch->commit);
    drop(&epoch->history);
    run->is_slim = true;
}

static void forget(struct service *service, struct run *run)
{
    char key[UUID_TEXT_SIZE + 24];
    key_of(run, key);
    struct journal_append record = {.type = JOURNAL_EPOCH, .key = key};
    control_record(service->control, &record, 1, NULL, NULL);
    run_free(run);
}

void history_prune(struct service *service)
{
    size_t kept = service->control->options.history_max, finals = 0, gone = 0;
    kept = kept == 0 ? HISTORY_KEPT : kept;
    list_for_each(run, &service->runs, struct run, node) {
        history_slim(run);
        finals += epoch_is_final(&run->epoch);
    }
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
