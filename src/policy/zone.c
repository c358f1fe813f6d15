/* zone.c: TZif data and the questions to a zone; the rule of the footer is in zone_rule.c. */
#include "policy/zone.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"

#define OFFSET_MAX 93599 /* 25:59:59, RFC 8536 section 3.2 */
#define OFFSET_MIN (-89999)

bool zone_name_is_clean(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > ZONE_NAME_MAX || !isalpha((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("_-+/", name[i]) == NULL)
            return false;
    return strstr(name, "//") == NULL && name[length - 1] != '/';
}

struct tzif_header {
    char version;
    uint32_t counts[6]; /* isutcnt isstdcnt leapcnt timecnt typecnt charcnt */
};
enum { UT_COUNT, STANDARD_COUNT, LEAP_COUNT, TIME_COUNT, TYPE_COUNT, CHAR_COUNT };

static int64_t big_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return size == 4 ? (int32_t)value : (int64_t)value;
}

static bool read_header(struct reader *reader, struct tzif_header *header)
{
    const uint8_t *bytes = reader_bytes(reader, 44);
    if (bytes == NULL || memcmp(bytes, "TZif", 4) != 0)
        return false;
    header->version = (char)bytes[4];
    for (size_t i = 0; i < ARRAY_LENGTH(header->counts); i++) {
        int64_t count = big_endian(bytes + 20 + 4 * i, 4);
        if (count < 0 || count > (1 << 20))
            return false;
        header->counts[i] = (uint32_t)count;
    }
    return true;
}

static size_t block_size(const struct tzif_header *header, size_t time_size)
{
    const uint32_t *counts = header->counts;
    return counts[TIME_COUNT] * (time_size + 1) + counts[TYPE_COUNT] * (size_t)6 +
           counts[CHAR_COUNT] + counts[LEAP_COUNT] * (time_size + 4) + counts[STANDARD_COUNT] +
           counts[UT_COUNT];
}

/* Takes the transitions out of one data block. */
static bool read_block(struct reader *reader, const struct tzif_header *header, size_t time_size,
                       struct zone *zone)
{
    uint32_t count = header->counts[TIME_COUNT], type_count = header->counts[TYPE_COUNT];
    const uint8_t *block = reader_bytes(reader, block_size(header, time_size));
    if (block == NULL || type_count == 0 || header->counts[LEAP_COUNT] != 0)
        return false;
    const uint8_t *indexes = block + count * time_size, *types = indexes + count;
    zone->transitions = memory_new((count + 1) * sizeof zone->transitions[0]);
    zone->transition_count = count;
    for (uint32_t i = 0; i < type_count; i++) {
        int64_t offset = big_endian(types + 6 * i, 4);
        if (offset < OFFSET_MIN || offset > OFFSET_MAX)
            return false;
    }
    zone->first_offset = (int32_t)big_endian(types, 4);
    for (uint32_t i = 0; i < count; i++) {
        struct zone_transition *transition = &zone->transitions[i];
        if (indexes[i] >= type_count)
            return false;
        transition->instant = big_endian(block + i * time_size, time_size);
        transition->offset = (int32_t)big_endian(types + 6 * indexes[i], 4);
        if (i > 0 && transition->instant <= transition[-1].instant)
            return false;
    }
    return true;
}

/* "\n<rule>\n"; an empty one means: as after the last transition, for ever. */
static bool read_footer(struct reader *reader, struct zone *zone)
{
    char text[128];
    size_t size = reader->size - reader->offset;
    const char *bytes = reader_bytes(reader, size);
    if (bytes == NULL || size < 2 || size - 2 >= sizeof text || bytes[0] != '\n' ||
        bytes[size - 1] != '\n')
        return false;
    memcpy(text, bytes + 1, size - 2);
    text[size - 2] = '\0';
    if (strlen(text) != size - 2)
        return false;
    zone->has_rule = size > 2;
    return !zone->has_rule || zone_rule_parse(text, &zone->rule);
}

static bool read_zone(struct reader *reader, struct zone *zone)
{
    struct tzif_header header;
    if (!read_header(reader, &header))
        return false;
    if (header.version == '\0')
        return read_block(reader, &header, 4, zone) && reader_at_end(reader);
    if (reader_bytes(reader, block_size(&header, 4)) == NULL && block_size(&header, 4) > 0)
        return false;
    return read_header(reader, &header) && read_block(reader, &header, 8, zone) &&
           read_footer(reader, zone);
}

bool zone_parse(const void *data, size_t size, struct zone *ret_zone, struct error *error)
{
    struct reader reader;
    struct zone zone = {.transitions = NULL};
    reader_init(&reader, data, size);
    if (!read_zone(&reader, &zone)) {
        zone_fini(&zone);
        return error_set(error, ERROR_CORRUPT,
                         "not a usable time zone file (TZif without leap "
                         "seconds): install package tzdata anew");
    }
    *ret_zone = zone;
    return true;
}

void zone_fini(struct zone *zone)
{
    free(zone->transitions);
    *zone = (struct zone){.transitions = NULL};
}

/* How many transitions are at or before the instant. */
static size_t transitions_until(const struct zone *zone, int64_t instant)
{
    size_t low = 0, high = zone->transition_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->transitions[middle].instant <= instant)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t zone_offset_at(const struct zone *zone, int64_t instant)
{
    if (zone == NULL)
        return 0;
    size_t count = transitions_until(zone, instant);
    if (count == zone->transition_count && zone->has_rule)
        return zone_rule_offset_at(&zone->rule, instant);
    return count == 0 ? zone->first_offset : zone->transitions[count - 1].offset;
}

int64_t zone_next_change(const struct zone *zone, int64_t instant)
{
    if (zone == NULL)
        return ZONE_NEVER;
    size_t count = transitions_until(zone, instant);
    if (count < zone->transition_count)
        return zone->transitions[count].instant;
    return zone->has_rule ? zone_rule_next_change(&zone->rule, instant) : ZONE_NEVER;
}

int64_t zone_instant_of(const struct zone *zone, int64_t local)
{
    /* Walks the stretches of constant offset, beginning before any that could hold the local time.
     * In the first that ends after it, it lies inside, or it was skipped just before. */
    int64_t begin = local - OFFSET_MAX;
    for (;;) {
        int64_t end = zone_next_change(zone, begin);
        int64_t instant = local - zone_offset_at(zone, begin);
        if (instant < end)
            return instant > begin ? instant : begin;
        begin = end;
    }
}
