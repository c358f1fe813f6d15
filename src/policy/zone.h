/* zone.h: a time zone as data: the transitions of a TZif file (RFC 8536) and the rule of its footer
 * for what comes after them. Pure: zoneinfo.h reads the file. Instants are seconds since 1970. */
#ifndef COEVAL_POLICY_ZONE_H
#define COEVAL_POLICY_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ZONE_NAME_MAX 64
#define ZONE_NEVER INT64_MAX

/* One change of the POSIX rule: day n of the year, or weekday w of week n (5: last) of a month. */
struct zone_change {
    enum { ZONE_DAY_JULIAN, ZONE_DAY_ZERO, ZONE_DAY_WEEK } kind;
    int month, week, day; /* day: of the year, or the weekday */
    int32_t time;         /* seconds of local time; may be negative or beyond a day */
};

struct zone_rule {
    int32_t standard_offset; /* seconds east of UTC */
    bool has_summer;
    int32_t summer_offset;
    struct zone_change summer_begin, summer_end;
};

struct zone_transition {
    int64_t instant;
    int32_t offset; /* from then on */
};

struct zone {
    int32_t first_offset; /* before all transitions */
    struct zone_transition *transitions;
    size_t transition_count;
    bool has_rule;
    struct zone_rule rule; /* after the last transition */
};

/* A name that can be looked up below a zone directory: "Europe/Berlin"; no "..", no leading '/'. */
bool zone_name_is_clean(const char *name);

/* The content of a TZif file. zone_fini() the result. Files with leap seconds are refused. */
bool zone_parse(const void *data, size_t size, struct zone *ret_zone, struct error *error);
void zone_fini(struct zone *zone);
/* POSIX TZ text: "CET-1CEST,M3.5.0,M10.5.0/3". */
bool zone_rule_parse(const char *text, struct zone_rule *ret_rule);

/* zone NULL is UTC in all of these. */
int32_t zone_offset_at(const struct zone *zone, int64_t instant);
/* The first change after instant, or ZONE_NEVER. The offset may be the same on both sides. */
int64_t zone_next_change(const struct zone *zone, int64_t instant);
/* The instant of a local time (seconds since 1970 as the wall shows them): the first of two, the
 * end of the gap for one that is skipped. */
int64_t zone_instant_of(const struct zone *zone, int64_t local);

/* Of the rule alone. */
int32_t zone_rule_offset_at(const struct zone_rule *rule, int64_t instant);
int64_t zone_rule_next_change(const struct zone_rule *rule, int64_t instant);

#endif
