/* suspect_name.h: names of files in the lists "suspects" (doc/protocol.md): JSON carries UTF-8, a
 * store any bytes. A relative path that is UTF-8 is itself; any other has a '/' before it, which no
 * relative path has, and is percent-encoded behind that. */
#ifndef COEVAL_AGENT_SUSPECT_NAME_H
#define COEVAL_AGENT_SUSPECT_NAME_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"

json_t *suspect_name(const char *path);
/* ERROR_INVALID: no name of a relative path. The path lies in the arena, or in name. */
bool suspect_path(const json_t *name, struct arena *arena, const char **ret_path,
                  struct error *error);

#endif
