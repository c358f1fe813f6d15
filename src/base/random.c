/* random.c: xoshiro256** seeded by splitmix64; getrandom(2) for identifiers. */
#include "base/random.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/digest.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void random_init(struct random *random, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_LENGTH(random->state); i++)
        random->state[i] = splitmix(&seed);
}

static uint64_t rotate(uint64_t value, int by)
{
    return (value << by) | (value >> (64 - by));
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    CHECK(bound > 0);
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value;
    do
        value = random_next(random);
    while (value >= limit);
    return value % bound;
}

void random_system_bytes(void *ret_data, size_t size)
{
    char *place = ret_data;
    while (size > 0) {
        ssize_t got = getrandom(place, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        CHECK(got > 0);
        place += got;
        size -= (size_t)got;
    }
}

static void format_uuid(uint8_t bytes[16], uint8_t version, char ret_text[UUID_TEXT_SIZE])
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | (version << 4));
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    char *place = ret_text;
    for (size_t i = 0; i < sizeof groups; i++) {
        if (i > 0)
            *place++ = '-';
        hex_format(bytes, groups[i], place);
        bytes += groups[i];
        place += 2 * groups[i];
    }
}

void uuid_new(char ret_text[UUID_TEXT_SIZE])
{
    uint8_t bytes[16];
    random_system_bytes(bytes, sizeof bytes);
    format_uuid(bytes, 4, ret_text);
}

void uuid_from_name(const char *name, char ret_text[UUID_TEXT_SIZE])
{
    struct digest digest = digest_of(name, strlen(name));
    format_uuid(digest.bytes, 8, ret_text);
}
