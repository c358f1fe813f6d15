/* crc32c.h: CRC-32C (Castagnoli), the content identity of files: it does not depend on how a store
 * lays a file out in blocks. Start with 0; feed the result back in to go on. */
#ifndef COEVAL_BASE_CRC32C_H
#define COEVAL_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* The CRC of A followed by B, from both CRCs and the length of B (for parts copied in parallel). */
uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t size_b);
/* Without the processor's instruction: the same result, so that tests compare both. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
