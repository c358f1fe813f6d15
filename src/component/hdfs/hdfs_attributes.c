/* hdfs_attributes.c: owner, mode, ACL, xattrs, replication, storage policy, times. What is set
 * already costs no write: a NameNode logs and syncs every change, a read is cheap. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "component/hdfs/acl_text.h"
#include "component/hdfs/hdfs_store.h"
#include "component/hdfs/webhdfs_url.h"

#define FILE_MODE_BITS 0777
#define DIRECTORY_MODE_BITS 01777

/* One set_attributes() call. */
struct setting {
    struct store *store;
    const struct call *call;
    const char *path;
    const struct entry *wanted;
    struct entry now; /* as it is */
    struct arena arena;
};

static bool put(struct setting *setting, const char *op, const char *query, struct error *error)
{
    return hdfs_change(setting->store, setting->call, HTTP_PUT, op, setting->path, query, NULL,
                       error);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static uint32_t wanted_mode(const struct setting *setting)
{
    return setting->wanted->mode &
           (setting->now.type == ENTRY_FILE ? FILE_MODE_BITS : DIRECTORY_MODE_BITS);
}

static bool set_owner(struct setting *setting, struct error *error)
{
    const struct entry *wanted = setting->wanted, *now = &setting->now;
    if (same_text(wanted->owner, now->owner) && same_text(wanted->group, now->group))
        return true;
    char *query = hdfs_query("owner", wanted->owner, "group", wanted->group, NULL);
    bool done = put(setting, "SETOWNER", query, error);
    free(query);
    return done;
}

static bool set_mode(struct setting *setting, struct error *error)
{
    char query[32];
    if (wanted_mode(setting) == setting->now.mode)
        return true;
    snprintf(query, sizeof query, "&permission=%o", wanted_mode(setting));
    setting->now.mode = wanted_mode(setting);
    return put(setting, "SETPERMISSION", query, error);
}

/* Removing it turns the mode's group bits back into the owning group's: the mode comes after. */
static bool remove_acl(struct setting *setting, struct error *error)
{
    if (!setting->now.has_acl)
        return true;
    setting->now.mode = UINT32_MAX; /* unknown now: set it again */
    return put(setting, "REMOVEACL", NULL, error);
}

static bool has_default(const char *acl)
{
    return acl != NULL && strncmp(acl, "default:", 8) == 0; /* sorted: they come first */
}

static bool set_acl(struct setting *setting, unsigned fields, struct error *error)
{
    struct buffer spec;
    /* a list without default entries leaves those that are there */
    if (has_default(setting->now.acl) && !has_default(setting->wanted->acl) &&
        !put(setting, "REMOVEDEFAULTACL", NULL, error))
        return false;
    uint32_t mode = (fields & ENTRY_MODE) != 0 ? wanted_mode(setting) : setting->now.mode;
    buffer_init(&spec, 0);
    bool done = acl_to_spec(setting->wanted->acl, mode, &spec, error);
    char *query = done ? hdfs_query("aclspec", buffer_text(&spec), NULL) : NULL;
    done = done && put(setting, "SETACL", query, error);
    free(query);
    buffer_fini(&spec);
    return done;
}

static bool set_mode_and_acl(struct setting *setting, unsigned fields, struct error *error)
{
    bool acl = (fields & ENTRY_ACL) != 0, wanted = setting->wanted->acl != NULL;
    uint32_t mode_before = setting->now.mode;
    if (acl && !wanted && !remove_acl(setting, error))
        return false;
    if ((fields & ENTRY_MODE) == 0 && setting->now.mode == UINT32_MAX) {
        char query[32]; /* the mode stays what it was */
        snprintf(query, sizeof query, "&permission=%o", mode_before);
        return put(setting, "SETPERMISSION", query, error);
    }
    if ((fields & ENTRY_MODE) != 0 && !set_mode(setting, error))
        return false;
    if (!acl || !wanted)
        return true;
    if ((fields & ENTRY_MODE) == 0 || same_text(setting->now.acl, setting->wanted->acl) == false ||
        setting->now.mode != mode_before)
        return set_acl(setting, fields, error);
    return true;
}

/* --- xattrs ------------------------------------------------------------------------------------
 */

static const struct entry_xattr *find_xattr(const struct entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->xattr_count; i++)
        if (strcmp(entry->xattrs[i].name, name) == 0)
            return &entry->xattrs[i];
    return NULL;
}

static bool set_xattr(struct setting *setting, const struct entry_xattr *xattr, const char *flag,
                      struct error *error)
{
    char *value = arena_new(&setting->arena, 2 * xattr->size + 3);
    memcpy(value, "0x", 2);
    hex_format(xattr->value, xattr->size, value + 2);
    char *query = hdfs_query("xattr.name", xattr->name, "xattr.value", value, "flag", flag, NULL);
    bool done = put(setting, "SETXATTR", query, error);
    free(query);
    return done;
}

static bool remove_xattr(struct setting *setting, const char *name, struct error *error)
{
    char *query = hdfs_query("xattr.name", name, NULL);
    bool done = put(setting, "REMOVEXATTR", query, error);
    free(query);
    return done;
}

static bool set_xattrs(struct setting *setting, struct error *error)
{
    const struct entry *wanted = setting->wanted, *now = &setting->now;
    for (size_t i = 0; i < now->xattr_count; i++)
        if (find_xattr(wanted, now->xattrs[i].name) == NULL &&
            !remove_xattr(setting, now->xattrs[i].name, error))
            return false;
    for (size_t i = 0; i < wanted->xattr_count; i++) {
        const struct entry_xattr *xattr = &wanted->xattrs[i];
        const struct entry_xattr *old = find_xattr(now, xattr->name);
        if (old != NULL && old->size == xattr->size &&
            memcmp(old->value, xattr->value, xattr->size) == 0)
            continue;
        if (!set_xattr(setting, xattr, old != NULL ? "REPLACE" : "CREATE", error))
            return false;
    }
    return true;
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static bool set_replication(struct setting *setting, struct error *error)
{
    char query[32];
    uint32_t wanted = setting->wanted->replication;
    if (setting->now.type != ENTRY_FILE || wanted == 0 || wanted == setting->now.replication ||
        setting->now.erasure_coding != NULL)
        return true;
    snprintf(query, sizeof query, "&replication=%" PRIu32, wanted);
    return put(setting, "SETREPLICATION", query, error);
}

static bool set_policy(struct setting *setting, struct error *error)
{
    const char *wanted = setting->wanted->storage_policy;
    if (same_text(wanted, setting->now.storage_policy))
        return true;
    if (wanted == NULL)
        return hdfs_change(setting->store, setting->call, HTTP_POST, "UNSETSTORAGEPOLICY",
                           setting->path, NULL, NULL, error);
    char *query = hdfs_query("storagepolicy", wanted, NULL);
    bool done = put(setting, "SETSTORAGEPOLICY", query, error);
    free(query);
    return done;
}

static bool set_times(struct setting *setting, struct error *error)
{
    char query[64];
    int64_t mtime_ms = setting->wanted->mtime_ns / 1000000;
    snprintf(query, sizeof query, "&modificationtime=%" PRId64, mtime_ms);
    return put(setting, "SETTIMES", query, error);
}

static bool set_all(struct setting *setting, unsigned fields, struct error *error)
{
    if ((fields & ENTRY_OWNER) != 0 && !set_owner(setting, error))
        return false;
    if ((fields & (ENTRY_MODE | ENTRY_ACL)) != 0 && !set_mode_and_acl(setting, fields, error))
        return false;
    if ((fields & ENTRY_XATTRS) != 0 && !set_xattrs(setting, error))
        return false;
    if ((fields & ENTRY_REPLICATION) != 0 && !set_replication(setting, error))
        return false;
    if ((fields & ENTRY_POLICY) != 0 && !set_policy(setting, error))
        return false;
    return (fields & ENTRY_TIMES) == 0 || set_times(setting, error);
}

bool hdfs_set_attributes(struct store *store, const struct call *call, const char *path,
                         const struct entry *entry, unsigned fields, struct error *error)
{
    struct setting setting = {.store = store, .call = call, .path = path, .wanted = entry};
    arena_init(&setting.arena);
    /* xattrs and policy cost calls of their own: only when asked for */
    bool everything = (fields & (ENTRY_ACL | ENTRY_XATTRS | ENTRY_POLICY)) != 0;
    bool done = everything ? hdfs_describe(store, call, path, &setting.arena, &setting.now, error)
                           : hdfs_stat(store, call, path, &setting.arena, &setting.now, error);
    done = done && set_all(&setting, fields, error);
    arena_fini(&setting.arena);
    return done;
}
