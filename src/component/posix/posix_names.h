/* posix_names.h: user and group numbers as names and back, remembered for some minutes: with
 * directory services behind it each look-up is a round trip. Safe from several threads. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_NAMES_H
#define COEVAL_COMPONENT_POSIX_POSIX_NAMES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum posix_name_kind { POSIX_USER, POSIX_GROUP };

struct posix_names *posix_names_new(void);
void posix_names_free(struct posix_names *names);
/* Decimal digits where the system knows no name, or one that would not survive: all digits, or with
 * ':' or ',' in it, which the text of an ACL uses. */
const char *posix_name_of(struct posix_names *names, enum posix_name_kind kind, uint32_t id,
                          struct arena *arena);
/* Digits are always a number. INVALID for a name that this machine does not know. */
bool posix_id_of(struct posix_names *names, enum posix_name_kind kind, const char *name,
                 uint32_t *ret_id, struct error *error);

#endif
