/* lmdb_store.c: making, opening and closing; see lmdb_store.h. */
#include "journal/lmdb/lmdb_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/random.h"

#define DATABASES_MAX (JOURNAL_TYPE_MAX + 3)
#define FILE_MODE 0640
#define LOCK_SIZE 8192 /* what LMDB makes of lock.mdb, for its 126 readers */

bool lmdb_error(struct error *error, int code, const char *format, ...)
{
    char context[160];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    CHECK(code != 0);
    if (code == EDQUOT)
        return error_set(error, ERROR_NO_SPACE, "%s: %s", context, strerror(code));
    if (code > 0)
        return error_set_errno(error, code, "%s", context);
    enum error_code kind = ERROR_IO;
    if (code == MDB_MAP_FULL)
        kind = ERROR_NO_SPACE;
    else if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID ||
             code == MDB_VERSION_MISMATCH)
        kind = ERROR_CORRUPT;
    else if (code == MDB_READERS_FULL)
        kind = ERROR_LIMIT;
    return error_set(error, kind, "%s: %s", context, mdb_strerror(code));
}

/* A program that we start must not inherit the file: LMDB 0.9.24 leaves that out for data.mdb. */
static bool keep_from_children(MDB_env *env, struct error *error)
{
    int fd, code = mdb_env_get_fd(env, &fd);
    if (code != 0)
        return lmdb_error(error, code, "journal: its file");
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0)
        return error_set_errno(error, errno, "journal: close-on-exec");
    return true;
}

/* Not posix_fallocate(): where the file system cannot, that one writes, which a table in use would
 * not bear. */
bool lmdb_store_reserve_lock(const char *directory, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    int fd = open(arena_format(&arena, "%s/lock.mdb", directory), O_RDWR | O_CREAT | O_CLOEXEC,
                  FILE_MODE);
    bool reserved = fd >= 0 && (fallocate(fd, 0, 0, LOCK_SIZE) == 0 || errno == EOPNOTSUPP);
    int number = errno;
    if (fd >= 0)
        close(fd);
    arena_fini(&arena);
    return reserved || error_set_errno(error, number, "reserve %s/lock.mdb", directory);
}

static bool open_env(MDB_env **ret_env, const char *directory, unsigned flags, uint64_t map_bytes,
                     struct error *error)
{
    MDB_env *env;
    int code = mdb_env_create(&env);
    if (code != 0)
        return lmdb_error(error, code, "journal %s", directory);
    code = mdb_env_set_maxdbs(env, DATABASES_MAX);
    if (code == 0 && map_bytes != 0)
        code = mdb_env_set_mapsize(env, map_bytes);
    if (code == 0)
        code = mdb_env_open(env, directory, flags | MDB_NOTLS, FILE_MODE);
    if (code != 0) {
        mdb_env_close(env);
        return lmdb_error(error, code, "open the journal %s", directory);
    }
    if (!keep_from_children(env, error)) {
        mdb_env_close(env);
        return false;
    }
    *ret_env = env;
    return true;
}

static MDB_val text_value(const char *text)
{
    return (MDB_val){.mv_size = strlen(text), .mv_data = (void *)(uintptr_t)text};
}

static int put_meta(MDB_txn *txn, MDB_dbi meta, const char *name, const void *data, size_t size)
{
    MDB_val key = text_value(name), value = {.mv_size = size, .mv_data = (void *)(uintptr_t)data};
    return mdb_put(txn, meta, &key, &value, 0);
}

static int write_schema(MDB_txn *txn)
{
    MDB_dbi dbi;
    uint32_t schema = LMDB_SCHEMA, type_max = 0;
    char id[UUID_TEXT_SIZE];
    uuid_new(id);
    int code = mdb_dbi_open(txn, "meta", MDB_CREATE, &dbi);
    if (code == 0)
        code = put_meta(txn, dbi, "schema", &schema, sizeof schema);
    if (code == 0)
        code = put_meta(txn, dbi, "journal", id, strlen(id));
    if (code == 0)
        code = put_meta(txn, dbi, "type-max", &type_max, sizeof type_max);
    return code != 0 ? code : mdb_dbi_open(txn, "records", MDB_CREATE, &dbi);
}

static bool build(const char *directory, uint64_t map_bytes, struct error *error)
{
    MDB_env *env = NULL;
    MDB_txn *txn;
    if (!lmdb_store_reserve_lock(directory, error) ||
        !open_env(&env, directory, 0, map_bytes, error))
        return false;
    int code = mdb_txn_begin(env, NULL, 0, &txn);
    if (code == 0) {
        code = write_schema(txn);
        if (code != 0)
            mdb_txn_abort(txn);
        else
            code = mdb_txn_commit(txn);
    }
    mdb_env_close(env);
    return code == 0 || lmdb_error(error, code, "make the journal %s", directory);
}

static bool sync_directory(const char *directory, struct error *error)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (!synced)
        error_set_errno(error, errno, "fsync %s", directory);
    if (fd >= 0)
        close(fd);
    return synced;
}

static void remove_parts(const char *parts, const char *data, const char *lock)
{
    unlink(data);
    unlink(lock);
    rmdir(parts);
}

/* The temporary parts are ours alone: the caller holds the owner's lock. */
bool lmdb_store_create(const char *directory, uint64_t map_bytes, struct error *error)
{
    struct arena arena;
    arena_init(&arena);
    char *parts = arena_format(&arena, "%s/new", directory);
    char *data = arena_format(&arena, "%s/data.mdb", parts);
    char *lock = arena_format(&arena, "%s/lock.mdb", parts);
    char *final = arena_format(&arena, "%s/data.mdb", directory);
    remove_parts(parts, data, lock);
    bool made = mkdir(parts, 0700) == 0 || error_set_errno(error, errno, "create %s", parts);
    made = made && build(parts, map_bytes, error);
    if (made && rename(data, final) != 0)
        made = error_set_errno(error, errno, "rename %s", data);
    remove_parts(parts, data, lock);
    made = made && sync_directory(directory, error);
    arena_fini(&arena);
    return made;
}

static bool get_meta(const struct lmdb_store *store, MDB_txn *txn, const char *name, size_t size,
                     void *ret_value, struct error *error)
{
    MDB_val key = text_value(name), value;
    int code = mdb_get(txn, store->meta, &key, &value);
    if (code != 0 || value.mv_size != size)
        return error_set(error, ERROR_CORRUPT, "the journal has no proper '%s'", name);
    memcpy(ret_value, value.mv_data, size);
    return true;
}

/* What is written once and, all but type-max, never changes. */
static bool read_meta(struct lmdb_store *store, MDB_txn *txn, struct error *error)
{
    uint32_t schema = 0, type_max = 0;
    if (!get_meta(store, txn, "schema", sizeof schema, &schema, error))
        return false;
    if (schema != LMDB_SCHEMA)
        return error_set(error, ERROR_CONFLICT,
                         "the journal has schema %u and this program knows %u: use the program "
                         "that wrote it",
                         schema, LMDB_SCHEMA);
    if (!get_meta(store, txn, "type-max", sizeof type_max, &type_max, error) ||
        !get_meta(store, txn, "journal", JOURNAL_ORIGIN_SIZE, store->journal_id, error))
        return false;
    store->type_max = type_max;
    store->anchor = crc32c(0, store->journal_id, JOURNAL_ORIGIN_SIZE);
    return true;
}

static int open_objects(struct lmdb_store *store, MDB_txn *txn, bool writable)
{
    char name[24];
    for (unsigned type = 1; type <= JOURNAL_TYPE_MAX; type++) {
        unsigned create = writable && journal_type_is_known(type) ? MDB_CREATE : 0;
        snprintf(name, sizeof name, "object-%u", type);
        int code = mdb_dbi_open(txn, name, create, &store->objects[type]);
        if (code != 0 && code != MDB_NOTFOUND)
            return code;
        store->has_objects[type] = code == 0;
    }
    return 0;
}

bool lmdb_store_open(struct lmdb_store *store, const char *directory, unsigned flags,
                     uint64_t map_bytes, struct error *error)
{
    *store = (struct lmdb_store){.env = NULL};
    if (!open_env(&store->env, directory, flags, map_bytes, error))
        return false;
    return true;
}

/* Handles live on after the transaction only when it is committed, a read transaction too. */
bool lmdb_store_open_databases(struct lmdb_store *store, bool writable, struct error *error)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, writable ? 0 : MDB_RDONLY, &txn);
    if (code == MDB_MAP_RESIZED && !writable) {
        code = mdb_env_set_mapsize(store->env, 0);
        if (code == 0)
            code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    }
    if (code != 0)
        return lmdb_error(error, code, "journal: begin");
    code = mdb_dbi_open(txn, "meta", 0, &store->meta);
    if (code == 0)
        code = mdb_dbi_open(txn, "records", 0, &store->records);
    if (code == MDB_NOTFOUND)
        code = MDB_CORRUPTED;
    if (code == 0 && !read_meta(store, txn, error)) {
        mdb_txn_abort(txn);
        return false;
    }
    if (code == 0)
        code = open_objects(store, txn, writable);
    if (code == 0)
        code = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return code == 0 || lmdb_error(error, code, "journal: open its databases");
}

void lmdb_store_close(struct lmdb_store *store)
{
    if (store->env != NULL)
        mdb_env_close(store->env);
    store->env = NULL;
}

bool lmdb_store_check_types(const struct lmdb_store *store, struct error *error)
{
    for (unsigned type = 1; type <= store->type_max; type++)
        if (!journal_type_is_known(type))
            return error_set(error, ERROR_CONFLICT,
                             "the journal holds records of type %u, unknown to this program: a "
                             "newer one wrote them, use that",
                             type);
    return true;
}
