/* zones.h: real zones of the system for tests. */
#ifndef COEVAL_TEST_ZONES_H
#define COEVAL_TEST_ZONES_H

#include "base/zoneinfo.h"
#include "policy/zone.h"

static inline void zone_load(const char *name, struct zone *ret_zone)
{
    struct buffer content;
    struct error error = ERROR_NONE;
    buffer_init(&content, 0);
    if (!zoneinfo_read(name, &content, &error) ||
        !zone_parse(content.data, content.size, ret_zone, &error))
        fail_msg("%s: %s", name, error.text);
    buffer_fini(&content);
}

#endif
