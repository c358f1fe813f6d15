/* fuzz_cron.c: any text as an expression, and any bytes as a time zone. What is taken gives
 * instants that rise, and the search backwards finds what the search forwards gave. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "policy/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_instants(const struct cron *cron, const struct zone *zone, int64_t begin_us)
{
    int64_t at_us = begin_us, last_us;
    for (int i = 0; i < 20; i++) {
        int64_t next_us = cron_next(cron, zone, at_us);
        CHECK(next_us > at_us);
        CHECK(cron_last(cron, zone, at_us, next_us, &last_us) && last_us == next_us);
        CHECK(!cron_last(cron, zone, at_us, next_us - 1, &last_us));
        at_us = next_us;
    }
}

/* The first byte is the length of the expression, the second chooses where to begin. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256];
    struct cron cron;
    struct zone zone;
    struct error error = ERROR_NONE;
    if (size < 2 || size - 2 < data[0])
        return 0;
    size_t length = data[0];
    int64_t begin_us = ((int64_t)data[1] - 20) * 365 * 86400 * 100000;
    memcpy(text, data + 2, length);
    text[length] = '\0';
    if (!cron_parse(text, &cron, &error))
        return 0;
    check_instants(&cron, NULL, begin_us);
    if (zone_parse(data + 2 + length, size - 2 - length, &zone, &error)) {
        check_instants(&cron, &zone, begin_us);
        zone_fini(&zone);
    }
    return 0;
}
