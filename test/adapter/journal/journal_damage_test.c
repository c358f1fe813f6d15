/* journal_damage_test.c: what a bad disk leaves. Whatever bytes are in the file, the reader and the
 * daemon must come back with an answer; what they call sound must be exactly what was written. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/journal/journal_fixture.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/random.h"

#define RECORDS 150u /* enough for branch pages */
#define LARGE_EVERY 40u
#define PAGE ((size_t)4096)
#define RECORD_HEAD 84u

static struct journal_fixture fixture;
static char data_path[128];
static struct buffer original; /* of data.mdb */
static uint32_t content;       /* CRC of what a reader of the original sees */
static struct random generator;

static void payload_of(unsigned number, struct buffer *payload)
{
    buffer_clear(payload);
    buffer_append_format(payload, "{\"mark\":\"<%u>\",\"text\":\"", number);
    for (unsigned i = 0; number % LARGE_EVERY == 0 && i < 9000; i++)
        buffer_append_byte(payload, (uint8_t)('a' + i % 26));
    buffer_append_text(payload, "\"}");
}

static bool add_record_to_crc(void *context, const struct journal_record *record,
                              struct error *error)
{
    uint32_t *crc = context;
    (void)error;
    *crc = crc32c(*crc, &record->sequence, sizeof record->sequence);
    *crc = crc32c(*crc, record->payload, record->payload_size);
    return true;
}

static bool add_object_to_crc(void *context, const char *key, const char *payload, size_t size,
                              struct error *error)
{
    uint32_t *crc = context;
    (void)error;
    *crc = crc32c(*crc, key, strlen(key));
    *crc = crc32c(*crc, payload, size);
    return true;
}

struct finding {
    enum error_code code; /* of open, or of verify */
    uint64_t sequence;
    uint64_t records;
    uint32_t content; /* when sound */
    char text[256];
};

static struct finding examine(void)
{
    struct journal_reader *reader = NULL;
    struct error error = ERROR_NONE;
    struct finding finding = {.sequence = 1};
    if (journal_reader_open(fixture.directory, &reader, &error) &&
        journal_reader_verify(reader, &finding.records, &finding.sequence, &error)) {
        journal_reader_records(reader, 0, SIZE_MAX, add_record_to_crc, &finding.content, &error);
        journal_reader_objects(reader, JOURNAL_EPOCH, add_object_to_crc, &finding.content, &error);
    } else if (reader != NULL) {
        /* reading what is left must come back too */
        struct error ignored = ERROR_NONE;
        uint32_t crc = 0;
        journal_reader_records(reader, 0, SIZE_MAX, add_record_to_crc, &crc, &ignored);
        journal_reader_objects(reader, JOURNAL_EPOCH, add_object_to_crc, &crc, &ignored);
    }
    finding.code = error.code;
    memcpy(finding.text, error.text, sizeof finding.text);
    journal_reader_close(reader);
    return finding;
}

static void write_at(size_t offset, const void *data, size_t size)
{
    int fd = open(data_path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(pwrite(fd, data, size, (off_t)offset) == (ssize_t)size);
    close(fd);
}

static void restore(void)
{
    CHECK(truncate(data_path, 0) == 0);
    write_at(0, original.data, original.size);
}

static void flip(size_t bit)
{
    char byte = (char)(original.data[bit / 8] ^ 1 << bit % 8);
    write_at(bit / 8, &byte, 1);
}

static void unflip(size_t bit)
{
    write_at(bit / 8, &original.data[bit / 8], 1);
}

static int set_up(uint64_t keep_records)
{
    struct error error = ERROR_NONE;
    struct buffer payload;
    random_init(&generator, 20261121);
    fixture_init(&fixture);
    fixture.keep_records = keep_records;
    make_path(data_path, sizeof data_path, fixture.directory, "data.mdb");
    buffer_init(&payload, 0);
    CHECK(fixture_open(&fixture, &error));
    for (unsigned i = 1; i <= RECORDS; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i % 60);
        payload_of(i, &payload);
        CHECK(fixture_append(&fixture, i % 3 == 0 ? NULL : key, buffer_text(&payload), &error));
        if (i % 5 == 0)
            CHECK(fixture_wait(&fixture, i));
    }
    fixture_close(&fixture);
    buffer_fini(&payload);
    buffer_init(&original, 0);
    CHECK(file_read(data_path, (size_t)64 << 20, &original, &error));
    struct finding finding = examine();
    content = finding.content;
    bool as_wanted = keep_records == 0 ? finding.records == RECORDS : finding.records < RECORDS;
    return finding.code == ERROR_OK && as_wanted ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    return set_up(0);
}

/* Whose records begin behind an anchor. */
static int setup_trimmed(void **state)
{
    (void)state;
    return set_up(10);
}

static int teardown(void **state)
{
    (void)state;
    buffer_fini(&original);
    fixture_fini(&fixture);
    return 0;
}

/* Sound and the same, or corrupt: never sound and different, never anything else. */
static void assert_honest(const char *what, size_t where)
{
    struct finding finding = examine();
    if (finding.code == ERROR_OK && finding.content != content)
        fail_msg("%s %zu: called sound, but the content differs", what, where);
    if (finding.code != ERROR_OK && finding.code != ERROR_CORRUPT &&
        finding.code != ERROR_INVALID && finding.code != ERROR_CONFLICT &&
        finding.code != ERROR_IO && finding.code != ERROR_NO_SPACE && finding.code != ERROR_LIMIT)
        fail_msg("%s %zu: %s", what, where, finding.text);
}

/* Every place where this record's bytes are, old copies in free pages too: the bit is flipped in
 * all of them, so that the live one is among them. */
static size_t find_record(unsigned number, size_t *ret_places, size_t limit, size_t *ret_size)
{
    struct buffer payload;
    size_t count = 0;
    uint64_t sequence = number;
    buffer_init(&payload, 0);
    payload_of(number, &payload);
    for (size_t at = RECORD_HEAD; at + payload.size + 5 <= original.size; at++) {
        if (memcmp(original.data + at, payload.data, payload.size) != 0)
            continue;
        size_t key_size = number % 3 == 0 ? 0 : number % 60 < 10 ? 2 : 3;
        size_t start = at - RECORD_HEAD - key_size - 1;
        if (memcmp(original.data + start + 16, &sequence, sizeof sequence) != 0)
            continue;
        CHECK(count < limit);
        ret_places[count++] = start;
        *ret_size = RECORD_HEAD + key_size + 1 + payload.size + 1 + 4;
    }
    buffer_fini(&payload);
    return count;
}

static void test_flipped_bits_in_every_record(void **state)
{
    (void)state;
    for (unsigned number = 1; number <= RECORDS; number++) {
        size_t places[64], size = 0, count = find_record(number, places, 64, &size);
        assert_true(count > 0);
        for (int round = 0; round < 16; round++) {
            size_t bit = random_below(&generator, size * 8);
            for (size_t i = 0; i < count; i++)
                flip(places[i] * 8 + bit);
            struct finding finding = examine();
            if (finding.code != ERROR_CORRUPT || finding.sequence != number)
                fail_msg("record %u bit %zu: %s, sequence %d", number, bit, finding.text,
                         (int)finding.sequence);
            assert_non_null(strstr(finding.text, "record "));
            for (size_t i = 0; i < count; i++)
                unflip(places[i] * 8 + bit);
        }
    }
    assert_int_equal(examine().code, ERROR_OK);
}

static void test_every_bit_of_the_heads(void **state)
{
    (void)state;
    for (size_t page = 0; page < 2; page++)
        for (size_t bit = 0; bit < (size_t)160 * 8; bit += ROUNDS_SHARE) {
            flip(page * PAGE * 8 + bit);
            assert_honest("head bit", page * PAGE * 8 + bit);
            unflip(page * PAGE * 8 + bit);
        }
}

/* Page and node heads are where LMDB would follow a number anywhere. */
static void test_heads_of_every_page(void **state)
{
    (void)state;
    for (size_t page = 2; page < original.size / PAGE; page++)
        for (size_t bit = 0; bit < (size_t)64 * 8; bit += 3 * ROUNDS_SHARE) {
            flip(page * PAGE * 8 + bit);
            assert_honest("page bit", page * PAGE * 8 + bit);
            unflip(page * PAGE * 8 + bit);
        }
}

static void test_flips_anywhere(void **state)
{
    (void)state;
    for (int round = 0; round < 4000 / ROUNDS_SHARE; round++) {
        size_t bits[3] = {0}, count = 1 + random_below(&generator, 3);
        for (size_t i = 0; i < count; i++) {
            bits[i] = random_below(&generator, original.size * 8);
            flip(bits[i]);
        }
        assert_honest("bit", bits[0]);
        for (size_t i = 0; i < count; i++)
            unflip(bits[i]);
    }
}

static void test_truncation(void **state)
{
    (void)state;
    for (size_t size = 0; size < original.size; size += size < 3 * PAGE ? 128 : PAGE / 2) {
        CHECK(truncate(data_path, (off_t)size) == 0);
        assert_honest("cut at", size);
        if (size < original.size / 2)
            assert_int_not_equal(examine().code, ERROR_OK);
        restore();
    }
}

static void test_pages_lost_and_swapped(void **state)
{
    (void)state;
    char zeros[PAGE] = {0};
    size_t pages = original.size / PAGE;
    for (size_t page = 0; page < pages; page++) {
        write_at(page * PAGE, zeros, PAGE);
        assert_honest("zeroed page", page);
        write_at(page * PAGE, original.data + page * PAGE, PAGE);
    }
    for (int round = 0; round < 500; round++) {
        size_t from = random_below(&generator, pages), to = random_below(&generator, pages);
        write_at(to * PAGE, original.data + from * PAGE, PAGE);
        assert_honest("overwritten page", to);
        write_at(to * PAGE, original.data + to * PAGE, PAGE);
    }
}

/* The daemon refuses or works; what it then writes is sound where what it read was. */
static int open_and_append(void *context)
{
    struct error error = ERROR_NONE;
    (void)context;
    fixture.verify_all = true;
    if (!fixture_open(&fixture, &error))
        return error.code == ERROR_CORRUPT ? 1 : 2;
    for (unsigned i = 0; i < 20; i++)
        if (!fixture_append(&fixture, "k1", "{}", &error))
            return 3;
    fixture_close(&fixture);
    return fixture.done == 20 + RECORDS && examine().code == ERROR_OK ? 0 : 4;
}

/* In the head of an entry of this page, or of the page when it has none: sizes, flags. */
static size_t bit_of_an_entry(size_t page)
{
    const uint8_t *bytes = (const uint8_t *)original.data + page * PAGE;
    size_t lower = bytes[12] | (size_t)bytes[13] << 8;
    size_t count = lower > 16 && lower <= PAGE ? (lower - 16) / 2 : 0, at = 0;
    if (count > 0) {
        size_t pointer = 16 + 2 * random_below(&generator, count);
        at = bytes[pointer] | (size_t)bytes[pointer + 1] << 8;
    }
    at = at + 8 > PAGE ? 0 : at;
    return (page * PAGE + at) * 8 + random_below(&generator, 64);
}

static void test_daemon_on_damaged_files(void **state)
{
    (void)state;
    int outcomes[5] = {0};
    for (int round = 0; round < 600 / ROUNDS_SHARE; round++) {
        size_t page = random_below(&generator, original.size / PAGE);
        size_t bit = page * PAGE * 8 + random_below(&generator, (round % 3 == 0 ? PAGE : 64) * 8);
        if (round % 3 == 1)
            bit = bit_of_an_entry(page);
        flip(bit);
        int outcome = run_in_child(open_and_append, NULL);
        if (outcome < 0 || outcome > 2)
            fail_msg("bit %zu: outcome %d", bit, outcome);
        outcomes[outcome]++;
        restore();
    }
    assert_true(outcomes[0] > 0);
    assert_true(outcomes[1] > 0);
}

static void test_daemon_names_the_record(void **state)
{
    (void)state;
    size_t places[64], size = 0, count = find_record(77, places, 64, &size);
    struct error error = ERROR_NONE;
    for (size_t i = 0; i < count; i++)
        flip(places[i] * 8 + 300);
    assert_false(fixture_open(&fixture, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    assert_non_null(strstr(error.text, "record 77"));
    restore();
}

int main(int count, char **values)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped_bits_in_every_record),
        cmocka_unit_test(test_every_bit_of_the_heads),
        cmocka_unit_test(test_heads_of_every_page),
        cmocka_unit_test(test_flips_anywhere),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_pages_lost_and_swapped),
        cmocka_unit_test(test_daemon_on_damaged_files),
        cmocka_unit_test(test_daemon_names_the_record),
    };
    const struct CMUnitTest trimmed[] = {
        cmocka_unit_test(test_every_bit_of_the_heads),
        cmocka_unit_test(test_heads_of_every_page),
        cmocka_unit_test(test_flips_anywhere),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_pages_lost_and_swapped),
        cmocka_unit_test(test_daemon_on_damaged_files),
    };
    bool is_trimmed = count > 1 && strcmp(values[1], "trimmed") == 0;
    return is_trimmed ? cmocka_run_group_tests(trimmed, setup_trimmed, teardown)
                      : cmocka_run_group_tests(tests, setup, teardown);
}
