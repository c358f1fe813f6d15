/* fuzz_duration.c: any text as a duration, a size, a rate, a time zone rule. A duration that is
 * taken lies within its limits and survives its canonical form. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "policy/duration.h"
#include "policy/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[128], canonical[DURATION_TEXT_SIZE];
    int64_t us, again_us;
    uint64_t bytes;
    struct zone_rule rule;
    struct error error = ERROR_NONE;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (duration_parse(text, &us, &error)) {
        CHECK(us > 0 && us <= DURATION_US_MAX);
        duration_format(us, canonical);
        CHECK(duration_parse(canonical, &again_us, &error) && again_us == us);
    }
    if (size_parse(text, &bytes, &error))
        CHECK(bytes > 0 && bytes <= SIZE_MAX_BYTES);
    if (rate_parse(text, &bytes, &error))
        CHECK(bytes > 0 && bytes <= SIZE_MAX_BYTES);
    if (zone_rule_parse(text, &rule))
        for (int64_t year = -100; year < 400; year += 7)
            CHECK(zone_rule_next_change(&rule, year * 31556952) > year * 31556952);
    return 0;
}
