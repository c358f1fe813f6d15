/* posix_names.c: see posix_names.h. Two small direct-mapped tables; a collision costs a look-up. */
#include "component/posix/posix_names.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"

#define SLOTS 256
#define NAME_SIZE 64 /* longer names are looked up each time */
#define KEPT_NS ((int64_t)120 * 1000 * 1000 * 1000)
#define LOOKUP_BYTES 16384

struct slot {
    int64_t until_ns; /* 0: empty */
    uint32_t id;
    char name[NAME_SIZE];
};

struct posix_names {
    pthread_mutex_t mutex;
    struct slot by_id[2][SLOTS];
    struct slot by_name[2][SLOTS];
};

struct posix_names *posix_names_new(void)
{
    struct posix_names *names = memory_new(sizeof *names);
    CHECK(pthread_mutex_init(&names->mutex, NULL) == 0);
    return names;
}

void posix_names_free(struct posix_names *names)
{
    if (names == NULL)
        return;
    CHECK(pthread_mutex_destroy(&names->mutex) == 0);
    free(names);
}

static bool is_number(const char *name)
{
    return name[0] != '\0' && strspn(name, "0123456789") == strlen(name);
}

/* NULL when unknown; the name is in memory. */
static const char *look_up_name(enum posix_name_kind kind, uint32_t id, char *memory)
{
    if (kind == POSIX_USER) {
        struct passwd user, *found = NULL;
        int number = getpwuid_r(id, &user, memory, LOOKUP_BYTES, &found);
        return number == 0 && found != NULL ? user.pw_name : NULL;
    }
    struct group group, *found = NULL;
    int number = getgrgid_r(id, &group, memory, LOOKUP_BYTES, &found);
    return number == 0 && found != NULL ? group.gr_name : NULL;
}

static bool look_up_id(enum posix_name_kind kind, const char *name, char *memory, uint32_t *ret_id)
{
    struct passwd user, *found_user = NULL;
    struct group group, *found_group = NULL;
    if (kind == POSIX_USER && getpwnam_r(name, &user, memory, LOOKUP_BYTES, &found_user) == 0 &&
        found_user != NULL) {
        *ret_id = user.pw_uid;
        return true;
    }
    if (kind == POSIX_GROUP && getgrnam_r(name, &group, memory, LOOKUP_BYTES, &found_group) == 0 &&
        found_group != NULL) {
        *ret_id = group.gr_gid;
        return true;
    }
    return false;
}

static void remember(struct slot *slot, uint32_t id, const char *name)
{
    if (strlen(name) >= NAME_SIZE)
        return;
    slot->until_ns = clock_monotonic_ns() + KEPT_NS;
    slot->id = id;
    memcpy(slot->name, name, strlen(name) + 1);
}

const char *posix_name_of(struct posix_names *names, enum posix_name_kind kind, uint32_t id,
                          struct arena *arena)
{
    struct slot *slot = &names->by_id[kind][id % SLOTS];
    const char *name = NULL;
    pthread_mutex_lock(&names->mutex);
    if (slot->until_ns > clock_monotonic_ns() && slot->id == id)
        name = arena_string(arena, slot->name);
    pthread_mutex_unlock(&names->mutex);
    if (name != NULL)
        return name;
    char memory[LOOKUP_BYTES];
    name = look_up_name(kind, id, memory);
    bool usable = name != NULL && !is_number(name) && strpbrk(name, ":,") == NULL;
    name = usable ? arena_string(arena, name) : arena_format(arena, "%u", id);
    pthread_mutex_lock(&names->mutex);
    remember(slot, id, name);
    pthread_mutex_unlock(&names->mutex);
    return name;
}

static unsigned slot_of(const char *name)
{
    unsigned hash = 5381;
    for (; *name != '\0'; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash % SLOTS;
}

bool posix_id_of(struct posix_names *names, enum posix_name_kind kind, const char *name,
                 uint32_t *ret_id, struct error *error)
{
    if (is_number(name)) {
        errno = 0;
        unsigned long id = strtoul(name, NULL, 10);
        if (errno != 0 || id >= UINT32_MAX)
            return error_set(error, ERROR_INVALID, "%.60s is no user or group number", name);
        *ret_id = (uint32_t)id;
        return true;
    }
    struct slot *slot = &names->by_name[kind][slot_of(name)];
    pthread_mutex_lock(&names->mutex);
    bool known = slot->until_ns > clock_monotonic_ns() && strcmp(slot->name, name) == 0;
    uint32_t id = slot->id;
    pthread_mutex_unlock(&names->mutex);
    char memory[LOOKUP_BYTES];
    if (!known) {
        if (!look_up_id(kind, name, memory, &id))
            return error_set(
                error, ERROR_INVALID,
                "this machine knows no %s '%.60s': create it here as on the other side",
                kind == POSIX_USER ? "user" : "group", name);
        pthread_mutex_lock(&names->mutex);
        remember(slot, id, name);
        pthread_mutex_unlock(&names->mutex);
    }
    *ret_id = id;
    return true;
}
