/* hdfs_mutation_test.c: each intended effect has an id of its own, and one whose outcome is not
 * known is logged with it. Over a table that does nothing but listen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "child.h"
#include "component/hdfs/hdfs_store.h"

static struct {
    uint64_t ids[16];
    size_t count;
    enum error_code code; /* of each answer; OK: done */
} heard;

static bool hear(const struct hdfs_mutation *mutation, struct error *error)
{
    CHECK(heard.count < ARRAY_LENGTH(heard.ids));
    heard.ids[heard.count++] = mutation->id;
    return heard.code == ERROR_OK || error_set(error, heard.code, "no answer");
}

static bool status(HDFS_ASK, const char *path, struct arena *arena, struct hdfs_status *ret_status,
                   HDFS_TOLD)
{
    (void)session, (void)call, (void)arena, (void)problem;
    if (strcmp(path, "/a/new") == 0)
        return error_set(error, ERROR_NOT_FOUND, "nothing there");
    *ret_status = (struct hdfs_status){
        .entry = {.path = "", .type = ENTRY_DIRECTORY, .mode = 0700, .owner = "o", .group = "g"}};
    return true;
}

static bool mkdirs(HDFS_DO, const char *path, uint32_t mode, bool *ret_made, HDFS_TOLD)
{
    (void)session, (void)call, (void)path, (void)mode, (void)problem;
    *ret_made = true;
    return hear(mutation, error);
}

static bool rename_one(HDFS_DO, const char *from, const char *to, bool replace, HDFS_TOLD)
{
    (void)session, (void)call, (void)from, (void)to, (void)replace, (void)problem;
    return hear(mutation, error);
}

static bool remove_one(HDFS_DO, const char *path, bool recursive, bool *ret_removed, HDFS_TOLD)
{
    (void)session, (void)call, (void)path, (void)recursive, (void)problem;
    *ret_removed = true;
    return hear(mutation, error);
}

static bool set_attribute(HDFS_DO, const char *path, const struct hdfs_attribute *attribute,
                          HDFS_TOLD)
{
    (void)session, (void)call, (void)path, (void)attribute, (void)problem;
    return hear(mutation, error);
}

static const struct hdfs_ops listening = {.name = "listening",
                                          .status = status,
                                          .mkdirs = mkdirs,
                                          .rename = rename_one,
                                          .remove = remove_one,
                                          .set_attribute = set_attribute};

static struct store *start(struct store *store)
{
    static char cluster[] = "east", instance[] = "hdfs";
    *store = (struct store){.ops = &listening, .cluster = cluster, .instance = instance};
    heard.count = 0;
    heard.code = ERROR_OK;
    return store;
}

static void test_each_effect_has_its_own(void **state)
{
    (void)state;
    struct store room, *store = start(&room);
    struct call call = {.wait_ms = 0};
    struct error error = ERROR_NONE;
    struct entry wanted = {.mode = 0755, .owner = "p", .group = "g", .mtime_ns = 5000000};
    assert_true(hdfs_make_directory(store, &call, "/a/new", 0700, &error));
    assert_true(hdfs_rename(store, &call, "/a/b", "/a/c", false, &error));
    assert_true(hdfs_rename(store, &call, "/a/b", "/a/c", false, &error)); /* meant once more */
    assert_true(hdfs_remove(store, &call, "/a/c", true, &error));
    assert_true(hdfs_set_attributes(store, &call, "/a", &wanted,
                                    ENTRY_OWNER | ENTRY_MODE | ENTRY_TIMES, &error));
    assert_int_equal(heard.count, 7);
    for (size_t i = 0; i < heard.count; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(heard.ids[i], heard.ids[j]);
}

static void test_ids_do_not_come_again_after_a_restart(void **state)
{
    (void)state;
    uint64_t ids[4];
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        struct store *store;
        struct error error = ERROR_NONE;
        json_t *options = json_pack("{s:[s],s:s}", "namenodes", "http://nn1:9870", "user", "me");
        struct store_config config = {"east", "hdfs", "/coeval", options};
        assert_true(hdfs_component.open(&config, &store, &error));
        ids[i] = hdfs_mutation(store).id;
        hdfs_component.close(store);
        json_decref(options);
        for (size_t j = 0; j < i; j++)
            assert_true(ids[i] - ids[j] > 1000000 && ids[j] - ids[i] > 1000000);
    }
}

static char output[4096];

static void lose_an_answer(void)
{
    struct store room, *store = start(&room);
    struct call call = {.wait_ms = 0};
    struct error error = ERROR_NONE;
    atomic_store(&store->mutations, 0xabc);
    heard.code = ERROR_DENIED;
    CHECK(!hdfs_remove(store, &call, "/a/denied", true, &error));
    heard.code = ERROR_UNCERTAIN;
    CHECK(!hdfs_rename(store, &call, "/a/b", "/a/c", false, &error));
    CHECK(error.code == ERROR_UNCERTAIN);
}

static void test_what_is_uncertain_is_logged(void **state)
{
    (void)state;
    assert_int_equal(child_run(lose_an_answer, output, sizeof output), 0);
    assert_non_null(strstr(output, "warning component hdfs.uncertain cluster=east instance=hdfs "
                                   "operation=rename path=\"/a/b\" id=0000000000000abe "
                                   "error=\"no answer\"\n"));
    assert_null(strstr(output, "denied"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_effect_has_its_own),
        cmocka_unit_test(test_ids_do_not_come_again_after_a_restart),
        cmocka_unit_test(test_what_is_uncertain_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
