/* webhdfs_error_test.c: what a RemoteException means for us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "component/hdfs/webhdfs/webhdfs_error.h"

/* Bodies as NameNodes 3.3.6, 3.4.3 and 3.5.0 sent them. */
static const struct {
    int status;
    const char *exception, *message;
    enum error_code code;
    enum hdfs_refusal refusal;
} answers[] = {
    {403, "StandbyException",
     "Operation category READ is not supported in state standby. Visit "
     "https://s.apache.org/sbnn-error",
     ERROR_UNAVAILABLE, HDFS_STANDBY},
    {403, "SecurityException",
     "Failed to obtain user group information: "
     "org.apache.hadoop.security.token.SecretManager$InvalidToken: StandbyException",
     ERROR_UNAVAILABLE, HDFS_STANDBY},
    {403, "SecurityException", "no", ERROR_DENIED, HDFS_FINAL},
    {403, "RetriableException", "Namenode is in startup mode", ERROR_UNAVAILABLE, HDFS_WAIT},
    {403, "SafeModeException", "Cannot create snapshot for /cs. Name node is in safe mode.",
     ERROR_UNAVAILABLE, HDFS_WAIT},
    {404, "FileNotFoundException", "File does not exist: /s/none", ERROR_NOT_FOUND, HDFS_FINAL},
    {403, "FileAlreadyExistsException", "/s/d1/f3 for client 127.0.0.1 already exists",
     ERROR_EXISTS, HDFS_FINAL},
    {403, "AccessControlException",
     "Access denied for user bob. Superuser privilege is required for operation allowSnapshot",
     ERROR_DENIED, HDFS_FINAL},
    {403, "SnapshotException",
     "Failed to add snapshot: there is already a snapshot with the same name \"s1\".", ERROR_EXISTS,
     HDFS_FINAL},
    {403, "SnapshotException",
     "Cannot delete snapshot nope from path /s/d1: the snapshot does not exist.", ERROR_NOT_FOUND,
     HDFS_FINAL},
    {403, "SnapshotException", "Cannot find the snapshot of directory /s/d1 with name nope",
     ERROR_NOT_FOUND, HDFS_FINAL},
    {403, "SnapshotException",
     "Nested snapshottable directories not allowed: path=/s, the subdirectory /s/d1 is already a "
     "snapshottable directory.",
     ERROR_CONFLICT, HDFS_FINAL},
    {403, "SnapshotException",
     "there are already 3 snapshot(s) and the per directory snapshot limit is 3", ERROR_LIMIT,
     HDFS_FINAL},
    {403, "SnapshotAccessControlException", "Modification on a read-only snapshot is disallowed",
     ERROR_DENIED, HDFS_FINAL},
    {403, "NSQuotaExceededException",
     "The NameSpace quota (directories and files) of directory /q6 is exceeded: quota=6 file "
     "count=7",
     ERROR_NO_SPACE, HDFS_FINAL},
    {403, "DSQuotaExceededException", "The DiskSpace quota of /q6/sp is exceeded", ERROR_NO_SPACE,
     HDFS_FINAL},
    {400, "InvalidPathException", "Invalid path name Invalid snapshot name: a:b", ERROR_INVALID,
     HDFS_FINAL},
    {403, "PathComponentTooLongException", "The maximum path component name limit of NNN",
     ERROR_INVALID, HDFS_FINAL},
    {403, "AlreadyBeingCreatedException", "Failed to CREATE_FILE", ERROR_CONFLICT, HDFS_FINAL},
    {403, "IOException", "rename destination directory is not empty: /a", ERROR_EXISTS, HDFS_FINAL},
    {403, "IOException", "Source /f and destination /d must both be directories", ERROR_EXISTS,
     HDFS_FINAL},
    {403, "IOException", "Rename destination /a/b is a directory or file under source /a",
     ERROR_INVALID, HDFS_FINAL},
    {403, "IOException", "/a/b can't be moved into an encryption zone.", ERROR_INVALID, HDFS_FINAL},
    {403, "IOException", "No active nodes contain this block", ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "IOException",
     "File /w2 could only be written to 0 of the 1 minReplication nodes. There are 1 datanode(s) "
     "running and no node(s) are excluded in this operation.",
     ERROR_NO_SPACE, HDFS_FINAL},
    {403, "IOException",
     "File /w2 could only be written to 0 of the 1 minReplication nodes. There are 3 datanode(s) "
     "running and 2 node(s) are excluded in this operation.",
     ERROR_NO_SPACE, HDFS_FINAL},
    {403, "IOException",
     "File /w2 could only be written to 0 of the 1 minReplication nodes. There are 1 datanode(s) "
     "running and 1 node(s) are excluded in this operation.",
     ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "IOException",
     "File /There are 9/could of the 0/w2 could only be written to 0 of the 1 minReplication "
     "nodes. There are 0 datanode(s) running and no node(s) are excluded in this operation.",
     ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "IOException",
     "File /ec could only be written to 1 of the 6 required nodes for RS-6-3-1024k. There are 1 "
     "datanode(s) running and no node(s) are excluded in this operation.",
     ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "IOException", "File /w2 could only be written to 0 of it", ERROR_UNAVAILABLE,
     HDFS_FINAL},
    {500, "IOException", "No space left on device", ERROR_NO_SPACE, HDFS_FINAL},
    {403, "DiskOutOfSpaceException", "No more available volumes", ERROR_NO_SPACE, HDFS_FINAL},
    {403, "IOException",
     "All datanodes [DatanodeInfoWithStorage[127.0.0.1:21781,DS-1,DISK]] are bad. Aborting...",
     ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "ConnectTimeoutException", "20000 millis timeout while waiting for channel to be ready",
     ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "EOFException", "Unexpected EOF while trying to read response from server",
     ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "SocketException", "Connection reset", ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "ClosedChannelException", "", ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "PathIOException", "`/a/f': Input/output error: Fail to get block checksum for b1",
     ERROR_UNAVAILABLE, HDFS_FINAL},
    {403, "IOException", "something else", ERROR_IO, HDFS_FINAL},
    {500, "NullPointerException", "", ERROR_IO, HDFS_FINAL},
};

static struct hdfs_problem parse(int status, const char *body, struct error *error)
{
    return webhdfs_problem(status, body, strlen(body), "OPEN /a", error);
}

static void test_exceptions_decide(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        struct error error = ERROR_NONE;
        char body[1024], escaped[512];
        size_t used = 0;
        for (const char *p = answers[i].message; *p != '\0'; p++) {
            if (*p == '"')
                escaped[used++] = '\\';
            escaped[used++] = *p;
        }
        escaped[used] = '\0';
        snprintf(body, sizeof body,
                 "{\"RemoteException\":{\"exception\":\"%s\",\"javaClassName\":\"x\","
                 "\"message\":\"%s\"}}",
                 answers[i].exception, escaped);
        struct hdfs_problem problem = parse(answers[i].status, body, &error);
        if (error.code != answers[i].code || problem.refusal != answers[i].refusal)
            fail_msg("%s \"%s\": %s", answers[i].exception, answers[i].message,
                     error_name(error.code));
        assert_string_equal(problem.exception, answers[i].exception);
        assert_true(strncmp(error.text, "OPEN /a: ", 9) == 0);
    }
}

static void test_stack_traces_are_cut(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    parse(404,
          "{\"RemoteException\":{\"exception\":\"FileNotFoundException\",\"message\":\"Path is not "
          "a file: /d\\n\\tat org.apache.hadoop.Foo(Foo.java:90)\\n\"}}",
          &error);
    assert_string_equal(error.text, "OPEN /a: Path is not a file: /d (FileNotFoundException)");
}

static void test_the_exception_outlives_long_texts(void **state)
{
    (void)state;
    for (int context_size = 0; context_size < 400; context_size += 7) {
        struct error error = ERROR_NONE;
        char context[401], body[700], message[500] = "";
        memset(context, 'c', sizeof context);
        context[context_size] = '\0';
        for (size_t i = 0; i < 120; i++)
            strcat(message, "\u00e9 ");
        snprintf(body, sizeof body,
                 "{\"RemoteException\":{\"exception\":\"SnapshotAccessControlException\","
                 "\"message\":\"%s\"}}",
                 message);
        webhdfs_problem(403, body, strlen(body), context, &error);
        error_wrap(&error, "a caller's thirty characters..");
        size_t size = strlen(error.text);
        assert_true(size > 34 &&
                    strcmp(error.text + size - 33, " (SnapshotAccessControlException)") == 0);
        json_t *text = json_string(error.text); /* NULL when a character was cut */
        assert_non_null(text);
        json_decref(text);
    }
}

static void test_operations_that_a_version_lacks(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    assert_true(parse(400,
                      "{\"RemoteException\":{\"exception\":\"IllegalArgumentException\","
                      "\"message\":\"Invalid value for webhdfs parameter \\\"op\\\": "
                      "GETSNAPSHOTLIST is not a valid GET operation.\"}}",
                      &error)
                    .unknown_operation);
    assert_true(parse(400,
                      "{\"RemoteException\":{\"exception\":\"IllegalArgumentException\","
                      "\"message\":\"Invalid value for webhdfs parameter \\\"op\\\": "
                      "java.lang.IllegalArgumentException: NOSUCHOP is not a valid GET "
                      "operation.\"}}",
                      &error)
                    .unknown_operation);
    assert_false(parse(400,
                       "{\"RemoteException\":{\"exception\":\"IllegalArgumentException\","
                       "\"message\":\"Required param snapshotname\"}}",
                       &error)
                     .unknown_operation);
}

static void test_answers_that_are_not_hadoops(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum error_code code;
    } pages[] = {{401, "<html>", ERROR_DENIED},         {403, "", ERROR_DENIED},
                 {404, "<html>", ERROR_PROTOCOL},       {400, "{}", ERROR_PROTOCOL},
                 {503, "{\"x\":1}", ERROR_UNAVAILABLE}, {502, "[1", ERROR_UNAVAILABLE}};
    for (size_t i = 0; i < ARRAY_LENGTH(pages); i++) {
        struct error error = ERROR_NONE;
        struct hdfs_problem problem = parse(pages[i].status, pages[i].body, &error);
        assert_int_equal(error.code, pages[i].code);
        assert_int_equal(problem.refusal, HDFS_FINAL);
        assert_string_equal(problem.exception, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exceptions_decide),
        cmocka_unit_test(test_stack_traces_are_cut),
        cmocka_unit_test(test_the_exception_outlives_long_texts),
        cmocka_unit_test(test_operations_that_a_version_lacks),
        cmocka_unit_test(test_answers_that_are_not_hadoops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
