/* fuzz_receipt.c: any bytes as the frames of a receipt, their checksums made right, in two pieces.
 * The beginning that the reader calls valid gives the same records when it is read again: receiving
 * goes on from there after a crash. */
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/path.h"
#include "plan/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_record(void *context, const struct receipt_record *record, struct error *error)
{
    (void)context;
    (void)error;
    CHECK(path_is_clean_relative(record->inside));
    return true;
}

/* u32 size, u32 CRC, record; over and over. */
static void mend_frames(char *frames, size_t size)
{
    size_t at = 0;
    while (size - at >= 8) {
        struct reader reader;
        reader_init(&reader, frames + at, 4);
        size_t length = reader_u32(&reader);
        if (length == 0 || length > size - at - 8)
            return;
        uint32_t crc = crc32c(0, frames + at + 8, length);
        for (size_t i = 0; i < 4; i++)
            frames[at + 4 + i] = (char)(crc >> (8 * i));
        at += 8 + length;
    }
}

static void read_all(const struct buffer *file, size_t cut, size_t end,
                     struct receipt_reader *reader)
{
    struct error error;
    receipt_reader_init(reader, take_record, NULL);
    CHECK(receipt_reader_feed(reader, file->data, cut, &error));
    CHECK(receipt_reader_feed(reader, file->data + cut, end - cut, &error));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer file;
    struct receipt_reader whole, again;
    if (size == 0)
        return 0;
    buffer_init(&file, 0);
    container_encode(CONTAINER_RECEIPT, data + 1, size - 1, &file);
    mend_frames(file.data + CONTAINER_HEADER_SIZE, size - 1);
    read_all(&file, data[0] % (file.size + 1), file.size, &whole);
    CHECK(whole.valid_size <= file.size);
    read_all(&file, 0, whole.valid_size, &again);
    CHECK(again.count == whole.count && again.valid_size == whole.valid_size && !again.complete);
    receipt_reader_fini(&whole);
    receipt_reader_fini(&again);
    buffer_fini(&file);
    return 0;
}
