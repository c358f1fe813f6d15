/* journal_queue_test.c: group commit against a writer that the test holds back and lets fail. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "journal/journal_queue.h"

#define DEADLINE_MS 10000

struct fixture {
    struct loop *loop;
    struct journal_queue *queue;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool held;    /* the writer waits */
    bool writing; /* the writer has a group in its hands */
    enum error_code outcome;
    int groups;
    char written[256]; /* payloads that became durable, one letter each */

    char told[256]; /* letters whose done came: as is when durable, '!' before it when not */
    enum error_code last_code;
    int failed_calls;
    bool add_again, close_inside;
};

static struct fixture fixture;

static void add_letter(char *text, const char *letter)
{
    strncat(text, letter, 250 - strlen(text));
}

static bool write_slowly(void *context, const struct list *group, struct error *error)
{
    (void)context;
    pthread_mutex_lock(&fixture.mutex);
    fixture.writing = true;
    pthread_cond_broadcast(&fixture.changed);
    while (fixture.held)
        pthread_cond_wait(&fixture.changed, &fixture.mutex);
    fixture.writing = false;
    fixture.groups++;
    enum error_code outcome = fixture.outcome;
    for (struct list *node = group->next; outcome == ERROR_OK && node != group; node = node->next) {
        const struct journal_batch *batch = list_entry(node, struct journal_batch, node);
        for (size_t i = 0; i < batch->count; i++)
            add_letter(fixture.written, batch->records[i].payload);
    }
    pthread_cond_broadcast(&fixture.changed);
    pthread_mutex_unlock(&fixture.mutex);
    return outcome == ERROR_OK || error_set(error, outcome, "planned");
}

static void idle(void *context)
{
    (void)context;
}

static void on_failed(void *context, const struct error *error)
{
    (void)context;
    fixture.failed_calls++;
    fixture.last_code = error->code;
}

static void set_held(bool held)
{
    pthread_mutex_lock(&fixture.mutex);
    fixture.held = held;
    pthread_cond_broadcast(&fixture.changed);
    pthread_mutex_unlock(&fixture.mutex);
}

static void set_outcome(enum error_code outcome)
{
    pthread_mutex_lock(&fixture.mutex);
    fixture.outcome = outcome;
    pthread_mutex_unlock(&fixture.mutex);
}

static void wait_until_writing(void)
{
    pthread_mutex_lock(&fixture.mutex);
    while (!fixture.writing)
        pthread_cond_wait(&fixture.changed, &fixture.mutex);
    pthread_mutex_unlock(&fixture.mutex);
}

static void wait_until_a_group_ended(void)
{
    pthread_mutex_lock(&fixture.mutex);
    while (fixture.groups == 0)
        pthread_cond_wait(&fixture.changed, &fixture.mutex);
    pthread_mutex_unlock(&fixture.mutex);
}

static bool add(const char *letter, struct error *error);

static void on_done(void *context, const struct error *error)
{
    const char *letter = context;
    if (error->code != ERROR_OK)
        add_letter(fixture.told, "!");
    add_letter(fixture.told, letter);
    fixture.last_code = error->code;
    if (fixture.add_again) {
        struct error ignored = ERROR_NONE;
        fixture.add_again = false;
        add("z", &ignored);
    }
    if (fixture.close_inside) {
        fixture.close_inside = false;
        journal_queue_close(fixture.queue);
        fixture.queue = NULL;
    }
}

static bool add(const char *letter, struct error *error)
{
    struct journal_append append = {.type = JOURNAL_EVENT, .payload = letter};
    return journal_queue_add(fixture.queue, &append, 1, on_done, (void *)(uintptr_t)letter, error);
}

static void add_well(const char *letter)
{
    struct error error = ERROR_NONE;
    assert_true(add(letter, &error));
}

static bool has_told(void *context)
{
    return strcmp(fixture.told, context) == 0;
}

static void run_until_told(const char *told)
{
    loop_run_until(fixture.loop, has_told, (void *)(uintptr_t)told, DEADLINE_MS);
    assert_string_equal(fixture.told, told);
}

static int setup(void **state)
{
    (void)state;
    struct journal_queue_options options = {
        .write = write_slowly, .idle = idle, .failed = on_failed};
    struct error error = ERROR_NONE;
    fixture =
        (struct fixture){.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    options.loop = fixture.loop = loop_new();
    return journal_queue_new(&options, &fixture.queue, &error) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    if (fixture.queue != NULL)
        journal_queue_close(fixture.queue);
    loop_free(fixture.loop);
    return 0;
}

static void test_groups_and_order(void **state)
{
    (void)state;
    set_held(true);
    add_well("a");
    wait_until_writing();
    add_well("b"); /* these two gather while "a" is on its way */
    add_well("c");
    assert_string_equal(fixture.told, "");
    set_held(false);
    run_until_told("abc");
    assert_int_equal(fixture.groups, 2);
    assert_string_equal(fixture.written, "abc");
}

/* The queue counts what waits for its done, and says no at once. */
static void test_limits(void **state)
{
    (void)state;
    struct journal_append *many = memory_new(JOURNAL_QUEUE_RECORDS_MAX * sizeof *many);
    struct error error = ERROR_NONE;
    for (size_t i = 0; i < JOURNAL_QUEUE_RECORDS_MAX; i++)
        many[i] = (struct journal_append){.type = JOURNAL_EVENT, .payload = "m"};
    set_held(true);
    add_well("a");
    assert_false(
        journal_queue_add(fixture.queue, many, JOURNAL_QUEUE_RECORDS_MAX, NULL, NULL, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_true(
        journal_queue_add(fixture.queue, many, JOURNAL_QUEUE_RECORDS_MAX - 1, NULL, NULL, &error));
    error = ERROR_NONE;
    assert_false(add("b", &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    set_held(false);
    run_until_told("a");
    free(many);
}

static void test_limit_of_bytes(void **state)
{
    (void)state;
    char *large = memory_new(JOURNAL_PAYLOAD_BYTES_MAX + 1);
    memset(large, 'x', JOURNAL_PAYLOAD_BYTES_MAX);
    struct journal_append append = {.type = JOURNAL_EVENT, .payload = large};
    struct error error = ERROR_NONE;
    set_held(true);
    for (int i = 0; i < 3; i++)
        assert_true(journal_queue_add(fixture.queue, &append, 1, NULL, NULL, &error));
    assert_false(journal_queue_add(fixture.queue, &append, 1, NULL, NULL, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    set_held(false);
    free(large);
}

/* Whatever was added before the loop heard of the failure fails with it, what comes after may
 * succeed. */
static void test_no_space_fails_all_that_waits(void **state)
{
    (void)state;
    set_outcome(ERROR_NO_SPACE);
    set_held(true);
    add_well("a");
    wait_until_writing();
    add_well("b");
    set_held(false);
    wait_until_a_group_ended(); /* the thread has failed, the loop has not heard of it */
    set_outcome(ERROR_OK);
    add_well("c");
    run_until_told("!a!b!c");
    assert_int_equal(fixture.last_code, ERROR_NO_SPACE);
    assert_int_equal(fixture.failed_calls, 0);
    add_well("d");
    run_until_told("!a!b!cd");
    assert_string_equal(fixture.written, "d");
}

static void test_failure_is_for_good(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    set_outcome(ERROR_IO);
    set_held(true);
    add_well("a");
    wait_until_writing();
    add_well("b");
    set_held(false);
    run_until_told("!a!b");
    set_outcome(ERROR_OK);
    assert_int_equal(fixture.failed_calls, 1);
    assert_int_equal(fixture.last_code, ERROR_IO);
    assert_false(add("c", &error));
    assert_int_equal(error.code, ERROR_IO);
    assert_string_equal(fixture.written, "");
}

static void test_close_waits_and_tells(void **state)
{
    (void)state;
    add_well("a");
    add_well("b");
    fixture.add_again = true; /* refused: the journal is closing */
    journal_queue_close(fixture.queue);
    fixture.queue = NULL;
    assert_string_equal(fixture.told, "ab");
    assert_string_equal(fixture.written, "ab");
}

static void test_close_after_no_space(void **state)
{
    (void)state;
    set_outcome(ERROR_NO_SPACE);
    add_well("a");
    add_well("b");
    journal_queue_close(fixture.queue);
    fixture.queue = NULL;
    assert_string_equal(fixture.told, "!a!b");
}

static void test_close_inside_done(void **state)
{
    (void)state;
    set_held(true);
    add_well("a");
    wait_until_writing();
    add_well("b");
    add_well("c");
    fixture.close_inside = true;
    set_held(false);
    run_until_told("abc");
    assert_null(fixture.queue);
}

static void test_add_inside_done(void **state)
{
    (void)state;
    fixture.add_again = true;
    add_well("a");
    run_until_told("az");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_groups_and_order),     TEST(test_limits),
        TEST(test_limit_of_bytes),       TEST(test_no_space_fails_all_that_waits),
        TEST(test_failure_is_for_good),  TEST(test_close_waits_and_tells),
        TEST(test_close_after_no_space), TEST(test_close_inside_done),
        TEST(test_add_inside_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
