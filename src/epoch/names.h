/* names.h: what the files of epoch/ share about names and forms; nobody else includes it. */
#ifndef COEVAL_EPOCH_NAMES_H
#define COEVAL_EPOCH_NAMES_H

#include "epoch/epoch.h"

/* Where name stands in a table of names, or -1; NULL is in none. */
int name_index(const char *const *names, size_t count, const char *name);
const char *instruction_status_name(enum epoch_instruction_status status);
bool instruction_status_from_name(const char *name, enum epoch_instruction_status *ret_status);
void snapshot_name_of(const struct epoch *epoch, unsigned attempt, int64_t t_us,
                      char ret_name[EPOCH_NAME_SIZE]);
/* What the document and every body have in common: ids, numbers, mode, base, settings, limits. */
void set_identity(json_t *document, const struct epoch *epoch);
/* Sets a copy of the reference; nothing when value is NULL. */
void set_known(json_t *document, const char *key, json_t *value);

#endif
