/* datanode_map.c: see datanode_map.h. A DataNode is the key "host:port" of transfer (the host by
 * name) with infoAddr and xferaddr (by number); a redirect has the host's name and infoAddr's port.
 */
#include "component/hdfs/webhdfs/datanode_map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"

#define AVOIDED_MAX 64 /* more is no help: the NameNode would have nobody to name */
#define KNOWN_NS (DATANODE_AVOIDED_MS * 1000000)

struct known {
    const char *host;            /* by name */
    const char *info, *transfer; /* "ip:port" */
    uint64_t remaining, capacity;
};

struct avoided {
    char address[DATANODE_ADDRESS_SIZE];
    int64_t end_ns;
};

struct datanode_map {
    pthread_mutex_t lock;
    struct arena arena; /* of the known ones */
    struct known *known;
    size_t known_count;
    int64_t learnt_ns;
    struct avoided avoided[AVOIDED_MAX];
    unsigned avoided_count;
};

struct datanode_map *datanode_map_new(void)
{
    struct datanode_map *map = memory_new(sizeof *map);
    arena_init(&map->arena);
    CHECK(pthread_mutex_init(&map->lock, NULL) == 0);
    return map;
}

void datanode_map_free(struct datanode_map *map)
{
    if (map == NULL)
        return;
    arena_fini(&map->arena);
    pthread_mutex_destroy(&map->lock);
    free(map);
}

/* --- who is there ------------------------------------------------------------------------------
 */

static size_t host_size(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon != NULL ? (size_t)(colon - address) : strlen(address);
}

static uint64_t number(const json_t *node, const char *key)
{
    int64_t value = json_integer_or(node, key, 0);
    return value > 0 ? (uint64_t)value : 0;
}

bool datanode_map_learn(struct datanode_map *map, const char *live_nodes, size_t size,
                        int64_t now_ns, struct error *error)
{
    json_t *nodes = NULL, *node;
    const char *key;
    if (!json_parse(live_nodes, size, &nodes, error))
        return error_wrap(error, "LiveNodes");
    if (!json_is_object(nodes)) {
        json_decref(nodes);
        return error_set(error, ERROR_PROTOCOL, "LiveNodes: not an object");
    }
    pthread_mutex_lock(&map->lock);
    arena_fini(&map->arena);
    map->known = arena_new(&map->arena, (json_object_size(nodes) + 1) * sizeof *map->known);
    map->known_count = 0;
    map->learnt_ns = now_ns;
    json_object_foreach(nodes, key, node) {
        struct known *known = &map->known[map->known_count++];
        known->host = arena_format(&map->arena, "%.*s", (int)host_size(key), key);
        known->info = arena_string(&map->arena, json_string_or(node, "infoAddr", ""));
        known->transfer = arena_string(&map->arena, json_string_or(node, "xferaddr", ""));
        known->remaining = number(node, "remaining");
        known->capacity = number(node, "capacity");
    }
    pthread_mutex_unlock(&map->lock);
    json_decref(nodes);
    return true;
}

static bool is_host(const char *address, size_t size, const char *host, size_t host_length)
{
    return size == host_length && strncasecmp(address, host, size) == 0;
}

static bool is_at(const struct known *known, const char *address)
{
    size_t size = host_size(address), numeric = host_size(known->info);
    return strcmp(address + size, known->info + numeric) == 0 &&
           (is_host(address, size, known->host, strlen(known->host)) ||
            is_host(address, size, known->info, numeric));
}

bool datanode_map_find(struct datanode_map *map, const char *address, int64_t now_ns,
                       char ret_excluded[DATANODE_ADDRESS_SIZE])
{
    bool found = false;
    pthread_mutex_lock(&map->lock);
    bool fresh = map->known_count > 0 && now_ns - map->learnt_ns < KNOWN_NS;
    for (size_t i = 0; fresh && !found && i < map->known_count; i++) {
        const struct known *known = &map->known[i];
        size_t size = strlen(known->transfer);
        found = size > 0 && size < DATANODE_ADDRESS_SIZE && is_at(known, address);
        if (found)
            memcpy(ret_excluded, known->transfer, size + 1);
    }
    pthread_mutex_unlock(&map->lock);
    return found;
}

bool datanode_map_is_full(struct datanode_map *map, uint64_t bytes)
{
    pthread_mutex_lock(&map->lock);
    bool full = map->known_count > 0;
    for (size_t i = 0; full && i < map->known_count; i++)
        full = map->known[i].capacity > 0 && map->known[i].remaining < bytes;
    pthread_mutex_unlock(&map->lock);
    return full;
}

/* --- who is avoided ----------------------------------------------------------------------------
 */

/* NULL: none. */
static struct avoided *find_avoided(struct datanode_map *map, const char *excluded)
{
    for (unsigned i = 0; i < map->avoided_count; i++)
        if (strcmp(map->avoided[i].address, excluded) == 0)
            return &map->avoided[i];
    return NULL;
}

static void remove_avoided(struct datanode_map *map, struct avoided *avoided)
{
    *avoided = map->avoided[--map->avoided_count];
}

static void expire(struct datanode_map *map, int64_t now_ns)
{
    for (unsigned i = map->avoided_count; i-- > 0;)
        if (now_ns >= map->avoided[i].end_ns)
            remove_avoided(map, &map->avoided[i]);
}

void datanode_map_avoid(struct datanode_map *map, const char *excluded, int64_t now_ns)
{
    CHECK(strlen(excluded) < DATANODE_ADDRESS_SIZE);
    pthread_mutex_lock(&map->lock);
    expire(map, now_ns);
    struct avoided *avoided = find_avoided(map, excluded);
    if (avoided == NULL && map->avoided_count < AVOIDED_MAX)
        avoided = &map->avoided[map->avoided_count++];
    if (avoided != NULL) {
        snprintf(avoided->address, sizeof avoided->address, "%s", excluded);
        avoided->end_ns = now_ns + DATANODE_AVOIDED_MS * 1000000;
    }
    pthread_mutex_unlock(&map->lock);
}

void datanode_map_forget(struct datanode_map *map, const char *excluded)
{
    pthread_mutex_lock(&map->lock);
    struct avoided *avoided = find_avoided(map, excluded);
    if (avoided != NULL)
        remove_avoided(map, avoided);
    pthread_mutex_unlock(&map->lock);
}

static bool has_address(struct buffer *list, const char *address)
{
    size_t size = strlen(address);
    for (const char *p = buffer_text(list); (p = strchr(p, ',')) != NULL;)
        if (strncmp(++p, address, size) == 0 && (p[size] == ',' || p[size] == '\0'))
            return true;
    return false;
}

void datanode_map_print_avoided(struct datanode_map *map, int64_t now_ns, struct buffer *ret_list)
{
    pthread_mutex_lock(&map->lock);
    expire(map, now_ns);
    for (unsigned i = 0; i < map->avoided_count; i++)
        if (!has_address(ret_list, map->avoided[i].address))
            buffer_append_format(ret_list, ",%s", map->avoided[i].address);
    pthread_mutex_unlock(&map->lock);
}
