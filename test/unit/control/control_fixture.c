/* control_fixture.c: see control_fixture.h. */
#include "control_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "loop/timer.h"

#define WAIT_MS 120000
#define DUE_US 2000    /* what a timer of the next millisecond may still bring belongs to now */
#define QUIET_TURNS 10 /* more than any row of posts that neither agents nor journal see */

static const struct control_instance instances[] = {{"posix", "posix", 0}};

void device_start(struct device *device)
{
    struct error error = ERROR_NONE;
    assert_true(fake_journal_open(device->disk, NULL, NULL, &device->journal, &error));
    for (int i = 0; i < 2; i++) {
        device->links[i] = fake_agent_link(device->agents[i]);
        device->clusters[i] = (struct control_cluster){.name = i == EAST ? "east" : "west",
                                                       .area = "/own",
                                                       .link = device->links[i],
                                                       .instances = instances,
                                                       .instance_count = 1};
    }
    struct control_options options = {.device = "dddddddd-2222-4333-8444-555555555555",
                                      .journal = device->journal,
                                      .journal_directory = "/var/lib/coeval/control",
                                      .clusters = device->clusters,
                                      .cluster_count = 2,
                                      .history_max = device->history_max,
                                      .refuses_hooks = device->refuses_hooks};
    if (!control_new(device->loop, &options, &device->control, &error))
        fail_msg("%s", error.text);
}

void device_open(struct device *device)
{
    *device = (struct device){.loop = loop_new()};
    device->disk = fake_journal_new("dddddddd-2222-4333-8444-555555555555");
    device->agents[EAST] = fake_agent_new(
        device->loop,
        "[{\"cluster\": \"east\", \"instance\": \"posix\", \"identity\": \"store-e\"}]");
    device->agents[WEST] = fake_agent_new(
        device->loop,
        "[{\"cluster\": \"west\", \"instance\": \"posix\", \"identity\": \"store-w\"}]");
    device_start(device);
}

static void mark(void *context)
{
    *(bool *)context = true;
}

static bool is_marked(void *context)
{
    return *(bool *)context;
}

static void stop_control(struct device *device)
{
    bool stopped = false;
    control_stop(device->control, mark, &stopped);
    assert_true(loop_run_until(device->loop, is_marked, &stopped, WAIT_MS));
    control_free(device->control);
    device->control = NULL;
    for (int i = 0; i < 2; i++)
        link_free(device->links[i]);
}

void device_crash(struct device *device)
{
    fake_journal_crash(device->disk);
    stop_control(device);
}

void device_restart(struct device *device)
{
    device_crash(device);
    device_start(device);
}

void device_close(struct device *device)
{
    if (device->control != NULL) {
        device->journal->operations->close(device->journal);
        stop_control(device);
    }
    device_settle(device); /* answers that nobody waits for any more */
    for (int i = 0; i < 2; i++)
        fake_agent_free(device->agents[i]);
    loop_free(device->loop);
    fake_journal_free(device->disk);
}

/* ---- waiting -------------------------------------------------------------------------------- */

struct waiting {
    struct device *device;
    bool (*until)(void *context);
    void *context;
};

static bool turn(void *context)
{
    const struct waiting *waiting = context;
    if (!waiting->device->slow)
        fake_journal_run(waiting->device->disk);
    return waiting->until(waiting->context);
}

/* What there is instead. */
static void print_epochs(struct device *device)
{
    json_t *epochs = device->control == NULL ? NULL : control_epochs(device->control, NULL, 10);
    char *text = json_dumps(epochs, 0);
    print_message("# epochs: %s\n", text == NULL ? "-" : text);
    free(text);
    json_decref(epochs);
}

void device_wait(struct device *device, bool (*until)(void *context), void *context,
                 const char *what)
{
    struct waiting waiting = {device, until, context};
    if (loop_run_until(device->loop, turn, &waiting, WAIT_MS))
        return;
    print_epochs(device);
    fail_msg("within %d s did not come: %s", WAIT_MS / 1000, what);
}

/* Quiet turns count once an alarm has rung that was set when the last thing happened: whatever the
 * device has set to the same instant or an earlier one has fired by then. */
struct settling {
    struct device *device;
    struct wall_timer *alarm;
    bool is_set, rang;
    size_t appends;
    unsigned quiet_turns;
};

static bool is_settled(void *context)
{
    return ((struct settling *)context)->quiet_turns >= QUIET_TURNS;
}

static void ring(void *context, bool clock_changed)
{
    struct settling *settling = context;
    (void)clock_changed;
    settling->rang = true;
}

static bool has_happened(struct settling *settling)
{
    struct device *device = settling->device;
    size_t appends = fake_journal_appends(device->disk);
    bool news = appends != settling->appends;
    settling->appends = appends;
    return news || fake_agent_is_busy(device->agents[EAST]) ||
           fake_agent_is_busy(device->agents[WEST]);
}

/* Once each turn of the loop. */
static void count_turn(void *context)
{
    struct settling *settling = context;
    if (has_happened(settling)) {
        settling->quiet_turns = 0;
        settling->is_set = settling->rang = false;
    } else if (!settling->is_set) {
        wall_timer_start(settling->alarm, clock_realtime_us() + DUE_US);
        settling->is_set = true;
    } else if (settling->rang) {
        settling->quiet_turns++;
    }
    if (!is_settled(settling))
        loop_post(settling->device->loop, count_turn, settling);
}

void device_settle(struct device *device)
{
    struct settling settling = {.device = device, .appends = fake_journal_appends(device->disk)};
    settling.alarm = wall_timer_new(device->loop, ring, &settling);
    loop_post(device->loop, count_turn, &settling);
    device_wait(device, is_settled, &settling, "an end of what happens");
    wall_timer_free(settling.alarm);
}

static bool is_past(void *context)
{
    return clock_realtime_us() >= *(int64_t *)context;
}

void device_wait_instant(struct device *device, int64_t at_us)
{
    struct settling settling = {.device = device};
    settling.alarm = wall_timer_new(device->loop, ring, &settling); /* ends the wait of a turn */
    wall_timer_start(settling.alarm, at_us);
    device_wait(device, is_past, &at_us, "an instant of the clock");
    wall_timer_free(settling.alarm);
    device_settle(device);
}

/* ---- answers -------------------------------------------------------------------------------- */

void outcome_came(void *context, const json_t *result, const struct error *error)
{
    struct outcome *outcome = context;
    assert_false(outcome->over);
    outcome->over = true;
    outcome->result = result == NULL ? NULL : json_deep_copy(result);
    outcome->error = *error;
}

static bool outcome_is_over(void *context)
{
    return ((struct outcome *)context)->over;
}

void outcome_wait(struct device *device, struct outcome *outcome)
{
    device_wait(device, outcome_is_over, outcome, "an answer");
}

void outcome_fini(struct outcome *outcome)
{
    json_decref(outcome->result);
    *outcome = (struct outcome){.over = false};
}

void assert_outcome(struct device *device, struct outcome *outcome, enum error_code code,
                    const char *text)
{
    outcome_wait(device, outcome);
    assert_string_equal(outcome->error.code == ERROR_OK ? "" : outcome->error.text, text);
    assert_int_equal(outcome->error.code, code);
    outcome_fini(outcome);
}

/* ---- policies ------------------------------------------------------------------------------- */

json_t *policy_object(const char *name, const char *data_set, const char *extra)
{
    json_t *policy = json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:{s:[s]}, s:s, s:s}", "apiVersion", "coeval/v1",
        "kind", "Policy", "name", name, "pair", "name", "p", "primary", "east", "secondary", "west",
        "group", "data_sets", data_set, "t0", "2100-01-01T00:00:00Z", "period", "PT1H");
    assert_non_null(policy);
    if (extra[0] != '\0') {
        json_t *more = json_loads(extra, 0, NULL);
        assert_non_null(more);
        json_object_update(policy, more);
        json_decref(more);
    }
    return policy;
}

void device_apply(struct device *device, json_t *policy, bool dry_run, struct outcome *outcome)
{
    struct document document;
    document_init(&document, NULL, policy);
    control_apply_policy(device->control, &document, dry_run, "as tested", outcome_came, outcome);
    document_fini(&document);
}

void device_policy(struct device *device, const char *name, const char *data_set, const char *extra)
{
    struct outcome outcome = {.over = false};
    device_apply(device, policy_object(name, data_set, extra), false, &outcome);
    assert_outcome(device, &outcome, ERROR_OK, "");
}

void device_open_bills(struct device *device, const char *extra)
{
    device_open(device);
    device_policy(device, "bills", "posix:/bills", extra);
}

void device_open_sealed(struct device *device, uint64_t count)
{
    device_open_bills(device, "");
    for (uint64_t number = 1; number <= count; number++)
        device_epoch(device, "bills", number, "sealed");
}

void device_delete(struct device *device, const char *name, const char *reason)
{
    struct outcome outcome = {.over = false};
    control_delete_policy(device->control, name, reason, outcome_came, &outcome);
    assert_outcome(device, &outcome, ERROR_OK, "");
}

void assert_policy_state(struct device *device, const char *name, const char *state)
{
    json_t *policies = control_policies(device->control), *policy;
    const char *found = "gone";
    size_t index;
    json_array_foreach(policies, index, policy)
        if (strcmp(json_string_or(policy, "name", ""), name) == 0)
            found = json_string_or(policy, "state", "");
    assert_string_equal(found, state);
    json_decref(policies);
}

void device_verb(struct device *device, const char *name, const char *verb)
{
    struct outcome outcome = {.over = false};
    control_policy_verb(device->control, name, verb, "as tested", outcome_came, &outcome);
    assert_outcome(device, &outcome, ERROR_OK, "");
}

/* ---- epochs and what is written ------------------------------------------------------------- */

/* By the list, which is short; one epoch with all that was found may have megabytes, and this is
 * asked at every turn. */
bool device_epoch_is(struct device *device, const char *service, uint64_t number, const char *state)
{
    json_t *epochs = control_epochs(device->control, service, SIZE_MAX), *epoch;
    bool same = false;
    size_t index;
    json_array_foreach(epochs, index, epoch)
        if (json_integer_or(epoch, "number", 0) == (int64_t)number)
            same = strcmp(json_string_or(epoch, "state", ""), state) == 0;
    json_decref(epochs);
    return same;
}

struct wanted_state {
    struct device *device;
    const char *service;
    uint64_t number;
    const char *state;
};

static bool is_in_state(void *context)
{
    const struct wanted_state *wanted = context;
    return device_epoch_is(wanted->device, wanted->service, wanted->number, wanted->state);
}

void device_wait_state(struct device *device, const char *service, uint64_t number,
                       const char *state)
{
    struct wanted_state wanted = {device, service, number, state};
    char what[100];
    snprintf(what, sizeof what, "epoch %s/%" PRIu64 " %s", service, number, state);
    device_wait(device, is_in_state, &wanted, what);
}

/* No epoch runs: side A has been told of the seal, and so on. */
static bool is_at_rest(void *context)
{
    const struct wanted_state *wanted = context;
    struct error error;
    json_t *policy = NULL;
    if (!control_policy(wanted->device->control, wanted->service, &policy, &error))
        return true;
    bool rest = strcmp(json_string_or(policy, "state", ""), "running") != 0;
    json_decref(policy);
    return rest;
}

void device_epoch(struct device *device, const char *service, uint64_t number, const char *state)
{
    struct wanted_state wanted = {device, service, number, state};
    bool ends = strcmp(state, "sealed") == 0 || strcmp(state, "abandoned") == 0;
    device_verb(device, service, "run");
    device_wait_state(device, service, number, state);
    if (ends)
        device_wait(device, is_at_rest, &wanted, "the end of a run");
    device_settle(device); /* what follows, such as retirements */
}

const json_t *device_event(struct device *device, const char *name)
{
    json_t *events = control_events(device->control, 0, 1000000);
    const json_t *found = NULL;
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event)
        if (strcmp(json_string_or(event, "name", ""), name) == 0)
            found = event;
    json_decref(events); /* the device keeps each event */
    return found;
}

struct wanted {
    struct device *device;
    const char *name; /* of the event, or kind of the orders */
    int side;
    size_t count;
};

static bool has_event(void *context)
{
    const struct wanted *wanted = context;
    return device_event(wanted->device, wanted->name) != NULL;
}

const json_t *device_wait_event(struct device *device, const char *name)
{
    struct wanted wanted = {.device = device, .name = name};
    char what[100];
    snprintf(what, sizeof what, "event %s", name);
    device_wait(device, has_event, &wanted, what);
    return device_event(device, name);
}

static bool has_orders(void *context)
{
    const struct wanted *wanted = context;
    return fake_agent_count(wanted->device->agents[wanted->side], wanted->name) >= wanted->count;
}

void device_wait_orders(struct device *device, int side, const char *kind, size_t count)
{
    struct wanted wanted = {device, kind, side, count};
    char what[100];
    snprintf(what, sizeof what, "%zu orders \"%s\" to %s", count, kind,
             side == EAST ? "east" : "west");
    device_wait(device, has_orders, &wanted, what);
    device_settle(device);
    assert_int_equal(fake_agent_count(device->agents[side], kind), count);
}

bool device_compares(struct device *device, size_t nth)
{
    const json_t *order = fake_agent_order(device->agents[WEST], "transfer", nth - 1);
    const json_t *lost = json_object_get(json_object_get(order, "body"), "base_lost");
    assert_true(json_is_boolean(lost));
    return json_is_true(lost);
}

size_t device_epoch_count(struct device *device)
{
    json_t *epochs = control_epochs(device->control, NULL, 1000);
    size_t count = json_array_size(epochs);
    json_decref(epochs);
    return count;
}

size_t device_policy_count(struct device *device)
{
    json_t *policies = control_policies(device->control);
    size_t count = json_array_size(policies);
    json_decref(policies);
    return count;
}
