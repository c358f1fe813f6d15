/* retention.c: see retention.h. */
#include "policy/retention.h"

#include <stdlib.h>

#include "base/check.h"

static int compare_seals(const void *left, const void *right)
{
    const struct retention_seal *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static bool rule_keeps(const struct retention_rule *rule, const struct retention_seal *seal,
                       size_t newer, int64_t now_us)
{
    if (rule->last == 0 && rule->age_us == 0)
        return true;
    return newer < rule->last || (rule->age_us > 0 && now_us - seal->moment_us < rule->age_us);
}

size_t retention_choose(const struct retention_rule *rule, const struct retention_seal *seals,
                        size_t count, int64_t now_us, uint64_t *ret_numbers)
{
    size_t retired = 0;
    if (count == 0)
        return 0;
    struct retention_seal *sorted = memory_new(count * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = seals[i];
    qsort(sorted, count, sizeof *sorted, compare_seals);
    for (size_t i = 0; i + 1 < count; i++) { /* never the newest */
        CHECK(sorted[i].number < sorted[i + 1].number);
        if (!sorted[i].is_base && !sorted[i].is_held &&
            !rule_keeps(rule, &sorted[i], count - 1 - i, now_us))
            ret_numbers[retired++] = sorted[i].number;
    }
    free(sorted);
    return retired;
}
