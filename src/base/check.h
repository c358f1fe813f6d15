/* check.h: assertions that stay in release builds. A failed check is a defect of ours, never a
 * peer's doing: it prints where, runs the dump hook once (the trace ring of the last edges), and
 * aborts. */
#ifndef COEVAL_BASE_CHECK_H
#define COEVAL_BASE_CHECK_H

#include <stddef.h>

_Noreturn void check_failed(const char *condition, const char *file, int line,
                            const char *function);
_Noreturn void check_out_of_memory(size_t size_bytes);
void check_set_dump_hook(void (*hook)(void));

#define CHECK(condition)                                            \
    do {                                                            \
        if (__builtin_expect(!(condition), 0))                      \
            check_failed(#condition, __FILE__, __LINE__, __func__); \
    } while (0)
#define CHECK_UNREACHABLE() check_failed("unreachable", __FILE__, __LINE__, __func__)

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Small allocations abort on failure. What a peer sizes has a named limit before it comes here. */
void *memory_new(size_t size_bytes); /* zeroed; free() it */
void *memory_resize(void *memory, size_t size_bytes);
char *memory_copy_string(const char *string); /* NULL gives NULL */

#endif
