/* entry_json.h: entries as the tests in Python write and read them. */
#ifndef COEVAL_TEST_ENTRY_JSON_H
#define COEVAL_TEST_ENTRY_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "plan/entry.h"

json_t *entry_json(const struct entry *entry);
/* The other way round, for set_attributes(): borrows from both. */
struct entry json_entry(const json_t *object, struct arena *arena);

#endif
