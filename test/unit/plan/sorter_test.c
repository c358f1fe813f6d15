/* sorter_test.c: in memory, with runs, with more runs than one merge takes; stable; every callback
 * failing once; damaged runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/random.h"
#include "plan/sorter.h"

#define RUNS_MAX 4096

struct memory_runs {
    struct buffer runs[RUNS_MAX];
    bool exists[RUNS_MAX];
    size_t calls, fail_at;
    size_t alive, alive_max;
};

static struct memory_runs store; /* large: not on the stack */

static bool called(struct memory_runs *runs, struct error *error)
{
    if (++runs->calls == runs->fail_at)
        return error_set(error, ERROR_IO, "disk broke");
    return true;
}

static bool create(void *context, uint32_t run, struct error *error)
{
    struct memory_runs *runs = context;
    assert_true(run < RUNS_MAX && !runs->exists[run]);
    runs->exists[run] = true;
    runs->alive_max = ++runs->alive > runs->alive_max ? runs->alive : runs->alive_max;
    return called(runs, error);
}

static bool append(void *context, uint32_t run, const void *data, size_t size, struct error *error)
{
    struct memory_runs *runs = context;
    assert_true(runs->exists[run]);
    buffer_append(&runs->runs[run], data, size);
    return called(runs, error);
}

static bool read_run(void *context, uint32_t run, uint64_t offset, void *data, size_t size,
                     size_t *ret_size, struct error *error)
{
    struct memory_runs *runs = context;
    assert_true(runs->exists[run]);
    const struct buffer *buffer = &runs->runs[run];
    size_t left = buffer->size - (size_t)offset;
    *ret_size = left < size ? left : size;
    memcpy(data, buffer->data + offset, *ret_size);
    return called(runs, error);
}

static bool remove_run(void *context, uint32_t run, struct error *error)
{
    struct memory_runs *runs = context;
    assert_true(runs->exists[run]);
    buffer_fini(&runs->runs[run]);
    runs->exists[run] = false;
    runs->alive--;
    return called(runs, error);
}

static const struct sorter_runs callbacks = {&store, create, append, read_run, remove_run};

static void clear_store(size_t fail_at)
{
    for (size_t i = 0; i < RUNS_MAX; i++)
        buffer_fini(&store.runs[i]);
    memset(&store, 0, sizeof store);
    store.fail_at = fail_at;
}

static int compare(const struct sorter_key *a, const struct sorter_key *b)
{
    size_t least = a->size < b->size ? a->size : b->size;
    int order = memcmp(a->data, b->data, least);
    return order != 0 ? order : a->size < b->size ? -1 : a->size > b->size;
}

static struct sorter_options options = {compare, SORTER_MEMORY_MIN, &callbacks};

/* Adds count records with few keys; the value is the number of the record and padding. */
static bool add_many(struct sorter *sorter, size_t count, size_t padding, struct error *error)
{
    struct random random;
    char value[4096] = {0};
    random_init(&random, count);
    for (size_t i = 0; i < count; i++) {
        char key[32];
        int size = snprintf(key, sizeof key, "%u", (unsigned)random_below(&random, count / 3 + 1));
        snprintf(value, sizeof value, "%zu", i);
        struct sorter_record record = {{key, (size_t)size}, value, 16 + padding};
        if (!sorter_add(sorter, &record, error))
            return false;
    }
    return sorter_finish(sorter, error);
}

static bool drain(struct sorter *sorter, size_t *ret_count, struct error *error)
{
    char last_key[32] = "";
    size_t last_key_size = 0, last_value = 0;
    struct sorter_record record;
    for (*ret_count = 0;; ++*ret_count) {
        if (!sorter_next(sorter, &record, error))
            return false;
        if (record.key.data == NULL)
            return true;
        struct sorter_key last = {last_key, last_key_size};
        size_t value = strtoull(record.value, NULL, 10);
        int order = compare(&last, &record.key);
        assert_true(order < 0 || (order == 0 && (*ret_count == 0 || last_value < value)));
        memcpy(last_key, record.key.data, record.key.size);
        last_key_size = record.key.size;
        last_value = value;
    }
}

static void sort_many(size_t count, size_t padding, bool in_memory)
{
    struct error error = ERROR_NONE;
    size_t got = 0;
    clear_store(0);
    struct sorter *sorter = sorter_new(&options);
    assert_true(add_many(sorter, count, padding, &error));
    assert_true(drain(sorter, &got, &error));
    assert_int_equal(got, count);
    assert_int_equal(sorter_run_count(sorter) == 0, in_memory);
    sorter_free(sorter);
}

static void test_all_sizes(void **state)
{
    (void)state;
    sort_many(0, 0, true);
    sort_many(1, 0, true);
    sort_many(500, 0, true);
    sort_many(3000, 0, false);  /* a few runs */
    sort_many(60000, 0, false); /* more than one merge takes */
    sort_many(2000, 2000, false);
    options.memory_bytes = 8 * SORTER_MEMORY_MIN; /* merges of more than two runs */
    sort_many(20000, 100, false);
    options.memory_bytes = SORTER_MEMORY_MIN;
    sorter_free(NULL);
}

static void test_merged_runs_are_removed(void **state)
{
    (void)state;
    sort_many(5000, 1000, false);
    assert_true(store.alive <= 2); /* what the last merge reads */
    clear_store(0);
}

static void test_every_failure_comes_through(void **state)
{
    (void)state;
    size_t count = 600, got;
    struct error error = ERROR_NONE;
    clear_store(0);
    struct sorter *sorter = sorter_new(&options);
    assert_true(add_many(sorter, count, 400, &error) && drain(sorter, &got, &error));
    sorter_free(sorter);
    size_t calls = store.calls;
    assert_true(calls > 20);
    for (size_t fail_at = 1; fail_at <= calls; fail_at++) {
        error = ERROR_NONE;
        clear_store(fail_at);
        sorter = sorter_new(&options);
        assert_false(add_many(sorter, count, 400, &error) && drain(sorter, &got, &error));
        assert_int_equal(error.code, ERROR_IO);
        sorter_free(sorter);
    }
    clear_store(0);
}

static void test_damaged_runs_are_seen(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct error error = ERROR_NONE;
        clear_store(0);
        struct sorter *sorter = sorter_new(&options);
        struct sorter_record record = {{"k", 1}, "value", 5};
        for (size_t i = 0; sorter_run_count(sorter) == 0; i++)
            assert_true(sorter_add(sorter, &record, &error));
        if (kind == 0)
            buffer_truncate(&store.runs[0], store.runs[0].size - 3);
        else
            memset(store.runs[0].data + store.runs[0].size - 14, 0xff, 8);
        bool ok = sorter_finish(sorter, &error);
        while (ok && record.key.data != NULL)
            ok = sorter_next(sorter, &record, &error);
        assert_false(ok);
        assert_int_equal(error.code, ERROR_CORRUPT);
        sorter_free(sorter);
    }
    clear_store(0);
}

static void test_a_huge_record_is_refused(void **state)
{
    (void)state;
    static char value[SORTER_MEMORY_MIN];
    struct error error = ERROR_NONE;
    struct sorter *sorter = sorter_new(&options);
    struct sorter_record record = {{"k", 1}, value, sizeof value / 8};
    assert_false(sorter_add(sorter, &record, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    sorter_free(sorter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_sizes),
        cmocka_unit_test(test_merged_runs_are_removed),
        cmocka_unit_test(test_every_failure_comes_through),
        cmocka_unit_test(test_damaged_runs_are_seen),
        cmocka_unit_test(test_a_huge_record_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
