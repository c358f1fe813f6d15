/* pile.h: records of bytes, last in first out, however many: the top is in memory, what lies below
 * it in an unlinked file of the agent's work directory. For one thread. It does not outlive the
 * process: whoever made it can make it again. */
#ifndef COEVAL_AGENT_PILE_H
#define COEVAL_AGENT_PILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define PILE_MEMORY_BYTES ((size_t)128 << 10) /* or the largest record, if that is more */

struct pile;
struct pile *pile_new(const char *directory);
void pile_free(struct pile *pile);
bool pile_put(struct pile *pile, const void *data, size_t size, struct error *error);
/* The newest one, borrowed until the next call; *ret_data NULL: none is left. */
bool pile_take(struct pile *pile, const void **ret_data, size_t *ret_size, struct error *error);

#endif
