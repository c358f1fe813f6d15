/* component_contract.h: what component.h promises, asked of any component table. Each kind's own
 * test runs it against a real store; expectations that differ hang on feature bits only. */
#ifndef COEVAL_TEST_COMPONENT_CONTRACT_H
#define COEVAL_TEST_COMPONENT_CONTRACT_H

#include "component/component.h"

struct component_contract {
    const struct component *component;
    struct store *store;
    const char *area;      /* the store's */
    const char *directory; /* an existing directory for the tests, outside the area */
    /* Known to the store, and ours to give files to; NULL: those tests are left out. */
    const char *owner;
    const char *group;
    const char *acl_user;
    /* Gives an existing file other content in place, as a writer of users would; NULL: left out. */
    bool (*rewrite)(void *context, const char *path, const char *text);
    void *context;
};

/* Runs every test and returns how many failed. */
int component_contract_run(const struct component_contract *contract);

#endif
