/* source_listing_test.c: what is pulled through is noted, and read back as a manifest. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "agent/manifest_file.h"
#include "agent/source_listing.h"
#include "agent/tree_stream.h"

#define DIRECTORY BED_AREA "/p/s/g1.e1"

static struct intake intake;
static struct error failure;
static struct manifest_state counts;
static const struct member member = {.id = "m1"};

static int set_up(void **state)
{
    int result = bed_set_up(state);
    failure = ERROR_NONE;
    intake =
        (struct intake){.member = &member, .home_b = bed.stores[YORK].ref, .directory = DIRECTORY};
    arena_init(&intake.arena);
    bed_shell("mkdir -p $TOP/york" DIRECTORY " && cd $TOP/lyon/data && mkdir d && echo 1 > d/f && "
              "ln -s d l");
    return result;
}

static int tear_down(void **state)
{
    arena_fini(&intake.arena);
    return bed_tear_down(state);
}

static struct tree_stream *source(void)
{
    struct call call = {.wait_ms = 0};
    struct tree_options options = {.described = true};
    return tree_stream_new(bed.stores[LYON].ref, &call, "/data", &options);
}

static bool kept(void)
{
    return bed_shell_says("test -e $TOP/york" DIRECTORY "/manifest.m1.source");
}

/* To the end, or to the first failure. */
static bool pull(struct source_listing *listing, size_t *ret_count)
{
    const struct entry *entry = NULL;
    bool done;
    *ret_count = 0;
    while ((done = source_listing_next(listing, &entry, &failure)) && entry != NULL)
        ++*ret_count;
    return done;
}

static struct source_listing *begin(struct tree_stream *tree)
{
    struct source_listing *listing;
    struct listing entries = {tree_stream_next, tree};
    if (!source_listing_new(&intake, &entries, &listing, &failure))
        fail_msg("%s", failure.text);
    return listing;
}

static void test_what_went_by_is_kept(void **state)
{
    struct manifest_view *view;
    const struct entry *entry;
    size_t count;
    char text[128] = "";
    (void)state;
    struct tree_stream *tree = source();
    struct source_listing *listing = begin(tree);
    assert_true(pull(listing, &count));
    assert_int_equal(count, 4);
    assert_false(kept());
    assert_true(source_listing_end(listing, true, &counts, &failure));
    tree_stream_free(tree);
    assert_true(kept());
    const char *name = source_listing_member(&intake.arena, "m1");
    assert_string_equal(name, "m1.source");
    assert_true(manifest_view_open(intake.home_b, &intake.call, DIRECTORY, name, &view, &failure));
    while (manifest_view_next(view, &entry, &failure) && entry != NULL)
        snprintf(text + strlen(text), sizeof text - strlen(text), "[%s]", entry->path);
    manifest_view_close(view);
    assert_string_equal(text, "[][d][d/f][l]");
}

static void test_given_up(void **state)
{
    size_t count;
    (void)state;
    struct tree_stream *tree = source();
    struct source_listing *listing = begin(tree);
    assert_true(pull(listing, &count));
    assert_false(source_listing_end(listing, false, &counts, &failure));
    tree_stream_free(tree);
    assert_false(kept());
}

static void test_a_source_that_fails(void **state)
{
    size_t count;
    (void)state;
    struct tree_stream *tree = source();
    struct source_listing *listing = begin(tree);
    spy_fail("describe", "/data/d/f", ERROR_UNAVAILABLE, 1);
    assert_false(pull(listing, &count));
    assert_int_equal(failure.code, ERROR_UNAVAILABLE);
    assert_false(source_listing_end(listing, false, &counts, &failure));
    assert_int_equal(failure.code, ERROR_UNAVAILABLE); /* the cause is still told */
    tree_stream_free(tree);
    assert_false(kept());
}

static void test_an_area_that_refuses(void **state)
{
    static const char *const operations[] = {"write_open", "write", "rename"};
    (void)state;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        struct source_listing *listing;
        size_t count;
        struct tree_stream *tree = source();
        struct listing entries = {tree_stream_next, tree};
        failure = ERROR_NONE;
        spy_fail(operations[i], "", ERROR_NO_SPACE, 1);
        bool begun = source_listing_new(&intake, &entries, &listing, &failure);
        bool pulled = begun && pull(listing, &count);
        bool ended = begun && source_listing_end(listing, pulled, &counts, &failure);
        assert_false(ended);
        assert_int_equal(failure.code, ERROR_NO_SPACE);
        tree_stream_free(tree);
        assert_false(kept());
    }
}

static void test_an_empty_source(void **state)
{
    size_t count;
    (void)state;
    bed_shell("rm -r $TOP/lyon/data");
    struct tree_stream *tree = source();
    struct source_listing *listing = begin(tree);
    assert_true(pull(listing, &count));
    assert_int_equal(count, 0);
    assert_true(source_listing_end(listing, true, &counts, &failure));
    tree_stream_free(tree);
    assert_true(kept());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_what_went_by_is_kept), T(test_given_up),        T(test_a_source_that_fails),
        T(test_an_area_that_refuses), T(test_an_empty_source),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
