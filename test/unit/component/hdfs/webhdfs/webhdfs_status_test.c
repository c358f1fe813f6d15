/* webhdfs_status_test.c: statuses, pages and snapshot lists, cut and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "component/hdfs/webhdfs/webhdfs_status.h"

static const char status_text[] =
    "{\"FileStatus\":{\"accessTime\":1,\"aclBit\":true,\"blockSize\":1024,\"childrenNum\":0,"
    "\"fileId\":16402,\"group\":\"supergroup\",\"length\":5000,\"modificationTime\":1795270875649,"
    "\"owner\":\"coeval\",\"pathSuffix\":\"\",\"permission\":\"1640\",\"replication\":1,"
    "\"storagePolicy\":7,\"ecPolicyObj\":{\"cellSize\":[1,{}]},\"type\":\"FILE\"}}";

static void test_a_file(void **state)
{
    (void)state;
    struct arena arena;
    struct error error = ERROR_NONE;
    struct hdfs_status status;
    arena_init(&arena);
    assert_true(
        webhdfs_status_read(status_text, strlen(status_text), "/f", &arena, &status, &error));
    assert_string_equal(status.entry.path, "");
    assert_int_equal(status.entry.type, ENTRY_FILE);
    assert_int_equal(status.entry.length, 5000);
    assert_int_equal(status.entry.mode, 01640);
    assert_string_equal(status.entry.owner, "coeval");
    assert_string_equal(status.entry.group, "supergroup");
    assert_int_equal(status.entry.mtime_ns, INT64_C(1795270875649000000));
    assert_int_equal(status.entry.block_size, 1024);
    assert_int_equal(status.entry.replication, 1);
    assert_int_equal(status.entry.file_id, 16402);
    assert_int_equal(status.policy_id, 7);
    assert_true(status.entry.has_acl);
    assert_false(status.snapshottable);
    assert_null(status.entry.erasure_coding);
    arena_fini(&arena);
}

/* NameNodes cut answers when they fail in the middle: no prefix may pass for the whole. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    for (size_t size = 0; size < strlen(status_text); size++) {
        struct arena arena;
        struct error error = ERROR_NONE;
        struct hdfs_status status;
        arena_init(&arena);
        assert_false(webhdfs_status_read(status_text, size, "/f", &arena, &status, &error));
        assert_int_equal(error.code, ERROR_UNAVAILABLE);
        arena_fini(&arena);
    }
}

static const char page_text[] =
    "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{\"FileStatus\":["
    "{\"modificationTime\":5,\"owner\":\"a\",\"group\":\"b\",\"pathSuffix\":\"d\",\"permission\":"
    "\"755\",\"type\":\"DIRECTORY\",\"length\":0,\"replication\":0,\"blockSize\":0},"
    "{\"modificationTime\":6,\"owner\":\"a\",\"group\":\"b\",\"pathSuffix\":\"f\\u00e9\","
    "\"permission\":\"644\",\"type\":\"FILE\",\"length\":3,\"replication\":2,\"blockSize\":1024,"
    "\"ecBit\":true,\"ecPolicy\":\"XOR-2-1-1024k\"}]}},\"remainingEntries\":7}}";

static void test_a_page(void **state)
{
    (void)state;
    struct arena arena;
    struct error error = ERROR_NONE;
    struct hdfs_page page;
    arena_init(&arena);
    assert_true(webhdfs_page_read(page_text, strlen(page_text), "/d", &arena, &page, &error));
    assert_int_equal(page.count, 2);
    assert_int_equal(page.remaining, 7);
    assert_string_equal(page.statuses[0].entry.path, "d");
    assert_int_equal(page.statuses[0].entry.type, ENTRY_DIRECTORY);
    assert_string_equal(page.statuses[1].entry.path, "f\xc3\xa9");
    assert_string_equal(page.statuses[1].entry.erasure_coding, "XOR-2-1-1024k");
    for (size_t size = 0; size < strlen(page_text); size++)
        assert_false(webhdfs_page_read(page_text, size, "/d", &arena, &page, &error));
    static const char empty[] = "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{"
                                "\"FileStatus\":[]}},\"remainingEntries\":0}}";
    assert_true(webhdfs_page_read(empty, strlen(empty), "/d", &arena, &page, &error));
    assert_int_equal(page.count, 0);
    arena_fini(&arena);
}

static void test_a_long_page(void **state)
{
    (void)state;
    struct arena arena;
    struct buffer text;
    struct error error = ERROR_NONE;
    struct hdfs_page page;
    arena_init(&arena);
    buffer_init(&text, 0);
    buffer_append_text(&text, "{\"DirectoryListing\":{\"remainingEntries\":0,\"partialListing\":{"
                              "\"FileStatuses\":{\"FileStatus\":[");
    for (int i = 0; i < 1000; i++)
        buffer_append_format(&text,
                             "%s{\"pathSuffix\":\"%04d\",\"type\":\"FILE\",\"permission\":\"644\","
                             "\"length\":%d}",
                             i > 0 ? "," : "", i, i);
    buffer_append_text(&text, "]}}}}");
    assert_true(webhdfs_page_read(text.data, text.size, "/d", &arena, &page, &error));
    assert_int_equal(page.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(page.statuses[i].entry.length, i);
    buffer_fini(&text);
    arena_fini(&arena);
}

static void test_damaged_statuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"FileStatus\":{}}",
        "{\"FileStatus\":null}",
        "{\"FileStatus\":{\"pathSuffix\":\"\",\"type\":\"PIPE\",\"permission\":\"644\"}}",
        "{\"FileStatus\":{\"pathSuffix\":\"a/b\",\"type\":\"FILE\",\"permission\":\"644\"}}",
        "{\"FileStatus\":{\"pathSuffix\":\"\",\"type\":\"FILE\",\"permission\":\"648\"}}",
        "{\"FileStatus\":{\"pathSuffix\":\"\",\"type\":\"FILE\",\"permission\":\"77777\"}}",
        "{\"FileStatus\":{\"pathSuffix\":\"\",\"type\":\"FILE\",\"length\":\"5\"}}",
        "{\"FileStatus\":{\"pathSuffix\":\"\",\"type\":\"FILE\",\"length\":1e3}}",
        ("{\"FileStatus\":{\"pathSuffix\":\"\",\"type\":\"FILE\",\"permission\":\"644\",\"length\":"
         "-1}}"),
        "{\"FileStatus\":{\"pathSuffix\":\"\",\"type\":\"FILE\",\"length\":99999999999999999999}}",
        "{\"FileStatus\":{\"pathSuffix\":\"\",\"type\":\"FILE\",\"aclBit\":1}}",
        "[]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arena arena;
        struct error error = ERROR_NONE;
        struct hdfs_status status;
        arena_init(&arena);
        if (webhdfs_status_read(bad[i], strlen(bad[i]), "/f", &arena, &status, &error))
            fail_msg("accepted: %s", bad[i]);
        arena_fini(&arena);
    }
}

#define DIRECTORY(name, time)                                                                     \
    "{\"modificationTime\":" time ",\"pathSuffix\":\"" name "\",\"permission\":\"755\",\"type\":" \
    "\"DIRECTORY\"}"

static void test_snapshots(void **state)
{
    (void)state;
    static const char text[] =
        "{\"SnapshotList\":[{\"deletionStatus\":\"ACTIVE\",\"dirStatus\":" DIRECTORY(
            "s1", "1795") ",\"fullPath\":\"/s/d1/.snapshot/s1\",\"snapshotID\":0},"
                          "{\"deletionStatus\":\"DELETED\","
                          "\"dirStatus\":" DIRECTORY("gone",
                                                     "5") ",\"snapshotID\":1},{\"deletionStatus\":"
                                                          "\"ACTIVE\",\"dirStatus\":" DIRECTORY(
                                                              "s2", "1796") ",\"snapshotID\":12}]}";
    struct arena arena;
    struct error error = ERROR_NONE;
    struct hdfs_snapshots list;
    arena_init(&arena);
    assert_true(webhdfs_snapshots_read(text, strlen(text), "/s/d1", &arena, &list, &error));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.snapshots[0].name, "s1");
    assert_int_equal(list.snapshots[0].id, 0);
    assert_string_equal(list.snapshots[1].name, "s2");
    assert_int_equal(list.snapshots[1].id, 12);
    assert_int_equal(list.snapshots[1].mtime_ms, 1796);
    for (size_t size = 0; size < strlen(text); size++)
        assert_false(webhdfs_snapshots_read(text, size, "/s/d1", &arena, &list, &error));
    assert_true(webhdfs_snapshots_read("{\"SnapshotList\":[]}", 19, "/s", &arena, &list, &error));
    assert_int_equal(list.count, 0);
    assert_false(webhdfs_snapshots_read("{}", 2, "/s", &arena, &list, &error));
    arena_fini(&arena);
}

static void test_snapshottable_directories(void **state)
{
    (void)state;
    static const char text[] = "{\"SnapshottableDirectoryList\":[{\"dirStatus\":" DIRECTORY(
        "d1", "1") ",\"parentFullPath\":"
                   "\"/s\",\"snapshotNumber\":4,\"snapshotQuota\":65536},{\"dirStatus\":" DIRECTORY(
                       "x",
                       "1") ",\"parentFullPath\":\"/\",\"snapshotNumber\":0,\"snapshotQuota\":8}]}";
    struct arena arena;
    struct error error = ERROR_NONE;
    struct hdfs_snapshottables list;
    arena_init(&arena);
    assert_true(webhdfs_snapshottables_read(text, strlen(text), "list", &arena, &list, &error));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.directories[0].path, "/s/d1");
    assert_int_equal(list.directories[0].snapshots, 4);
    assert_int_equal(list.directories[0].quota, 65536);
    assert_string_equal(list.directories[1].path, "/x");
    static const char none[] = "{\"SnapshottableDirectoryList\":null}";
    assert_true(webhdfs_snapshottables_read(none, strlen(none), "list", &arena, &list, &error));
    assert_int_equal(list.count, 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_a_page),
        cmocka_unit_test(test_a_long_page),
        cmocka_unit_test(test_damaged_statuses),
        cmocka_unit_test(test_snapshots),
        cmocka_unit_test(test_snapshottable_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
