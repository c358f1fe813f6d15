/* ops_tree_cases.c: the contract of hdfs_ops.h: servers, names, changes, attributes, content. */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "ops_contract.h"

static void test_servers(void **state)
{
    (void)state;
    unsigned node = 7, active;
    bed.ops->forget_looks(bed.session);
    assert_true(bed.ops->looked_at(ASK, &node));
    assert_int_equal(node, HDFS_NODE_ANY);
    done(bed.ops->find_active(ASK, &active, TOLD));
    assert_true(active < bed.ops->node_count(bed.session));
    assert_true(bed.ops->looked_at(ASK, &node));
    assert_int_equal(node, active);
    struct call another = bed.call;
    another.scope++;
    assert_true(bed.ops->looked_at(bed.session, &another, &node));
    assert_int_equal(node, HDFS_NODE_ANY);
    done(bed.ops->probe(ASK, active, TOLD));
    assert_true(strlen(bed.ops->node_name(bed.session, active)) > 0);
    assert_true(strlen(bed.ops->user(bed.session)) > 0);
}

static void test_the_cluster(void **state)
{
    (void)state;
    const char *version;
    struct hdfs_identity identity;
    struct hdfs_capacity capacity;
    struct hdfs_clock clock;
    unsigned node;
    bool freezes;
    bed.ops->forget_looks(bed.session);
    done(bed.ops->version(ASK, &bed.arena, &version, TOLD));
    assert_true(version[0] >= '2' && version[1] == '.');
    done(bed.ops->identity(ASK, &bed.arena, &identity, TOLD));
    assert_true(identity.cluster_id[0] != '\0' && identity.block_pool_id[0] != '\0');
    assert_true(bed.ops->looked_at(ASK, &node));
    assert_int_equal(node, HDFS_NODE_ANY); /* these are no reads that confirm() is about */
    done(bed.ops->capacity(ASK, &capacity, TOLD));
    assert_true(capacity.replication >= 1 && capacity.remaining_bytes > 0);
    done(bed.ops->clock(ASK, &clock, TOLD));
    assert_true(clock.uncertainty_us > 0);
    done(bed.ops->find_active(ASK, &node, TOLD));
    done(bed.ops->freezes_open_files(ASK, node, &freezes, TOLD));
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    struct hdfs_status status;
    struct hdfs_page page;
    struct hdfs_summary summary;
    struct hdfs_reader *reader;
    char checksum[96];
    bool value;
    static const char missing[] = "FileNotFoundException";
    const char *path = ops_at("none");
    refused(ERROR_NOT_FOUND, missing, bed.ops->status(ASK, path, &bed.arena, &status, TOLD));
    assert_int_equal(bed.problem.refusal, HDFS_FINAL);
    refused(ERROR_NOT_FOUND, missing, bed.ops->list_page(ASK, path, "", &bed.arena, &page, TOLD));
    refused(ERROR_NOT_FOUND, missing, bed.ops->summary(ASK, path, &summary, TOLD));
    refused(ERROR_NOT_FOUND, missing, bed.ops->is_open(ASK, path, &value, TOLD));
    refused(ERROR_NOT_FOUND, missing, bed.ops->checksum(ASK, path, checksum, TOLD));
    refused(ERROR_NOT_FOUND, missing, bed.ops->read_open(ASK, path, 0, &reader, TOLD));
    refused(ERROR_NOT_FOUND, missing, bed.ops->rename(DO, path, ops_at("to"), false, TOLD));
    done(bed.ops->remove(DO, path, false, &value, TOLD));
    assert_false(value);
}

static void test_directories(void **state)
{
    (void)state;
    bool made = false;
    done(bed.ops->mkdirs(DO, ops_at("a/b/c"), 0700, &made, TOLD));
    assert_true(made);
    made = false;
    done(bed.ops->mkdirs(DO, ops_at("a/b/c"), 0700, &made, TOLD)); /* content with it */
    assert_true(made);
    done(bed.ops->mkdirs(DO, ops_at("a/b/d"), 0700, NULL, TOLD));
    struct hdfs_status status = ops_look("a/b/c");
    assert_int_equal(status.entry.type, ENTRY_DIRECTORY);
    assert_int_equal(status.entry.mode, 0700);
    assert_string_equal(status.entry.path, "");
    ops_put("f", "x");
    refused(ERROR_EXISTS, "FileAlreadyExistsException",
            bed.ops->mkdirs(DO, ops_at("f"), 0700, &made, TOLD));
}

static void test_listings_come_in_signed_order(void **state)
{
    (void)state;
    static const char *const names[] = {"\xc3\xa9", "Z\xc3\xbc", "Za", "a", "b", "c", "d"};
    struct hdfs_page page = {.remaining = 1};
    const char *after = "";
    size_t count = 0;
    for (size_t i = ARRAY_LENGTH(names); i-- > 0;)
        done(bed.ops->mkdirs(DO, ops_at(names[i]), 0700, NULL, TOLD));
    while (page.remaining > 0) {
        done(bed.ops->list_page(ASK, bed.own, after, &bed.arena, &page, TOLD));
        assert_true(page.count > 0 || page.remaining == 0);
        for (size_t i = 0; i < page.count; i++, count++) {
            assert_true(count < ARRAY_LENGTH(names));
            assert_string_equal(page.statuses[i].entry.path, names[count]);
            after = names[count];
        }
        assert_int_equal(page.remaining, ARRAY_LENGTH(names) - count);
    }
    done(bed.ops->list_page(ASK, bed.own, "c", &bed.arena, &page, TOLD));
    assert_int_equal(page.count, 1);
    assert_string_equal(page.statuses[0].entry.path, "d");
    ops_put("f", "x");
    done(bed.ops->list_page(ASK, ops_at("f"), "", &bed.arena, &page, TOLD));
    assert_int_equal(page.count, 1);
    assert_string_equal(page.statuses[0].entry.path, "");
    assert_int_equal(page.statuses[0].entry.type, ENTRY_FILE);
}

static void test_renames(void **state)
{
    (void)state;
    ops_put("f", "one");
    ops_put("g", "two");
    done(bed.ops->mkdirs(DO, ops_at("d/e"), 0700, NULL, TOLD));
    refused(ERROR_EXISTS, "FileAlreadyExistsException",
            bed.ops->rename(DO, ops_at("f"), ops_at("g"), false, TOLD));
    refused(ERROR_EXISTS, "IOException",
            bed.ops->rename(DO, ops_at("f"), ops_at("d"), false, TOLD)); /* never into it */
    assert_false(ops_is_there("d/f"));
    done(bed.ops->rename(DO, ops_at("f"), ops_at("g"), true, TOLD));
    assert_string_equal(ops_get("g", 0), "one");
    done(bed.ops->rename(DO, ops_at("d"), ops_at("h"), false, TOLD));
    assert_true(ops_is_there("h/e") && !ops_is_there("d") && !ops_is_there("f"));
}

static void test_removals(void **state)
{
    (void)state;
    bool removed = false;
    done(bed.ops->mkdirs(DO, ops_at("d/e"), 0700, NULL, TOLD));
    refused(ERROR_EXISTS, "PathIsNotEmptyDirectoryException",
            bed.ops->remove(DO, ops_at("d"), false, &removed, TOLD));
    done(bed.ops->remove(DO, ops_at("d"), true, &removed, TOLD));
    assert_true(removed && !ops_is_there("d"));
}

/* --- attributes --------------------------------------------------------------------------------
 */

static void set(const char *name, struct hdfs_attribute attribute)
{
    done(bed.ops->set_attribute(DO, ops_at(name), &attribute, TOLD));
}

static void test_attributes(void **state)
{
    (void)state;
    const char *policy;
    ops_put("f", "x");
    done(bed.ops->mkdirs(DO, ops_at("d"), 0755, NULL, TOLD));
    set("f", (struct hdfs_attribute){.kind = HDFS_MODE, .mode = 0640});
    set("f", (struct hdfs_attribute){.kind = HDFS_OWNER, .owner = bed.owner, .group = bed.group});
    set("f", (struct hdfs_attribute){.kind = HDFS_REPLICATION, .replication = 2});
    set("f", (struct hdfs_attribute){.kind = HDFS_MTIME, .mtime_ms = 1234567});
    struct hdfs_status status = ops_look("f");
    assert_int_equal(status.entry.mode, 0640);
    assert_string_equal(status.entry.owner, bed.owner);
    assert_string_equal(status.entry.group, bed.group);
    assert_int_equal(status.entry.replication, 2);
    assert_int_equal(status.mtime_ms, 1234567);
    set("d", (struct hdfs_attribute){.kind = HDFS_POLICY, .policy = "COLD"});
    assert_int_not_equal(ops_look("d").policy_id, 0);
    done(bed.ops->policy(ASK, ops_at("d"), &bed.arena, &policy, TOLD));
    assert_string_equal(policy, "COLD");
    set("d", (struct hdfs_attribute){.kind = HDFS_POLICY});
    assert_int_equal(ops_look("d").policy_id, 0);
}

static void test_acls(void **state)
{
    (void)state;
    const char *acl;
    static const char access[] = "group::rwx,user:bob:rwx";
    static const char both[] = "default:group::r-x,default:mask::r-x,default:other::---,"
                               "default:user::rwx,default:user:bob:r-x,group::rwx,user:bob:rwx";
    struct hdfs_attribute bad = {.kind = HDFS_ACL, .acl = "user:bob:rwx", .mode = 0770};
    done(bed.ops->mkdirs(DO, ops_at("d"), 0770, NULL, TOLD));
    set("d", (struct hdfs_attribute){.kind = HDFS_ACL, .acl = both, .mode = 0770});
    assert_true(ops_look("d").entry.has_acl);
    done(bed.ops->acl(ASK, ops_at("d"), &bed.arena, &acl, TOLD));
    assert_string_equal(acl, both);
    refused(ERROR_INVALID, "", bed.ops->set_attribute(DO, ops_at("d"), &bad, TOLD));
    set("d", (struct hdfs_attribute){.kind = HDFS_NO_DEFAULT_ACL});
    done(bed.ops->acl(ASK, ops_at("d"), &bed.arena, &acl, TOLD));
    assert_string_equal(acl, access);
    set("d", (struct hdfs_attribute){.kind = HDFS_NO_ACL});
    assert_false(ops_look("d").entry.has_acl);
}

static void check_xattr(const void *value, size_t size)
{
    struct entry_xattr *xattrs;
    size_t count;
    done(bed.ops->xattrs(ASK, ops_at("d"), &bed.arena, &xattrs, &count, TOLD));
    assert_int_equal(count, value != NULL);
    if (value == NULL)
        return;
    assert_string_equal(xattrs[0].name, "user.colour");
    assert_int_equal(xattrs[0].size, size);
    assert_memory_equal(xattrs[0].value, value, size);
}

static void test_xattrs(void **state)
{
    (void)state;
    struct hdfs_attribute xattr = {.kind = HDFS_XATTR, .xattr = {"user.colour", "r\0d", 3}};
    done(bed.ops->mkdirs(DO, ops_at("d"), 0700, NULL, TOLD));
    check_xattr(NULL, 0);
    set("d", xattr);
    check_xattr("r\0d", 3);
    xattr.replace = true;
    xattr.xattr.value = "blue";
    xattr.xattr.size = 4;
    set("d", xattr);
    check_xattr("blue", 4);
    set("d", (struct hdfs_attribute){.kind = HDFS_NO_XATTR, .xattr = {.name = "user.colour"}});
    check_xattr(NULL, 0);
}

/* --- content -----------------------------------------------------------------------------------
 */

static void test_files(void **state)
{
    (void)state;
    bool open;
    char first[96], second[96];
    struct hdfs_summary summary;
    ops_put("f", "some text");
    ops_put("g", "some text");
    assert_string_equal(ops_get("f", 0), "some text");
    assert_string_equal(ops_get("f", 5), "text");
    assert_string_equal(ops_get("f", 9), ""); /* at the end */
    assert_int_equal(ops_look("f").entry.length, 9);
    done(bed.ops->is_open(ASK, ops_at("f"), &open, TOLD));
    assert_false(open);
    done(bed.ops->checksum(ASK, ops_at("f"), first, TOLD));
    done(bed.ops->checksum(ASK, ops_at("g"), second, TOLD));
    assert_string_equal(first, second);
    done(bed.ops->summary(ASK, bed.own, &summary, TOLD));
    assert_int_equal(summary.files, 2);
    assert_int_equal(summary.name_quota, -1);
    refused(ERROR_EXISTS, "FileAlreadyExistsException", ops_write("f", "other"));
    assert_string_equal(ops_get("f", 0), "some text");
    refused(ERROR_NOT_FOUND, "FileNotFoundException", ops_write("none/f", "x"));
    assert_false(ops_is_there("none")); /* parents are not made */
}

static void test_what_is_given_up_is_not_there(void **state)
{
    (void)state;
    struct hdfs_writer *writer;
    struct hdfs_create create = {.path = ops_at("f"), .mode = 0644};
    unsigned active, node;
    done(bed.ops->find_active(ASK, &active, TOLD));
    done(bed.ops->write_open(DO, &create, &writer, TOLD));
    done(bed.ops->write(writer, "half", 4, TOLD));
    done(bed.ops->write_close(writer, false, TOLD));
    assert_true(bed.ops->looked_at(ASK, &node)); /* the removal has forgotten no read */
    assert_int_equal(node, active);
    assert_false(ops_is_there("f"));
}

static void copy(bool same_kind)
{
    struct copy_result result;
    struct hdfs_status source = ops_look("f");
    struct copy_order order = {.source_component = bed.component,
                               .source = bed.store,
                               .source_path = ops_at("f"),
                               .target_path = ops_at(same_kind ? "g" : "h"),
                               .entry = &source.entry};
    struct hdfs_create create = {.path = order.target_path, .mode = 0600};
    struct hdfs_copy copy = {.order = &order};
    if (same_kind) {
        copy.source_ops = bed.ops;
        copy.source = bed.session;
    }
    done(bed.ops->copy_file(DO, &create, &copy, &result, TOLD));
    assert_int_equal(result.length, 9);
    assert_int_equal(result.crc32c, crc32c(0, "some text", 9));
    refused(ERROR_EXISTS, "FileAlreadyExistsException",
            bed.ops->copy_file(DO, &create, &copy, &result, TOLD));
}

static void test_copies(void **state)
{
    (void)state;
    ops_put("f", "some text");
    copy(true);
    copy(false);
    assert_string_equal(ops_get("g", 0), "some text");
    assert_string_equal(ops_get("h", 0), "some text");
    assert_int_equal(ops_look("g").entry.mode, 0600);
}

/* --- limits of a call --------------------------------------------------------------------------
 */

static void test_a_call_that_may_not_go_on(void **state)
{
    (void)state;
    atomic_bool abort = true;
    struct hdfs_status status;
    bed.call.abort = &abort;
    refused(ERROR_CANCELED, "", bed.ops->status(ASK, bed.own, &bed.arena, &status, TOLD));
    refused(ERROR_CANCELED, "", bed.ops->mkdirs(DO, ops_at("d"), 0700, NULL, TOLD));
    bed.call.abort = NULL;
    bed.call.deadline_ns = clock_monotonic_ns() - 1;
    refused(ERROR_TIMEOUT, "", bed.ops->mkdirs(DO, ops_at("d"), 0700, NULL, TOLD));
    bed.call.deadline_ns = 0;
    assert_false(ops_is_there("d"));
    atomic_store(&bed.counters.operations, 0);
    done(bed.ops->status(ASK, bed.own, &bed.arena, &status, TOLD));
    assert_int_equal(atomic_load(&bed.counters.operations), 1);
}

static void test_a_change_at_one_server(void **state)
{
    (void)state;
    struct hdfs_mutation mutation = *ops_effect();
    struct hdfs_attribute time = {.kind = HDFS_MTIME, .mtime_ms = 5000};
    done(bed.ops->find_active(ASK, &mutation.node, TOLD));
    done(bed.ops->set_attribute(ASK, &mutation, bed.own, &time, TOLD));
    assert_int_equal(ops_look("").mtime_ms, 5000);
}

const struct CMUnitTest ops_tree_cases[] = {cmocka_unit_test(test_servers),
                                            cmocka_unit_test(test_the_cluster),
                                            cmocka_unit_test(test_what_is_not_there),
                                            cmocka_unit_test(test_directories),
                                            cmocka_unit_test(test_listings_come_in_signed_order),
                                            cmocka_unit_test(test_renames),
                                            cmocka_unit_test(test_removals),
                                            cmocka_unit_test(test_attributes),
                                            cmocka_unit_test(test_acls),
                                            cmocka_unit_test(test_xattrs),
                                            cmocka_unit_test(test_files),
                                            cmocka_unit_test(test_what_is_given_up_is_not_there),
                                            cmocka_unit_test(test_copies),
                                            cmocka_unit_test(test_a_call_that_may_not_go_on),
                                            cmocka_unit_test(test_a_change_at_one_server),
                                            {NULL, NULL, NULL, NULL, NULL}};
