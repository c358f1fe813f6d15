/* fuzz_journal_record.c: any bytes as a record and as an object. The first byte says whether the
 * checksum is made right, so that the fields behind it are reached. What is taken, encoded again,
 * gives the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "journal/journal_record.h"

#define KEY "bills/7"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_crc(uint8_t *bytes, size_t size, uint32_t crc)
{
    for (size_t i = 0; i < 4; i++)
        bytes[size - 4 + i] = (uint8_t)(crc >> (8 * i));
}

static void try_record(const uint8_t *bytes, size_t size)
{
    uint64_t sequence = 0;
    uint32_t previous_crc, crc, again_crc;
    struct journal_record record;
    struct error error = ERROR_NONE;
    struct buffer again;
    if (size >= 24)
        memcpy(&sequence, bytes + 16, sizeof sequence);
    if (!journal_record_decode(bytes, size, sequence, &record, &previous_crc, &crc, &error)) {
        CHECK(error.code == ERROR_CORRUPT || error.code == ERROR_INVALID);
        return;
    }
    CHECK(record.payload == NULL || strlen(record.payload) == record.payload_size);
    buffer_init(&again, 0);
    journal_record_encode(&record, previous_crc, &again, &again_crc);
    CHECK(again_crc == crc && again.size == size && memcmp(again.data, bytes, size) == 0);
    buffer_fini(&again);
}

static void try_object(const uint8_t *bytes, size_t size)
{
    uint64_t sequence;
    const char *payload;
    size_t payload_size;
    struct error error = ERROR_NONE;
    struct buffer again;
    if (!journal_object_decode(JOURNAL_EPOCH, KEY, strlen(KEY), bytes, size, &sequence, &payload,
                               &payload_size, &error))
        return;
    CHECK(strlen(payload) == payload_size);
    buffer_init(&again, 0);
    journal_object_encode(JOURNAL_EPOCH, KEY, sequence, payload, &again);
    CHECK(again.size == size && memcmp(again.data, bytes, size) == 0);
    buffer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t type[2] = {JOURNAL_EPOCH, 0};
    if (size < 1)
        return 0;
    bool mend = (data[0] & 1) != 0;
    size--;
    uint8_t *bytes = memory_new(size); /* of exactly this size: a read beyond it is seen */
    memcpy(bytes, data + 1, size);
    if (mend && size >= 4)
        set_crc(bytes, size, crc32c(0, bytes, size - 4));
    try_record(bytes, size);
    if (mend && size >= 4)
        set_crc(bytes, size, crc32c(crc32c(crc32c(0, type, 2), KEY, strlen(KEY)), bytes, size - 4));
    try_object(bytes, size);
    free(bytes);
    return 0;
}
