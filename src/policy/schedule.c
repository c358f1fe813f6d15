/* schedule.c: see schedule.h. Nothing here remembers: what must outlive a decision is in the state
 * that it returns. */
#include "policy/schedule.h"

#include <string.h>

#include "base/check.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool schedule_next_slot(const struct schedule_rule *rule, int64_t anchor_us, int64_t after_us,
                        int64_t *ret_slot_us)
{
    if (after_us < anchor_us) {
        *ret_slot_us = anchor_us;
        return true;
    }
    if (rule->period == SCHEDULE_ONCE)
        return false;
    if (rule->period == SCHEDULE_CRON)
        *ret_slot_us = cron_next(&rule->cron, rule->zone, after_us);
    else
        *ret_slot_us = anchor_us + ((after_us - anchor_us) / rule->every_us + 1) * rule->every_us;
    return true;
}

/* The newest slot after `after_us` and not after `until_us`, where there is one. */
static int64_t last_slot(const struct schedule_rule *rule, int64_t anchor_us, int64_t after_us,
                         int64_t until_us)
{
    int64_t slot_us = anchor_us;
    CHECK(until_us >= anchor_us);
    if (rule->period == SCHEDULE_EVERY)
        slot_us += (until_us - anchor_us) / rule->every_us * rule->every_us;
    else if (rule->period == SCHEDULE_CRON)
        cron_last(&rule->cron, rule->zone, larger(after_us, anchor_us), until_us, &slot_us);
    return slot_us;
}

struct slots {
    uint64_t count;
    bool more;
    int64_t first_us, last_us;
};

/* The slots after `after_us` and not after `until_us`. */
static struct slots slots_between(const struct schedule_rule *rule, int64_t anchor_us,
                                  int64_t after_us, int64_t until_us)
{
    struct slots slots = {0, false, 0, 0};
    if (!schedule_next_slot(rule, anchor_us, after_us, &slots.first_us) ||
        slots.first_us > until_us)
        return slots;
    slots.last_us = last_slot(rule, anchor_us, after_us, until_us);
    if (rule->period == SCHEDULE_EVERY) {
        slots.count = (uint64_t)((slots.last_us - slots.first_us) / rule->every_us) + 1;
    } else {
        slots.count = 1;
        for (int64_t slot_us = slots.first_us;
             slot_us != slots.last_us && slots.count <= SCHEDULE_COUNT_MAX; slots.count++)
            slot_us = cron_next(&rule->cron, rule->zone, slot_us);
    }
    slots.more = slots.count > SCHEDULE_COUNT_MAX;
    if (slots.more)
        slots.count = SCHEDULE_COUNT_MAX;
    return slots;
}

struct schedule_state schedule_begin(const struct schedule_rule *rule, int64_t now_us)
{
    struct schedule_state state = {
        .anchor_us = rule->first_us, .floor_us = now_us, .pending_us = SCHEDULE_NEVER};
    if (rule->first == SCHEDULE_FIRST_NOW)
        state.anchor_us = now_us + rule->lead_us;
    if (rule->first == SCHEDULE_FIRST_NEXT)
        CHECK(schedule_next_slot(rule, now_us, now_us, &state.anchor_us));
    return state;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_grid(const struct schedule_rule *a, const struct schedule_rule *b)
{
    return a->period == b->period && a->every_us == b->every_us &&
           same_text(a->cron_text, b->cron_text) && same_text(a->zone_name, b->zone_name);
}

void schedule_edit(struct schedule_state *state, const struct schedule_rule *before,
                   const struct schedule_rule *rule, int64_t now_us)
{
    bool same_first = before->first == rule->first && before->first_us == rule->first_us;
    if (same_first && same_grid(before, rule))
        return;
    /* An anchor of "now" is an instant that was; of "next" it lies on the grid. */
    if (!same_first || rule->first == SCHEDULE_FIRST_NEXT)
        state->anchor_us = schedule_begin(rule, now_us).anchor_us;
    schedule_use_up(state, now_us);
}

void schedule_use_up(struct schedule_state *state, int64_t used_us)
{
    state->floor_us = larger(state->floor_us, used_us);
}

/* Counts the slots that a decision passes over; the caller adds their reason. */
static void pass_over(struct schedule_decision *decision, const struct slots *slots)
{
    if (slots->count == 0)
        return;
    decision->passed.first_us = slots->first_us;
    decision->passed.last_us = slots->last_us;
    decision->passed.more = slots->more;
}

/* A coalesced slot that gives way to a newer one. */
static void drop_pending(struct schedule_decision *decision)
{
    int64_t pending_us = decision->next.pending_us;
    if (pending_us == SCHEDULE_NEVER)
        return;
    if (decision->passed.missed + decision->passed.coalesced == 0)
        decision->passed.last_us = pending_us;
    decision->passed.first_us = pending_us; /* older than all that came due since */
    decision->passed.coalesced++;
    decision->next.pending_us = SCHEDULE_NEVER;
}

static void wait_for_slot(const struct schedule_rule *rule, struct schedule_decision *decision,
                          int64_t lead_us)
{
    int64_t slot_us;
    decision->action = SCHEDULE_WAIT;
    decision->until_us = SCHEDULE_WAIT_FOR_EVENT;
    if (schedule_next_slot(rule, decision->next.anchor_us, decision->next.floor_us, &slot_us))
        decision->until_us = slot_us - lead_us;
}

static void fire(const struct schedule_rule *rule, struct schedule_decision *decision,
                 int64_t slot_us, int64_t now_us)
{
    /* Half the lead time is enough to keep T on the slot: timers are never exact. */
    bool in_time = now_us <= slot_us - rule->lead_us / 2;
    decision->action = SCHEDULE_FIRE;
    decision->slot_us = slot_us;
    decision->moment_us = in_time ? slot_us : now_us + rule->lead_us;
    decision->next.floor_us = larger(decision->next.floor_us, slot_us);
    decision->next.pending_us = SCHEDULE_NEVER;
    decision->next.begun_us = slot_us;
    decision->next.running = true;
}

/* The epoch before still runs: what comes due now is skipped or put off. */
static void decide_running(const struct schedule_rule *rule, struct schedule_decision *decision,
                           int64_t now_us)
{
    struct schedule_state *next = &decision->next;
    struct slots due = slots_between(rule, next->anchor_us, next->floor_us, now_us);
    if (due.count == 0) {
        wait_for_slot(rule, decision, 0);
        return;
    }
    next->floor_us = due.last_us;
    if (rule->overrun == SCHEDULE_OVERRUN_SKIP) {
        decision->passed.overrun = due.count;
        pass_over(decision, &due);
    } else {
        struct slots older =
            slots_between(rule, next->anchor_us, due.first_us - 1, due.last_us - 1);
        decision->passed.coalesced = older.count;
        pass_over(decision, &older);
        drop_pending(decision);
        next->pending_us = due.last_us;
    }
    wait_for_slot(rule, decision, 0);
}

static void decide_idle(const struct schedule_rule *rule, struct schedule_decision *decision,
                        int64_t now_us)
{
    struct schedule_state *next = &decision->next;
    struct slots due = slots_between(rule, next->anchor_us, next->floor_us, now_us + rule->lead_us);
    bool too_late = due.count > 0 && now_us > due.last_us + rule->grace_us;
    if (too_late && rule->missed == SCHEDULE_MISSED_SKIP) {
        decision->passed.missed = due.count;
        pass_over(decision, &due);
        next->floor_us = due.last_us;
        due.count = 0;
    }
    if (due.count > 0) {
        struct slots older = slots_between(rule, next->anchor_us, next->floor_us, due.last_us - 1);
        decision->passed.missed = older.count;
        pass_over(decision, &older);
        drop_pending(decision);
        fire(rule, decision, due.last_us, now_us);
    } else if (next->pending_us != SCHEDULE_NEVER) {
        fire(rule, decision, next->pending_us, now_us);
    } else {
        wait_for_slot(rule, decision, rule->lead_us);
    }
}

/* It is older than whatever was found to run now, and missed if something was. */
static void decide_lost(const struct schedule_rule *rule, struct schedule_decision *decision,
                        int64_t slot_us, int64_t now_us)
{
    bool too_late = rule->missed == SCHEDULE_MISSED_SKIP && now_us > slot_us + rule->grace_us;
    if (decision->action == SCHEDULE_WAIT && !too_late) {
        fire(rule, decision, slot_us, now_us);
        return;
    }
    if (decision->passed.missed + decision->passed.coalesced == 0)
        decision->passed.last_us = slot_us;
    decision->passed.first_us = slot_us;
    decision->passed.missed++;
}

struct schedule_decision schedule_decide(const struct schedule_rule *rule,
                                         const struct schedule_state *state, int64_t now_us)
{
    struct schedule_decision decision = {
        .action = SCHEDULE_WAIT,
        .until_us = SCHEDULE_WAIT_FOR_EVENT,
        .clock_is_behind = state->floor_us > now_us + rule->lead_us + rule->grace_us,
        .next = *state,
    };
    CHECK(rule->lead_us > 0 && (rule->period != SCHEDULE_EVERY || rule->every_us > 0));
    if (state->running)
        decide_running(rule, &decision, now_us);
    else if (!state->paused) {
        decide_idle(rule, &decision, now_us);
        decision.next.lost = false;
        if (state->lost)
            decide_lost(rule, &decision, state->begun_us, now_us);
    }
    CHECK(decision.next.floor_us >= state->floor_us);
    return decision;
}

void schedule_end(struct schedule_state *state)
{
    CHECK(state->running);
    state->running = false;
}

void schedule_lose(struct schedule_state *state)
{
    CHECK(state->running);
    state->running = false;
    state->lost = true;
}

void schedule_pause(struct schedule_state *state)
{
    state->paused = true;
    state->pending_us = SCHEDULE_NEVER;
}

void schedule_resume(struct schedule_state *state, int64_t now_us)
{
    state->floor_us = larger(state->floor_us, now_us);
    state->paused = state->lost = false;
}

bool schedule_run_now(const struct schedule_rule *rule, struct schedule_state *state,
                      int64_t now_us, int64_t *ret_moment_us)
{
    if (state->running)
        return false;
    *ret_moment_us = now_us + rule->lead_us;
    state->floor_us = larger(state->floor_us, *ret_moment_us);
    state->pending_us = SCHEDULE_NEVER;
    state->begun_us = *ret_moment_us;
    state->lost = false;
    state->running = true;
    return true;
}
