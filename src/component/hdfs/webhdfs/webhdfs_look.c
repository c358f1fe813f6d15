/* webhdfs_look.c: what is there, as NameNodes tell it in JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "component/hdfs/webhdfs/acl_text.h"
#include "component/hdfs/webhdfs/webhdfs_session.h"
#include "component/hdfs/webhdfs/webhdfs_status.h"

bool webhdfs_status(HDFS_ASK, const char *path, struct arena *arena, struct hdfs_status *ret_status,
                    HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done = webhdfs_get(session, call, "GETFILESTATUS", path, NULL, &answer, problem, error) &&
                webhdfs_status_read(buffer_text(&answer.body), answer.body.size, path, arena,
                                    ret_status, error);
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_list_page(HDFS_ASK, const char *path, const char *after, struct arena *arena,
                       struct hdfs_page *ret_page, HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    char *query = webhdfs_query("startafter", after, NULL);
    bool done =
        webhdfs_get(session, call, "LISTSTATUS_BATCH", path, query, &answer, problem, error) &&
        webhdfs_page_read(buffer_text(&answer.body), answer.body.size, path, arena, ret_page,
                          error);
    free(query);
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_acl(HDFS_ASK, const char *path, struct arena *arena, const char **ret_acl, HDFS_TOLD)
{
    json_t *document = NULL, *status, *entries;
    bool done = webhdfs_get_object(session, call, "GETACLSTATUS", path, NULL, "AclStatus",
                                   &document, &status, problem, error) &&
                json_get_array(status, "entries", &entries, error) &&
                acl_from_entries(entries, arena, ret_acl, error);
    json_decref(document);
    return done;
}

/* --- xattrs ------------------------------------------------------------------------------------
 */

/* "0x00ff"; null or "0x" when empty. */
static bool xattr_value(const char *text, struct arena *arena, struct entry_xattr *xattr)
{
    if (text != NULL && strncmp(text, "0x", 2) == 0)
        text += 2;
    size_t digits = text != NULL ? strlen(text) : 0;
    char *value = arena_new(arena, digits / 2 + 1);
    xattr->value = value;
    xattr->size = digits / 2;
    return digits % 2 == 0 && (digits == 0 || hex_parse(text, value, digits / 2));
}

static bool get_xattrs(HDFS_ASK, const char *path, json_t **ret_document, json_t **ret_list,
                       HDFS_TOLD)
{
    struct namenode_answer answer;
    namenode_answer_init(&answer);
    bool done =
        webhdfs_get(session, call, "GETXATTRS", path, "&encoding=hex", &answer, problem, error);
    if (done && !json_parse(buffer_text(&answer.body), answer.body.size, ret_document, error))
        done = error_set(error, ERROR_PROTOCOL, "GETXATTRS: the NameNode's answer is not JSON");
    done = done && json_get_array(*ret_document, "XAttrs", ret_list, error);
    namenode_answer_fini(&answer);
    return done;
}

bool webhdfs_xattrs(HDFS_ASK, const char *path, struct arena *arena,
                    struct entry_xattr **ret_xattrs, size_t *ret_count, HDFS_TOLD)
{
    json_t *document = NULL, *list = NULL;
    bool done = get_xattrs(session, call, path, &document, &list, problem, error);
    size_t count = json_array_size(list);
    struct entry_xattr *xattrs = arena_new(arena, (count + 1) * sizeof *xattrs);
    for (size_t i = 0; done && i < count; i++) {
        json_t *item = json_array_get(list, i);
        xattrs[i].name = arena_string(arena, json_string_or(item, "name", ""));
        if (!xattr_value(json_string_or(item, "value", NULL), arena, &xattrs[i]))
            done = error_set(error, ERROR_PROTOCOL, "GETXATTRS: a value is not hexadecimal");
    }
    json_decref(document);
    if (done) {
        *ret_xattrs = xattrs;
        *ret_count = count;
    }
    return done;
}

/* --- the rest ----------------------------------------------------------------------------------
 */

bool webhdfs_policy(HDFS_ASK, const char *path, struct arena *arena, const char **ret_name,
                    HDFS_TOLD)
{
    json_t *document = NULL, *policy = NULL;
    const char *name;
    bool done = webhdfs_get_object(session, call, "GETSTORAGEPOLICY", path, NULL,
                                   "BlockStoragePolicy", &document, &policy, problem, error) &&
                json_get_string(policy, "name", &name, error);
    if (done)
        *ret_name = arena_string(arena, name);
    json_decref(document);
    return done;
}

bool webhdfs_summary(HDFS_ASK, const char *path, struct hdfs_summary *ret_summary, HDFS_TOLD)
{
    json_t *document = NULL, *summary = NULL;
    bool done = webhdfs_get_object(session, call, "GETCONTENTSUMMARY", path, NULL, "ContentSummary",
                                   &document, &summary, problem, error);
    if (done)
        *ret_summary = (struct hdfs_summary){
            .files = json_integer_or(summary, "fileCount", 0),
            .directories = json_integer_or(summary, "directoryCount", 0),
            .space_consumed = json_integer_or(summary, "spaceConsumed", -1),
            .name_quota = json_integer_or(summary, "quota", -1),
            .space_quota = json_integer_or(summary, "spaceQuota", -1),
            .snapshot_space_consumed = json_integer_or(summary, "snapshotSpaceConsumed", -1)};
    json_decref(document);
    return done;
}

/* isUnderConstruction is told of live paths only; a snapshot path always says false. */
bool webhdfs_is_open(HDFS_ASK, const char *path, bool *ret_open, HDFS_TOLD)
{
    json_t *document = NULL, *blocks = NULL;
    bool done = webhdfs_get_object(session, call, "GET_BLOCK_LOCATIONS", path, "&offset=0&length=1",
                                   "LocatedBlocks", &document, &blocks, problem, error) &&
                json_get_boolean(blocks, "isUnderConstruction", ret_open, error);
    json_decref(document);
    return done;
}
