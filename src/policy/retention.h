/* retention.h: which sealed epochs retire on one side. Pure.
 * An epoch stays while any rule keeps it: it is among the last n, or younger than the age. Its age
 * is the time between its T and that of the seal before the newest one (or now, if that is
 * earlier), without pauses: a gap between two seals of more than a quarter of the rule's age, and
 * of more than twice the usual one, counts as a usual one. Without any rule all stay.
 * Whatever the rules say, the newest seal, a base, and what a hold names stay.
 */
#ifndef COEVAL_POLICY_RETENTION_H
#define COEVAL_POLICY_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct retention_rule {
    uint64_t last;  /* keep so many; 0: no such rule */
    int64_t age_us; /* keep what is younger; 0: no such rule */
};

struct retention_seal {
    uint64_t number;   /* of the epoch: gives the order, never the clock */
    int64_t moment_us; /* its T */
    bool is_base;      /* any service's difference starts there */
    bool is_held;
};

/* Seals in any order. Writes the numbers that retire, oldest first, and returns how many;
 * ret_numbers has room for count. */
size_t retention_choose(const struct retention_rule *rule, const struct retention_seal *seals,
                        size_t count, int64_t now_us, uint64_t *ret_numbers);

#endif
