/* schedule_edit_test.c: what comes between a slot and the next one: an edited rule, and a process
 * that died before its epoch was known. */
#include "schedule_asserts.h"

static void test_an_edited_rule(void **state)
{
    (void)state;
    struct schedule_rule before = every_minute(), rule = before;
    struct schedule_state s = state_at(660);
    schedule_edit(&s, &before, &rule, 700 * S);
    assert_int_equal(s.floor_us, 660 * S);
    /* Another T0: no slot of its grid before now. */
    rule.first_us = 630 * S;
    schedule_edit(&s, &before, &rule, 700 * S);
    assert_int_equal(s.anchor_us, 630 * S);
    struct schedule_decision d = schedule_decide(&rule, &s, 700 * S);
    assert_waits(&d, 740);
    assert_passes(&d, 0, 0, 0, 0, 0);
    before = rule;
    rule.first = SCHEDULE_FIRST_NOW;
    schedule_edit(&s, &before, &rule, 745 * S);
    d = schedule_decide(&rule, &s, 745 * S);
    assert_fires(&d, 755, 755);
    /* Another grid from the same instant. */
    before = rule;
    rule.every_us = 20 * S;
    schedule_edit(&s, &before, &rule, 800 * S);
    assert_int_equal(s.anchor_us, 755 * S);
    d = schedule_decide(&rule, &s, 800 * S);
    assert_waits(&d, 805);
    /* The clock was set back: what was used stays used. */
    rule.every_us = 30 * S;
    schedule_edit(&s, &before, &rule, 500 * S);
    assert_int_equal(s.floor_us, 800 * S);
    schedule_use_up(&s, 900 * S);
    assert_int_equal(s.floor_us, 900 * S);
}

static void test_an_edited_cron(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct schedule_rule before = every_minute(), rule;
    before.period = SCHEDULE_CRON;
    before.first = SCHEDULE_FIRST_NEXT;
    before.first_us = 0;
    before.cron_text = "10 * * * *";
    before.zone_name = "UTC";
    assert_true(cron_parse(before.cron_text, &before.cron, &error));
    struct schedule_state s = schedule_begin(&before, 0);
    assert_int_equal(s.anchor_us, 600 * S);
    rule = before;
    rule.cron_text = "5 * * * *";
    assert_true(cron_parse(rule.cron_text, &rule.cron, &error));
    schedule_edit(&s, &before, &rule, 0);
    assert_int_equal(s.anchor_us, 300 * S);
    before = rule;
    rule.zone_name = NULL;
    schedule_edit(&s, &before, &rule, 400 * S);
    assert_int_equal(s.anchor_us, 3900 * S);
}

/* Slot 660 was used, and its epoch died with the process. */
static struct schedule_state lost_at_660(void)
{
    struct schedule_state s = state_at(660);
    s.running = true;
    s.begun_us = 660 * S;
    schedule_lose(&s);
    return s;
}

static void test_a_lost_slot_runs_once(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    struct schedule_state s = lost_at_660();
    struct schedule_decision d = schedule_decide(&rule, &s, 662 * S);
    assert_fires(&d, 660, 672);
    assert_passes(&d, 0, 0, 0, 0, 0);
    assert_false(d.next.lost);
    schedule_end(&d.next);
    d = schedule_decide(&rule, &d.next, 680 * S);
    assert_waits(&d, 710);
    /* Not beside a newer one. */
    d = schedule_decide(&rule, &s, 790 * S);
    assert_fires(&d, 780, 800);
    assert_passes(&d, 2, 0, 0, 660, 720);
    d = schedule_decide(&rule, &s, 715 * S);
    assert_fires(&d, 720, 720);
    assert_passes(&d, 1, 0, 0, 660, 660);
    assert_false(d.next.lost);
}

static void test_a_lost_slot_is_missed(void **state)
{
    (void)state;
    struct schedule_rule rule = every_minute();
    rule.missed = SCHEDULE_MISSED_SKIP;
    struct schedule_state s = lost_at_660();
    struct schedule_decision d = schedule_decide(&rule, &s, 680 * S);
    assert_fires(&d, 660, 690); /* within its grace */
    d = schedule_decide(&rule, &s, 681 * S);
    assert_waits(&d, 710);
    assert_passes(&d, 1, 0, 0, 660, 660);
    assert_false(d.next.lost);
    /* Paused it waits; what was not wanted meanwhile is not missed. */
    schedule_pause(&s);
    d = schedule_decide(&rule, &s, 681 * S);
    assert_waits(&d, SCHEDULE_WAIT_FOR_EVENT);
    assert_true(d.next.lost);
    schedule_resume(&s, 690 * S);
    d = schedule_decide(&rule, &s, 690 * S);
    assert_waits(&d, 710);
    assert_passes(&d, 0, 0, 0, 0, 0);
    /* The operator's own epoch comes in its place. */
    s = lost_at_660();
    int64_t moment;
    assert_true(schedule_run_now(&rule, &s, 690 * S, &moment));
    assert_false(s.lost);
    assert_int_equal(s.begun_us, 700 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_edited_rule),
        cmocka_unit_test(test_an_edited_cron),
        cmocka_unit_test(test_a_lost_slot_runs_once),
        cmocka_unit_test(test_a_lost_slot_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
