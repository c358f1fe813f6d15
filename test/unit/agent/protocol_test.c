/* protocol_test.c: orders and their status, there and back; what is refused, and what is ignored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/protocol.h"
#include "base/json.h"

static struct instruction order(void)
{
    return (struct instruction){.key = "k1",
                                .kind = "transfer",
                                .pair = "p",
                                .service = "s",
                                .service_name = "bills",
                                .generation = 3,
                                .number = 42,
                                .attempt = 2,
                                .try_number = 4,
                                .device = "d",
                                .deadline_us = INT64_C(1795276800000000)};
}

static json_t *document_of(struct instruction instruction)
{
    return instruction_format(&instruction, json_object());
}

static json_t *parse(const char *text)
{
    json_t *document;
    struct error error;
    assert_true(json_parse(text, strlen(text), &document, &error));
    return document;
}

/* ---- instructions --------------------------------------------------------------------------- */

static void test_an_order_there_and_back(void **state)
{
    struct instruction parsed;
    struct error error;
    (void)state;
    json_t *document = document_of(order());
    json_set_integer(document, "of_tomorrow", 1); /* ignored */
    assert_true(instruction_parse(document, &parsed, &error));
    assert_string_equal(parsed.key, "k1");
    assert_string_equal(parsed.kind, "transfer");
    assert_string_equal(parsed.pair, "p");
    assert_string_equal(parsed.service, "s");
    assert_string_equal(parsed.service_name, "bills");
    assert_string_equal(parsed.device, "d");
    assert_int_equal(parsed.generation, 3);
    assert_int_equal(parsed.number, 42);
    assert_int_equal(parsed.attempt, 2);
    assert_int_equal(parsed.try_number, 4);
    assert_true(parsed.deadline_us == INT64_C(1795276800000000));
    assert_true(json_is_object(parsed.body));
    assert_ptr_equal(parsed.document, document);
    json_decref(parsed.document);
}

static void test_what_may_be_missing(void **state)
{
    struct instruction parsed;
    struct error error;
    (void)state;
    json_t *document = document_of(order());
    json_object_del(document, "service_name");
    json_object_del(document, "try");
    json_object_del(document, "deadline_us");
    assert_true(instruction_parse(document, &parsed, &error));
    assert_string_equal(parsed.service_name, "s");
    assert_int_equal(parsed.try_number, 1);
    assert_int_equal(parsed.deadline_us, 0);
    json_decref(document);
}

static void test_what_must_be_there(void **state)
{
    static const char *const needed[] = {"schema",     "key",    "kind",    "pair",   "service",
                                         "generation", "number", "attempt", "device", "body"};
    (void)state;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        struct instruction parsed;
        struct error error = ERROR_NONE;
        json_t *document = document_of(order());
        json_object_del(document, needed[i]);
        assert_false(instruction_parse(document, &parsed, &error));
        assert_non_null(strstr(error.text, needed[i]));
        json_set_take(document, needed[i], json_true());
        assert_false(instruction_parse(document, &parsed, &error));
        json_decref(document);
    }
}

static void test_another_schema(void **state)
{
    struct instruction parsed;
    struct error error = ERROR_NONE;
    (void)state;
    json_t *document = document_of(order());
    json_set_integer(document, "schema", PROTOCOL_SCHEMA + 1);
    assert_false(instruction_parse(document, &parsed, &error));
    assert_int_equal(error.code, ERROR_PROTOCOL);
    json_decref(document);
}

static void test_keys_have_a_limit(void **state)
{
    char key[PROTOCOL_KEY_SIZE + 1];
    struct instruction parsed, long_one = order();
    struct error error = ERROR_NONE;
    (void)state;
    memset(key, 'k', sizeof key);
    key[PROTOCOL_KEY_SIZE] = '\0';
    long_one.key = key;
    json_t *document = document_of(long_one);
    assert_false(instruction_parse(document, &parsed, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    json_set_string(document, "key", key + 1); /* the longest */
    assert_true(instruction_parse(document, &parsed, &error));
    json_set_string(document, "key", "");
    assert_false(instruction_parse(document, &parsed, &error));
    json_decref(document);
}

static void test_the_same_order_again(void **state)
{
    (void)state;
    struct instruction again = order(), other = order();
    again.device = "another";
    again.deadline_us = 0;
    other.try_number = 5;
    json_t *a = document_of(order()), *b = document_of(again), *c = document_of(other);
    json_t *d = document_of(order());
    json_set_integer(json_object_get(d, "body"), "x", 1);
    assert_true(instruction_same_order(a, b));
    assert_false(instruction_same_order(a, c));
    assert_false(instruction_same_order(a, d));
    assert_non_null(json_object_get(a, "device")); /* looked at, not changed */
    json_decref(a);
    json_decref(b);
    json_decref(c);
    json_decref(d);
}

/* ---- status --------------------------------------------------------------------------------- */

static void test_a_status_there_and_back(void **state)
{
    struct status status = {.key = "k1",
                            .revision = 7,
                            .state = STATUS_WAITING,
                            .phase = "receiving",
                            .question = "shrink",
                            .progress = {1, 2, 3, 4, 5},
                            .result = json_pack("{s:i}", "a", 1),
                            .updated_us = 17};
    struct status parsed;
    struct error error = ERROR_NONE;
    (void)state;
    error_set(&status.error, ERROR_CONFLICT, "too much goes");
    json_t *document = status_format(&status);
    assert_true(status_parse(document, &parsed, &error));
    assert_string_equal(parsed.key, "k1");
    assert_int_equal(parsed.revision, 7);
    assert_int_equal(parsed.state, STATUS_WAITING);
    assert_string_equal(parsed.phase, "receiving");
    assert_string_equal(parsed.question, "shrink");
    assert_memory_equal(&parsed.progress, &status.progress, sizeof status.progress);
    assert_int_equal(parsed.error.code, ERROR_CONFLICT);
    assert_string_equal(parsed.error.text, "too much goes");
    assert_int_equal(json_integer_or(parsed.result, "a", 0), 1);
    assert_int_equal(parsed.updated_us, 17);
    json_decref(document);
    json_decref(status.result);
}

static void test_a_bare_status(void **state)
{
    struct status parsed;
    struct error error = ERROR_NONE;
    (void)state;
    json_t *document =
        parse("{\"key\": \"k\", \"revision\": 1, \"state\": \"running\", \"phase\": \"hold\"}");
    assert_true(status_parse(document, &parsed, &error));
    assert_null(parsed.question);
    assert_null(parsed.result);
    assert_int_equal(parsed.error.code, ERROR_OK);
    assert_int_equal(parsed.progress.bytes_total, 0);
    json_decref(document);
}

static void test_a_status_that_is_none(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"key\": \"k\", \"revision\": 1, \"state\": \"dreaming\", \"phase\": \"hold\"}",
        "{\"key\": \"k\", \"revision\": \"1\", \"state\": \"done\", \"phase\": \"hold\"}",
        "{\"key\": \"k\", \"revision\": 1, \"state\": \"done\"}",
        "{\"revision\": 1, \"state\": \"done\", \"phase\": \"hold\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct status parsed;
        struct error error = ERROR_NONE;
        json_t *document = parse(texts[i]);
        assert_false(status_parse(document, &parsed, &error));
        assert_true(error.code != ERROR_OK);
        json_decref(document);
    }
}

static void test_names_of_states(void **state)
{
    (void)state;
    for (int i = STATUS_RUNNING; i <= STATUS_FAILED; i++) {
        enum status_state back;
        assert_true(status_state_from_name(status_state_name((enum status_state)i), &back));
        assert_int_equal(back, i);
    }
    enum status_state untouched = STATUS_DONE;
    assert_false(status_state_from_name("dreaming", &untouched));
    assert_int_equal(untouched, STATUS_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_there_and_back), cmocka_unit_test(test_what_may_be_missing),
        cmocka_unit_test(test_what_must_be_there),      cmocka_unit_test(test_another_schema),
        cmocka_unit_test(test_keys_have_a_limit),       cmocka_unit_test(test_the_same_order_again),
        cmocka_unit_test(test_a_status_there_and_back), cmocka_unit_test(test_a_bare_status),
        cmocka_unit_test(test_a_status_that_is_none),   cmocka_unit_test(test_names_of_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
