/* journal_contract.h: what every journal does, LMDB's and the one in memory: the same tests for
 * both keep the fake honest. */
#ifndef COEVAL_ADAPTER_JOURNAL_CONTRACT_H
#define COEVAL_ADAPTER_JOURNAL_CONTRACT_H

#include "journal/journal.h"

struct journal_contract {
    void *(*storage_new)(void);
    void (*storage_free)(void *storage);
    bool (*open)(void *storage, struct journal **ret_journal, struct error *error);
    /* Lets the journal work until every done that is due has run. */
    void (*run_until)(void *storage, bool (*until)(void *context), void *context);
};

/* Runs all tests; the result for main(). */
int journal_contract_run(const struct journal_contract *contract);

#endif
