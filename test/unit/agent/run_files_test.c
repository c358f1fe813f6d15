/* run_files_test.c: runs come back as they were written, and leave nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/run_files.h"

static char directory[64];
static struct run_files *files;
static const struct sorter_runs *runs;
static struct error error;

static int set_up(void **state)
{
    (void)state;
    error = ERROR_NONE;
    snprintf(directory, sizeof directory, "/tmp/coeval-runs.XXXXXX");
    assert_non_null(mkdtemp(directory));
    files = run_files_new(directory);
    runs = run_files_runs(files);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run_files_free(files);
    return rmdir(directory); /* fails when anything was left */
}

static size_t read_at(uint32_t run, uint64_t offset, void *data, size_t size)
{
    size_t got = SIZE_MAX;
    assert_true(runs->read(runs->context, run, offset, data, size, &got, &error));
    return got;
}

static void test_what_was_written_comes_back(void **state)
{
    char data[16] = {0};
    (void)state;
    for (uint32_t run = 0; run < 3; run++) {
        assert_true(runs->create(runs->context, run, &error));
        assert_true(runs->append(runs->context, run, "abc", 3, &error));
    }
    assert_true(runs->append(runs->context, 1, "def", 3, &error));
    assert_int_equal(read_at(1, 0, data, sizeof data), 6);
    assert_memory_equal(data, "abcdef", 6);
    assert_int_equal(read_at(1, 2, data, 3), 3);
    assert_memory_equal(data, "cde", 3);
    assert_int_equal(read_at(2, 3, data, 1), 0);
    assert_int_equal(read_at(2, 1000, data, 1), 0);
    assert_true(runs->append(runs->context, 0, "", 0, &error));
}

static void test_nothing_is_seen_in_the_directory(void **state)
{
    (void)state;
    assert_true(runs->create(runs->context, 0, &error));
    assert_true(runs->append(runs->context, 0, "abc", 3, &error));
    DIR *listing = opendir(directory);
    size_t count = 0;
    while (readdir(listing) != NULL)
        count++;
    closedir(listing);
    assert_int_equal(count, 2); /* "." and ".." */
}

static void test_a_removed_run_takes_no_room(void **state)
{
    char byte;
    (void)state;
    assert_true(runs->create(runs->context, 0, &error));
    assert_true(runs->append(runs->context, 0, "abc", 3, &error));
    assert_true(runs->remove(runs->context, 0, &error));
    assert_int_equal(read_at(0, 0, &byte, 1), 0);
    assert_true(runs->create(runs->context, 1, &error));
}

static void test_a_directory_that_is_not_there(void **state)
{
    (void)state;
    struct run_files *other = run_files_new("/tmp/coeval-there-is-no-such");
    const struct sorter_runs *its = run_files_runs(other);
    assert_false(its->create(its->context, 0, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    run_files_free(other);
    run_files_free(NULL);
}

/* A full disk, as far as one process can have it. */
static void test_no_room(void **state)
{
    struct rlimit before, small;
    char *data = calloc(1, 1 << 20);
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 1000;
    assert_true(runs->create(runs->context, 0, &error));
    setrlimit(RLIMIT_FSIZE, &small);
    bool written = runs->append(runs->context, 0, data, 1 << 20, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    free(data);
    assert_false(written);
    assert_true(error.code != ERROR_OK);
}

static uint32_t number_of(const struct sorter_record *record)
{
    uint32_t number;
    memcpy(&number, record->key.data, sizeof number);
    return number;
}

static int by_number(const struct sorter_key *a, const struct sorter_key *b)
{
    return memcmp(a->data, b->data, a->size);
}

/* As the agent uses it: more than memory holds, sorted. */
static void test_sorting(void **state)
{
    static const char value[100];
    struct sorter_options options = {by_number, SORTER_MEMORY_MIN, runs};
    struct sorter *sorter = sorter_new(&options);
    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t number = __builtin_bswap32(i * 7919u % 10000u);
        struct sorter_record record = {{&number, sizeof number}, value, sizeof value};
        assert_true(sorter_add(sorter, &record, &error));
    }
    assert_true(sorter_finish(sorter, &error));
    assert_true(sorter_run_count(sorter) > 1);
    struct sorter_record record;
    for (uint32_t i = 0; i < 10000; i++) {
        assert_true(sorter_next(sorter, &record, &error));
        assert_int_equal(__builtin_bswap32(number_of(&record)), i);
    }
    assert_true(sorter_next(sorter, &record, &error));
    assert_null(record.key.data);
    sorter_free(sorter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_what_was_written_comes_back),
        T(test_nothing_is_seen_in_the_directory),
        T(test_a_removed_run_takes_no_room),
        T(test_a_directory_that_is_not_there),
        T(test_no_room),
        T(test_sorting),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
