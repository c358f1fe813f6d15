/* schedule.h: when a service's epochs begin. Pure: a decision is a function of the rule, the state
 * (which the caller records) and the time.
 *
 * Slots are UTC instants: T0 first, then T0 + k * period, or the instants that a cron expression
 * names after T0. A slot is used at most once, and never one at or before the last (`floor_us`),
 * whatever the clock does. It is asked for lead_time before it comes, so that the epoch can
 * prepare. A slot that is not run is counted by its reason: nobody was there (missed), the epoch
 * before was still running (overrun), or a newer slot took its place (coalesced). */
#ifndef COEVAL_POLICY_SCHEDULE_H
#define COEVAL_POLICY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cron.h"

#define SCHEDULE_NEVER INT64_MIN          /* floor_us: no slot was used yet */
#define SCHEDULE_WAIT_FOR_EVENT INT64_MAX /* until_us: nothing to do before something changes */
#define SCHEDULE_COUNT_MAX 10000          /* slots are counted so far, then "at least so many" */

enum schedule_first { SCHEDULE_FIRST_AT, SCHEDULE_FIRST_NOW, SCHEDULE_FIRST_NEXT };
enum schedule_period { SCHEDULE_ONCE, SCHEDULE_EVERY, SCHEDULE_CRON };
enum schedule_overrun { SCHEDULE_OVERRUN_SKIP, SCHEDULE_OVERRUN_COALESCE };
enum schedule_missed { SCHEDULE_MISSED_RUN_ONCE, SCHEDULE_MISSED_SKIP };

struct schedule_rule {
    enum schedule_first first;
    int64_t first_us; /* SCHEDULE_FIRST_AT */
    enum schedule_period period;
    int64_t every_us;
    struct cron cron;
    const char *cron_text;   /* as written, single spaces */
    const char *zone_name;   /* "UTC": no data needed */
    const struct zone *zone; /* the data of zone_name; borrowed; NULL is UTC */
    int64_t lead_us;
    int64_t grace_us;
    enum schedule_overrun overrun;
    enum schedule_missed missed;
};

/* What the caller records before it acts on a decision. */
struct schedule_state {
    int64_t anchor_us;  /* T0, resolved when the policy was applied */
    int64_t floor_us;   /* no slot at or before this is used (again) */
    int64_t pending_us; /* the coalesced slot that runs when the running epoch has ended;
                           SCHEDULE_NEVER: none */
    int64_t begun_us;   /* the slot of the epoch that is running; or that was, when lost */
    bool running;       /* an epoch of this service is between its start and its end */
    bool lost; /* the slot was used and nothing of its epoch is known: it counts as missed */
    bool paused;
};

enum schedule_action { SCHEDULE_WAIT, SCHEDULE_FIRE };

struct schedule_decision {
    enum schedule_action action;
    int64_t until_us;  /* WAIT: ask again then, or after any event */
    int64_t slot_us;   /* FIRE: which slot */
    int64_t moment_us; /* FIRE: its T; later than the slot when it could not be kept */
    struct {           /* slots that are passed over by this decision; first and last of them */
        uint64_t missed;
        uint64_t overrun;
        uint64_t coalesced;
        int64_t first_us;
        int64_t last_us;
        bool more; /* SCHEDULE_COUNT_MAX was reached */
    } passed;
    bool clock_is_behind; /* the last slot lies in the future: the clock was set back; an alarm */
    struct schedule_state next; /* record this first */
};

/* The state of a policy that is applied now. */
struct schedule_state schedule_begin(const struct schedule_rule *rule, int64_t now_us);
/* Of an edited rule: a new T0 is begun anew; what was used up or lies behind stays behind. */
void schedule_edit(struct schedule_state *state, const struct schedule_rule *before,
                   const struct schedule_rule *rule, int64_t now_us);
/* No slot up to there is used (again): it was, by another policy or another journal. */
void schedule_use_up(struct schedule_state *state, int64_t used_us);
struct schedule_decision schedule_decide(const struct schedule_rule *rule,
                                         const struct schedule_state *state, int64_t now_us);
/* The epoch of the last slot has ended, sealed or abandoned. */
void schedule_end(struct schedule_state *state);
/* The process died between the slot and the record of its epoch: the slot is missed, or it runs
 * once, as the rule says of missed ones. */
void schedule_lose(struct schedule_state *state);
void schedule_pause(struct schedule_state *state);
/* Slots that passed meanwhile are not missed ones: they were not wanted. */
void schedule_resume(struct schedule_state *state, int64_t now_us);
/* An epoch that the operator asks for, now; false while one is running. */
bool schedule_run_now(const struct schedule_rule *rule, struct schedule_state *state,
                      int64_t now_us, int64_t *ret_moment_us);

/* The first slot after the instant; false: there is none. */
bool schedule_next_slot(const struct schedule_rule *rule, int64_t anchor_us, int64_t after_us,
                        int64_t *ret_slot_us);

#endif
