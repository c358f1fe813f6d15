/* difference_file_test.c: a difference comes back from a store as it was given, or not at all. */
#include "agent_bed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/difference_file.h"
#include "base/buffer.h"

#define PATH "/data/difference.m1"

static struct call call;
static struct error failure;
static char file_path[128];

static int set_up(void **state)
{
    int result = bed_set_up(state);
    failure = ERROR_NONE;
    snprintf(file_path, sizeof file_path, "%s/lyon%s", bed.top, PATH);
    return result;
}

static struct store_ref home(void)
{
    return bed.stores[LYON].ref;
}

static struct difference_writer *begin(void)
{
    struct difference_writer *writer;
    if (!difference_writer_new(home(), &call, PATH, &writer, &failure))
        fail_msg("%s", failure.text);
    return writer;
}

static void write_all(const struct difference *list, size_t count)
{
    struct difference_writer *writer = begin();
    for (size_t i = 0; i < count; i++)
        assert_true(difference_writer_add(writer, &list[i], &failure));
    assert_true(difference_writer_commit(writer, &failure));
}

/* What was read, as text; stop: fails at that record. */
struct heard {
    struct buffer text;
    size_t count, stop;
};

static bool hear(void *context, const struct difference *difference, struct error *error)
{
    struct heard *heard = context;
    if (heard->stop != 0 && heard->count + 1 == heard->stop)
        return error_set(error, ERROR_DENIED, "enough");
    heard->count++;
    buffer_append_format(&heard->text, "%c[%s]", difference->kind, difference->path);
    if (difference->target != NULL)
        buffer_append_format(&heard->text, "[%s]", difference->target);
    return true;
}

static bool read_back(struct heard *heard)
{
    size_t stop = heard->stop;
    buffer_fini(&heard->text);
    *heard = (struct heard){.stop = stop};
    buffer_init(&heard->text, 0);
    return difference_file_read(home(), &call, PATH, hear, heard, &failure);
}

static const struct difference some[] = {
    {DIFFERENCE_CREATE, "a/b", NULL},
    {DIFFERENCE_DELETE, "gone", NULL},
    {DIFFERENCE_RENAME, "from here", "to/there"},
    {DIFFERENCE_MODIFY, "", NULL},
    {DIFFERENCE_MODIFY, "line\nand \xff byte", NULL},
};

/* ---- there and back ------------------------------------------------------------------------- */

static void test_every_kind(void **state)
{
    struct heard heard = {.count = 0};
    (void)state;
    write_all(some, 5);
    assert_true(read_back(&heard));
    assert_string_equal(buffer_text(&heard.text),
                        "C[a/b]D[gone]R[from here][to/there]M[]M[line\nand \xff byte]");
    buffer_fini(&heard.text);
    assert_true(bed_shell_says("! test -e $TOP/lyon" PATH ".new"));
}

static void test_no_difference(void **state)
{
    struct heard heard = {.count = 0};
    (void)state;
    write_all(NULL, 0);
    assert_true(read_back(&heard));
    assert_int_equal(heard.count, 0);
}

/* Many blocks, and records that are as long as paths can be. */
static void test_more_than_a_block(void **state)
{
    struct heard heard = {.count = 0};
    struct difference_writer *writer = begin();
    char path[8001], name[32];
    (void)state;
    for (size_t i = 0; i < sizeof path - 1; i++)
        path[i] = i % 2 == 0 ? 'x' : '/';
    path[7999] = '\0';
    for (int i = 0; i < 100; i++)
        assert_true(difference_writer_add(
            writer, &(struct difference){DIFFERENCE_RENAME, path, path}, &failure));
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "file%d", i);
        assert_true(difference_writer_add(
            writer, &(struct difference){DIFFERENCE_CREATE, name, NULL}, &failure));
    }
    assert_true(difference_writer_commit(writer, &failure));
    assert_true(read_back(&heard));
    assert_int_equal(heard.count, 20100);
    buffer_fini(&heard.text);
}

static void test_the_newer_one_counts(void **state)
{
    struct heard heard = {.count = 0};
    (void)state;
    bed_shell("echo rest > $TOP/lyon" PATH ".new"); /* of a crash */
    write_all(some, 5);
    write_all(some, 1);
    assert_true(read_back(&heard));
    assert_string_equal(buffer_text(&heard.text), "C[a/b]");
    buffer_fini(&heard.text);
}

static void test_a_listener_that_stops(void **state)
{
    struct heard heard = {.stop = 3};
    (void)state;
    write_all(some, 5);
    assert_false(read_back(&heard));
    assert_int_equal(failure.code, ERROR_DENIED);
    assert_int_equal(heard.count, 2);
    buffer_fini(&heard.text);
}

/* ---- what a store refuses ------------------------------------------------------------------- */

static void test_it_is_not_there(void **state)
{
    struct heard heard = {.count = 0};
    (void)state;
    assert_false(read_back(&heard));
    assert_int_equal(failure.code, ERROR_NOT_FOUND);
}

static void test_given_up(void **state)
{
    struct heard heard = {.count = 0};
    (void)state;
    write_all(some, 1);
    struct difference_writer *writer = begin();
    assert_true(difference_writer_add(writer, &some[1], &failure));
    difference_writer_abort(writer);
    assert_true(read_back(&heard));
    assert_string_equal(buffer_text(&heard.text), "C[a/b]");
    buffer_fini(&heard.text);
    assert_true(bed_shell_says("! test -e $TOP/lyon" PATH ".new"));
}

static void test_writes_that_fail(void **state)
{
    static const struct {
        const char *operation, *part;
    } faults[] = {{"remove", ".new"}, {"write_open", ".new"}, {"write", ""}, {"rename", PATH}};
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct difference_writer *writer;
        failure = ERROR_NONE;
        spy_fail(faults[i].operation, faults[i].part, ERROR_NO_SPACE, 1);
        bool done = difference_writer_new(home(), &call, PATH, &writer, &failure) &&
                    difference_writer_commit(writer, &failure);
        assert_false(done);
        assert_int_equal(failure.code, ERROR_NO_SPACE);
        assert_true(bed_shell_says("! test -e $TOP/lyon" PATH));
    }
}

/* The head is written; the blocks, the end and the digest are not. */
static void test_a_write_that_fails_at_the_end(void **state)
{
    (void)state;
    for (unsigned fault = 0; fault < 5; fault++) {
        struct difference_writer *writer = begin();
        failure = ERROR_NONE;
        assert_true(difference_writer_add(writer, &some[0], &failure));
        spy_forget();
        spy_fail("write", "", ERROR_NO_SPACE, 1);
        assert_false(difference_writer_commit(writer, &failure));
        assert_int_equal(failure.code, ERROR_NO_SPACE);
        assert_true(bed_shell_says("! test -e $TOP/lyon" PATH));
    }
}

/* ---- damage --------------------------------------------------------------------------------- */

static size_t load(uint8_t *bytes, size_t size)
{
    int fd = open(file_path, O_RDONLY);
    ssize_t got = read(fd, bytes, size);
    close(fd);
    assert_true(got > 0 && (size_t)got < size);
    return (size_t)got;
}

static void store(const uint8_t *bytes, size_t size)
{
    int fd = open(file_path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void test_every_flipped_bit_is_found(void **state)
{
    struct heard heard = {.count = 0};
    uint8_t bytes[4096];
    (void)state;
    write_all(some, 5);
    size_t size = load(bytes, sizeof bytes);
    for (size_t i = 0; i < size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        store(bytes, size);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        failure = ERROR_NONE;
        assert_false(read_back(&heard));
        assert_true(failure.code == ERROR_CORRUPT || failure.code == ERROR_LIMIT);
    }
    buffer_fini(&heard.text);
}

static void test_every_cut_is_found(void **state)
{
    struct heard heard = {.count = 0};
    uint8_t bytes[4096];
    (void)state;
    write_all(some, 5);
    size_t size = load(bytes, sizeof bytes);
    for (size_t i = 0; i < size; i++) {
        store(bytes, i);
        failure = ERROR_NONE;
        assert_false(read_back(&heard));
        assert_int_equal(failure.code, ERROR_CORRUPT);
    }
    store(bytes, size);
    assert_true(read_back(&heard));
    buffer_fini(&heard.text);
}

/* Whole and true to its digest, but nothing that a store may have told. */
static void test_what_no_store_tells(void **state)
{
    static const struct difference bad[] = {
        {DIFFERENCE_CREATE, "../up", NULL},       {DIFFERENCE_CREATE, "/top", NULL},
        {DIFFERENCE_DELETE, "a//b", NULL},        {DIFFERENCE_MODIFY, "a/", NULL},
        {DIFFERENCE_RENAME, "a", "../../etc/up"}, {DIFFERENCE_RENAME, "a", "b/./c"},
        {(enum difference_kind)'X', "a", NULL},   {(enum difference_kind)0, "a", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct heard heard = {.count = 0};
        failure = ERROR_NONE;
        write_all(&bad[i], 1);
        if (read_back(&heard))
            fail_msg("%s", buffer_text(&heard.text));
        assert_int_equal(failure.code, ERROR_CORRUPT);
        assert_int_equal(heard.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, bed_tear_down)
        T(test_every_kind),
        T(test_no_difference),
        T(test_more_than_a_block),
        T(test_the_newer_one_counts),
        T(test_a_listener_that_stops),
        T(test_it_is_not_there),
        T(test_given_up),
        T(test_writes_that_fail),
        T(test_a_write_that_fails_at_the_end),
        T(test_every_flipped_bit_is_found),
        T(test_every_cut_is_found),
        T(test_what_no_store_tells),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
