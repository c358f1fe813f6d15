/* seal_file.h: seal.json as a document that proves itself, for whoever writes or reads one. */
#ifndef COEVAL_AGENT_SEAL_FILE_H
#define COEVAL_AGENT_SEAL_FILE_H

#include "component/store_util.h"

#define SEAL_SCHEMA 1

/* Sets "sha256": of the canonical document (sorted, compact) without that member. */
void seal_sign(json_t *seal);
/* CORRUPT: "sha256" is missing or another, or the schema is not ours. */
bool seal_check(const json_t *seal, struct error *error);
/* The seal in an epoch's directory of the area. NOT_FOUND: not sealed; CORRUPT: it is there, and is
 * cut, changed, too long or no seal. */
bool seal_read(struct store_ref ref, const struct call *call, const char *directory,
               json_t **ret_seal, struct error *error);

#endif
