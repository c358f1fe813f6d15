/* webhdfs_change.c: directories, renames, removals, attributes, snapshots: one PUT, POST or DELETE
 * each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/digest.h"
#include "component/hdfs/webhdfs/acl_text.h"
#include "component/hdfs/webhdfs/webhdfs_session.h"

bool webhdfs_mkdirs(HDFS_DO, const char *path, uint32_t mode, bool *ret_made, HDFS_TOLD)
{
    char query[32];
    snprintf(query, sizeof query, "&permission=%" PRIo32, mode);
    return webhdfs_change(session, call, mutation, HTTP_PUT, "MKDIRS", path, query, ret_made,
                          problem, error);
}

/* Never without renameoptions: the old rename moves *into* a directory that is there. */
bool webhdfs_rename(HDFS_DO, const char *from, const char *to, bool replace, HDFS_TOLD)
{
    char *query =
        webhdfs_query("destination", to, "renameoptions", replace ? "OVERWRITE" : "NONE", NULL);
    bool done = webhdfs_change(session, call, mutation, HTTP_PUT, "RENAME", from, query, NULL,
                               problem, error);
    free(query);
    return done;
}

bool webhdfs_remove(HDFS_DO, const char *path, bool recursive, bool *ret_removed, HDFS_TOLD)
{
    return webhdfs_change(session, call, mutation, HTTP_DELETE, "DELETE", path,
                          recursive ? "&recursive=true" : "&recursive=false", ret_removed, problem,
                          error);
}

/* --- attributes --------------------------------------------------------------------------------
 */

struct put {
    enum http_method method;
    const char *op;
    char *query; /* freed by webhdfs_set_attribute(); NULL: none */
};

static char *number_query(const char *format, int64_t number)
{
    struct buffer query;
    buffer_init(&query, 0);
    buffer_append_format(&query, format, number);
    return buffer_take(&query);
}

static bool acl_query(const struct hdfs_attribute *attribute, char **ret_query, struct error *error)
{
    struct buffer spec;
    buffer_init(&spec, 0);
    bool done = acl_to_spec(attribute->acl, attribute->mode, &spec, error);
    if (done)
        *ret_query = webhdfs_query("aclspec", buffer_text(&spec), NULL);
    buffer_fini(&spec);
    return done;
}

static char *xattr_query(const struct hdfs_attribute *attribute)
{
    const struct entry_xattr *xattr = &attribute->xattr;
    char *value = memory_new(2 * xattr->size + 3);
    memcpy(value, "0x", 2);
    hex_format(xattr->value, xattr->size, value + 2);
    char *query = webhdfs_query("xattr.name", xattr->name, "xattr.value", value, "flag",
                                attribute->replace ? "REPLACE" : "CREATE", NULL);
    free(value);
    return query;
}

static struct put put_of(const struct hdfs_attribute *attribute)
{
    switch (attribute->kind) {
    case HDFS_OWNER:
        return (struct put){
            HTTP_PUT, "SETOWNER",
            webhdfs_query("owner", attribute->owner, "group", attribute->group, NULL)};
    case HDFS_MODE:
        return (struct put){HTTP_PUT, "SETPERMISSION",
                            number_query("&permission=%" PRIo64, attribute->mode)};
    case HDFS_ACL:
        return (struct put){HTTP_PUT, "SETACL", NULL}; /* acl_query() */
    case HDFS_NO_DEFAULT_ACL:
        return (struct put){HTTP_PUT, "REMOVEDEFAULTACL", NULL};
    case HDFS_NO_ACL:
        return (struct put){HTTP_PUT, "REMOVEACL", NULL};
    case HDFS_XATTR:
        return (struct put){HTTP_PUT, "SETXATTR", xattr_query(attribute)};
    case HDFS_NO_XATTR:
        return (struct put){HTTP_PUT, "REMOVEXATTR",
                            webhdfs_query("xattr.name", attribute->xattr.name, NULL)};
    case HDFS_REPLICATION:
        return (struct put){HTTP_PUT, "SETREPLICATION",
                            number_query("&replication=%" PRId64, attribute->replication)};
    case HDFS_POLICY:
        if (attribute->policy == NULL)
            return (struct put){HTTP_POST, "UNSETSTORAGEPOLICY", NULL};
        return (struct put){HTTP_PUT, "SETSTORAGEPOLICY",
                            webhdfs_query("storagepolicy", attribute->policy, NULL)};
    case HDFS_MTIME:
        return (struct put){HTTP_PUT, "SETTIMES",
                            number_query("&modificationtime=%" PRId64, attribute->mtime_ms)};
    }
    CHECK_UNREACHABLE();
}

bool webhdfs_set_attribute(HDFS_DO, const char *path, const struct hdfs_attribute *attribute,
                           HDFS_TOLD)
{
    struct put put = put_of(attribute);
    if (problem != NULL)
        *problem = (struct hdfs_problem){.refusal = HDFS_FINAL};
    bool done = (attribute->kind != HDFS_ACL || acl_query(attribute, &put.query, error)) &&
                webhdfs_change(session, call, mutation, put.method, put.op, path, put.query, NULL,
                               problem, error);
    free(put.query);
    return done;
}

/* --- snapshots ---------------------------------------------------------------------------------
 */

bool webhdfs_allow_snapshots(HDFS_DO, const char *root, HDFS_TOLD)
{
    return webhdfs_change(session, call, mutation, HTTP_PUT, "ALLOWSNAPSHOT", root, NULL, NULL,
                          problem, error);
}

bool webhdfs_disallow_snapshots(HDFS_DO, const char *root, HDFS_TOLD)
{
    return webhdfs_change(session, call, mutation, HTTP_PUT, "DISALLOWSNAPSHOT", root, NULL, NULL,
                          problem, error);
}

static bool change_snapshot(HDFS_DO, enum http_method method, const char *op, const char *root,
                            const char *name, HDFS_TOLD)
{
    char *query = webhdfs_query("snapshotname", name, NULL);
    bool done =
        webhdfs_change(session, call, mutation, method, op, root, query, NULL, problem, error);
    free(query);
    return done;
}

bool webhdfs_snapshot_create(HDFS_DO, const char *root, const char *name, HDFS_TOLD)
{
    return change_snapshot(session, call, mutation, HTTP_PUT, "CREATESNAPSHOT", root, name, problem,
                           error);
}

bool webhdfs_snapshot_remove(HDFS_DO, const char *root, const char *name, HDFS_TOLD)
{
    return change_snapshot(session, call, mutation, HTTP_DELETE, "DELETESNAPSHOT", root, name,
                           problem, error);
}
