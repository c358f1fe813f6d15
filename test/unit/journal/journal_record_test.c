/* journal_record_test.c: the bytes of records and objects, every bit of them, and the chain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "journal/journal_record.h"

#define ORIGIN "0b1e6a52-7a0e-4f8e-9f0c-2f1d35a7c001"

static struct journal_record sample(void)
{
    return (struct journal_record){.sequence = 0x0102030405060708u,
                                   .type = JOURNAL_EPOCH,
                                   .generation = 3,
                                   .origin = ORIGIN,
                                   .realtime_us = 1795266000000000,
                                   .boottime_ns = -5,
                                   .payload = "{\"state\":\"SEALED\"}",
                                   .payload_size = 18,
                                   .key = "bills/7"};
}

static bool decode(const struct buffer *bytes, uint64_t sequence, struct journal_record *ret_record,
                   uint32_t *ret_previous_crc, struct error *error)
{
    uint32_t crc;
    return journal_record_decode(bytes->data, bytes->size, sequence, ret_record, ret_previous_crc,
                                 &crc, error);
}

static void assert_same(const struct journal_record *a, const struct journal_record *b)
{
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->generation, b->generation);
    assert_string_equal(a->origin, b->origin);
    assert_int_equal(a->realtime_us, b->realtime_us);
    assert_int_equal(a->boottime_ns, b->boottime_ns);
    assert_int_equal(a->payload_size, b->payload_size);
    assert_int_equal(a->payload == NULL, b->payload == NULL);
    assert_int_equal(a->key == NULL, b->key == NULL);
    if (a->payload != NULL)
        assert_string_equal(a->payload, b->payload);
    if (a->key != NULL)
        assert_string_equal(a->key, b->key);
}

/* The first byte of each field at its place: the format, not only our own inverse of it. */
static void test_layout(void **state)
{
    (void)state;
    struct journal_record record = sample();
    struct buffer bytes;
    uint32_t crc;
    buffer_init(&bytes, 0);
    journal_record_encode(&record, 0xa1b2c3d4u, &bytes, &crc);
    const uint8_t *data = (const uint8_t *)bytes.data;
    const uint8_t head[] = {1, 0, 4, 0, 1, 0, 7, 0, 18, 0, 0, 0, 0xd4, 0xc3, 0xb2, 0xa1,
                            8, 7, 6, 5, 4, 3, 2, 1, 3,  0, 0, 0, 0,    0,    0,    0};
    assert_memory_equal(data, head, sizeof head);
    assert_memory_equal(data + 48, ORIGIN, 36);
    assert_memory_equal(data + 84, "bills/7\0{\"state\":\"SEALED\"}", 8 + 19);
    assert_int_equal(bytes.size, 84 + 8 + 19 + 4);
    assert_int_equal(crc, crc32c(0, data, bytes.size - 4));
    buffer_fini(&bytes);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct journal_record samples[4] = {sample(), sample(), sample(), sample()};
    samples[1].key = NULL;
    samples[2].payload = NULL;
    samples[2].payload_size = 0;
    samples[3].payload = "";
    samples[3].payload_size = 0;
    samples[3].origin[0] = '\0';
    samples[3].type = 17;
    for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
        struct journal_record record;
        struct error error = ERROR_NONE;
        struct buffer bytes;
        uint32_t crc, previous_crc;
        buffer_init(&bytes, 0);
        buffer_append_text(&bytes, "what was there before");
        journal_record_encode(&samples[i], 99, &bytes, &crc);
        buffer_consume(&bytes, strlen("what was there before"));
        assert_true(decode(&bytes, samples[i].sequence, &record, &previous_crc, &error));
        assert_same(&record, &samples[i]);
        assert_int_equal(previous_crc, 99);
        buffer_fini(&bytes);
    }
}

static void test_every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct journal_record record = sample(), decoded;
    struct buffer bytes;
    uint32_t crc, previous_crc;
    buffer_init(&bytes, 0);
    journal_record_encode(&record, 1, &bytes, &crc);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        struct error error = ERROR_NONE;
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        assert_false(decode(&bytes, record.sequence, &decoded, &previous_crc, &error));
        assert_int_equal(error.code, ERROR_CORRUPT);
        assert_non_null(strstr(error.text, "72623859790382856"));
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    buffer_fini(&bytes);
}

/* Every length, in memory of exactly that length, so that a tool would see a read beyond it. */
static void test_every_truncation_is_found(void **state)
{
    (void)state;
    struct journal_record record = sample(), decoded;
    struct buffer bytes;
    uint32_t crc, previous_crc;
    buffer_init(&bytes, 0);
    journal_record_encode(&record, 1, &bytes, &crc);
    for (size_t size = 0; size < bytes.size; size++) {
        struct error error = ERROR_NONE;
        uint8_t *part = memory_new(size);
        memcpy(part, bytes.data, size);
        assert_false(journal_record_decode(part, size, record.sequence, &decoded, &previous_crc,
                                           &crc, &error));
        assert_int_equal(error.code, ERROR_CORRUPT);
        free(part);
    }
    buffer_fini(&bytes);
}

/* Sets bytes and makes the CRC right again: only the meaning is wrong. */
static enum error_code forged(size_t offset, const void *data, size_t size)
{
    struct journal_record record = sample(), decoded;
    struct error error = ERROR_NONE;
    struct buffer bytes;
    uint32_t crc, previous_crc;
    buffer_init(&bytes, 0);
    journal_record_encode(&record, 1, &bytes, &crc);
    memcpy(bytes.data + offset, data, size);
    buffer_truncate(&bytes, bytes.size - 4);
    buffer_append_u32(&bytes, crc32c(0, bytes.data, bytes.size));
    bool decoded_well = decode(&bytes, record.sequence, &decoded, &previous_crc, &error);
    assert_int_equal(decoded_well, error.code == ERROR_OK);
    buffer_fini(&bytes);
    return error.code;
}

static void test_forged_fields(void **state)
{
    (void)state;
    assert_int_equal(forged(0, "\1\0", 2), ERROR_OK);
    assert_int_equal(forged(0, "\2\0", 2), ERROR_INVALID); /* a newer version */
    assert_int_equal(forged(0, "\0\0", 2), ERROR_CORRUPT);
    assert_int_equal(forged(2, "\377\0", 2), ERROR_OK); /* an unknown type is a reader's matter */
    assert_int_equal(forged(4, "\0\0", 2), ERROR_CORRUPT); /* a key without its flag */
    assert_int_equal(forged(4, "\2\0", 2), ERROR_CORRUPT); /* removed, and no key */
    assert_int_equal(forged(4, "\3\0", 2), ERROR_CORRUPT); /* removed, and a payload */
    assert_int_equal(forged(4, "\5\0", 2), ERROR_CORRUPT); /* an unknown flag */
    assert_int_equal(forged(6, "\6\0", 2), ERROR_CORRUPT);
    assert_int_equal(forged(6, "\377\377", 2), ERROR_CORRUPT);
    assert_int_equal(forged(8, "\377\377\377\377", 4), ERROR_CORRUPT);
    assert_int_equal(forged(8, "\21\0", 2), ERROR_CORRUPT);
    assert_int_equal(forged(16, "\11", 1), ERROR_CORRUPT); /* another record's place */
    assert_int_equal(forged(48, "\0", 1), ERROR_CORRUPT);  /* origin goes on behind its end */
    assert_int_equal(forged(86, "\0", 1), ERROR_CORRUPT);  /* a NUL in the key */
    assert_int_equal(forged(100, "\0", 1), ERROR_CORRUPT); /* a NUL in the payload */
    assert_int_equal(forged(91, "x", 1), ERROR_CORRUPT);   /* no NUL behind the key */
}

static void test_sequence(void **state)
{
    (void)state;
    const uint64_t values[] = {0, 1, 255, 256, 0x0102030405060708u, UINT64_MAX};
    uint8_t before[8] = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        uint8_t key[8];
        uint64_t back = 42;
        journal_sequence_encode(values[i], key);
        assert_true(journal_sequence_decode(key, 8, &back));
        assert_int_equal(back, values[i]);
        assert_true(i == 0 || memcmp(before, key, 8) < 0); /* byte order is their order */
        memcpy(before, key, 8);
        assert_false(journal_sequence_decode(key, 7, &back));
    }
}

static void test_objects(void **state)
{
    (void)state;
    struct buffer bytes;
    struct error error = ERROR_NONE;
    const char *payload = NULL;
    uint64_t sequence = 0;
    size_t size = 0;
    buffer_init(&bytes, 0);
    journal_object_encode(JOURNAL_POLICY, "bills", 77, "{\"a\":1}", &bytes);
    assert_true(journal_object_decode(JOURNAL_POLICY, "bills", 5, bytes.data, bytes.size, &sequence,
                                      &payload, &size, &error));
    assert_string_equal(payload, "{\"a\":1}");
    assert_int_equal(size, 7);
    assert_int_equal(sequence, 77);
    assert_false(journal_object_decode(JOURNAL_POLICY, "bells", 5, bytes.data, bytes.size,
                                       &sequence, &payload, &size, &error));
    assert_false(journal_object_decode(JOURNAL_SERVICE, "bills", 5, bytes.data, bytes.size,
                                       &sequence, &payload, &size, &error));
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        error = ERROR_NONE;
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        assert_false(journal_object_decode(JOURNAL_POLICY, "bills", 5, bytes.data, bytes.size,
                                           &sequence, &payload, &size, &error));
        assert_int_equal(error.code, ERROR_CORRUPT);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t cut = 0; cut < bytes.size; cut++)
        assert_false(journal_object_decode(JOURNAL_POLICY, "bills", 5, bytes.data, cut, &sequence,
                                           &payload, &size, &error));
    buffer_fini(&bytes);
}

struct link {
    uint8_t key[8];
    struct buffer bytes;
};

static void make_links(struct link *links, size_t count, uint32_t anchor)
{
    uint32_t crc = anchor;
    for (size_t i = 0; i < count; i++) {
        struct journal_record record = sample();
        record.sequence = i + 1;
        journal_sequence_encode(record.sequence, links[i].key);
        buffer_init(&links[i].bytes, 0);
        journal_record_encode(&record, crc, &links[i].bytes, &crc);
    }
}

static bool follow(struct journal_chain *chain, const struct link *link, struct error *error)
{
    struct journal_record record;
    return journal_chain_accept(chain, link->key, 8, link->bytes.data, link->bytes.size, &record,
                                error);
}

static void test_chain(void **state)
{
    (void)state;
    struct link links[3], others[3];
    struct error error = ERROR_NONE;
    struct journal_chain chain = {.next = 1, .previous_crc = 5, .anchored = true};
    make_links(links, 3, 5);
    make_links(others, 3, 6);
    for (size_t i = 0; i < 3; i++)
        assert_true(follow(&chain, &links[i], &error));
    assert_int_equal(chain.next, 4);

    chain = (struct journal_chain){.next = 1, .previous_crc = 5, .anchored = true};
    assert_false(follow(&chain, &links[1], &error)); /* the first one is missing */
    assert_non_null(strstr(error.text, "record 1: missing"));
    assert_int_equal(chain.next, 1);
    assert_true(follow(&chain, &links[0], &error));
    assert_false(follow(&chain, &others[1], &error)); /* sound, but of another journal */
    assert_non_null(strstr(error.text, "record 2:"));

    chain = (struct journal_chain){.next = 2};
    assert_true(follow(&chain, &others[1], &error)); /* from the middle: taken at its word */
    assert_false(follow(&chain, &links[2], &error));
    for (size_t i = 0; i < 3; i++) {
        buffer_fini(&links[i].bytes);
        buffer_fini(&others[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_flipped_bit_is_found),
        cmocka_unit_test(test_every_truncation_is_found),
        cmocka_unit_test(test_forged_fields),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
