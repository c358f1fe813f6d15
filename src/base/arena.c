/* arena.c: chunks that double in size, freed together. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    size_t used;
    alignas(max_align_t) char data[];
};

#define FIRST_CHUNK ((size_t)1024)
#define LARGEST_CHUNK ((size_t)1 << 20)

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    arena->used_bytes = 0;
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
    size_t grown = arena->chunks == NULL ? FIRST_CHUNK : arena->chunks->size * 2;
    if (grown > LARGEST_CHUNK)
        grown = LARGEST_CHUNK;
    if (grown < size)
        grown = size;
    struct arena_chunk *chunk = malloc(sizeof *chunk + grown);
    if (chunk == NULL)
        check_out_of_memory(grown);
    *chunk = (struct arena_chunk){.next = arena->chunks, .size = grown};
    arena->chunks = chunk;
    return chunk;
}

void *arena_new(struct arena *arena, size_t size_bytes)
{
    CHECK(size_bytes < SIZE_MAX / 2);
    size_t size = (size_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size)
        chunk = add_chunk(arena, size);
    void *memory = chunk->data + chunk->used;
    chunk->used += size;
    arena->used_bytes += size;
    memset(memory, 0, size);
    return memory;
}

char *arena_copy(struct arena *arena, const void *data, size_t size)
{
    char *copy = arena_new(arena, size + 1);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *arena_string(struct arena *arena, const char *string)
{
    return string == NULL ? NULL : arena_copy(arena, string, strlen(string));
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(length >= 0);
    char *text = arena_new(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
