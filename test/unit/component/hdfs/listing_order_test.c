/* listing_order_test.c: byte order out of a NameNode's order, with little held back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/random.h"
#include "component/hdfs/listing_order.h"

/* As a real NameNode 3.4.3 listed them. */
static const char *const namenode_order[] = {"é", "ëx", "图片", "图1", "😀", "Zürich", "Zug",
                                             "a", "aé", "ab",   "b",   "~", "\x7f"};

struct seen {
    char names[512][32];
    size_t count, stop_at;
};

static bool see(void *context, const struct entry *entry, struct error *error)
{
    struct seen *seen = context;
    if (seen->count == seen->stop_at)
        return error_set(error, ERROR_CANCELED, "enough");
    snprintf(seen->names[seen->count++], sizeof seen->names[0], "%s", entry->path);
    return true;
}

static struct entry named(const char *name)
{
    return (struct entry){.path = name, .type = ENTRY_FILE, .owner = "o", .group = "g"};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_signed_bytes(const void *a, const void *b)
{
    return listing_compare_signed(*(const char *const *)a, *(const char *const *)b);
}

static void expect_sorted(const char *const *names, size_t count, bool after_ascii)
{
    struct listing_order order;
    struct error error = ERROR_NONE;
    struct seen seen = {.stop_at = SIZE_MAX};
    const char *sorted[512];
    listing_order_init(&order, see, &seen);
    order.after_ascii = after_ascii;
    for (size_t i = 0; i < count; i++) {
        struct entry entry = named(names[i]);
        assert_true(listing_order_add(&order, &entry, &error));
        sorted[i] = names[i];
    }
    assert_true(listing_order_end(&order, &error));
    qsort(sorted, count, sizeof *sorted, by_bytes);
    assert_int_equal(seen.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(seen.names[i], sorted[i]);
    assert_int_equal(order.held_bytes, 0);
    listing_order_fini(&order);
}

static void test_as_a_namenode_lists(void **state)
{
    (void)state;
    for (size_t i = 1; i < ARRAY_LENGTH(namenode_order); i++)
        assert_true(listing_compare_signed(namenode_order[i - 1], namenode_order[i]) < 0);
    expect_sorted(namenode_order, ARRAY_LENGTH(namenode_order), false);
    expect_sorted(namenode_order, 5, true); /* those beyond ASCII alone */
    expect_sorted(namenode_order, 0, false);
}

static void test_any_names(void **state)
{
    (void)state;
    static const char *const letters[] = {"a", "b", "Z", "\xc3\xa9", "\xe5\x9b\xbe", "\x01", "~"};
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 2000; round++) {
        char text[40][32];
        const char *names[40];
        bool beyond = round % 2 == 1;
        size_t wanted = 1 + random_below(&random, 40), count = 0;
        for (size_t i = 0; i < wanted; i++) {
            strcpy(text[count], beyond ? letters[3 + random_below(&random, 2)] : "");
            size_t length = random_below(&random, 4) + !beyond;
            for (size_t j = 0; j < length; j++)
                strcat(text[count], letters[random_below(&random, ARRAY_LENGTH(letters))]);
            bool twice = false;
            for (size_t j = 0; j < count; j++)
                twice = twice || strcmp(text[j], text[count]) == 0;
            names[count] = text[count];
            count += !twice;
        }
        qsort(names, count, sizeof *names, by_signed_bytes);
        expect_sorted(names, count, beyond);
    }
}

static void test_plain_names_are_never_held(void **state)
{
    (void)state;
    struct listing_order order;
    struct error error = ERROR_NONE;
    struct seen seen = {.stop_at = SIZE_MAX};
    listing_order_init(&order, see, &seen);
    struct entry a = named("a"), held = named("b\xc3\xa9"), b = named("bz"), c = named("c");
    assert_true(listing_order_add(&order, &a, &error));
    assert_int_equal(seen.count, 1);
    assert_true(listing_order_add(&order, &held, &error));
    assert_int_equal(seen.count, 1); /* "bz" may follow, and does */
    assert_true(listing_order_add(&order, &b, &error));
    assert_int_equal(seen.count, 2);
    assert_true(listing_order_add(&order, &c, &error)); /* now nothing below "bé" can come */
    assert_int_equal(seen.count, 4);
    listing_order_fini(&order);
}

static void test_too_much_to_hold(void **state)
{
    (void)state;
    struct listing_order order;
    struct error error = ERROR_NONE;
    struct seen seen = {.stop_at = SIZE_MAX};
    bool done = true;
    listing_order_init(&order, see, &seen);
    order.held_bytes_max = 4096;
    for (int i = 0; done && i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "\xc3\xa9%03d", i);
        struct entry entry = named(name);
        done = listing_order_add(&order, &entry, &error);
    }
    assert_false(done);
    assert_int_equal(error.code, ERROR_LIMIT);
    listing_order_fini(&order);
}

static void test_the_listener_stops(void **state)
{
    (void)state;
    for (size_t stop_at = 0; stop_at < ARRAY_LENGTH(namenode_order); stop_at++) {
        struct listing_order order;
        struct error error = ERROR_NONE;
        struct seen seen = {.stop_at = stop_at};
        bool done = true;
        listing_order_init(&order, see, &seen);
        for (size_t i = 0; done && i < ARRAY_LENGTH(namenode_order); i++) {
            struct entry entry = named(namenode_order[i]);
            done = listing_order_add(&order, &entry, &error);
        }
        done = done && listing_order_end(&order, &error);
        assert_false(done);
        assert_int_equal(error.code, ERROR_CANCELED);
        assert_int_equal(seen.count, stop_at);
        listing_order_fini(&order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_a_namenode_lists),        cmocka_unit_test(test_any_names),
        cmocka_unit_test(test_plain_names_are_never_held), cmocka_unit_test(test_too_much_to_hold),
        cmocka_unit_test(test_the_listener_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
