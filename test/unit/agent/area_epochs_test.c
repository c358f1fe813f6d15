/* area_epochs_test.c: the epochs of an area, read from its directories, and what may go. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "agent/area_epochs.h"
#include "agent/seal_file.h"
#include "base/json.h"

static struct call call;
static struct arena arena;
static struct error failure;

static int set_up(void **state)
{
    arena_init(&arena);
    failure = ERROR_NONE;
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

/* A directory of the service with these files; the content of each is what stands behind "=". */
static void make(const char *epoch, const char *files)
{
    bed_shell("d=$TOP/york/coeval/$SERVICE/%s; mkdir -p $d; cd $d; for f in %s; do "
              "case $f in *=*) echo ${f#*=} > ${f%%%%=*};; *) echo {} > $f;; esac; done",
              epoch, files);
}

static void collect(const struct area_epochs *bases)
{
    static const struct area_epochs none;
    if (!area_collect(home(), &call, BED_PAIR, BED_SERVICE, bases == NULL ? &none : bases,
                      &failure))
        fail_msg("%s", failure.text);
}

static bool is_there(const char *epoch)
{
    return bed_shell_says("test -d $TOP/york/coeval/$SERVICE/%s", epoch);
}

/* Seals that prove themselves. */
static const char *seal_of(const char *document)
{
    struct buffer text;
    json_t *seal;
    assert_true(json_parse(document, strlen(document), &seal, &failure));
    json_set_integer(seal, "schema", SEAL_SCHEMA);
    seal_sign(seal);
    buffer_init(&text, 0);
    json_print(seal, true, &text);
    const char *copy = arena_string(&arena, buffer_text(&text));
    buffer_fini(&text);
    json_decref(seal);
    return copy;
}

#define FULL seal_of("{\"members\":[]}")
#define CHILD_OF(parent) seal_of("{\"members\":[{\"manifest\":{\"parent\":\"" parent "\"}}]}")
#define ORDER_ON(number) \
    "{\"order\":{\"body\":{\"base\":{\"generation\":1,\"number\":" number "}}}}"

static void write(const char *epoch, const char *file, const char *content)
{
    bed_shell("mkdir -p $TOP/york/coeval/$SERVICE/%s && printf %%s '%s' > "
              "$TOP/york/coeval/$SERVICE/%s/%s",
              epoch, content, epoch, file);
    bed_shell("touch $TOP/york/coeval/$SERVICE/%s/manifest.m1", epoch);
}

/* ---- listing -------------------------------------------------------------------------------- */

static void test_an_area_without_the_service(void **state)
{
    struct area_epochs epochs;
    struct area_epoch newest;
    bool found = true;
    (void)state;
    assert_true(area_list_epochs(home(), &call, BED_PAIR, BED_SERVICE, &arena, &epochs, &failure));
    assert_int_equal(epochs.count, 0);
    assert_true(area_newest_seal(home(), &call, BED_PAIR, BED_SERVICE, INT64_MAX, &newest, &found,
                                 &failure));
    assert_false(found);
}

static void test_listing(void **state)
{
    struct area_epochs epochs;
    (void)state;
    make("g1.e10", "received.json phase.begun phase.m1.back");
    make("g1.e9", "seal.json phase.released");
    make("g2.e9", "seal.json phase.retired");
    make("g1.e2", "phase.back");
    make("other", "seal.json");
    make("g1.e0", "seal.json");
    make("g1.e3x", "seal.json");
    bed_shell("touch $TOP/york/coeval/$SERVICE/g1.e4");
    assert_true(area_list_epochs(home(), &call, BED_PAIR, BED_SERVICE, &arena, &epochs, &failure));
    assert_int_equal(epochs.count, 4);
    const struct area_epoch *list = epochs.list;
    assert_int_equal(list[0].number, 2);
    assert_false(list[0].back || list[0].sealed || list[0].begun || list[0].received);
    assert_true(list[1].number == 9 && list[1].generation == 1 && list[1].sealed);
    assert_true(list[1].released && !list[1].retired);
    assert_true(list[2].number == 9 && list[2].generation == 2 && list[2].retired);
    assert_true(list[3].number == 10 && list[3].received && list[3].begun && list[3].back);
}

static void test_newest_seal(void **state)
{
    struct area_epoch newest;
    bool found = false;
    (void)state;
    make("g1.e4", "seal.json");
    make("g1.e5", "seal.json");
    make("g1.e6", "seal.json phase.retired");
    make("g1.e7", "received.json");
    assert_true(area_newest_seal(home(), &call, BED_PAIR, BED_SERVICE, INT64_MAX, &newest, &found,
                                 &failure));
    assert_true(found && newest.number == 5);
}

static void test_listing_that_fails(void **state)
{
    struct area_epochs epochs;
    (void)state;
    make("g1.e4", "seal.json");
    spy_fail("list", "g1.e4", ERROR_DENIED, 1);
    assert_false(area_list_epochs(home(), &call, BED_PAIR, BED_SERVICE, &arena, &epochs, &failure));
    assert_int_equal(failure.code, ERROR_DENIED);
    failure = ERROR_NONE;
    spy_fail("list", "g1.e4", ERROR_NOT_FOUND, 1); /* it went in between */
    assert_true(area_list_epochs(home(), &call, BED_PAIR, BED_SERVICE, &arena, &epochs, &failure));
    assert_false(epochs.list[0].sealed);
}

/* ---- collecting ----------------------------------------------------------------------------- */

static void test_retired_ones_go(void **state)
{
    (void)state;
    make("g1.e1", "seal.json phase.retired");
    make("g1.e2", "seal.json phase.released");
    make("g1.e3", "seal.json");
    make("g1.e4", "received.json");
    collect(NULL);
    assert_false(is_there("g1.e1"));
    assert_true(is_there("g1.e2") && is_there("g1.e3") && is_there("g1.e4"));
}

static void test_a_chain_is_kept_whole(void **state)
{
    (void)state;
    make("g1.e1", "phase.retired");
    make("g1.e2", "phase.retired");
    make("g1.e3", "phase.retired");
    make("g2.e5", "phase.retired");
    write("g1.e1", "seal.json", FULL);
    write("g1.e2", "seal.json", CHILD_OF("g1.e1"));
    write("g1.e3", "seal.json", FULL); /* full: nothing leads here */
    write("g2.e5", "seal.json", CHILD_OF("g1.e2"));
    write("g1.e6", "seal.json", CHILD_OF("g2.e5"));
    collect(NULL);
    assert_true(is_there("g1.e1") && is_there("g1.e2") && is_there("g2.e5") && is_there("g1.e6"));
    assert_false(is_there("g1.e3"));
}

/* A's copies tell of chains, but the manifests lie on B. */
static void test_no_chain_without_manifests(void **state)
{
    (void)state;
    make("g1.e1", "seal.json phase.retired");
    write("g1.e2", "seal.json", CHILD_OF("g1.e1"));
    bed_shell("rm $TOP/york/coeval/$SERVICE/g1.e2/manifest.m1");
    collect(NULL);
    assert_false(is_there("g1.e1"));
}

/* Its seal's copy is lost, its manifest is not. */
static void test_a_parent_without_a_seal(void **state)
{
    (void)state;
    make("g1.e1", "phase.retired manifest.m1");
    write("g1.e2", "seal.json", CHILD_OF("g1.e1"));
    collect(NULL);
    assert_true(is_there("g1.e1"));
}

static void test_a_chain_that_bites_its_tail(void **state)
{
    (void)state;
    write("g1.e1", "seal.json", CHILD_OF("g1.e2"));
    write("g1.e2", "seal.json", CHILD_OF("g1.e1"));
    make("g1.e1", "phase.retired");
    collect(NULL);
    assert_true(is_there("g1.e1") && is_there("g1.e2"));
}

static void test_the_base_of_what_is_received(void **state)
{
    struct area_epochs bases;
    (void)state;
    make("g1.e1", "phase.retired");
    make("g1.e2", "phase.retired");
    make("g1.e3", "seal.json phase.retired");
    write("g1.e1", "seal.json", FULL);
    write("g1.e2", "seal.json", CHILD_OF("g1.e1"));
    write("g1.e5", "seal.json", FULL);
    write("g1.e5", "received.json", ORDER_ON("3")); /* sealed: it needs nothing any more */
    write("g1.e6", "received.json", ORDER_ON("2"));
    write("g1.e7", "received.json", "{\"order\":{\"body\":{\"base\":null}}}");
    assert_true(area_bases(home(), &call, BED_PAIR, BED_SERVICE, &arena, &bases, &failure));
    assert_int_equal(bases.count, 1);
    assert_true(area_epochs_have(&bases, 1, 2));
    assert_false(area_epochs_have(&bases, 1, 3) || area_epochs_have(&bases, 2, 2));
    collect(&bases);
    assert_true(is_there("g1.e1") && is_there("g1.e2"));
    assert_false(is_there("g1.e3"));
}

static void test_an_unreadable_order_is_no_licence(void **state)
{
    struct area_epochs bases;
    (void)state;
    make("g1.e6", "phase.x");
    write("g1.e6", "received.json", "{\"order\"");
    assert_false(area_bases(home(), &call, BED_PAIR, BED_SERVICE, &arena, &bases, &failure));
}

static void test_an_unreadable_seal_keeps_everything(void **state)
{
    static const char *const damaged[] = {
        "{\"members\"", "[]", "{\"members\":[],\"schema\":1}",
        "{\"members\":[],\"schema\":1,\"sha256\":\"00\"}",
        "{\"members\":[{\"manifest\":{\"parent\":\"g1.e1\"}}],\"schema\":2}"};
    (void)state;
    make("g1.e1", "phase.retired");
    write("g1.e1", "seal.json", FULL);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        write("g1.e2", "seal.json", damaged[i]);
        collect(NULL);
        assert_true(is_there("g1.e1"));
    }
    write("g1.e2", "seal.json", FULL);
    collect(NULL);
    assert_false(is_there("g1.e1"));
}

/* What the listing said is only believed of a store that has acknowledged a write since. */
static void test_nothing_goes_unconfirmed(void **state)
{
    static const struct area_epochs none;
    (void)state;
    make("g1.e1", "seal.json phase.retired");
    make("g1.e2", "seal.json phase.retired");
    spy_fail("confirm", "", ERROR_UNAVAILABLE, 1);
    assert_false(area_collect(home(), &call, BED_PAIR, BED_SERVICE, &none, &failure));
    assert_int_equal(failure.code, ERROR_UNAVAILABLE);
    assert_true(is_there("g1.e1") && is_there("g1.e2"));
    spy_forget();
    collect(NULL);
    assert_true(spy_place("confirm", "") < spy_place("remove", "g1.e1"));
    assert_int_equal(spy_place("confirm", ""), spy_last_place("confirm", ""));
    assert_false(is_there("g1.e1") || is_there("g1.e2"));
}

/* ---- staging -------------------------------------------------------------------------------- */

static void remove_staging_top(void)
{
    assert_true(area_remove_staging_top(home(), &call, "/data", &failure));
}

static void test_staging_of_another_service_stays(void **state)
{
    (void)state;
    bed_shell("mkdir -p $TOP/york/data");
    remove_staging_top(); /* nothing there */
    bed_shell("mkdir -p $TOP/york/data/.coeval/other");
    remove_staging_top();
    bed_shell("rmdir $TOP/york/data/.coeval/other");
    remove_staging_top();
    assert_true(bed_shell_says("! test -e $TOP/york/data/.coeval"));
    spy_fail("remove", "/data/.coeval", ERROR_DENIED, 1);
    assert_false(area_remove_staging_top(home(), &call, "/data", &failure));
    assert_int_equal(failure.code, ERROR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_an_area_without_the_service),
        T(test_listing),
        T(test_newest_seal),
        T(test_listing_that_fails),
        T(test_retired_ones_go),
        T(test_a_chain_is_kept_whole),
        T(test_no_chain_without_manifests),
        T(test_a_parent_without_a_seal),
        T(test_a_chain_that_bites_its_tail),
        T(test_the_base_of_what_is_received),
        T(test_an_unreadable_order_is_no_licence),
        T(test_an_unreadable_seal_keeps_everything),
        T(test_nothing_goes_unconfirmed),
        T(test_staging_of_another_service_stays),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
