/* journal_contract_lmdb_test.c: LMDB's journal keeps the contract. */
#include <stdlib.h>

#include "adapter/journal/journal_contract.h"
#include "adapter/journal/journal_fixture.h"
#include "base/check.h"

static void *storage_new(void)
{
    struct journal_fixture *fixture = memory_new(sizeof *fixture);
    fixture_init(fixture);
    fixture->loop = loop_new();
    return fixture;
}

static void storage_free(void *storage)
{
    struct journal_fixture *fixture = storage;
    fixture_fini(fixture);
    free(fixture);
}

static bool open_storage(void *storage, struct journal **ret_journal, struct error *error)
{
    struct journal_fixture *fixture = storage;
    struct journal_lmdb_options options = {.directory = fixture->directory,
                                           .origin = "0b1e6a52-7a0e-4f8e-9f0c-2f1d35a7c001"};
    return journal_lmdb_open(fixture->loop, &options, true, ret_journal, error);
}

static void run_until(void *storage, bool (*until)(void *context), void *context)
{
    struct journal_fixture *fixture = storage;
    loop_run_until(fixture->loop, until, context, FIXTURE_DEADLINE_MS);
}

int main(void)
{
    static const struct journal_contract contract = {.storage_new = storage_new,
                                                     .storage_free = storage_free,
                                                     .open = open_storage,
                                                     .run_until = run_until};
    return journal_contract_run(&contract);
}
