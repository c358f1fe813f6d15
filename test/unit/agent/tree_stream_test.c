/* tree_stream_test.c: a tree as a stream: order, what is left out, and what a store refuses. */
#include "agent_bed.h"

#include <stdio.h>
#include <string.h>

#include "agent/tree_stream.h"
#include "base/buffer.h"
#include "base/path.h"

static struct call call;
static struct error failure;

static int set_up(void **state)
{
    failure = ERROR_NONE;
    return bed_set_up(state);
}

static struct tree_stream *stream_of(const char *top, struct tree_options options)
{
    return tree_stream_new(bed.stores[LYON].ref, &call, top, &options);
}

/* "d:a f:a/b", or NULL: the stream failed. */
static const char *read_all(const char *top, struct tree_options options)
{
    static char text[4096];
    struct tree_stream *stream = stream_of(top, options);
    const struct entry *entry = NULL;
    bool done;
    text[0] = '\0';
    while ((done = tree_stream_next(stream, &entry, &failure)) && entry != NULL) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%c:%s", used == 0 ? "" : " ",
                 entry->type == ENTRY_FILE        ? 'f'
                 : entry->type == ENTRY_DIRECTORY ? 'd'
                                                  : 'l',
                 entry->path);
    }
    tree_stream_free(stream);
    return done ? text : NULL;
}

static const struct tree_options plain;

static void test_order(void **state)
{
    (void)state;
    bed_shell("cd $TOP/lyon/data && mkdir -p a/x 'a b' c && touch a/x/1 a/2 'a b/3' a.d b c/4 && "
              "ln -s b l");
    /* '/' sorts before every other byte, as in manifests */
    assert_string_equal(read_all("/data", plain),
                        "d: d:a f:a/2 d:a/x f:a/x/1 d:a b f:a b/3 f:a.d f:b d:c f:c/4 l:l");
}

static void test_nothing_there(void **state)
{
    (void)state;
    assert_string_equal(read_all("/none", plain), "");
    assert_string_equal(read_all("/data", plain), "d:");
    tree_stream_free(NULL);
}

static void test_the_top_is_a_file(void **state)
{
    (void)state;
    bed_shell("touch $TOP/lyon/data/f");
    assert_null(read_all("/data/f", plain));
    assert_int_equal(failure.code, ERROR_INVALID);
}

static void test_what_is_left_out(void **state)
{
    static const char *const patterns[] = {".Trash", "/tmp"};
    struct exclusions exclusions = {patterns, 2};
    (void)state;
    bed_shell("cd $TOP/lyon/data && mkdir -p .coeval/x d/.coeval d/.Trash/y tmp d/tmp && touch "
              "d/.Trash/f tmp/g d/tmp/h");
    assert_string_equal(read_all("/data", (struct tree_options){.skip_staging = true}),
                        "d: d:d d:d/.Trash f:d/.Trash/f d:d/.Trash/y d:d/.coeval d:d/tmp f:d/tmp/h "
                        "d:tmp f:tmp/g");
    assert_string_equal(
        read_all("/data", (struct tree_options){.exclusions = &exclusions, .skip_staging = true}),
        "d: d:d d:d/.coeval d:d/tmp f:d/tmp/h");
    assert_non_null(strstr(read_all("/data", plain), "d:.coeval/x"));
}

static void test_described_and_with_crc(void **state)
{
    struct tree_stream *stream =
        stream_of("/data", (struct tree_options){.described = true, .with_crc = true});
    const struct entry *entry;
    (void)state;
    bed_shell("cd $TOP/lyon/data && printf 123456789 > f && chmod 640 f");
    assert_true(tree_stream_next(stream, &entry, &failure));
    assert_int_equal(entry->type, ENTRY_DIRECTORY);
    assert_true(tree_stream_next(stream, &entry, &failure));
    assert_string_equal(entry->path, "f");
    assert_true(entry->crc_known && entry->crc32c == 0xe3069283);
    assert_int_equal(entry->length, 9);
    assert_int_equal(entry->mode, 0640);
    assert_true(tree_stream_next(stream, &entry, &failure));
    assert_null(entry);
    assert_true(tree_stream_next(stream, &entry, &failure)); /* and stays at its end */
    assert_null(entry);
    tree_stream_free(stream);
    assert_true(spy_place("describe", "/data/f") >= 0);
}

static void test_what_the_store_refuses(void **state)
{
    static const struct {
        const char *operation, *part;
    } faults[] = {{"stat", "/data"},     {"list", "/data"},       {"list", "/data/d"},
                  {"describe", "/data"}, {"describe", "/data/d"}, {"read_open", "/data/d/f"}};
    (void)state;
    bed_shell("cd $TOP/lyon/data && mkdir d && echo > d/f");
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        failure = ERROR_NONE;
        spy_fail(faults[i].operation, faults[i].part, ERROR_DENIED, 1);
        assert_null(read_all("/data", (struct tree_options){.described = true, .with_crc = true}));
        assert_int_equal(failure.code, ERROR_DENIED);
    }
}

/* Something goes between two calls: the tree is not frozen, and the reader must hear of it. */
static void test_a_directory_that_goes(void **state)
{
    (void)state;
    bed_shell("cd $TOP/lyon/data && mkdir d");
    spy_fail("list", "/data/d", ERROR_NOT_FOUND, 1);
    assert_null(read_all("/data", plain));
    assert_int_equal(failure.code, ERROR_NOT_FOUND);
}

static void test_depth_costs_little(void **state)
{
    struct tree_stream *stream = stream_of("/data", plain);
    const struct entry *entry;
    size_t depth = 0;
    (void)state;
    bed_shell("cd $TOP/lyon/data && p=. && for i in $(seq 300); do p=$p/d; done && mkdir -p $p");
    while (tree_stream_next(stream, &entry, &failure) && entry != NULL)
        depth = path_depth(entry->path);
    assert_int_equal(failure.code, ERROR_OK);
    assert_int_equal(depth, 300);
    tree_stream_free(stream);
}

/* Freed in the middle: nothing of the levels above is left. */
static void test_given_up_in_the_middle(void **state)
{
    struct tree_stream *stream = stream_of("/data", plain);
    const struct entry *entry;
    (void)state;
    bed_shell("cd $TOP/lyon/data && mkdir -p a/b/c && touch a/b/c/d");
    for (int i = 0; i < 4; i++)
        assert_true(tree_stream_next(stream, &entry, &failure));
    assert_string_equal(entry->path, "a/b/c");
    tree_stream_free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, bed_tear_down)
        T(test_order),
        T(test_nothing_there),
        T(test_the_top_is_a_file),
        T(test_what_is_left_out),
        T(test_described_and_with_crc),
        T(test_what_the_store_refuses),
        T(test_a_directory_that_goes),
        T(test_depth_costs_little),
        T(test_given_up_in_the_middle),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
