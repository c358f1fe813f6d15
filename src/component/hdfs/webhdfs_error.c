/* webhdfs_error.c: the table of exceptions, and the few messages that must be told apart. */
#include "component/hdfs/webhdfs_error.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

struct mapping {
    const char *exception;
    const char *fragment; /* of the message; NULL: any */
    enum error_code code;
    enum webhdfs_refusal refusal;
};

/* The first row that fits counts. */
static const struct mapping mappings[] = {
    {"StandbyException", NULL, ERROR_UNAVAILABLE, WEBHDFS_STANDBY},
    /* secure clusters wrap it: HDFS-10735 */
    {"SecurityException", "StandbyException", ERROR_UNAVAILABLE, WEBHDFS_STANDBY},
    {"RetriableException", NULL, ERROR_UNAVAILABLE, WEBHDFS_WAIT},
    {"SafeModeException", NULL, ERROR_UNAVAILABLE, WEBHDFS_WAIT},
    {"ObserverRetryOnActiveException", NULL, ERROR_UNAVAILABLE, WEBHDFS_STANDBY},
    {"FileNotFoundException", NULL, ERROR_NOT_FOUND, WEBHDFS_FINAL},
    {"ParentNotDirectoryException", NULL, ERROR_NOT_FOUND, WEBHDFS_FINAL},
    {"PathIsNotDirectoryException", NULL, ERROR_NOT_FOUND, WEBHDFS_FINAL},
    {"FileAlreadyExistsException", NULL, ERROR_EXISTS, WEBHDFS_FINAL},
    {"PathIsNotEmptyDirectoryException", NULL, ERROR_EXISTS, WEBHDFS_FINAL},
    {"AccessControlException", NULL, ERROR_DENIED, WEBHDFS_FINAL},
    {"SecurityException", NULL, ERROR_DENIED, WEBHDFS_FINAL},
    {"AuthorizationException", NULL, ERROR_DENIED, WEBHDFS_FINAL},
    {"InvalidToken", NULL, ERROR_DENIED, WEBHDFS_FINAL},
    {"SnapshotAccessControlException", NULL, ERROR_DENIED, WEBHDFS_FINAL},
    {"SnapshotException", "same name", ERROR_EXISTS, WEBHDFS_FINAL},
    {"SnapshotException", "does not exist", ERROR_NOT_FOUND, WEBHDFS_FINAL},
    {"SnapshotException", "Cannot find the snapshot", ERROR_NOT_FOUND, WEBHDFS_FINAL},
    {"SnapshotException", "snapshot limit", ERROR_LIMIT, WEBHDFS_FINAL},
    {"SnapshotException", "quota", ERROR_LIMIT, WEBHDFS_FINAL},
    {"SnapshotException", "run out of", ERROR_LIMIT, WEBHDFS_FINAL},
    {"SnapshotException", NULL, ERROR_CONFLICT, WEBHDFS_FINAL},
    {"NSQuotaExceededException", NULL, ERROR_NO_SPACE, WEBHDFS_FINAL},
    {"DSQuotaExceededException", NULL, ERROR_NO_SPACE, WEBHDFS_FINAL},
    {"QuotaByStorageTypeExceededException", NULL, ERROR_NO_SPACE, WEBHDFS_FINAL},
    {"QuotaExceededException", NULL, ERROR_NO_SPACE, WEBHDFS_FINAL},
    {"PathComponentTooLongException", NULL, ERROR_INVALID, WEBHDFS_FINAL},
    {"MaxDirectoryItemsExceededException", NULL, ERROR_LIMIT, WEBHDFS_FINAL},
    {"AlreadyBeingCreatedException", NULL, ERROR_CONFLICT, WEBHDFS_FINAL},
    {"RecoveryInProgressException", NULL, ERROR_CONFLICT, WEBHDFS_FINAL},
    {"LeaseExpiredException", NULL, ERROR_CONFLICT, WEBHDFS_FINAL},
    {"InvalidPathException", NULL, ERROR_INVALID, WEBHDFS_FINAL},
    {"IllegalArgumentException", NULL, ERROR_INVALID, WEBHDFS_FINAL},
    {"HadoopIllegalArgumentException", NULL, ERROR_INVALID, WEBHDFS_FINAL},
    {"UnsupportedOperationException", NULL, ERROR_INVALID, WEBHDFS_FINAL},
    {"AclException", NULL, ERROR_INVALID, WEBHDFS_FINAL},
    {"NotEnoughReplicasException", NULL, ERROR_UNAVAILABLE, WEBHDFS_FINAL},
    {"ConnectException", NULL, ERROR_UNAVAILABLE, WEBHDFS_FINAL},
    {"SocketTimeoutException", NULL, ERROR_UNAVAILABLE, WEBHDFS_FINAL},
    {"NoRouteToHostException", NULL, ERROR_UNAVAILABLE, WEBHDFS_FINAL},
    {"BlockMissingException", NULL, ERROR_UNAVAILABLE, WEBHDFS_FINAL},
    /* what rename with options says, since it has no names for these */
    {"IOException", "is not empty", ERROR_EXISTS, WEBHDFS_FINAL},
    {"IOException", "must both be", ERROR_EXISTS, WEBHDFS_FINAL},
    {"IOException", "under source", ERROR_INVALID, WEBHDFS_FINAL},
    {"IOException", "encryption zone", ERROR_INVALID, WEBHDFS_FINAL},
    /* no DataNode can do it now */
    {"IOException", "could only be written to", ERROR_UNAVAILABLE, WEBHDFS_FINAL},
    {"IOException", "No active nodes contain", ERROR_UNAVAILABLE, WEBHDFS_FINAL},
    {"IOException", "Failed to find datanode", ERROR_UNAVAILABLE, WEBHDFS_FINAL},
};

static const struct mapping *find_mapping(const char *exception, const char *message)
{
    static const struct mapping otherwise = {"", NULL, ERROR_IO, WEBHDFS_FINAL};
    for (size_t i = 0; i < ARRAY_LENGTH(mappings); i++) {
        const struct mapping *mapping = &mappings[i];
        if (strcmp(mapping->exception, exception) == 0 &&
            (mapping->fragment == NULL || strstr(message, mapping->fragment) != NULL))
            return mapping;
    }
    return &otherwise;
}

/* An HTML page of a filter, a proxy, or of a server that is no NameNode at all. */
static void plain_status(int status, const char *context, struct error *error)
{
    if (status == 401)
        error_set(error, ERROR_DENIED, "%s: the cluster asks for authentication (HTTP 401)",
                  context);
    else if (status == 403)
        error_set(error, ERROR_DENIED, "%s: refused by an HTTP filter (403)", context);
    else if (status >= 500)
        error_set(error, ERROR_UNAVAILABLE, "%s: HTTP %d", context, status);
    else
        error_set(error, ERROR_PROTOCOL, "%s: HTTP %d is not WebHDFS's answer", context, status);
}

struct webhdfs_problem webhdfs_problem(int status, const char *body, size_t size,
                                       const char *context, struct error *error)
{
    struct webhdfs_problem problem = {.refusal = WEBHDFS_FINAL};
    struct error ignored = ERROR_NONE;
    json_t *document = NULL, *remote = NULL;
    if (!json_parse(body, size, &document, &ignored) ||
        !json_get_object(document, "RemoteException", &remote, &ignored)) {
        plain_status(status, context, error);
        json_decref(document);
        return problem;
    }
    const char *exception = json_string_or(remote, "exception", "");
    const char *message = json_string_or(remote, "message", "");
    const struct mapping *mapping = find_mapping(exception, message);
    problem.refusal = mapping->refusal;
    problem.unknown_operation =
        strstr(message, "is not a valid") != NULL && strstr(message, "operation") != NULL;
    snprintf(problem.exception, sizeof problem.exception, "%s", exception);
    /* behind the first line a DataNode sends its stack */
    error_set(error, mapping->code, "%s: %s: %.*s", context, exception,
              (int)strcspn(message, "\r\n"), message);
    json_decref(document);
    return problem;
}
