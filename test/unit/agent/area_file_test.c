/* area_file_test.c: larger files of an area, in pieces; documents, names and markers are in
 * area_test.c. */
#include "agent_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/area_file.h"
#include "base/buffer.h"

#define PATH "/data/file"

static struct call call;
static struct error failure;

static int set_up(void **state)
{
    failure = ERROR_NONE;
    return bed_set_up(state);
}

static struct store_ref home(void)
{
    return bed.stores[LYON].ref;
}

static struct area_file_writer *begin(void)
{
    struct area_file_writer *writer;
    if (!area_file_new(home(), &call, PATH, &writer, &failure))
        fail_msg("%s", failure.text);
    return writer;
}

static void write_text(const char *text)
{
    struct area_file_writer *writer = begin();
    assert_true(area_file_sink(writer, text, strlen(text), &failure));
    assert_true(area_file_commit(writer, &failure));
}

static bool is_there(const char *what)
{
    return bed_shell_says("test -e $TOP/lyon%s", what);
}

struct taken {
    struct buffer bytes;
    size_t pieces, pieces_max;
};

static bool take(void *context, const void *data, size_t size, struct error *error)
{
    struct taken *taken = context;
    if (taken->pieces == taken->pieces_max)
        return error_set(error, ERROR_DENIED, "enough");
    taken->pieces++;
    buffer_append(&taken->bytes, data, size);
    return true;
}

static struct taken read_back(bool expected)
{
    struct taken taken = {.pieces_max = SIZE_MAX};
    buffer_init(&taken.bytes, 0);
    assert_int_equal(area_file_read(home(), &call, PATH, take, &taken, &failure), expected);
    return taken;
}

static void expect_text(const char *text)
{
    struct taken taken = read_back(true);
    assert_string_equal(buffer_text(&taken.bytes), text);
    buffer_fini(&taken.bytes);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_there_and_back(void **state)
{
    (void)state;
    struct area_file_writer *writer = begin();
    assert_true(area_file_sink(writer, "one ", 4, &failure));
    assert_true(area_file_sink(writer, "two", 3, &failure));
    assert_true(area_file_sink(writer, "", 0, &failure));
    assert_false(is_there(PATH)); /* not before it is whole */
    assert_true(area_file_commit(writer, &failure));
    expect_text("one two");
    assert_false(is_there(PATH ".new"));
    write_text("");
    expect_text("");
}

static void test_small_records_go_out_together(void **state)
{
    struct area_file_writer *writer = begin();
    char record[1000];
    (void)state;
    memset(record, 'r', sizeof record);
    spy_forget();
    for (int i = 0; i < 1000; i++)
        assert_true(area_file_sink(writer, record, sizeof record, &failure));
    assert_true(area_file_commit(writer, &failure));
    size_t writes = 0;
    for (const char *at = spy_trace(); (at = strstr(at, "write \n")) != NULL; at++)
        writes++;
    assert_true(writes >= 3 && writes <= 5); /* a quarter of a MiB each */
    struct taken taken = read_back(true);
    assert_int_equal(taken.bytes.size, 1000000);
    assert_true(taken.pieces > 1);
    buffer_fini(&taken.bytes);
}

static void test_the_old_one_stays_until_then(void **state)
{
    (void)state;
    write_text("old");
    struct area_file_writer *writer = begin();
    assert_true(area_file_sink(writer, "new", 3, &failure));
    area_file_abort(writer);
    expect_text("old");
    assert_false(is_there(PATH ".new"));
    bed_shell("echo rest > $TOP/lyon" PATH ".new"); /* of a crash */
    write_text("new");
    expect_text("new");
}

static void test_what_the_store_refuses(void **state)
{
    static const char *const operations[] = {"remove", "write_open", "write", "rename"};
    (void)state;
    write_text("old");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        struct area_file_writer *writer;
        failure = ERROR_NONE;
        spy_fail(operations[i], "", ERROR_NO_SPACE, 1);
        bool begun = area_file_new(home(), &call, PATH, &writer, &failure);
        bool done = begun && area_file_sink(writer, "new", 3, &failure);
        if (done)
            done = area_file_commit(writer, &failure);
        assert_false(done);
        assert_int_equal(failure.code, ERROR_NO_SPACE);
        failure = ERROR_NONE;
        expect_text("old");
    }
}

static void test_a_full_piece_that_fails(void **state)
{
    char *bytes = calloc(1, 1 << 20);
    (void)state;
    struct area_file_writer *writer = begin();
    spy_fail("write", "", ERROR_NO_SPACE, 1);
    assert_false(area_file_sink(writer, bytes, 1 << 20, &failure));
    assert_int_equal(failure.code, ERROR_NO_SPACE);
    area_file_abort(writer);
    assert_false(is_there(PATH) || is_there(PATH ".new"));
    free(bytes);
}

static void test_reading_what_is_not_there(void **state)
{
    char byte;
    (void)state;
    struct taken taken = read_back(false);
    assert_int_equal(failure.code, ERROR_NOT_FOUND);
    buffer_fini(&taken.bytes);
    assert_false(area_file_read_at(home(), &call, PATH, 0, &byte, 1, &failure));
    assert_int_equal(failure.code, ERROR_NOT_FOUND);
}

static void test_a_reader_that_stops(void **state)
{
    struct taken taken = {.pieces_max = 0};
    (void)state;
    write_text("text");
    assert_false(area_file_read(home(), &call, PATH, take, &taken, &failure));
    assert_int_equal(failure.code, ERROR_DENIED);
}

static void test_a_part_of_it(void **state)
{
    char bytes[8] = {0};
    (void)state;
    write_text("0123456789");
    assert_true(area_file_read_at(home(), &call, PATH, 3, bytes, 4, &failure));
    assert_string_equal(bytes, "3456");
    assert_true(area_file_read_at(home(), &call, PATH, 10, bytes, 0, &failure));
    assert_true(area_file_read_at(home(), &call, PATH, 9, bytes, 1, &failure));
    assert_int_equal(bytes[0], '9');
    assert_false(area_file_read_at(home(), &call, PATH, 9, bytes, 2, &failure));
    assert_int_equal(failure.code, ERROR_CORRUPT);
}

/* ---- receipts ------------------------------------------------------------------------------- */

static bool count_record(void *context, const struct receipt_record *record, struct error *error)
{
    (void)record;
    (void)error;
    ++*(int *)context;
    return true;
}

static bool read_receipt(int *ret_count)
{
    struct receipt_reader reader;
    *ret_count = 0;
    receipt_reader_init(&reader, count_record, ret_count);
    bool whole = receipt_file_read(home(), &call, PATH, &reader, &failure);
    receipt_reader_fini(&reader);
    return whole;
}

static void test_a_receipt_must_be_whole(void **state)
{
    struct receipt_writer receipt;
    struct digest digest;
    int count;
    (void)state;
    struct area_file_writer *writer = begin();
    assert_true(receipt_writer_begin(&receipt, area_file_sink, writer, &failure));
    for (uint32_t step = 0; step < 3; step++)
        assert_true(receipt_writer_add(
            &receipt,
            &(struct receipt_record){
                .step = step,
                .inside = "f",
                .entry = {.path = "", .type = ENTRY_FILE, .owner = "o", .group = "g"},
                .checksum = ""},
            &failure));
    assert_true(receipt_writer_end(&receipt, &digest, &failure));
    receipt_writer_fini(&receipt);
    assert_true(area_file_commit(writer, &failure));
    assert_true(read_receipt(&count));
    assert_int_equal(count, 3);
    bed_shell("truncate -s -1 $TOP/lyon" PATH);
    assert_false(read_receipt(&count));
    assert_int_equal(failure.code, ERROR_CORRUPT);
    failure = ERROR_NONE;
    bed_shell("rm $TOP/lyon" PATH);
    assert_false(read_receipt(&count));
    assert_int_equal(failure.code, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, bed_tear_down)
        T(test_there_and_back),
        T(test_small_records_go_out_together),
        T(test_the_old_one_stays_until_then),
        T(test_what_the_store_refuses),
        T(test_a_full_piece_that_fails),
        T(test_reading_what_is_not_there),
        T(test_a_reader_that_stops),
        T(test_a_part_of_it),
        T(test_a_receipt_must_be_whole),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
