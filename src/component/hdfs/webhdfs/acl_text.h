/* acl_text.h: access control lists between what HDFS says and the canonical text of an entry:
 * sorted by bytes, joined by ',', without what the mode says already (owner, mask, others). Pure.
 */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_ACL_TEXT_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_ACL_TEXT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* entries of GETACLSTATUS: an array of strings. NULL: no ACL. */
bool acl_from_entries(const json_t *entries, struct arena *arena, const char **ret_acl,
                      struct error *error);
/* The whole list that SETACL wants: with user::, group::, other:: and, where there are named access
 * entries, mask:: from the mode. */
bool acl_to_spec(const char *acl, unsigned mode, struct buffer *ret_spec, struct error *error);

#endif
