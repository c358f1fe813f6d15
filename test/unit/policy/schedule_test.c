/* schedule_test.c: single decisions; test/scenario/policy has the long stories. Times are seconds
 * after 1970 unless a date is written. */
#include "schedule_asserts.h"

#include "base/check.h"
#include "base/random.h"

static void test_begin(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state begun = schedule_begin(&rule, 1000 * S);
    assert_int_equal(begun.anchor_us, 600 * S);
    assert_int_equal(begun.floor_us, 1000 * S); /* slots before the policy existed are not missed */
    assert_false(begun.running || begun.paused);
    rule.first = SCHEDULE_FIRST_NOW;
    assert_int_equal(schedule_begin(&rule, 1000 * S).anchor_us, 1010 * S);
    rule.first = SCHEDULE_FIRST_NEXT;
    assert_int_equal(schedule_begin(&rule, 1000 * S).anchor_us, 1060 * S);
    rule.period = SCHEDULE_CRON;
    struct error error = ERROR_NONE;
    assert_true(cron_parse("*/5 * * * *", &rule.cron, &error));
    assert_int_equal(schedule_begin(&rule, 1000 * S).anchor_us, 1200 * S);
}

static void test_slots(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    int64_t slot = 0;
    assert_true(schedule_next_slot(&rule, 600 * S, 0, &slot));
    assert_int_equal(slot, 600 * S);
    assert_true(schedule_next_slot(&rule, 600 * S, 600 * S, &slot));
    assert_int_equal(slot, 660 * S);
    assert_true(schedule_next_slot(&rule, 600 * S, 719 * S, &slot));
    assert_int_equal(slot, 720 * S);
    rule.period = SCHEDULE_ONCE;
    assert_true(schedule_next_slot(&rule, 600 * S, 599 * S, &slot));
    assert_int_equal(slot, 600 * S);
    assert_false(schedule_next_slot(&rule, 600 * S, 600 * S, &slot));
}

static void test_slot_in_time(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state s = state_at(0);
    struct schedule_decision d = schedule_decide(&rule, &s, 100 * S);
    assert_waits(&d, 590);
    d = schedule_decide(&rule, &s, 590 * S - 1);
    assert_waits(&d, 590);
    d = schedule_decide(&rule, &s, 590 * S);
    assert_fires(&d, 600, 600);
    assert_passes(&d, 0, 0, 0, 0, 0);
    d = schedule_decide(&rule, &s, 595 * S); /* the timer was late; half the lead time is enough */
    assert_fires(&d, 600, 600);
    d = schedule_decide(&rule, &s, 596 * S); /* it is not any more: T moves, the slot stays */
    assert_fires(&d, 600, 606);
    d = schedule_decide(&rule, &s, 620 * S); /* within grace */
    assert_fires(&d, 600, 630);
}

static void test_once(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    rule.period = SCHEDULE_ONCE;
    struct schedule_state s = state_at(0);
    struct schedule_decision d = schedule_decide(&rule, &s, 590 * S);
    assert_fires(&d, 600, 600);
    schedule_end(&d.next);
    d = schedule_decide(&rule, &d.next, 700 * S);
    assert_waits(&d, SCHEDULE_WAIT_FOR_EVENT);
    d = schedule_decide(&rule, &s, 90000 * S); /* the device was down; run-once */
    assert_fires(&d, 600, 90010);
}

static void test_missed_run_once(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state s = state_at(600);
    /* 660 to 840 passed; 840 too long ago. */
    struct schedule_decision d = schedule_decide(&rule, &s, 865 * S);
    assert_fires(&d, 840, 875);
    assert_passes(&d, 3, 0, 0, 660, 780);
    /* The next slot is near enough to be kept: it stands for all. */
    d = schedule_decide(&rule, &s, 890 * S);
    assert_fires(&d, 900, 900);
    assert_passes(&d, 4, 0, 0, 660, 840);
}

static void test_missed_skip(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    rule.missed = SCHEDULE_MISSED_SKIP;
    struct schedule_state s = state_at(600);
    struct schedule_decision d = schedule_decide(&rule, &s, 865 * S);
    assert_waits(&d, 890);
    assert_passes(&d, 4, 0, 0, 660, 840);
    assert_int_equal(d.next.floor_us, 840 * S);
    d = schedule_decide(&rule, &d.next, 866 * S); /* counted once */
    assert_waits(&d, 890);
    assert_passes(&d, 0, 0, 0, 0, 0);
    d = schedule_decide(&rule, &s, 850 * S); /* within grace: late, not missed */
    assert_fires(&d, 840, 860);
    assert_passes(&d, 3, 0, 0, 660, 780);
}

static void test_very_many_missed(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state s = state_at(600);
    struct error error = ERROR_NONE;
    int64_t now = 600 + 60 * (int64_t)3000000;
    struct schedule_decision d = schedule_decide(&rule, &s, (now + 25) * S);
    assert_fires(&d, now, now + 35);
    assert_passes(&d, SCHEDULE_COUNT_MAX, 0, 0, 660, now - 60);
    assert_true(d.passed.more);
    rule.period = SCHEDULE_CRON;
    assert_true(cron_parse("* * * * *", &rule.cron, &error));
    d = schedule_decide(&rule, &s, (now + 25) * S);
    assert_fires(&d, now, now + 35);
    assert_passes(&d, SCHEDULE_COUNT_MAX, 0, 0, 660, now - 60);
    assert_true(d.passed.more);
    d = schedule_decide(&rule, &s, 865 * S);
    assert_passes(&d, 3, 0, 0, 660, 780);
    assert_false(d.passed.more);
}

/* T0 is a slot even where cron does not name it. */
static void test_first_of_cron(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct error error = ERROR_NONE;
    rule.period = SCHEDULE_CRON;
    assert_true(cron_parse("0 * * * *", &rule.cron, &error));
    struct schedule_state s = state_at(0);
    struct schedule_decision d = schedule_decide(&rule, &s, 590 * S);
    assert_fires(&d, 600, 600);
    schedule_end(&d.next);
    d = schedule_decide(&rule, &d.next, 650 * S);
    assert_waits(&d, 3590);
    d = schedule_decide(&rule, &s, 7000 * S); /* T0 and 3600 passed */
    assert_fires(&d, 3600, 7010);
    assert_passes(&d, 1, 0, 0, 600, 600);
}

static void test_overrun_skip(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state s = state_at(600);
    s.running = true;
    struct schedule_decision d = schedule_decide(&rule, &s, 655 * S);
    assert_waits(&d, 660); /* not before the slot: the epoch may still end */
    d = schedule_decide(&rule, &s, 660 * S);
    assert_waits(&d, 720);
    assert_passes(&d, 0, 1, 0, 660, 660);
    d = schedule_decide(&rule, &s, 800 * S);
    assert_waits(&d, 840);
    assert_passes(&d, 0, 3, 0, 660, 780);
    schedule_end(&d.next);
    d = schedule_decide(&rule, &d.next, 801 * S);
    assert_waits(&d, 830);
    /* It ends just before the slot: T is a little late. */
    s.running = false;
    d = schedule_decide(&rule, &s, 658 * S);
    assert_fires(&d, 660, 668);
}

static void test_overrun_coalesce(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    rule.overrun = SCHEDULE_OVERRUN_COALESCE;
    struct schedule_state s = state_at(600);
    s.running = true;
    struct schedule_decision d = schedule_decide(&rule, &s, 660 * S);
    assert_waits(&d, 720);
    assert_passes(&d, 0, 0, 0, 0, 0);
    assert_int_equal(d.next.pending_us, 660 * S);
    d = schedule_decide(&rule, &d.next, 800 * S); /* 660 gives way to 720, 720 to 780 */
    assert_waits(&d, 840);
    assert_passes(&d, 0, 0, 2, 660, 720);
    assert_int_equal(d.next.pending_us, 780 * S);
    struct schedule_state waiting = d.next;
    schedule_end(&waiting);
    d = schedule_decide(&rule, &waiting, 805 * S);
    assert_fires(&d, 780, 815);
    assert_passes(&d, 0, 0, 0, 0, 0);
    /* The next slot is due when the epoch ends: it stands for the pending one. */
    d = schedule_decide(&rule, &waiting, 832 * S);
    assert_fires(&d, 840, 840);
    assert_passes(&d, 0, 0, 1, 780, 780);
    /* The device was down on top of it. */
    d = schedule_decide(&rule, &waiting, 990 * S);
    assert_fires(&d, 1020 - 60, 1000);
    assert_passes(&d, 2, 0, 1, 780, 900);
    /* With missed: skip the pending slot still runs: it was promised. */
    rule.missed = SCHEDULE_MISSED_SKIP;
    d = schedule_decide(&rule, &waiting, 865 * S);
    assert_fires(&d, 780, 875);
    assert_passes(&d, 1, 0, 0, 840, 840);
}

static void test_coalesce_of_one(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    rule.overrun = SCHEDULE_OVERRUN_COALESCE;
    struct schedule_state s = state_at(660);
    s.running = true;
    s.pending_us = 660 * S;
    struct schedule_decision d = schedule_decide(&rule, &s, 720 * S);
    assert_passes(&d, 0, 0, 1, 660, 660);
    assert_int_equal(d.next.pending_us, 720 * S);
}

static void test_running_once_has_nothing_to_wait_for(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    rule.period = SCHEDULE_ONCE;
    struct schedule_state s = state_at(600);
    s.running = true;
    struct schedule_decision d = schedule_decide(&rule, &s, 700 * S);
    assert_waits(&d, SCHEDULE_WAIT_FOR_EVENT);
}

static void test_pause_and_resume(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state s = state_at(600);
    s.pending_us = 600 * S;
    schedule_pause(&s);
    assert_true(s.pending_us == SCHEDULE_NEVER);
    struct schedule_decision d = schedule_decide(&rule, &s, 1000 * S);
    assert_waits(&d, SCHEDULE_WAIT_FOR_EVENT);
    assert_passes(&d, 0, 0, 0, 0, 0);
    schedule_resume(&s, 1000 * S);
    d = schedule_decide(&rule, &s, 1000 * S);
    assert_waits(&d, 1010); /* none of 660 to 960 is missed: they were not wanted */
    assert_passes(&d, 0, 0, 0, 0, 0);
    schedule_pause(&s);
    schedule_resume(&s, 500 * S); /* the clock went back meanwhile */
    assert_int_equal(s.floor_us, 1000 * S);
    /* An epoch that runs while the schedule is paused still skips its slots. */
    s.running = true;
    schedule_pause(&s);
    d = schedule_decide(&rule, &s, 1020 * S);
    assert_passes(&d, 0, 1, 0, 1020, 1020);
}

static void test_run_now(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state s = state_at(600);
    int64_t moment = 0;
    assert_true(schedule_run_now(&rule, &s, 625 * S, &moment));
    assert_int_equal(moment, 635 * S);
    assert_false(schedule_run_now(&rule, &s, 626 * S, &moment));
    schedule_end(&s);
    struct schedule_decision d = schedule_decide(&rule, &s, 640 * S);
    assert_waits(&d, 650); /* the schedule goes on as before */
    /* So near to a slot that T comes after it: the slot is used up. */
    assert_true(schedule_run_now(&rule, &s, 655 * S, &moment));
    schedule_end(&s);
    d = schedule_decide(&rule, &s, 666 * S);
    assert_waits(&d, 710);
}

static void test_clock_set_back(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state s = state_at(660);
    struct schedule_decision d = schedule_decide(&rule, &s, 631 * S);
    assert_waits(&d, 710);
    assert_false(d.clock_is_behind); /* a slot is used before it comes */
    d = schedule_decide(&rule, &s, 629 * S);
    assert_waits(&d, 710);
    assert_true(d.clock_is_behind);
    d = schedule_decide(&rule, &s, 0);
    assert_waits(&d, 710);
    assert_true(d.clock_is_behind);
}

/* Whatever the clock does, whenever epochs end, pauses come or the process restarts: slots rise,
 * and none is used or counted twice. */
static void test_no_slot_twice(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct random random;
        random_init(&random, seed);
        struct schedule_rule rule = every_minute();
        rule.overrun = seed % 2 == 0 ? SCHEDULE_OVERRUN_SKIP : SCHEDULE_OVERRUN_COALESCE;
        rule.missed = seed % 3 == 0 ? SCHEDULE_MISSED_SKIP : SCHEDULE_MISSED_RUN_ONCE;
        struct schedule_state s = schedule_begin(&rule, 600 * S);
        int64_t now = 600, last = -1;
        uint64_t used = 0;
        for (int i = 0; i < 400; i++) {
            struct schedule_decision d = schedule_decide(&rule, &s, now * S);
            used += d.passed.missed + d.passed.overrun + d.passed.coalesced;
            if (d.action == SCHEDULE_FIRE) {
                used++;
                assert_true(d.slot_us > last);
                assert_true(d.moment_us > now * S);
                last = d.slot_us;
            } else {
                assert_true(d.until_us > now * S);
            }
            s = d.next;
            uint64_t dice = random_below(&random, 20);
            if (s.running && dice < 8)
                schedule_end(&s);
            now += (int64_t)random_below(&random, dice == 19 ? 1000 : 40);
            if (dice == 18)
                now -= (int64_t)random_below(&random, 300);
        }
        /* Every slot up to the floor was run, counted, or still waits. */
        used += s.pending_us != SCHEDULE_NEVER;
        assert_int_equal(used, (uint64_t)(s.floor_us - 600 * S) / (uint64_t)(60 * S));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_slot_in_time),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_missed_run_once),
        cmocka_unit_test(test_missed_skip),
        cmocka_unit_test(test_very_many_missed),
        cmocka_unit_test(test_first_of_cron),
        cmocka_unit_test(test_overrun_skip),
        cmocka_unit_test(test_overrun_coalesce),
        cmocka_unit_test(test_coalesce_of_one),
        cmocka_unit_test(test_running_once_has_nothing_to_wait_for),
        cmocka_unit_test(test_pause_and_resume),
        cmocka_unit_test(test_run_now),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_no_slot_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
