/* component_contract.c: runs the groups of the contract; see component_contract.h. */
#include "component_contract.h"

#include "contract_fixture.h"

int component_contract_run(const struct component_contract *contract)
{
    const struct CMUnitTest *const groups[] = {contract_tree_tests, contract_attributes_tests,
                                               contract_file_tests, contract_snapshot_tests,
                                               contract_difference_tests};
    struct CMUnitTest tests[256];
    size_t count = 0;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        for (const struct CMUnitTest *test = groups[i]; test->name != NULL; test++) {
            tests[count] = *test;
            tests[count].setup_func = fixture_setup;
            tests[count++].teardown_func = fixture_teardown;
        }
    fixture = (struct fixture){.contract = contract,
                               .component = contract->component,
                               .store = contract->store,
                               .ref = {contract->component, contract->store, contract->area}};
    return _cmocka_run_group_tests(contract->component->kind, tests, count, NULL, NULL);
}
