/* size.c: see size.h. Integer arithmetic: the same everywhere, and no locale puts a comma in. */
#include "base/size.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"

struct size_text size_text(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct size_text result;
    size_t unit = 0;
    while (unit + 1 < ARRAY_LENGTH(units) && bytes >> 10 * unit >= 1024)
        unit++;
    unsigned whole = (unsigned)(bytes >> 10 * unit);
    uint64_t rest = unit == 0 ? 0 : bytes >> 10 * (unit - 1) & 1023;
    if (unit == 0 || whole >= 100)
        snprintf(result.text, sizeof result.text, "%u %s", whole, units[unit]);
    else
        snprintf(result.text, sizeof result.text, "%u.%u %s", whole, (unsigned)(rest * 10 / 1024),
                 units[unit]);
    return result;
}
