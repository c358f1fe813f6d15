/* epoch_json_test.c: the journal's document gives the epoch back, and refuses what it cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "epoch/epoch.h"
#include "epoch_sample.h"

static char *printed(const struct epoch *epoch)
{
    struct buffer text;
    json_t *document = epoch_to_json(epoch);
    buffer_init(&text, 0);
    json_print(document, true, &text);
    json_decref(document);
    return buffer_take(&text);
}

/* Through text, as the journal does it. */
static void assert_round_trip(const struct epoch *epoch)
{
    struct epoch again;
    struct error error = ERROR_NONE;
    json_t *document;
    char *before = printed(epoch);
    assert_true(json_parse(before, strlen(before), &document, &error));
    assert_true(epoch_from_json(document, &again, &error));
    char *after = printed(&again);
    assert_string_equal(before, after);
    assert_memory_equal(again.instructions, epoch->instructions, sizeof again.instructions);
    assert_memory_equal(again.entered_us, epoch->entered_us, sizeof again.entered_us);
    assert_memory_equal(&again.base, &epoch->base, sizeof again.base);
    assert_int_equal(again.slot_us, epoch->slot_us);
    assert_int_equal(again.t_us, epoch->t_us);
    assert_int_equal(again.limits.on_skew, epoch->limits.on_skew);
    assert_int_equal(again.limits.consistency, epoch->limits.consistency);
    assert_int_equal(again.grade, epoch->grade);
    assert_int_equal(again.cause.code, epoch->cause.code);
    assert_string_equal(again.cause.text, epoch->cause.text);
    free(before);
    free(after);
    json_decref(document);
    epoch_fini(&again);
}

static void a_full_epoch_comes_back(void **unused)
{
    struct epoch epoch;
    (void)unused;
    epoch_sample(&epoch);
    assert_round_trip(&epoch);
    epoch_fini(&epoch);
}

static void a_new_epoch_comes_back(void **unused)
{
    struct epoch epoch;
    (void)unused;
    epoch_init(&epoch);
    epoch.number = 1;
    assert_round_trip(&epoch);
    epoch_fini(&epoch);
}

static void readers_of_the_journal_find_their_members(void **unused)
{
    struct epoch epoch;
    (void)unused;
    epoch_sample(&epoch);
    json_t *document = epoch_to_json(&epoch);
    assert_string_equal(json_string_or(document, "service_name", ""), "bills");
    assert_int_equal(json_integer_or(document, "generation", 0), 3);
    assert_int_equal(json_integer_or(document, "number", 0), 42);
    assert_int_equal(json_integer_or(document, "attempt", 0), 2);
    assert_string_equal(json_string_or(document, "state", ""), "receiving");
    assert_int_equal(json_time_or(document, "t_us", 0), SAMPLE_T_US);
    json_decref(document);
    epoch_fini(&epoch);
}

/* Recovery: what an agent stored of an instruction names the epoch, planned again. */
static void the_body_of_an_instruction_names_its_epoch(void **unused)
{
    struct epoch epoch, again;
    struct error error = ERROR_NONE;
    (void)unused;
    epoch_sample(&epoch);
    json_t *body = epoch_instruction_body(&epoch, EPOCH_INSTRUCTION_COMMIT, EPOCH_SIDE_B);
    assert_true(epoch_from_json(body, &again, &error));
    assert_int_equal(again.state, EPOCH_PLANNED);
    assert_int_equal(again.number, 42);
    assert_int_equal(again.base.number, 41);
    assert_int_equal(again.limits.attempts_max, 8);
    assert_int_equal(again.grade, GRADE_QUIESCED);
    assert_int_equal(again.skew_us, 12);
    assert_non_null(again.moment);
    assert_non_null(again.transfer);
    json_decref(body);
    epoch_fini(&again);
    epoch_fini(&epoch);
}

/* Sets one member (dots lead into objects) and expects a refusal that names it. */
static void assert_refused(const char *object, const char *key, json_t *value, const char *named)
{
    struct epoch epoch, again;
    struct error error = ERROR_NONE;
    epoch_sample(&epoch);
    json_t *document = epoch_to_json(&epoch);
    json_t *inner = object == NULL ? document : json_object_get(document, object);
    json_set_take(inner, key, value);
    assert_false(epoch_from_json(document, &again, &error));
    assert_true(error.code == ERROR_INVALID || error.code == ERROR_LIMIT);
    assert_non_null(strstr(error.text, named));
    json_decref(document);
    epoch_fini(&again);
    epoch_fini(&epoch);
}

static void damaged_documents_are_refused_by_name(void **unused)
{
    char longer[EPOCH_NAME_SIZE + 1];
    (void)unused;
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_refused(NULL, "pair", json_integer(1), "pair");
    assert_refused(NULL, "service", json_null(), "service");
    assert_refused(NULL, "service_name", json_string(longer), "service_name");
    assert_refused(NULL, "generation", json_integer(-1), "generation");
    assert_refused(NULL, "number", json_integer(0), "number");
    assert_refused(NULL, "attempt", json_integer(0), "attempt");
    assert_refused(NULL, "mode", json_string("half"), "mode");
    assert_refused(NULL, "direction", json_integer(2), "direction");
    assert_refused(NULL, "state", json_string("sealing"), "sealing");
    assert_refused(NULL, "question", json_string("why"), "why");
    assert_refused(NULL, "grade", json_string("good"), "grade");
    assert_refused("base", "snapshot_a", json_string(longer), "base: member 'snapshot_a'");
    assert_refused("base", "number", json_integer(0), "number");
    assert_refused("base", "generation", json_string("1"), "generation");
    assert_refused("base", "attempt", json_integer(-4), "attempt");
    assert_refused("base", "snapshot_b", json_null(), "snapshot_b");
    assert_refused("limits", "consistency", json_string("good"), "consistency");
    assert_refused("limits", "on_skew", json_string("good"), "on_skew");
    assert_refused("instructions", "commit.b", json_object(), "commit.b");
}

static void choices_that_are_missing_have_their_first_value(void **unused)
{
    struct epoch epoch, again;
    struct error error = ERROR_NONE;
    (void)unused;
    epoch_sample(&epoch);
    json_t *document = epoch_to_json(&epoch);
    json_object_del(document, "mode");
    json_set_take(document, "direction", json_null());
    assert_true(epoch_from_json(document, &again, &error));
    assert_int_equal(again.mode, EPOCH_MODE_FULL);
    assert_int_equal(again.direction, EPOCH_PULL);
    json_decref(document);
    epoch_fini(&again);
    epoch_fini(&epoch);
}

static void counters_out_of_range_start_again(void **unused)
{
    struct epoch epoch, again;
    struct error error = ERROR_NONE;
    (void)unused;
    epoch_sample(&epoch);
    json_t *document = epoch_to_json(&epoch);
    json_set_integer(document, "approved", -1);
    json_set_integer(json_object_get(document, "limits"), "tries_max", 1 << 20);
    assert_true(epoch_from_json(document, &again, &error));
    assert_int_equal(again.approved, 0);
    assert_int_equal(again.limits.tries_max, 0);
    json_decref(document);
    epoch_fini(&again);
    epoch_fini(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_epoch_comes_back),
        cmocka_unit_test(a_new_epoch_comes_back),
        cmocka_unit_test(readers_of_the_journal_find_their_members),
        cmocka_unit_test(the_body_of_an_instruction_names_its_epoch),
        cmocka_unit_test(damaged_documents_are_refused_by_name),
        cmocka_unit_test(choices_that_are_missing_have_their_first_value),
        cmocka_unit_test(counters_out_of_range_start_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
