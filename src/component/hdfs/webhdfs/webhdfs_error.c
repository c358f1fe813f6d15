/* webhdfs_error.c: the table of exceptions, and the few messages that must be told apart. */
#include "component/hdfs/webhdfs/webhdfs_error.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

#define TEXT_BYTES_MAX 220 /* of the 255 that an error has: callers put words in front */
#define CONTEXT_BYTES_MAX 140

struct mapping {
    const char *exception;
    const char *fragment; /* of the message; NULL: any */
    enum error_code code;
    enum hdfs_refusal refusal;
};

/* The first row that fits counts. */
static const struct mapping mappings[] = {
    {"StandbyException", NULL, ERROR_UNAVAILABLE, HDFS_STANDBY},
    /* secure clusters wrap it: HDFS-10735 */
    {"SecurityException", "StandbyException", ERROR_UNAVAILABLE, HDFS_STANDBY},
    {"RetriableException", NULL, ERROR_UNAVAILABLE, HDFS_WAIT},
    {"SafeModeException", NULL, ERROR_UNAVAILABLE, HDFS_WAIT},
    {"ObserverRetryOnActiveException", NULL, ERROR_UNAVAILABLE, HDFS_STANDBY},
    {"FileNotFoundException", NULL, ERROR_NOT_FOUND, HDFS_FINAL},
    {"ParentNotDirectoryException", NULL, ERROR_NOT_FOUND, HDFS_FINAL},
    {"PathIsNotDirectoryException", NULL, ERROR_NOT_FOUND, HDFS_FINAL},
    {"FileAlreadyExistsException", NULL, ERROR_EXISTS, HDFS_FINAL},
    {"PathIsNotEmptyDirectoryException", NULL, ERROR_EXISTS, HDFS_FINAL},
    {"AccessControlException", NULL, ERROR_DENIED, HDFS_FINAL},
    {"SecurityException", NULL, ERROR_DENIED, HDFS_FINAL},
    {"AuthorizationException", NULL, ERROR_DENIED, HDFS_FINAL},
    {"InvalidToken", NULL, ERROR_DENIED, HDFS_FINAL},
    {"SnapshotAccessControlException", NULL, ERROR_DENIED, HDFS_FINAL},
    {"SnapshotException", "same name", ERROR_EXISTS, HDFS_FINAL},
    {"SnapshotException", "does not exist", ERROR_NOT_FOUND, HDFS_FINAL},
    {"SnapshotException", "Cannot find the snapshot", ERROR_NOT_FOUND, HDFS_FINAL},
    {"SnapshotException", "snapshot limit", ERROR_LIMIT, HDFS_FINAL},
    {"SnapshotException", "quota", ERROR_LIMIT, HDFS_FINAL},
    {"SnapshotException", "run out of", ERROR_LIMIT, HDFS_FINAL},
    {"SnapshotException", NULL, ERROR_CONFLICT, HDFS_FINAL},
    {"NSQuotaExceededException", NULL, ERROR_NO_SPACE, HDFS_FINAL},
    {"DSQuotaExceededException", NULL, ERROR_NO_SPACE, HDFS_FINAL},
    {"QuotaByStorageTypeExceededException", NULL, ERROR_NO_SPACE, HDFS_FINAL},
    {"QuotaExceededException", NULL, ERROR_NO_SPACE, HDFS_FINAL},
    {"PathComponentTooLongException", NULL, ERROR_INVALID, HDFS_FINAL},
    {"MaxDirectoryItemsExceededException", NULL, ERROR_LIMIT, HDFS_FINAL},
    {"AlreadyBeingCreatedException", NULL, ERROR_CONFLICT, HDFS_FINAL},
    {"RecoveryInProgressException", NULL, ERROR_CONFLICT, HDFS_FINAL},
    {"LeaseExpiredException", NULL, ERROR_CONFLICT, HDFS_FINAL},
    {"InvalidPathException", NULL, ERROR_INVALID, HDFS_FINAL},
    {"IllegalArgumentException", NULL, ERROR_INVALID, HDFS_FINAL},
    {"HadoopIllegalArgumentException", NULL, ERROR_INVALID, HDFS_FINAL},
    {"UnsupportedOperationException", NULL, ERROR_INVALID, HDFS_FINAL},
    {"AclException", NULL, ERROR_INVALID, HDFS_FINAL},
    {"NotEnoughReplicasException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"ConnectException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"SocketTimeoutException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"NoRouteToHostException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"BlockMissingException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    /* a DataNode lost its NameNode or another DataNode; what it wrote by then may lie there */
    {"ConnectTimeoutException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"SocketException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"ClosedChannelException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"AsynchronousCloseException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"EOFException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    /* it found no DataNode that would tell a block's checksum, while a writer appends to it say */
    {"PathIOException", NULL, ERROR_UNAVAILABLE, HDFS_FINAL},
    {"DiskOutOfSpaceException", NULL, ERROR_NO_SPACE, HDFS_FINAL},
    /* what rename with options says, since it has no names for these */
    {"IOException", "is not empty", ERROR_EXISTS, HDFS_FINAL},
    {"IOException", "must both be", ERROR_EXISTS, HDFS_FINAL},
    {"IOException", "under source", ERROR_INVALID, HDFS_FINAL},
    {"IOException", "encryption zone", ERROR_INVALID, HDFS_FINAL},
    {"IOException", "No space left on device", ERROR_NO_SPACE, HDFS_FINAL},
    /* no DataNode can do it now */
    {"IOException", "could only be written to", ERROR_UNAVAILABLE, HDFS_FINAL}, /* but see below */
    {"IOException", "are bad. Aborting", ERROR_UNAVAILABLE, HDFS_FINAL},
    {"IOException", "Unable to create new block", ERROR_UNAVAILABLE, HDFS_FINAL},
    {"IOException", "Connection reset", ERROR_UNAVAILABLE, HDFS_FINAL},
    {"IOException", "Broken pipe", ERROR_UNAVAILABLE, HDFS_FINAL},
    {"IOException", "No active nodes contain", ERROR_UNAVAILABLE, HDFS_FINAL},
    {"IOException", "Failed to find datanode", ERROR_UNAVAILABLE, HDFS_FINAL},
};

static const struct mapping *find_mapping(const char *exception, const char *message)
{
    static const struct mapping otherwise = {"", NULL, ERROR_IO, HDFS_FINAL};
    for (size_t i = 0; i < ARRAY_LENGTH(mappings); i++) {
        const struct mapping *mapping = &mappings[i];
        if (strcmp(mapping->exception, exception) == 0 &&
            (mapping->fragment == NULL || strstr(message, mapping->fragment) != NULL))
            return mapping;
    }
    return &otherwise;
}

static bool number_behind(const char *text, const char *words, uint64_t *ret_number)
{
    const char *at = strstr(text, words);
    if (at == NULL)
        return false;
    at += strlen(words);
    *ret_number = strtoull(at, NULL, 10);
    return isdigit((unsigned char)*at) || strncmp(at, "no ", 3) == 0;
}

/* "File /a could only be written to 0 of the 1 minReplication nodes. There are 3 datanode(s)
 * running and no node(s) are excluded in this operation.": when enough of them are left and the
 * NameNode still takes none, they have no room. Otherwise there are too few, which passes. */
static bool tells_no_room(const char *message)
{
    uint64_t needed, running, excluded;
    const char *numbers = strstr(message, "could only be written to");
    return numbers != NULL && number_behind(numbers, " of the ", &needed) &&
           number_behind(numbers, "There are ", &running) &&
           number_behind(numbers, "running and ", &excluded) && running >= needed + excluded;
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

/* The name at the end must outlive a long message, and the contexts that callers put in front. */
static void print_problem(enum error_code code, const char *context,
                          const struct hdfs_problem *problem, const char *message,
                          struct error *error)
{
    size_t fixed = strnlen(context, CONTEXT_BYTES_MAX) + strlen(problem->exception);
    size_t room = TEXT_BYTES_MAX - sizeof ":  ()" - fixed;
    size_t size = strcspn(message, "\r\n"); /* behind the first line a DataNode sends its stack */
    if (size > room)
        for (size = room; size > 0 && ((unsigned char)message[size] & 0xc0) == 0x80;)
            size--;
    error_set(error, code, "%.*s: %.*s (%s)", CONTEXT_BYTES_MAX, context, (int)size, message,
              problem->exception);
}

struct hdfs_problem webhdfs_problem(int status, const char *body, size_t size, const char *context,
                                    struct error *error)
{
    struct hdfs_problem problem = {.refusal = HDFS_FINAL};
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
    enum error_code code = mapping->code;
    if (code == ERROR_UNAVAILABLE && strcmp(exception, "IOException") == 0 &&
        tells_no_room(message))
        code = ERROR_NO_SPACE;
    problem.refusal = mapping->refusal;
    problem.unknown_operation =
        strstr(message, "is not a valid") != NULL && strstr(message, "operation") != NULL;
    snprintf(problem.exception, sizeof problem.exception, "%s", exception);
    print_problem(code, context, &problem, message, error);
    json_decref(document);
    return problem;
}
