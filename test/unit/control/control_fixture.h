/* control_fixture.h: a control device between a journal in memory and two agents that answer from
 * scripts: cluster "east" (primary) and "west" (secondary), each with one instance "posix". */
#ifndef COEVAL_TEST_CONTROL_FIXTURE_H
#define COEVAL_TEST_CONTROL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/control.h"
#include "fake/fake_agent.h"
#include "fake/fake_journal.h"

#define EAST 0
#define WEST 1

struct device {
    struct loop *loop;
    struct fake_journal *disk;
    struct journal *journal;
    struct fake_agent *agents[2];
    struct link *links[2];
    struct control_cluster clusters[2];
    struct control *control;
    bool refuses_hooks; /* these two from the next start on */
    size_t history_max;
    bool slow; /* records become durable only when the test says so */
};

/* What a call of control.h answered. */
struct outcome {
    bool over;
    json_t *result;
    struct error error;
};

void device_open(struct device *device); /* agents and an empty disk, and started */
void device_close(struct device *device);
void device_start(struct device *device);
/* device_open(), and policy "bills" of posix:/bills; extra as for policy_object(). */
void device_open_bills(struct device *device, const char *extra);
/* The same without an extra, and its epochs 1 to count are sealed. */
void device_open_sealed(struct device *device, uint64_t count);
/* The power fails: what is not durable is lost; the agents stay. */
void device_crash(struct device *device);
void device_restart(struct device *device); /* device_crash(), then device_start() */

/* Runs the loop (and the journal, unless it is slow) until then; where it does not come within two
 * minutes, the test fails and says what did not. */
void device_wait(struct device *device, bool (*until)(void *context), void *context,
                 const char *what);
/* Until nothing happens any more by itself: what was due has fired, requests have their answers and
 * records are durable, and so for all that followed. Only the test, a slow journal, an order that
 * runs or a timer that is not due yet can bring the next event, however slow the machine is. */
void device_settle(struct device *device);
/* Until CLOCK_REALTIME shows that instant, and all that was due by then has happened. */
void device_wait_instant(struct device *device, int64_t at_us);

control_done_fn outcome_came;
void outcome_wait(struct device *device, struct outcome *outcome);
void outcome_fini(struct outcome *outcome);
void assert_outcome(struct device *device, struct outcome *outcome, enum error_code code,
                    const char *text);

/* Policy "name" on the pair p: east -> west, of one data set; its first slot is in the year 2100
 * unless extra (more members as JSON, "" for none) says otherwise. */
json_t *policy_object(const char *name, const char *data_set, const char *extra);
void device_apply(struct device *device, json_t *policy, bool dry_run, struct outcome *outcome);
/* These must succeed. */
void device_policy(struct device *device, const char *name, const char *data_set,
                   const char *extra);
void device_verb(struct device *device, const char *name, const char *verb);
void device_delete(struct device *device, const char *name, const char *reason);
/* "idle", "paused", ...; "gone": there is none. */
void assert_policy_state(struct device *device, const char *name, const char *state);
size_t device_policy_count(struct device *device);
/* Runs an epoch of the service now and waits until it is in that state. */
void device_epoch(struct device *device, const char *service, uint64_t number, const char *state);
void device_wait_state(struct device *device, const char *service, uint64_t number,
                       const char *state);
bool device_epoch_is(struct device *device, const char *service, uint64_t number,
                     const char *state);
/* The newest event of that name, borrowed; NULL: none yet. */
const json_t *device_event(struct device *device, const char *name);
/* Until there is one. */
const json_t *device_wait_event(struct device *device, const char *name);
/* Until so many orders of that kind came to EAST or WEST, and no more come. */
void device_wait_orders(struct device *device, int side, const char *kind, size_t count);
/* Whether the n-th order to transfer (1: the first) says that the base is lost. */
bool device_compares(struct device *device, size_t nth);
size_t device_epoch_count(struct device *device); /* of all services */

#endif
