/* fuzz_http_request.c: the first two bytes of the input say where the rest is cut. Whole, in two
 * pieces and byte by byte it must give the same requests, byte for byte, and the same refusal. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "../unit/http/request_verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const char *bytes = (const char *)data + 2;
    size_t length = size - 2, cut = ((size_t)data[0] << 8 | data[1]) % (length + 1);
    struct buffer whole, pieces;
    buffer_init(&whole, 0);
    buffer_init(&pieces, 0);
    verdict_of(bytes, length, length, 0, true, &whole);
    verdict_of(bytes, length, cut, 0, true, &pieces);
    CHECK(strcmp(buffer_text(&whole), buffer_text(&pieces)) == 0);
    verdict_of(bytes, length, 0, 1, true, &pieces);
    CHECK(strcmp(buffer_text(&whole), buffer_text(&pieces)) == 0);
    buffer_fini(&whole);
    buffer_fini(&pieces);
    return 0;
}
