/* ops_snapshot_cases.c: the contract of hdfs_ops.h: snapshots, one and many, and differences. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "component/hdfs/report_merge.h"
#include "ops_contract.h"

static size_t snapshots(struct hdfs_snapshots *ret_list)
{
    done(bed.ops->snapshots(ASK, bed.own, &bed.arena, ret_list, TOLD));
    return ret_list->count;
}

static const struct hdfs_snapshottable *find_root(const char *path)
{
    struct hdfs_snapshottables list;
    done(bed.ops->snapshottables(ASK, &bed.arena, &list, TOLD));
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.directories[i].path, path) == 0)
            return &list.directories[i];
    return NULL;
}

static void drop(const char *root, const char *name)
{
    done(bed.ops->snapshot_remove(DO, root, name, TOLD));
}

static void test_snapshots(void **state)
{
    (void)state;
    struct hdfs_snapshots list;
    const char *root = bed.own;
    assert_null(find_root(root));
    refused(ERROR_CONFLICT, "SnapshotException", bed.ops->snapshot_create(DO, root, "s1", TOLD));
    done(bed.ops->allow_snapshots(DO, root, TOLD));
    done(bed.ops->allow_snapshots(DO, root, TOLD)); /* twice is as once */
    assert_true(ops_look("").snapshottable);
    assert_int_equal(snapshots(&list), 0);
    done(bed.ops->snapshot_create(DO, root, "s1", TOLD));
    done(bed.ops->snapshot_create(DO, root, "s2", TOLD));
    refused(ERROR_EXISTS, "SnapshotException", bed.ops->snapshot_create(DO, root, "s1", TOLD));
    assert_int_equal(snapshots(&list), 2);
    assert_int_not_equal(list.snapshots[0].id, list.snapshots[1].id);
    assert_true(list.snapshots[0].mtime_ms > 0);
    assert_int_equal(find_root(root)->snapshots, 2);
    refused(ERROR_CONFLICT, "SnapshotException", bed.ops->disallow_snapshots(DO, root, TOLD));
    drop(root, "s1");
    refused(ERROR_NOT_FOUND, "SnapshotException", bed.ops->snapshot_remove(DO, root, "s1", TOLD));
    drop(root, "s2");
    done(bed.ops->disallow_snapshots(DO, root, TOLD));
    assert_false(ops_look("").snapshottable);
}

/* --- many at once ------------------------------------------------------------------------------
 */

#define ROOTS 3

struct volley_bed {
    struct moment_root roots[ROOTS];
    struct hdfs_mutation mutations[ROOTS];
    struct hdfs_volley *volley;
    unsigned node;
};

static bool aim(struct volley_bed *many, const char *snapshot)
{
    static const char *const names[ROOTS] = {"a", "b", "c"};
    for (size_t i = 0; i < ROOTS; i++) {
        many->roots[i] = (struct moment_root){.root = ops_at(names[i]), .snapshot = snapshot};
        many->mutations[i] = *ops_effect();
    }
    return bed.ops->snapshot_many_prepare(ASK, many->roots, many->mutations, ROOTS, &many->volley,
                                          &many->node, TOLD);
}

static void test_many_snapshots(void **state)
{
    (void)state;
    struct volley_bed many = {.volley = NULL};
    unsigned active;
    for (const char *name = "abc"; *name != '\0'; name++)
        done(bed.ops->mkdirs(DO, ops_at((char[]){*name, '\0'}), 0755, NULL, TOLD));
    assert_false(aim(&many, "m1"));
    assert_int_equal(bed.error.code, ERROR_CONFLICT);
    bed.error = ERROR_NONE;
    for (size_t i = 0; i < ROOTS; i++)
        done(bed.ops->allow_snapshots(DO, many.roots[i].root, TOLD));
    done(bed.ops->find_active(ASK, &active, TOLD));
    done(aim(&many, "m1"));
    assert_int_equal(many.node, active);
    bed.ops->snapshot_many_fire(many.volley);
    for (size_t i = 0; i < ROOTS; i++) {
        assert_true(many.roots[i].fired);
        assert_true(many.roots[i].sent_ns < many.roots[i].answered_ns);
        assert_int_equal(bed.ops->snapshot_many_outcome(many.volley, i, TOLD), HDFS_SHOT_DONE);
    }
    bed.ops->snapshot_many_free(many.volley);
    done(aim(&many, "m1")); /* the name is used: a refusal is told for each root */
    bed.ops->snapshot_many_fire(many.volley);
    for (size_t i = 0; i < ROOTS; i++) {
        assert_int_equal(bed.ops->snapshot_many_outcome(many.volley, i, TOLD), HDFS_SHOT_REFUSED);
        refused(ERROR_EXISTS, "SnapshotException", false);
        drop(many.roots[i].root, "m1");
        done(bed.ops->disallow_snapshots(DO, many.roots[i].root, TOLD));
    }
    bed.ops->snapshot_many_free(many.volley);
    bed.ops->snapshot_many_free(NULL);
}

/* --- differences -------------------------------------------------------------------------------
 */

struct lines {
    char text[32][64];
    size_t count;
};

static bool collect(void *context, const struct difference *difference, struct error *error)
{
    struct lines *lines = context;
    (void)error;
    CHECK(lines->count < ARRAY_LENGTH(lines->text));
    snprintf(lines->text[lines->count++], sizeof lines->text[0], "%c %s%s%s",
             (char)difference->kind, difference->path, difference->target != NULL ? " -> " : "",
             difference->target != NULL ? difference->target : "");
    return true;
}

static void check_lines(struct lines *lines)
{
    static const char *const expected[] = {"C n1",   "C n2", "C n3",      "C n4",
                                           "D gone", "M ",   "M changed", "R old -> new"};
    qsort(lines->text, lines->count, sizeof lines->text[0],
          (int (*)(const void *, const void *))strcmp);
    assert_int_equal(lines->count, ARRAY_LENGTH(expected));
    for (size_t i = 0; i < lines->count; i++)
        assert_string_equal(lines->text[i], expected[i]);
}

static void collect_pages(const char *from, const char *to, struct lines *lines)
{
    struct report_merge merge;
    bool last = false;
    report_merge_init(&merge, collect, lines);
    while (!last) {
        struct hdfs_row_page page;
        done(bed.ops->difference_page(ASK, bed.own, from, to, merge.last_path, merge.last_index,
                                      &bed.arena, &page, TOLD));
        done(report_merge_page(&merge, &page, bed.own, &last, &bed.error));
    }
    done(report_merge_end(&merge, &bed.error));
    report_merge_fini(&merge);
}

static void change_much(void)
{
    bool removed;
    struct hdfs_attribute mode = {.kind = HDFS_MODE, .mode = 0600};
    done(bed.ops->remove(DO, ops_at("gone"), false, &removed, TOLD));
    done(bed.ops->rename(DO, ops_at("old"), ops_at("new"), false, TOLD));
    done(bed.ops->set_attribute(DO, ops_at("changed"), &mode, TOLD));
    for (const char *digit = "1234"; *digit != '\0'; digit++)
        done(bed.ops->mkdirs(DO, ops_at((char[]){'n', *digit, '\0'}), 0755, NULL, TOLD));
}

static void test_differences(void **state)
{
    (void)state;
    struct lines whole = {.count = 0}, live = {.count = 0}, pages = {.count = 0};
    struct hdfs_row_page page;
    ops_put("gone", "x");
    ops_put("old", "y");
    ops_put("changed", "z");
    done(bed.ops->allow_snapshots(DO, bed.own, TOLD));
    done(bed.ops->snapshot_create(DO, bed.own, "s1", TOLD));
    change_much();
    done(bed.ops->difference(ASK, bed.own, "s1", "", collect, &live, TOLD));
    done(bed.ops->snapshot_create(DO, bed.own, "s2", TOLD));
    done(bed.ops->difference(ASK, bed.own, "s1", "s2", collect, &whole, TOLD));
    check_lines(&whole);
    check_lines(&live);
    if (bed.ops->difference_page(ASK, bed.own, "s1", "s2", "", -1, &bed.arena, &page, TOLD)) {
        collect_pages("s1", "s2", &pages);
        check_lines(&pages);
    } else { /* before Hadoop 3.4 */
        assert_true(bed.problem.unknown_operation);
        bed.error = ERROR_NONE;
    }
    refused(ERROR_NOT_FOUND, "SnapshotException",
            bed.ops->difference(ASK, bed.own, "s1", "s3", collect, &whole, TOLD));
    drop(bed.own, "s1");
    drop(bed.own, "s2");
    done(bed.ops->disallow_snapshots(DO, bed.own, TOLD));
}

const struct CMUnitTest ops_snapshot_cases[] = {cmocka_unit_test(test_snapshots),
                                                cmocka_unit_test(test_many_snapshots),
                                                cmocka_unit_test(test_differences),
                                                {NULL, NULL, NULL, NULL, NULL}};
