/* random.h: a seeded generator (backoff jitter, simulation: the same seed gives the same run) and
 * identifiers from the operating system. */
#ifndef COEVAL_BASE_RANDOM_H
#define COEVAL_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound); /* uniform in [0, bound); bound > 0 */

#define UUID_TEXT_SIZE 37

void random_system_bytes(void *ret_data, size_t size);
void uuid_new(char ret_text[UUID_TEXT_SIZE]); /* version 4, lower case */
/* Made from a name: the same name always gives the same id (scenarios, simulation). */
void uuid_from_name(const char *name, char ret_text[UUID_TEXT_SIZE]);

#endif
