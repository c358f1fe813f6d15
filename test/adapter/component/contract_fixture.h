/* contract_fixture.h: short words for the contract tests: each works in a directory of its own,
 * paths are relative to it, and a failure fails the test. */
#ifndef COEVAL_TEST_CONTRACT_FIXTURE_H
#define COEVAL_TEST_CONTRACT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "component/store_util.h"
#include "component_contract.h"

struct fixture {
    const struct component_contract *contract;
    const struct component *component;
    struct store *store;
    struct store_ref ref;
    struct call call;
    struct call_counters counters;
    struct arena arena;
    char *directory; /* of this test */
    unsigned number;
};
extern struct fixture fixture;

int fixture_setup(void **state);
int fixture_teardown(void **state);

bool has_feature(unsigned feature);
const char *at(const char *relative); /* absolute, in the test's directory */

/* The call gave true; else the test fails with the error's text. */
void check_true(bool result, const struct error *error, const char *file, int line);
#define ok(result) check_true((result), &error, __FILE__, __LINE__)
/* The call gave false with this code; the error is cleared for the next. */
void check_code(bool result, struct error *error, enum error_code code, const char *file, int line);
#define fails(code, result) check_code((result), &error, (code), __FILE__, __LINE__)

void make(const char *relative);                  /* directory */
void put(const char *relative, const char *text); /* new file */
void put_bytes(const char *relative, const void *data, size_t size);
const char *get(const char *relative);  /* content, or NULL when it is not there */
const char *get_path(const char *path); /* the same by absolute path */
void move(const char *from, const char *to);
void drop(const char *relative);
bool is_there(const char *relative);
struct entry look(const char *relative); /* describe */
struct entry look_path(const char *path);

const char *const *odd_names(void); /* NULL-terminated, as this kind of store takes them */

/* The test groups; each ends with a NULL name. */
extern const struct CMUnitTest contract_tree_tests[];
extern const struct CMUnitTest contract_attributes_tests[];
extern const struct CMUnitTest contract_file_tests[];
extern const struct CMUnitTest contract_snapshot_tests[];
extern const struct CMUnitTest contract_difference_tests[];
#endif
