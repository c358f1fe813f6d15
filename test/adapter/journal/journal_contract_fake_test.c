/* journal_contract_fake_test.c: the journal in memory keeps the contract, and loses what it should
 * when the power is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/journal/journal_contract.h"
#include "fake/fake_journal.h"

static void *storage_new(void)
{
    return fake_journal_new("0b1e6a52-7a0e-4f8e-9f0c-2f1d35a7c001");
}

static void storage_free(void *storage)
{
    fake_journal_free(storage);
}

static bool open_storage(void *storage, struct journal **ret_journal, struct error *error)
{
    return fake_journal_open(storage, NULL, NULL, ret_journal, error);
}

static void run_until(void *storage, bool (*until)(void *context), void *context)
{
    while (!until(context) && fake_journal_step(storage)) {
    }
}

/* The fake's own controls. */

static char told[64];

static void tell(const char *word)
{
    size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s", word);
}

static void on_done(void *context, const struct error *error)
{
    if (error->code != ERROR_OK)
        tell("!");
    tell(context);
}

static void on_failed(void *context, const struct error *error)
{
    (void)context;
    assert_int_equal(error->code, ERROR_IO);
    tell("lost");
}

static bool add(struct journal *journal, const char *name)
{
    struct journal_append record = {.type = JOURNAL_EPOCH, .key = name, .payload = "{}"};
    struct error error = ERROR_NONE;
    return journal_append_all(journal, &record, 1, on_done, (void *)(uintptr_t)name, &error);
}

static struct journal *session(struct fake_journal *fake)
{
    struct journal *journal = NULL;
    struct error error = ERROR_NONE;
    assert_true(fake_journal_open(fake, on_failed, NULL, &journal, &error));
    return journal;
}

static void test_crash_loses_the_tail(void **state)
{
    (void)state;
    struct fake_journal *fake = storage_new();
    struct journal *journal = session(fake);
    told[0] = '\0';
    add(journal, "a");
    add(journal, "b");
    add(journal, "c");
    assert_int_equal(fake_journal_pending(fake), 3);
    assert_true(fake_journal_step(fake)); /* a: durable and told */
    assert_true(fake_journal_sync(fake)); /* b: durable, not told */
    fake_journal_crash(fake);             /* c: lost */
    assert_string_equal(told, "a");
    journal = session(fake);
    assert_int_equal(journal->operations->last_sequence(journal), 2);
    assert_int_equal(fake_journal_pending(fake), 0);
    journal->operations->close(journal);
    fake_journal_free(fake);
}

static void test_failures(void **state)
{
    (void)state;
    struct fake_journal *fake = storage_new();
    struct journal *journal = session(fake);
    told[0] = '\0';
    fake_journal_set_failure(fake, ERROR_NO_SPACE);
    add(journal, "a");
    add(journal, "b");
    fake_journal_run(fake);
    assert_string_equal(told, "!a!b");
    fake_journal_set_failure(fake, ERROR_OK);
    add(journal, "c");
    fake_journal_run(fake);
    assert_string_equal(told, "!a!bc");
    fake_journal_set_failure(fake, ERROR_IO);
    add(journal, "d");
    add(journal, "e");
    fake_journal_run(fake);
    assert_string_equal(told, "!a!bc!d!elost");
    assert_false(add(journal, "f"));
    assert_int_equal(journal->operations->last_sequence(journal), 1);
    journal->operations->close(journal);
    fake_journal_free(fake);
}

static void test_immediate(void **state)
{
    (void)state;
    struct fake_journal *fake = storage_new();
    struct journal *journal = session(fake);
    told[0] = '\0';
    fake_journal_set_immediate(fake, true);
    assert_true(add(journal, "a"));
    assert_string_equal(told, "a");
    assert_false(fake_journal_step(fake));
    journal->operations->close(journal);
    fake_journal_free(fake);
}

int main(int count, char **values)
{
    static const struct journal_contract contract = {.storage_new = storage_new,
                                                     .storage_free = storage_free,
                                                     .open = open_storage,
                                                     .run_until = run_until};
    const struct CMUnitTest fake_tests[] = {
        cmocka_unit_test(test_crash_loses_the_tail),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_immediate),
    };
    if (count > 1 && strcmp(values[1], "controls") == 0)
        return cmocka_run_group_tests(fake_tests, NULL, NULL);
    return journal_contract_run(&contract);
}
