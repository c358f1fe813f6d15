/* path_map.c: open addressing, FNV-1a, at most half full. */
#include "plan/path_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define CAPACITY_FIRST 16

void path_map_init(struct path_map *map)
{
    *map = (struct path_map){0};
}

void path_map_fini(struct path_map *map)
{
    free(map->slots);
    *map = (struct path_map){0};
}

size_t path_map_bytes(const struct path_map *map)
{
    return map->capacity * sizeof *map->slots;
}

static uint64_t hash_of(const char *path, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)path[i]) * 0x100000001b3u;
    return hash ^ (hash >> 32);
}

/* The slot that holds the path, or the free one where it would go. */
static struct path_slot *find(const struct path_map *map, const char *path, size_t length,
                              uint64_t hash)
{
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct path_slot *slot = &map->slots[i];
        if (slot->path == NULL ||
            (slot->hash == hash && slot->length == length && memcmp(slot->path, path, length) == 0))
            return slot;
    }
}

static void grow(struct path_map *map)
{
    struct path_map old = *map;
    map->capacity = old.capacity == 0 ? CAPACITY_FIRST : old.capacity * 2;
    map->slots = memory_new(map->capacity * sizeof *map->slots);
    for (size_t i = 0; i < old.capacity; i++) {
        const struct path_slot *slot = &old.slots[i];
        if (slot->path != NULL)
            *find(map, slot->path, slot->length, slot->hash) = *slot;
    }
    free(old.slots);
}

struct path_slot *path_map_put(struct path_map *map, const char *path)
{
    if (map->count * 2 >= map->capacity)
        grow(map);
    size_t length = strlen(path);
    uint64_t hash = hash_of(path, length);
    struct path_slot *slot = find(map, path, length, hash);
    if (slot->path == NULL) {
        *slot = (struct path_slot){.path = path, .length = length, .hash = hash};
        map->count++;
    }
    return slot;
}

struct path_slot *path_map_get_part(const struct path_map *map, const char *path, size_t length)
{
    if (map->count == 0)
        return NULL;
    struct path_slot *slot = find(map, path, length, hash_of(path, length));
    return slot->path == NULL ? NULL : slot;
}

struct path_slot *path_map_get(const struct path_map *map, const char *path)
{
    return path_map_get_part(map, path, strlen(path));
}

struct path_slot *path_map_above(const struct path_map *map, const char *path, bool itself)
{
    size_t length = strlen(path);
    struct path_slot *slot = itself ? path_map_get_part(map, path, length) : NULL;
    while (slot == NULL && length > 0 && map->count > 0) {
        do
            length--;
        while (length > 0 && path[length] != '/');
        slot = path_map_get_part(map, path, length);
    }
    return slot;
}
