/* arena.h: memory that lives as long as its owner (an epoch, a plan, an HTTP exchange) and dies
 * with it. Small requests abort when memory is out; the limit is for what a peer sizes. */
#ifndef COEVAL_BASE_ARENA_H
#define COEVAL_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t used_bytes; /* handed out so far: what a caller compares with its limit */
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);                    /* frees everything; usable again */
void *arena_new(struct arena *arena, size_t size_bytes); /* zeroed, aligned for any type */
char *arena_copy(struct arena *arena, const void *data, size_t size); /* NUL behind it */
char *arena_string(struct arena *arena, const char *string);          /* NULL gives NULL */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
