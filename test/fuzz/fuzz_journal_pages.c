/* fuzz_journal_pages.c: any bytes as LMDB's file, through the walker that stands between a damaged
 * journal and LMDB. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "journal/lmdb/lmdb_pages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every byte that the walker hands out. */
static bool touch(void *context, const void *key, size_t key_size, const void *value,
                  size_t value_size, struct error *error)
{
    uint32_t *crc = context;
    (void)error;
    *crc = crc32c(crc32c(*crc, key, key_size), value, value_size);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t crc = 0;
    struct error error = ERROR_NONE;
    struct lmdb_pages_options options = {.any_transaction = true, .visit = touch, .context = &crc};
    options.fd = memfd_create("journal", MFD_CLOEXEC);
    CHECK(options.fd >= 0);
    CHECK(write(options.fd, data, size) == (ssize_t)size);
    if (!lmdb_pages_walk(&options, &error))
        CHECK(error.code == ERROR_CORRUPT);
    error = ERROR_NONE;
    options.database = "records";
    if (!lmdb_pages_walk(&options, &error))
        CHECK(error.code == ERROR_CORRUPT);
    close(options.fd);
    return 0;
}
