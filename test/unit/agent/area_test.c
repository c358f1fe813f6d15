/* area_test.c: names of the area and back, markers, and documents with their limit. */
#include "agent_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/area.h"
#include "base/json.h"

static struct call call;
static struct arena arena;
static struct error failure;

static int set_up(void **state)
{
    failure = ERROR_NONE;
    arena_init(&arena);
    return bed_set_up(state);
}

static int tear_down(void **state)
{
    arena_fini(&arena);
    return bed_tear_down(state);
}

static struct store_ref home(void)
{
    return bed.stores[YORK].ref;
}

/* ---- names ---------------------------------------------------------------------------------- */

static void test_names_of_epochs(void **state)
{
    static const char *const bad[] = {"",       "g1",     "g1.e",   "g1.e0",
                                      "g-1.e1", "g1.e2x", "g1.e2/", "e1.g1"};
    int64_t generation, number;
    (void)state;
    assert_string_equal(area_epoch_name(&arena, 3, 42), "g3.e42");
    assert_true(area_parse_epoch_name("g3.e42", &generation, &number));
    assert_true(generation == 3 && number == 42);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (area_parse_epoch_name(bad[i], &generation, &number))
            fail_msg("%s", bad[i]);
    assert_string_equal(area_epoch(&arena, "/coeval", "p", "s", 1, 2), "/coeval/p/s/g1.e2");
}

static void test_names_of_snapshots(void **state)
{
    int64_t generation, number, attempt;
    (void)state;
    const char *name =
        area_snapshot_name(&arena, BED_PAIR, BED_SERVICE, 2, 30, 4, INT64_C(1795276800000000));
    assert_true(
        area_parse_snapshot_name(name, BED_PAIR, BED_SERVICE, &generation, &number, &attempt));
    assert_true(generation == 2 && number == 30 && attempt == 4);
    assert_null(strchr(name, ':')); /* HDFS takes none */
    assert_false(
        area_parse_snapshot_name(name, BED_SERVICE, BED_PAIR, &generation, &number, &attempt));
    assert_false(
        area_parse_snapshot_name("mine", BED_PAIR, BED_SERVICE, &generation, &number, &attempt));
    assert_string_equal(area_short_id(&arena, "abc"), "abc");
    assert_string_equal(area_short_id(&arena, "0123456789"), "01234567");
}

/* ---- markers -------------------------------------------------------------------------------- */

static void test_markers(void **state)
{
    bool marked = true;
    (void)state;
    assert_true(area_make(home(), &call, "/coeval/p/s/g1.e1", &failure));
    assert_true(bed_shell_says("test $(stat -c %%a $TOP/york/coeval/p/s/g1.e1) = 700"));
    assert_true(area_is_marked(home(), &call, "/coeval/p/s/g1.e1", "m1.placed", &marked, &failure));
    assert_false(marked);
    for (int i = 0; i < 2; i++)
        assert_true(area_mark(home(), &call, "/coeval/p/s/g1.e1", "m1.placed", &failure));
    assert_true(area_is_marked(home(), &call, "/coeval/p/s/g1.e1", "m1.placed", &marked, &failure));
    assert_true(marked);
    spy_fail("stat", "phase.m1.placed", ERROR_DENIED, 1);
    assert_false(
        area_is_marked(home(), &call, "/coeval/p/s/g1.e1", "m1.placed", &marked, &failure));
    assert_int_equal(failure.code, ERROR_DENIED);
    spy_fail("rename", "phase.x", ERROR_DENIED, 1);
    assert_false(area_mark(home(), &call, "/coeval/p/s/g1.e1", "x", &failure));
}

/* ---- documents ------------------------------------------------------------------------------ */

static json_t *document_of(size_t size)
{
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[size] = '\0';
    json_t *document = json_object();
    json_set_string(document, "text", text);
    free(text);
    return document;
}

static void test_documents(void **state)
{
    json_t *document = document_of(100), *back;
    (void)state;
    bed_shell("mkdir -p $TOP/york/data");
    assert_true(area_write_json(home(), &call, "/data/d.json", document, &failure));
    assert_true(area_read_json(home(), &call, "/data/d.json", &back, &failure));
    assert_true(json_equal(document, back));
    json_decref(document);
    json_decref(back);
    assert_false(area_read_json(home(), &call, "/data/none.json", &back, &failure));
    assert_int_equal(failure.code, ERROR_NOT_FOUND);
    bed_shell("echo '{' > $TOP/york/data/d.json");
    assert_false(area_read_json(home(), &call, "/data/d.json", &back, &failure));
}

/* The old one stays: half a document would be worse than none. */
static void test_a_document_beyond_its_limit(void **state)
{
    json_t *small = document_of(1), *large = document_of(JSON_DOCUMENT_BYTES_MAX), *back;
    (void)state;
    bed_shell("mkdir -p $TOP/york/data");
    assert_true(area_write_json(home(), &call, "/data/d.json", small, &failure));
    assert_false(area_write_json(home(), &call, "/data/d.json", large, &failure));
    assert_int_equal(failure.code, ERROR_LIMIT);
    failure = ERROR_NONE;
    assert_true(area_read_json(home(), &call, "/data/d.json", &back, &failure));
    assert_true(json_equal(small, back));
    json_decref(back);
    json_decref(small);
    json_decref(large);
    bed_shell("(printf '{\"text\": \"'; head -c 17000000 /dev/zero | tr '\\0' x; printf '\"}') > "
              "$TOP/york/data/d.json");
    assert_false(area_read_json(home(), &call, "/data/d.json", &back, &failure));
    assert_int_equal(failure.code, ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_names_of_epochs), T(test_names_of_snapshots),          T(test_markers),
        T(test_documents),       T(test_a_document_beyond_its_limit),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
