/* epoch_test.c: names, life and snapshot names of an epoch. */
#include "epoch/epoch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "epoch_sample.h"
#include "epoch/epoch_step.h"

static void every_state_is_found_by_its_name(void **unused)
{
    enum epoch_state found = EPOCH_PLANNED;
    (void)unused;
    for (int state = 0; state < EPOCH_STATE_COUNT; state++) {
        assert_true(epoch_state_from_name(epoch_state_name((enum epoch_state)state), &found));
        assert_int_equal(found, state);
    }
    assert_false(epoch_state_from_name("sealing", &found));
    assert_false(epoch_state_from_name(NULL, &found));
    assert_string_equal(epoch_state_name(EPOCH_ROLLING_BACK), "rolling_back");
}

static void every_question_is_found_by_its_name(void **unused)
{
    enum epoch_question found = EPOCH_QUESTION_NONE;
    (void)unused;
    for (int question = 0; question < EPOCH_QUESTION_COUNT; question++) {
        const char *name = epoch_question_name((enum epoch_question)question);
        assert_true(epoch_question_from_name(name, &found));
        assert_int_equal(found, question);
    }
    assert_false(epoch_question_from_name("why", &found));
}

static void events_and_effects_have_names(void **unused)
{
    (void)unused;
    assert_string_equal(epoch_event_name(EPOCH_EVENT_INSPECTED), "inspected");
    assert_string_equal(epoch_effect_name(EPOCH_EFFECT_BASE_MOVED), "base-moved");
}

static void snapshots_are_named_by_ids_and_moment(void **unused)
{
    struct epoch epoch;
    char name[EPOCH_NAME_SIZE];
    (void)unused;
    epoch_sample(&epoch);
    epoch_snapshot_name(&epoch, name);
    assert_string_equal(name, "coeval.11112222.aaaabbbb.g3.e42.a2.20251121T130000.250Z");
    epoch_fini(&epoch);
}

static void a_sealed_epoch_is_a_base(void **unused)
{
    struct epoch epoch;
    (void)unused;
    epoch_sample(&epoch);
    epoch.state = EPOCH_SEALED;
    struct epoch_base base = epoch_as_base(&epoch);
    assert_int_equal(base.generation, 3);
    assert_int_equal(base.number, 42);
    assert_int_equal(base.attempt, 2);
    assert_string_equal(base.snapshot_a, "coeval.11112222.aaaabbbb.g3.e42.a2.20251121T130000.250Z");
    assert_string_equal(base.snapshot_b, base.snapshot_a);
    epoch_fini(&epoch);
}

/* The clock was an hour ahead when the pause began: the try leaves all the same. */
static void a_clock_that_is_set_back_stalls_no_retry(void **unused)
{
    const int64_t hour_us = INT64_C(3600000000), now_us = INT64_C(1763730000000000);
    struct epoch_event timer = {.kind = EPOCH_EVENT_TIMER};
    struct epoch_effects effects;
    struct epoch epoch;
    (void)unused;
    epoch_sample(&epoch);
    epoch.state = EPOCH_RECEIVING;
    memset(epoch.instructions, 0, sizeof epoch.instructions);
    epoch.limits.backoff_max_us = 60000000;
    struct epoch_instruction *transfer =
        &epoch.instructions[EPOCH_INSTRUCTION_TRANSFER][EPOCH_SIDE_B];
    transfer->status = EPOCH_INSTRUCTION_RETRY;
    transfer->retry_at_us = now_us + hour_us;
    epoch_resume(&epoch, now_us, &effects);
    assert_int_equal(effects.count, 1);
    assert_int_equal(effects.effects[0].at_us, now_us);
    epoch_step(&epoch, &timer, now_us, &effects);
    assert_int_equal(effects.effects[0].kind, EPOCH_EFFECT_RECORD);
    assert_int_equal(effects.effects[1].kind, EPOCH_EFFECT_INSTRUCT);
    transfer->status = EPOCH_INSTRUCTION_RETRY;
    transfer->retry_at_us = now_us + 60000000; /* as long as a pause may be: it waits */
    epoch_step(&epoch, &timer, now_us, &effects);
    assert_int_equal(effects.effects[0].kind, EPOCH_EFFECT_TIMER);
    epoch_fini(&epoch);
}

static void only_two_states_are_final(void **unused)
{
    struct epoch epoch;
    int count = 0;
    (void)unused;
    epoch_init(&epoch);
    assert_int_equal(epoch.attempt, 1);
    for (int state = 0; state < EPOCH_STATE_COUNT; state++) {
        epoch.state = (enum epoch_state)state;
        count += epoch_is_final(&epoch);
    }
    assert_int_equal(count, 2);
    epoch.state = EPOCH_ABANDONED;
    assert_true(epoch_is_final(&epoch));
    epoch_fini(&epoch);
}

/* A journal of an older program may hold it: the moment is over, so its deadlines are too. */
static void a_moment_that_is_over_has_no_deadline(void **unused)
{
    struct epoch epoch;
    struct epoch_effects effects;
    (void)unused;
    epoch_init(&epoch);
    epoch.state = EPOCH_SNAPPED;
    epoch.t_us = 1000;
    epoch.instructions[EPOCH_INSTRUCTION_SNAPSHOT][EPOCH_SIDE_A] =
        (struct epoch_instruction){.status = EPOCH_INSTRUCTION_SENT, .try = 1};
    epoch_resume(&epoch, 2000, &effects);
    assert_int_equal(effects.count, 2);
    assert_int_equal(effects.effects[0].kind, EPOCH_EFFECT_INSTRUCT);
    assert_int_equal(effects.effects[1].kind, EPOCH_EFFECT_TIMER);
    assert_int_equal(effects.effects[1].at_us, 0);
    epoch_fini(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_is_found_by_its_name),
        cmocka_unit_test(every_question_is_found_by_its_name),
        cmocka_unit_test(events_and_effects_have_names),
        cmocka_unit_test(snapshots_are_named_by_ids_and_moment),
        cmocka_unit_test(a_sealed_epoch_is_a_base),
        cmocka_unit_test(only_two_states_are_final),
        cmocka_unit_test(a_clock_that_is_set_back_stalls_no_retry),
        cmocka_unit_test(a_moment_that_is_over_has_no_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
