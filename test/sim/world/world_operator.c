/* world_operator.c: the operator: applies the policy, recovers a device that lost its journal,
 * answers questions, chooses the way out of stuck epochs, and now and then interferes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "world_private.h"
#include "world_scene.h"

#define LOOK_EVERY (5 * SECOND)

static bool calling; /* an answer is awaited */
static bool applied; /* once, by some life of the device */
static bool recovered_whole;

void people_forget(void)
{
    calling = false;
}

static struct control *control(void)
{
    return scene.computers[DEVICE].control;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void said(void *context, const json_t *result, const struct error *error)
{
    (void)result;
    calling = false;
    if (error->code != ERROR_OK)
        world_trace("operator's %s: %s", (const char *)context, error->text);
}

static void policy_is_applied(void *context, const json_t *result, const struct error *error)
{
    said(context, result, error);
    applied = applied || error->code == ERROR_OK;
}

static void is_recovered(void *context, const json_t *result, const struct error *error)
{
    said(context, result, error);
    size_t silent = json_array_size(json_object_get(result, "silent_clusters"));
    recovered_whole = error->code == ERROR_OK && silent == (scene.source_lost ? 1 : 0);
    if (recovered_whole && json_array_size(json_object_get(result, "services")) == 0)
        applied = false; /* nothing had begun: the policy is applied anew */
    if (world.trace && result != NULL) {
        char *text = json_dumps(result, JSON_COMPACT);
        world_trace("recovered: %s", text);
        free(text);
    }
}

static void verb_on_policy(const char *verb)
{
    calling = true;
    world_trace("operator: policy %s", verb);
    control_policy_verb(control(), SERVICE_NAME, verb, "as it comes", said,
                        (void *)(uintptr_t)verb);
}

static void verb_on_epoch(uint64_t number, const char *verb)
{
    calling = true;
    world_trace("operator: %s epoch %u", verb, (unsigned)number);
    control_epoch_verb(control(), SERVICE_NAME, number, verb, "as it comes", said,
                       (void *)(uintptr_t)verb);
}

/* ---- the policy ----------------------------------------------------------------------------- */

static json_t *policy_document(void)
{
    json_t *policy = json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "apiVersion",
        "coeval/v1", "kind", "Policy", "name", SERVICE_NAME, "pair", "name", "p", "primary", "east",
        "secondary", "west", "t0", "next", "period", "PT3M", "direction",
        scene.is_push ? "push" : "pull", "mode", scene.is_full ? "full" : "incremental", "touched",
        scene.restores ? "restore" : "refuse", "adopt", "compare", "executors", 2);
    CHECK(policy != NULL);
    json_t *group = scene.one_root
                        ? json_pack("{s:[s]}", "data_sets", "depot:/data")
                        : json_pack("{s:[s,s]}", "data_sets", "depot:/data/one", "depot:/data/two");
    json_set_take(policy, "group", group);
    if (chance(20))
        json_set_integer(policy, "max_removed", 2);
    json_set_take(policy, "retention",
                  json_pack("{s:{s:i}, s:{s:i}}", "source", "last", 2, "target", "last", 3));
    return policy;
}

static void apply(void)
{
    struct document document;
    document_init(&document, NULL, policy_document());
    calling = true;
    recovered_whole = true;
    world_trace("operator: applies the policy");
    control_apply_policy(control(), &document, false, "as it comes", policy_is_applied,
                         (void *)(uintptr_t) "apply");
    document_fini(&document);
}

static void recover(void)
{
    calling = true;
    world_trace("operator: recovers");
    control_recover(control(), "the journal was lost", is_recovered, (void *)(uintptr_t) "recover");
}

/* ---- what it sees --------------------------------------------------------------------------- */

static bool is_over(const char *state)
{
    return strcmp(state, "sealed") == 0 || strcmp(state, "abandoned") == 0 ||
           strcmp(state, "retired") == 0;
}

static void answer_epoch(const json_t *epoch, const char *state)
{
    uint64_t number = (uint64_t)json_integer_or(epoch, "number", 0);
    const char *question = json_string_or(epoch, "question", NULL);
    if (strcmp(state, "stuck") == 0 && chance(50))
        people_mend(); /* "mend the cause": somebody else's doing, most often */
    else if (strcmp(state, "stuck") == 0)
        people_help_back(json_string_or(json_object_get(epoch, "cause"), "message", ""));
    if (strcmp(state, "stuck") == 0)
        verb_on_epoch(number, chance(50) ? "resume" : "rollback");
    else if (scene.source_lost && !is_over(state) && (question == NULL || chance(50)))
        verb_on_epoch(number, "lost"); /* which answers no question about B */
    else if (question != NULL)
        verb_on_epoch(number, chance(80) ? "approve" : scene.source_lost ? "rollback" : "abandon");
    else if (fault(30) && !is_over(state))
        verb_on_epoch(number, chance(50) ? "abandon" : "rollback");
}

static void look_at_epochs(void)
{
    json_t *epochs = control_epochs(control(), SERVICE_NAME, 10), *epoch;
    size_t index;
    json_array_foreach(epochs, index, epoch) {
        const char *state = json_string_or(epoch, "state", "");
        bool is_sealed = checker_is_sealed((uint64_t)json_integer_or(epoch, "number", 0));
        if (strcmp(state, "sealed") == 0 && !is_sealed)
            world_fail("G3: epoch %d is said to be sealed and has no seal",
                       (int)json_integer_or(epoch, "number", 0));
        if (strcmp(state, "abandoned") == 0 && is_sealed)
            world_fail("G3: epoch %d is said to be abandoned and has a seal",
                       (int)json_integer_or(epoch, "number", 0));
        if (!calling)
            answer_epoch(epoch, state);
    }
    json_decref(epochs);
}

static void look(void *context)
{
    (void)context;
    json_t *policies = control_policies(control());
    const json_t *policy = json_array_get(policies, 0);
    bool paused = strcmp(json_string_or(policy, "state", ""), "paused") == 0;
    applied = applied || policy != NULL;
    if (policy == NULL && !applied && recovered_whole)
        apply();
    else if (policy == NULL || !recovered_whole)
        recover();
    else if (paused && !scene.source_lost)
        verb_on_policy("resume");
    else if (scene.source_lost && strcmp(json_string_or(policy, "state", ""), "idle") == 0)
        verb_on_policy("pause");
    else if (fault(5))
        verb_on_policy(chance(50) ? "pause" : "run");
    if (policy != NULL && !calling)
        look_at_epochs();
    json_decref(policies);
}

static void operator_comes(void *context)
{
    (void)context;
    struct computer *device = &scene.computers[DEVICE];
    if (computer_is_up(device) && !calling)
        world_enter(device->loop, look, NULL);
    event_new(NULL, chance_ns(LOOK_EVERY / 2, LOOK_EVERY * 2), operator_comes, NULL);
}

void operator_begin(void)
{
    recovered_whole = true;
    event_new(NULL, SECOND, operator_comes, NULL);
}

bool people_epochs_rest(uint64_t *ret_newest, bool *ret_sealed)
{
    json_t *epochs = control_epochs(control(), SERVICE_NAME, 20), *epoch;
    size_t index;
    bool rest = true;
    *ret_newest = 0;
    *ret_sealed = false;
    json_array_foreach(epochs, index, epoch) {
        const char *state = json_string_or(epoch, "state", "");
        uint64_t number = (uint64_t)json_integer_or(epoch, "number", 0);
        rest = rest && is_over(state);
        if (number > *ret_newest && strcmp(state, "sealed") == 0) {
            *ret_newest = number;
            *ret_sealed = true;
        }
    }
    json_decref(epochs);
    return rest;
}

bool operator_recovered(void)
{
    return recovered_whole && !calling;
}

void operator_lost_journal(void)
{
    recovered_whole = false;
}
