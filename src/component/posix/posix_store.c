/* posix_store.c: settings, opening and closing, and what the store is. */
#include "component/posix/posix_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"
#include "base/path.h"
#include "base/random.h"
#include "component/posix/posix_file.h"
#include "component/posix/posix_names.h"
#include "component/posix/posix_torn.h"

#define IDENTITY_PREFIX "coeval-posix "

static bool check_member(const char *key, const json_t *value, struct error *error)
{
    bool is_base = strcmp(key, "base") == 0;
    if (!is_base && strcmp(key, "barrier") != 0)
        return error_set(error, ERROR_INVALID,
                         "unknown member '%.60s': posix takes base and barrier", key);
    const char *text = json_string_value(value);
    if (text == NULL)
        return error_set(error, ERROR_INVALID, "%s: a path is needed, as text", key);
    if (!path_is_clean(text))
        return error_set(error, ERROR_INVALID,
                         "%s: '%.100s' is no absolute path without '//', '.', '..' and '/' at its "
                         "end%s",
                         key, text, is_base ? "" : " (it starts at base)");
    if (!is_base && text[1] == '\0')
        return error_set(error, ERROR_INVALID, "barrier: a lock file below base, not base itself");
    return true;
}

bool posix_check_options(const json_t *options, struct error *error)
{
    if (!json_is_object(options) || json_object_get(options, "base") == NULL)
        return error_set(error, ERROR_INVALID,
                         "base is missing: the directory of this machine that is to be \"/\"");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)options, key, value) {
        if (!check_member(key, value, error))
            return false;
    }
    return true;
}

bool posix_open(const struct store_config *config, struct store **ret_store, struct error *error)
{
    if (!posix_check_options(config->options, error))
        return error_wrap(error, "%s", config->instance);
    if (!path_is_clean(config->area) || config->area[1] == '\0')
        return error_set(error, ERROR_INVALID, "%s: area '%.100s' is no clean absolute path",
                         config->instance, config->area);
    struct arena arena;
    arena_init(&arena);
    struct store *store = memory_new(sizeof *store);
    store->base = memory_copy_string(json_string_value(json_object_get(config->options, "base")));
    store->barrier =
        memory_copy_string(json_string_value(json_object_get(config->options, "barrier")));
    store->area = memory_copy_string(config->area);
    store->snapshots = memory_copy_string(path_join(&arena, config->area, "snapshots"));
    store->names = posix_names_new();
    list_init(&store->holds);
    CHECK(pthread_mutex_init(&store->hold_mutex, NULL) == 0);
    CHECK(pthread_mutex_init(&store->torn_mutex, NULL) == 0);
    arena_fini(&arena);
    *ret_store = store;
    return true;
}

void posix_close(struct store *store)
{
    if (store == NULL)
        return;
    posix_torn_free(store->torn);
    CHECK(list_is_empty(&store->holds));
    CHECK(pthread_mutex_destroy(&store->hold_mutex) == 0);
    CHECK(pthread_mutex_destroy(&store->torn_mutex) == 0);
    posix_names_free(store->names);
    free(store->base);
    free(store->barrier);
    free(store->area);
    free(store->snapshots);
    free(store);
}

/* NOT_FOUND when there is none yet. */
static bool read_identity(struct store *store, const char *path, char ret_identity[UUID_TEXT_SIZE],
                          struct error *error)
{
    struct posix_place place;
    if (!posix_place_open(store, path, &place, error))
        return false;
    char text[sizeof IDENTITY_PREFIX + UUID_TEXT_SIZE] = "";
    int fd = openat(place.directory, place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    int number = errno;
    posix_close_fd(&fd);
    posix_place_close(&place);
    if (got < 0)
        return posix_fail(error, number, "read", path);
    const size_t prefix = strlen(IDENTITY_PREFIX);
    text[got] = '\0';
    if (got != (ssize_t)(prefix + UUID_TEXT_SIZE) || strncmp(text, IDENTITY_PREFIX, prefix) != 0 ||
        text[got - 1] != '\n')
        return posix_refuse(error, ERROR_CORRUPT, path,
                            "this is no identity: restore the file, or remove it and pair anew");
    memcpy(ret_identity, text + prefix, UUID_TEXT_SIZE - 1);
    ret_identity[UUID_TEXT_SIZE - 1] = '\0';
    return true;
}

/* EXISTS when another one was first, which is as good. */
static bool make_identity(struct store *store, const char *path, struct error *error)
{
    char uuid[UUID_TEXT_SIZE];
    uuid_new(uuid);
    struct arena arena;
    arena_init(&arena);
    const char *text = arena_format(&arena, IDENTITY_PREFIX "%s\n", uuid);
    struct posix_new_file file;
    bool made = posix_make_directories(store, store->area, error) &&
                posix_new_file_open(store, path, 0600, &file, error);
    if (made) {
        bool written = posix_write_all(file.fd, text, strlen(text));
        if (!written)
            posix_fail(error, errno, "write", path);
        made = posix_new_file_close(&file, written, written ? error : NULL) && written;
    }
    arena_fini(&arena);
    if (!made && error->code == ERROR_EXISTS) {
        *error = ERROR_NONE;
        return true;
    }
    return made;
}

bool posix_identify(struct store *store, const struct call *call,
                    char ret_identity[STORE_IDENTITY_SIZE], struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    const char *path = path_join(&arena, store->area, "identity");
    bool known =
        call_take_operation(call, error) && read_identity(store, path, ret_identity, error);
    if (!known && error->code == ERROR_NOT_FOUND) {
        *error = ERROR_NONE;
        known =
            make_identity(store, path, error) && read_identity(store, path, ret_identity, error);
    }
    arena_fini(&arena);
    return known;
}
