/* instruction_test.c: keys tell instructions apart, bodies have what agents need and stay the same
 * while an instruction is out. */
#include "epoch/instruction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "epoch/epoch_step.h"
#include "epoch_sample.h"

#define TRANSFER EPOCH_INSTRUCTION_TRANSFER
#define COMMIT EPOCH_INSTRUCTION_COMMIT

static void every_kind_is_found_by_its_name(void **unused)
{
    enum epoch_instruction_kind found = EPOCH_INSTRUCTION_RESOLVE;
    (void)unused;
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++) {
        const char *name = epoch_instruction_name((enum epoch_instruction_kind)kind);
        assert_true(epoch_instruction_from_name(name, &found));
        assert_int_equal(found, kind);
    }
    assert_false(epoch_instruction_from_name("inspect", &found));
    assert_string_equal(epoch_side_name(EPOCH_SIDE_A), "a");
    assert_string_equal(epoch_side_name(EPOCH_SIDE_B), "b");
}

/* The key is part of the journal of agents: a change of its form is a change of the protocol. */
static void the_key_has_its_form(void **unused)
{
    struct epoch epoch;
    char key[DIGEST_TEXT_SIZE], expected[DIGEST_TEXT_SIZE];
    const char text[] =
        "coeval instruction\naaaabbbb-cccc-4ddd-8eee-ffff00001111\n3\n42\n2\ntransfer\na\n1\n";
    (void)unused;
    epoch_sample(&epoch);
    struct digest digest = digest_of(text, sizeof text - 1);
    digest_format(&digest, expected);
    epoch_instruction_key(&epoch, TRANSFER, EPOCH_SIDE_A, 2, 1, key);
    assert_string_equal(key, expected);
    epoch_fini(&epoch);
}

static void everything_in_the_key_tells_apart(void **unused)
{
    struct epoch epoch;
    char keys[8][DIGEST_TEXT_SIZE];
    (void)unused;
    epoch_sample(&epoch);
    epoch_instruction_key(&epoch, TRANSFER, EPOCH_SIDE_A, 1, 1, keys[0]);
    epoch_instruction_key(&epoch, COMMIT, EPOCH_SIDE_A, 1, 1, keys[1]);
    epoch_instruction_key(&epoch, TRANSFER, EPOCH_SIDE_B, 1, 1, keys[2]);
    epoch_instruction_key(&epoch, TRANSFER, EPOCH_SIDE_A, 2, 1, keys[3]);
    epoch_instruction_key(&epoch, TRANSFER, EPOCH_SIDE_A, 1, 2, keys[4]);
    epoch.number++;
    epoch_instruction_key(&epoch, TRANSFER, EPOCH_SIDE_A, 1, 1, keys[5]);
    epoch.generation++;
    epoch_instruction_key(&epoch, TRANSFER, EPOCH_SIDE_A, 1, 1, keys[6]);
    epoch.service[0] = 'b';
    epoch_instruction_key(&epoch, TRANSFER, EPOCH_SIDE_A, 1, 1, keys[7]);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(keys[i], keys[j]);
    epoch_fini(&epoch);
}

static json_t *body_of(const struct epoch *epoch, enum epoch_instruction_kind kind,
                       enum epoch_side side)
{
    json_t *body = epoch_instruction_body(epoch, kind, side);
    assert_string_equal(json_string_or(body, "kind", ""), epoch_instruction_name(kind));
    assert_string_equal(json_string_or(body, "side", ""), epoch_side_name(side));
    return body;
}

static void all_bodies_have_what_all_need(void **unused)
{
    struct epoch epoch;
    (void)unused;
    epoch_sample(&epoch);
    for (int kind = 0; kind < EPOCH_INSTRUCTION_COUNT; kind++) {
        json_t *body = body_of(&epoch, (enum epoch_instruction_kind)kind, EPOCH_SIDE_A);
        assert_int_equal(json_integer_or(body, "schema", 0), 1);
        assert_string_equal(json_string_or(body, "mode", ""), "incremental");
        assert_string_equal(json_string_or(body, "direction", ""), "push");
        assert_string_equal(json_string_or(body, "snapshot", ""),
                            "coeval.11112222.aaaabbbb.g3.e42.a2.20251121T130000.250Z");
        assert_int_equal(json_time_or(body, "t_us", 0), SAMPLE_T_US);
        assert_int_equal(json_time_or(body, "grace_us", 0), 3);
        assert_true(json_boolean_or(body, "base_lost", false));
        assert_string_equal(json_string_or(json_object_get(body, "base"), "snapshot_b", ""),
                            "coeval.base.b");
        assert_string_equal(json_string_value(json_array_get(json_object_get(body, "approved"), 0)),
                            "shrink");
        assert_true(json_equal(json_object_get(body, "approvals"), epoch.approvals));
        assert_int_equal(json_array_size(json_object_get(body, "members")), 1);
        assert_true(json_equal(json_object_get(body, "settings"), epoch.settings));
        json_decref(body);
    }
    epoch_fini(&epoch);
}

static void some_bodies_have_more(void **unused)
{
    struct epoch epoch;
    (void)unused;
    epoch_sample(&epoch);
    json_t *snapshot = body_of(&epoch, EPOCH_INSTRUCTION_SNAPSHOT, EPOCH_SIDE_A);
    assert_null(json_object_get(snapshot, "moment"));
    assert_null(json_object_get(snapshot, "attempts"));
    json_t *commit = body_of(&epoch, COMMIT, EPOCH_SIDE_B);
    assert_true(json_equal(json_object_get(commit, "moment"), epoch.moment));
    assert_true(json_equal(json_object_get(commit, "transfer"), epoch.transfer));
    assert_string_equal(json_string_or(commit, "grade", ""), "quiesced");
    assert_int_equal(json_integer_or(commit, "skew_us", 0), 12);
    json_t *settle = body_of(&epoch, EPOCH_INSTRUCTION_SETTLE, EPOCH_SIDE_A);
    assert_int_equal(json_integer_or(json_object_get(settle, "seal"), "number", 0), 42);
    json_t *discard = body_of(&epoch, EPOCH_INSTRUCTION_DISCARD, EPOCH_SIDE_B);
    json_t *attempts = json_object_get(discard, "attempts");
    assert_int_equal(json_array_size(attempts), 2);
    assert_int_equal(json_integer_or(json_array_get(attempts, 0), "attempt", 0), 1);
    assert_string_equal(json_string_or(json_array_get(attempts, 0), "snapshot", ""),
                        "coeval.11112222.aaaabbbb.g3.e42.a1.20251121T101320.000Z");
    assert_string_equal(json_string_or(json_array_get(attempts, 1), "snapshot", ""),
                        json_string_or(discard, "snapshot", "?"));
    json_decref(snapshot);
    json_decref(commit);
    json_decref(settle);
    json_decref(discard);
    epoch_fini(&epoch);
}

static void what_is_not_known_is_left_out(void **unused)
{
    struct epoch epoch;
    (void)unused;
    epoch_init(&epoch);
    json_t *body = body_of(&epoch, EPOCH_INSTRUCTION_RETIRE, EPOCH_SIDE_B);
    assert_null(json_object_get(body, "snapshot"));
    assert_null(json_object_get(body, "members"));
    assert_true(json_is_null(json_object_get(body, "base")));
    assert_int_equal(json_array_size(json_object_get(body, "attempts")), 0);
    json_decref(body);
    body = body_of(&epoch, TRANSFER, EPOCH_SIDE_B);
    assert_null(json_object_get(body, "grade"));
    json_decref(body);
    epoch_fini(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_found_by_its_name),
        cmocka_unit_test(the_key_has_its_form),
        cmocka_unit_test(everything_in_the_key_tells_apart),
        cmocka_unit_test(all_bodies_have_what_all_need),
        cmocka_unit_test(some_bodies_have_more),
        cmocka_unit_test(what_is_not_known_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
