/* hdfs_attributes.c: owner, mode, ACL, xattrs, replication, storage policy, times. What is set
 * already costs no write: a NameNode logs and syncs every change, a read is cheap. */
#include <string.h>

#include "component/hdfs/hdfs_store.h"

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

static bool put(struct setting *setting, const struct hdfs_attribute *attribute,
                struct error *error)
{
    struct store *store = setting->store;
    struct hdfs_mutation mutation = hdfs_mutation(store);
    bool done = store->ops->set_attribute(store->session, setting->call, &mutation, setting->path,
                                          attribute, NULL, error);
    return hdfs_settle(store, &mutation, "set_attribute", setting->path, done, error);
}

static bool put_mode(struct setting *setting, uint32_t mode, struct error *error)
{
    return put(setting, &(struct hdfs_attribute){.kind = HDFS_MODE, .mode = mode}, error);
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
    struct hdfs_attribute owner = {
        .kind = HDFS_OWNER, .owner = wanted->owner, .group = wanted->group};
    return put(setting, &owner, error);
}

static bool set_mode(struct setting *setting, struct error *error)
{
    if (wanted_mode(setting) == setting->now.mode)
        return true;
    setting->now.mode = wanted_mode(setting);
    return put_mode(setting, setting->now.mode, error);
}

/* Removing it turns the mode's group bits back into the owning group's: the mode comes after. */
static bool remove_acl(struct setting *setting, struct error *error)
{
    if (!setting->now.has_acl)
        return true;
    setting->now.mode = UINT32_MAX; /* unknown now: set it again */
    return put(setting, &(struct hdfs_attribute){.kind = HDFS_NO_ACL}, error);
}

static bool has_default(const char *acl)
{
    return acl != NULL && strncmp(acl, "default:", 8) == 0; /* sorted: they come first */
}

static bool set_acl(struct setting *setting, unsigned fields, struct error *error)
{
    struct hdfs_attribute acl = {.kind = HDFS_ACL, .acl = setting->wanted->acl};
    /* a list without default entries leaves those that are there */
    if (has_default(setting->now.acl) && !has_default(setting->wanted->acl) &&
        !put(setting, &(struct hdfs_attribute){.kind = HDFS_NO_DEFAULT_ACL}, error))
        return false;
    acl.mode = (fields & ENTRY_MODE) != 0 ? wanted_mode(setting) : setting->now.mode;
    return put(setting, &acl, error);
}

static bool set_mode_and_acl(struct setting *setting, unsigned fields, struct error *error)
{
    bool acl = (fields & ENTRY_ACL) != 0, wanted = setting->wanted->acl != NULL;
    uint32_t mode_before = setting->now.mode;
    if (acl && !wanted && !remove_acl(setting, error))
        return false;
    if ((fields & ENTRY_MODE) == 0 && setting->now.mode == UINT32_MAX)
        return put_mode(setting, mode_before, error); /* the mode stays what it was */
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

static bool set_xattr(struct setting *setting, const struct entry_xattr *xattr, bool replace,
                      struct error *error)
{
    struct hdfs_attribute one = {.kind = HDFS_XATTR, .xattr = *xattr, .replace = replace};
    return put(setting, &one, error);
}

static bool remove_xattr(struct setting *setting, const char *name, struct error *error)
{
    return put(setting, &(struct hdfs_attribute){.kind = HDFS_NO_XATTR, .xattr.name = name}, error);
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
        if (!set_xattr(setting, xattr, old != NULL, error))
            return false;
    }
    return true;
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static bool set_replication(struct setting *setting, struct error *error)
{
    struct hdfs_attribute replication = {.kind = HDFS_REPLICATION,
                                         .replication = setting->wanted->replication};
    if (setting->now.type != ENTRY_FILE || replication.replication == 0 ||
        replication.replication == setting->now.replication || setting->now.erasure_coding != NULL)
        return true;
    return put(setting, &replication, error);
}

static bool set_policy(struct setting *setting, struct error *error)
{
    struct hdfs_attribute policy = {.kind = HDFS_POLICY, .policy = setting->wanted->storage_policy};
    return same_text(policy.policy, setting->now.storage_policy) || put(setting, &policy, error);
}

static bool set_times(struct setting *setting, struct error *error)
{
    struct hdfs_attribute time = {.kind = HDFS_MTIME,
                                  .mtime_ms = setting->wanted->mtime_ns / 1000000};
    return put(setting, &time, error);
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
