/* journal_contract.c: see journal_contract.h. */
#include "adapter/journal/journal_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"

static const struct journal_contract *contract;
static void *storage;
static struct journal *journal;

struct told {
    char order[512]; /* names of the calls whose done has run, '!' before a failed one */
    bool inside;     /* within append: no done may come */
};

static struct told told;
static char never[] = "never";

static int setup(void **state)
{
    struct error error = ERROR_NONE;
    (void)state;
    told = (struct told){.inside = false};
    storage = contract->storage_new();
    return contract->open(storage, &journal, &error) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    if (journal != NULL)
        journal->operations->close(journal);
    journal = NULL;
    contract->storage_free(storage);
    return 0;
}

static void on_done(void *context, const struct error *error)
{
    size_t length = strlen(told.order);
    assert_false(told.inside);
    snprintf(told.order + length, sizeof told.order - length, "%s%s",
             error->code == ERROR_OK ? "" : "!", (const char *)context);
}

static bool has_told(void *context)
{
    return strcmp(told.order, context) == 0;
}

static void run_until_told(const char *order)
{
    contract->run_until(storage, has_told, (void *)(uintptr_t)order);
    assert_string_equal(told.order, order);
}

static void append_all(const char *name, const struct journal_append *records, size_t count)
{
    struct error error = ERROR_NONE;
    told.inside = true;
    bool added =
        journal_append_all(journal, records, count, on_done, (void *)(uintptr_t)name, &error);
    told.inside = false;
    if (!added)
        fail_msg("append: %s", error.text);
}

static void append(const char *name, enum journal_type type, const char *key, const char *payload)
{
    struct journal_append record = {.type = type, .key = key, .payload = payload, .generation = 9};
    append_all(name, &record, 1);
}

static void reopen(void)
{
    struct error error = ERROR_NONE;
    journal->operations->close(journal);
    journal = NULL;
    if (!contract->open(storage, &journal, &error))
        fail_msg("open again: %s", error.text);
}

/* "1:epoch:key=payload " for each */
static bool list_record(void *context, const struct journal_record *record, struct error *error)
{
    char *text = context;
    (void)error;
    assert_true(record->payload == NULL || strlen(record->payload) == record->payload_size);
    snprintf(text + strlen(text), 4096 - strlen(text), "%d:%s:%s=%s ", (int)record->sequence,
             journal_type_name(record->type), record->key == NULL ? "-" : record->key,
             record->payload == NULL ? "removed" : record->payload);
    return true;
}

static void assert_records(uint64_t after, size_t limit, const char *expected)
{
    char text[4096] = "";
    struct error error = ERROR_NONE;
    assert_true(journal->operations->records(journal, after, limit, list_record, text, &error));
    assert_string_equal(text, expected);
}

static bool list_object(void *context, const char *key, const char *payload, size_t size,
                        struct error *error)
{
    char *text = context;
    (void)error;
    assert_int_equal(strlen(payload), size);
    snprintf(text + strlen(text), 4096 - strlen(text), "%s=%s ", key, payload);
    return true;
}

static void assert_objects(enum journal_type type, const char *expected)
{
    char text[4096] = "";
    struct error error = ERROR_NONE;
    assert_true(journal->operations->objects(journal, type, list_object, text, &error));
    assert_string_equal(text, expected);
}

static void test_empty(void **state)
{
    (void)state;
    struct buffer payload;
    struct error error = ERROR_NONE;
    buffer_init(&payload, 0);
    assert_int_equal(journal->operations->last_sequence(journal), 0);
    assert_records(0, SIZE_MAX, "");
    assert_objects(JOURNAL_EPOCH, "");
    assert_false(journal->operations->object(journal, JOURNAL_EPOCH, "x", &payload, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    buffer_fini(&payload);
}

static void test_append_reopen_read(void **state)
{
    (void)state;
    append("a", JOURNAL_POLICY, "bills", "{\"revision\":1}");
    append("b", JOURNAL_EVENT, NULL, "{\"text\":\"hello\"}");
    append("c", JOURNAL_POLICY, "bills", "{\"revision\":2}");
    run_until_told("abc");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(journal->operations->last_sequence(journal), 3);
        assert_records(0, SIZE_MAX,
                       "1:policy:bills={\"revision\":1} 2:event:-={\"text\":\"hello\"} "
                       "3:policy:bills={\"revision\":2} ");
        assert_objects(JOURNAL_POLICY, "bills={\"revision\":2} ");
        assert_objects(JOURNAL_EVENT, "");
        reopen();
    }
    append("d", JOURNAL_EVENT, NULL, "{}");
    run_until_told("abcd");
    assert_int_equal(journal->operations->last_sequence(journal), 4);
}

static bool check_fields(void *context, const struct journal_record *record, struct error *error)
{
    int *seen = context;
    (void)error;
    assert_int_equal(record->generation, 9);
    assert_int_equal(strlen(record->origin), 36);
    ++*seen;
    return true;
}

static void test_fields(void **state)
{
    (void)state;
    int seen = 0;
    struct error error = ERROR_NONE;
    append("a", JOURNAL_FENCE, "pair", "{}");
    run_until_told("a");
    assert_true(journal->operations->records(journal, 0, 1, check_fields, &seen, &error));
    assert_int_equal(seen, 1);
}

static void test_objects_in_the_same_transaction(void **state)
{
    (void)state;
    const struct journal_append first[] = {
        {.type = JOURNAL_EPOCH, .key = "e/2", .payload = "2"},
        {.type = JOURNAL_EPOCH, .key = "e/1", .payload = "1"},
        {.type = JOURNAL_EPOCH, .key = "e/10", .payload = "10"},
        {.type = JOURNAL_SERVICE, .key = "e/1", .payload = "other type"},
    };
    const struct journal_append second[] = {
        {.type = JOURNAL_EPOCH, .key = "e/2"},
        {.type = JOURNAL_EPOCH, .key = "e/1", .payload = "new"},
        {.type = JOURNAL_EPOCH, .key = "never was"},
        {.type = JOURNAL_EPOCH, .key = "e/3", .payload = "for a moment"},
        {.type = JOURNAL_EPOCH, .key = "e/3"},
    };
    struct buffer payload;
    struct error error = ERROR_NONE;
    append_all("a", first, ARRAY_LENGTH(first));
    run_until_told("a");
    assert_objects(JOURNAL_EPOCH, "e/1=1 e/10=10 e/2=2 ");
    append_all("b", second, ARRAY_LENGTH(second));
    run_until_told("ab");
    assert_objects(JOURNAL_EPOCH, "e/1=new e/10=10 ");
    assert_objects(JOURNAL_SERVICE, "e/1=other type ");
    assert_records(4, SIZE_MAX,
                   "5:epoch:e/2=removed 6:epoch:e/1=new 7:epoch:never was=removed "
                   "8:epoch:e/3=for a moment 9:epoch:e/3=removed ");
    buffer_init(&payload, 0);
    assert_true(journal->operations->object(journal, JOURNAL_EPOCH, "e/1", &payload, &error));
    assert_string_equal(buffer_text(&payload), "new");
    assert_false(journal->operations->object(journal, JOURNAL_EPOCH, "e/2", &payload, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(buffer_text(&payload), "new"); /* untouched on failure */
    buffer_fini(&payload);
    reopen();
    assert_objects(JOURNAL_EPOCH, "e/1=new e/10=10 ");
}

static void test_order_of_done(void **state)
{
    (void)state;
    static const char names[] = "abcdefghijklmnopqrstuvwxyz";
    char *large = memory_new((size_t)1 << 20);
    char text[27][2] = {{0}};
    memset(large, 'x', ((size_t)1 << 20) - 1);
    for (size_t i = 0; i < 26; i++) {
        text[i][0] = names[i];
        append(text[i], JOURNAL_EVENT, NULL, i % 7 == 0 ? large : "{}");
    }
    run_until_told(names);
    assert_int_equal(journal->operations->last_sequence(journal), 26);
    free(large);
}

static void test_done_may_be_missing(void **state)
{
    (void)state;
    struct journal_append record = {.type = JOURNAL_EVENT, .payload = "{}"};
    struct error error = ERROR_NONE;
    assert_true(journal_append_all(journal, &record, 1, NULL, NULL, &error));
    append("b", JOURNAL_EVENT, NULL, "{}");
    run_until_told("b");
    assert_int_equal(journal->operations->last_sequence(journal), 2);
}

static enum error_code refused(const char *key, const char *payload)
{
    struct journal_append record = {.type = JOURNAL_EPOCH, .key = key, .payload = payload};
    struct error error = ERROR_NONE;
    assert_false(journal_append_all(journal, &record, 1, on_done, never, &error));
    return error.code;
}

static char *text_of(size_t size)
{
    char *text = memory_new(size + 1);
    memset(text, 'k', size);
    return text;
}

static void test_refusals_and_limits_of_size(void **state)
{
    (void)state;
    char *longest_key = text_of(JOURNAL_KEY_BYTES_MAX), *key = text_of(JOURNAL_KEY_BYTES_MAX + 1);
    char *largest = text_of(JOURNAL_PAYLOAD_BYTES_MAX);
    char *payload = text_of(JOURNAL_PAYLOAD_BYTES_MAX + 1);
    struct buffer read;
    struct error error = ERROR_NONE;
    assert_int_equal(refused(key, "{}"), ERROR_INVALID);
    assert_int_equal(refused("", "{}"), ERROR_INVALID);
    assert_int_equal(refused(NULL, NULL), ERROR_INVALID);
    assert_int_equal(refused("a", payload), ERROR_INVALID);
    append("a", JOURNAL_EPOCH, longest_key, largest);
    run_until_told("a");
    reopen();
    buffer_init(&read, 2 * JOURNAL_PAYLOAD_BYTES_MAX);
    assert_true(journal->operations->object(journal, JOURNAL_EPOCH, longest_key, &read, &error));
    assert_int_equal(read.size, JOURNAL_PAYLOAD_BYTES_MAX);
    assert_memory_equal(read.data, largest, JOURNAL_PAYLOAD_BYTES_MAX);
    assert_false(journal->operations->object(journal, JOURNAL_EPOCH, key, &read, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    buffer_fini(&read);
    buffer_init(&read, 100);
    assert_false(journal->operations->object(journal, JOURNAL_EPOCH, longest_key, &read, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    buffer_fini(&read);
    free(longest_key);
    free(key);
    free(largest);
    free(payload);
}

/* Nothing is durable or told here until the loop runs, so the queue only fills. */
static void test_full_queue(void **state)
{
    (void)state;
    struct journal_append *many = memory_new(JOURNAL_QUEUE_RECORDS_MAX * sizeof *many);
    struct error error = ERROR_NONE;
    for (size_t i = 0; i < JOURNAL_QUEUE_RECORDS_MAX; i++)
        many[i] = (struct journal_append){.type = JOURNAL_EVENT, .payload = "{}"};
    append_all("a", many, JOURNAL_QUEUE_RECORDS_MAX);
    assert_false(journal_append_all(journal, many, 1, on_done, never, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    run_until_told("a");
    append("b", JOURNAL_EVENT, NULL, "{}"); /* there is room again */
    run_until_told("ab");
    assert_int_equal(journal->operations->last_sequence(journal), JOURNAL_QUEUE_RECORDS_MAX + 1);
    free(many);
}

static bool stop_at_second(void *context, const struct journal_record *record, struct error *error)
{
    int *seen = context;
    ++*seen;
    return record->sequence < 2 || error_set(error, ERROR_CANCELED, "enough");
}

static bool stop_at_once(void *context, const char *key, const char *payload, size_t size,
                         struct error *error)
{
    (void)context;
    (void)key;
    (void)payload;
    (void)size;
    return error_set(error, ERROR_CANCELED, "enough");
}

static void test_ranges(void **state)
{
    (void)state;
    int seen = 0;
    struct error error = ERROR_NONE;
    append("a", JOURNAL_EVENT, NULL, "1");
    append("b", JOURNAL_EVENT, NULL, "2");
    append("c", JOURNAL_EPOCH, "k", "3");
    run_until_told("abc");
    assert_records(0, 0, "");
    assert_records(0, 2, "1:event:-=1 2:event:-=2 ");
    assert_records(1, 1, "2:event:-=2 ");
    assert_records(2, 100, "3:epoch:k=3 ");
    assert_records(3, SIZE_MAX, "");
    assert_records(UINT64_MAX, SIZE_MAX, "");
    assert_false(journal->operations->records(journal, 0, 100, stop_at_second, &seen, &error));
    assert_int_equal(error.code, ERROR_CANCELED);
    assert_int_equal(seen, 2);
    error = ERROR_NONE;
    assert_false(journal->operations->objects(journal, JOURNAL_EPOCH, stop_at_once, NULL, &error));
    assert_int_equal(error.code, ERROR_CANCELED);
}

/* A start-up reads objects of objects, and appends what it decides. */
static bool read_and_append_inside(void *context, const char *key, const char *payload, size_t size,
                                   struct error *error)
{
    int *seen = context;
    struct buffer again;
    (void)size;
    buffer_init(&again, 0);
    assert_true(journal->operations->object(journal, JOURNAL_EPOCH, key, &again, error));
    assert_string_equal(buffer_text(&again), payload);
    buffer_fini(&again);
    if (*seen == 0) /* later, what was appended here may be there */
        assert_objects(JOURNAL_EPOCH, "a=1 b=2 ");
    append("i", JOURNAL_EPOCH, "c", "3");
    ++*seen;
    return true;
}

static void test_use_inside_callbacks(void **state)
{
    (void)state;
    int seen = 0;
    struct error error = ERROR_NONE;
    append("a", JOURNAL_EPOCH, "a", "1");
    append("b", JOURNAL_EPOCH, "b", "2");
    run_until_told("ab");
    assert_true(journal->operations->objects(journal, JOURNAL_EPOCH, read_and_append_inside, &seen,
                                             &error));
    assert_int_equal(seen, 2);
    run_until_told("abii");
    assert_objects(JOURNAL_EPOCH, "a=1 b=2 c=3 ");
}

static void test_odd_bytes(void **state)
{
    (void)state;
    append("a", JOURNAL_ROOT, "\xff\n\x01", "\"\\u0000 and \xc3\xa9\"");
    append("b", JOURNAL_ROOT, "~", "");
    run_until_told("ab");
    assert_objects(JOURNAL_ROOT, "~= \xff\n\x01=\"\\u0000 and \xc3\xa9\" ");
    reopen();
    assert_objects(JOURNAL_ROOT, "~= \xff\n\x01=\"\\u0000 and \xc3\xa9\" ");
}

static void test_second_opener(void **state)
{
    (void)state;
    struct journal *second = NULL;
    struct error error = ERROR_NONE;
    assert_false(contract->open(storage, &second, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_null(second);
    append("a", JOURNAL_EVENT, NULL, "{}"); /* the first one is unharmed */
    run_until_told("a");
}

static void test_close_waits_for_the_queue(void **state)
{
    (void)state;
    append("a", JOURNAL_EPOCH, "k", "1");
    append("b", JOURNAL_EPOCH, "k", "2");
    reopen();
    assert_string_equal(told.order, "ab");
    assert_objects(JOURNAL_EPOCH, "k=2 ");
}

int journal_contract_run(const struct journal_contract *the_contract)
{
    contract = the_contract;
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest journal_contract_tests[] = {
        TEST(test_empty),
        TEST(test_append_reopen_read),
        TEST(test_fields),
        TEST(test_objects_in_the_same_transaction),
        TEST(test_order_of_done),
        TEST(test_done_may_be_missing),
        TEST(test_refusals_and_limits_of_size),
        TEST(test_full_queue),
        TEST(test_ranges),
        TEST(test_use_inside_callbacks),
        TEST(test_odd_bytes),
        TEST(test_second_opener),
        TEST(test_close_waits_for_the_queue),
    };
    return cmocka_run_group_tests(journal_contract_tests, NULL, NULL);
}
