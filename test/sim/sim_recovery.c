/* sim_recovery.c: the device without its journal: a generation above all that agents have seen, so
 * that nothing of before can start any more; then what the areas say; then each epoch goes on from
 * there. Also the end without A, after a look at what B has. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "sim_chaos.h"
#include "sim_checker.h"
#include "sim_control.h"

#define PATIENCE (500 * MS)

static void inspect(struct world *world, enum process agent, uint64_t generation)
{
    network_send(world, &(struct message){.kind = MESSAGE_INSPECT,
                                          .from = CONTROL,
                                          .to = agent,
                                          .generation = generation});
}

static bool has_answer_of_both(const struct control *control, bool a, bool b)
{
    return b && (a || control->ends_without_a);
}

static void ask_again(struct world *world, void *unused)
{
    struct control *control = world->control;
    (void)unused;
    if (!control->recovering)
        return;
    bool known = has_answer_of_both(control, control->fence_known[0], control->fence_known[1]);
    for (int agent = AGENT_A; agent <= AGENT_B; agent++)
        if (control->inspections[agent] == NULL)
            inspect(world, (enum process)agent, known ? control->generation : 0);
    later(world, PATIENCE, CONTROL, ask_again, NULL, NULL);
}

void recovery_start(struct world *world)
{
    trace(world, "control has no journal: asks the areas");
    world->control->recovering = true;
    /* One that nobody can have used; still higher if an agent has seen more. */
    world->control->generation = ++world->chaos->record_generation;
    ask_again(world, NULL);
}

static enum epoch_found found_of(const json_t *item)
{
    static const char *const names[] = {"nothing", "received", "committing", "rolling_back",
                                        "sealed"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(json_string_or(item, "found", "retired"), names[i]) == 0)
            return (enum epoch_found)i;
    CHECK_UNREACHABLE();
}

static const json_t *find_item(const json_t *inspection, int64_t number, int64_t attempt)
{
    const json_t *list = json_object_get(inspection, "epochs");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (json_integer_or(item, "number", 0) == number &&
            json_integer_or(item, "attempt", 0) == attempt)
            return item;
    }
    return NULL;
}

static int64_t highest(const json_t *inspection, const char *member, int64_t number)
{
    const json_t *list = json_object_get(inspection, "epochs");
    int64_t most = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (number == 0 || json_integer_or(item, "number", 0) == number) {
            int64_t value = json_integer_or(item, member, 0);
            most = value > most ? value : most;
        }
    }
    return most;
}

static int64_t highest_of_both(const struct control *control, const char *member, int64_t number)
{
    int64_t a = highest(control->inspections[AGENT_A], member, number);
    int64_t b = highest(control->inspections[AGENT_B], member, number);
    return a > b ? a : b;
}

/* The epoch of the highest attempt, from the body that an area keeps of it. */
static struct epoch *rebuild(struct control *control, int64_t number, const json_t **ret_b)
{
    int64_t attempt = highest_of_both(control, "attempt", number);
    const json_t *b = find_item(control->inspections[AGENT_B], number, attempt);
    const json_t *a = find_item(control->inspections[AGENT_A], number, attempt);
    const char *body = json_string_or(b, "body", json_string_or(a, "body", NULL));
    struct error error = ERROR_NONE;
    json_t *document = NULL;
    *ret_b = b;
    if (body == NULL || strcmp(json_string_or(b, "found", ""), "retired") == 0)
        return NULL;
    struct epoch *epoch = memory_new(sizeof *epoch);
    CHECK(json_parse(body, strlen(body), &document, &error));
    CHECK(epoch_from_json(document, epoch, &error));
    json_decref(document);
    CHECK(control->epoch_count < EPOCHS_MAX);
    control->finished[control->epoch_count] = false;
    control->epochs[control->epoch_count++] = epoch;
    return epoch;
}

static void tell_what_was_found(struct world *world, uint64_t number, const json_t *b,
                                unsigned tries)
{
    struct epoch_event event = {.kind = EPOCH_EVENT_INSPECTED,
                                .found = b == NULL ? EPOCH_FOUND_NOTHING : found_of(b),
                                .seal = json_object_get(b, "seal"),
                                .tries_above = tries};
    control_event(world, number, &event);
}

static void rebuild_all(struct world *world)
{
    struct control *control = world->control;
    unsigned tries = 0;
    for (int i = 0; i < 2; i++) {
        unsigned seen = (unsigned)json_integer_or(control->inspections[i], "tries", 0);
        tries = seen > tries ? seen : tries;
    }
    control->recovering = false;
    check_recovered(world);
    control->last_number = (uint64_t)highest_of_both(control, "number", 0);
    trace(world, "control recovers: last number %" PRIu64 ", generation %" PRIu64,
          control->last_number, control->generation);
    shell_record_service(world);
    for (uint64_t number = 1; number <= control->last_number; number++) {
        const json_t *b = NULL;
        struct epoch *epoch = rebuild(control, (int64_t)number, &b);
        if (epoch != NULL)
            shell_record(world, epoch);
    }
    for (size_t i = 0; i < control->epoch_count; i++) {
        const struct epoch *epoch = control->epochs[i];
        tell_what_was_found(
            world, epoch->number,
            find_item(control->inspections[AGENT_B], (int64_t)epoch->number, epoch->attempt),
            tries);
    }
    /* Last: an epoch that is in the journal as rebuilt but not as found would be started anew. */
    durable_append(world, &control->journal, RECOVERED, "{}");
    control->recovered = true;
}

static void rebuild_when_all_is_known(struct world *world)
{
    const struct control *control = world->control;
    if (control->recovering && has_answer_of_both(control, control->inspections[AGENT_A] != NULL,
                                                  control->inspections[AGENT_B] != NULL))
        rebuild_all(world);
}

/* Nothing of an older inspection counts when the generation had to be raised. */
static void raise_generation(struct world *world, uint64_t seen)
{
    struct control *control = world->control;
    if (!control->recovering || seen < control->generation)
        return;
    if (seen >= world->chaos->record_generation)
        world->chaos->record_generation = seen;
    control->generation = ++world->chaos->record_generation;
    for (int i = 0; i < 2; i++) {
        json_decref(control->inspections[i]);
        control->inspections[i] = NULL;
    }
}

static void end_without_a(struct world *world, const json_t *inspection)
{
    struct control *control = world->control;
    for (size_t i = 0; i < control->epoch_count; i++) {
        const struct epoch *epoch = control->epochs[i];
        if (epoch_is_final(epoch) || epoch->side_a_lost)
            continue;
        const json_t *b = find_item(inspection, (int64_t)epoch->number, (int64_t)epoch->attempt);
        if (b != NULL && strcmp(json_string_or(b, "found", ""), "retired") != 0)
            tell_what_was_found(world, epoch->number, b, 0);
        control_event(world, epoch->number, &(struct epoch_event){.kind = EPOCH_EVENT_LOST});
    }
}

void recovery_receive(struct world *world, const struct message *message)
{
    struct control *control = world->control;
    struct error error = ERROR_NONE;
    json_t *inspection = NULL;
    if (message->kind == MESSAGE_FENCED) {
        raise_generation(world, message->generation);
        control->fence_known[message->from] = control->recovering;
        return;
    }
    CHECK(json_parse(message->text, strlen(message->text), &inspection, &error));
    if (!control->recovering) {
        if (control->ends_without_a && message->from == AGENT_B)
            end_without_a(world, inspection);
        json_decref(inspection);
        return;
    }
    if (message->generation == control->generation && control->inspections[message->from] == NULL)
        control->inspections[message->from] = inspection;
    else
        json_decref(inspection);
    rebuild_when_all_is_known(world);
}

static bool waits_for_a(const struct control *control)
{
    for (size_t i = 0; i < control->epoch_count; i++)
        if (!epoch_is_final(control->epochs[i]) && !control->epochs[i]->side_a_lost)
            return true;
    return false;
}

void recovery_tick(struct world *world)
{
    struct control *control = world->control;
    if (chaos_lost_is_declared(world))
        control->ends_without_a = true;
    rebuild_when_all_is_known(world);
    if (!control->recovering && control->ends_without_a && waits_for_a(control))
        inspect(world, AGENT_B, control->generation);
}
