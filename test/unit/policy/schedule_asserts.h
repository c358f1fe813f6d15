/* schedule_asserts.h: a slot each minute from second 600 on, and what a decision about it says. */
#ifndef COEVAL_TEST_SCHEDULE_ASSERTS_H
#define COEVAL_TEST_SCHEDULE_ASSERTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/schedule.h"

#define S ((int64_t)1000000)

static inline struct schedule_rule every_minute(void)
{
    return (struct schedule_rule){.first = SCHEDULE_FIRST_AT,
                                  .first_us = 600 * S,
                                  .period = SCHEDULE_EVERY,
                                  .every_us = 60 * S,
                                  .lead_us = 10 * S,
                                  .grace_us = 20 * S};
}

static inline struct schedule_state state_at(int64_t floor)
{
    return (struct schedule_state){
        .anchor_us = 600 * S, .floor_us = floor * S, .pending_us = SCHEDULE_NEVER};
}

static inline void assert_waits(const struct schedule_decision *d, int64_t until)
{
    assert_int_equal(d->action, SCHEDULE_WAIT);
    assert_int_equal(d->until_us, until == SCHEDULE_WAIT_FOR_EVENT ? until : until * S);
}

static inline void assert_fires(const struct schedule_decision *d, int64_t slot, int64_t moment)
{
    assert_int_equal(d->action, SCHEDULE_FIRE);
    assert_int_equal(d->slot_us, slot * S);
    assert_int_equal(d->moment_us, moment * S);
    assert_true(d->next.running);
    assert_true(d->next.floor_us >= slot * S);
    assert_true(d->next.pending_us == SCHEDULE_NEVER);
}

static inline void assert_passes(const struct schedule_decision *d, uint64_t missed,
                                 uint64_t overrun, uint64_t coalesced, int64_t first, int64_t last)
{
    assert_int_equal(d->passed.missed, missed);
    assert_int_equal(d->passed.overrun, overrun);
    assert_int_equal(d->passed.coalesced, coalesced);
    assert_int_equal(d->passed.first_us, first * S);
    assert_int_equal(d->passed.last_us, last * S);
}

#endif
