/* check.c: how a broken invariant ends the process, and the allocators that abort. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*dump_hook)(void);

void check_set_dump_hook(void (*hook)(void))
{
    dump_hook = hook;
}

_Noreturn void check_failed(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr, "coeval: broken invariant: %s (%s:%d, %s)\n", condition, file, line, function);
    void (*hook)(void) = dump_hook;
    dump_hook = NULL; /* a check that fails inside the hook must not run it again */
    if (hook != NULL)
        hook();
    abort();
}

_Noreturn void check_out_of_memory(size_t size_bytes)
{
    fprintf(stderr, "coeval: out of memory (%zu bytes)\n", size_bytes);
    abort();
}

void *memory_new(size_t size_bytes)
{
    void *memory = calloc(1, size_bytes == 0 ? 1 : size_bytes);
    if (memory == NULL)
        check_out_of_memory(size_bytes);
    return memory;
}

void *memory_resize(void *memory, size_t size_bytes)
{
    void *moved = realloc(memory, size_bytes == 0 ? 1 : size_bytes);
    if (moved == NULL)
        check_out_of_memory(size_bytes);
    return moved;
}

char *memory_copy_string(const char *string)
{
    if (string == NULL)
        return NULL;
    size_t size = strlen(string) + 1;
    char *copy = memory_new(size);
    memcpy(copy, string, size);
    return copy;
}
