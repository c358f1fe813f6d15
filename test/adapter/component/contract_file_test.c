/* contract_file_test.c: readers, writers, whole files and copies. */
#include <string.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "contract_fixture.h"

#define LARGE ((size_t)3 << 20 | 12345)

static char large[LARGE];

static void fill_large(void)
{
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i * 2654435761U >> 13);
    memset(large + (1 << 20), 0, 1 << 19); /* a run of zeros, as sparse files have */
}

static void reader_gives_what_was_written(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct store_reader *reader = NULL;
    char data[8];
    size_t size = 99;
    put("f", "0123456789");
    ok(fixture.component->read_open(fixture.store, &fixture.call, at("f"), 7, &reader, &error));
    size_t total = 0;
    while (size > 0) {
        ok(fixture.component->read(reader, data + total, sizeof data - total, &size, &error));
        total += size;
    }
    fixture.component->read_close(reader);
    fixture.component->read_close(NULL);
    assert_int_equal(total, 3);
    assert_memory_equal(data, "789", 3);
    fails(ERROR_NOT_FOUND, fixture.component->read_open(fixture.store, &fixture.call, at("none"), 0,
                                                        &reader, &error));
    make("d");
    bool opened =
        fixture.component->read_open(fixture.store, &fixture.call, at("d"), 0, &reader, &error);
    assert_false(opened);
}

static void writer_shows_only_complete_files(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct store_writer *writer = NULL;
    ok(fixture.component->write_open(fixture.store, &fixture.call, at("gone"), 0644, &writer,
                                     &error));
    ok(fixture.component->write(writer, "half", 4, &error));
    ok(fixture.component->write_close(writer, false, &error));
    assert_false(is_there("gone"));
    put("f", "old");
    fails(ERROR_EXISTS, fixture.component->write_open(fixture.store, &fixture.call, at("f"), 0644,
                                                      &writer, &error));
    fails(ERROR_NOT_FOUND, fixture.component->write_open(fixture.store, &fixture.call, at("none/f"),
                                                         0644, &writer, &error));
    assert_string_equal(get("f"), "old");
    put("empty", "");
    assert_string_equal(get("empty"), "");
    assert_int_equal(look("empty").length, 0);
    ok(fixture.component->write_open(fixture.store, &fixture.call, at("mode"), 0610, &writer,
                                     &error));
    ok(fixture.component->write_close(writer, true, &error));
    assert_int_equal(look("mode").mode, 0610);
}

static void counters_count_bytes(void **state)
{
    (void)state;
    uint64_t read = atomic_load(&fixture.counters.bytes_read);
    uint64_t written = atomic_load(&fixture.counters.bytes_written);
    put("f", "0123456789");
    assert_true(atomic_load(&fixture.counters.bytes_written) >= written + 10);
    get("f");
    assert_true(atomic_load(&fixture.counters.bytes_read) >= read + 10);
}

static void small_files_are_replaced_at_once(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct buffer content;
    buffer_init(&content, 0);
    ok(store_write_file(fixture.ref, &fixture.call, at("marker"), "one", 3, &error));
    ok(store_write_file(fixture.ref, &fixture.call, at("marker"), "second", 6, &error));
    assert_string_equal(get("marker"), "second");
    put("left.new", "of a crash");
    ok(store_write_file(fixture.ref, &fixture.call, at("left"), "", 0, &error));
    assert_string_equal(get("left"), "");
    assert_false(is_there("left.new"));
    assert_false(is_there("marker.new"));
    ok(store_read_file(fixture.ref, &fixture.call, at("marker"), 6, &content, &error));
    assert_int_equal(content.size, 6);
    fails(ERROR_LIMIT,
          store_read_file(fixture.ref, &fixture.call, at("marker"), 5, &content, &error));
    fails(ERROR_NOT_FOUND,
          store_read_file(fixture.ref, &fixture.call, at("none"), 5, &content, &error));
    buffer_fini(&content);
}

static void crc_is_of_the_whole_content(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    uint32_t crc = 0;
    uint64_t length = 0;
    fill_large();
    put_bytes("large", large, LARGE);
    ok(store_read_crc(fixture.ref, &fixture.call, at("large"), &crc, &length, &error));
    assert_int_equal(length, LARGE);
    assert_int_equal(crc, crc32c(0, large, LARGE));
    put("empty", "");
    ok(store_read_crc(fixture.ref, &fixture.call, at("empty"), &crc, &length, &error));
    assert_int_equal(length, 0);
    assert_int_equal(crc, 0);
}

static bool is_same(const char *first, const char *second)
{
    struct error error = ERROR_NONE;
    bool same = false;
    ok(store_same_content(fixture.ref, &fixture.call, at(first), at(second), &same, &error));
    return same;
}

static void equal_content_is_told_from_equal_length(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    bool same;
    put("a", "some bytes");
    put("b", "some bytes");
    put("c", "same bytes");
    put("d", "some bytes and more");
    assert_true(is_same("a", "b"));
    assert_true(is_same("a", "a"));
    assert_false(is_same("a", "c"));
    assert_false(is_same("a", "d"));
    fails(ERROR_NOT_FOUND,
          store_same_content(fixture.ref, &fixture.call, at("a"), at("none"), &same, &error));
}

static struct copy_order order_of(const struct component *source, const struct entry *entry,
                                  const char *from, const char *to)
{
    return (struct copy_order){.source_component = source,
                               .source = fixture.store,
                               .source_path = at(from),
                               .target_path = at(to),
                               .entry = entry};
}

/* Once as its own kind, once as if the source were of a kind never heard of. */
static void copies_are_complete(void **state)
{
    (void)state;
    struct component stranger = *fixture.component;
    fill_large();
    put_bytes("large", large, LARGE);
    put("empty", "");
    for (int foreign = 0; foreign < 2; foreign++) {
        struct error error = ERROR_NONE;
        struct copy_result result = {0};
        struct entry entry = look("large"), none = look("empty");
        const struct component *source = foreign ? &stranger : fixture.component;
        const char *to = foreign ? "foreign" : "own", *to_empty = foreign ? "e1" : "e2";
        struct copy_order order = order_of(source, &entry, "large", to);
        uint64_t files = atomic_load(&fixture.counters.files_done);
        ok(fixture.component->copy_file(fixture.store, &fixture.call, &order, &result, &error));
        assert_int_equal(result.length, LARGE);
        assert_int_equal(result.crc32c, crc32c(0, large, LARGE));
        assert_int_equal(atomic_load(&fixture.counters.files_done), files + 1);
        uint32_t crc = 0;
        uint64_t length = 0;
        ok(store_read_crc(fixture.ref, &fixture.call, at(to), &crc, &length, &error));
        assert_int_equal(length, LARGE);
        assert_int_equal(crc, result.crc32c);
        char checksum[96];
        ok(fixture.component->checksum(fixture.store, &fixture.call, at(to), checksum, &error));
        assert_string_equal(checksum, result.checksum);
        fails(ERROR_EXISTS,
              fixture.component->copy_file(fixture.store, &fixture.call, &order, &result, &error));
        order = order_of(source, &none, "empty", to_empty);
        ok(fixture.component->copy_file(fixture.store, &fixture.call, &order, &result, &error));
        assert_int_equal(result.length, 0);
        assert_int_equal(result.crc32c, 0);
        assert_string_equal(get(to_empty), "");
    }
}

static void failed_copies_leave_nothing(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    struct copy_result result;
    struct component stranger = *fixture.component;
    fill_large();
    put_bytes("large", large, LARGE);
    struct entry entry = look("large");
    for (int foreign = 0; foreign < 2; foreign++) {
        const struct component *source = foreign ? &stranger : fixture.component;
        struct copy_order order = order_of(source, &entry, "none", "target");
        fails(ERROR_NOT_FOUND,
              fixture.component->copy_file(fixture.store, &fixture.call, &order, &result, &error));
        order = order_of(source, &entry, "large", "none/target");
        fails(ERROR_NOT_FOUND,
              fixture.component->copy_file(fixture.store, &fixture.call, &order, &result, &error));
        order = order_of(source, &entry, "large", "target");
        struct limiter *limiter = limiter_new(NULL);
        limiter_set(limiter, 1 << 20, 0); /* three seconds' worth, of which it gets a fraction */
        struct call slow = {.limiter = limiter};
        slow.deadline_ns = clock_monotonic_ns() + 100 * 1000000;
        fails(ERROR_TIMEOUT,
              fixture.component->copy_file(fixture.store, &slow, &order, &result, &error));
        limiter_free(limiter);
        assert_false(is_there("target"));
    }
}

const struct CMUnitTest contract_file_tests[] = {
    cmocka_unit_test(reader_gives_what_was_written),
    cmocka_unit_test(writer_shows_only_complete_files),
    cmocka_unit_test(counters_count_bytes),
    cmocka_unit_test(small_files_are_replaced_at_once),
    cmocka_unit_test(crc_is_of_the_whole_content),
    cmocka_unit_test(equal_content_is_told_from_equal_length),
    cmocka_unit_test(copies_are_complete),
    cmocka_unit_test(failed_copies_leave_nothing),
    {0},
};
